"""The settings of a pair: every field of it can be set, there and back without loss, and what can't be is named."""

import datetime as dt
from decimal import Decimal

import pytest

from xerotui.model.problems import SyncError
from xerotui.store.documents import Ceilings, Pair
from xerotui.workspace.policy import PairSettings, changed, changes, pair_with, settings_of, texts_of

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
            text = "2026-01-31" if "start" in name or name == "closed_through" else "7"
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


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("start_invoices", "soon", "Invoices from: a date such as 2026-01-31"),
        ("status_invoices", "PAID", "Invoices are made: one of DRAFT, SUBMITTED, AUTHORISED"),
        ("numbers_invoices", "INV", "Invoice numbers: source, xero, or a template"),
        ("generate_items", "{n", "Item codes: "),
        ("settle_minutes", "-1", "Settle time, minutes: not below zero"),
        ("ceiling_updates_percent", "101", "Most updates, percent: at most 100"),
        ("ceiling_total", "much", "Largest sum a plan"),
        ("sync_items", "maybe", "Items: one of on, off"),
        ("colour", "red", "unknown setting: colour"),
    ],
)
def test_what_cannot_be_is_named(name: str, value: str, words: str) -> None:
    with pytest.raises(SyncError) as error:
        changed(settings_of(USUAL), {name: value})
    assert error.value.sentence.startswith(words)
