"""`xerotui connect`: Xero by consent, a source by the settings that it declares. Secrets never on the command line."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xerotui.cli.app import Root
from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.runner import json_option, run_async
from xerotui.cli.text import safe
from xerotui.model.problems import SyncError

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.pages import FormField

# Options of the command itself.
RESERVED = ("name", "json", "help")


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
            return _command("xero", "Connect Xero organisations.", forms.xero_form(), _xero_extras(), _xero)
        title = dict(forms.source_types()).get(cmd_name)
        if title is None:
            return None
        return _command(cmd_name, f"Connect {safe(title)}.", forms.source_form(cmd_name), [], _source)


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
    made.params = [click.Option(["--name"], help="What you call it.", default=""), *extras, *_options(fields)] + [
        p for p in made.params if p.name == "json"
    ]
    return made


def _options(fields: "tuple[FormField, ...]") -> list[click.Parameter]:
    out: list[click.Parameter] = []
    for field in fields:
        flag, key = _flag(field), _key(field)
        words = safe(f"{field.title}. {field.help}".strip())
        if field.secret:
            out.append(
                click.Option(
                    [f"--{flag}-file", key],
                    type=click.Path(dir_okay=False, allow_dash=True),
                    help=f"{words} Read from a file, or - for stdin; else from {_variable(field.name)}, else asked.",
                )
            )
        else:
            kind = click.Choice(list(field.choices)) if field.choices else click.STRING
            usual = f"  [default: {safe(field.default)}]" if field.default else ""
            out.append(click.Option([f"--{flag}", key], type=kind, help=words + usual))
    return out


def _key(field: "FormField") -> str:
    """The option's name in Python: a setting that is called as an option of ours gets a word before it."""
    return f"setting_{field.name}" if field.name in RESERVED else field.name


def _flag(field: "FormField") -> str:
    return _key(field).replace("_", "-")


def _variable(name: str) -> str:
    return f"XEROTUI_{name.upper()}"


def _values(fields: "tuple[FormField, ...]", options: dict[str, Any]) -> dict[str, str]:
    """The settings as given: options, files and variables for secrets, and questions for what is needed still."""
    values: dict[str, str] = {}
    for field in fields:
        given = options.get(_key(field))
        if field.secret:
            values[field.name] = _secret(field, given)
        elif given is not None:
            values[field.name] = given
        elif field.required:
            if not sys.stdin.isatty():
                raise click.UsageError(f"--{_flag(field)} is needed.")
            values[field.name] = click.prompt(safe(field.title), err=True)
    return {name: value for name, value in values.items() if value != ""}


def _secret(field: "FormField", file: str | None) -> str:
    if file == "-":
        return sys.stdin.readline().strip()
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise click.UsageError(f"The file for {safe(field.title)} can't be read.") from None
    if value := os.environ.get(_variable(field.name), ""):
        return value.strip()
    if not field.required and not sys.stdin.isatty():
        return ""
    if not sys.stdin.isatty():
        raise click.UsageError(f"--{_flag(field)}-file or {_variable(field.name)} is needed.")
    answer: str = click.prompt(
        safe(field.title), hide_input=True, default=None if field.required else "", show_default=False, err=True
    )
    return answer


def _xero_extras() -> list[click.Parameter]:
    return [
        click.Option(
            ["--answer-file"],
            type=click.Path(dir_okay=False, allow_dash=True),
            help="Where the address that the browser landed on, or its code, is read from; - is stdin. Else asked.",
        ),
        click.Option(["--tenant"], multiple=True, help="Organisation to connect, by name or id; again for more."),
        click.Option(["--all"], is_flag=True, help="Connect every organisation of the consent."),
    ]


async def _source(
    space: "Workspace", out: Output, *, source: str, fields: "tuple[FormField, ...]", options: dict[str, Any]
) -> int:
    values = _values(fields, options)
    id, facts = await space.connect_source(source, options["name"] or source, values)
    if out.json:
        out.data({"connection": id, "facts": facts})
    else:
        out.table(("", "", ""), [("✓" if f.ok else "✗", f.title, f.value) for f in facts], f"Connected as {id}")
    for fact in facts:
        if not fact.ok and fact.remedy:
            out.say(f"{fact.title}: {fact.remedy}")
    return Exit.DONE


async def _xero(
    space: "Workspace", out: Output, *, source: str, fields: "tuple[FormField, ...]", options: dict[str, Any]
) -> int:
    if options.get("kind") != "custom" and not options["answer_file"] and not sys.stdin.isatty():
        raise click.UsageError("Where nobody can be asked, --answer-file says where the answer is read from.")
    values = _values(fields, options)
    consent = await space.xero_begin(options["name"] or "Xero", values)
    try:
        pasted = _answer(out, consent.url, options["answer_file"]) if consent.needs_code else ""
        offered = await space.xero_finish(consent.connection, pasted)
        chosen = _chosen(out, offered, options)
        await space.xero_save(consent.connection, chosen)
    except BaseException:
        # Authorised but not saved would be a connection that nobody asked for.
        await space.xero_discard(consent.connection)
        raise
    names = {t.tenant: t.name for t in offered}
    if out.json:
        out.data({"connection": consent.connection, "tenants": [{"tenant": t, "name": names[t]} for t in chosen]})
    for tenant in chosen:
        out.say(f"Connected {names[tenant]}.")
    return Exit.DONE


def _answer(out: Output, url: str, file: str | None) -> str:
    out.say("Open this address in a browser, sign in to Xero and choose the organisation:")
    # Unbroken, so that it can be selected and copied.
    sys.stderr.write(safe(url, 8000) + "\n")
    if file:
        try:
            read = sys.stdin.readline() if file == "-" else Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise click.UsageError("The answer file can't be read.") from None
        if not read.strip():
            raise click.UsageError("The answer is blank: it is the address where the browser landed, or its code.")
        return read.strip()
    answer: str = click.prompt("Paste the address where the browser landed, or the code in it", err=True)
    return answer.strip()


def _chosen(out: Output, offered: Any, options: dict[str, Any]) -> list[str]:
    usable = [t for t in offered if t.type in ("", "ORGANISATION")]
    if not usable:
        raise SyncError(
            "The consent holds no organisation",
            "Consent again and choose one in Xero.",
            code="core.not_connected",
            exit_code=Exit.NOT_CONNECTED,
        )
    wanted = [w.casefold() for w in options["tenant"]]
    if options["all"] or (len(usable) == 1 and not wanted):
        return [t.tenant for t in usable]
    if not wanted:
        if not sys.stdin.isatty():
            raise click.UsageError("Several organisations: choose with --tenant or --all.")
        for number, tenant in enumerate(usable, 1):
            out.say(f"{number}. {tenant.name}" + (" (already connected)" if tenant.already else ""))
        answer = click.prompt("Which ones? Numbers with commas, or all", default="all", err=True)
        wanted = [] if answer == "all" else [_numbered(usable, n) for n in answer.split(",")]
        if not wanted:
            return [t.tenant for t in usable]
    chosen = [t.tenant for t in usable if t.tenant.casefold() in wanted or t.name.casefold() in wanted]
    if len(chosen) < len(set(wanted)):
        raise click.UsageError("The consent doesn't hold all of these organisations.")
    return chosen


def _numbered(usable: Any, number: str) -> str:
    try:
        index = int(number) - 1
        if index < 0:
            raise IndexError
        return str(usable[index].tenant).casefold()
    except (ValueError, IndexError):
        raise click.UsageError(f"{number.strip()!r} is none of the numbers.") from None
