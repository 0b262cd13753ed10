"""Every validation message that the sandbox can be brought to say, through the real sender to the Errors screen.

The causes are natural: each request is one that a client could really send (xero-api section 7.1).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from textual.pilot import Pilot

from tests.flows.stage import SMALL, settled, text_of, until
from tests.rig import SOURCE, Rig, rig
from xerotui.console.app import XeroTUI
from xerotui.console.places import leads
from xerotui.console.rows.errors import cause_key
from xerotui.console.screens.errors import CauseScreen, ErrorsScreen
from xerotui.model.kinds import DOCUMENTS, Kind, Side
from xerotui.model.postings import ContactPosting, DocumentPosting, Posting, encode
from xerotui.model.problems import CORE, Place, Problem
from xerotui.model.work import Call, Operation, Verb
from xerotui.sandbox.service import decode
from xerotui.sync.plan import new_id
from xerotui.sync.send_xero import XeroSender
from xerotui.sync.settle import _problems, tell
from xerotui.workspace.door import Workspace
from xerotui.xero.catalogue import CATALOGUE
from xerotui.xero.messages import read_message, read_messages

HOSTILE = "Evil [/b][@click=app.quit]x[/] \x1b]52;c;aGk=\x07 \x9b31m \u202egnp.exe was never said before"
# Said by Xero, but nothing in the sandbox has it for a cause: wordings beside one that is provoked.
ELSEWHERE = {
    "Another contact has this contact number",
    "Credit note # must be unique",
    "Account code or ID must be specified",
    "The document total does not equal",
    "Dates cannot be before the <y> lock date",
}


@dataclass
class Facts:
    """What the requests below refer to."""

    active: str
    archived: str
    number: str
    paid: str
    part: str
    draft: str
    voided: str
    note: str
    order: str
    bank: str
    lock: str
    group: str
    more: dict[str, str] = field(default_factory=dict)


def sale(facts: Facts, **more: Any) -> dict[str, Any]:
    return {
        "Type": "ACCREC",
        "Contact": {"ContactID": facts.active},
        "Date": "2026-11-01",
        "DueDate": "2026-12-01",
        "Status": "AUTHORISED",
        "LineItems": [row()],
        **more,
    }


def row(**more: Any) -> dict[str, Any]:
    return {"Description": "Work", "Quantity": 1, "UnitAmount": 100, "AccountCode": "200", "TaxType": "OUTPUT2", **more}


def order(facts: Facts, **more: Any) -> dict[str, Any]:
    return {
        "Contact": {"ContactID": facts.active},
        "LineItems": [row(AccountCode="310", TaxType="INPUT2")],
        "Date": "2026-11-01",
        **more,
    }


@dataclass(frozen=True)
class Case:
    """A request, and how the message begins that answers it."""

    says: str
    method: str
    path: str
    body: Callable[[Facts], Any]
    kind: Kind = Kind.INVOICE

    @property
    def target(self) -> str:
        whole = "/" in self.path or self.path in ("ContactGroups", "Accounts")
        return self.path if whole else f"{self.path}?summarizeErrors={'true' if self.path == 'Payments' else 'false'}"

    def wrapped(self, facts: Facts) -> dict[str, Any]:
        """The body under the name of its endpoint."""
        body: dict[str, Any] = self.body(facts)
        return body if "/" in self.path or self.path in body else {self.path: [body]}


def inv(says: str, **more: Any) -> Case:
    return Case(says, "PUT", "Invoices", lambda f: sale(f, **more))


def line(says: str, **more: Any) -> Case:
    return Case(says, "PUT", "Invoices", lambda f: sale(f, LineItems=[row(**more)]))


def contact(says: str, method: str = "PUT", **more: Any) -> Case:
    return Case(says, method, "Contacts", lambda f: {"Name": "Fresh Name", **more}, Kind.CUSTOMER)


def item(says: str, **more: Any) -> Case:
    return Case(says, "PUT", "Items", lambda f: {"Code": "FRESH", "Name": "Fresh", **more}, Kind.ITEM)


CASES: tuple[Case, ...] = (
    contact("The contact name Taken Name is already assigned", Name="Taken Name"),
    contact("The contact number C-77 is already assigned", ContactNumber="C-77"),
    contact("The Account Number already exists", AccountNumber="A-77"),
    Case("The contact with the specified contact details has been archived", "PUT", "Invoices",
         lambda f: sale(f, Contact={"ContactID": f.archived})),
    Case("The specified contact details matched an archived contact", "POST", "Contacts",
         lambda f: {"ContactID": f.archived, "FirstName": "Sam"}, Kind.CUSTOMER),
    Case("Unable to assign an Archived contact", "PUT", "ContactGroups/{group}/Contacts",
         lambda f: {"Contacts": [{"ContactID": f.archived}]}, Kind.CUSTOMER),
    contact("The status 'ARCHIVED' is not valid for contacts", ContactStatus="ARCHIVED"),
    contact("Contact Name cannot be empty", Name=" "),
    contact("Contact Name contains characters", Name="A <b> c"),
    inv("The Contact must contain at least 1", Contact={}),
    inv("A Contact must be specified for this type of transaction", Contact=None),
    contact("Email address must be valid", EmailAddress="jürgen@example.com"),
    contact("Website must be valid", Website="not an address"),
    Case("You've reached the limit of 100 contact groups", "PUT", "ContactGroups",
         lambda f: {"ContactGroups": [{"Name": "One too many"}]}, Kind.CUSTOMER),
    inv("Invoice # must be unique", InvoiceNumber="TAKEN-1"),
    Case("Credit note number must be unique", "PUT", "CreditNotes",
         lambda f: sale(f, Type="ACCRECCREDIT", CreditNoteNumber="CN-TAKEN"), Kind.CREDIT_NOTE),
    Case("Order number must be unique", "PUT", "PurchaseOrders",
         lambda f: order(f, PurchaseOrderNumber="PO-LIVE"), Kind.PURCHASE_ORDER),
    Case("PurchaseOrder status change is invalid", "POST", "PurchaseOrders",
         lambda f: order(f, PurchaseOrderNumber="PO-GONE"), Kind.PURCHASE_ORDER),
    inv("Invoice not of valid status for creation", Status="PAID"),
    inv("Invoice not of valid type for creation", Type="ACCRECX"),
    Case("CreditNote not of valid status for creation", "PUT", "CreditNotes",
         lambda f: sale(f, Type="ACCRECCREDIT", Status="PAID"), Kind.CREDIT_NOTE),
    Case("PurchaseOrder not of valid status for creation", "PUT", "PurchaseOrders",
         lambda f: order(f, Status="BILLED"), Kind.PURCHASE_ORDER),
    Case("Invoice not of valid status for modification", "POST", "Invoices",
         lambda f: {"InvoiceID": f.voided, "Reference": "x"}),
    Case("Credit note not of valid status for modification", "POST", "CreditNotes",
         lambda f: {"CreditNoteID": f.note, "Status": "DELETED"}, Kind.CREDIT_NOTE),
    Case("This document cannot be edited as it has a payment or credit note", "POST", "Invoices",
         lambda f: {"InvoiceID": f.part, "LineItems": [row(UnitAmount=5)]}),
    Case("The status VOIDED cannot be applied", "POST", "Invoices",
         lambda f: {"InvoiceID": f.part, "Status": "VOIDED"}),
    inv("One or more line items must be specified", LineItems=[]),
    Case("Could not find line item(s)", "POST", "Invoices",
         lambda f: {"InvoiceID": f.draft, "LineItems": [row(LineItemID=f.voided)]}),
    Case("An existing Credit Note with the specified CreditNoteID could not be found", "POST", "CreditNotes",
         lambda f: sale(f, Type="ACCRECCREDIT", CreditNoteID=f.voided), Kind.CREDIT_NOTE),
    Case("The document with the supplied id was not found for this endpoint", "PUT", "Payments/{paid}/History",
         lambda f: {"HistoryRecords": [{"Details": "note"}]}),
    inv("The invoice total does not equal", Total=1),
    Case("The creditnote total does not equal", "PUT", "CreditNotes",
         lambda f: sale(f, Type="ACCRECCREDIT", Total=1), Kind.CREDIT_NOTE),
    Case("The purchaseorder total does not equal", "PUT", "PurchaseOrders", lambda f: order(f, Total=1),
         Kind.PURCHASE_ORDER),
    line("The tax amount cannot be greater than the line amount", TaxAmount=101),
    line("The discount rate '127.83' is invalid", DiscountRate=127.83),
    inv("Organisation is not subscribed to currency CHF", CurrencyCode="CHF"),
    inv("A currency rate must be specified", CurrencyCode="JPY"),
    Case("Payment amount exceeds the amount outstanding", "PUT", "Payments",
         lambda f: {"Invoice": {"InvoiceID": f.part}, "Account": {"AccountID": f.bank}, "Amount": 9999}),
    Case("Payments can only be made against authorised documents", "PUT", "Payments",
         lambda f: {"Invoice": {"InvoiceID": f.draft}, "Account": {"AccountID": f.bank}, "Amount": 1}),
    Case("Account could not be found", "PUT", "Payments",
         lambda f: {"Invoice": {"InvoiceID": f.part}, "Account": {"Code": "200"}, "Amount": 1}),
    line("Account code must be specified", AccountCode=None),
    line("Account code '205' has been archived or deleted", AccountCode="205"),
    line("Account code '999' is not a valid code for this document", AccountCode="999"),
    inv("Account code '476' has been removed", Status="DRAFT", InvoiceNumber="W-1", LineItems=[row(AccountCode="476")]),
    item("Account must be valid", SalesDetails={"AccountCode": "999"}),
    line("The TaxType field is mandatory", TaxType=None, AccountCode="NOTAX"),
    line("The TaxType code 'OUTPUT2' cannot be used with account code '310'", AccountCode="310"),
    line("The TaxType code NOPE does not exist", TaxType="NOPE"),
    item("Tax rate must be valid", SalesDetails={"TaxType": "NOPE"}),
    line("Item code NOPE is not valid", ItemCode="NOPE"),
    item("Price List Item with Code 'ITEM-77' already exists", Code="ITEM-77"),
    item("Price List Item Code must not be more than 30 characters long", Code="X" * 31),
    item("Price List Item Code cannot be empty", Code=" "),
    line("Unknown tracking details", Tracking=[{"Name": "Region", "Option": "Nowhere"}]),
    Case("Please enter a unique Name", "PUT", "Accounts",
         lambda f: {"Name": "Sales", "Code": "2000", "Type": "REVENUE"}),
    Case("The document date cannot be before the period lock date", "PUT", "Invoices", lambda f: sale(f, Date=f.lock)),
    Case("Guid should contain 32 digits", "POST", "Invoices", lambda f: {"InvoiceID": "4711", "Reference": "x"}),
    inv("Only AUTHORISED invoices may have SentToContact updated", Status="DRAFT", SentToContact=True,
        InvoiceNumber="W-2"),
    Case("Only AUTHORISED and BILLED purchase orders may have SentToContact updated", "PUT", "PurchaseOrders",
         lambda f: order(f, SentToContact=True, PurchaseOrderNumber="W-3"), Kind.PURCHASE_ORDER),
    Case("Only AUTHORISED credit notes may have SentToContact updated", "PUT", "CreditNotes",
         lambda f: sale(f, Type="ACCRECCREDIT", Status="DRAFT", SentToContact=True, CreditNoteNumber="W-4"),
         Kind.CREDIT_NOTE),
)  # fmt: skip
# What needs a user or a plan of less.
LIMITED: tuple[Case, ...] = (
    inv("You have reached the limit of invoices you can approve"),
    Case("The User specified does not have the correct permissions", "PUT", "Invoices",
         lambda f: sale(f, Status="DRAFT")),
    inv("Users Organisation is not subscribed to currency CHF", CurrencyCode="CHF"),
)  # fmt: skip


def posting_of(case: Case, body: dict[str, Any], n: int) -> Posting:
    """Something to find it by that equals nothing in Xero, so that nothing is taken for one's own."""
    if case.kind not in DOCUMENTS:
        return ContactPosting(kind=Kind.CUSTOMER, name=f"Nobody {n}")
    number = next((str(v) for k, v in body.items() if k.endswith("Number")), f"none-{n}")
    return DocumentPosting(kind=case.kind, number=number, date=dt.date(2026, 11, 1), currency="GBP", total=Decimal(1))


