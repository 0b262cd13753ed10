"""One request to the accounting API on its way through the emulator, and the verdict on one element.

Only what every endpoint needs of a request may live here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.responses import Response

from xerotui.sandbox.service import Journal, decode, json_reply
from xerotui.sandbox.xero.errors import (
    POST_DATA,
    VALIDATION,
    Refused,
    bad_request,
    invalid,
    no_data,
    not_found,
)
from xerotui.sandbox.xero.render import envelope, shape
from xerotui.sandbox.xero.schema import Clean, WrongType, is_guid, read
from xerotui.sandbox.xero.store import Organisation, Record
from xerotui.sandbox.xero.words import ours

PDF = "application/pdf"
APP_NAME = "XeroTUI sandbox"


@dataclass
class Call:
    """A request that may be answered: authenticated, within its limits, its endpoint known."""

    org: Organisation
    journal: Journal
    client_id: str
    number: int
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    key: str
    args: tuple[str, ...] = ()
    # The collection and id of what the address names, once it was looked up.
    _named: tuple[str, str] = ("", "")

    @property
    def places(self) -> int:
        """Decimals of unit amounts that the caller asked for."""
        return 4 if self.query.get("unitdp") == "4" else 2

    @property
    def wants_pdf(self) -> bool:
        """Whether a document is asked for as a file to print: by the header or by the address."""
        return PDF in self.headers.get("accept", "") or self.path.lower().endswith("/pdf")

    @property
    def summarize(self) -> bool:
        """Whether one bad element turns the whole reply into a 400; so it is unless told otherwise."""
        return self.query.get("summarizeErrors", "true").lower() != "false"

    def violation(self, what: str, detail: str = "") -> None:
        """Note a broken rule together with the request that broke it."""
        self.journal.violation(what, f"{self.method} {self.path}: {detail}" if detail else self.path)

    def json(self) -> Any:
        """Return the body as JSON; a malformed one refuses the request."""
        try:
            return decode(self.body)
        except msgspec.DecodeError as error:
            kind = (POST_DATA, self.org.behaviour.body_number)
            raise Refused(bad_request(kind, "Invalid Json data"), "body", str(error)) from None

    def elements(self, plural: str, singular: str) -> list[Clean]:
        """Return the elements of the body, wrapped in ``plural`` or one bare object."""
        body = self.json()
        if isinstance(body, dict) and plural in body:
            extra = set(body) - {plural}
            if extra:
                self.violation("field", f"unknown beside {plural}: {', '.join(sorted(extra))}")
            found = body[plural]
        else:
            found = body
        if isinstance(found, dict):
            found = [found]
        if not isinstance(found, list) or not found:
            raise Refused(no_data(singular), "body", f"nothing under {plural}")
        return [self.read(singular, element) for element in found]

    def read(self, singular: str, element: Any) -> Clean:
        """Read one element; what Xero doesn't know of is dropped, as Xero does, and noted."""
        try:
            clean = read(singular, element)
        except WrongType as error:
            raise Refused(no_data(singular), "body", str(error)) from None
        if clean.unknown and not clean.values:
            # A wrong wrapper key looks like one object of which nothing is known.
            raise Refused(no_data(singular), "body", f"unknown: {', '.join(clean.unknown)}")
        if clean.unknown:
            self.violation("field", f"unknown: {', '.join(sorted(clean.unknown))}")
        return clean

    def one(self, plural: str, singular: str) -> Clean:
        """Return the single element of the body; more than one refuses the request."""
        found = self.elements(plural, singular)
        named = found[0].values.get(self.org[self._named[0]].id_field) if self._named[0] == plural else None
        if named not in (None, self._named[1]):
            message = f"The {singular} of the body isn't the one of the address"
            raise Refused(invalid([message]), "not known of Xero", message)
        if len(found) > 1:
            message = f"Only one {singular} can be processed at a time"
            raise Refused(bad_request(VALIDATION, message), "batch", message)
        return found[0]

    def target(self, plural: str, given: str, by: str = "") -> Record:
        """Return the record that the address names, by id or by its ``by`` field; 404 where there is none."""
        table = self.org[plural]
        record = table.get(given.lower())
        if record is None and by:
            record = next(iter(table.find(by, given)), None)
        if record is None:
            raise Refused(not_found())
        self._named = (plural, str(record[table.id_field]))
        return record

    def known(self, plural: str, id: str | None) -> None:
        """Refuse the whole request with 404 where its body names an id that doesn't exist; a malformed one is no id."""
        if id and is_guid(id) and self.org[plural].get(id) is None:
            raise Refused(not_found())

    def write(self, kind: str, verb: str, id: str, number: str = "", **more: Any) -> None:
        """Note one accepted write in the journal."""
        self.journal.write(
            tenant=self.org.tenant_id,
            kind=kind,
            verb=verb,
            id=id,
            number=number,
            key=self.key,
            call=self.number,
            **more,
        )

    def reply(self, plural: str, records: list[Record], pagination: Record | None = None) -> Response:
        """Return 200 with rendered records in Xero's envelope."""
        return json_reply(envelope(self.org.now(), APP_NAME, plural, records, pagination))


@dataclass
class Verdict:
    """What became of one element: the record as it shall be shown, its errors, its warnings."""

    shown: Record
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def answer_batch(
    call: Call, plural: str, cleans: list[Clean], save: Callable[[Call, Clean], Verdict], flag: str
) -> Response:
    """Save each element by itself and answer by the rules of summarizeErrors (xero-api section 5.2).

    ``flag`` is the key that says in an element that something is wrong with it. Elements are committed one by
    one: a bad one never takes back a good one.
    """
    verdicts = [save(call, clean) for clean in cleans]
    failed = [verdict for verdict in verdicts if verdict.errors]
    if failed and call.summarize:
        elements = [shape(marked(verdict, flag), plural, call.places) for verdict in failed]
        return bad_request(VALIDATION, "A validation exception occurred", elements)
    shown = []
    for verdict in verdicts:
        record = marked(verdict, flag)
        # A batch of payments carries its messages alone.
        if not call.summarize and plural != "BatchPayments":
            record["StatusAttributeString"] = "ERROR" if verdict.errors else "WARNING" if verdict.warnings else "OK"
        shown.append(shape(record, plural, call.places))
    # Those of a refused request are noted with it.
    call.journal.said(ours(text for verdict in failed for text in verdict.errors))
    return call.reply(plural, shown)


def marked(verdict: Verdict, flag: str) -> Record:
    """Return the element with its messages as Xero attaches them."""
    record = dict(verdict.shown)
    if flag:
        record[flag] = bool(verdict.errors)
    if verdict.errors:
        record["ValidationErrors"] = [{"Message": text} for text in verdict.errors]
    if verdict.warnings:
        record["Warnings"] = [{"Message": text} for text in verdict.warnings]
    return record


def answer_one(call: Call, plural: str, verdict: Verdict, flag: str) -> Response:
    """Answer a request about a single element, where summarizeErrors doesn't exist."""
    record = shape(marked(verdict, flag), plural, call.places)
    if verdict.errors:
        return bad_request(VALIDATION, "A validation exception occurred", [record])
    return call.reply(plural, [record])
