"""What is seeded wrong in the demo world: one piece of trouble for each document, and never two.

The kinds of trouble, the hostile names and the documents that carry them live here; sound records come
from `world_psa` and `world_documents`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from xerotui.sandbox.world_documents import Documents
from xerotui.sandbox.world_psa import People
from xerotui.sandbox.world_regions import ARCHIVED_ACCOUNT, AU, UK, UNMAPPED_TAX, Region
from xerotui.sandbox.world_types import ChargeRate, Customer, Invoice, Line, Trouble

UNKNOWN_CODE = "ZZ-GONE-01"
UNMAPPED_INVOICES = 12

# Xero takes the first and the last of these names and refuses the others (xero-api sections 8 and 9.2).
HOSTILE_NAMES: dict[str, tuple[Region, str, bool]] = {
    "name_markup": (UK, "[b]Bold[/b] & Sons [/] [@click=app.quit]x[/]", False),
    "name_control": (AU, "Ring\x07 Telecom\x1b]0;owned\x07\x1b[2J \x9b31m\u202egnp.exe\u2066 \x00Pty Ltd", True),
    "name_angle": (UK, "<script>alert(1)</script> Systems Ltd", True),
    "name_long": (UK, "Longfellow " + "abcdefghij" * 998 + "abcdefghi", True),
    "name_wide": (UK, "Cafe\u0301 \U0001f9d1\u200d\U0001f4bb 株式会社 Über\u0308 \U0001f1ec\U0001f1e7 Ltd", False),
}
_SORRY = {
    "name_markup": "the name looks like console markup; Xero accepts it",
    "name_control": "the name holds control characters; Xero refuses them",
    "name_angle": "the name holds < and >; Xero refuses them",
    "name_long": "the name is longer than 255 letters; Xero refuses it",
    "name_wide": "the name holds emoji, wide and combining letters; Xero accepts it",
}


class Seeder:
    """Plants the trouble: first the customers that have it, later, in order of date, the documents."""

    def __init__(self, seed: int, today: date, lock: date) -> None:
        self.random = random.Random(f"{seed}/trouble")
        self.today = today
        self.lock = lock
        self.found: list[Trouble] = []
        self.uncoded = ChargeRate(9, "Emergency recovery", "", Decimal("210"))
        self.archived = self.numberless = 0
        self.hostile: dict[str, int] = {}

    def customers(self, people: People) -> None:
        """Add the customers that are trouble themselves."""
        self.archived = people.customer(UK)
        self._note("contact_archived", "customer", self.archived, "its contact in Xero is archived")
        self.numberless = people.customer(UK, number="")
        self._note("account_number_missing", "customer", self.numberless, "no account number")
        for kind, (region, name, blocks) in HOSTILE_NAMES.items():
            self.hostile[kind] = people.customer(region, name)
            self._note(kind, "customer", self.hostile[kind], _SORRY[kind], blocks)

    def settings(self) -> None:
        """Note the trouble that sits in settings: a tax rate without a link, labour without a code."""
        self._note("tax_unmapped", "tax", UNMAPPED_TAX, "5% Energy-saving works is linked to no Xero tax rate")
        self._note("charge_rate_uncoded", "charge_rate", self.uncoded.id, f"{self.uncoded.name} has no code")

    def schedule(self, customers: dict[int, Customer], sound: list[Customer]) -> list[tuple[date, str, Customer]]:
        """The troubled invoices to be made: day, kind of trouble, customer."""
        british = [c for c in sound if c.tenant == UK.key and c.currency == UK.currency]
        australian = [c for c in sound if c.tenant == AU.key]
        plan = [(self._day(), "tax_unmapped", british[n % len(british)]) for n in range(UNMAPPED_INVOICES)]
        plan += [(self._day(), "contact_archived", customers[self.archived]) for _ in range(2)]
        plan += [(self.lock - timedelta(days=n * 3), "period_locked", british[-1 - n]) for n in range(2)]
        plan += [
            (self._day(), "number_taken", british[3]),
            (self._day(), "item_unmapped", british[5]),
            (self._day(), "charge_rate_uncoded", australian[2]),
            (self._day(), "account_archived", british[7]),
            (self._day(), "total_mismatch", australian[4]),
            (self._day(), "account_number_missing", customers[self.numberless]),
        ]
        plan += [(self._day(), kind, customers[key]) for kind, key in self.hostile.items()]
        return plan

    def invoice(self, documents: Documents, day: date, kind: str, customer: Customer) -> Invoice:
        """Make one troubled invoice and note it."""
        lines, detail, off_by = documents.lines(customer), "", Decimal(0)
        change = getattr(self, f"_{kind}", None)
        if change is not None:
            planted: Callable[[Documents, Customer, list[Line]], tuple[list[Line], str]] = change
            lines, detail = planted(documents, customer, lines)
        if kind == "total_mismatch":
            off_by, detail = Decimal("0.01"), "the header asks for a penny more than the lines"
        invoice = documents.invoice(customer, day, lines, off_by=off_by)
        detail = detail or {
            "contact_archived": "its customer's contact in Xero is archived",
            "number_taken": f"Xero holds another invoice with the number {invoice.number}",
            "period_locked": f"dated on or before the lock date {self.lock.isoformat()}",
            "account_number_missing": "its customer has no account number",
        }.get(kind, _SORRY.get(kind, ""))
        blocks = HOSTILE_NAMES[kind][2] if kind in HOSTILE_NAMES else True
        self._note(kind, "invoice", invoice.id, detail, blocks)
        return invoice

    def _tax_unmapped(self, documents: Documents, customer: Customer, lines: list[Line]) -> tuple[list[Line], str]:
        return documents.lines(customer, tax=UNMAPPED_TAX), "a tax rate that is linked to no Xero tax rate"

    def _item_unmapped(self, documents: Documents, customer: Customer, lines: list[Line]) -> tuple[list[Line], str]:
        line = documents.item_line(
            self.random.choice(documents.sellable[customer.tenant]), customer, customer.sales_tax
        )
        gone = msgspec.structs.replace(line, item=0, code=UNKNOWN_CODE, description="Legacy tape rotation")
        return [*lines, gone], f"item code {UNKNOWN_CODE} exists neither here nor in Xero"

    def _charge_rate_uncoded(
        self, documents: Documents, customer: Customer, lines: list[Line]
    ) -> tuple[list[Line], str]:
        line = documents.labour_line(self.uncoded, customer, customer.sales_tax)
        return [*lines, line], f"labour of the kind {self.uncoded.name}, which has no code"

    def _account_archived(self, documents: Documents, customer: Customer, lines: list[Line]) -> tuple[list[Line], str]:
        line = documents.item_line(documents.by_code["SETUP-FEE"], customer, customer.sales_tax)
        old = msgspec.structs.replace(line, account=ARCHIVED_ACCOUNT, description="Hosting, last quarter")
        return [*lines, old], f"account {ARCHIVED_ACCOUNT} is archived in Xero"

    def _day(self) -> date:
        return self.today - timedelta(days=self.random.randint(3, 80))

    def _note(self, kind: str, record: str, key: int, detail: str, blocks: bool = True) -> None:
        self.found.append(Trouble(kind, record, key, detail, blocks))
