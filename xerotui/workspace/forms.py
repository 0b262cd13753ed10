"""Forms and options drawn from settings structs, and what comes back from them. Needs no store, so that
`connect --help` is quick."""

import re
import secrets
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from xerotui.model.problems import SyncError
from xerotui.model.settings import as_text, fields, fill
from xerotui.source.guard import PluginFault
from xerotui.source.registry import Registry
from xerotui.workspace.pages import FormField

if TYPE_CHECKING:
    from xerotui.source.contract import Source


@cache
def registry() -> Registry:
    """The plugins of this process, loaded as they are asked for."""
    return Registry()


def drawn(struct: type) -> tuple[FormField, ...]:
    """The fields of a settings struct as a form shows them; secrets never carry a default."""
    return tuple(
        FormField(
            name=f.name,
            title=f.title,
            help=f.help,
            secret=f.secret,
            choices=f.choices,
            default=None if f.secret else as_text(f.default) if isinstance(f.default, bool) else f.default,
            required=f.required,
            where=(f.where.field, f.where.values) if f.where else None,
            section=f.section,
        )
        for f in fields(struct)
    )


def source_types() -> tuple[tuple[str, str], ...]:
    """Name and title of every source that the installed plugins bring."""
    return tuple(sorted((name, source.title) for name, source in registry().sources().items()))


def source_form(source: str) -> tuple[FormField, ...]:
    """The settings of a source as a form.

    Raises SyncError when no plugin brings it.
    """
    return drawn(_type(source).settings_type)


def source_beforehand(source: str) -> str:
    """What is told before the settings of a source are asked for; "" for nothing.

    Raises SyncError when no plugin brings it.
    """
    return _type(source).beforehand


def _type(source: str) -> "type[Source]":
    try:
        return registry().source_type(source)
    except PluginFault as fault:
        raise SyncError(f"No source {source}: {fault.sentence}", "See: xerotui plugins.", code="core.plugin") from None


def xero_form() -> tuple[FormField, ...]:
    """The settings of a Xero connection as a form."""
    from xerotui.xero.connections import XeroSettings

    return drawn(XeroSettings)


def filled(struct: type[msgspec.Struct], values: dict[str, str]) -> msgspec.Struct:
    """A settings struct from texts.

    Raises SyncError naming the field that is wrong or missing.
    """
    try:
        return fill(struct, values)
    except msgspec.ValidationError as error:
        raise SyncError(str(error), "Correct the settings.", code="core.settings", exit_code=1) from None


def split(struct: type[msgspec.Struct], values: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Settings for the book and secrets for the vault; blank values are left out of both."""
    secret = {f.name for f in fields(struct) if f.secret}
    given = {name: value for name, value in values.items() if value != ""}
    open_ = {name: value for name, value in given.items() if name not in secret}
    return open_, {name: value for name, value in given.items() if name in secret}


def fresh_id(name: str, taken: set[str]) -> str:
    """A short id that a person recognises; "-2" and so on where it is taken."""
    base = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:24] or secrets.token_hex(3)
    id, n = base, 1
    while id in taken:
        n += 1
        id = f"{base}-{n}"
    return id
