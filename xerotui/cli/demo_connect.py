"""Setting the demo up as a person would: consent, connect, read, take the proposals. No back door."""

from typing import TYPE_CHECKING, Any

from xerotui.cli import control
from xerotui.cli.demo_sandbox import Served
from xerotui.cli.follow import followed
from xerotui.cli.output import Output
from xerotui.model.paging import View

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace

XERO = "xero"
_XERO_FIELDS = ("client_id", "client_secret", "redirect_uri", "api_url", "identity_url", "authorize_url")


async def connect(space: "Workspace", served: Served, out: Output, *, minute_limit: int = 0) -> None:
    """Connect Xero and every emulated source, read both sides, and take every proposed tax rate.

    What is there already is left as it is. `minute_limit` tells the client of another limit than Xero's 60.
    """
    if await space.sources() and await space.tenants():
        return
    out.say("Connecting Xero …")
    await _xero(space, served.services[XERO], minute_limit)
    forms = dict(await space.source_types())
    for name, about in served.services.items():
        if name == XERO or name not in forms:
            continue
        out.say(f"Connecting {forms[name]} …")
        known = {field.name for field in await space.source_form(name)}
        values = {field: str(value) for field, value in about.items() if field in known}
        await space.connect_source(name, forms[name], values)
    out.say("Reading both sides …")
    await followed(space, out, "refresh")
    out.say(f"{await _map(space, served)} tax rates mapped as proposed; one is left to be mapped.")


async def _map(space: "Workspace", served: Served) -> int:
    """Take the proposals, but leave the rate that the demo world is in trouble with: mapping it is the tour's point."""
    from xerotui.sandbox.world import build

    left = {str(t.id) for t in build(served.seed).trouble if t.kind == "tax_unmapped" and t.record == "tax"}
    taken = 0
    for source in await space.sources():
        for tenant in await space.tenants():
            page = await space.mapping("tax", source.id, tenant.tenant, View(limit=500))
            for row in page.rows:
                if row.state == "proposed" and row.value not in left:
                    await space.map_set("tax", source.id, tenant.tenant, row.value, row.target, row.trade)
                    taken += 1
    return taken


async def _xero(space: "Workspace", about: dict[str, Any], minute_limit: int) -> None:
    values = {"kind": "web", **{name: str(about[name]) for name in _XERO_FIELDS}}
    if minute_limit:
        values["minute_limit"] = str(minute_limit)
    consent = await space.xero_begin("Xero sandbox", values)
    landed = await control.consent(consent.url)
    offered = await space.xero_finish(consent.connection, landed)
    await space.xero_save(consent.connection, [choice.tenant for choice in offered])
