"""Holding recorded traffic against Xero's OpenAPI files: which operation it is, and where it differs from the file.

Reading the files and finding differences live here; which differences are known, and why, stands in `known`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import yaml

FILES = {"/api.xro/2.0": "xero_accounting.yaml", "": "xero-identity.yaml"}
_CHECKED = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True, order=True)
class Difference:
    """One thing in which traffic and file differ.

    ``side`` is request or answer, ``place`` a parameter or a path through the body without positions, ``what``
    the kind of difference, ``value`` what stood there, for people.
    """

    operation: str
    side: str
    place: str
    what: str
    value: str

    def __str__(self) -> str:
        return f"{self.operation} {self.side}: {self.place}: {self.what} ({self.value})"


class Operation:
    """One operation of a file, with its checks made ready."""

    def __init__(self, contract: Contract, base: str, path: str, method: str, shared: list[Any], body: Any) -> None:
        self.contract = contract
        self.id: str = body["operationId"]
        self.method = method.upper()
        pattern = "".join(
            "([^/]+)" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]+\})", path)
        )
        self.pattern = re.compile(re.escape(base) + pattern + "/?", re.IGNORECASE)
        self.rank = path.count("{")
        self.address = base + path
        parameters = [contract.resolved(given) for given in [*shared, *body.get("parameters", [])]]
        self.query = {given["name"]: given for given in parameters if given["in"] == "query"}
        self.headers = {given["name"].lower(): given for given in parameters if given["in"] == "header"}
        self.path = [given for given in parameters if given["in"] == "path"]
        self.path.sort(key=lambda given: path.index("{" + given["name"] + "}"))
        self.takes = contract.content(body.get("requestBody"))
        self.answers = {str(status): contract.resolved(given) for status, given in body["responses"].items()}

    def misfits(self, path: str) -> list[tuple[str, str, str]]:
        """Return name, kind of difference and text of each part of ``path`` that isn't as the file has it."""
        match = self.pattern.fullmatch(path)
        assert match is not None
        parts = [(given, unquote(text)) for given, text in zip(self.path, match.groups(), strict=True)]
        found = [(given["name"], _parameter(self.contract, given, text), text) for given, text in parts]
        return [misfit for misfit in found if misfit[1]]

    def element(self) -> Any:
        """Return the schema of one element of this operation's list, or None where it has no list."""
        schema = self.contract.content(self.answers.get("200"))
        fields = self.contract.resolved(schema).get("properties", {}) if schema else {}
        lists = [
            inner["items"] for name, inner in fields.items() if inner.get("type") == "array" and name != "Warnings"
        ]
        return lists[0] if lists else None


