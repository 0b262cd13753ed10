"""What a command of the registry is, and what it may touch."""

from enum import StrEnum

import msgspec


class Danger(StrEnum):
    """What a command touches; read-only refuses all but the first."""

    READS = "reads"
    WRITES = "writes"
    DESTROYS = "destroys"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """`where` is the screen that offers it ("" = everywhere), `cli` the words of its command-line twin."""

    id: str
    title: str
    sentence: str
    danger: Danger = Danger.READS
    key: str = ""
    where: str = ""
    cli: str = ""
    footer: bool = False


def command(id: str, key: str, where: str, title: str, sentence: str, cli: str = "", **more: object) -> Command:
    """A command, shortly written; `more` are the fields of `Command` that have defaults."""
    return Command(id=id, key=key, where=where, title=title, sentence=sentence, cli=cli, **more)  # type: ignore[arg-type]
