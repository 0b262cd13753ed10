"""The connection to one organisation in full: from what is kept here, or after asking Xero. Words are `ailing`'s."""

import datetime as dt
from typing import TypeVar

import msgspec

from xerotui.model.kinds import Kind, Side
from xerotui.model.problems import SyncError
from xerotui.model.records import Currency, Organisation
from xerotui.model.work import Topic
from xerotui.store import Db, TenantDoc
from xerotui.sync.hints import told_by
from xerotui.workspace import webhooks
from xerotui.workspace.ailing import findings
from xerotui.workspace.base import REFUSED, told
from xerotui.workspace.login_pages import ScopeRow
from xerotui.workspace.meters import UsageRow
from xerotui.workspace.overview import Overviews
from xerotui.workspace.report import (
    Age,
    BudgetLine,
    ConnectionReport,
    Facts,
    Hooks,
    PairRow,
    SignIn,
    person,
)
from xerotui.xero import limits as xero_limits
from xerotui.xero.connections import XeroSettings, connections
from xerotui.xero.scopes import held_against
from xerotui.xero.tokens import login_of

T = TypeVar("T")
# Begins the ledger's mark of what a user may do in an organisation.
ASKED = "xero.actions:"
# Actions that the work needs; others that aren't allowed are nothing to worry about.
NEEDED = ("CreateDraftInvoice", "CreateApprovedInvoice", "EditInvoice", "CreateInvoicePayment")
# Kinds whose age says how well a plan is founded, in the order in which they are shown.
AGED = (
    Kind.ACCOUNT,
    Kind.TAX_RATE,
    Kind.TRACKING,
    Kind.BRANDING_THEME,
    Kind.CURRENCY,
    Kind.REPEATING_INVOICE,
    Kind.CUSTOMER,
    Kind.ITEM,
    Kind.INVOICE,
    Kind.CREDIT_NOTE,
    Kind.PURCHASE_ORDER,
    Kind.PAYMENT,
)


class Asked(msgspec.Struct, frozen=True):
    """What the consenting user may do in an organisation, as Xero said at an instant of world time."""

    at: dt.datetime
    actions: dict[str, bool]


