"""Choosing values for one document, or all of its template: what a person wrote becomes overrides, or is refused."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

import msgspec

from xerotui.model.kinds import DOCUMENTS, Kind, Trade
from xerotui.model.problems import SyncError
from xerotui.model.records import Document, Line
from xerotui.store import Override, Tx
from xerotui.store.overrides import TEMPLATE
from xerotui.sync import overriding
from xerotui.sync import pair as pairs
from xerotui.sync.checks import no_line
from xerotui.sync.overriding import ACCOUNT, DATE, ITEM, NO_THEME, NUMBER, OF_TEMPLATES, STATUS, TAX, THEME, TRACKING
from xerotui.sync.pair import PairData, code_key
from xerotui.sync.ports import Ports
from xerotui.sync.resolve_document import STATUSES

# What takes a choice back.
NOTHING = "-"
DEFAULT = "default"
FIELDS = (STATUS, THEME, NUMBER, DATE, ACCOUNT, TAX, ITEM, TRACKING)
# xero-api sections 9.8 and 9.10.
MOST_LETTERS = 255
REFUSED = 4


class Choices(msgspec.Struct, frozen=True):
    """What a request comes to: choices to keep, choices to take back, and both as (what, before, after)."""

    put: tuple[Override, ...] = ()
    drop: tuple[Override, ...] = ()
    changes: tuple[tuple[str, str, str], ...] = ()


def _refused(sentence: str, remedy: str = "") -> SyncError:
    return SyncError(sentence, remedy, code="core.override_refused", exit_code=REFUSED)


def posted(document: Document) -> list[Line]:
    """The source's lines that are posted, as plans count them."""
    return [
        line
        for line in document.lines
        if any(text.strip() for text in line.texts.values())
        or not (line.heading or (not line.quantity and not line.unit_price))
    ]


def _line(document: Document, number: str) -> str:
    lines = posted(document)
    if not number.isdigit() or not 0 < int(number) <= len(lines):
        raise _refused(f"{document.number or document.id} has no line {number}", f"It has {len(lines)} lines.")
    line = lines[int(number) - 1]
    if line.heading or (not line.quantity and not line.unit_price):
        raise _refused(f"Line {number} of {document.number or document.id} is text alone")
    return overriding.line_key(document, line)


def choices(data: PairData, kind: Kind, record: str, args: Mapping[str, str], actor: str) -> Choices:
    """What a person's words come to for one document.

    `args` has a value for each field that is chosen ("-" takes it back), `line` the number of a line as plans count
    them, `template` for all documents of the document's template, `clear` for all that is chosen there. Raises
    SyncError for what can't be.
    """
    document = data.documents.get((kind, record))
    if document is None or kind not in DOCUMENTS:
        raise _refused(f"There is no {kind.label} {record} at {data.connection}", "Read the source again.")
    whole, number = args.get("template", ""), args.get("line", "")
    if whole and not document.template:
        raise _refused(f"{document.number or record} wasn't made from a template", "Choose for the document itself.")
    line = _line(document, number) if number else ""
    target = TEMPLATE + document.template if whole else record
    now = {o.path: o for o in data.overrides.get((kind, target), ())}
    wanted: dict[tuple[str, str], tuple[str, str] | None] = {}
    if args.get("clear"):
        wanted = {path: None for path in now if not line or path[0] == line}
    for name in FIELDS:
        if name in args:
            _fits(name, line=line, whole=bool(whole))
            wanted |= {(line, field): value for field, value in _read(data, document, name, args[name], now).items()}
    put, drop, told = [], [], []
    for path, value in wanted.items():
        before = now.get(path)
        if (before.value if before else None) == (value[0] if value else None):
            continue
        told.append((_label(data, path[1], number), before.title if before else "", value[1] if value else ""))
        if value is None:
            assert before is not None
            drop.append(before)
            continue
        put.append(
            Override(
                connection=data.connection,
                tenant=data.tenant,
                kind=kind,
                record=target,
                line=path[0],
                field=path[1],
                value=value[0],
                title=value[1],
                actor=actor,
            )
        )
    return Choices(tuple(put), tuple(drop), tuple(told))


def _fits(name: str, *, line: str, whole: bool) -> None:
    if (name in overriding.OF_LINES) != bool(line):
        where = "one line: say which (--line N)" if not line else "the whole document, not for a line"
        raise _refused(f"The {name} is chosen for {where}")
    if whole and name not in OF_TEMPLATES:
        raise _refused(f"The {name} can't be chosen for a template", "Status and theme can.")


def _label(data: PairData, field: str, line: str) -> str:
    name = field
    if field.startswith(f"{TRACKING}:"):
        name = next((c.name for c in data.tracking if field.endswith(c.id)), TRACKING)
    return f"line {line} {name}" if line else name


Read = dict[str, tuple[str, str] | None]


def _read(data: PairData, document: Document, name: str, text: str, now: Mapping[tuple[str, str], Override]) -> Read:
    text = text.strip()
    if name == TRACKING:
        return _tracking(data, text, now)
    if text in ("", NOTHING):
        return {name: None}
    return {name: _READERS[name](data, document, text)}


def _status(data: PairData, document: Document, text: str) -> tuple[str, str]:
    if text.upper() not in STATUSES:
        raise _refused(f"There is no status {text[:40]}", f"One of {', '.join(STATUSES)}.")
    return text.upper(), text.upper()


