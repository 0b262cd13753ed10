"""Changes of what an organisation is set up with, and what hangs on its records, made outside plans at a person's word.

Each method is one call. `key` is the call's Idempotency-Key: a repeat under the same key within Xero's six minutes has
no second effect. Raises Refused or NotFound with Xero's words when it wasn't done, AuthTrouble, NotSent when it never
left, and Unsettled when nobody can tell: then read and look before asking again.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.records import Currency, Group, TaxComponent, TaxRate, Tracking
from xerotui.net.http import BadAnswer, Response, Unanswered
from xerotui.xero import wire_setup
from xerotui.xero.client import TenantClient
from xerotui.xero.errors import Refused, Unsettled, correlation_of, write_trouble
from xerotui.xero.wire import ENDPOINTS, ZERO_ID, messages, opened, plain, tree

# xero-api section 9.12.
MOST_LETTERS = 2500
_encoder = msgspec.json.Encoder(decimal_format="number")


class Setup:
    """One organisation's currencies, tax rates, tracking, contact groups, notes and mail."""

    def __init__(self, client: TenantClient) -> None:
        self._client = client

    async def add_currency(self, code: str, key: str) -> Currency:
        """Subscribe the organisation to a currency; only ever at a person's word."""
        raws = await self._ask(f"add the currency {code}", "PUT", "/Currencies", {"Code": code}, key, "Currencies")
        return wire_setup.currency(raws[0], self._client.tenant)

    # ---- tax rates: the code is Xero's to give, and differs between organisations

    async def create_tax_rate(
        self, name: str, components: Sequence[TaxComponent], key: str, *, report: str = ""
    ) -> TaxRate:
        """Make a custom rate; `report` is the ReportTaxType that AU, NZ and UK want (xero-api section 9.4)."""
        body = {"TaxRates": [_rate_body(name, components, report)]}
        return await self._tax_rate(f"create the tax rate {name}", "PUT", body, key)

    async def update_tax_rate(
        self, code: str, name: str, components: Sequence[TaxComponent], key: str, *, report: str = ""
    ) -> TaxRate:
        """Change a custom rate: components can be added, none removed or renamed."""
        body = {"TaxRates": [{"TaxType": code, **_rate_body(name, components, report)}]}
        return await self._tax_rate(f"change the tax rate {name}", "POST", body, key)

    async def delete_tax_rate(self, code: str, name: str, key: str) -> TaxRate:
        """Delete a custom rate that nothing uses."""
        body = {"TaxRates": [{"Name": name, "TaxType": code, "Status": "DELETED"}]}
        return await self._tax_rate(f"delete the tax rate {name}", "POST", body, key)

    async def _tax_rate(self, what: str, method: str, body: dict[str, Any], key: str) -> TaxRate:
        return wire_setup.tax_rate(
            (await self._ask(what, method, "/TaxRates", body, key, "TaxRates"))[0], self._client.tenant
        )

    # ---- tracking: at most two active categories, four in all

    async def create_category(self, name: str, key: str) -> Tracking:
        """Make a tracking category."""
        return await self._category(f"create the category {name}", "PUT", "", {"Name": name}, key)

    async def rename_category(self, id: str, name: str, key: str) -> Tracking:
        """Rename a category; its id stays, so that mappings do."""
        return await self._category(f"rename a category to {name}", "POST", f"/{_path(id)}", {"Name": name}, key)

    async def archive_category(self, id: str, key: str) -> Tracking:
        """Archive a category: what carries it keeps it."""
        return await self._category("archive a category", "POST", f"/{_path(id)}", {"Status": "ARCHIVED"}, key)

    async def delete_category(self, id: str) -> None:
        """Delete a category that nothing uses."""
        await self._ask("delete a category", "DELETE", f"/TrackingCategories/{_path(id)}", None, "", "")

    async def _category(self, what: str, method: str, path: str, body: dict[str, Any], key: str) -> Tracking:
        raws = await self._ask(what, method, f"/TrackingCategories{path}", body, key, "TrackingCategories")
        return wire_setup.tracking(raws[0], self._client.tenant)

    async def add_option(self, category: str, name: str, key: str) -> str:
        """Add an option to a category; its id."""
        return await self._option(f"add the option {name}", "PUT", category, "", {"Name": name}, key)

    async def rename_option(self, category: str, id: str, name: str, key: str) -> str:
        """Rename an option; its id stays."""
        return await self._option(f"rename an option to {name}", "POST", category, id, {"Name": name}, key)

    async def archive_option(self, category: str, id: str, key: str) -> str:
        """Archive an option."""
        return await self._option("archive an option", "POST", category, id, {"Status": "ARCHIVED"}, key)

    async def delete_option(self, category: str, id: str) -> None:
        """Delete an option that nothing uses."""
        await self._ask("delete an option", "DELETE", _options(category, id), None, "", "")

    async def _option(self, what: str, method: str, category: str, id: str, body: dict[str, Any], key: str) -> str:
        raws = await self._ask(what, method, _options(category, id), body, key, "Options")
        return str(tree(raws[0]).get("TrackingOptionID") or id)

    # ---- contact groups: at most a hundred

    async def create_group(self, name: str, key: str) -> Group:
        """Make a contact group."""
        return await self._group(f"create the group {name}", "PUT", "", {"Name": name}, key)

    async def rename_group(self, id: str, name: str, key: str) -> Group:
        """Rename a contact group."""
        return await self._group(f"rename a group to {name}", "POST", f"/{_path(id)}", {"Name": name}, key)

    async def delete_group(self, id: str, key: str) -> None:
        """Delete a contact group; its contacts stay."""
        await self._group("delete a group", "POST", f"/{_path(id)}", {"Status": "DELETED"}, key)

    async def add_to_group(self, id: str, contacts: Sequence[str], key: str) -> None:
        """Put contacts into a group, by their ids; archived ones are refused by Xero."""
        body = {"Contacts": [{"ContactID": contact} for contact in contacts]}
        path = f"/ContactGroups/{_path(id)}/Contacts"
        await self._ask("add contacts to a group", "PUT", path, body, key, "Contacts")

    async def remove_from_group(self, id: str, contact: str) -> None:
        """Take one contact out of a group."""
        path = f"/ContactGroups/{_path(id)}/Contacts/{_path(contact)}"
        await self._ask("take a contact out of a group", "DELETE", path, None, "", "")

    async def _group(self, what: str, method: str, path: str, body: dict[str, Any], key: str) -> Group:
        raws = await self._ask(what, method, f"/ContactGroups{path}", {"ContactGroups": [body]}, key, "ContactGroups")
        return wire_setup.group(raws[0])

    # ---- what hangs on records

    async def add_note(self, kind: Kind, id: str, text: str, key: str) -> None:
        """Add a note to a record's history, cut at 2,500 characters; Xero takes none on payments."""
        path = f"/{ENDPOINTS[kind].name}/{_path(id)}/History"
        body = {"HistoryRecords": [{"Details": text[:MOST_LETTERS]}]}
        await self._ask(f"add a note to the {kind.label}", "PUT", path, body, key, "HistoryRecords")

    async def email_invoice(self, id: str, key: str) -> None:
        """Let Xero mail an approved sales invoice to its contact, who must have an address."""
        await self._ask("mail the invoice", "POST", f"/Invoices/{_path(id)}/Email", {}, key, "")

    # ---- the call

    async def _ask(
        self, what: str, method: str, path: str, body: dict[str, Any] | None, key: str, name: str
    ) -> list[msgspec.Raw]:
        """One call; the elements of its answer under `name`, none where nothing is awaited."""
        content = b"" if body is None else _encoder.encode(body)
        try:
            response = await self._client.send(method, path, content, key, urgent=True)
            if response.ok:
                return _elements(response, what, name)
            try:
                said = messages(response.json())
            except BadAnswer:
                said = ()
        except (Unanswered, BadAnswer) as error:
            raise Unsettled(
                f"Nobody can tell whether Xero did this: {what}. {error.sentence}",
                "Read the organisation again and look before you ask again.",
                code="xero.unsettled",
            ) from None
        raise write_trouble(response, what, said)


def _elements(response: Response, what: str, name: str) -> list[msgspec.Raw]:
    if not name:
        return []
    raws = opened(response, name).elements
    trees = [tree(raw) for raw in raws]
    said = messages(trees)
    ids = [value for t in trees if isinstance(t, dict) for field, value in t.items() if field.endswith("ID")]
    if said or ZERO_ID in ids:
        raise Refused(
            f"Xero refused this: {what}. It said: {'; '.join(said) or 'no reason given'}",
            "Do what Xero says, then ask again.",
            code="xero.invalid",
            said="; ".join(said),
            correlation=correlation_of(response),
            status=response.status,
        )
    if not raws:
        raise BadAnswer(f"an answer without any of its {name}")
    return raws


def _path(id: str) -> str:
    return quote(id, safe="")


def _options(category: str, id: str) -> str:
    return f"/TrackingCategories/{_path(category)}/Options" + (f"/{_path(id)}" if id else "")


def _rate_body(name: str, components: Sequence[TaxComponent], report: str) -> dict[str, Any]:
    parts = [{"Name": c.name, "Rate": plain(c.rate), "IsCompound": c.compound} for c in components]
    return {"Name": name, "TaxComponents": parts} | ({"ReportTaxType": report} if report else {})
