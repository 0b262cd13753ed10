"""Fitting the JSON of a POST to the model, as a .NET binder does (halo-api section 6).

Conversion of values by declared type and the wording of its failures; nothing is stored here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from xerotui_halo.emulator.errors import binding
from xerotui_halo.emulator.fields import FLAGS, Entity, Field
from xerotui_halo.emulator.seed import Row, stamp

_WORDS = {"i": "integer", "n": "decimal", "b": "boolean", "d": "DateTime", "s": "string", "o": "object", "a": "array"}
_INT_MAX = 2_147_483_647


def bind(entity: Entity, body: Any, index: int, raw: str) -> tuple[Row, list[str]]:
    """The writable properties of one element, converted, and the names of those Halo doesn't have.

    Raises the binding error of Halo where a value doesn't fit its type.
    """
    if not isinstance(body, dict):
        raise binding(f"[{index}]", f"Error converting value {body} to type '{entity.name}'.", 1)
    unknown = [prop for prop in body if prop not in entity.fields and prop not in FLAGS]
    bound = _convert(entity.fields, body, f"[{index}]", raw)
    for part in ("lines", "add_lines"):
        if part in bound and entity.line_fields:
            converted = []
            for n, line in enumerate(bound[part]):
                where = f"[{index}].{part}[{n}]"
                if not isinstance(line, dict):
                    raise binding(where, f"Error converting value {line} to a line.", 1)
                unknown += [f"{part}.{prop}" for prop in line if prop not in entity.line_fields]
                converted.append(_convert(entity.line_fields, line, where, raw))
            bound[part] = converted
    return bound, unknown


def _convert(fields: dict[str, Field], body: Row, where: str, raw: str) -> Row:
    found = {}
    for prop, value in body.items():
        field = fields.get(prop)
        if field is not None and (field.writable or field.name == "id"):
            found[prop] = _value(field, value, f"{where}.{prop}", raw)
    return found


def _value(field: Field, value: Any, where: str, raw: str) -> Any:
    try:
        return _CONVERTERS[field.type](value)
    except (ValueError, TypeError, InvalidOperation):
        position = max(raw.find(f'"{field.name}"'), 0) + len(field.name) + 3
        told = "{null}" if value is None else value
        message = f"Could not convert {type(value).__name__.replace('str', 'string')} to {_WORDS[field.type]}: {told}."
        raise binding(where, message, position) from None


def _integer(value: Any) -> int:
    if isinstance(value, bool) or value is None:
        raise TypeError
    number = Decimal(str(value))
    if number != number.to_integral_value() or abs(number) > _INT_MAX:
        raise ValueError
    return int(number)


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or value is None:
        raise TypeError
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError
    return number


def _string(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        raise TypeError
    return str(value).lower() if isinstance(value, bool) else str(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError


def _date(value: Any) -> str:
    if value is None:
        return "1900-01-01T00:00:00"
    moment = datetime.fromisoformat(str(value))
    return stamp(moment.astimezone(UTC) if moment.tzinfo else moment)


def _object(value: Any) -> Row | None:
    if value is not None and not isinstance(value, dict):
        raise TypeError
    return value


def _array(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError
    return value


_CONVERTERS: dict[str, Any] = {
    "i": _integer, "n": _number, "s": _string, "b": _boolean, "d": _date, "o": _object, "a": _array,
}  # fmt: skip
