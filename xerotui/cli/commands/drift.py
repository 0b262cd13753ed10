"""`xerotui drift` and `xerotui take`: where the two sides differ, and whose side is taken."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.follow import followed
from xerotui.cli.output import Output
from xerotui.cli.runner import command, source_id, source_option, tenant_id, tenant_option
from xerotui.cli.text import money, safe
from xerotui.model.kinds import SYNCED
from xerotui.model.paging import View
from xerotui.model.problems import SyncError

if TYPE_CHECKING:
    from xerotui.workspace.back import ApartRow
    from xerotui.workspace.door import Workspace

_SORTS = ("drift", "voided", "lost", "born")


@click.command()
@click.option("--what", type=click.Choice(_SORTS), help="Only what drifted, was voided, isn't held, or was born there.")
@click.option("--kind", type=click.Choice([k.value for k in SYNCED]), help="Only records of this kind.")
@click.option("--text", default="", help="Only rows whose record or customer is called so.")
@tenant_option
@source_option
@command
async def drift(
    space: "Workspace", out: Output, *, what: str | None, kind: str | None, text: str, tenant: str, connection: str
) -> int:
    """Where source and Xero differ and nothing is overwritten: fields that the side changed which doesn't own them,
    documents edited or voided in Xero, payments that the source can't hold, and what was born in Xero.

    As both sides were read last; a plan brings it up to date. Ends with 2 when something differs.
    """
    source = await source_id(space, connection) if connection else ""
    given = {"what": what or "", "kind": kind or "", "tenant": await tenant_id(space, tenant), "connection": source}
    rows = await _all(space, {name: value for name, value in given.items() if value}, text)
    if out.json:
        out.data(rows)
        return Exit.PROBLEMS if rows else Exit.DONE
    names = {row.tenant: row.name for row in await space.tenants()}
    out.table(
        ("Organisation", "What", "Kind", "Record", "Field", "Source", "Xero", "Owner", "What becomes of it"),
        [
            (
                names.get(r.tenant, r.tenant),
                r.what,
                r.kind.label,
                r.title,
                r.field_title,
                r.source,
                money(r.total, r.currency) if r.what == "born" else r.xero,
                r.owner,
                r.why,
            )
            for r in rows
        ],
        empty="both sides say the same",
    )
    return Exit.PROBLEMS if rows else Exit.DONE


async def _all(space: "Workspace", fields: dict[str, str], text: str) -> "list[ApartRow]":
    rows: list[ApartRow] = []
    anchor = ""
    while True:
        page = await space.drift(View(text=text, fields=fields, anchor=anchor, limit=500))
        rows, anchor = rows + list(page.rows), page.next
        if not anchor:
            return rows


@click.command()
@click.argument("side", type=click.Choice(["xero", "source"]))
@click.argument("words", metavar="NUMBER|NAME")
@click.option("--field", default="", help="One field of a contact or item, as `xerotui drift` names it.")
@click.option("--kind", type=click.Choice([k.value for k in SYNCED]), help="Only records of this kind.")
@click.option("--dry-run", is_flag=True, help="Say what it would do; nothing is kept.")
@tenant_option
@source_option
@command
async def take(
    space: "Workspace",
    out: Output,
    *,
    side: str,
    words: str,
    field: str,
    kind: str | None,
    dry_run: bool,
    tenant: str,
    connection: str,
) -> int:
    """Take one side where both differ: Xero's value goes into the source, or the source's to Xero.

    What it comes to is a plan that waits for approval. Of a document Xero's side means that it stays as it is there.
    """
    rows = await _meant(space, words, field, kind, await tenant_id(space, tenant), connection)
    row = rows[0]
    args = {"connection": row.connection, "tenant": row.tenant, "kind": row.kind.value, "record": row.record}
    if dry_run:
        found = [one for r in rows for one in await space.sides(r, side)]
        if out.json:
            out.data({"record": args, "side": side, "fields": found})
        for one in [] if out.json else found:
            out.line(f"{row.title}  {one.field}: source {safe(one.source)}, Xero {safe(one.xero)}; {one.then}")
        return Exit.DONE
    more = {"field": field} if field else {}
    answer = (await followed(space, out, "take", side=side, title=row.title, **args, **more)).answer
    if out.json:
        out.data(answer)
    plan = answer.get("plan", "")
    then = f"Plan {plan} waits: xerotui apply {plan}." if plan else "Nothing has to be written."
    out.say(f"{'Xero' if side == 'xero' else 'The source'} is taken for {safe(row.title)}. {then}")
    return Exit.DONE


async def _meant(
    space: "Workspace", words: str, field: str, kind: str | None, tenant: str, connection: str
) -> "list[ApartRow]":
    """The differences of the one record that is meant."""
    if not words.strip():
        raise click.UsageError("Say a number or a name.")
    given = {"what": "drift", "kind": kind or "", "tenant": tenant}
    if connection:
        given["connection"] = await source_id(space, connection)
    rows = await _all(space, {name: value for name, value in given.items() if value}, "")
    wanted = words.strip().casefold()
    exact = [r for r in rows if wanted in (r.title.casefold(), r.record.casefold(), r.party.casefold())]
    found = exact or [r for r in rows if wanted in r.title.casefold()]
    if len({(r.connection, r.tenant, r.kind, r.record) for r in found}) > 1:
        titles = sorted({r.title for r in found})
        raise click.UsageError(f"Several fit: {safe(', '.join(titles), 300)}. Say more, or --kind, --tenant, --source.")
    found = [r for r in found if not field or field in (r.field, r.field_title)]
    if not found:
        raise SyncError(
            f"Both sides say the same of {words}, as far as they were read",
            "See where they differ: xerotui drift. A plan reads both sides again.",
            code="core.take",
            exit_code=Exit.REFUSED,
        )
    return found


__all__ = ["drift", "take"]
