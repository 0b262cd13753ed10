"""What people choose for single documents: the form, the preview, and what is chosen now."""

from collections.abc import Mapping

import msgspec

from xerotui.model.kinds import DOCUMENTS, Kind
from xerotui.model.problems import SyncError
from xerotui.model.records import Document, Line
from xerotui.store import Override
from xerotui.store.overrides import TEMPLATE
from xerotui.sync import mailing, overriding, pair
from xerotui.sync.choosing import DEFAULT, NOTHING, Choices, choices, posted
from xerotui.sync.numbering import planned
from xerotui.sync.resolve_document import STATUSES
from xerotui.workspace.base import REFUSED
from xerotui.workspace.pages import FormField
from xerotui.workspace.policies import Policies

# As the form says "nothing is chosen".
AS_IS = "as it is"


class ChosenRow(msgspec.Struct, frozen=True, kw_only=True):
    """One choice that holds: `field` with the line's number, `value` as people read it."""

    record: str
    kind: Kind
    tenant: str
    template: bool
    field: str
    value: str
    actor: str
    at: str


class LineRow(msgspec.Struct, frozen=True):
    """A line of a document that something can be chosen for."""

    number: int
    text: str


class Targets(msgspec.Struct, frozen=True):
    """What can be chosen for beside the whole document: its lines, and its template where it was made from one."""

    lines: tuple[LineRow, ...]
    template: str = ""


class Overrides(Policies):
    """Choosing for single documents."""

    async def _document(self, connection: str, kind: Kind, record: str, tenant: str) -> tuple[pair.PairData, Document]:
        data = await pair.load(self.wiring.ports(), connection, tenant)
        document = data.documents.get((kind, record)) if kind in DOCUMENTS else None
        if document is None:
            raise SyncError(
                f"Nothing can be chosen for {kind.label} {record}: it is no document of this organisation",
                "Find the document: xerotui why NUMBER.",
                code="core.record",
                exit_code=REFUSED,
            )
        return data, document

    async def override_preview(
        self, connection: str, kind: Kind, record: str, tenant: str, args: Mapping[str, str]
    ) -> Choices:
        """What choosing these would change; nothing is kept. Raises SyncError for what can't be."""
        data, _ = await self._document(connection, kind, record, tenant)
        return choices(data, kind, record, args, self.actor)

    async def override_targets(self, connection: str, kind: Kind, record: str, tenant: str) -> Targets:
        """What of a document something can be chosen for; lines are numbered as plans count them."""
        _, document = await self._document(connection, kind, record, tenant)
        lines = tuple(
            LineRow(n, next((text for text in line.texts.values() if text.strip()), line.item_code))
            for n, line in enumerate(posted(document), 1)
            if line.quantity or line.unit_price
        )
        return Targets(lines, document.template)

    async def override_form(
        self, connection: str, kind: Kind, record: str, tenant: str, line: int = 0, *, template: bool = False
    ) -> tuple[FormField, ...]:
        """The form of a document, of one of its lines or of its template, filled in with what is chosen now."""
        data, document = await self._document(connection, kind, record, tenant)
        if template:
            whole = data.overrides.get((kind, TEMPLATE + document.template), ())
            return tuple(f for f in _document_form(data, document, whole) if f.name in overriding.OF_TEMPLATES)
        own = data.overrides.get((kind, record), ())
        if line:
            return _line_form(data, document, posted(document)[line - 1], own)
        return _document_form(data, document, own)

    async def mail_question(self, connection: str, record: str, tenant: str) -> tuple[str, str]:
        """What a person is asked before Xero mails an invoice, and why it may have been mailed before.

        Raises SyncError where it can't be mailed.
        """
        data = await pair.load(self.wiring.ports(), connection, tenant)
        held = mailing.invoice(data, record)
        async with self.wiring.ledger.read() as tx:
            before = await self.wiring.ledger.mails.get(tx, tenant, held.id)
        contact = data.contacts.by_id.get(held.party)
        whom = f"{contact.name[:60]} ({contact.email[:80]})" if contact else "its contact"
        return f"Let Xero mail invoice {held.number} to {whom}?", mailing.already(held, before)

    async def overridden(self, connection: str, kind: Kind, record: str, tenant: str) -> tuple[ChosenRow, ...]:
        """What is chosen for a document, and for its template."""
        data, document = await self._document(connection, kind, record, tenant)
        lines = {overriding.line_key(document, line): str(n) for n, line in enumerate(posted(document), 1)}
        chosen = overriding.chosen(data, document)
        return tuple(_row(o, lines) for o in (*chosen.own, *chosen.template))


