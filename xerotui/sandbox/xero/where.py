"""The `where` and `order` expressions of Xero, as far as they are known (xero-api section 6.3).

Parsing and evaluating lives here; which fields exist is given by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from xerotui.sandbox.xero.schema import is_guid
from xerotui.sandbox.xero.store import Record, folded

Fields = dict[str, str]
Test = Callable[[Record], bool]
Read = Callable[[Record, str], Any]

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>"(?:[^"]|"")*")
  | (?P<number>-?\d+(?:\.\d+)?)
  | (?P<op>==|!=|>=|<=|&&|\|\||[=<>(),.])
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    )""",
    re.VERBOSE,
)
_METHODS = ("Contains", "StartsWith", "EndsWith")


class QueryError(Exception):
    """The expression can't be understood; Xero answers QueryParseException."""


class _Value(NamedTuple):
    kind: str  # text, number, date, guid, bool or null
    read: Callable[[Record], Any]


class Query(NamedTuple):
    """An expression understood: the test for a record, and what it uses as (field, operator or method, under OR)."""

    test: Test
    uses: frozenset[tuple[str, str, bool]]


def parse(expression: str, fields: Fields, read: Read) -> Query:
    """Return the query of an expression; ``fields`` maps names to text, number, date, guid or bool.

    Raises QueryError for a syntax error, an unknown field, or types that can't be compared.
    """
    parser = _Parser(expression, fields, read)
    test = parser.either()
    if parser.peek():
        raise QueryError(f"Syntax error at '{parser.peek()}'")
    return Query(test, frozenset((name, what, parser.alternatives) for name, what in parser.uses))


def parse_order(expression: str, fields: Fields) -> list[tuple[str, bool]]:
    """Return the (field, descending) pairs of an order expression; QueryError where it isn't one."""
    known = {folded(name): name for name in fields}
    keys = []
    for part in expression.split(","):
        words = part.split()
        if not 1 <= len(words) <= 2 or (len(words) == 2 and words[1].upper() not in ("ASC", "DESC")):
            raise QueryError(f"'{part.strip()}' is no order")
        if folded(words[0]) not in known:
            raise QueryError(f"No property or field '{words[0]}' exists")
        keys.append((known[folded(words[0])], len(words) == 2 and words[1].upper() == "DESC"))
    return keys


def _tokens(expression: str) -> list[tuple[str, str]]:
    found, at = [], 0
    expression = expression.rstrip()
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None or match.lastgroup is None:
            raise QueryError(f"Syntax error at position {at}")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


