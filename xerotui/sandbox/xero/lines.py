"""The lines of a document: what may stand on them, what Xero fills in, what it works out.

Rules of sections 5.4, 7.1, 8 and 9.8 of xero-api about lines live here; documents as a whole do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from xerotui.sandbox.xero.store import Organisation, Record, folded, new_id
from xerotui.sandbox.xero.tax import ZERO, line_amount, line_tax, rounded

NO_TRACKING = "Unknown tracking details. A Tracking Category did not match a known active Tracking Category."
# The words for an amount aren't recorded; those for a rate are known from amounts sent as one.
TOO_MUCH = "The discount rate '{}' is invalid. Discount must not be greater than the line total."
MOST = Decimal("9999999999.99")
_UNUSABLE_SYSTEM = ("DEBTORS", "CREDITORS")
_CLASS_LETTER = {
    "ASSET": "Assets",
    "EQUITY": "Equity",
    "EXPENSE": "Expenses",
    "LIABILITY": "Liabilities",
    "REVENUE": "Revenue",
}


@dataclass
class LineRules:
    """What the document around the lines decides about them."""

    org: Organisation
    sale: bool
    approved: bool
    places: int
    types: str
    discounts: bool
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def refuse(self, message: str) -> None:
        """Note an error once."""
        if message not in self.errors:
            self.errors.append(message)


def build(rules: LineRules, wanted: list[Record], existing: list[Record]) -> list[Record]:
    """Return the lines as they will be stored: new ones first, then the kept ones; unlisted ones are gone."""
    kept = {line["LineItemID"]: line for line in existing}
    unknown = [w["LineItemID"] for w in wanted if w.get("LineItemID") and w["LineItemID"] not in kept]
    if unknown:
        rules.refuse(f"Could not find line item(s) with the following id(s): {', '.join(unknown)}")
    fresh: list[Record] = []
    old: list[Record] = []
    for line in wanted:
        before = kept.get(line.get("LineItemID", ""))
        built = _line(rules, line, before)
        (fresh if before is None else old).append(built)
    return fresh + old


def rebuild(rules: LineRules, existing: list[Record]) -> list[Record]:
    """Return untouched lines judged again, as a change of status or of tax treatment requires."""
    return [_line(rules, {}, line) for line in existing]


def _line(rules: LineRules, wanted: Record, before: Record | None) -> Record:
    asked = {**(_asked(before) if before else {}), **wanted}
    line: Record = {"LineItemID": before["LineItemID"] if before else new_id()}
    _item(rules, asked)
    if asked.get("Description") is not None:
        line["Description"] = asked["Description"]
    described_only = not any(
        asked.get(name) is not None
        for name in ("Quantity", "UnitAmount", "LineAmount", "ItemCode", "AccountCode", "AccountID")
    )
    if described_only:
        if not asked.get("Description") and rules.approved:
            rules.refuse("Description must be specified")
        return {**line, "LineAmount": ZERO, "TaxAmount": ZERO, "Tracking": _tracking(rules, asked)}
    # An amount that wasn't sent again keeps the decimals with which it was stored.
    _amounts(rules, asked, line, rules.places if before is None or "UnitAmount" in wanted else 4)
    if asked.get("ItemCode"):
        line["ItemCode"] = asked["ItemCode"]
    account = _account(rules, asked, line)
    _tax(rules, asked, line, account)
    line["Tracking"] = _tracking(rules, asked)
    return line


def _asked(before: Record) -> Record:
    """Return a stored line as if it were asked for again; what is worked out is worked out anew."""
    derived = ("LineAmount", "Tracking", "LineItemID") + (() if before.get("_tax_given") else ("TaxAmount",))
    kept = {name: value for name, value in before.items() if name not in derived and name[0] != "_"}
    if before.get("_rate") is not None:
        kept["DiscountRate"] = before["_rate"]
    kept["Tracking"] = before.get("Tracking", [])
    return kept


def _item(rules: LineRules, asked: Record) -> None:
    code = asked.get("ItemCode")
    if not code:
        return
    found = rules.org["Items"].find("Code", code)
    item = found[0] if found else None
    if item is None or not item.get("IsSold" if rules.sale else "IsPurchased", True):
        rules.refuse(f"Item code {code} is not valid")
        return
    details = item.get("SalesDetails" if rules.sale else "PurchaseDetails", {})
    text = item.get("Description" if rules.sale else "PurchaseDescription") or item.get("Name")
    fills: dict[str, Any] = {
        "Description": text,
        "UnitAmount": details.get("UnitPrice"),
        "TaxType": details.get("TaxType"),
    }
    if not asked.get("AccountID"):
        fills["AccountCode"] = details.get("AccountCode") or details.get("COGSAccountCode")
    for name, value in fills.items():
        if asked.get(name) is None and value is not None:
            asked[name] = value


def _amounts(rules: LineRules, asked: Record, line: Record, places: int) -> None:
    quantity, unit, given = asked.get("Quantity"), asked.get("UnitAmount"), asked.get("LineAmount")
    if quantity is None:
        quantity = given / unit if given is not None and unit else Decimal(1)
    quantity = rounded(quantity, 4)
    if abs(quantity) >= Decimal(10) ** 9:
        rules.refuse("The Quantity is out of range")
    if unit is None:
        unit = given / quantity if given is not None and quantity else ZERO
        unit = rounded(unit, 4)
    else:
        unit = rounded(unit, places)
    rate, amount = _discount(rules, asked)
    if amount is not None and not 0 <= amount <= rules.org.behaviour.rounded(quantity * unit):
        rules.refuse(TOO_MUCH.format(amount))
    total = line_amount(quantity, unit, rate, amount, rules.org.behaviour.rounded)
    computed = asked.get("Quantity") is not None and asked.get("UnitAmount") is not None
    if given is not None and computed and rounded(given) != total:
        rules.refuse(f"The line total {rounded(given)} does not match the expected line total {total}")
    if abs(total) > MOST:
        rules.refuse(f"The LineAmount must not be more than {MOST}")
    line.update(Quantity=quantity, UnitAmount=unit, LineAmount=total)
    if rate is not None:
        line.update(DiscountRate=rounded(rate), _rate=rate)
    if amount is not None:
        line["DiscountAmount"] = rounded(amount)


def _discount(rules: LineRules, asked: Record) -> tuple[Decimal | None, Decimal | None]:
    rate, amount = asked.get("DiscountRate"), asked.get("DiscountAmount")
    if not rate and not amount:
        return None, None
    if not rules.discounts:
        rules.refuse("Discounts can only be given on sales invoices and quotes")
        return None, None
    if rate and amount:
        rules.refuse("A line has either a DiscountRate or a DiscountAmount")
        return None, None
    if rate is not None and not 0 <= rate <= 100:
        rules.refuse(TOO_MUCH.format(rate))
        return None, None
    return (rounded(rate, 4), None) if rate else (None, rounded(amount or ZERO))


def _account(rules: LineRules, asked: Record, line: Record) -> Record | None:
    code, id = asked.get("AccountCode"), asked.get("AccountID")
    if not code and not id:
        if rules.approved:
            rules.refuse("Account code must be specified")
        return None
    account = rules.org.account(code, None if code else id)
    named = code or id
    if account is None or account["Status"] == "DELETED":
        if rules.approved:
            rules.refuse(f"Account code '{named}' is not a valid code for this document.")
        else:
            rules.warnings.append(f"Account code '{named}' has been removed as it does not match a recognised account.")
        return None
    if account["Status"] == "ARCHIVED":
        rules.refuse(
            f"Account code '{named}' has been archived or deleted. Each line item must reference a valid account."
        )
    if account["Type"] == "BANK" or account.get("SystemAccount") in _UNUSABLE_SYSTEM:
        rules.refuse(f"Account code '{named}' is not a valid code for this document.")
    line["AccountID"] = account["AccountID"]
    if account.get("Code"):
        line["AccountCode"] = account["Code"]
    return account


def _tax(rules: LineRules, asked: Record, line: Record, account: Record | None) -> None:
    code = asked.get("TaxType") or (account or {}).get("TaxType")
    if not code:
        if rules.approved and rules.types != "NoTax":
            rules.refuse("The TaxType field is mandatory")
        line["TaxAmount"] = ZERO
        return
    rate = rules.org["TaxRates"].get(code)
    if rate is None or rate["Status"] != "ACTIVE" or not _fits(rate, rules.sale):
        rules.refuse(f"The TaxType code {code} does not exist or cannot be used for this type of transaction.")
        line["TaxAmount"] = ZERO
        return
    if account is not None and not rate.get(f"CanApplyTo{_CLASS_LETTER[account['Class']]}"):
        rules.refuse(f"The TaxType code '{code}' cannot be used with account code '{account.get('Code', '')}'.")
    line["TaxType"] = code
    given = asked.get("TaxAmount")
    if given is not None and rules.types != "NoTax":
        if abs(given) > abs(line["LineAmount"]):
            rules.refuse("The tax amount cannot be greater than the line amount")
        line["TaxAmount"] = rounded(given)
        line["_tax_given"] = True
    else:
        line["TaxAmount"] = line_tax(
            line["LineAmount"], rate["EffectiveRate"], rules.types, rules.org.behaviour.rounded
        )


def _fits(rate: Record, sale: bool) -> bool:
    """Tell whether a rate may stand on a sale or a purchase: a pure rate of the other side may not."""
    revenue, expenses = rate.get("CanApplyToRevenue"), rate.get("CanApplyToExpenses")
    return not (expenses and not revenue) if sale else not (revenue and not expenses)


def _tracking(rules: LineRules, asked: Record) -> list[Record]:
    chosen: list[Record] = []
    for entry in asked.get("Tracking") or []:
        found = _option(rules.org, entry)
        if found is None or any(c["TrackingCategoryID"] == found["TrackingCategoryID"] for c in chosen):
            rules.refuse(NO_TRACKING)
        else:
            chosen.append(found)
    if len(chosen) > 2:
        rules.refuse(NO_TRACKING)
    return chosen


def _option(org: Organisation, entry: Record) -> Record | None:
    for category in org["TrackingCategories"]:
        wanted = entry.get("TrackingCategoryID")
        matches = category["TrackingCategoryID"] == wanted or (
            not wanted and folded(category["Name"]) == folded(entry.get("Name", ""))
        )
        if category["Status"] != "ACTIVE" or not matches:
            continue
        for option in category["Options"]:
            id = entry.get("TrackingOptionID")
            same = option["TrackingOptionID"] == id or (
                not id and folded(option["Name"]) == folded(entry.get("Option", ""))
            )
            if same and option["Status"] == "ACTIVE":
                return {
                    "Name": category["Name"],
                    "Option": option["Name"],
                    "TrackingCategoryID": category["TrackingCategoryID"],
                    "TrackingOptionID": option["TrackingOptionID"],
                }
    return None
