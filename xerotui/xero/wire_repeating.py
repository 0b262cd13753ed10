"""Templates of repeating invoices on the wire: read only, one list, never paged."""

from decimal import Decimal

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.records import Repeating
from xerotui.xero.dates import day
from xerotui.xero.wire import Wire, read


class ContactWire(Wire):
    """The contact of a template."""

    ContactID: str | None = None
    Name: str | None = None


class ScheduleWire(Wire):
    """When a template makes an invoice."""

    Period: int | None = None
    Unit: str | None = None
    NextScheduledDate: str | None = None
    EndDate: str | None = None


class RepeatingWire(Wire):
    """Xero's RepeatingInvoice; it has no number and no time of its last change."""

    RepeatingInvoiceID: str | None = None
    ID: str | None = None
    Type: str | None = None
    Contact: ContactWire | None = None
    Schedule: ScheduleWire | None = None
    Reference: str | None = None
    Status: str | None = None
    CurrencyCode: str | None = None
    Total: Decimal | None = None


def repeating(raw: msgspec.Raw | bytes, tenant: str) -> Repeating:
    """A template of that tenant; its name is its contact's, its total includes tax."""
    wire = read(raw, RepeatingWire)
    contact, schedule = wire.Contact or ContactWire(), wire.Schedule or ScheduleWire()
    return Repeating(
        id=wire.RepeatingInvoiceID or wire.ID or "",
        kind=Kind.REPEATING_INVOICE,
        name=contact.Name or "",
        tenant=tenant,
        party=contact.ContactID or "",
        reference=wire.Reference or "",
        status=wire.Status or "",
        currency=wire.CurrencyCode or "",
        total=wire.Total,
        period=schedule.Period or 1,
        unit=schedule.Unit or "",
        next=day(schedule.NextScheduledDate),
        end=day(schedule.EndDate),
    )
