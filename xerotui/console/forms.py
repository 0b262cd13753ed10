"""Forms drawn from settings: one label, one field, its help, its error; secrets never shown, nothing lost on error."""

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from xerotui.console.text import clean, join, safe, short
from xerotui.console.widgets.bars import Hint
from xerotui.workspace.pages import FormField


def wrong(field: FormField, value: str) -> str:
    """What is wrong with a value before anybody is asked; "" when nothing is."""
    if field.required and not value.strip():
        return f"{field.title} is needed."
    if value and field.choices and value not in field.choices:
        return f"{field.title}: one of {', '.join(field.choices)}."
    return ""


def hints(last: str) -> tuple[Hint, ...]:
    """How a form is used, for the key bar, as letters type into its fields; `last` is what enter does at the end."""
    return (Hint("tab ⏎", "next"), Hint("⏎ on the last", last), Hint("esc", "leaves"))


class ChoiceField(Static, can_focus=True):
    """One of a few values on one line: left and right, or space, go through them; enter goes on."""

    class Changed(Message):
        """Another value is shown."""

    class Taken(Message):
        """Enter: this value it is."""

        def __init__(self, field: "ChoiceField") -> None:
            super().__init__()
            self.field = field

    def __init__(self, values: tuple[str, ...], value: str, *, id: str) -> None:
        super().__init__(Text(""), id=id, markup=False)
        self.values = values
        self.at = values.index(value) if value in values else 0
        self._say()

    @property
    def value(self) -> str:
        """The value shown."""
        return self.values[self.at]

    def _say(self) -> None:
        words = join("‹ ", safe(self.value, "bold"), " ›  ", safe(f"{self.at + 1} of {len(self.values)}", "dim"))
        self.update(words, layout=False)

    def on_key(self, event: events.Key) -> None:
        """Go through the values, or take this one."""
        if event.key == "enter":
            event.stop()
            self.post_message(self.Taken(self))
        elif event.key in ("left", "right", "space"):
            event.stop()
            self.at = (self.at + (-1 if event.key == "left" else 1)) % len(self.values)
            self._say()
            self.post_message(self.Changed())
        elif event.is_printable:
            # A letter typed into the wrong field of a form is no command of the screen.
            event.stop()
            event.prevent_default()


