"""A list to choose from: a field to type in, and what fits below it; what is not allowed is greyed with its reason."""

from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.fuzzy import Matcher
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from xerotui.console.text import join, safe

SHOWN = 50


@dataclass(frozen=True)
class Choice:
    """One thing to choose: `key` comes back; a `reason` means that it can't be chosen and why."""

    key: str
    title: str
    detail: str = ""
    reason: str = ""


def matching(choices: tuple[Choice, ...], query: str) -> list[Choice]:
    """Choices that fit the query, best first; without a query all in their order."""
    if not query.strip():
        return list(choices)
    matcher = Matcher(query)
    scored = [(matcher.match(f"{c.title} {c.detail}"), i, c) for i, c in enumerate(choices)]
    return [c for score, _, c in sorted((s for s in scored if s[0] > 0), key=lambda s: (-s[0], s[1]))]


class Picker(Vertical):
    """Docked above the key bar; letters type, arrows move, enter chooses, esc closes."""

    HELP = "Type to narrow the list; enter chooses; esc closes."
    DEFAULT_CSS = """
    Picker { height: 14; max-height: 70%; display: none; border-top: solid $primary; background: $panel; }
    Picker.open { display: block; }
    Picker Static { height: 1; padding: 0 1; text-style: bold; }
    Picker Input { height: 1; border: none; padding: 0 1; background: $boost; }
    Picker Input:focus { border: none; }
    Picker OptionList { height: 1fr; border: none; padding: 0; background: $panel; scrollbar-size-vertical: 1;
        text-wrap: nowrap; text-overflow: ellipsis; }
    Picker OptionList:focus { border: none; }
    """

    class Chosen(Message):
        """`key` of the choice, or None when the picker was closed without one; `purpose` as given to `open`."""

        def __init__(self, purpose: str, key: str | None) -> None:
            super().__init__()
            self.purpose = purpose
            self.key = key

    class Typed(Message):
        """The words typed so far, for pickers that search elsewhere."""

        def __init__(self, purpose: str, text: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.purpose = ""
        self.choices: tuple[Choice, ...] = ()
        self.extra: tuple[Choice, ...] = ()

    def compose(self) -> ComposeResult:
        """Title, field, list."""
        yield Static(Text(""), markup=False)
        yield Input(placeholder="type to search", max_length=120)
        yield OptionList(markup=False)

    def open(self, purpose: str, title: Text, choices: tuple[Choice, ...], select: str = "") -> None:
        """Offer these choices under `title`."""
        self.purpose, self.choices, self.extra = purpose, choices, ()
        self.query_one(Static).update(title)
        self.add_class("open")
        field = self.query_one(Input)
        field.value = ""
        self._fill("", select)
        # At once, not after what is queued: the next key may have been typed already.
        self.screen.set_focus(field)

    @property
    def is_open(self) -> bool:
        """Whether it is on the screen."""
        return self.has_class("open")

    def offer(self, extra: tuple[Choice, ...]) -> None:
        """Add choices that were found elsewhere for the words typed."""
        self.extra = extra
        self._fill(self.query_one(Input).value)

    def close(self, key: str | None = None) -> None:
        """Go away, with the choice."""
        if self.is_open:
            self.remove_class("open")
            self.post_message(self.Chosen(self.purpose, key))

    def _fill(self, query: str, select: str = "") -> None:
        listing = self.query_one(OptionList)
        found = (*matching(self.choices, query)[:SHOWN], *self.extra)
        listing.clear_options()
        options = []
        for index, choice in enumerate(found):
            title = safe(choice.title, "dim" if choice.reason else "", 120)
            words = choice.reason or choice.detail
            line = join("✗ " if choice.reason else "  ", title, safe("  " + words, "dim", 160) if words else "")
            options.append(Option(line, id=str(index), disabled=bool(choice.reason)))
        self._found = found
        listing.add_options(options)
        wanted = next((i for i, c in enumerate(found) if c.key == select and not c.reason), None)
        first = next((i for i, c in enumerate(found) if not c.reason), None)
        listing.highlighted = wanted if wanted is not None else first

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        event.stop()
        if self.is_open:
            self._fill(event.value)
            self.post_message(self.Typed(self.purpose, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter takes the highlighted one."""
        event.stop()
        at = self.query_one(OptionList).highlighted
        if at is not None and not self._found[at].reason:
            self.close(self._found[at].key)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """So does a click."""
        event.stop()
        self.close(self._found[event.option_index].key)

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the list while the field has the focus."""
        listing = self.query_one(OptionList)
        if event.key == "escape":
            event.stop()
            self.close(None)
        elif event.key == "down":
            event.stop()
            listing.action_cursor_down()
        elif event.key == "up":
            event.stop()
            listing.action_cursor_up()
        elif event.key == "pagedown":
            event.stop()
            listing.action_page_down()  # type: ignore[no-untyped-call]
        elif event.key == "pageup":
            event.stop()
            listing.action_page_up()  # type: ignore[no-untyped-call]
