"""Rows of Imports: what importing a kind of an organisation would find."""

from rich.text import Text

from xerotui.console.rows.signs import worded
from xerotui.console.text import count, safe, short, stack
from xerotui.console.widgets.columns import Column, Row
from xerotui.console.widgets.picker import Choice
from xerotui.model.kinds import Kind
from xerotui.model.moves import Move
from xerotui.workspace.pages import ImportRow, TargetRow

COLUMNS = (
    Column("Organisation", 0, middle=True),
    Column("Kind", 11),
    Column("In Xero", 8, right=True),
    Column("Linked", 7, right=True),
    Column("Exact", 6, right=True),
    Column("Unclear", 8, right=True),
    Column("New", 6, right=True),
    Column("What is next", 15),
)


def key(item: ImportRow) -> str:
    """The key of a row."""
    return f"{item.connection}\x1f{item.tenant}\x1f{item.kind.value}"


def next_words(item: ImportRow) -> Text:
    """What a person would do with this row."""
    if not item.supported:
        return worded("off", "not possible")
    if item.new > item.handed or (item.exact and item.kind is not Kind.TAX_RATE):
        return worded("todo", "preview")
    if item.exact:
        return worded("todo", "map (3)")
    if item.unclear:
        return worded("unmapped", "choose (l)")
    if item.handed:
        return worded("waiting", "handed over")
    if not item.in_xero:
        return worded("off", "nothing there")
    return worded("done", "all linked")


def row(item: ImportRow) -> Row:
    """One kind of one organisation."""
    shade = "" if item.supported else "dim"
    numbers = tuple(safe(f"{n:,}" if n else "·", shade) for n in (item.in_xero, item.linked, item.exact))
    unclear = safe(f"! {item.unclear:,}" if item.unclear else "·", "bold yellow" if item.unclear else shade)
    new = safe(f"{item.new:,}" if item.new else "·", shade)
    return Row(
        key(item),
        (safe(item.tenant_name, shade), safe(item.kind.plural, shade), *numbers, unclear, new, next_words(item)),
    )


def detail(item: ImportRow) -> Text:
    """The piles in words."""
    if not item.supported:
        return stack(
            safe(item.kind.plural.capitalize(), "bold"), "", safe(item.reason or "The source can't take them.")
        )
    if item.kind is Kind.TAX_RATE:
        return _taxes(item)
    return stack(
        safe(f"{item.kind.plural.capitalize()} of {item.tenant_name}", "bold"),
        "",
        safe(f"{item.in_xero:,} in Xero"),
        safe(f"{item.linked:,} linked already: a second import goes by the stored Xero id alone", "dim"),
        safe(f"{item.exact:,} found by name or code, exactly once: they are linked"),
        safe(f"{item.unclear:,} with several or contradicting hits: you choose (l)", "yellow" if item.unclear else ""),
        *_new(item, "not found", "they are created in the source"),
        "",
        safe("Enter makes the preview: old → new for every field, nothing written yet.", "dim"),
    )


def _taxes(item: ImportRow) -> Text:
    return stack(
        safe(f"Tax rates of {item.tenant_name}", "bold"),
        "",
        safe(f"{item.in_xero:,} active in Xero"),
        safe(f"{item.linked:,} mapped already", "dim"),
        safe(f"{item.exact:,} there but not mapped yet: take the proposals on Tax mapping (3)"),
        *_new(item, "not there", "they are created in the source and mapped"),
        "",
        safe("Enter makes the preview. Removing rates that nothing uses is asked on Tax mapping (3, i).", "dim"),
    )


def _new(item: ImportRow, state: str, then: str) -> tuple[Text, ...]:
    """What becomes of those that the source hasn't."""
    if not item.by_file:
        return (safe(f"{item.new:,} {state}: {then}"),)
    found = [safe(f"{item.new:,} {state}: they go into a file for the source's own importer")]
    if item.handed:
        back = "mapped" if item.kind is Kind.TAX_RATE else "linked"
        words = f"{item.handed:,} handed over in {short(item.handed_in, 60)}"
        found.append(safe(f"{words}: {back} when they come back by code or name", "yellow"))
    return tuple(found)


def candidate_choices(targets: tuple[TargetRow, ...]) -> tuple[Choice, ...]:
    """Records that may be the one that is meant."""
    return tuple(Choice(t.id, t.title, t.detail, "" if t.allowed else t.reason or "not possible") for t in targets)


def question(item: ImportRow) -> str:
    """A pile in one line, for several rows at once."""
    return f"{count(item.exact, 'link')} and {count(item.new, 'new record')}"


def moving(move: Move) -> str:
    """The question before a link is moved."""
    to = short(move.to_name, 30) if move.to_name else "a contact that the next plan finds or makes"
    abroad = f" of {short(move.to_tenant_name, 30)}" if move.to_tenant != move.tenant else ""
    stays = sum(s.documents for s in move.stays)
    goes = sum(s.documents for s in move.goes)
    words = f"{count(stays, 'document')} in Xero stay with {short(move.contact_name, 30)}, {goes:,} to come go there"
    return f"Move {short(move.title, 30)} to {to}{abroad}? {words}."
