"""A form shows the fields that matter by what was chosen, in parts, and its help wherever it has been scrolled to."""

import asyncio

from textual.app import App, ComposeResult
from textual.widgets import Input

from xerotui.console.forms import Form
from xerotui.workspace.pages import FormField

BOOK, PAPER = ("mode", ("book",)), ("mode", ("paper",))
FIELDS = (
    FormField(name="mode", title="Mode", choices=("book", "paper"), default="book"),
    FormField(name="address", title="Address", required=True, where=BOOK, section="The book", help="Where it lies."),
    *(FormField(name=f"page{n}", title=f"Page {n}", where=BOOK) for n in range(30)),
    FormField(name="sheet", title="Sheet", where=PAPER, section="The paper", default="blank"),
    FormField(name="last", title="Last", section="At the end", help="The end of it."),
)


class FormApp(App[None]):
    """A form alone."""

    CSS_PATH = "../../xerotui/console/styles/base.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, str]] = []

    def compose(self) -> ComposeResult:
        yield Form(FIELDS, id="form")

    def on_form_submitted(self, message: Form.Submitted) -> None:
        self.sent.append(message.values)


def test_what_does_not_matter_is_neither_shown_nor_asked_nor_sent() -> None:
    async def run() -> None:
        app = FormApp()
        async with app.run_test(size=(80, 24)) as pilot:
            form = app.query_one(Form)

            def seen(*ids: str) -> list[bool]:
                return [bool(app.query_one(id).display) for id in ids]

            parts = ("#l-address", "#p-address", "#l-sheet", "#p-sheet", "#p-last")

            assert seen(*parts) == [True, True, False, False, True]
            form.submit()
            await pilot.pause()
            assert not app.sent
            assert "Address is needed." in str(app.query_one("#e-address").render())
            # Its help stays in sight, however long the form is.
            app.query_one("#f-last", Input).focus()
            await pilot.pause()
            assert app.query_one("#form-help").region.bottom <= 24 < form.virtual_size.height
            assert "The end of it." in str(app.query_one("#form-help").render())
            app.query_one("#f-address", Input).value = "typed before"
            app.query_one("#f-mode").focus()
            await pilot.press("right")
            await pilot.pause()
            assert seen(*parts) == [False, False, True, True, True]
            assert not app.query_one("#e-address").has_class("wrong")
            assert not form.has_class("long")
            await pilot.press("down", "down", "enter")
            await pilot.pause()
            sent = app.sent.pop()
            assert (sent["mode"], sent["sheet"], sent["address"]) == ("paper", "blank", "")
            # What was typed comes back with the choice.
            app.query_one("#f-mode").focus()
            await pilot.press("left")
            await pilot.pause()
            form.submit()
            await pilot.pause()
            assert app.sent.pop()["address"] == "typed before"

    asyncio.run(run())
