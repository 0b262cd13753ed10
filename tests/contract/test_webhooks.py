"""What the sandbox sends as webhooks, held against Xero's own description of them."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.sandbox.hook_kit import delivered, listening, registered
from tests.sandbox.xero_kit import ACTIVE, UK, invoice, line, running

SPECS = os.environ.get("XEROTUI_SPECS", "")
FILE = "xero-webhooks.yaml"


def place() -> Path:
    """The file, wherever under the specifications it is."""
    found = next(iter(sorted(Path(SPECS).rglob(FILE))), None)
    assert found is not None
    return found


@pytest.mark.skipif(not SPECS, reason="XEROTUI_SPECS names no copy of Xero's OpenAPI files")
async def test_deliveries_are_as_xero_describes_them(tmp_path: Path) -> None:
    text = place().read_text(encoding="utf-8")
    # Examples hold instants, which no JSON has.
    whole = json.loads(json.dumps(yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)), default=str))

    def differences(schema: str, body: dict[str, Any]) -> set[str]:
        validator = jsonschema_rs.validator_for({**whole, "$ref": f"#/components/schemas/{schema}"})
        return {
            ".".join(str(p) for p in e.instance_path if not isinstance(p, int)) for e in validator.iter_errors(body)
        }

    async with running(tmp_path) as xero, listening() as listener:
        await registered(xero, listener)
        bodies = [json.loads(body) for body, _ in listener.got]
        # The question brings no event and so no number, where the file wants one of at least 1.
        assert [differences("WebhookEvent", body) for body in bodies] == [
            {"firstEventSequence", "lastEventSequence"} for _ in bodies
        ]
        listener.got.clear()
        await xero.one("PUT", "Invoices", invoice())
        await xero.control(f"contacts/{UK.tenant_id}/{ACTIVE}", {"Name": "Aston & Co"})
        await delivered(xero)
        assert [differences("WebhookEvent", json.loads(body)) for body, _ in listener.got]
        assert not set().union(*(differences("WebhookEvent", json.loads(body)) for body, _ in listener.got))
        listener.got.clear()
        note = {"Type": "ACCRECCREDIT", "Contact": {"ContactID": ACTIVE}, "Date": "2026-11-20", "LineItems": [line()]}
        await xero.one("PUT", "CreditNotes", note)
        await delivered(xero)
        notes = [json.loads(body) for body, _ in listener.got]
        for body in notes:
            body["events"] = [event for event in body["events"] if event["eventCategory"] == "CREDITNOTE"]
            assert not differences("CreditNoteWebhookEvent", body)
        assert any(body["events"] for body in notes)
        # The judge can say no.
        del bodies[0]["entropy"]
        assert "" in differences("WebhookEvent", bodies[0])