class Contract:
    """One of Xero's files, made strict: what it doesn't name is a difference, in requests what is read-only too."""

    def __init__(self, file: Path, base: str) -> None:
        self.document = yaml.load(file.read_text("utf-8"), yaml.CSafeLoader)
        schemas = self.document["components"].get("schemas", {})
        self.strict = {
            side: {name: _strict(schema, side == "request") for name, schema in schemas.items()}
            for side in ("request", "answer")
        }
        self._checks: dict[tuple[str, str], Any] = {}
        self.operations = [
            Operation(self, base, path, method, item.get("parameters", []), item[method])
            for path, item in self.document["paths"].items()
            for method in _CHECKED
            if method in item
        ]

    def resolved(self, given: Any) -> Any:
        """Return ``given``, or what its ``$ref`` names."""
        while "$ref" in given:
            found = self.document
            for step in given["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            given = found
        return given

    def content(self, given: Any) -> Any:
        """Return the JSON schema of a request body or an answer, or None."""
        media = self.resolved(given).get("content", {}).get("application/json") if given else None
        return media["schema"] if media else None

    def differences(self, schema: Any, side: str, value: Any) -> Iterator[tuple[str, str, str]]:
        """Yield place, kind and value of each difference between a body and its schema."""
        key = (side, repr(schema))
        check = self._checks.get(key)
        if check is None:
            whole = {"$defs": self.strict[side], **_strict(schema, side == "request")}
            check = self._checks[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        for error in check.iter_errors(value):
            place = ".".join(str(step) for step in error.instance_path if not isinstance(step, int))
            kind: Any = error.kind
            instance: Any = error.instance
            if kind.name == "additionalProperties":
                for name in kind.unexpected:
                    yield f"{place}.{name}".lstrip("."), "unknown", _short(instance.get(name))
            elif kind.name == "required":
                yield f"{place}.{kind.property}".lstrip("."), "required", "missing"
            elif kind.name == "falseSchema":
                yield place, "read-only", _short(instance)
            else:
                yield (
                    place,
                    kind.name + (" of a refused element" if _refused(value, error.instance_path) else ""),
                    _short(instance),
                )


def _refused(body: Any, path: list[Any]) -> bool:
    """Return whether any element on the way to a place in a body was refused: its echo is what was asked for."""
    for step in path:
        if isinstance(body, dict) and body.get("StatusAttributeString") == "ERROR":
            return True
        body = body[step]
    return False


def _short(value: Any) -> str:
    return repr(value)[:80]


def _strict(schema: Any, request: bool) -> Any:
    """Return an OpenAPI 3.0 schema as JSON Schema that allows nothing beyond it."""
    if isinstance(schema, list):
        return [_strict(inner, request) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        # In OpenAPI 3.0 nothing beside a reference counts.
        return {"$ref": schema["$ref"].replace("#/components/schemas/", "#/$defs/")}
    if request and schema.get("readOnly") is True:
        return False
    found = {
        name: _strict(schema[name], request)
        for name in ("type", "items", "enum", "format", "required", "maxLength", "minimum", "maximum")
        if name in schema
    }
    if "properties" in schema:
        found["properties"] = {name: _strict(inner, request) for name, inner in schema["properties"].items()}
        found["additionalProperties"] = False
    return found


@cache
def contracts(folder: str) -> tuple[Contract, ...]:
    """Return the files in ``folder``; OSError where one isn't there."""
    return tuple(Contract(Path(folder) / name, base) for base, name in FILES.items())


def operation(folder: str, method: str, path: str) -> Operation | None:
    """Return the operation that a request means, the address with the fewest ids first, then that whose ids fit."""
    found = [
        known
        for contract in contracts(folder)
        for known in contract.operations
        if known.method == method and known.pattern.fullmatch(path)
    ]
    return min(found, key=lambda known: (known.rank, len(known.misfits(path))), default=None)


def judged(folder: str, line: dict[str, Any]) -> Iterator[Difference]:
    """Yield every difference of one recorded exchange; the request counts where our own client made it."""
    ours = line["headers"].get("user-agent", "").startswith("XeroTUI/")
    known = operation(folder, line["method"], line["path"])
    if known is None:
        if ours:
            yield Difference("-", "request", line["path"], "operation", line["method"])
        return
    if ours:
        yield from _request(known, line)
    if line["status"]:
        yield from _answer(known, line)


def _request(known: Operation, line: dict[str, Any]) -> Iterator[Difference]:
    def differs(place: str, what: str, value: object) -> Difference:
        return Difference(known.id, "request", place, what, _short(value))

    if not line["path"].startswith(known.address.partition("{")[0]):
        yield differs("address", "letters", line["path"])
    query = dict(line["query"])
    if len(query) < len(line["query"]):
        yield differs("query", "repeated", line["query"])
    for name, value in query.items():
        if name not in known.query:
            yield differs(f"query {name}", "unknown", value)
        elif what := _parameter(known.contract, known.query[name], value):
            yield differs(f"query {name}", what, value)
    sent = line["headers"]
    for name, given in known.headers.items():
        if name in sent and (what := _parameter(known.contract, given, sent[name])):
            yield differs(f"header {name}", what, sent[name])
        if given.get("required") and name not in sent:
            yield differs(f"header {name}", "required", "missing")
    for name in ("idempotency-key", "if-modified-since"):
        if name in sent and name not in known.headers:
            yield differs(f"header {name}", "unknown", sent[name])
    for name, what, text in known.misfits(line["path"]):
        yield differs(f"path {name}", what, text)
    if line["sent"] is not None and known.takes is None:
        yield differs("body", "unknown", line["sent"])
    elif line["sent"] is not None:
        for place, what, value in known.contract.differences(known.takes, "request", line["sent"]):
            yield Difference(known.id, "request", place or "body", what, value)
    elif known.takes is not None and line["status"] in (200, 204, 400):
        # Who is turned away earlier hasn't been read.
        yield differs("body", "required", "missing")


def _parameter(contract: Contract, given: Any, text: str) -> str:
    """Return the kind of difference between one parameter and its schema, or nothing."""
    schema = contract.resolved(given["schema"])
    values: list[Any] = text.split(",") if schema.get("type") == "array" else [text]
    each = contract.resolved(schema["items"]) if schema.get("type") == "array" else schema
    for value in values:
        if each.get("type") in ("integer", "boolean", "number"):
            try:
                value = yaml.safe_load(value)
            except yaml.YAMLError:
                return str(each["type"])
        found = next(contract.differences(each, "answer", value), None)
        if found:
            return found[1]
    return ""


def _answer(known: Operation, line: dict[str, Any]) -> Iterator[Difference]:
    status = str(line["status"])
    given = known.answers.get(status)
    if given is None:
        yield Difference(known.id, "answer", f"status {status}", "unknown", line["type"])
        return
    schema = known.contract.content(given)
    if schema is None:
        if line["answer"] is not None:
            yield Difference(known.id, "answer", "body", "unknown", _short(line["answer"]))
        return
    if line["type"] == "application/pdf" == line["headers"].get("accept"):
        return  # the header asks for what the file has under an address of its own (xero-api section 2)
    if not line["type"].startswith("application/json"):
        yield Difference(known.id, "answer", "content type", "unknown", line["type"])
        return
    body = line["answer"]
    element = known.element() if status == "400" and isinstance(body, dict) else None
    if element is not None:
        # The file has one loose schema for all refused elements; in truth they look like those of the operation.
        body = dict(body)
        for refused in body.pop("Elements", []):
            for place, what, value in known.contract.differences(element, "answer", refused):
                echoed = what if what == "unknown" else f"{what.split()[0]} of a refused element"
                yield Difference(known.id, "answer", f"Elements.{place}", echoed, value)
    for place, what, value in known.contract.differences(schema, "answer", body):
        yield Difference(known.id, "answer", place or "body", what, value)
