"""Questions of a screen: the docked bar and the picker, and whoever waits for what is answered there."""

import asyncio

from rich.text import Text
from textual.screen import Screen

from xerotui.console.text import safe
from xerotui.console.widgets.bars import AskBar
from xerotui.console.widgets.picker import Choice, Picker


class Asking(Screen[object]):
    """A screen that asks; who composes it gives it `#ask` and `#picker`."""

    def __init__(self) -> None:
        super().__init__()
        self._answer: asyncio.Future[str] | None = None
        self._choice: asyncio.Future[str | None] | None = None

    async def ask(self, question: Text | str, cli: str = "", choices: tuple[tuple[str, str], ...] = ()) -> str:
        """Ask in the docked bar; the answer is a key of `choices` (y by default) or "n"."""
        self._answer = asyncio.get_running_loop().create_future()
        before = self.focused
        text = question if isinstance(question, Text) else safe(question)
        self.query_one("#ask", AskBar).ask(text, cli, choices or (("y", "yes"),))
        answer = await self._answer
        if before is not None and before.is_mounted:
            before.focus()
        return answer

    def on_ask_bar_answered(self, message: AskBar.Answered) -> None:
        """Hand the answer to whoever asked."""
        message.stop()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(message.answer)

    async def pick(self, purpose: str, title: str, choices: tuple[Choice, ...], select: str = "") -> str | None:
        """Let one of the choices be taken; None when none was."""
        self._choice = asyncio.get_running_loop().create_future()
        before = self.focused
        self.query_one("#picker", Picker).open(purpose, safe(title), choices, select)
        key = await self._choice
        if before is not None and before.is_mounted:
            before.focus()
        return key

    def on_picker_chosen(self, message: Picker.Chosen) -> None:
        """Hand the choice to whoever asked."""
        message.stop()
        if self._choice is not None and not self._choice.done():
            self._choice.set_result(message.key)
