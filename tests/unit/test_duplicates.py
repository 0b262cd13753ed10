"""Which contacts of Xero look like two of one, and which only share a mailbox or a legal form."""

from typing import Any

from xerotui.model.kinds import Kind
from xerotui.model.records import Party
from xerotui.sync.duplicates import doubles, loose_name


def contact(id: str, name: str, **more: Any) -> Party:
    return Party(id=id, kind=Kind.CUSTOMER, name=name, **{"status": "ACTIVE", **more})


def test_names_are_compared_without_their_legal_form() -> None:
    same = ("Harlow & Pike LLP", "Harlow and Pike L.L.P.", "harlow\u00a0&\u200b pike, Ltd", "HARLOW AND PIKE")
    assert {loose_name(name) for name in same} == {"harlow and pike"}
    assert loose_name("Acme Pty Ltd") == loose_name("Acme Proprietary Limited") == "acme"
    assert loose_name("Ltd") == "ltd"
    assert loose_name("Acme North") != loose_name("Acme South")


def test_groups_say_by_what_and_leave_out_what_is_no_double() -> None:
    people = [
        contact("1", "Fenwick Dairy Ltd", email="a@fenwick.example", tax_number="NZ 901"),
        contact("2", "Fenwick Dairy (old)", email="A@Fenwick.example", tax_number="nz901"),
        contact("3", "Fenwick & Sons", number=" FEN3 "),
        contact("4", "Quill", number="fen3", status="ARCHIVED"),
        contact("5", "Kestrel Ltd", status="ARCHIVED"),
        contact("6", "KESTREL limited", status="ARCHIVED"),
        contact("7", "Merged", merged_into="8", contact_number="77"),
        contact("8", "Stays", contact_number="77"),
        *(contact(f"m{n}", f"Mailbox {n}x", email="office@landlord.example") for n in range(5)),
    ]
    found = {tuple(p.id for p in d.contacts): d.by for d in doubles(people)}
    assert found == {("2", "1"): ("e-mail", "tax number"), ("3", "4"): ("account number",)}
    chain = [
        contact("a", "One", number="1"),
        contact("b", "Two", number="1", tax_number="9"),
        contact("c", "Three", tax_number="9"),
    ]
    assert [(len(d.contacts), d.by) for d in doubles(chain)] == [(3, ("account number", "tax number"))]
