"""A small world of three organisations and a caller of the emulated Xero, for the tests beside this file."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.service import decode, encode
from xerotui.sandbox.world import (
    Psa,
    Tenant,
    World,
    XeroAccount,
    XeroContact,
    XeroItem,
    XeroOption,
    XeroTaxRate,
    XeroTheme,
    XeroTracking,
)
from xerotui.sandbox.xero import XeroEmulator

TODAY = date(2026, 11, 21)
ACTIVE = "a0000000-0000-4000-8000-000000000001"
ARCHIVED = "a0000000-0000-4000-8000-000000000002"
SUPPLIER = "a0000000-0000-4000-8000-000000000003"
UNKNOWN = "ffffffff-0000-4000-8000-00000000ffff"
ZERO_GUID = "00000000-0000-0000-0000-000000000000"


def _rates(*rows: tuple[str, str, str, str]) -> tuple[XeroTaxRate, ...]:
    return tuple(
        XeroTaxRate(f"{code} rate", code, Decimal(rate), letters, status) for code, rate, letters, status in rows
    )


_RATES = {
    "GB": _rates(
        ("OUTPUT2", "20", "AELR", "ACTIVE"),
        ("INPUT2", "20", "AEXL", "ACTIVE"),
        ("RROUTPUT", "5", "AELR", "ACTIVE"),
        ("NONE", "0", "AEXLR", "ACTIVE"),
        ("OUTPUT", "17.5", "AELR", "DELETED"),
    ),
    "AU": _rates(
        ("OUTPUT", "10", "AELR", "ACTIVE"),
        ("INPUT", "10", "AEXL", "ACTIVE"),
        ("BASEXCLUDED", "0", "AEXLR", "ACTIVE"),
    ),
    "NZ": _rates(
        ("OUTPUT2", "15", "AELR", "ACTIVE"), ("INPUT2", "15", "AEXL", "ACTIVE"), ("NONE", "0", "AEXLR", "ACTIVE")
    ),
}


def _tenant(n: int, country: str, currency: str, sale: str, buy: str, none: str) -> Tenant:
    def id(k: int) -> str:
        return f"b{n}000000-0000-4000-8000-{k:012d}"

    accounts = (
        XeroAccount(id(1), "090", "Bank", "BANK", "ASSET", none, enable_payments=True),
        XeroAccount(id(2), "200", "Sales", "REVENUE", "REVENUE", sale),
        XeroAccount(id(3), "300", "Purchases", "DIRECTCOSTS", "EXPENSE", buy),
        XeroAccount(id(4), "610", "Debtors", "CURRENT", "ASSET", none, system_account="DEBTORS"),
        XeroAccount(id(5), "299", "Old sales", "REVENUE", "REVENUE", sale, status="ARCHIVED"),
    )
    options = (XeroOption(id(11), "North"), XeroOption(id(12), "Gone", "ARCHIVED"))
    contacts = (
        XeroContact(ACTIVE, "Aston Bakery", "AST001", is_customer=True, email="a@aston.example"),
        XeroContact(ARCHIVED, "Brook Motors", "BRO001", contact_number="77", status="ARCHIVED"),
        XeroContact(SUPPLIER, "Cable Store", "CAB001", contact_number="78", is_supplier=True),
    )
    items = (
        XeroItem(
            id(21), "LAB", "Labour", "One hour of labour", "", Decimal("95.5000"), "200", sale, is_purchased=False
        ),
    )
    return Tenant(
        key=country.lower(),
        tenant_id=id(31),
        connection_id=id(32),
        organisation_id=id(33),
        name=f"Org {country} Ltd",
        legal_name=f"Org {country} Ltd",
        country=country,
        currency=currency,
        version="UK" if country == "GB" else country,
        timezone="",
        short_code="!abc",
        tax_number="",
        is_demo=False,
        period_lock_date=date(2026, 8, 31),
        end_of_year_lock_date=None,
        currencies=("EUR",),
        accounts=accounts,
        tax_rates=_RATES[country],
        tracking=(XeroTracking(id(41), "Region", options),),
        themes=(XeroTheme(id(51), "Standard", 0),),
        contacts=contacts,
        items=items,
        documents=(),
    )


UK = _tenant(1, "GB", "GBP", "OUTPUT2", "INPUT2", "NONE")
AU = _tenant(2, "AU", "AUD", "OUTPUT", "INPUT", "BASEXCLUDED")
NZ = _tenant(3, "NZ", "NZD", "OUTPUT2", "INPUT2", "NONE")


class Xero:
    """A running emulator and a consented caller of one organisation."""

    def __init__(self, emulator: XeroEmulator, clock: WorldClock, client: httpx2.AsyncClient) -> None:
        self.emulator = emulator
        self.clock = clock
        self.client = client
        self.url = emulator.service.url
        self.journal = emulator.service.journal
        self.tenant = UK.tenant_id
        self.token = ""

    async def grant(self, **body: Any) -> dict[str, Any]:
        """Mint tokens as if a person had consented, and use them from here on."""
        reply: dict[str, Any] = await self.control("grant", body)
        self.token = reply["access_token"]
        return reply

    async def control(self, path: str, body: Any = None) -> Any:
        """Call a control route and return its JSON."""
        url = f"{self.emulator.service.control_url}/{path}"
        reply = await (self.client.get(url) if body is None else self.client.post(url, content=encode(body)))
        assert reply.status_code == 200, reply.text
        return decode(reply.content)

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        """Call the accounting API."""
        sent = {
            "authorization": f"Bearer {self.token}",
            "xero-tenant-id": self.tenant,
            "accept": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        content = None
        if body is not None:
            content = body if isinstance(body, bytes) else encode(body)
            sent.setdefault("content-type", "application/json")
        return await self.client.request(method, f"{self.url}/api.xro/2.0/{path}", content=content, headers=sent)

    async def get(self, path: str, **headers: str) -> dict[str, Any]:
        """GET and return the envelope."""
        reply = await self.send("GET", path, **headers)
        assert reply.status_code == 200, (reply.status_code, reply.text)
        found: dict[str, Any] = decode(reply.content)
        return found

    async def write(self, method: str, path: str, body: Any, **headers: str) -> list[dict[str, Any]]:
        """Write with summarizeErrors=false and unitdp=4 where the endpoint takes them; return the elements."""
        plural = path.split("/")[0]
        query = []
        if "/" not in path:
            query.append("summarizeErrors=false")
        if plural in ("Invoices", "CreditNotes", "Items"):
            query.append("unitdp=4")
        target = f"{path}?{'&'.join(query)}" if query else path
        reply = await self.send(method, target, body if isinstance(body, bytes) else {plural: body}, **headers)
        assert reply.status_code == 200, (reply.status_code, reply.text)
        found: list[dict[str, Any]] = decode(reply.content)[plural]
        return found

    async def one(self, method: str, path: str, element: Any) -> dict[str, Any]:
        """Write one element and return it; it must have been accepted."""
        (found,) = await self.write(method, path, [element])
        assert not found.get("ValidationErrors"), found["ValidationErrors"]
        return found

    async def refusal(self, method: str, path: str, element: Any) -> list[str]:
        """Write one element that must be refused and return the messages."""
        (found,) = await self.write(method, path, [element])
        assert found["StatusAttributeString"] == "ERROR"
        return [entry["Message"] for entry in found["ValidationErrors"]]

    def violations(self) -> list[str]:
        """Return what was noted against the caller, and forget it."""
        found = [entry["what"] for entry in self.journal.violations]
        self.journal.violations.clear()
        return found


@asynccontextmanager
async def running(folder: Path, world: World | None = None) -> AsyncIterator[Xero]:
    """Start an emulator on a clock of its own, with a caller that has consented to everything."""
    psa = Psa((), (), (), (), (), (), (), (), (), ())
    emulator = XeroEmulator()
    emulator.load(world or World(1, TODAY, (UK, AU, NZ), psa, ()))
    clock = WorldClock.create(folder / "clock.json", datetime(2026, 11, 21, 9, 0, tzinfo=UTC))
    await emulator.start(clock)
    try:
        async with httpx2.AsyncClient(timeout=20) as client:
            xero = Xero(emulator, clock, client)
            await xero.grant()
            yield xero
    finally:
        await emulator.stop()


def invoice(**more: Any) -> dict[str, Any]:
    """Return an approved sales invoice with one line of 100.00, for a test to change."""
    return {
        "Type": "ACCREC",
        "Contact": {"ContactID": ACTIVE},
        "Date": "2026-11-01",
        "DueDate": "2026-12-01",
        "Status": "AUTHORISED",
        "LineItems": [line()],
        **more,
    }


def line(**more: Any) -> dict[str, Any]:
    """Return a line of 100.00 at the standard rate, for a test to change."""
    return {"Description": "Work", "Quantity": 1, "UnitAmount": 100, "AccountCode": "200", "TaxType": "OUTPUT2", **more}


def claims(token: str) -> dict[str, Any]:
    """Return the claims of a token."""
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found
