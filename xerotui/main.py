"""The entry point: the command line, or the console where no command is given. The only module that knows both."""

import sys
from collections.abc import Sequence
from pathlib import Path


def _console(home: Path | None, read_only: bool, banner: str) -> int:
    # Textual is loaded by nothing but this branch.
    from xerotui.console import run

    return run(home, read_only, banner)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see `xerotui.cli.codes.Exit`); no arguments open the console."""
    from xerotui.cli.app import run

    return run(list(sys.argv[1:] if arguments is None else arguments), console=_console)
