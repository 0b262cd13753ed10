"""Payments and allocations of credit as calls of the engine, against the emulated Xero over real HTTP."""

import datetime as dt
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.engine.xero_kit import WORLD, Bench, active_contact, benched, confirmed, invoice, wide
from xerotui.model.kinds import Kind
from xerotui.model.postings import AllocationPosting, PaymentPosting, Posting, decode, encode
from xerotui.model.records import Account, Document, Payment
from xerotui.model.work import Verb
from xerotui.net.http import Response
from xerotui.xero.answers import Confirmed, Refused, Unclear, Verdicts, WholeRefusal, read_answer
from xerotui.xero.calls import encode_call, most, supports
from xerotui.xero.errors import NotFound, XeroError


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with benched(tmp_path) as found:
        yield found


def payment(document: str, account: Account, amount: str, reference: str, **more: Any) -> PaymentPosting:
    return PaymentPosting(
        document=document, account=account.id, date=WORLD.today, amount=Decimal(amount), reference=reference, **more
    )


def test_payments_and_allocations_are_exact_bytes() -> None:
    sent = payment("I1", Account(id="A1", kind=Kind.ACCOUNT), "1E+1", "P-1", currency_rate=Decimal("1.250000"))
    assert decode(encode(sent)) == sent
    call = encode_call(Kind.PAYMENT, Verb.PAY, [(sent, "")])
    assert (call.method, call.path) == ("PUT", "/Payments?summarizeErrors=false")
    assert b'"Amount":10,' in call.body
    assert b'"CurrencyRate":1.250000' in call.body
    [element] = json.loads(call.body)["Payments"]
    assert (element["Invoice"], element["Account"]) == ({"InvoiceID": "I1"}, {"AccountID": "A1"})
    assert (element["Date"], element["Reference"]) == (WORLD.today.isoformat(), "P-1")
    refund = PaymentPosting(
        document="N1", for_kind=Kind.CREDIT_NOTE, account="090", account_is_code=True, date=WORLD.today,
        amount=Decimal("5.00"), reference="R-1",
    )  # fmt: skip
    [element] = json.loads(encode_call(Kind.PAYMENT, Verb.PAY, [(refund, "")]).body)["Payments"]
    assert (element["CreditNote"], element["Account"]) == ({"CreditNoteID": "N1"}, {"Code": "090"})
    gone = encode_call(Kind.PAYMENT, Verb.DELETE, [(None, "P1")])
    assert (gone.method, gone.path, gone.body) == ("POST", "/Payments/P1", b'{"Status":"DELETED"}')
    laid = AllocationPosting(note="N1", invoice="I1", amount=Decimal("12.50"), date=dt.date(2026, 9, 14))
    assert decode(encode(laid)) == laid
    call = encode_call(Kind.CREDIT_NOTE, Verb.ALLOCATE, [(laid, "N1")])
    assert (call.method, call.path) == ("PUT", "/CreditNotes/N1/Allocations?summarizeErrors=false")
    assert call.body == b'{"Allocations":[{"Invoice":{"InvoiceID":"I1"},"Amount":12.50,"Date":"2026-09-14"}]}'
    back = encode_call(Kind.CREDIT_NOTE, Verb.DEALLOCATE, [(laid, "X1")])
    assert (back.method, back.path, back.body) == ("DELETE", "/CreditNotes/N1/Allocations/X1", b"")
    with pytest.raises(ValueError, match="several credit notes"):
        encode_call(Kind.CREDIT_NOTE, Verb.ALLOCATE, [(laid, "N1"), (laid, "N2")])
    with pytest.raises(XeroError):
        encode_call(Kind.PAYMENT, Verb.UPDATE, [(sent, "P1")])
    assert [v for v in Verb if supports(Kind.PAYMENT, v)] == [Verb.DELETE, Verb.PAY]
    assert (most(Kind.PAYMENT, Verb.PAY), most(Kind.PAYMENT, Verb.DELETE)) == (50, 1)
    assert not supports(Kind.INVOICE, Verb.ALLOCATE)


def test_removals_are_read_with_care() -> None:
    def answered(status: int, body: bytes) -> Any:
        return read_answer(Kind.CREDIT_NOTE, Verb.DEALLOCATE, Response(status, {}, body), 1, ("X1",))

    assert answered(200, b'{"AllocationId":"X1","IsDeleted":true}') == Verdicts((Confirmed(xero_id="X1"),))
    assert answered(204, b"") == Verdicts((Confirmed(xero_id="X1"),))
    for unclear in (b'{"Allocations":[{"AllocationID":"X1","IsDeleted":false}]}', b"<html>"):
        assert isinstance(answered(200, unclear).elements[0], Unclear)
    refused = answered(200, b'{"Allocations":[{"ValidationErrors":[{"Message":"No"}]}]}')
    assert refused.elements == (Refused(("No",)),)
    # The specification's own example of an allocation's answer has no id: that is for a look at the note to settle.
    laid = b'{"Allocations":[{"Amount":1.00,"Invoice":{"InvoiceID":"I1"}}]}'
    answer = read_answer(Kind.CREDIT_NOTE, Verb.ALLOCATE, Response(200, {}, laid), 1, ("I1",))
    assert isinstance(answer, Verdicts)
    assert isinstance(answer.elements[0], Unclear)


