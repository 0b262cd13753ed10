"""What Xero would refuse, found before anything is sent: accounts, tax classes, lock dates, numbers, totals."""

import datetime as dt
from decimal import Decimal

from xerotui.model.kinds import Trade
from xerotui.model.postings import DocumentPosting
from xerotui.model.problems import Place
from xerotui.model.records import Account, Document, TaxRate
from xerotui.sync.findings import Findings
from xerotui.sync.pair import ACCOUNT, PairData, code_key

# System accounts that no line may name (xero-api section 9.5).
FORBIDDEN_SYSTEM = {"DEBTORS", "CREDITORS"}


def no_line(account: Account) -> str:
    """Why no line may name the account, "" when one may."""
    if not account.code:
        return "it has no code"
    if account.system in FORBIDDEN_SYSTEM or account.type == "BANK":
        return "lines can't name it"
    return ""


def account_of(data: PairData, value: str, trade: Trade, found: Findings, path: str, where: str) -> Account | None:
    """The account that a code of the source becomes: as mapped, else that of the same code.

    None with the problem recorded when it isn't there or no line may use it.
    """
    mapping = data.mapping(ACCOUNT, value, trade)
    if mapping is None:
        return account_problem(data, value, found, where, value)
    found.value(path, f"mapping of account {value}", mapping)
    return account_problem(data, mapping.target, found, where, value)


def account_problem(data: PairData, code: str, found: Findings, where: str, value: str = "") -> Account | None:
    """The account of that code if a line may use it; else the problem is recorded and None returned.

    `value` is the source's own code, under which it can be mapped.
    """
    account = data.accounts.get(code_key(code))
    subject = f"{ACCOUNT}:{value or code}"
    args = {"spec": ACCOUNT, "connection": data.connection, "tenant": data.tenant, "value": value or code}
    place = Place("go.mapping", args) if value else None
    if account is None:
        sentence = f"Account {code} ({where}) doesn't exist in {data.organisation.name}."
        found.problem("core.account_unknown", subject, sentence, place=place)
    elif account.status != "ACTIVE":
        sentence = f"Account {code} {account.name} ({where}) is archived in {data.organisation.name}."
        found.problem("core.account_archived", subject, sentence, place=place)
    elif no_line(account):
        sentence = f"Account {code} {account.name} ({where}) can't be used on lines."
        found.problem("core.account_unknown", subject, sentence, place=place)
    else:
        return account
    return None


def tax_allowed(data: PairData, rate: TaxRate, account: Account | None, found: Findings, source_tax: str) -> None:
    """Record a problem when the rate can't be used, or not with this account's class (xero-api section 9.4)."""
    place = Place("go.mapping", {"spec": "tax", "connection": data.connection, "value": source_tax})
    if rate.status != "ACTIVE":
        found.problem(
            "core.tax_gone",
            f"tax:{source_tax}",
            f"Tax rate {rate.name} ({rate.code}) is no longer active in {data.organisation.name}.",
            place=place,
        )
    elif account is not None and account.class_ and rate.classes and account.class_ not in rate.classes:
        found.problem(
            "core.tax_account_conflict",
            f"tax:{source_tax}:{account.code}",
            f"Tax rate {rate.name} can't be used with account {account.code} {account.name}.",
            place=place,
        )


def discount_problem(percent: Decimal, index: int, found: Findings) -> None:
    """Record a problem when a discount is no percentage that Xero takes: an amount in its place, most often."""
    if not 0 <= percent <= 100:
        found.problem(
            "core.discount_refused",
            f"{found.ref.kind}:{found.ref.id}",
            f"Line {index} has a discount of {percent} %.",
            place=Place("go.errors", {"kind": found.ref.kind.value, "record": found.ref.id}),
        )


def date_problem(data: PairData, date: dt.date, found: Findings) -> None:
    """Record a problem when the date is on or before a lock date, Xero's or the stricter one set here (M6)."""
    limits = [d for d in (data.organisation.locked_until(), data.policy.closed_through) if d]
    if limits and date <= max(limits):
        found.problem(
            "core.period_locked",
            f"period:{data.tenant}:{max(limits).isoformat()}",
            f"{data.organisation.name} is locked through {max(limits).isoformat()}.",
            place=Place("go.tenants", {"tenant": data.tenant}),
        )


def total_problem(data: PairData, document: Document, posting: DocumentPosting, found: Findings) -> None:
    """Record a problem when what Xero will compute isn't what the source says, to the penny (B2)."""
    if document.total is None or document.total == posting.total:
        if document.total is not None and document.tax is not None and document.tax != posting.tax:
            found.problem(
                "core.total_mismatch",
                f"{document.kind}:{document.id}",
                f"{document.kind.label.capitalize()} {document.number} says {document.tax} {posting.currency} of tax, "
                f"its lines make {posting.tax} in Xero.",
                place=_place(data, posting, found),
            )
        return
    off: Decimal = posting.total - document.total
    found.problem(
        "core.total_mismatch",
        f"{document.kind}:{document.id}",
        f"{document.kind.label.capitalize()} {document.number} says {document.total} {posting.currency}, "
        f"its lines make {posting.total} in Xero ({off:+}).",
        place=Place("go.errors", {"connection": data.connection, "kind": document.kind.value, "record": document.id}),
    )


def _place(data: PairData, posting: DocumentPosting, found: Findings) -> Place:
    return Place("go.errors", {"connection": data.connection, "kind": posting.kind.value, "record": found.ref.id})
