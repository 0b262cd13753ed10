"""How commands speak: data on stdout (tables, or JSON in ASCII), narration and progress on stderr."""

import json as stdlib_json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from xerotui.cli.text import safe

WIDE = 240


def plain(value: object) -> Any:
    """`value` in types that JSON has: structs by field, decimals and instants as text."""
    return msgspec.to_builtins(value, str_keys=True)


class Output:
    """Where one command's words go; `json` says that stdout takes one JSON value and nothing else."""

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet

    def data(self, value: object) -> None:
        """Print one value as JSON with every character outside ASCII escaped, control characters included."""
        self.line(stdlib_json.dumps(plain(value), ensure_ascii=True, indent=None if not sys.stdout.isatty() else 2))

    def csv(self, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table as CSV on stdout; no cell can act on a terminal, nor be read as a formula by a spreadsheet."""
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(heads)
        for row in rows:
            writer.writerow([_inert(safe(cell)) for cell in row])
        sys.stdout.flush()

    def line(self, text: str) -> None:
        """One line on stdout, as it is."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """One line of narration on stderr."""
        if not self.quiet:
            sys.stderr.write(safe(text) + "\n")
            sys.stderr.flush()

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[object]], title: str = "", empty: str = "") -> None:
        """A table on stdout; cells are made safe here and never read as markup.

        A head that begins with `>` aligns its column to the right.
        """
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        listed = [[safe(cell, 200) for cell in row] for row in rows]
        # Into a pipe a line is a row, however long: that is what grep and cut expect.
        width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else WIDE
        console = Console(highlight=False, markup=False, soft_wrap=False, width=width)
        if title:
            console.print(Text(safe(title), style="bold"))
        if not listed:
            console.print(Text(empty or "nothing"))
            return
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for head in heads:
            right = head.startswith(">")
            table.add_column(Text(head.lstrip(">")), justify="right" if right else "left", overflow="fold")
        for row in listed:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)

    def facts(self, pairs: Iterable[tuple[str, object]]) -> None:
        """Label and value, a line each; blank values are left out."""
        kept = [(label, safe(value)) for label, value in pairs if value not in (None, "")]
        width = max((len(label) for label, _ in kept), default=0)
        for label, value in kept:
            self.line(f"{label:<{width}}  {value}")


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip()[:1] in ("=", "+", "-", "@") else cell


class Progress:
    """One line on stderr that is written over while something long goes on; silent where stderr is no terminal."""

    def __init__(self, output: Output) -> None:
        self.live = sys.stderr.isatty() and not output.quiet
        self.output = output
        self._last = ""

    def show(self, text: str) -> None:
        """Show `text` in place of what was shown before."""
        text = safe(text, 200)
        if text == self._last or not text:
            return
        self._last = text
        if self.live:
            sys.stderr.write(f"\r\x1b[2K{text[:78]}")
            sys.stderr.flush()

    def done(self) -> None:
        """Clear the line."""
        if self.live and self._last:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
        self._last = ""
