"""A home that has seen everything once: connected, mapped but for one rate, synced, with problems and a new plan.

It is made through the workspace, as commands do it; hostile names sit wherever another system or a person gives one.
"""

import msgspec

from tests.flows.stage import SCALE, Stage
from xerotui.cli import control
from xerotui.model.paging import View
from xerotui.sandbox.world import World, build
from xerotui.workspace.door import Workspace

# Markup that closes and acts, an escape sequence that writes to the clipboard, C1, NUL, bidi, joiners, wide letters.
HOSTILE = (
    "Evil [/b] [@click=app.quit]x[/] \x1b]52;c;aGk=\x07 \x9b31m \x00 \u202egnp.exe\u202c 👩\u200d👩 漢字\r\ntwo "
    + "y" * 300
)
XERO = ("client_id", "client_secret", "redirect_uri", "api_url", "identity_url", "authorize_url")


def hostile_world() -> World:
    """The demo world with hostile names of an organisation, of tax rates and of charge rates beside its own."""
    world = build(1, scale=SCALE)
    first, *others = world.tenants
    psa = world.psa
    taxes = tuple(msgspec.structs.replace(t, name=f"{t.name} {HOSTILE}"[:80]) for t in psa.taxes)
    rates = tuple(msgspec.structs.replace(r, name=f"{r.name} {HOSTILE}"[:80]) for r in psa.charge_rates)
    return msgspec.structs.replace(
        world,
        tenants=(msgspec.structs.replace(first, name=HOSTILE), *others),
        psa=msgspec.structs.replace(psa, taxes=taxes, charge_rates=rates),
    )


async def _connect(stage: Stage, space: Workspace) -> None:
    about = stage.sandbox.describe()
    names = {field.name for field in await space.source_form("halo")}
    await space.connect_source("halo", HOSTILE, {k: str(v) for k, v in about["halo"].items() if k in names})
    values = {"kind": "web", **{name: str(about["xero"][name]) for name in XERO}}
    consent = await space.xero_begin("Xero", values)
    offered = await space.xero_finish(consent.connection, await control.consent(consent.url))
    await space.xero_save(consent.connection, [choice.tenant for choice in offered])


async def _map(stage: Stage, space: Workspace, world: World) -> None:
    left = {str(t.id) for t in world.trouble if t.kind == "tax_unmapped" and t.record == "tax"}
    for source in await space.sources():
        for tenant in await space.tenants():
            page = await space.mapping("tax", source.id, tenant.tenant, View(limit=500))
            for row in page.rows:
                if row.state == "proposed" and row.value not in left:
                    await space.map_set("tax", source.id, tenant.tenant, row.value, row.target, row.trade)


def prepare(stage: Stage, world: World) -> None:
    """Bring the stage's home to that point."""
    stage.jump()
    stage.see(lambda space: _connect(stage, space))
    stage.request("refresh")
    stage.see(lambda space: _map(stage, space, world))
    stage.idle()
    (source,) = stage.see(lambda space: space.sources())
    for last in (False, True):
        stage.jump()
        id = stage.request("plan", connection=source.id)["plan"]
        plan = stage.see(lambda space, id=id: space.plan(id))  # type: ignore[misc]
        assert plan is not None
        if not last:
            stage.request("apply", plan=plan.id, hash=plan.hash)
            stage.finish(plan.id)
            stage.idle()
    stage.jump()