class Connections(Overviews):
    """The connection screen and `tenants show`."""

    async def connection(self, tenant: str) -> ConnectionReport:
        """Everything that is known here of an organisation's connection, without asking Xero.

        Raises SyncError for an unknown organisation.
        """
        return await self._reported(tenant)

    async def connection_check(self, tenant: str) -> ConnectionReport:
        """Ask Xero for the organisation and what may be done there, keep the answers, and report.

        What goes wrong is among the findings. Raises SyncError for an unknown organisation alone.
        """
        document = _known(await self.wiring.book.read(), tenant)
        before = (await self._reported(tenant)).login
        error: SyncError | None = None
        listed: bool | None = None
        try:
            async with told("Xero"):
                await self._ask(document)
        except SyncError as raised:
            error = raised
            listed = await self._listed(document) if raised.code == "xero.tenant" else None
        await self.wiring.pulse.settle()
        return await self._reported(tenant, error, listed, before)

    async def _ask(self, document: TenantDoc) -> None:
        client = await self.wiring.xero(document.tenant)
        organisation = await client.organisation()
        actions = await client.actions()
        now = self.wiring.clock.now()
        ledger = self.wiring.ledger
        async with ledger.write() as tx:
            await ledger.snapshots.put_organisation(tx, document.tenant, organisation, now)
            await ledger.marks.set(tx, ASKED + document.tenant, msgspec.json.encode(Asked(now, actions)).decode())
            ledger.changes.bump(tx, Topic.SNAPSHOTS)

    async def _listed(self, document: TenantDoc) -> bool | None:
        """Whether Xero still names the organisation among those that the login reaches; None where it doesn't say."""
        try:
            settings = await self.wiring.xero_settings(document.connection)
            token = await (await self.wiring.keeper(document.connection)).access()
            return document.tenant in {c.tenant for c in await connections(self.wiring.http, settings, token)}
        except SyncError:
            return None

    async def _reported(
        self,
        tenant: str,
        error: SyncError | None = None,
        listed: bool | None = None,
        before: SignIn | None = None,
    ) -> ConnectionReport:
        db = await self.wiring.book.read()
        document = _known(db, tenant)
        now = self.wiring.clock.now()
        connection = db.xero(document.connection) if document.connection else None
        settings = await self._settings(document)
        login, granted = await self._sign_in(db, document, settings, now)
        ledger = self.wiring.ledger
        async with ledger.read() as tx:
            organisation = await ledger.snapshots.organisation(tx, tenant)
            currencies = await ledger.snapshots.all(tx, Side.XERO, tenant, Kind.CURRENCY)
            cursors = {c.kind: c.at for c in await ledger.snapshots.cursors(tx) if c.connection == tenant}
            health = await self.wiring.pulse.read(tx, tenant)
            asked = _decoded(await ledger.marks.get(tx, ASKED + tenant), Asked)
        usage, app_usage = await self._usage(document, settings)
        codes = tuple(sorted(c.code for c in currencies if isinstance(c, Currency)))
        actions = asked.actions if asked else {}
        report = ConnectionReport(
            at=now,
            tenant=tenant,
            name=document.name or tenant,
            connection=document.connection,
            connection_name=connection.name if connection else "",
            read_only=document.read_only,
            facts=_facts(document, organisation, codes),
            login=login,
            scopes=_scopes(granted, login.kind),
            scopes_known=bool(granted),
            budgets=await self._windows(document, settings, now),
            usage=usage,
            app_usage=app_usage,
            may=tuple(sorted(name for name, allowed in actions.items() if allowed)),
            may_not=tuple(sorted(name for name, allowed in actions.items() if not allowed)),
            asked=asked.at if asked else None,
            last_good=health.good,
            failure=health.failure,
            failing=health.failing,
            ahead=health.ahead,
            webhooks=await self._hooks(db, document),
            poll_minutes=document.poll_minutes,
            ages=tuple(Age(kind=kind, read=cursors.get(kind)) for kind in AGED),
            pairs=_pairs(db, tenant),
            worker=(await self.worker()).state,
        )
        found = findings(report, now, error=error, listed=listed, before=before, needed=NEEDED)
        return msgspec.structs.replace(report, findings=found)

    async def _settings(self, document: TenantDoc) -> XeroSettings | None:
        try:
            return await self.wiring.xero_settings(document.connection) if document.connection else None
        except SyncError:
            return None

    async def _sign_in(
        self, db: Db, document: TenantDoc, settings: XeroSettings | None, now: dt.datetime
    ) -> tuple[SignIn, str]:
        """The login, and the scopes that it was granted."""
        connection = db.xero(document.connection) if document.connection else None
        if connection is None or settings is None:
            return SignIn(kind="", state="disconnected"), ""
        if not connection.saved:
            return SignIn(kind=settings.kind, state="unsaved"), connection.granted
        if settings.kind == "custom":
            return SignIn(kind="custom", state="app", consented=connection.consented), connection.granted
        stored = await self.wiring.vault.load(document.connection)
        login = login_of(document.connection, stored, now)
        who, when = person(stored.current.id_token, stored.current.access_token) if stored else ("", None)
        sign_in = SignIn(
            kind=settings.kind,
            state=login.state,
            why=login.why,
            remedy=login.remedy,
            refreshed=login.refreshed,
            access_until=login.access_until,
            ends=login.dies,
            days_left=login.days_left,
            renews=login.renews,
            paused=login.paused_at,
            who=who,
            consented=connection.consented or when,
        )
        return sign_in, login.scopes or connection.granted

    async def _windows(
        self, document: TenantDoc, settings: XeroSettings | None, now: dt.datetime
    ) -> tuple[BudgetLine, ...]:
        if settings is None:
            return ()
        key, limits = xero_limits.limits(settings, document.tenant)
        lines = []
        for window, budget in zip(
            limits.windows, await self.wiring.permits.budgets(key, limits.windows, now), strict=True
        ):
            resets = now + dt.timedelta(seconds=budget.resets_in) if budget.used and budget.resets_in > 0 else None
            lines.append(
                BudgetLine(
                    window=budget.window,
                    used=budget.used,
                    limit=budget.limit,
                    reserve=window.reserve,
                    resets=resets,
                    until=budget.until,
                )
            )
        return tuple(lines)

    async def _usage(
        self, document: TenantDoc, settings: XeroSettings | None
    ) -> tuple[UsageRow | None, UsageRow | None]:
        """What calls cost, of the organisation and of the whole app."""
        rows = {(row.scope, row.id): row for row in await self.usage()} if settings else {}
        return rows.get(("tenant", document.tenant)), rows.get(("app", settings.client_id if settings else ""))

    async def _hooks(self, db: Db, document: TenantDoc) -> Hooks:
        seen = await webhooks.status(self.wiring)
        # One key of an app speaks for the organisations of all of its logins.
        keyed = any(
            document.connection == key.connection or document.tenant in told_by(db, key.connection)
            for key in seen.keys
            if key.has_key
        )
        return Hooks(
            state=seen.state if keyed else "off",
            last=seen.last_event,
            backlog=seen.backlog.get(document.tenant, 0),
            rejected=sum(seen.rejected.values()),
        )


def _known(db: Db, tenant: str) -> TenantDoc:
    document = db.tenant(tenant)
    if document is None:
        raise SyncError("There is no such organisation", "See: xerotui tenants.", exit_code=REFUSED)
    return document


def _pairs(db: Db, tenant: str) -> tuple[PairRow, ...]:
    found = ((source, db.pair(source.id, tenant)) for source in db.sources())
    rows = [
        PairRow(source=source.id, name=source.name, mode=pair.mode, start=pair.start) for source, pair in found if pair
    ]
    return tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.source)))


def _facts(document: TenantDoc, organisation: Organisation | None, currencies: tuple[str, ...]) -> Facts:
    if organisation is None:
        return Facts(
            # Its own id is known from when it was first asked; before that nobody knows which it is.
            demo=document.demo if document.demo or document.organisation else None,
            country=document.country,
            base_currency=document.currency,
            currencies=currencies,
        )
    return Facts(
        demo=organisation.is_demo,
        legal_name=organisation.legal_name,
        country=organisation.country,
        version=organisation.version,
        edition=organisation.edition,
        status=organisation.status,
        timezone=organisation.timezone,
        base_currency=organisation.base_currency,
        currencies=currencies,
        period_lock=organisation.period_lock,
        year_lock=organisation.year_lock,
    )


def _scopes(granted: str, kind: str) -> tuple[ScopeRow, ...]:
    return tuple(
        ScopeRow(
            feature=grant.need.feature,
            scopes=grant.need.scopes,
            granted_by=grant.by,
            costs=grant.need.costs,
            essential=grant.need.essential,
        )
        for grant in held_against(granted, custom=kind == "custom")
    )


def _decoded(text: str, type: type[T]) -> T | None:
    try:
        return msgspec.json.decode(text, type=type) if text else None
    except msgspec.ValidationError:
        return None
