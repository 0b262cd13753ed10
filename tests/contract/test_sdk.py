"""The official Python SDK, unchanged, against the sandbox: what others wrote must find in it the Xero that it knows.

It runs where the SDK is installed (`make bench` brings it). Addresses are set by the SDK's own configuration.
"""

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.xero_kit import ACTIVE, UK, running

pytest.importorskip("xero_python", reason="the official SDK isn't installed: make bench brings it")
DAY, DUE = dt.date(2026, 11, 20), dt.date(2026, 12, 20)
T = UK.tenant_id


def sdk(about: dict[str, str], granted: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The SDK's accounting API, identity API and the client beneath both."""
    from xero_python.accounting import AccountingApi
    from xero_python.api_client import ApiClient
    from xero_python.api_client.configuration import Configuration
    from xero_python.api_client.oauth2 import OAuth2Token, TokenApi
    from xero_python.identity import IdentityApi

    TokenApi.refresh_token_url = about["token_url"]
    held = {**granted, "expires_at": time.time() + 1700}
    token = OAuth2Token(client_id=about["client_id"], client_secret=about["client_secret"])
    client = ApiClient(
        Configuration(oauth2_token=token),
        pool_threads=1,
        oauth2_token_getter=lambda: held,
        oauth2_token_saver=held.update,
    )
    # It waits for a minute by itself where it is told that it calls too often.
    client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    url = about["api_url"]
    return AccountingApi(client, base_url=url + "/api.xro/2.0"), IdentityApi(client, base_url=url), client


def refused(work: Callable[[], Any], status: int, words: str = "") -> None:
    """Do what must be refused, and find the reason where the SDK puts it."""
    with pytest.raises(Exception) as caught:
        work()
    said: Any = caught.value
    assert said.status == status
    assert words in f"{said} {getattr(said, 'elements', '')} {getattr(said, 'body', '')}"


def reading(api: Any) -> None:
    """Every list that we emulate, with paging and filters."""
    assert api.get_organisations(T).organisations[0].name == UK.name
    assert api.get_organisation_actions(T).actions
    assert len(api.get_accounts(T, where='Status=="ACTIVE"', order="Code ASC").accounts) == 4
    assert {r.tax_type for r in api.get_tax_rates(T).tax_rates} >= {"OUTPUT2", "INPUT2"}
    assert api.get_tax_rate_by_tax_type(T, "OUTPUT2").tax_rates[0].effective_rate == 20
    assert api.get_tracking_categories(T, include_archived=True).tracking_categories[0].options
    assert api.get_branding_themes(T).branding_themes
    assert api.get_currencies(T).currencies
    assert len(api.get_contacts(T, include_archived=True).contacts) == 3
    page = api.get_contacts(T, page=2, page_size=1, include_archived=True, order="Name ASC")
    assert (page.pagination.page_count, page.contacts[0].name) == (3, "Brook Motors")
    assert not api.get_contacts(T, if_modified_since=dt.datetime(2036, 1, 1)).contacts  # noqa: DTZ001
    assert api.get_items(T, unitdp=4).items[0].sales_details.unit_price == Decimal("95.5")
    for name in ("contact_groups", "batch_payments", "payments", "credit_notes", "purchase_orders", "invoices"):
        assert getattr(getattr(api, f"get_{name}")(T), name) == []
    refused(lambda: api.get_invoices(T, where="Nonsense(("), 400, "QueryParse")
    refused(lambda: api.get_invoice(T, "11111111-2222-4333-8444-555555555555"), 404)
    refused(lambda: api.get_organisations("11111111-2222-4333-8444-555555555555"), 403)


def records(api: Any) -> None:
    """Contacts, groups, items and what an organisation is set up with: made, changed, taken away."""
    import xero_python.accounting as a

    one = a.Contact(name="A B Ltd", email_address="a@b.example", contact_number="N1", payment_terms=a.PaymentTerm())
    made = api.create_contacts(T, a.Contacts(contacts=[one]), summarize_errors=False).contacts[0]
    changed = a.Contacts(contacts=[a.Contact(first_name="Jane")])
    assert api.update_contact(T, made.contact_id, changed).contacts[0].first_name == "Jane"
    assert api.get_contact_by_contact_number(T, "N1").contacts[0].contact_id == made.contact_id
    refused(lambda: api.create_contacts(T, a.Contacts(contacts=[one])), 400, "already assigned")
    group = api.create_contact_group(T, a.ContactGroups(contact_groups=[a.ContactGroup(name="G")])).contact_groups[0]
    member = a.Contacts(contacts=[a.Contact(contact_id=made.contact_id)])
    api.create_contact_group_contacts(T, group.contact_group_id, member)
    assert len(api.get_contact_group(T, group.contact_group_id).contact_groups[0].contacts) == 1
    api.delete_contact_group_contacts(T, group.contact_group_id)
    item = a.Item(code="I1", name="Item", sales_details=a.Purchase(unit_price=Decimal("12.3456"), account_code="200"))
    thing = api.create_items(T, a.Items(items=[item]), unitdp=4).items[0]
    assert thing.sales_details.unit_price == Decimal("12.3456")
    api.delete_item(T, thing.item_id)
    account = a.Account(code="991", name="Sundry", type=a.AccountType.EXPENSE)
    api.delete_account(T, api.create_account(T, account).accounts[0].account_id)
    rate = a.TaxRate(name="R", report_tax_type="OUTPUT", tax_components=[a.TaxComponent(name="c", rate=7.25)])
    code = api.create_tax_rates(T, a.TaxRates(tax_rates=[rate])).tax_rates[0].tax_type
    gone = a.TaxRates(tax_rates=[a.TaxRate(name="R", tax_type=code, status="DELETED")])
    assert api.update_tax_rate(T, gone).tax_rates[0].status == "DELETED"
    crew = api.create_tracking_category(T, a.TrackingCategory(name="Crew")).tracking_categories[0]
    option = api.create_tracking_options(T, crew.tracking_category_id, a.TrackingOption(name="X")).options[0]
    api.delete_tracking_options(T, crew.tracking_category_id, option.tracking_option_id)


def documents(api: Any) -> None:
    """Invoices, credit, payments and orders: made, changed, paid, allocated, voided; verdicts and keys."""
    import xero_python.accounting as a

    def line(account: str = "200", tax: str = "OUTPUT2") -> Any:
        return a.LineItem(
            description="Work", quantity=2, unit_amount=Decimal("10.1234"), account_code=account, tax_type=tax
        )

    def invoice(**more: Any) -> Any:
        usual = {"type": "ACCREC", "contact": a.Contact(contact_id=ACTIVE), "date": DAY, "due_date": DUE}
        return a.Invoice(**{**usual, "status": "AUTHORISED", "line_items": [line()], **more})

    two = a.Invoices(invoices=[invoice(invoice_number="S-1"), invoice(invoice_number="S-2", status="DRAFT")])

    def send() -> Any:
        return api.create_invoices(T, two, summarize_errors=False, unitdp=4, idempotency_key="sdk-1").invoices

    first, draft = send()
    assert (first.total, first.date, first.line_items[0].unit_amount) == (Decimal("24.30"), DAY, Decimal("10.1234"))
    assert send()[0].invoice_id == first.invoice_id
    other = a.Invoices(invoices=[invoice(invoice_number="S-3")])
    refused(lambda: api.create_invoices(T, other, idempotency_key="sdk-1"), 400, "different request")
    refused(lambda: api.create_invoices(T, a.Invoices(invoices=[invoice(invoice_number="S-1")])), 400, "unique")
    void = a.Invoices(invoices=[a.Invoice(status="DELETED")])
    assert api.update_invoice(T, draft.invoice_id, void).invoices[0].status == "DELETED"
    assert api.get_online_invoice(T, first.invoice_id).online_invoices[0].online_invoice_url
    api.email_invoice(T, first.invoice_id, a.RequestEmpty())
    note = a.HistoryRecords(history_records=[a.HistoryRecord(details="hello")])
    api.create_invoice_history(T, first.invoice_id, note)
    assert "hello" in {h.details for h in api.get_invoice_history(T, first.invoice_id).history_records}
    laid = {"invoice": a.Invoice(invoice_id=first.invoice_id), "date": DAY}
    bank = a.Account(code="090")
    paid = api.create_payment(T, a.Payment(account=bank, amount=10, **laid)).payments[0]
    undone = api.delete_payment(T, paid.payment_id, a.PaymentDelete(status="DELETED")).payments[0]
    assert undone.status == "DELETED"
    refused(lambda: api.create_payment(T, a.Payment(account=bank, amount=10_000, **laid)), 400, "exceeds")
    credit = a.CreditNote(type="ACCRECCREDIT", contact=a.Contact(contact_id=ACTIVE), date=DAY, status="AUTHORISED")
    credit.line_items = [line()]
    given = api.create_credit_notes(T, a.CreditNotes(credit_notes=[credit]), unitdp=4).credit_notes[0]
    part = a.Allocations(allocations=[a.Allocation(amount=2, **laid)])
    assert api.create_credit_note_allocation(T, given.credit_note_id, part).allocations[0].amount == 2
    [held] = api.get_credit_note(T, given.credit_note_id).credit_notes[0].allocations
    assert api.delete_credit_note_allocations(T, given.credit_note_id, held.allocation_id).is_deleted
    order = a.PurchaseOrder(contact=a.Contact(contact_id=ACTIVE), date=DAY, line_items=[line("300", "INPUT2")])
    placed = api.create_purchase_orders(T, a.PurchaseOrders(purchase_orders=[order])).purchase_orders[0]
    assert api.get_purchase_order_by_number(T, placed.purchase_order_number).purchase_orders


async def test_the_official_sdk_works_unchanged(tmp_path: Path) -> None:
    async with running(tmp_path) as xero:
        await xero.control("limits", {"minute": 10_000})
        about = xero.emulator.settings()
        api, identity, client = sdk(about, await xero.grant())

        def all_of_it() -> None:
            connections = identity.get_connections()
            assert {c.tenant_id for c in connections} >= {T}
            assert all(c.id != c.tenant_id for c in connections)
            reading(api)
            records(api)
            documents(api)
            before = client.get_oauth2_token()["access_token"]
            assert client.refresh_oauth2_token()["access_token"] != before
            assert api.get_organisations(T).organisations
            identity.delete_connection(connections[-1].id)
            assert len(identity.get_connections()) == len(connections) - 1

        await asyncio.to_thread(all_of_it)
        # The two that were asked for: a filter that nobody can read, a key used for something else.
        assert xero.violations() == ["where", "idempotency"]
        await xero.control("limits", {"minute": 1})
        await asyncio.to_thread(refused, lambda: api.get_organisations(T), 429)