def _theme(data: PairData, document: Document, text: str) -> tuple[str, str]:
    if document.plain:
        raise _refused(f"{document.number} bills labour, so the contact's own theme always applies")
    if text.casefold() == DEFAULT:
        return NO_THEME, "the contact's own"
    found = [t for t in data.themes if text == t.id or text.casefold() == t.name.casefold()]
    if len(found) != 1:
        raise _refused(f"{data.organisation.name} has no theme {text[:60]}", _known([t.name for t in data.themes]))
    return found[0].id, found[0].name


def _number(data: PairData, document: Document, text: str) -> tuple[str, str]:
    if not data.policy.number_overrides:
        raise _refused(
            "Numbers of single documents can't be chosen here",
            "Switch it on in the pair's settings first: xerotui pair set --number-overrides.",
        )
    if len(text) > MOST_LETTERS or not text.isprintable():
        raise _refused(f"A number has at most {MOST_LETTERS} printable characters")
    return text, text


def _date(data: PairData, document: Document, text: str) -> tuple[str, str]:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise _refused(f"{text[:40]} is no date", "Write it as 2026-01-31.") from None
    return day.isoformat(), day.isoformat()


def _account(data: PairData, document: Document, text: str) -> tuple[str, str]:
    held = data.accounts.get(code_key(text))
    found = [held] if held else [a for a in data.accounts.values() if a.name.casefold() == text.casefold()]
    if len(found) != 1 or found[0].status != "ACTIVE" or no_line(found[0]):
        raise _refused(f"{data.organisation.name} has no account {text[:40]} that a line may name")
    return found[0].code, f"{found[0].code} {found[0].name}"


def _tax(data: PairData, document: Document, text: str) -> tuple[str, str]:
    held = data.tax_rates.get(text)
    found = [held] if held else [r for r in data.tax_rates.values() if r.name.casefold() == text.casefold()]
    needed = "EXPENSE" if document.kind is Kind.PURCHASE_ORDER else "REVENUE"
    fits = [r for r in found if r.status == "ACTIVE" and (not r.classes or needed in r.classes)]
    if len(fits) != 1:
        offered = [r.name for r in data.tax_rates.values() if r.status == "ACTIVE" and needed in (*r.classes, "")]
        raise _refused(f"{data.organisation.name} has no tax rate {text[:60]} for this side", _known(offered))
    return fits[0].code, fits[0].name


def _item(data: PairData, document: Document, text: str) -> tuple[str, str]:
    held = data.xero_items.get(code_key(text))
    trade = Trade.PURCHASE if document.kind is Kind.PURCHASE_ORDER else Trade.SALES
    if held is None or not (held.purchased if trade is Trade.PURCHASE else held.sold):
        raise _refused(f"{data.organisation.name} has no item {text[:40]} on this side", "Import or create it first.")
    return held.code, f"{held.code} {held.name}".strip()


_READERS: dict[str, Callable[[PairData, Document, str], tuple[str, str]]] = {
    STATUS: _status,
    THEME: _theme,
    NUMBER: _number,
    DATE: _date,
    ACCOUNT: _account,
    TAX: _tax,
    ITEM: _item,
}


def _tracking(data: PairData, text: str, now: Mapping[tuple[str, str], Override]) -> Read:
    """`Category=Option, Category=`: an option of each, or none; what isn't named is as the ladder says."""
    active = {c.name.casefold(): c for c in data.tracking if c.status == "ACTIVE"}
    out: Read = {field: None for _, field in now if field.startswith(f"{TRACKING}:")}
    for part in [] if text in ("", NOTHING) else text.split(","):
        name, _, wanted = (word.strip() for word in part.partition("="))
        category = active.get(name.casefold())
        if category is None:
            names = [c.name for c in active.values()]
            raise _refused(f"{data.organisation.name} has no category {name[:40]}", f"Category=Option. {_known(names)}")
        options = {o[1].casefold(): o for o in category.options if o[2] == "ACTIVE"}
        if wanted and wanted.casefold() not in options:
            known = _known([o[1] for o in options.values()])
            raise _refused(f"{category.name} has no option {wanted[:40]}", known)
        option = options.get(wanted.casefold())
        field = f"{TRACKING}:{category.id}"
        out[field] = (option[0], f"{category.name}={option[1]}") if option else ("", f"{category.name}: none")
    return out


def _known(names: Sequence[str]) -> str:
    return f"It has: {', '.join(sorted(names)[:12])}." if names else "It has none."


async def choose(ports: Ports, args: Mapping[str, str], actor: str) -> Choices:
    """Keep what a person chose for a document, with who and when.

    Raises SyncError for what can't be.
    """
    data = await pairs.load(ports, args["connection"], args["tenant"])
    found = choices(data, Kind(args["kind"]), args["record"], args, actor)
    async with ports.ledger.write() as tx:
        await ports.ledger.overrides.put(tx, found.put)
        await ports.ledger.overrides.drop(tx, found.drop)
        await _audit(ports, tx, args, found, actor)
    return found


async def _audit(ports: Ports, tx: Tx, args: Mapping[str, str], found: Choices, actor: str) -> None:
    if not found.changes:
        return
    detail = {what: f"{before or 'not chosen'} → {after or 'not chosen'}" for what, before, after in found.changes}
    detail |= {"kind": args["kind"], "record": args["record"], "tenant": args["tenant"]}
    if args.get("template"):
        detail["for"] = "its template"
    await ports.ledger.audit.append(tx, actor, "chose", args["record"], detail, ports.clock.now())


__all__ = ["DEFAULT", "FIELDS", "NOTHING", "Choices", "choices", "choose", "posted"]
