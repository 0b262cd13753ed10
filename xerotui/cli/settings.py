"""Settings on the command line: options by field, secrets from files, variables or questions, never from arguments."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xerotui.cli.text import safe

if TYPE_CHECKING:
    from xerotui.workspace.pages import FormField

# Options of the commands themselves.
RESERVED = ("name", "json", "help")


def key(field: "FormField") -> str:
    """The option's name in Python: a setting that is called as an option of ours gets a word before it."""
    return f"setting_{field.name}" if field.name in RESERVED else field.name


def flag(field: "FormField") -> str:
    """The option's name on the command line, without its dashes."""
    return key(field).replace("_", "-")


def variable(name: str) -> str:
    """The variable that a secret is read from."""
    return f"XEROTUI_{name.upper()}"


def options_of(fields: "tuple[FormField, ...]", *, defaults: bool = True) -> list[click.Parameter]:
    """An option for each field; with `defaults` its help says what is taken where it isn't given."""
    out: list[click.Parameter] = []
    for field in fields:
        option, stored = flag(field), key(field)
        words = safe(f"{field.title}. {field.help}".strip())
        if field.secret:
            out.append(
                click.Option(
                    [f"--{option}-file", stored],
                    type=click.Path(dir_okay=False, allow_dash=True),
                    help=f"{words} Read from a file, or - for stdin; else from {variable(field.name)}, else asked.",
                )
            )
        else:
            kind = click.Choice(list(field.choices)) if field.choices else click.STRING
            usual = f"  [default: {safe(field.default)}]" if defaults and field.default else ""
            out.append(click.Option([f"--{option}", stored], type=kind, help=words + usual))
    return out


def values_of(fields: "tuple[FormField, ...]", options: dict[str, Any]) -> dict[str, str]:
    """The settings as given: options, files and variables for secrets, and questions for what is needed still."""
    values: dict[str, str] = {}
    defaults = {field.name: field.default for field in fields}
    for field in fields:
        given = options.get(key(field))
        if field.where and given is None and values.get(field.where[0], defaults[field.where[0]]) not in field.where[1]:
            continue
        if field.secret:
            values[field.name] = _secret(field, given)
        elif given is not None:
            values[field.name] = given
        elif field.required:
            if not sys.stdin.isatty():
                raise click.UsageError(f"--{flag(field)} is needed.")
            values[field.name] = click.prompt(safe(field.title), err=True)
    return values


def _secret(field: "FormField", file: str | None) -> str:
    if file == "-":
        return sys.stdin.readline().strip()
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise click.UsageError(f"The file for {safe(field.title)} can't be read.") from None
    if value := os.environ.get(variable(field.name), ""):
        return value.strip()
    if not field.required and not sys.stdin.isatty():
        return ""
    if not sys.stdin.isatty():
        raise click.UsageError(f"--{flag(field)}-file or {variable(field.name)} is needed.")
    answer: str = click.prompt(
        safe(field.title), hide_input=True, default=None if field.required else "", show_default=False, err=True
    )
    return answer