class Speaker:
    """Brings the sandbox to say things, and the engine to hear them."""

    def __init__(self, bench: Rig) -> None:
        self.bench = bench
        self.tenant = bench.tenants[0]
        self.sender = XeroSender(bench.wiring.ports(), f"xero:{self.tenant}", self.tenant)

    async def make(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """A write that is accepted, for others to collide with."""
        client = await self.bench.wiring.ports().xero(self.tenant)
        response = await client.send(method, f"/{path}", json.dumps(body).encode(), new_id("key"))
        assert response.ok, response.text()
        answer = decode(response.body)
        found: dict[str, Any] = answer[path.partition("?")[0].partition("/")[0]][0]
        return found

    async def act(self, name: str, **body: Any) -> Any:
        """Something that a person does in Xero's own pages."""
        return await self.bench.control("xero", f"/{name}/{self.tenant}", body)

    async def facts(self) -> Facts:
        """The organisation as the requests expect it."""
        state = await self.bench.control("xero", f"/state/{self.tenant}/contacts")
        archived = next(c["ContactID"] for c in state if c["ContactStatus"] == "ARCHIVED")
        made = {"Name": "Taken Name", "ContactNumber": "C-77", "AccountNumber": "A-77"}
        active = (await self.make("PUT", "Contacts", made))["ContactID"]
        accounts = await self.bench.control("xero", f"/state/{self.tenant}/accounts")
        bank = next(a["AccountID"] for a in accounts if a["Type"] == "BANK")
        await self.make("PUT", "Accounts", {"Name": "No tax", "Code": "NOTAX", "Type": "REVENUE"})
        await self.make("PUT", "Currencies", {"Code": "JPY"})
        await self.make("PUT", "Items", {"Code": "ITEM-77", "Name": "Taken"})
        facts = Facts(active, archived, "TAKEN-1", "", "", "", "", "", "", bank, "", "")
        facts.part = (await self.make("PUT", "Invoices", sale(facts, InvoiceNumber="TAKEN-1")))["InvoiceID"]
        facts.paid = (await self.act("payments", InvoiceID=facts.part, Amount=20))["PaymentID"]
        facts.draft = (await self.make("PUT", "Invoices", sale(facts, Status="DRAFT")))["InvoiceID"]
        voided = await self.make("PUT", "Invoices", sale(facts))
        facts.voided = (await self.act("void", InvoiceID=voided["InvoiceID"]))["InvoiceID"]
        note = sale(facts, Type="ACCRECCREDIT", CreditNoteNumber="CN-TAKEN")
        facts.note = (await self.make("PUT", "CreditNotes", note))["CreditNoteID"]
        await self.make("PUT", "PurchaseOrders", order(facts, PurchaseOrderNumber="PO-LIVE"))
        gone = await self.make("PUT", "PurchaseOrders", order(facts, PurchaseOrderNumber="PO-GONE"))
        await self.act("void", PurchaseOrderID=gone["PurchaseOrderID"])
        groups = {"ContactGroups": [{"Name": f"Group {n}"} for n in range(100)]}
        facts.group = (await self.make("PUT", "ContactGroups", groups))["ContactGroupID"]
        facts.lock = str(self.bench.world.tenants[0].period_lock_date)
        return facts

    async def say(self, n: int, case: Case, facts: Facts) -> Problem:
        """Send it as the engine sends a call, and return the problem that a person will read."""
        body = json.dumps(case.wrapped(facts)).encode()
        path = case.target.format(group=facts.group, paid=facts.paid)
        lane, id = self.sender.lane, new_id("call")
        posting = posting_of(case, case.body(facts), n)
        verb = Verb.CREATE if case.method == "PUT" else Verb.UPDATE
        operation = Operation(
            id=new_id("op"), plan="plan", side=Side.XERO, lane=lane, kind=case.kind, verb=verb, connection=SOURCE,
            tenant=self.tenant, record=f"{n:03d}", title=f"R{n:03d}", body=encode(posting), target=facts.part,
        )  # fmt: skip
        call = Call(
            id=id, lane=lane, kind=case.kind, verb=verb, method=case.method, path=f"/{path}", key=id, body=body,
            operations=(operation.id,), first_sent=self.bench.wiring.clock.now(),
        )  # fmt: skip
        outcome = await self.sender.send(call, [operation])
        assert not outcome.unclear, (case, outcome)
        found = _problems(outcome)
        told = [p for _, problems in found for p in problems if p.code != "core.mismatch_after"]
        assert len(told) == 1, (case, outcome, told)
        async with self.bench.wiring.ledger.write() as tx:
            await tell(self.bench.wiring.ports(), tx, [(operation, told)])
        return told[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def spoken(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Rig, dict[str, Problem]]]:
    """A ledger in which every message stands, with the problem that each became."""
    async with rig(Path(tmp_path_factory.mktemp("words")), scale=0.05, rate=60, mapped=False) as bench:
        await bench.control("xero", "/limits", {"minute": 10_000})
        # What follows is wrong on purpose, and no example of what XeroTUI sends.
        bench.wiring.http._pool.headers["User-Agent"] = "a client that errs"
        speaker = Speaker(bench)
        facts = await speaker.facts()
        found = {case.says: await speaker.say(n, case, facts) for n, case in enumerate(CASES)}
        roles: tuple[dict[str, Any], ...] = (
            {"approvals": 0}, {"denied": ["CreateDraftInvoice"]}, {"denied": ["UseMulticurrency"]}
        )  # fmt: skip
        for n, (case, role) in enumerate(zip(LIMITED, roles, strict=True)):
            await speaker.act("role", **role)
            found[case.says] = await speaker.say(len(CASES) + n, case, facts)
        body = {"Type": "ValidationException", "Elements": [{"ValidationErrors": [{"Message": HOSTILE}]}]}
        strange = {"do": "status", "status": 400, "text": json.dumps(body), "path": "/Invoices", "times": 1}
        await bench.control("xero", "/faults", strange)
        found[HOSTILE] = await speaker.say(len(found), inv(HOSTILE), facts)
        yield bench, found


@pytest.mark.asyncio(loop_scope="module")
async def test_each_message_becomes_the_problem_of_its_row(spoken: tuple[Rig, dict[str, Problem]]) -> None:
    _, found = spoken
    met = set()
    for says, problem in found.items():
        assert says in problem.said, (says, problem.said)
        reading = read_messages(problem.said.split("; "))
        assert reading.known is (says != HOSTILE), says
        assert (problem.code, problem.remedy) == (reading.code, reading.remedy), says
        assert reading.cause in problem.sentence, (says, problem.sentence)
        assert problem.code in CORE
        assert leads(problem.place), (says, problem.place)
        met.add(reading.cause)
    every = {entry.cause for entry in CATALOGUE}
    assert met - every == {""}, "what isn't known has no cause, and Xero's own words"
    assert every - met == set(), "every row of the catalogue is provoked"


def test_no_wording_hides_another() -> None:
    heads = [(wording, entry) for entry in CATALOGUE for wording in entry.says.split(" | ")]
    for wording, entry in heads:
        example = wording.strip().replace("<x>", "'A value'").replace("<y>", "some words")
        reading = read_message(f"{example.rstrip()} and whatever Xero adds" if wording[-3:] != "<x>" else example)
        assert reading.cause == entry.cause, wording
        assert "{" not in reading.subject
    assert len(heads) > len(CATALOGUE) >= 50
    assert len({entry.cause for entry in CATALOGUE}) == len(CATALOGUE)


def test_of_several_messages_the_one_that_is_known_explains() -> None:
    reading = read_messages(["Never heard of", "Invoice # must be unique."])
    assert (reading.code, reading.said) == ("core.number_taken", "Never heard of; Invoice # must be unique.")
    unknown = read_messages([HOSTILE])
    assert (unknown.code, unknown.cause, unknown.said) == ("core.rejected", "", HOSTILE)
    assert unknown.remedy


def plain(pilot: Pilot[Any]) -> str:
    """The words on the screen, in one line."""
    return " ".join(text_of(pilot).split())


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("most", [1, pytest.param(100, marks=pytest.mark.soak)], ids=["one of each code", "every one"])
async def test_the_console_shows_cause_remedy_and_the_key_of_each(
    spoken: tuple[Rig, dict[str, Problem]], most: int
) -> None:
    bench, found = spoken
    home = bench.wiring.home.root
    waiting = {cause_key(p.code, p.subject): p for p in found.values()}
    shown_of = {
        code: min(most, sum(p.code == code for p in found.values())) for code in {p.code for p in found.values()}
    }
    places: dict[str, Place] = {}

    async def opener() -> Workspace:
        return await Workspace.open(home, attached=True)

    app = XeroTUI(opener, read_only=True, banner="sandbox", home=home)

    def listed() -> int:
        """How many causes the list shows, when it shows those of the code that was asked for."""
        screen = app.screen
        if not isinstance(screen, ErrorsScreen) or not screen.loaded or CORE[code].title[:30] not in text_of(pilot):
            return 0
        return sum(row.code == code for row in screen.rows.values())

    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        for code in sorted({p.code for p in found.values()}):
            mine = sum(p.code == code for p in found.values())
            app.go_place(Place("go.errors", {"code": code}))
            await until(pilot, lambda mine=mine: listed() == mine, f"the causes of {code}")  # type: ignore[misc]
            for n in range(shown_of[code]):
                screen = app.screen
                assert isinstance(screen, ErrorsScreen)
                row = screen.current
                problem = waiting.pop(cause_key(row.code, row.subject))
                assert problem.place is not None
                places[problem.place.command] = problem.place
                await pilot.press("enter")
                ending = problem.remedy.split()[-1]
                await until(
                    pilot,
                    lambda: isinstance(app.screen, CauseScreen) and app.screen.loaded and ending in text_of(pilot),  # noqa: B023
                    "its records",
                )
                shown = plain(pilot)
                for words in (read_messages(problem.said.split("; ")).cause, problem.remedy, "g Go and fix"):
                    assert " ".join(words.split()) in shown, (problem.said, words, text_of(pilot))
                if problem.said == HOSTILE:
                    assert "Evil [/b][@click=app.quit]x[/]" in shown
                    assert "was never said before" in shown
                    assert not set("\x1b\x07\x9b\u202e") & set(shown), "what controls a terminal is made visible"
                await pilot.press("escape")
                await until(pilot, lambda mine=mine: listed() == mine, "the list again")  # type: ignore[misc]
                if n + 1 < shown_of[code]:
                    await pilot.press("down")
        assert len(found) - len(waiting) == sum(shown_of.values())
        if most > 1:
            assert waiting == {}, "each message was shown"
            assert set(places) == {"go.imports", "go.errors", "go.tenants", "go.mapping", "queue.open"}
