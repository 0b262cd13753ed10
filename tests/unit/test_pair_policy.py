"""The settings of a pair: every field of it can be set, there and back without loss, and what can't be is named."""

import datetime as dt
from decimal import Decimal

import pytest

from xerotui.model.kinds import Kind
from xerotui.model.problems import SyncError
from xerotui.source.abilities import Abilities, Capability
from xerotui.store.documents import Ceilings, Pair
from xerotui.workspace.policy import PairSettings, changed, changes, pair_with, senseless, settings_of, texts_of

USUAL = Pair(source="s", tenant="t")
OTHER = {
    "True": "off",
    "False": "on",
    "manual": "automatic",
    "skip": "send",
    "DRAFT": "AUTHORISED",
    "ask": "automatic",
}


def test_every_field_of_a_pair_can_be_set() -> None:
    """Each setting alone changes the pair, and all together every field of it."""
    whole = settings_of(USUAL)
    for name in PairSettings.__struct_fields__:
        value = getattr(whole, name)
        text = OTHER.get(str(value)) or ("xero" if value == "source" else "")
        if not text:
            text = (
                "2026-01-31" if "start" in name or name == "closed_through" else "7{n}" if "generate" in name else "7"
            )
        made = changed(settings_of(USUAL), {name: text})
        assert pair_with(USUAL, made) != USUAL, name
        assert [c.field for c in changes(settings_of(USUAL), made)] == [name]
        whole = changed(whole, {name: text})
    full = pair_with(USUAL, whole)
    same = {f for f in Pair.__struct_fields__ if getattr(full, f) == getattr(USUAL, f)}
    assert same == {"source", "tenant"}
    assert {f for f in Ceilings.__struct_fields__ if getattr(full.ceilings, f) == getattr(USUAL.ceilings, f)} == set()
    assert settings_of(full) == whole
    assert changed(settings_of(USUAL), texts_of(whole)) == whole
    assert pair_with(full, settings_of(USUAL)) == USUAL, "what is as usual leaves no trace"


def test_what_the_form_does_not_know_stays() -> None:
    pair = Pair(source="s", tenant="t", entities={"payment": False}, ceilings=Ceilings(total=Decimal("9.90")))
    made = pair_with(pair, changed(settings_of(pair), {"start_invoices": " 2026-01-31 "}))
    assert made.entities == {"payment": False}
    assert made.start == {"invoice": dt.date(2026, 1, 31)}
    assert texts_of(settings_of(made))["ceiling_total"] == "9.90"


def test_templates_and_bounds_that_can_be_meant_are_taken() -> None:
    given = {
        "generate_customers": "source",
        "generate_suppliers": "{name3}{n:012}",
        "generate_items": "",
        "numbers_invoices": "HP-{number}/{id}",
        "settle_minutes": "525600",
        "ceiling_total": "1000000000000000",
    }
    texts = texts_of(changed(settings_of(USUAL), given))
    assert {name: texts[name] for name in given} == given


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("start_invoices", "soon", "Invoices from: a date such as 2026-01-31"),
        ("status_invoices", "PAID", "Invoices are made: one of DRAFT, SUBMITTED, AUTHORISED"),
        ("numbers_invoices", "INV", "Invoice numbers: source, xero, or a template"),
        ("generate_items", "{n", "Item codes: "),
        ("settle_minutes", "-1", "Settle time, minutes: not below zero"),
        ("ceiling_updates_percent", "101", "Most updates, percent: at most 100"),
        ("settle_minutes", "99999999999999999999", "Settle time, minutes: "),
        ("settle_minutes", "525601", "Settle time, minutes: at most 525600"),
        ("ceiling_voids", "1000000001", "Most removals a plan: at most 1000000000"),
        ("ceiling_total", "NaN", "Largest sum a plan: "),
        ("ceiling_total", "sNaN", "Largest sum a plan: "),
        ("ceiling_total", "Infinity", "Largest sum a plan: "),
        ("ceiling_total", "1e999999", "Largest sum a plan: at most 1000000000000000"),
        ("ceiling_total", "-0.01", "Largest sum a plan: not below zero"),
        ("ceiling_total", "1e-999999", "Largest sum a plan: at most 4 decimals"),
        ("numbers_invoices", "{number}{foo}", "Invoice numbers: it holds {number} and {id} alone"),
        ("numbers_invoices", "A\u202e{number}", "Invoice numbers: no control characters"),
        ("numbers_invoices", "A" * 249 + "{number}", "Invoice numbers: at most 255 characters"),
        ("generate_customers", "{foo}", "Customer numbers: it holds {name3}, {n:04} and {id} alone"),
        ("generate_customers", "{n:x}", "Customer numbers: it holds"),
        ("generate_customers", "{n:9999999999}", "Customer numbers: it holds"),
        ("generate_customers", "{n:013}", "Customer numbers: a counter has at most 12 digits"),
        ("generate_customers", "A\t{n}", "Customer numbers: no control characters"),
        ("generate_suppliers", "{name3}", "Supplier numbers: without {n} or {id} all would get one number"),
        ("ceiling_total", "much", "Largest sum a plan"),
        ("sync_items", "maybe", "Items: one of on, off"),
        ("colour", "red", "unknown setting: colour"),
    ],
)
def test_what_cannot_be_is_named(name: str, value: str, words: str) -> None:
    with pytest.raises(SyncError) as error:
        changed(settings_of(USUAL), {name: value})
    assert error.value.sentence.startswith(words)


def test_settings_that_change_nothing_for_a_source_are_named() -> None:
    every = senseless(tuple(Kind), Abilities(capabilities=frozenset(Capability)))
    assert every == ()
    reads = senseless((Kind.CUSTOMER, Kind.INVOICE), Abilities())
    assert {"sync_items", "status_purchase_orders", "allocate_credit", "back_payments", "generate_customers"} <= {
        *reads
    }
    assert {"sync_customers", "start_invoices", "back_invoices", "mode"} & {*reads} == set()
