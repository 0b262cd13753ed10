"""Which theme: the person's choice, else the terminal's own colours where it has few, else the default."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App

DEFAULT = "textual-dark"


def theme_for(environ: Mapping[str, str], known: set[str] | frozenset[str]) -> str:
    """The theme's name for this environment: XEROTUI_THEME when there is such a theme, else by TERM and COLORTERM."""
    wanted = environ.get("XEROTUI_THEME", "")
    if wanted in known:
        return wanted
    term = environ.get("TERM", "")
    many = "256color" in term or "direct" in term or environ.get("COLORTERM", "") in ("truecolor", "24bit")
    return DEFAULT if many else "ansi-dark"


def choose(app: "App[int]") -> None:
    """Set the theme and stop what blinks over a slow line."""
    app.theme = theme_for(os.environ, frozenset(app.available_themes))
