"""`xerotui import`: the piles, a preview and the import of one kind, and linking by hand."""

from collections import Counter
from typing import TYPE_CHECKING

import click

from xerotui.cli.app import Root
from xerotui.cli.codes import Exit
from xerotui.cli.commands.duplicates import duplicates
from xerotui.cli.commands.import_move import move
from xerotui.cli.commands.import_tracking import tracking
from xerotui.cli.commands.plan import all_rows, applied, confirmed, got, show
from xerotui.cli.follow import followed
from xerotui.cli.output import Output
from xerotui.cli.runner import json_option, run_async, source_id, source_option, tenant_id, tenant_option
from xerotui.cli.text import safe
from xerotui.model.kinds import Kind
from xerotui.model.work import Plan, State, Verb

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.pages import ImportRow

KINDS = {word: kind for kind in Kind for word in (kind.value, kind.plural, kind.plural.replace(" ", "_"))}
KINDS["taxes"] = Kind.TAX_RATE


@click.command("import")
@click.argument("kind", metavar="[KIND | duplicates | link KIND RECORD XERO_ID]", nargs=-1)
@source_option
@tenant_option
@click.option("--dry-run", is_flag=True, help="Show what it would link and create, then stop.")
@click.option("--rows", is_flag=True, help="List it record by record.")
@click.option("--group", default="", help="The item group for new items, by name or id.")
@click.option("--only", multiple=True, help="Of the rows only this one, by name or row id; may be repeated.")
@click.option("--clean-up", is_flag=True, help="Of tax rates: also remove those of no organisation that nothing uses.")
@click.option("--to", default="", help="Of move: the contact (id, account number or name), or the organisation.")
@click.option("--supplier", is_flag=True, help="Of move: NAME is a supplier.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--follow", is_flag=True, help="Approve follow-ups of what is blocked now.")
@json_option
@click.pass_context
def import_(
    ctx: click.Context,
    kind: tuple[str, ...],
    json: bool,
    connection: str,
    tenant: str,
    dry_run: bool,
    rows: bool,
    group: str,
    only: tuple[str, ...],
    clean_up: bool,
    to: str,
    supplier: bool,
    yes: bool,
    follow: bool,
) -> int:
    """Bring tax rates, customers, suppliers or items from Xero into the source; or read its tracking categories.

    Without KIND the sizes of the piles are shown: linked, exact hits, unclear, new. `duplicates` lists contacts that
    look twice in Xero.
    """
    root: Root = ctx.find_root().obj
    out = Output(json=json)
    if not kind:
        return run_async(root, out, _piles, connection=connection, tenant=tenant)
    if kind == ("duplicates",):
        return run_async(root, out, duplicates, tenant=tenant)
    if kind[0] == "link":
        if len(kind) != 4:
            raise click.UsageError("import link KIND RECORD XERO_ID")
        return run_async(
            root, out, _link, kind=_kind(kind[1]), record=kind[2], xero_id=kind[3], connection=connection, tenant=tenant
        )
    if kind[0] == "move":
        if len(kind) != 2 or not to:
            raise click.UsageError("import move NAME --to CONTACT|ORGANISATION")
        moved = Kind.SUPPLIER if supplier else Kind.CUSTOMER
        where = {"connection": connection, "tenant": tenant, "kind": moved, "name": kind[1], "to": to}
        return run_async(root, out, move, **where, dry_run=dry_run, yes=yes)
    if len(kind) != 1:
        raise click.UsageError("One kind at a time.")
    if kind[0] == "tracking":
        return run_async(root, out, tracking, connection=connection, tenant=tenant)
    what = _kind(kind[0])
    if group and what is not Kind.ITEM:
        raise click.UsageError("--group is for items.")
    if clean_up and what is not Kind.TAX_RATE:
        raise click.UsageError("--clean-up is for tax rates.")
    return run_async(
        root,
        out,
        _import,
        asked={"kind": what.value, "group": group, "clean_up": "1" if clean_up else ""},
        only=only,
        connection=connection,
        tenant=tenant,
        dry_run=dry_run,
        rows=rows,
        yes=yes,
        follow=follow,
    )


