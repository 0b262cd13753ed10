"""`xerotui connect`: Xero by consent, a source by the settings that it declares. Secrets never on the command line."""

from typing import TYPE_CHECKING, Any

import click

from xerotui.cli.app import Root
from xerotui.cli.codes import Exit
from xerotui.cli.commands import connect_xero
from xerotui.cli.output import Output
from xerotui.cli.runner import json_option, run_async
from xerotui.cli.settings import options_of, values_of
from xerotui.cli.text import safe

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.pages import FormField


class Connect(click.Group):
    """One command a system; the options of each are drawn from its settings."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """`xero`, and the sources of the installed plugins."""
        from xerotui.workspace import forms

        return ["xero", *(name for name, _ in forms.source_types())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of one system, or None for an unknown one."""
        from xerotui.workspace import forms

        if cmd_name == "xero":
            words = "Connect Xero organisations."
            return _command("xero", words, forms.xero_form(), connect_xero.extras(), connect_xero.run)
        title = dict(forms.source_types()).get(cmd_name)
        if title is None:
            return None
        words = f"Connect {safe(title)}. {safe(forms.source_beforehand(cmd_name))}".strip()
        return _command(cmd_name, words, forms.source_form(cmd_name), [], _source)


connect = Connect("connect", help="Connect Xero or a source. Secrets are asked for, or read from a file or variable.")


def _command(
    name: str, help: str, fields: "tuple[FormField, ...]", extras: list[click.Parameter], body: Any
) -> click.Command:
    @json_option
    @click.pass_context
    def call(ctx: click.Context, /, json: bool, **options: Any) -> int:
        state: Root = ctx.find_root().obj
        return run_async(state, Output(json=json), body, source=name, fields=fields, options=options)

    made = click.command(name, help=help)(call)
    made.params = [click.Option(["--name"], help="What you call it.", default=""), *extras, *options_of(fields)] + [
        p for p in made.params if p.name == "json"
    ]
    return made


async def _source(
    space: "Workspace", out: Output, *, source: str, fields: "tuple[FormField, ...]", options: dict[str, Any]
) -> int:
    if words := await space.source_beforehand(source):
        out.say(words)
    values = values_of(fields, options)
    id, facts = await space.connect_source(source, options["name"] or source, values)
    if out.json:
        out.data({"connection": id, "facts": facts})
    else:
        out.table(("", "", ""), [("✓" if f.ok else "✗", f.title, f.value) for f in facts], f"Connected as {id}")
    for fact in facts:
        if not fact.ok and fact.remedy:
            out.say(f"{fact.title}: {fact.remedy}")
    return Exit.DONE
