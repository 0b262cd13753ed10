"""Signs, words and colours of states; a colour never stands alone."""

from rich.text import Text

from xerotui.console.text import safe

# state: (sign, style). Colours are the terminal's own names, so that themes of few colours keep their meaning.
_SIGNS: dict[str, tuple[str, str]] = {
    # readiness
    "todo": ("→", "bold yellow"),
    "looked": ("✓", "dim"),
    "waiting": ("·", "dim"),
    # tenants, sources, plugins
    "connected": ("✓", "green"),
    "failing": ("✗", "bold red"),
    "unsaved": ("!", "bold yellow"),
    "expired": ("✗", "bold red"),
    "paused": ("‖", "yellow"),
    "disconnected": ("✗", "red"),
    "off": ("·", "dim"),
    "loaded": ("✓", "green"),
    "not loaded": ("·", "dim"),
    "failed": ("✗", "bold red"),
    # mappings
    "mapped": ("✓", "green"),
    "proposed": ("?", "cyan"),
    "unmapped": ("!", "bold yellow"),
    "broken": ("✗", "bold red"),
    # operations and plans
    "planned": ("·", ""),
    "ready": ("○", ""),
    "approved": ("○", "cyan"),
    "applying": ("▶", "cyan"),
    "sending": ("▶", "cyan"),
    "done": ("✓", "green"),
    "confirmed": ("✓", "green"),
    "verified": ("✓", "bold green"),
    "rejected": ("✗", "bold red"),
    "refused": ("✗", "bold red"),
    "unknown": ("?", "bold yellow"),
    "blocked": ("!", "bold yellow"),
    "parked": ("✗", "red"),
    "cancelled": ("·", "dim"),
    "superseded": ("·", "dim"),
    "discarded": ("·", "dim"),
    # records that no operation stands for
    "linked": ("=", "green"),
    "not set": ("·", "bold"),
    "gone": ("-", "yellow"),
    "removed": ("-", "dim"),
    # a plan's `expired` has the sign of a connection's
    # verbs
    "create": ("+", "green"),
    "update": ("~", "cyan"),
    "adopt": ("=", "cyan"),
    "link": ("=", "cyan"),
    "unchanged": ("·", "dim"),
    "attach": ("&", "cyan"),
    "hand_over": ("→", "green"),
    "archive": ("-", "yellow"),
    "void": ("-", "bold red"),
    "delete": ("-", "bold red"),
    "skipped": ("·", "dim"),
    "skip": ("·", "dim"),
    "conflict": ("✗", "bold red"),
    "repeats": ("!", "yellow"),
    "mapping": ("!", "yellow"),
    "allocate": ("&", "green"),
    "note": ("·", "dim"),
    "unallocated": ("!", "yellow"),
    "settle": ("&", "green"),
    # differences
    "drift": ("≠", "yellow"),
    "voided": ("-", "bold red"),
    "lost": ("!", "yellow"),
    "born": ("+", "cyan"),
    # findings
    "ok": ("✓", "green"),
    "warn": ("!", "bold yellow"),
    "bad": ("✗", "bold red"),
}


def sign(state: str) -> str:
    """The one-cell sign of a state or verb."""
    return _SIGNS.get(state, ("·", ""))[0]


def style(state: str) -> str:
    """Its style."""
    return _SIGNS.get(state, ("·", ""))[1]


def worded(state: str, word: str = "") -> Text:
    """Sign and word of a state or verb."""
    return safe(f"{sign(state)} {word or state.replace('_', ' ')}", style(state), 60)
