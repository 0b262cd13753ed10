"""Tax rates: which may be made, changed and taken away (xero-api section 9.4).

Only the rates themselves; what they do to a line is in `lines`.
"""

from __future__ import annotations

from decimal import Decimal

from starlette.responses import Response

from xerotui.sandbox.xero.call import Call, Verdict, answer_one
from xerotui.sandbox.xero.errors import Refused, not_found
from xerotui.sandbox.xero.store import Organisation, Record
from xerotui.sandbox.xero.tax import rounded


def put(call: Call) -> Response:
    """PUT /TaxRates: create one; it gets the next TAXnnn as its code."""
    clean = call.one("TaxRates", "TaxRate")
    values, errors = clean.values, list(clean.errors)
    table = call.org["TaxRates"]
    if not values.get("Name") or table.find("Name", values.get("Name", "")):
        errors.append("Please enter a unique Name.")
    errors += _components(call, values.get("TaxComponents", [])) + _report(call, values)
    if call.org.info["Version"] in ("AU", "NZ", "UK") and not values.get("ReportTaxType"):
        errors.append("ReportTaxType must be specified")
    n = 1
    while table.get(f"TAX{n:03d}"):
        n += 1
    rate: Record = {**values, "TaxType": f"TAX{n:03d}", "Status": "ACTIVE"}
    sale = values.get("ReportTaxType", "OUTPUT").endswith("OUTPUT")
    rate.update(applies("AELR" if sale else "AEXL"))
    _work_out(rate)
    if not errors:
        table.put(rate)
        call.write("tax_rate", "create", rate["TaxType"], rate["Name"])
    return answer_one(call, "TaxRates", Verdict(rate, errors), "")


def post(call: Call) -> Response:
    """POST /TaxRates: rename, extend or delete the rate that TaxType or Name means."""
    clean = call.one("TaxRates", "TaxRate")
    values, errors = clean.values, list(clean.errors)
    table = call.org["TaxRates"]
    rate = table.get(values.get("TaxType", "")) or next(iter(table.find("Name", values.get("Name", ""))), None)
    if rate is None:
        raise Refused(not_found())
    if not rate["TaxType"].startswith("TAX"):
        errors.append("System tax rates can't be changed")
    elif values.get("Status") == "DELETED" and _rate_used(call.org, rate["TaxType"]):
        errors.append("The tax rate is used and can't be deleted")
    if any(other["TaxType"] != rate["TaxType"] for other in table.find("Name", values.get("Name", ""))):
        errors.append("Please enter a unique Name.")
    errors += _report(call, values)
    if "TaxComponents" in values:
        errors += _components(call, values["TaxComponents"])
    if values.get("Status", "ACTIVE") not in ("ACTIVE", "ARCHIVED", "DELETED"):
        errors.append("Status must be valid")
    changed = {**rate, **values, "TaxType": rate["TaxType"]}
    before = {c["Name"] for c in rate["TaxComponents"]}
    if before - {c.get("Name") for c in changed["TaxComponents"]}:
        errors.append("Tax components can't be removed or renamed")
    _work_out(changed)
    if not errors:
        table.put(changed)
        verb = "delete" if changed["Status"] == "DELETED" else "update"
        call.write("tax_rate", verb, changed["TaxType"], changed["Name"])
    return answer_one(call, "TaxRates", Verdict(changed, errors), "")


def _components(call: Call, components: list[Record]) -> list[str]:
    if not components or not all(part.get("Name") and part.get("Rate", -1) >= 0 for part in components):
        return ["TaxComponents must each have a Name and a Rate"]
    if sum(part.get("IsCompound", False) for part in components) > 1:
        return [_unsourced(call, "Only one of the TaxComponents can be compound")]
    return []


def _report(call: Call, values: Record) -> list[str]:
    """Judge the type under which a rate is reported: one that the organisation's own rates have.

    Those are what xero-api section 11 knows of a region; clients read the field as one of a fixed list.
    """
    given = values.get("ReportTaxType")
    known = {"OUTPUT", "INPUT", "NONE", *(rate.get("ReportTaxType") for rate in call.org["TaxRates"])}
    return [] if not given or given in known else [_unsourced(call, f"ReportTaxType {given} is not valid")]


def _unsourced(call: Call, message: str) -> str:
    call.violation("not known of Xero", message)
    return message


def applies(letters: str) -> Record:
    """Return the five CanApplyTo flags for letters of A E X L R (xero-api section 11)."""
    names = {"Assets": "A", "Equity": "E", "Expenses": "X", "Liabilities": "L", "Revenue": "R"}
    return {f"CanApplyTo{name}": letter in letters for name, letter in names.items()}


def _work_out(rate: Record) -> None:
    shown = effective = Decimal(0)
    for component in rate.get("TaxComponents", []):
        component.setdefault("IsCompound", False)
        component.setdefault("IsNonRecoverable", False)
        own = component["Rate"] = rounded(component.get("Rate", Decimal(0)), 4)
        shown += own
        effective += own * (100 + effective) / 100 if component["IsCompound"] else own
    rate["DisplayTaxRate"], rate["EffectiveRate"] = shown, rounded(effective, 4)


def _rate_used(org: Organisation, code: str) -> bool:
    return any(
        line.get("TaxType") == code
        for plural in ("Invoices", "CreditNotes", "PurchaseOrders")
        for document in org[plural]
        for line in document["LineItems"]
    )