async def test_an_invoice_is_paid_reversed_and_credited(bench: Bench) -> None:
    client = await wide(bench)
    contact = await active_contact(client)
    accounts = {a.code: a for a in await client.accounts() if a.status == "ACTIVE"}
    bank = next(a for a in accounts.values() if a.type == "BANK")
    sold: list[tuple[Posting | None, str]] = [(invoice("PAY-1", contact), ""), (invoice("PAY-2", contact), "")]
    answer = await bench.write(client, Kind.INVOICE, Verb.CREATE, sold, "i")
    first, second = (confirmed(answer, n).xero_id for n in (0, 1))
    before = await client.get(Kind.INVOICE, first)
    assert isinstance(before, Document)
    assert before.total
    part = Decimal("5.00")
    rest = before.total - part

    wrong = accounts["200"]
    elements: list[tuple[Posting | None, str]] = [
        (payment(first, bank, "5.00", "STR-1"), ""),
        (payment(first, bank, "99999.00", "STR-2"), ""),
        (payment(second, wrong, "1.00", "STR-3"), ""),
        (payment(first, bank, str(rest), "STR-4"), ""),
    ]
    answer = await bench.write(client, Kind.PAYMENT, Verb.PAY, elements, "p")
    assert isinstance(answer, Verdicts)
    assert [type(v) for v in answer.elements] == [Confirmed, Refused, Refused, Confirmed]
    again = await bench.write(client, Kind.PAYMENT, Verb.PAY, elements, "p")
    assert isinstance(again, Verdicts)
    assert again.elements == answer.elements
    assert answer.elements[1] == Refused(("Payment amount exceeds the amount outstanding on this document",))
    assert answer.elements[2] == Refused(("Account could not be found",))
    made = confirmed(answer, 3)
    held = made.record
    assert isinstance(held, Payment)
    assert (held.document, held.for_kind, held.amount, held.account) == (first, Kind.INVOICE, rest, bank.id)
    assert made.number == held.reference == "STR-4"
    paid = await client.get(Kind.INVOICE, first)
    assert isinstance(paid, Document)
    assert (paid.status, paid.amount_paid, paid.paid_on) == ("PAID", before.total, WORLD.today)
    assert paid.amount_due == 0
    assert {(s.how, s.amount, s.number) for s in paid.settled} >= {("payment", part, "STR-1")}

    # Found again by our reference; and all of them, deleted ones too, by the walk.
    assert [r.id for r in await client.look_up(Kind.PAYMENT, ["STR-4", "STR-2", "str-9"])] == [made.xero_id]
    away = await bench.write(client, Kind.PAYMENT, Verb.DELETE, [(None, made.xero_id)], "d")
    assert confirmed(away).xero_id == made.xero_id
    assert isinstance(await bench.write(client, Kind.PAYMENT, Verb.DELETE, [(None, made.xero_id)], "d2"), WholeRefusal)
    reopened = await client.get(Kind.INVOICE, first)
    assert isinstance(reopened, Document)
    assert (reopened.status, reopened.amount_paid) == ("AUTHORISED", part)
    walked = {r.id: r async for page in client.payments() for r in page if isinstance(r, Payment)}
    assert walked[made.xero_id].status == "DELETED"

    # A credit note is laid on both, and one of these is taken back.
    answer = await bench.write(
        client, Kind.CREDIT_NOTE, Verb.CREATE, [(invoice("CN-9", contact, kind=Kind.CREDIT_NOTE), "")], "n"
    )
    note = confirmed(answer).xero_id
    some = [AllocationPosting(note=note, invoice=i, amount=Decimal("2.50"), date=WORLD.today) for i in (first, second)]
    much = AllocationPosting(note=note, invoice=first, amount=Decimal("9999.00"), date=WORLD.today)
    credits: list[tuple[Posting | None, str]] = [(some[0], note), (much, note), (some[1], note)]
    answer = await bench.write(client, Kind.CREDIT_NOTE, Verb.ALLOCATE, credits, "a")
    assert isinstance(answer, Verdicts)
    assert [type(v) for v in answer.elements] == [Confirmed, Refused, Confirmed]
    left = await client.get(Kind.CREDIT_NOTE, note)
    assert isinstance(left, Document)
    assert left.total is not None
    assert left.amount_due == left.total - 5
    assert [(s.id, s.amount) for s in left.settled] == [(first, Decimal("2.50")), (second, Decimal("2.50"))]
    assert [s.allocation for s in left.settled] == [confirmed(answer, n).xero_id for n in (0, 2)]
    back = confirmed(answer, 2).xero_id
    taken = await bench.write(client, Kind.CREDIT_NOTE, Verb.DEALLOCATE, [(some[1], back)], "b")
    assert confirmed(taken).xero_id == back
    credited = await client.get(Kind.INVOICE, second)
    assert isinstance(credited, Document)
    assert credited.amount_credited == 0
    assert credited.settled == ()
    gone = await bench.write(client, Kind.CREDIT_NOTE, Verb.DEALLOCATE, [(some[1], back)], "c")
    assert isinstance(gone, WholeRefusal)
    assert gone.code == "not_found"
    with pytest.raises(NotFound):
        await client.get(Kind.PAYMENT, "11111111-2222-4333-8444-555555555555")
    assert bench.journal.violations == []
