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
# Functions that send text to another server, or change something although a SELECT calls them; quoted as well.
_CALLS = (
    "dblink dblink_exec load_extension lo_export lo_import lo_unlink nextval opendatasource openquery",
    "pg_cancel_backend pg_reload_conf pg_terminate_backend setval writefile xp_cmdshell",
)
_CALLED = frozenset(word for words in _CALLS for word in words.split())
_FORBIDDEN = _CALLED.union(*(words.split() for words in _WRITES))


def fault(sql: str) -> str:
    """Why a text isn't a single SELECT that only reads, in words; "" when it is one."""
    first, before, ended = "", "", False
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
        elif (before, word) == ("next", "value"):
            return "it takes a number out of a sequence, which changes it"
        elif (kind == "word" and word in _FORBIDDEN) or (kind == "quoted" and word.strip('"[]`') in _CALLED):
            return f"it holds {word.upper()}; only reading is allowed, and a name that is such a word has to be quoted"
        before = word
    return "" if first else "it is empty"


def bare(sql: str) -> str:
    """The text without a closing semicolon, so that it can stand inside another statement."""
    return sql.strip().rstrip(";").rstrip()