def _row(o: Override, lines: Mapping[str, str]) -> ChosenRow:
    where = f"line {lines.get(o.line, '?')} " if o.line else ""
    return ChosenRow(
        record=o.record.removeprefix(TEMPLATE),
        kind=o.kind,
        tenant=o.tenant,
        template=o.record.startswith(TEMPLATE),
        field=where + o.field.partition(":")[0],
        value=o.title or o.value,
        actor=o.actor,
        at=o.at.isoformat(timespec="seconds") if o.at else "",
    )


def _now(own: tuple[Override, ...], field: str, line: str = "") -> str:
    override = next((o for o in own if o.path == (line, field)), None)
    return override.title or override.value if override else ""


def _document_form(data: pair.PairData, document: Document, own: tuple[Override, ...]) -> tuple[FormField, ...]:
    themes = [t.name for t in data.themes]
    theme = _now(own, "theme")
    number, _ = planned(data, msgspec.structs.replace(document))
    fields = [
        FormField(
            name="status",
            title="Status",
            help=f"The source says {document.status or 'none'}. AUTHORISED posts it; Xero mails nothing by itself.",
            choices=(AS_IS, *STATUSES),
            default=_now(own, "status") or AS_IS,
        ),
        FormField(
            name="date",
            title="Date",
            help=f"{document.date or 'None'} at the source; another one is noted in the reference. As 2026-01-31.",
            default=_now(own, "date"),
        ),
    ]
    if themes and not document.plain:
        fields.insert(
            1,
            FormField(
                name="theme",
                title="Branding theme",
                help=f"{DEFAULT}: the contact's own in Xero.",
                choices=(AS_IS, DEFAULT, *themes),
                default=DEFAULT if theme == "the contact's own" else theme or AS_IS,
            ),
        )
    if data.policy.number_overrides:
        words = f"Else {number}." if number else "Else Xero gives one."
        fields.append(FormField(name="number", title="Number", help=words, default=_now(own, "number")))
    return tuple(fields)


def _line_form(data: pair.PairData, document: Document, line: Line, own: tuple[Override, ...]) -> tuple[FormField, ...]:
    key = overriding.line_key(document, line)

    def code(field: str) -> str:
        override = next((o for o in own if o.path == (key, field)), None)
        return override.value if override else ""

    tracked = [o.title for o in own if o.line == key and o.field.startswith("tracking:")]
    categories = ", ".join(f"{c.name}=…" for c in data.tracking if c.status == "ACTIVE")
    found = [
        FormField(
            name="account", title="Account", help="Code or name in Xero. Blank: as it is.", default=code("account")
        ),
        FormField(name="tax", title="Tax rate", help="Code or name in Xero. Blank: as it is.", default=code("tax")),
        FormField(name="item", title="Item", help="Code in Xero. Blank: as it is.", default=code("item")),
    ]
    if categories:
        chosen = ", ".join(t.replace(": none", "=") for t in tracked)
        found.append(
            FormField(name="tracking", title="Tracking", help=f"{categories} Blank: as it is.", default=chosen)
        )
    return tuple(found)


__all__ = ["AS_IS", "NOTHING", "ChosenRow", "LineRow", "Overrides", "Targets"]
