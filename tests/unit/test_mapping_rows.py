"""What the mapping screen says of a tax rate that is mapped on one side of the books alone."""

from decimal import Decimal

import pytest

from xerotui.console.rows import mapping as rows
from xerotui.model.kinds import Kind
from xerotui.model.records import TaxRate
from xerotui.store import Mapping
from xerotui.workspace.mapping_rows import Sides, rows_of
from xerotui.workspace.mapping_specs import CORE

SPEC = next(spec for spec in CORE if spec.id == "tax")
BOUGHT = TaxRate(id="x1", kind=Kind.TAX_RATE, name="On expenses", code="INPUT2", rate=Decimal(20), classes=("EXPENSE",))
SOLD = TaxRate(id="x2", kind=Kind.TAX_RATE, name="On income", code="OUTPUT2", rate=Decimal(20), classes=("REVENUE",))
TWENTY = TaxRate(id="1", kind=Kind.TAX_RATE, name="VAT", rate=Decimal(20))


def said(*stored: tuple[str, str], value: TaxRate = TWENTY) -> dict[str, tuple[str, str, str]]:
    """State, target and note of each side of the books, with these mappings of (side, Xero's code)."""
    kept = {
        ("1", trade): Mapping(spec="tax", connection="psa", value="1", trade=trade, tenant="t", target=code)
        for trade, code in stored
    }
    sides = Sides(SPEC, "psa", "t", (value,), (BOUGHT, SOLD), kept, {})
    return {row.trade: (row.state, row.target, row.note) for row in rows_of(sides, value)}


def test_a_rate_for_purchases_that_is_mapped_for_sales_says_what_sales_lack() -> None:
    found = said(("sales", "INPUT2"))
    assert found["purchase"][:2] == ("mapped", "INPUT2"), "it serves them: resolving takes it"
    state, target, note = found["sales"]
    assert (state, target) == ("unmapped", "INPUT2"), "what is stored there, to be removed or replaced"
    assert note.startswith("no rate for sales: On expenses, mapped here, is for purchase documents alone")


def test_a_side_that_has_its_own_mapping_is_served_by_no_other() -> None:
    found = said(("sales", "INPUT2"), ("purchase", "INPUT2"))
    assert found["purchase"] == ("mapped", "INPUT2", "")
    assert found["sales"][0] == "broken"


@pytest.mark.parametrize("code", ["GONE", "OUTPUT2"])
def test_any_other_mapping_is_told_as_it_was(code: str) -> None:
    state = said(("sales", code))["sales"]
    assert state == ("mapped" if code == "OUTPUT2" else "broken", code, "")


def test_the_note_stands_in_the_row_and_in_the_pane() -> None:
    kept = {("1", "sales"): Mapping(spec="tax", connection="c", value="1", trade="sales", tenant="t", target="INPUT2")}
    sides = Sides(SPEC, "c", "t", (TWENTY,), (BOUGHT, SOLD), kept, {})
    row = next(r for r in rows_of(sides, TWENTY) if r.trade == "sales")
    assert row.note in "".join(cell.plain for cell in rows.row(row).cells)
    assert row.note[1:] in rows.detail(row).plain
