"""What a document's payments mean: what a short list leaves out isn't taken back. Only `news` is judged here."""

from decimal import Decimal

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.records import Document, Settled
from xerotui.sync.back_payments import news

HELD = Document(
    id="x",
    kind=Kind.INVOICE,
    status="PAID",
    total=Decimal(100),
    amount_paid=Decimal(100),
    amount_due=Decimal(0),
    settled=(Settled(how="payment", id="p", amount=Decimal(100)),),
)


def test_a_payment_is_taken_back_only_by_a_list_that_is_whole() -> None:
    told = news(HELD, None)
    assert told is not None
    assert news(HELD, told) is None
    assert news(msgspec.structs.replace(HELD, settled=()), told) is None
    over = msgspec.structs.replace(
        HELD, settled=(), status="AUTHORISED", amount_paid=Decimal(0), amount_due=Decimal(100)
    )
    back = news(over, told)
    assert back is not None
    assert [p.id for p in back.taken_back] == ["p"]
    # Paid again by another: the first stays taken back.
    other = (Settled(how="payment", id="q", amount=Decimal(100)),)
    again = news(msgspec.structs.replace(HELD, settled=other), back)
    assert again is not None
    assert ([p.id for p in again.payments], [p.id for p in again.taken_back]) == (["q"], ["p"])
