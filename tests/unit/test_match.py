"""Which contact of Xero a source's customer is: spellings are one name, look-alikes a person's choice."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from xerotui.model.kinds import Kind
from xerotui.model.records import Party
from xerotui.sync.match import Fit, contact_for
from xerotui.sync.pair import Contacts, PairData


def contact(id: str, name: str, number: str = "", status: str = "ACTIVE") -> Party:
    return Party(id=id, kind=Kind.CUSTOMER, name=name, number=number, status=status)


def fits(party: Party, *contacts: Party) -> tuple[Fit, list[str]]:
    data = cast(PairData, SimpleNamespace(contacts=Contacts.of(contacts)))
    match: Any = contact_for(data, party)
    return match.fit, [p.id for p in match.found]


@pytest.mark.parametrize("name", ["Acme Ltd", "acme  ltd", "Acme\u00a0Ltd", "Acme\u200b Ltd"])
def test_spellings_of_a_name_are_one_contact(name: str) -> None:
    asked = Party(id="1", kind=Kind.CUSTOMER, name=name)
    assert fits(asked, contact("a", "Acme Ltd")) == (Fit.EXACT, ["a"])
    assert fits(asked, contact("a", "Acme Ltd"), contact("b", "ACME LTD")) == (Fit.SEVERAL, ["a", "b"])


def test_an_archived_contact_keeps_its_number() -> None:
    asked = Party(id="1", kind=Kind.CUSTOMER, name="Acme Ltd", number="ACM1")
    assert fits(asked, contact("a", "Somebody", "acm1", "ARCHIVED")) == (Fit.ARCHIVED, ["a"])
    # The living one of two twins is meant.
    assert fits(asked, contact("a", "Acme Ltd", "ACM1", "ARCHIVED"), contact("b", "Acme Ltd")) == (Fit.EXACT, ["b"])
