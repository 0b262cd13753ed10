"""The clipboard of the terminal in front of the person: OSC 52, never claimed to have worked."""

from typing import Any

from textual.app import App

# Larger texts are cut off or ignored by terminals (the limit that k9s uses).
LIMIT = 74_000


def send(app: App[Any], text: str) -> str:
    """Send a text to the terminal's clipboard; returns what may honestly be said about it."""
    if len(text.encode("utf-8", "replace")) > LIMIT:
        return "Too long for the terminal's clipboard: select it with the mouse instead."
    app.copy_to_clipboard(text)
    return "Sent to the terminal; inside tmux this needs set-clipboard on."
