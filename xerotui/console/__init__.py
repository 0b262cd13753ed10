"""The Textual console: a viewer and a remote control of the workspace; `run` is its only entry."""

from pathlib import Path


def run(home: Path | None, read_only: bool, banner: str = "") -> int:
    """Show the console until it is left; returns the process exit code (0, 70 after a crash, 128 + signal)."""
    from xerotui.console.run import run as start

    return start(home, read_only, banner)