class Form(VerticalScroll, can_focus=False):
    """Enter goes on to the next field and, in the last one, submits; what doesn't matter by a choice isn't shown."""

    HELP = "A form: tab and arrows move between fields, enter in the last one goes on."

    class Submitted(Message):
        """All fields as typed; they were checked for what can be checked here."""

        def __init__(self, values: dict[str, str]) -> None:
            super().__init__()
            self.values = values

    def __init__(
        self, fields: tuple[FormField, ...], *, values: dict[str, str] | None = None, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.fields = fields
        self._given = values or {}
        self._first: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """A line for each field, its error below, and one line of help for the field that has the focus."""
        # One part alone is what the whole form is about: it is the screen's title.
        parted = sum(bool(field.section) for field in self.fields) > 1
        for field in self.fields:
            if parted and field.section:
                words = safe(short(field.section, 60), "bold cyan")
                yield Static(words, classes="part", id=f"p-{field.name}", markup=False)
            mark = Text(" *", style="bold") if field.required else Text("")
            with Horizontal(classes="field", id=f"l-{field.name}"):
                yield Static(join(safe(short(field.title, 22), "bold"), mark), classes="label", markup=False)
                yield self._control(field)
            yield Static(Text(""), classes="error", id=f"e-{field.name}", markup=False)
        yield Static(Text(""), id="form-help", markup=False)

    def _control(self, field: FormField) -> Widget:
        given = self._given.get(field.name)
        if field.choices:
            return ChoiceField(field.choices, given or str(field.default), id=f"f-{field.name}")
        default = "" if field.default is None or field.secret else clean(field.default, 500)
        default = default if given is None else given
        return Input(default, password=field.secret, id=f"f-{field.name}", max_length=4000, select_on_focus=False)

    def on_mount(self) -> None:
        """The first field has the focus."""
        self._show()
        self._first = self.values()
        self._controls()[0].focus()

    def on_resize(self) -> None:
        """The help of a long form is kept in sight."""
        self._fit()

    def _show(self) -> None:
        """Show the fields that matter, and the parts that have any."""
        part = ""
        shown: dict[str, bool] = {}
        for field in self.fields:
            if field.section:
                part = field.name
            matters = self._matters(field)
            shown[part] = shown.get(part, False) or matters
            self.query_one(f"#l-{field.name}").display = matters
            if not matters:
                self.query_one(f"#e-{field.name}").set_class(False, "wrong")
        for name, any_of in shown.items():
            for heading in self.query(f"#p-{name}") if name else ():
                heading.display = any_of
        self._fit()

    def _fit(self) -> None:
        lines = sum(1 for child in self.children if child.display and not child.has_class("error"))
        # Two lines of help, and the blank one above.
        self.set_class(lines + 3 > self.size.height > 0, "long")

    def _matters(self, field: FormField) -> bool:
        if field.where is None:
            return True
        asked = next((one for one in self.fields if one.name == field.where[0]), None)
        return asked is None or self._held(asked) in field.where[1]

    @property
    def edited(self) -> bool:
        """Whether anything was typed, now or before the form was shown again."""
        return bool(self._given) or (self.is_mounted and bool(self._first) and self.values() != self._first)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The help of the field that is being filled in."""
        name = (event.widget.id or "").removeprefix("f-")
        words = next((field.help for field in self.fields if field.name == name), "")
        if any(field.choices and field.name == name for field in self.fields):
            words = f"Left and right choose. {words}"
        secret = any(field.secret and field.name == name for field in self.fields)
        self.query_one("#form-help", Static).update(
            safe(words + (" Kept in the vault, never shown." if secret else ""))
        )

    def _controls(self) -> list[Widget]:
        return [self.query_one(f"#f-{field.name}") for field in self.fields if self._matters(field)]

    def value(self, field: FormField) -> str:
        """What is in a field now; "" for one that doesn't matter by what was chosen in another."""
        return self._held(field) if self._matters(field) else ""

    def _held(self, field: FormField) -> str:
        control = self.query_one(f"#f-{field.name}")
        if isinstance(control, ChoiceField):
            return control.value
        assert isinstance(control, Input)
        return control.value if field.secret else control.value.strip()

    def values(self) -> dict[str, str]:
        """All of them."""
        return {field.name: self.value(field) for field in self.fields}

    def say_wrong(self, faults: dict[str, str]) -> None:
        """Put each fault under its field and the focus into the first bad one."""
        for field in self.fields:
            line = self.query_one(f"#e-{field.name}", Static)
            line.update(safe(faults.get(field.name, "")))
            line.set_class(bool(faults.get(field.name)), "wrong")
        first = next((field for field in self.fields if faults.get(field.name)), None)
        if first is not None:
            self.query_one(f"#f-{first.name}").focus()

    def submit(self) -> None:
        """Check, then hand over."""
        values = self.values()
        faults = {field.name: wrong(field, values[field.name]) for field in self.fields if self._matters(field)}
        self.say_wrong(faults)
        if not any(faults.values()):
            self.post_message(self.Submitted(values))

    def _onward(self, control: Widget) -> None:
        controls = self._controls()
        at = controls.index(control)
        if at + 1 < len(controls):
            controls[at + 1].focus()
        else:
            self.submit()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field."""
        event.stop()
        self._onward(event.input)

    def on_choice_field_changed(self, event: ChoiceField.Changed) -> None:
        """Other fields may matter now."""
        event.stop()
        if any(field.where for field in self.fields):
            self._show()

    def on_choice_field_taken(self, event: ChoiceField.Taken) -> None:
        """Enter on a choice."""
        event.stop()
        self._onward(event.field)

    def on_key(self, event: events.Key) -> None:
        """Arrows leave a field upwards and downwards."""
        focused = self.screen.focused
        if isinstance(focused, Input | ChoiceField) and event.key in ("up", "down"):
            event.stop()
            controls = self._controls()
            at = controls.index(focused) + (1 if event.key == "down" else -1)
            if 0 <= at < len(controls):
                controls[at].focus()
