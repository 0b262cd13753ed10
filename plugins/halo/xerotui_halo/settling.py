"""Payments and voids of Xero in Halo (halo-api sections 5 and 7.8): looked for before anything is made.

Halo documents no numbers of payment states and no way to take a payment back but deleting it, which XeroTUI never does:
states are set only where Halo itself names them, a payment that was taken back is set to nothing.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from xerotui.model.settling import PAID, PART, UNPAID, Laid, Settlement
from xerotui.source.contract import SourceRefused
from xerotui_halo.client import HaloClient, NotThere, gathered
from xerotui_halo.values import Row, amount, date, flag, ident, integer, text
from xerotui_halo.writing import Body, answered

PAYMENTS, INVOICE = "InvoicePayment", "Invoice"
METHOD = "Xero"
REWINDS = "void_invoice_rewinds_billing_entites"
_SIZE = 200
# What the totals of both sides may be apart by rounding.
_ROUNDING = Decimal("0.02")


class Settler:
    """Keeps Halo's invoices as they stand in Xero."""

    def __init__(self, client: HaloClient) -> None:
        self._client = client
        self._states: Mapping[str, int] | None = None

    async def settle(self, id: str, wanted: Settlement) -> tuple[str, ...]:
        """Make what is missing; what Halo can't hold, as sentences.

        Raises SourceRefused for an invoice that is void or unknown.
        """
        row = await self._invoice(id)
        if flag(row, "voided"):
            raise SourceRefused(f"Halo's invoice {text(row, 'invoicenumber') or id} is void")
        there = await self._payments(id)
        lost = [words for p in wanted.taken_back if (words := await self._take_back(p, there))]
        total = amount(row, "total") or wanted.total
        missing, alike = _missing(wanted.payments, there)
        lost += [
            f"Halo has a payment of {p.amount} of another day without an id of Xero's; that of {p.date} isn't made."
            for p in alike
        ]
        for payment in missing:
            due = total - sum((amount(p, "amount") for p in there), Decimal(0))
            if 0 < due < payment.amount <= due + _ROUNDING:
                lost.append(f"Xero's payment of {payment.amount} is {due} in Halo, which is all that is due there.")
                payment = Laid(id=payment.id, amount=due, date=payment.date, reference=payment.reference)
            if payment.amount > due:
                lost.append(
                    f"Halo shows {due} due, so Xero's payment of {payment.amount} isn't made there as well; "
                    "its own payments stand."
                )
                continue
            there.append(await self._pay(id, row, payment))
        return (*lost, *await self._state(id, wanted))

    async def void(self, id: str) -> None:
        """Void an invoice unless it is void. Raises SourceRefused where Halo doesn't do it."""
        if flag(await self._invoice(id), "voided"):
            return
        await self._client.post(f"{INVOICE}/{id}/void", [{"id": int(id)}])
        if not flag(await self._invoice(id), "voided"):
            raise SourceRefused(f"Halo took the order to void invoice {id} and didn't void it")

    async def void_effect(self) -> str:
        """Whether billed tickets go back to ready for invoicing, by Halo's own switch."""
        try:
            control = await self._client.get("Control")
        except SourceRefused:
            control = {}
        if not isinstance(control, dict) or REWINDS not in control:
            return "Halo doesn't say whether billed tickets go back to ready for invoicing; expect that they do."
        if flag(control, REWINDS):
            return "Billed tickets and items go back to ready for invoicing in Halo."
        return "Billed tickets and items stay as billed in Halo."

    async def _invoice(self, id: str) -> Row:
        if not id.isdigit():
            raise SourceRefused(f"Halo has no invoice {id[:40]}")
        try:
            return await self._client.one(INVOICE, id)
        except NotThere:
            raise SourceRefused(f"Halo has no invoice {id}") from None

    async def _payments(self, id: str) -> list[Row]:
        """The payments of one invoice: filters that Halo doesn't know are ignored, so each row is looked at."""
        rows = await gathered(self._client, PAYMENTS, "payments", {"invoice_id": id}, _SIZE)
        return [row for row in rows if ident(row, "invoice_id") == id]

    async def _pay(self, id: str, invoice: Row, payment: Laid) -> Row:
        body: Body = {
            "invoice_id": int(id),
            "amount": payment.amount,
            "method": METHOD,
            "xero_id": payment.id,
            "thirdpartyid": payment.id,
        }
        if payment.date is not None:
            body["date"] = f"{payment.date.isoformat()}T00:00:00"
        if client := ident(invoice, "client_id"):
            body["client_id"] = int(client)
        rows = answered(await self._client.post(PAYMENTS, [body]))
        return next(iter(rows.values()), dict(body))

    async def _take_back(self, payment: Laid, there: list[Row]) -> str:
        """Set a payment that Xero has no more to nothing; what is wrong where that doesn't work."""
        row = next((p for p in there if payment.id in _ids(p)), None)
        words = f"Xero took back the payment of {payment.amount}; take it out of Halo by hand."
        if row is None:
            # One that a person made there, or none at all.
            alike = any(not _ids(p) and amount(p, "amount") == payment.amount for p in there)
            return words if alike else ""
        if not amount(row, "amount"):
            return ""
        try:
            await self._client.post(PAYMENTS, [{"id": int(ident(row, "id")), "amount": Decimal(0)}])
        except SourceRefused as error:
            if not error.certain:
                raise
            return words
        again = next((p for p in await self._payments(ident(row, "invoice_id")) if payment.id in _ids(p)), row)
        there[there.index(row)] = again
        return words if amount(again, "amount") else ""

    async def _state(self, id: str, wanted: Settlement) -> list[str]:
        """Let the header say the state, where Halo names its states; what it then can't show."""
        states = await self._named_states()
        credit = f"In Xero {wanted.credited} of it was settled by credit, which is no money; "
        if wanted.status not in states:
            return [f"{credit}Halo doesn't name its payment states, so it can't show that."] if wanted.by_credit else []
        row = await self._invoice(id)
        if integer(row, "paymentstatus") != states[wanted.status]:
            state = {"id": int(id), "paymentstatus": states[wanted.status]}
            own = {"dont_sync_to_3rd_party": True, "_dont_fire_automations": True}
            await self._client.post(INVOICE, [{**state, **own}])
            row = await self._invoice(id)
        if integer(row, "paymentstatus") == states[wanted.status]:
            return []
        return [f"{credit if wanted.by_credit else ''}Halo didn't keep the state {wanted.status}."]

    async def _named_states(self) -> Mapping[str, int]:
        """The numbers of the payment states by Halo's own list of them; empty where it has none."""
        if self._states is None:
            try:
                rows = await self._client.whole("InvoiceStatus", "data")
            except SourceRefused:
                rows = []
            named = {text(row, "name").casefold(): number for row in rows if (number := integer(row, "id")) is not None}
            self._states = {state: named[word] for state, words in _WORDS for word in words if word in named}
        return self._states


