"""Drift in front of a person: what stands apart is read, a side is taken, payments go back; by keys and by commands."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from textual.pilot import Pilot

from tests.flows.prepared import HOSTILE, hostile_world, prepare
from tests.flows.stage import LARGE, SMALL, Stage, console, go, harmless, press, settled, text_of, until
from xerotui.cli.app import run as run_command
from xerotui.model.kinds import Kind
from xerotui.workspace.door import Workspace

PHONE = "0555 BOOKS"
TEMPLATE = 77


@pytest.fixture(scope="module")
def stage(still: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A synced home in which Xero then says other things."""
    world = hostile_world()
    made = Stage(Path(tmp_path_factory.mktemp("drift")), world=world)
    made.start_worker()
    for invoice in [i for i in world.psa.invoices if i.id > 0][:8]:
        made.do(_control(made, "halo", f"/edit/invoice/{invoice.id}", {"recurring_invoice_id": TEMPLATE}))
    prepare(made, world)
    yield made
    made.close()


async def _control(stage: Stage, service: str, path: str, body: object | None = None) -> Any:
    url = stage.sandbox.describe()[service]["control_url"] + path
    async with httpx2.AsyncClient(timeout=60) as http:
        answer = await (http.get(url) if body is None else http.post(url, json=body))
    answer.raise_for_status()
    return answer.json()


async def _links(space: Workspace, tenant: str, kind: Kind) -> dict[str, str]:
    (source,) = await space.sources()
    async with space.wiring.ledger.read() as tx:
        return {k.record: k.xero_id for k in await space.wiring.ledger.links.for_pair(tx, source.id, tenant, kind)}


async def _template(space: Workspace, source: str, tenant: str, record: str) -> str:
    return (await space.override_targets(source, Kind.INVOICE, record, tenant)).template


async def _switched(space: Workspace, tenant: str) -> None:
    (source,) = await space.sources()
    async with space.wiring.book.edit() as db:
        pair = db.pair(source.id, tenant)
        assert pair is not None
        back = {"payments": True, "voids": True, "contacts": True}
        db.put_pair(msgspec.structs.replace(pair, back=back, owners={"contact.email": "xero"}))


