"""Which SQL may leave in read-only mode: one SELECT, and nothing in it that writes or is a second statement. Pure.

SQL Server needs no semicolon between statements and writes with SELECT … INTO, so every word outside quotes is looked
at; a name that is such a word has to be quoted. Comments are refused: databases differ in where they end.
"""

import re

_TOKEN = re.compile(
    r"""
    (?P<quoted>'(?:[^']|'')*' | "(?:[^"]|"")*" | \[(?:[^\]]|\]\])*\] | `[^`]*`)
  | (?P<comment>--[^\n]*(?:\n|$) | /\*.*?\*/)
  | (?P<open>['"\[`] | /\*)
  | (?P<word>[^\W\d]\w*)
  | (?P<end>;)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_WRITES = (
    "alter analyze attach backup begin bulk call checkpoint commit copy create dbcc deallocate declare delete deny",
    "detach disable do drop enable exec execute export grant import insert into kill load lock merge openrowset pragma",
    "prepare reconfigure reindex rename restore revert revoke rollback savepoint set shutdown truncate update",
    "updatetext upsert use vacuum waitfor writetext",
)
_FORBIDDEN = frozenset(" ".join(_WRITES).split())


def fault(sql: str) -> str:
    """Why a text isn't a single SELECT that only reads, in words; "" when it is one."""
    first, ended = "", False
    for token in _TOKEN.finditer(sql):
        kind, word = token.lastgroup, token.group().casefold()
        if not word.strip():
            continue
        if kind == "comment":
            return "it holds a comment, in which anything might be hidden"
        if ended:
            return "it holds more than one statement"
        if kind == "open":
            return "a quote or comment in it isn't closed"
        ended = kind == "end"
        if not first:
            first = word if kind == "word" else "?"
            if first != "select":
                return "it doesn't begin with SELECT"
        elif kind == "word" and word in _FORBIDDEN:
            return f"it holds {word.upper()}; only reading is allowed, and a name that is such a word has to be quoted"
    return "" if first else "it is empty"


def bare(sql: str) -> str:
    """The text without a closing semicolon, so that it can stand inside another statement."""
    return sql.strip().rstrip(";").rstrip()