# How states may be called there; the list itself is known, its words aren't.
_WORDS = (
    (UNPAID, ("not paid", "unpaid")),
    (PART, ("partially paid", "partly paid", "part paid", "part-paid")),
    (PAID, ("fully paid", "paid in full", "paid")),
)


def _ids(row: Row) -> set[str]:
    return {text(row, name).casefold() for name in ("xero_id", "thirdpartyid")} - {""}


def _missing(wanted: tuple[Laid, ...], there: list[Row]) -> tuple[list[Laid], list[Laid]]:
    """The payments that Halo hasn't, and those that it may have.

    It has one by its Xero id, or without any by amount and day; of the amount alone it may be the same money, which a
    person noted on another day, so that it isn't made a second time.
    """
    known = {id for row in there for id in _ids(row)}
    free = [row for row in there if not _ids(row)]
    open_ = [p for p in wanted if p.id.casefold() not in known]
    rest = [p for p in open_ if not _taken(free, p, (p.date, None))]
    alike = [p for p in rest if _taken(free, p, None)]
    return [p for p in rest if p not in alike], alike


def _taken(free: list[Row], payment: Laid, days: tuple[dt.date | None, ...] | None) -> bool:
    """Take one of these payments away that is of the amount and of one of the days; None is any day."""
    for row in free:
        if amount(row, "amount") == payment.amount and (days is None or date(row, "date") in days):
            free.remove(row)
            return True
    return False
