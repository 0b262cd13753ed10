"""The bars around a screen: status above, keys below, the question and the filter between list and keys."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from xerotui.console.text import join, safe


@dataclass(frozen=True)
class Hint:
    """One key of the key bar; `off` draws it dim: it still answers, with its reason."""

    key: str
    title: str
    off: bool = False


def key_line(hints: tuple[Hint, ...], width: int) -> Text:
    """Keys and titles that fit into `width` cells; the last one (help) always does."""
    parts = [
        join(safe(f" {h.key} ", "bold" if not h.off else "dim"), safe(h.title, "dim" if h.off else "")) for h in hints
    ]
    if not parts:
        return Text("")
    last = parts.pop()
    room = width - last.cell_len - 1
    line = Text(end="")
    for part in parts:
        if line.cell_len + part.cell_len + 1 > room:
            break
        line.append_text(part).append(" ")
    return line.append_text(last)


class AskBar(Widget, can_focus=True):
    """A question in two lines: the effect with its counts, and the command that does the same.

    Anything but a named key means no; enter never agrees.
    """

    HELP = "A question: y agrees, n or esc declines."
    DEFAULT_CSS = """
    AskBar { height: auto; max-height: 5; display: none; background: $warning-muted; color: $text; padding: 0 1; }
    AskBar.asking { display: block; }
    AskBar Static { height: auto; width: 1fr; }
    """

    class Answered(Message):
        """`answer` is one of the keys offered, or "n"."""

        def __init__(self, answer: str) -> None:
            super().__init__()
            self.answer = answer

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._static = Static(Text(""), markup=False)
        self._keys: tuple[str, ...] = ()
        self.question = Text("")

    def compose(self) -> ComposeResult:
        """The one text inside."""
        yield self._static

    def ask(self, question: Text, cli: str, choices: tuple[tuple[str, str], ...]) -> None:
        """Show the question; `choices` are (key, words) besides no."""
        self._keys = tuple(key for key, _ in choices)
        words = "  ".join(f"{key} {title}" for key, title in choices)
        self.question = question
        line = join(question, Text("  "), Text(words + "  n no", style="bold"))
        if cli:
            line = join(line, Text("\n"), Text("same as: ", style="dim"), safe(cli, "dim"))
        self._static.update(line)
        self.add_class("asking")
        self.focus()

    @property
    def asking(self) -> bool:
        """Whether a question is open."""
        return self.has_class("asking")

    def close(self, answer: str = "n") -> None:
        """Answer and go away."""
        if self.asking:
            self.remove_class("asking")
            self.post_message(self.Answered(answer))

    def on_key(self, event: events.Key) -> None:
        """Named keys answer; n and esc decline; the rest is ignored."""
        event.stop()
        event.prevent_default()
        if event.character in self._keys:
            self.close(event.character or "n")
        elif event.key in ("n", "escape"):
            self.close("n")

    def on_blur(self) -> None:
        """A question that loses the focus asks for it again; only an answer ends it."""
        if self.asking:
            self.call_after_refresh(self.focus)


class FilterBar(Horizontal):
    """One line to type a filter: words, or `field:value` for an exact one."""

    DEFAULT_CSS = """
    FilterBar { height: 1; display: none; }
    FilterBar.open { display: block; }
    FilterBar Static { width: auto; }
    FilterBar Input { height: 1; border: none; padding: 0; width: 1fr; background: $boost; }
    FilterBar Input:focus { border: none; }
    """

    class Changed(Message):
        """The filter as typed, and whether it is final (enter) or given up (esc)."""

        def __init__(self, text: str, *, done: bool) -> None:
            super().__init__()
            self.text = text
            self.done = done

    def compose(self) -> ComposeResult:
        """A slash and the field."""
        yield Static(Text("/ ", style="bold"), markup=False)
        yield Input(max_length=120, id="filter-input")

    def open(self, text: str) -> None:
        """Start typing with the present filter in the field."""
        self.add_class("open")
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)
        # At once, not after what is queued: the next key may have been typed already.
        self.screen.set_focus(field)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter applies."""
        event.stop()
        self.remove_class("open")
        self.post_message(self.Changed(event.value, done=True))

    def on_key(self, event: events.Key) -> None:
        """Esc gives the filter up; tab and down apply it and go to the list, as enter does."""
        if event.key in ("escape", "tab", "shift+tab", "down"):
            event.stop()
            event.prevent_default()
            self.remove_class("open")
            text = "" if event.key == "escape" else self.query_one(Input).value
            self.post_message(self.Changed(text, done=True))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Typing filters at once; the screen decides how often it asks."""
        event.stop()
        if self.has_class("open"):
            self.post_message(self.Changed(event.value, done=False))


def split_filter(text: str, known: Callable[[str], bool]) -> tuple[str, dict[str, str]]:
    """A typed filter as (words, exact fields): `state:parked ltd` gives ("ltd", {"state": "parked"})."""
    words: list[str] = []
    fields: dict[str, str] = {}
    for word in text.split():
        name, colon, value = word.partition(":")
        if colon and value and known(name):
            fields[name] = value
        else:
            words.append(word)
    return " ".join(words), fields
