"""Setting the demo up as a person would: consent, connect, read, take the proposals. No back door."""

from typing import TYPE_CHECKING, Any

from xerotui.cli import control, demo_expect
from xerotui.cli.demo_sandbox import Served
from xerotui.cli.follow import followed
from xerotui.cli.output import Output
from xerotui.model.paging import View
from xerotui.model.problems import SyncError

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
    for about in served.sources():
        name = about["emulates"]
        if name not in forms:
            raise SyncError(f"No plugin brings the source {name}", "See: xerotui plugins.", code="core.plugin")
        out.say(f"Connecting {forms[name]} …")
        known = {field.name for field in await space.source_form(name)}
        values = {field: str(value) for field, value in about.items() if field in known}
        await space.connect_source(name, forms[name], values)
    out.say("Reading both sides …")
    await followed(space, out, "refresh")
    left = demo_expect.left(await demo_expect.told(served.controls()))
    rest = f"; {len(left)} left to be mapped" if left else ""
    out.say(f"{await _map(space, left)} tax rates mapped as proposed{rest}.")


async def _map(space: "Workspace", left: set[str]) -> int:
    """Take the proposals, but leave the rates that are trouble: mapping them is the tour's point."""
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
