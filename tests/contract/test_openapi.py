"""Requests of our client and answers of the sandbox against Xero's own OpenAPI files, which are never copied here."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.contract.known import KNOWN
from tests.contract.openapi import judged, operation
from tests.contract.verdict import verdict
from tests.rig import LOGIN, Rig, rig
from xerotui.model.kinds import Kind
from xerotui.sandbox.traffic import VARIABLE
from xerotui.sandbox.world import build
from xerotui.xero.connections import connections

SPECS = os.environ.get("XEROTUI_SPECS", "")
pytestmark = pytest.mark.skipif(
    not SPECS, reason="XEROTUI_SPECS names no folder with Xero's OpenAPI files (xero/xero_accounting.yaml)"
)
SALE = {"AccountCode": "200", "Description": "Work", "Quantity": 1, "UnitAmount": 100, "TaxType": "OUTPUT2"}
INVOICE = {"Type": "ACCREC", "Contact": {"Name": "A"}, "LineItems": [SALE]}


async def test_a_run_and_every_known_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    traffic = tmp_path / "traffic"
    monkeypatch.setenv(VARIABLE, str(traffic))
    # The full world has what the demo's hasn't: templates of repeating invoices, paid documents.
    async with rig(tmp_path, world=build(scale=0.1, name="full")) as made:
        await made.sync()
        await made.sync()
        await _odd_ways(made)
    judgement = verdict(SPECS, traffic)
    assert judgement.unexplained == [], judgement.words()
    assert judgement.exchanges > 20
    unused = [known for known in KNOWN if known not in judgement.used]
    assert unused == []


async def _odd_ways(made: Rig) -> None:
    """Ask, as another client would, for what a good run never meets."""
    client: Any = await made.wiring.xero(made.tenants[0])
    assert await client.look_up(Kind.CREDIT_NOTE, ["CN-none"]) == []
    granted = await made.control("xero", "/grant", {})
    about = {"authorization": f"Bearer {granted['access_token']}", "xero-tenant-id": made.tenants[0]}
    about["accept"] = "application/json"
    settings = await made.wiring.xero_settings(LOGIN)
    reached = await connections(made.wiring.http, settings, granted["access_token"])
    assert {each.tenant for each in reached} == set(made.tenants)
    base = made.sandbox.describe()["xero"]["api_url"] + "/api.xro/2.0/"

    async def ask(method: str, path: str, body: object = None, **headers: str) -> int:
        answer = await made.http.request(method, base + path, json=body, headers={**about, **headers})
        return answer.status_code

    assert await ask("GET", "Accounts", authorization="Bearer nobody") == 401
    assert await ask("GET", "Accounts", accept="text/html") == 406
    assert await ask("GET", "Invoices?where=Nonsense((") == 400
    long = {"Name": "x" * 300}
    assert await ask("PUT", "Contacts?summarizeErrors=false", {"Contacts": [long]}) == 200
    assert await ask("PUT", "TaxRates", {"TaxRates": [{"Name": "A rate", "TaxComponents": []}]}) == 400
    assert await ask("PUT", "TrackingCategories", {"Name": "Crew"}) == 200


def line(**more: Any) -> dict[str, Any]:
    """An exchange as it is recorded, made by our own client, for a test to spoil."""
    return {
        "method": "PUT",
        "path": "/api.xro/2.0/Invoices",
        "query": [["summarizeErrors", "false"], ["unitdp", "4"]],
        "headers": {"user-agent": "XeroTUI/0", "xero-tenant-id": "t", "idempotency-key": "k"},
        "sent": {"Invoices": [INVOICE]},
        "status": 200,
        "type": "application/json",
        "answer": {"Invoices": [INVOICE]},
        **more,
    }


def found(**more: Any) -> set[tuple[str, str, str]]:
    """The differences of a spoilt exchange."""
    return {(d.side, d.place, d.what) for d in judged(f"{SPECS}/xero", line(**more))}


def test_the_judge_sees_what_is_wrong() -> None:
    """Each spoilt exchange shows just its own fault, so nothing passes by blindness."""
    assert found() == set()

    def sent(**more: Any) -> set[tuple[str, str, str]]:
        return found(sent={"Invoices": [{**INVOICE, **more}]})

    assert sent(Sum=1) == {("request", "Invoices.Sum", "unknown")}
    assert sent(AmountDue=1) == {("request", "Invoices.AmountDue", "read-only")}
    assert sent(Type="SALE") == {("request", "Invoices.Type", "enum")}
    assert sent(Date=20261121) == {("request", "Invoices.Date", "type")}
    assert sent(LineItems=[{**SALE, "TaxCode": "x"}]) == {("request", "Invoices.LineItems.TaxCode", "unknown")}
    assert found(sent=None) == {("request", "body", "required")}
    assert found(query=[["summariseErrors", "false"]]) == {("request", "query summariseErrors", "unknown")}
    assert found(query=[["unitdp", "four"]]) == {("request", "query unitdp", "type")}
    assert found(headers={"user-agent": "XeroTUI/0"}) == {("request", "header xero-tenant-id", "required")}
    assert found(status=418) == {("answer", "status 418", "unknown")}
    assert found(type="text/html") == {("answer", "content type", "unknown")}
    assert found(answer={"Invoices": [{**INVOICE, "Colour": 1}]}) == {("answer", "Invoices.Colour", "unknown")}
    assert found(path="/api.xro/2.0/Bills") == {("request", "/api.xro/2.0/Bills", "operation")}
    assert found(headers={"user-agent": "another"}, sent={"x": 1}) == set()
    by_number = operation(f"{SPECS}/xero", "GET", "/api.xro/2.0/PurchaseOrders/PO-1")
    assert by_number is not None
    assert by_number.id == "getPurchaseOrderByNumber"
