"""Pairs and their settings: listing, showing, changing with a preview. What each setting is, `policy` says."""

import datetime as dt
from collections.abc import Mapping

import msgspec

from xerotui.model.problems import SyncError
from xerotui.source.guard import PluginFault
from xerotui.store import Db, Pair
from xerotui.store.documents import AUTOMATIC
from xerotui.sync.start_line import Entering, Sides, StartLine, proven, start_line
from xerotui.workspace.base import REFUSED
from xerotui.workspace.connection import Connections
from xerotui.workspace.forms import drawn
from xerotui.workspace.numbers import collision_findings
from xerotui.workspace.pages import FormField
from xerotui.workspace.policy import Change, PairSettings, changed, changes, pair_with, senseless, settings_of, texts_of

__all__ = ["Change", "Entering", "PairChange", "PairView", "Policies", "Sides", "StartLine"]


class PairView(msgspec.Struct, frozen=True, kw_only=True):
    """A pair and its settings as a form shows them; `own` are the names of those that aren't as usual.

    `proven`: a plan of it was carried out, so that it may become automatic.
    """

    source: str
    source_name: str
    source_on: bool
    tenant: str
    tenant_name: str
    read_only: bool
    proven: bool
    settings: dict[str, str]
    own: tuple[str, ...] = ()
    # Those that change nothing with this source; shown only where they were set all the same.
    senseless: tuple[str, ...] = ()

    def shows(self, name: str) -> bool:
        """Whether a setting is shown."""
        return name not in self.senseless or name in self.own

    @property
    def mode(self) -> str:
        """Manual or automatic."""
        return self.settings["mode"]

    @property
    def waits(self) -> bool:
        """Automatic, but nothing goes by itself before a person has approved a first plan."""
        return self.mode == AUTOMATIC and not self.proven


class PairChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of settings does: old and new, what comes of it in sentences, and the start line if it moves."""

    source: str
    tenant: str
    saved: bool
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    start: StartLine = StartLine()


class Policies(Connections):
    """The pair-settings screen and `xerotui pair`."""

    def pair_form(self) -> tuple[FormField, ...]:
        """The settings of a pair as a form."""
        return drawn(PairSettings)

    async def pairs(self, source: str = "", tenant: str = "") -> tuple[PairView, ...]:
        """The pairs, or those of a source connection or an organisation, by name."""
        db = await self.wiring.book.read()
        mine = [p for p in db.all_pairs() if source in ("", p.source) and tenant in ("", p.tenant)]
        rows = [await self._view(db, pair) for pair in mine]
        return tuple(sorted(rows, key=lambda row: (row.source_name.casefold(), row.tenant_name.casefold(), row.tenant)))

    async def pair_settings(self, source: str, tenant: str) -> PairView:
        """One pair.

        Raises SyncError where these two aren't paired.
        """
        db = await self.wiring.book.read()
        return await self._view(db, _paired(db, source, tenant))

    async def _view(self, db: Db, pair: Pair) -> PairView:
        async with self.wiring.ledger.read() as tx:
            done = await proven(self.wiring.ports(), tx, pair.source, pair.tenant)
        connection, document = db.source(pair.source), db.tenant(pair.tenant)
        texts = texts_of(settings_of(pair))
        usual = texts_of(PairSettings())
        return PairView(
            source=pair.source,
            source_name=connection.name if connection else pair.source,
            source_on=bool(connection and connection.enabled),
            tenant=pair.tenant,
            tenant_name=document.name if document else pair.tenant,
            read_only=bool(document and document.read_only),
            proven=done,
            settings=texts,
            own=tuple(name for name, value in texts.items() if value != usual[name]),
            senseless=await self._senseless(pair.source, connection.source if connection else ""),
        )

    async def _senseless(self, connection: str, source: str) -> tuple[str, ...]:
        try:
            kinds = self.wiring.registry.source_type(source).kinds
            return senseless(kinds, await self.wiring.abilities(connection))
        except (PluginFault, SyncError):
            return ()

    async def pair_change(
        self, source: str, tenant: str, values: Mapping[str, str], *, dry_run: bool = False
    ) -> PairChange:
        """Change some settings of a pair, or with `dry_run` say what the change would do.

        What waits is re-checked by the worker (B5). Raises SyncError for a value that can't be, for automatic mode
        before a first plan was carried out, and where this person or the organisation only reads.
        """
        if not dry_run:
            self.gate("pair.set")
        db = await self.wiring.book.read()
        pair = _paired(db, source, tenant)
        before = settings_of(pair)
        after = changed(before, values)
        if not dry_run:
            self._writable(db, tenant)
        if after.mode == AUTOMATIC != before.mode:
            await self._proven(db, pair)
        found = changes(before, after)
        wanted = pair_with(pair, after)
        line = await self._line(wanted) if wanted.start != pair.start else StartLine()
        notes = _notes(db, pair, after, line)
        if found and not dry_run:
            await self.wiring.book.change(lambda now: _save(now, source, tenant, values))
            detail = {c.field: f"{c.before} → {c.after}" for c in found}
            await self._news("pair.set", f"{source}:{tenant}", **detail)
        return PairChange(
            source=source, tenant=tenant, saved=bool(found) and not dry_run, changes=found, notes=notes, start=line
        )

    async def _line(self, pair: Pair) -> StartLine:
        try:
            return await start_line(self.wiring.ports(), pair.source, pair.tenant, pair.start)
        except SyncError:
            # Nothing was read yet, so there is nothing to count.
            return StartLine()

    async def _proven(self, db: Db, pair: Pair) -> None:
        async with self.wiring.ledger.read() as tx:
            done = await proven(self.wiring.ports(), tx, pair.source, pair.tenant)
        if not done:
            raise SyncError(
                f"{_name(db, pair.tenant)} can't be automatic yet: no plan of it was approved and carried out",
                "Make a first plan, approve it, and let it end: xerotui plan.",
                code="core.not_proven",
                exit_code=REFUSED,
            )

    def _writable(self, db: Db, tenant: str) -> None:
        document = db.tenant(tenant)
        if document is not None and document.read_only:
            raise SyncError(
                f"{_name(db, tenant)} is read-only: its settings aren't changed either",
                f'Allow it again: xerotui tenants set "{_name(db, tenant)}" --writable.',
                code="core.read_only",
                exit_code=REFUSED,
            )


def start_values(days: Mapping[str, dt.date | None]) -> dict[str, str]:
    """Start dates by kind as settings.

    Raises ValueError for a kind without a date.
    """
    named = {f"start_{kind}s": day.isoformat() if day else "" for kind, day in days.items()}
    if unknown := set(named) - set(PairSettings.__struct_fields__):
        raise ValueError(f"no start date for {', '.join(sorted(unknown))}")
    return named


def _paired(db: Db, source: str, tenant: str) -> Pair:
    pair = db.pair(source, tenant)
    if pair is None:
        raise SyncError("This source doesn't sync with this organisation", "See: xerotui pair.", exit_code=REFUSED)
    return pair


def _name(db: Db, tenant: str) -> str:
    document = db.tenant(tenant)
    return document.name if document and document.name else tenant


def _others(db: Db, pair: Pair) -> list[Pair]:
    """Other pairs of the source that are its default now: there is one at most."""
    return [p for p in db.pairs(pair.source) if p.tenant != pair.tenant and p.default_tenant]


def _save(db: Db, source: str, tenant: str, values: Mapping[str, str]) -> None:
    # From the pair as it is now: another setting that somebody saved meanwhile stays.
    pair = _paired(db, source, tenant)
    after = pair_with(pair, changed(settings_of(pair), values))
    db.put_pair(after)
    if after.default_tenant:
        for other in _others(db, pair):
            db.put_pair(msgspec.structs.replace(other, default_tenant=False))


def _notes(db: Db, pair: Pair, after: PairSettings, line: StartLine) -> tuple[str, ...]:
    """What comes of a change beside the settings themselves."""
    notes = []
    if after.default_tenant and not pair.default_tenant:
        notes += [f"{_name(db, other.tenant)} is the default organisation no longer." for other in _others(db, pair)]
    entering = sum(side.entering for side in line.sides)
    if entering:
        notes.append(f"{entering} documents enter that were before the start.")
    met = collision_findings(db, pair_with(pair, after))
    notes += [f"{finding.detail}." for finding in met if finding.title == _name(db, pair.tenant)]
    if after.mode == AUTOMATIC and after.ceiling_documents is None and after.ceiling_total is None:
        notes.append("Automatic without a ceiling of documents or sum: a plan of any size goes by itself.")
    return tuple(notes)
