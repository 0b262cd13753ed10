"""`xerotui mail`: Xero mails one invoice to its contact, at a person's word."""

import sys
from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.commands.set import the_document
from xerotui.cli.follow import followed
from xerotui.cli.output import Output
from xerotui.cli.runner import command, source_option, tenant_option
from xerotui.cli.text import safe
from xerotui.model.kinds import Kind

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace


@click.command("mail")
@click.argument("words", metavar="NUMBER")
@click.option("--again", is_flag=True, help="Also where it was mailed before, or may have been.")
@click.option("--dry-run", is_flag=True, help="Say to whom it would go, then stop.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@tenant_option
@source_option
@command
async def mail(
    space: "Workspace", out: Output, *, words: str, again: bool, dry_run: bool, yes: bool, tenant: str, connection: str
) -> int:
    """Let Xero mail an approved invoice to its contact. Nothing else in XeroTUI ever sends mail to customers."""
    row = await the_document(space, words, Kind.INVOICE.value, tenant, connection)
    question, before = await space.mail_question(row.connection, row.record, row.tenant)
    if before:
        out.say(f"{safe(before)}.")
    if dry_run:
        if out.json:
            out.data({"question": question, "before": before, "asked": False})
        out.say(f"{safe(question)} Nothing was asked of Xero: --dry-run.")
        return Exit.DONE
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Mailing needs --yes where nobody can be asked.")
        if not click.confirm(safe(question), default=False, err=True):
            out.say("Not mailed.")
            return Exit.REFUSED
    where = {"connection": row.connection, "record": row.record, "tenant": row.tenant}
    answer = (await followed(space, out, "mail", **where, again="1" if again else "")).answer
    if out.json:
        out.data({"question": question, "before": before, "asked": True, "number": answer.get("number", "")})
    out.say(f"Xero mails invoice {safe(answer.get('number', ''))}.")
    return Exit.DONE
