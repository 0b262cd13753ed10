"""Proving a connection: what Halo is, who we are there, what may be read, whether Halo itself syncs to Xero."""

from xerotui.source.contract import Context, Fact, SourceRefused
from xerotui_halo import native
from xerotui_halo.answers import unwrap
from xerotui_halo.client import HaloClient
from xerotui_halo.settings import HaloSettings
from xerotui_halo.values import Row, text

# Route, what it is for, and the permission that Halo's application needs (halo-api section 2).
_ROUTES = (
    ("Client", "Customers", "read and edit customers"),
    ("Supplier", "Suppliers", "read and edit suppliers"),
    ("Item", "Products", "read and edit items"),
    ("Invoice", "Invoices", "read and edit invoices"),
    ("PurchaseOrder", "Purchase orders", "read and edit purchase orders"),
    ("Tax", "Tax rates", "all or admin"),
    ("Currency", "Currencies", "all or admin"),
    ("AssetGroup", "Item groups", "read items, or all"),
    ("Lookup", "Charge rates", "all or admin"),
    ("ChargeRate", "Charge prices", "all or admin"),
)
_PARAMS = {"Lookup": {"lookupid": "17"}}


async def facts(settings: HaloSettings, context: Context) -> tuple[Fact, ...]:
    """The lines of a connection check, made with a login of its own.

    Raises the contract's errors when Halo can't be reached or refuses the login.
    """
    client = HaloClient(settings, context)
    client.urgent = True
    instance = await client.instance()
    about = await client.about()
    product = " ".join(filter(None, (text(about, "app_name"), text(about, "app_version"))))
    found = [Fact("Halo", product or "answers, but doesn't say which version it is"), Fact("Address", instance.base)]
    found.append(await _agent(client))
    found += [await _probe(client, *route) for route in _ROUTES]
    found.append(await _native(client))
    return tuple(found)


async def _agent(client: HaloClient) -> Fact:
    try:
        me = await client.get("Agent/me")
    except SourceRefused as error:
        return Fact("Agent", error.said, ok=False, remedy="Give the API application an agent to log in as.")
    return Fact("Agent", text(me, "name", "email") or "logged in" if isinstance(me, dict) else "logged in")


async def _probe(client: HaloClient, route: str, title: str, needs: str) -> Fact:
    try:
        unwrap(await client.get(route, {"count": "1", **_PARAMS.get(route, {})}), "")
    except SourceRefused as error:
        remedy = f"Allow {needs} on the Permissions tab of the application, and to the role of its agent."
        return Fact(title, error.said, ok=False, remedy=remedy)
    return Fact(title, "can be read")


async def _native(client: HaloClient) -> Fact:
    """Two writers make duplicates: Halo's own sync must be off for what XeroTUI syncs (halo-api section 8.1)."""
    title = "Halo's own Xero sync"
    try:
        active = [_sync(row) for row in await native.rows_on(client)]
    except SourceRefused as error:
        remedy = "Look at Configuration > Integrations > Xero in Halo: its sync must be off."
        return Fact(title, f"can't be seen: {error.said}", ok=False, remedy=remedy)
    if not active:
        return Fact(title, "off")
    remedy = "Switch off the sync of these entities in Halo before anything is sent: two writers make duplicates."
    return Fact(title, f"on: {'; '.join(active)}", ok=False, remedy=remedy)


def _sync(row: Row) -> str:
    return f"{text(row, 'tenant_name', 'name') or 'a connection'}: {', '.join(native.entities(row)) or 'everything'}"