def _kind(word: str) -> Kind:
    try:
        return KINDS[word.lower().replace("-", "_")]
    except KeyError:
        raise click.UsageError(f"{word!r} is no kind; taxes, customers, suppliers or items.") from None


async def _piles(space: "Workspace", out: Output, *, connection: str, tenant: str) -> None:
    source = await source_id(space, connection) if connection else ""
    chosen = await tenant_id(space, tenant)
    rows = [r for r in await space.imports() if chosen in ("", r.tenant) and source in ("", r.connection)]
    if out.json:
        out.data(rows)
        return
    out.table(
        ("Organisation", "Kind", ">In Xero", ">Linked", ">Exact", ">Unclear", ">New", ""),
        [(r.tenant_name, r.kind.plural, r.in_xero, r.linked, r.exact, r.unclear, r.new, _standing(r)) for r in rows],
        empty="nothing to import; connect Xero and a source first",
    )


def _standing(row: "ImportRow") -> str:
    return row.reason or (f"{row.handed} handed over in {safe(row.handed_in)}" if row.handed else "")


async def _link(
    space: "Workspace", out: Output, *, kind: Kind, record: str, xero_id: str, connection: str, tenant: str
) -> None:
    source = await source_id(space, connection)
    chosen = await tenant_id(space, tenant, needed=True)
    args = {"connection": source, "kind": kind.value, "record": record, "tenant": chosen, "xero_id": xero_id}
    await followed(space, out, "link", **args)
    if out.json:
        out.data(args)
    out.say("Linked.")


async def _import(
    space: "Workspace",
    out: Output,
    *,
    asked: dict[str, str],
    only: tuple[str, ...],
    connection: str,
    tenant: str,
    dry_run: bool,
    rows: bool,
    yes: bool,
    follow: bool,
) -> int:
    source = await source_id(space, connection)
    chosen = await tenant_id(space, tenant, needed=True)
    answer = (await followed(space, out, "import", connection=source, tenant=chosen, **asked)).answer
    plan = await got(space, answer.get("plan", ""))
    wanted = await _only(space, plan, only)
    if dry_run:
        await show(space, out, plan, rows=rows)
        return Exit.PROBLEMS if plan.problems else Exit.DONE
    if not yes:
        await show(space, out, plan, rows=rows, quiet=out.json)
        if not confirmed(plan, len(wanted)):
            out.say("Not imported.")
            return Exit.REFUSED
    code = await applied(space, out, plan, follow=follow, wait=True, only=wanted)
    handed = await _handed(space, out, plan)
    if asked["kind"] == Kind.TAX_RATE and not handed:
        made, gone = [await _done(space, plan, verb) for verb in ("create", "delete")]
        out.say(f"{made} tax rates imported and mapped" + (f", {gone} removed" if asked["clean_up"] else "") + ".")
    return code


async def _handed(space: "Workspace", out: Output, plan: Plan) -> bool:
    """Say what lies in which file now, and what is left to do; False where nothing went into one."""
    rows = [row for row in await all_rows(space, plan.id, Verb.HAND_OVER) if row.state == State.CONFIRMED]
    for reason, n in Counter(row.reason for row in rows).items():
        out.say(f"{n} {reason}. Import the file there; what comes back is found by its code or name.")
    return bool(rows)


async def _done(space: "Workspace", plan: Plan, verb: str) -> int:
    listed = await all_rows(space, plan.id, verb)
    return sum(1 for row in listed if row.state in ("confirmed", "verified"))


async def _only(space: "Workspace", plan: Plan, only: tuple[str, ...]) -> tuple[str, ...]:
    """The rows that are meant, by id or by name in any case; click.UsageError for one that isn't in the plan."""
    if not only:
        return ()
    listed = [row for row in await all_rows(space, plan.id) if not row.code]
    found: dict[str, None] = {}
    for word in only:
        hits = [r.id for r in listed if word == r.id or word.strip().casefold() == r.title.strip().casefold()]
        if not hits:
            raise click.UsageError(f"{safe(word)!r} is nothing that this import would do; --dry-run --rows lists it.")
        found |= dict.fromkeys(hits)
    return tuple(found)
