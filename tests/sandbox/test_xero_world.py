"""The demo world against the emulated Xero: what is sound goes through to the penny, what is troubled does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.sandbox.xero_kit import Xero, running
from xerotui.sandbox.world import Customer, Invoice, Line, PurchaseOrder, Supplier, Tax, Tenant, World, build

Parties = dict[tuple[str, str], str]


def _line(entry: Line, taxes: dict[int, Tax]) -> dict[str, Any]:
    if entry.kind == "text":
        return {"Description": entry.description}
    shown: dict[str, Any] = {
        "Description": entry.description,
        "Quantity": entry.quantity,
        "UnitAmount": entry.unit_price,
        "AccountCode": entry.account,
        "TaxType": taxes[entry.tax].tax_type,
    }
    if entry.discount:
        shown["DiscountRate"] = entry.discount
    if entry.tracking_option:
        shown["Tracking"] = [{"Name": "Region", "Option": entry.tracking_option}]
    return shown


def _document(world: World, row: Invoice | PurchaseOrder, contact: str) -> dict[str, Any]:
    taxes = {tax.id: tax for tax in world.psa.taxes}
    codes = {currency.id: currency.code for currency in world.psa.currencies}
    shown: dict[str, Any] = {
        "Contact": {"ContactID": contact},
        "Date": row.date.isoformat(),
        "Status": "AUTHORISED",
        "CurrencyCode": codes[row.currency],
        "LineItems": [_line(entry, taxes) for entry in row.lines],
    }
    if isinstance(row, Invoice):
        return {**shown, "Type": "ACCREC", "InvoiceNumber": row.number, "DueDate": row.due_date.isoformat()}
    return {**shown, "PurchaseOrderNumber": row.number}


async def _contacts(xero: Xero, parties: list[Customer | Supplier]) -> Parties:
    """Find by number or name, or create, a contact for each party; a refused one is left out."""
    listed = (await xero.get("Contacts?includeArchived=true"))["Contacts"]
    numbers = {c["AccountNumber"]: c["ContactID"] for c in listed if "AccountNumber" in c}
    names = {c["Name"]: c["ContactID"] for c in listed if c["ContactStatus"] == "ACTIVE"}
    found: Parties = {}
    for party in parties:
        if id := numbers.get(party.account_number) or names.get(party.name):
            found[party.tenant, party.account_number] = id
    missing = [p for p in parties if (p.tenant, p.account_number) not in found and p.account_number]
    bodies = [{"Name": p.name, "AccountNumber": p.account_number} for p in missing]
    made = await xero.write("PUT", "Contacts", bodies) if bodies else []
    for party, element in zip(missing, made, strict=True):
        if element["StatusAttributeString"] == "OK":
            found[party.tenant, party.account_number] = element["ContactID"]
    return found


async def _send(xero: Xero, plural: str, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for n in range(0, len(documents), 50):
        shown += await xero.write("PUT", plural, documents[n : n + 50])
    return shown


async def _tenant(xero: Xero, world: World, tenant: Tenant) -> set[str]:
    """Send everything of one tenant; return the numbers that Xero refused, and check the totals of the rest."""
    xero.tenant = tenant.tenant_id
    psa = world.psa
    everybody: list[Customer | Supplier] = [*psa.customers, *psa.suppliers]
    mine = [p for p in everybody if p.tenant in (tenant.key, tenant.tenant_id)]
    contacts = await _contacts(xero, mine)
    numbers = {p.id: contacts.get((p.tenant, p.account_number), "") for p in mine if isinstance(p, Customer)}
    sellers = {p.id: contacts.get((p.tenant, p.account_number), "") for p in mine if isinstance(p, Supplier)}
    invoices = [
        row for row in psa.invoices if row.kind == "invoice" and row.state == "open" and numbers.get(row.customer)
    ]
    orders = [row for row in psa.purchase_orders if row.state == "approved" and sellers.get(row.supplier)]
    refused: set[str] = set()
    batches: tuple[tuple[str, list[Any], dict[int, str]], ...] = (
        ("Invoices", invoices, numbers),
        ("PurchaseOrders", orders, sellers),
    )
    for plural, rows, ids in batches:
        bodies = [_document(world, row, ids[row.customer if plural == "Invoices" else row.supplier]) for row in rows]
        for row, element in zip(rows, await _send(xero, plural, bodies), strict=True):
            shown = (element["SubTotal"], element["TotalTax"], element["Total"])
            if element["StatusAttributeString"] != "OK" or shown != (row.net, row.tax, row.total):
                refused.add(row.number)
    return refused


async def test_every_sound_document_goes_through_and_no_other(tmp_path: Path) -> None:
    world = build()
    async with running(tmp_path, world) as xero:
        refused = set()
        for tenant in world.tenants:
            refused |= await _tenant(xero, world, tenant)
        # What only the client can find is not refused by Xero: a code that is no item's, labour without a code.
        unseen = {"item_unmapped", "charge_rate_uncoded"}
        troubled = world.troubled("invoice", blocking_only=True)
        ours = {row.number for row in world.psa.invoices if row.id in troubled and troubled[row.id] not in unseen}
        assert refused <= ours, sorted(refused - ours)
        for kind in ("number_taken", "period_locked", "account_archived", "total_mismatch", "contact_archived"):
            seeded = {row.number for row in world.psa.invoices if troubled.get(row.id) == kind}
            assert seeded
            assert seeded <= refused, kind
        assert xero.violations() == []
        names = world.troubled("customer", blocking_only=True)
        sound = {
            row.number
            for row in world.psa.invoices
            if row.kind == "invoice" and row.state == "open" and row.id not in troubled and row.customer not in names
        }
        stored: set[str] = set()
        for tenant in world.tenants:
            rows = await xero.control(f"state/{tenant.tenant_id}/invoices")
            stored |= {row["InvoiceNumber"] for row in rows}
        assert len(sound) > 300
        assert sound <= stored