def _command(stage: Stage, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """A command on the stage's home, and what it said as JSON."""
    found: list[int] = []
    capsys.readouterr()
    line = ["--home", str(stage.home), *arguments, "--json"]
    thread = threading.Thread(target=lambda: found.append(run_command(line, lambda *_: 0)))
    thread.start()
    thread.join(120)
    return found[0], json.loads(capsys.readouterr().out)


def _happened(stage: Stage) -> tuple[str, str, str]:
    """A contact's phone and mail change in Xero, an invoice is approved, and another one is deleted there."""
    tenant = stage.see(lambda s: s.tenants())[0].tenant
    stage.see(lambda s: _switched(s, tenant))
    contacts = stage.see(lambda s: _links(s, tenant, Kind.CUSTOMER))
    (record, contact), (_, other) = sorted(contacts.items())[:2]
    invoices = sorted(stage.see(lambda s: _links(s, tenant, Kind.INVOICE)).items())
    phones = [{"PhoneType": "DEFAULT", "PhoneNumber": PHONE, "PhoneAreaCode": "", "PhoneCountryCode": ""}]
    patch = {"Phones": phones, "EmailAddress": "xero@owned.example"}
    stage.do(_control(stage, "xero", f"/patch/{tenant}/Contacts/{contact}", patch))
    hostile = {"Phones": [{**phones[0], "PhoneNumber": HOSTILE[:50]}]}
    stage.do(_control(stage, "xero", f"/patch/{tenant}/Contacts/{other}", hostile))
    for _, id in invoices[:1]:
        stage.do(_control(stage, "xero", f"/patch/{tenant}/Invoices/{id}", {"Status": "AUTHORISED"}))
        stage.do(_control(stage, "xero", f"/payments/{tenant}", {"InvoiceID": id}))
    stage.do(_control(stage, "xero", f"/void/{tenant}", {"InvoiceID": invoices[1][1]}))
    stage.jump()
    stage.idle()
    return record, invoices[0][0], invoices[1][0]


def test_drift_is_read_a_side_is_taken_and_what_was_paid_goes_back(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    record, paid, voided = _happened(stage)
    (source,) = stage.see(lambda s: s.sources())
    plan = stage.request("plan", connection=source.id)["plan"]
    code, rows = _command(stage, capsys, "drift")
    assert code == 2
    by = {(r["what"], r["record"], r["field"]): r for r in rows}
    assert by["drift", record, "phone"]["xero"] == PHONE
    assert by["drift", record, "email"]["owner"] == "xero"
    assert ("voided", voided, "") in by
    name = by["drift", record, "phone"]["title"]
    code, dry = _command(stage, capsys, "take", "source", name, "--field", "phone", "--dry-run")
    assert (code, [f["field"] for f in dry["fields"]]) == (0, ["phone"])
    shown = stage.see(lambda s: s.plan(plan))
    assert shown is not None
    assert (shown.counts["settle"], shown.counts["void"]) == (1, 1)

    async def look(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        await until(pilot, lambda: "ready for invoicing" in text_of(pilot), "what a void does besides")
        await press(pilot, "c")
        await until(pilot, lambda: "Drift" in text_of(pilot) and "phone" in text_of(pilot), "the list of drift")
        await press(pilot, "slash", *f"field:phone record:{record}", "enter")
        await until(pilot, lambda: "[field: phone]" in text_of(pilot), "the filter")
        await settled(pilot)
        assert "Xero holds" not in text_of(pilot), "the pane is for wider terminals"
        await press(pilot, "x")
        await until(pilot, lambda: "written into the source" in text_of(pilot), "the question")
        await press(pilot, "y")
        await until(pilot, lambda: "Take a side for" in text_of(pilot), "the plan that it comes to")

    stage.watch(look, SMALL)
    taken = stage.see(lambda s: s.plan())
    assert taken is not None
    stage.request("apply", plan=taken.id, hash=taken.hash)
    stage.finish(taken.id)
    row = next(r for r in stage.do(_control(stage, "halo", "/state/client")) if str(r["id"]) == record)
    assert (row["main_phonenumber"], row["accountsemailaddress"]) == (PHONE, "xero@owned.example")
    _back(stage, capsys, source.id, paid, voided)


def _back(stage: Stage, capsys: pytest.CaptureFixture[str], source: str, paid: str, voided: str) -> None:
    """What was paid and voided in Xero, by a plan that a person approves; the story tells it."""
    plan = stage.request("plan", connection=source)["plan"]
    shown = stage.see(lambda s: s.plan(plan))
    assert shown is not None
    stage.request("apply", plan=plan, hash=shown.hash)
    stage.finish(plan)
    payments = stage.do(_control(stage, "halo", "/state/invoicepayment"))
    assert [str(p["invoice_id"]) for p in payments] == [paid]
    rows = stage.do(_control(stage, "halo", "/state/invoice"))
    assert [str(r["id"]) for r in rows if r["voided"] and str(r["id"]) == voided] == [voided]
    code, told = _command(stage, capsys, "why", paid, "--kind", "invoice")
    values = {label: value for label, value, _ in told["story"]["fields"]}
    assert (code, values["payment status"], values["source knows.payment status"]) == (0, "paid", "paid")
    _, left = _command(stage, capsys, "drift", "--what", "voided")
    assert left == []

    async def picture(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "colon", *"drift", "enter")
        await until(pilot, lambda: "born in Xero" in text_of(pilot), "what was born in Xero")
        await settled(pilot)

    stage.watch(picture, LARGE)


def test_a_choice_for_all_of_a_template(stage: Stage) -> None:
    """o on a record's story, then the second choice: what is saved there is its template's."""
    tenant = stage.see(lambda s: s.tenants())[0].tenant
    (source,) = stage.see(lambda s: s.sources())
    linked = sorted(stage.see(lambda s: _links(s, tenant, Kind.INVOICE)))
    record = next(r for r in linked if stage.see(lambda s, r=r: _template(s, source.id, tenant, r)))  # type: ignore[misc]

    async def choose(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        console(pilot).open_story(source.id, Kind.INVOICE, record, tenant)
        await until(pilot, lambda: "Override" in text_of(pilot), "the story")
        await settled(pilot)
        await press(pilot, "o")
        await until(pilot, lambda: f"template -{TEMPLATE}" in text_of(pilot), "the question what is meant")
        await press(pilot, "down", "enter")
        await until(pilot, lambda: "all of its template" in text_of(pilot) and "Status" in text_of(pilot), "the form")
        assert "Number" not in text_of(pilot), "a template has a status and a theme"
        await press(pilot, "right")
        await until(pilot, lambda: "‹ DRAFT ›" in text_of(pilot), "a status")
        await press(pilot, "enter", "enter")
        await until(pilot, lambda: "Kept;" in text_of(pilot), "that it is kept")

    stage.watch(choose)
    kept = stage.see(lambda s: s.overridden(source.id, Kind.INVOICE, record, tenant))
    assert [(k.template, k.record, k.field, k.value) for k in kept] == [(True, f"-{TEMPLATE}", "status", "DRAFT")]


def test_the_picture_of_drift(stage: Stage, snap_compare: Callable[..., bool]) -> None:
    """What either side says is painted as text, whatever is in it."""

    async def run(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "colon", *"drift", "enter")
        await until(pilot, lambda: "born in Xero" in text_of(pilot), "the list of drift")
        await press(pilot, "slash", *"what:drift", "enter")
        await until(pilot, lambda: "Evil [/b]" in text_of(pilot), "what is hostile")
        await settled(pilot)
        harmless(pilot)

    assert snap_compare(stage.app(), terminal_size=SMALL, run_before=run)
