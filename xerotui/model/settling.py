"""How a document stands in Xero, as a source is told of it: money and credit apart, never the one as the other."""

import datetime as dt
from decimal import Decimal

import msgspec

UNPAID, PART, PAID = "unpaid", "part-paid", "paid"


class Laid(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A payment laid on the document in Xero: money that came in."""

    id: str
    amount: Decimal
    date: dt.date | None = None
    reference: str = ""


class Settlement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a document in Xero.

    `status` is unpaid, part-paid or paid, the last also where credit alone settled it; `paid` is money, `credited` what
    credit notes, prepayments and overpayments laid on it. `taken_back` are payments that a source was told of and that
    Xero has no more. Amounts are in the document's currency.
    """

    xero_id: str
    number: str = ""
    currency: str = ""
    status: str = UNPAID
    total: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    credited: Decimal = Decimal(0)
    due: Decimal = Decimal(0)
    paid_on: dt.date | None = None
    payments: tuple[Laid, ...] = ()
    taken_back: tuple[Laid, ...] = ()

    @property
    def by_credit(self) -> bool:
        """True where credit settled a part of it: that part is no money received."""
        return self.credited > 0


_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")
_decoder = msgspec.json.Decoder(Settlement)


def encode(settlement: Settlement) -> bytes:
    """A settlement as the ledger keeps it."""
    return _encoder.encode(settlement)


def decode(body: bytes | str) -> Settlement:
    """A settlement from the ledger.

    Raises msgspec.ValidationError when the text is not of this shape.
    """
    return _decoder.decode(body)


__all__ = ["PAID", "PART", "UNPAID", "Laid", "Settlement", "decode", "encode"]
