"""A connection's report as text: sections of labelled lines, what is wrong first."""

from rich.text import Text

from xerotui.console.rows.signs import sign, style
from xerotui.console.text import clean, join, safe, short, stack
from xerotui.workspace.report import ConnectionReport
from xerotui.workspace.report_words import Said, badge, sections

LABEL = 28


def badge_text(report: ConnectionReport) -> Text:
    """Whether it is a demo company or a live organisation; nobody should find that out afterwards."""
    word = badge(report)
    return safe(word, "bold cyan" if report.facts.demo else "bold green") if word else Text("")


def line(said: Said, width: int) -> list[Text]:
    """One line; words that are too long go on under themselves, so that no label is read as one of them."""
    mark = safe(f"{sign(said.level)} " if said.level else "  ", style(said.level))
    label = safe(short(said.label, LABEL - 1).ljust(LABEL), "dim") if said.label else Text("")
    shade = style(said.level) if said.level in ("warn", "bad") else ""
    room = max(20, width - 2 - label.cell_len)
    pieces = _wrapped(clean(said.words, 600), room)
    rows = [join(mark, label, safe(pieces[0], shade))]
    pad = " " * (2 + label.cell_len)
    return rows + [join(pad, safe(piece, shade)) for piece in pieces[1:]]


def _wrapped(words: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(words, width, break_on_hyphens=False) or [""]


def text(report: ConnectionReport, width: int) -> Text:
    """The whole report."""
    parts: list[object] = [join(safe(report.name, "bold", 200), "  ", badge_text(report))]
    for section in sections(report):
        parts += ["", Text(section.title, style="bold", end="")]
        for said in section.lines:
            parts += line(said, width)
    return stack(*parts)