class _Parser:
    def __init__(self, expression: str, fields: Fields, read: Read) -> None:
        self.tokens = _tokens(expression)
        self.at = 0
        self.fields = {folded(name): name for name in fields}
        self.types = fields
        self.read = read
        self.uses: set[tuple[str, str]] = set()
        self.alternatives = False
        self.latest = ""

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> tuple[str, str]:
        if self.at >= len(self.tokens) or (expected and self.peek() != expected):
            raise QueryError(f"'{expected or 'a value'}' expected")
        self.at += 1
        return self.tokens[self.at - 1]

    def either(self) -> Test:
        tests = [self.both()]
        while self.peek().upper() in ("OR", "||"):
            self.take()
            self.alternatives = True
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda record: any(test(record) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.peek().upper() in ("AND", "&&"):
            self.take()
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)

    def one(self) -> Test:
        if self.peek() == "(":
            self.take("(")
            test = self.either()
            self.take(")")
            return test
        left = self.value()
        if isinstance(left, _Value) and self.peek() in ("==", "=", "!=", ">", ">=", "<", "<="):
            sign = self.take()[1]
            operator = "==" if sign == "=" else sign
            self.uses.add((self.latest, operator))
            return _compare(left, operator, self.value())
        if left.kind == "bool":
            return lambda record: bool(left.read(record))
        raise QueryError("a comparison is missing")

    def value(self) -> _Value:
        kind, token = self.take()
        if kind == "text":
            plain = token[1:-1].replace('""', '"')
            return _Value("text", lambda record: plain)
        if kind == "number":
            number = Decimal(token)
            return _Value("number", lambda record: number)
        if kind != "word":
            raise QueryError(f"Syntax error at '{token}'")
        return self.named(token)

    def named(self, word: str) -> _Value:
        lowered = word.lower()
        if lowered in ("true", "false"):
            return _Value("bool", lambda record: lowered == "true")
        if lowered == "null":
            return _Value("null", lambda record: None)
        if lowered == "guid" and self.peek() == "(":
            return self.guid()
        if lowered == "datetime" and self.peek() == "(":
            return self.moment()
        return self.field(word)

    def guid(self) -> _Value:
        self.take("(")
        text = self.take()[1].strip('"').lower()
        self.take(")")
        if not is_guid(text):
            raise QueryError("Guid should contain 32 digits with 4 dashes")
        return _Value("guid", lambda record: text)

    def moment(self) -> _Value:
        self.take("(")
        numbers = [self.integer()]
        while self.peek() == ",":
            self.take(",")
            numbers.append(self.integer())
        self.take(")")
        if len(numbers) not in (3, 6):
            raise QueryError("DateTime takes three or six numbers")
        try:
            moment = datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type,misc]
        except ValueError as error:
            raise QueryError(str(error)) from None
        return _Value("date", lambda record: moment)

    def integer(self) -> int:
        kind, token = self.take()
        if kind != "number" or "." in token:
            raise QueryError("DateTime takes whole numbers")
        return int(token)

    def field(self, word: str) -> _Value:
        name = word
        while self.peek() == "." and self.tokens[self.at + 1 : self.at + 2]:
            following = self.tokens[self.at + 1][1]
            if following in (*_METHODS, "ToLower"):
                break
            self.take(".")
            name += "." + self.take()[1]
        if folded(name) not in self.fields:
            raise QueryError(f"No property or field '{name}' exists")
        self.latest = known = self.fields[folded(name)]
        value = _Value(self.types[known], lambda record: self.read(record, known))
        while self.peek() == ".":
            value = self.method(value)
        return value

    def method(self, value: _Value) -> _Value:
        self.take(".")
        name = self.take()[1]
        self.uses.add((self.latest, name))
        if value.kind != "text":
            raise QueryError(f"No method '{name}' exists in type '{value.kind}'")
        self.take("(")
        if name == "ToLower":
            self.take(")")
            return value
        argument = self.value()
        self.take(")")
        if name not in _METHODS or argument.kind != "text":
            raise QueryError(f"No applicable method '{name}' exists")

        def test(record: Record) -> bool:
            whole, part = folded(value.read(record) or ""), folded(argument.read(record))
            if name == "Contains":
                return part in whole
            return whole.startswith(part) if name == "StartsWith" else whole.endswith(part)

        return _Value("bool", test)


def _compare(left: _Value, operator: str, right: _Value) -> Test:
    if "null" in (left.kind, right.kind):
        if operator not in ("==", "!="):
            raise QueryError("null is equal or not, nothing else")
    elif left.kind != right.kind:
        raise QueryError(f"Operator '{operator}' incompatible with operand types '{left.kind}', '{right.kind}'")
    elif left.kind in ("guid", "bool") and operator not in ("==", "!="):
        raise QueryError(f"Operator '{operator}' incompatible with operand type '{left.kind}'")

    def test(record: Record) -> bool:
        one, other = comparable(left.read(record)), comparable(right.read(record))
        if operator in ("==", "!="):
            return (one == other) is (operator == "==")
        if one is None or other is None:
            return False
        if operator in (">", ">="):
            return bool(one > other or (operator == ">=" and one == other))
        return bool(one < other or (operator == "<=" and one == other))

    return test


def comparable(value: Any) -> Any:
    """Return ``value`` so that two of one kind compare as Xero compares them."""
    if isinstance(value, str):
        return folded(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value
