"""Postings: what the ledger keeps comes back the same, and a comparison sees every field that matters, once."""

import datetime as dt
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xerotui.model.kinds import Kind
from xerotui.model.money import AmountsAre
from xerotui.model.postings import (
    Change,
    ContactPosting,
    DocumentPosting,
    ItemPosting,
    Posting,
    PostingLine,
    PriceSide,
    decode,
    differences,
    encode,
)
from xerotui.model.records import Address, Terms

D = Decimal
CONTACT = ContactPosting(
    kind=Kind.CUSTOMER,
    name="Acme <b>&</b> Söhne\n\x07",
    number="A-1",
    address=Address(("1 High St",), "Leeds", "", "LS1", "GB"),
    terms=Terms(30),
)
ITEM = ItemPosting(
    code="SRV", sales=PriceSide(price=D("5.2456"), account="200", tax="OUTPUT2"), purchase=PriceSide(account="310")
)
FULL = PostingLine(
    description="Support",
    quantity=D("1.5"),
    unit_amount=D("99.9900"),
    account="200",
    tax="OUTPUT2",
    tax_percent=D("20"),
    tracking=(("c1", "o1", "Region", "North"),),
)
INVOICE = DocumentPosting(
    kind=Kind.INVOICE,
    number="INV-1",
    contact="id-1",
    contact_name="Acme",
    date=dt.date(2026, 2, 28),
    due_date=dt.date(2026, 3, 30),
    currency="GBP",
    amounts=AmountsAre.EXCLUSIVE,
    lines=(FULL, PostingLine(description="A heading")),
    subtotal=D("149.99"),
    tax=D("30.00"),
    total=D("179.99"),
)


@pytest.mark.parametrize("posting", [CONTACT, ITEM, INVOICE])
def test_what_is_kept_comes_back(posting: Posting) -> None:
    body = encode(posting)
    assert decode(body) == posting
    assert type(decode(body)) is type(posting)
    # The same posting is the same bytes: plans and calls are hashed by them.
    assert encode(decode(body.decode())) == body


def test_amounts_are_kept_as_text_with_their_scale() -> None:
    assert b'"unit_amount":"99.9900"' in encode(INVOICE)
    back = decode(encode(INVOICE))
    assert isinstance(back, DocumentPosting)
    assert str(back.lines[0].unit_amount) == "99.9900"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"is":"invoice"}', b'{"is":"document","kind":"invoice"}', b"[]", b"nonsense"]
)
def test_what_is_no_posting_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(body)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4), st.text(max_size=30))
def test_any_number_and_any_text_survive(price: Decimal, text: str) -> None:
    posting = ItemPosting(code=text, sales=PriceSide(price=price))
    assert decode(encode(posting)) == posting


def change(posting: DocumentPosting, **fields: object) -> tuple[Change, ...]:
    return differences(posting, msgspec.structs.replace(posting, **fields))


@pytest.mark.parametrize("posting", [CONTACT, ITEM, INVOICE])
def test_nothing_differs_from_itself(posting: Posting) -> None:
    assert differences(posting, decode(encode(posting))) == ()


def test_one_number_in_two_scales_is_one_number() -> None:
    line = msgspec.structs.replace(FULL, quantity=D("1.50"), unit_amount=D("99.99"))
    assert change(INVOICE, lines=(line, INVOICE.lines[1])) == ()
    assert change(INVOICE, total=D("179.990"), tax=D("3E+1")) == ()


def test_each_changed_field_is_told_with_both_values() -> None:
    line = msgspec.structs.replace(FULL, quantity=D("2"), tracking=(("c1", "o2", "Region", "South"),))
    found = change(INVOICE, reference="PO 7", due_date=None, lines=(line, INVOICE.lines[1]))
    assert set(found) == {
        Change("reference", "", "PO 7"),
        Change("due_date", "2026-03-30", ""),
        Change("lines.1.quantity", "1.5", "2"),
        Change("lines.1.tracking.1.2", "o1", "o2"),
        Change("lines.1.tracking.1.4", "North", "South"),
    }
    assert len(found) == len({c.path for c in found})


def test_an_added_and_a_removed_line_show() -> None:
    shorter = change(INVOICE, lines=INVOICE.lines[:1])
    assert shorter == (Change("lines.2.description", "A heading", ""),)
    longer = differences(msgspec.structs.replace(INVOICE, lines=INVOICE.lines[:1]), INVOICE)
    assert longer == (Change("lines.2.description", "", "A heading"),)


def test_a_creation_tells_everything_it_sets() -> None:
    found = {c.path: c.after for c in differences(None, INVOICE)}
    assert found["lines.1.unit_amount"] == "99.99"
    assert found["date"] == "2026-02-28"
    assert found["total"] == "179.99"
    assert all(c.before == "" for c in differences(None, CONTACT))


@pytest.mark.parametrize(
    "fields",
    [
        {"contact_name": "Acme Ltd"},
        {"lines": (msgspec.structs.replace(FULL, line_id="x", tax_percent=D("5")), INVOICE.lines[1])},
    ],
)
def test_what_only_rides_along_is_no_difference(fields: dict[str, object]) -> None:
    assert change(INVOICE, **fields) == ()


def test_another_kind_of_posting_is_all_different() -> None:
    assert {c.path for c in differences(CONTACT, ITEM)} >= {"name", "code", "kind"}


def test_a_heading_has_no_price() -> None:
    heading = PostingLine(description="A heading")
    assert (heading.heading, FULL.heading) == (True, False)
    assert heading.priced().quantity == 0
    assert FULL.priced().unit_amount == D("99.99")
