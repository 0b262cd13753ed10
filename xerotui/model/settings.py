"""Annotations that turn a plain typed struct into a settings form and a set of command-line options."""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec


@dataclass(frozen=True)
class Title:
    """The field's label on a form."""

    text: str


@dataclass(frozen=True)
class Help:
    """A sentence under the field, and the option's help."""

    text: str


@dataclass(frozen=True)
class Secret:
    """Kept in the vault alone and never shown again."""


@dataclass(frozen=True)
class Choice:
    """The field takes one of these values."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """The field begins a part of the form under this heading."""

    text: str


@dataclass(frozen=True)
class Where:
    """The field matters only where another one holds one of these values; it isn't asked for elsewhere."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """One field of a settings struct, as forms and options are drawn from it."""

    name: str
    type: type
    title: str
    help: str = ""
    secret: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    where: Where | None = None
    section: str = ""


# How a switch is written on forms and on the command line.
SWITCH = ("on", "off")
# What a person is asked for in place of what they typed, by the field's type.
_WANTED = {int: "a whole number", Decimal: "a number", dt.date: "a date such as 2026-11-21"}
_AT = re.compile(r" - at `\$\.(\w+)`$")


def as_text(value: object) -> str:
    """A setting as a form or the command line writes it: switches on and off, dates in ISO form, None blank."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return SWITCH[0] if value else SWITCH[1]
    if isinstance(value, dt.date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def fields(struct: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The fields of a settings struct, in their order."""
    hints = get_type_hints(struct, include_extras=True)
    out = []
    for info in msgspec.structs.fields(struct):
        hint = hints[info.name]
        base, notes = (get_args(hint)[0], get_args(hint)[1:]) if get_origin(hint) is Annotated else (hint, ())
        by = {type(n): n for n in notes}
        required = info.default is msgspec.NODEFAULT and info.default_factory is msgspec.NODEFAULT
        title = by[Title].text if Title in by else info.name.replace("_", " ").capitalize()
        out.append(
            Field(
                name=info.name,
                type=base if isinstance(base, type) else str,
                title=title,
                help=by[Help].text if Help in by else "",
                secret=Secret in by,
                choices=by[Choice].values if Choice in by else SWITCH if base is bool else (),
                default=None if required else info.default,
                required=required,
                where=by.get(Where),
                section=by[Section].text if Section in by else "",
            )
        )
    return tuple(out)


def fill(struct: type[msgspec.Struct], values: dict[str, str]) -> msgspec.Struct:
    """A settings struct from texts as a form or the command line gives them.

    Raises msgspec.ValidationError naming the field that is wrong or missing.
    """
    known = {f.name: f for f in fields(struct)}
    unknown = [name for name in values if name not in known]
    if unknown:
        raise msgspec.ValidationError(f"unknown setting: {', '.join(sorted(unknown))}")
    for name, field in known.items():
        value = values.get(name)
        if field.required and not value:
            raise msgspec.ValidationError(f"{field.title} is needed")
        if value and field.choices and value not in field.choices:
            raise msgspec.ValidationError(f"{field.title}: one of {', '.join(field.choices)}")
    given: dict[str, Any] = {name: value for name, value in values.items() if value != ""}
    # Only a switch of ours: a text setting may well be called "on".
    given |= {name: value == SWITCH[0] for name, value in given.items() if known[name].type is bool}
    try:
        return msgspec.convert(given, struct, strict=False)
    except msgspec.ValidationError as error:
        at = _AT.search(str(error))
        wrong = known.get(at[1]) if at else None
        if wrong is not None and wrong.type in _WANTED:
            raise msgspec.ValidationError(f"{wrong.title}: {_WANTED[wrong.type]}") from None
        raise msgspec.ValidationError(str(error).replace("$.", "")) from None
