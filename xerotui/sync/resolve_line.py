"""One document line: item, account, tax, tracking and text by the ladder mapping or link → source → default."""

from decimal import Decimal

from xerotui.model.kinds import Kind, Trade
from xerotui.model.money import HUNDRED, exponent, rounded
from xerotui.model.postings import PostingLine
from xerotui.model.problems import Place
from xerotui.model.records import Account, Document, Item, Line, TaxRate, Tracking
from xerotui.source.contract import TRACKING
from xerotui.sync import checks, overriding
from xerotui.sync.findings import Findings
from xerotui.sync.pair import ACCOUNT, ANY, ITEM, NOT_SENT, TAX, PairData, code_key
from xerotui.sync.resolve_item import TEXT_LIMIT, item_code

# The rung of an item code that nobody chose for the line; plans count what goes out under it (H22).
DEFAULT_ITEM = "default item"


def _text(line: Line) -> str:
    return next((text for text in line.texts.values() if text.strip()), "")[:TEXT_LIMIT]


def _by_spec(data: PairData, line: Line, trade: Trade, path: str, found: Findings) -> str | None:
    """An item code by one of the source's own mapping specs: stored mapping, else the value's own code."""
    for spec, value in line.keys.items():
        mapping = data.mapping(spec, value, trade)
        if mapping is not None:
            found.value(f"{path}.item", f"mapping of {spec.replace('_', ' ')} {value}", mapping)
            return mapping.target
        choice = data.choices.get((spec, value))
        if choice is not None and choice.code.strip():
            found.value(f"{path}.item", f"code of {spec.replace('_', ' ')} {choice.name}")
            return choice.code.strip()
        name = choice.name if choice else value
        found.problem(
            "core.mapping_missing",
            f"{spec}:{value}",
            f"{spec.replace('_', ' ').capitalize()} {name} has no code and no mapping.",
            place=Place("go.mapping", {"spec": spec, "connection": data.connection, "value": value}),
        )
        return ""
    return None


def _default_item(data: PairData, trade: Trade, path: str, found: Findings) -> str:
    """The default item of this side of the books, "" where none is set; one that Xero lost is a problem of its own."""
    mapping = data.mapping(ITEM, ANY, trade)
    code = mapping.target if mapping is not None else data.policy.default_item.get(trade.value, "")
    if not code:
        return ""
    found.value(f"{path}.item", DEFAULT_ITEM, mapping)
    held = data.xero_items.get(code_key(code))
    if held is None or not (held.sold if trade is Trade.SALES else held.purchased):
        verb = "sold" if trade is Trade.SALES else "bought"
        sentence = f"The default item {code} isn't an item that is {verb} in {data.organisation.name}."
        found.problem("core.item_unmapped", f"{ITEM}:{ANY}", sentence, place=_defaults(data, ITEM))
    return code


def _defaults(data: PairData, spec: str) -> Place:
    """Where the default of a spec is set."""
    return Place("go.mapping", {"spec": spec, "connection": data.connection, "tenant": data.tenant, "value": ANY})


def _item(
    data: PairData, line: Line, index: int, trade: Trade, found: Findings, items: dict[str, Findings], key: str
) -> tuple[str, Item | None]:
    """The line's item code and the source item behind it; "" with a problem recorded when there is none."""
    path = f"lines.{index}"
    if taken := overriding.item(key, found, f"{path}.item"):
        if not _available(data, taken, found, items):
            sentence = f"Item {taken}, chosen for line {index}, isn't in {data.organisation.name}."
            found.problem("core.item_unmapped", f"item:{taken}", sentence, place=overriding.place_of(found))
        return taken, data.items.get(line.item)
    by_spec = _by_spec(data, line, trade, path, found)
    if by_spec == "":
        return "", None
    source = data.items.get(line.item) if line.item else None
    if source is not None and source.tenant and source.tenant != data.tenant:
        sentence = f"Item {source.code or source.name} on line {index} belongs to another organisation."
        found.problem("core.item_unmapped", f"item:{source.code or source.id}", sentence)
        return "", source
    if by_spec is not None:
        code = by_spec
    elif source is not None and item_code(data, source):
        code = item_code(data, source)
        found.value(f"{path}.item", "source item" if not source.parent else "parent of the source item")
    else:
        code = line.item_code.strip()
        if code:
            found.value(f"{path}.item", "code on the line")
    if code and _available(data, code, found, items):
        return code, source
    default = _default_item(data, trade, path, found)
    if default:
        return default, source
    wanted = code or _text(line)[:40] or f"line {index}"
    left_out = items[code_key(code)].skip if code and code_key(code) in items else None
    why = f" and isn't sent there: {left_out[1]}" if left_out else ""
    found.problem(
        "core.item_unmapped",
        f"item:{wanted}",
        f"Item {wanted} isn't in {data.organisation.name}{why}." if code else f"Line {index} ({wanted}) has no item.",
        place=Place("go.imports", {"connection": data.connection, "tenant": data.tenant, "kind": Kind.ITEM.value}),
    )
    return "", source


def _available(data: PairData, code: str, found: Findings, items: dict[str, Findings]) -> bool:
    """True when Xero has the code, or this plan makes it; a blocked item hands on its own cause.

    One that the source leaves out is never made.
    """
    if code_key(code) in data.xero_items:
        return True
    theirs = items.get(code_key(code))
    if theirs is None or theirs.skip:
        return False
    if theirs.blocked:
        for problem in theirs.problems:
            if problem.blocks:
                sentence = f"Waits for item {code}: {problem.sentence}"
                found.problem(problem.code, problem.subject, sentence, place=problem.place)
        return True
    found.waits.append((Kind.ITEM, theirs.ref.id))
    return True


def _account(
    data: PairData, line: Line, code: str, source: Item | None, index: int, trade: Trade, found: Findings, key: str
) -> Account | None:
    path = f"lines.{index}.account"
    if (taken := overriding.account(data, key, found, path)) is not None:
        return checks.account_problem(data, taken.code, found, f"line {index}")
    held = data.xero_items.get(code_key(code)) if code else None
    sales = trade is Trade.SALES
    theirs = (
        ("source", line.account),
        ("source item", (source.sales_account if sales else source.purchase_account) if source else ""),
    )
    for rung, value in theirs:
        if value:
            found.value(path, rung)
            return checks.account_of(data, value, trade, found, path, f"line {index}")
    default = data.mapping(ACCOUNT, ANY, trade)
    ours = (
        ("item in Xero", (held.sales_account if sales else held.purchase_account) if held else "", None),
        ("default", default.target if default else data.policy.default_account.get(trade.value, ""), default),
    )
    for rung, code_, mapping in ours:
        if code_:
            found.value(path, rung, mapping)
            return checks.account_problem(data, code_, found, f"line {index}")
    found.problem(
        "core.account_missing",
        f"line:{found.ref.id}:{index}",
        f"Line {index} has no account.",
        place=_defaults(data, ACCOUNT),
    )
    return None


def _tax(
    data: PairData, document: Document, line: Line, source: Item | None, index: int, trade: Trade, found: Findings
) -> TaxRate | None:
    path = f"lines.{index}.tax"
    if (taken := overriding.rate(data, overriding.line_key(document, line), found, path)) is not None:
        return taken
    party = data.party_of(document)
    sales = trade is Trade.SALES
    ladder = (
        line.tax_rate,
        (source.sales_tax if sales else source.purchase_tax) if source else "",
        (party.sales_tax if sales else party.purchase_tax) if party else "",
    )
    value = next((v for v in ladder if v), "")
    mapping = data.mapping(TAX, value, trade) if value else None
    place = Place("go.mapping", {"spec": TAX, "connection": data.connection, "tenant": data.tenant, "value": value})
    if mapping is None:
        known = data.source_taxes.get(value)
        name = known.name if known else value or "(none)"
        found.problem("core.tax_unmapped", f"tax:{value}", f"Tax rate {name} has no Xero tax rate.", place=place)
        return None
    rate = data.tax_rates.get(mapping.target)
    if rate is None:
        found.problem(
            "core.tax_gone",
            f"tax:{value}",
            f"The Xero tax rate {mapping.target} of the mapping isn't in {data.organisation.name}.",
            place=place,
        )
        return None
    found.value(path, f"mapping of tax rate {value}", mapping)
    return rate


def _category(data: PairData, placeholder: str, found: Findings, path: str) -> Tracking | None:
    """The active category of a placeholder: as mapped, else the one of the placeholder's own name."""
    active = [c for c in data.tracking if c.status == "ACTIVE"]
    mapping = data.mapping(TRACKING.id, placeholder, Trade.SALES)
    if mapping is not None:
        found.value(path, f"mapping of tracking placeholder {placeholder}", mapping)
        return next((c for c in active if c.id == mapping.target), None)
    choice = data.choices.get((TRACKING.id, placeholder))
    named = [c for c in active if choice is not None and code_key(c.name) == code_key(choice.name)]
    if named:
        found.value(path, "category of the placeholder's name")
    return named[0] if named else None


def _option(category: Tracking, wanted: str) -> tuple[str, str, str] | None:
    active = [o for o in category.options if o[2] == "ACTIVE"]
    return next((o for o in active if o[0] == wanted or code_key(o[1]) == code_key(wanted)), None)


def _tracking(
    data: PairData, line: Line, index: int, found: Findings, key: str
) -> tuple[tuple[str, str, str, str], ...]:
    """The line's tracking options among the active ones of the categories of their placeholders (H14, H15).

    What has no place in Xero is a problem of its placeholder, unless that is mapped to nothing on purpose, or the pair
    sends no tracking of the source's.
    """
    chosen = overriding.tracking(data, key, found, f"lines.{index}.tracking")
    out: dict[str, tuple[str, str, str, str]] = {}
    sent = line.tracked if data.policy.tracking else {}
    if line.tracked and not sent:
        found.value(f"lines.{index}.tracking", "switched off for the pair")
    for placeholder, wanted in sorted(sent.items()):
        mapping = data.mapping(TRACKING.id, placeholder, Trade.SALES)
        if mapping is not None and mapping.target == NOT_SENT:
            found.value(f"lines.{index}.tracking", f"placeholder {placeholder} isn't sent, as mapped", mapping)
            continue
        category = _category(data, placeholder, found, f"lines.{index}.tracking")
        if category is not None and category.id in chosen:
            continue
        hit = _option(category, wanted) if category else None
        if category is not None and hit is not None and category.id not in out:
            out[category.id] = (category.id, hit[0], category.name, hit[1])
            continue
        _untracked(data, placeholder, wanted, index, category, found, twice=hit is not None)
    return tuple(entry for entry in (out | chosen).values() if entry[1])


def _untracked(
    data: PairData,
    placeholder: str,
    wanted: str,
    index: int,
    category: Tracking | None,
    found: Findings,
    *,
    twice: bool,
) -> None:
    choice = data.choices.get((TRACKING.id, placeholder))
    name = choice.name if choice else placeholder
    where = data.organisation.name
    if category is None:
        subject = f"{TRACKING.id}:{placeholder}"
        sentence = f"Tracking {name[:60]} ({wanted[:60]} on line {index}) has no active category in {where}."
    elif twice:
        subject = f"{TRACKING.id}:{placeholder}"
        sentence = f"Tracking {name[:60]} is mapped to {category.name}, to which another placeholder is mapped as well."
    else:
        subject = f"{TRACKING.id}:{placeholder}:{wanted}"
        sentence = f"{category.name} in {where} has no active option {wanted[:60]} (line {index})."
    place = {"spec": TRACKING.id, "connection": data.connection, "tenant": data.tenant, "value": placeholder}
    found.problem("core.tracking_unmapped", subject, sentence, place=Place("go.mapping", place))


def _priced(document: Document, line: Line, decimals: int = 4) -> tuple[Decimal, Decimal, Decimal | None]:
    """Quantity, unit amount, discount; orders and credit notes take no discount in Xero, so it goes into the amount.

    Where the unit amount can't hold it to the penny the whole line goes as one.
    """
    quantity, unit = rounded(line.quantity, 4), rounded(line.unit_price, decimals)
    if not line.discount_percent:
        return quantity, unit, None
    if document.kind is Kind.INVOICE:
        return quantity, unit, rounded(line.discount_percent, 4)
    less = (HUNDRED - line.discount_percent) / HUNDRED
    whole = rounded(quantity * unit * less, exponent(document.currency))
    unit = rounded(unit * less, decimals)
    exact = rounded(quantity * unit, exponent(document.currency)) == whole
    return (quantity, unit, None) if exact else (Decimal(1), whole, None)


def resolve_line(
    data: PairData,
    document: Document,
    line: Line,
    index: int,
    trade: Trade,
    found: Findings,
    items: dict[str, Findings],
) -> PostingLine | None:
    """The posting line, or None with the reason among the problems of `found`.

    A heading carries text alone; an empty one is left out, because Xero keeps no line without a description.
    """
    text = _text(line)
    if line.heading or (not line.quantity and not line.unit_price):
        return PostingLine(description=text) if text else None
    key = overriding.line_key(document, line)
    code, source = _item(data, line, index, trade, found, items, key)
    account = _account(data, line, code, source, index, trade, found, key)
    rate = _tax(data, document, line, source, index, trade, found)
    if rate is not None:
        checks.tax_allowed(data, rate, account, found, line.tax_rate)
    checks.discount_problem(line.discount_percent, index, found)
    quantity, unit, discount = _priced(document, line)
    if quantity != rounded(line.quantity, 4):
        found.value(f"lines.{index}.quantity", "the whole line as one, so that its discount comes out to the penny")
    return PostingLine(
        description=text or code,
        quantity=quantity,
        unit_amount=unit,
        item_code=code,
        account=account.code if account else "",
        tax=rate.code if rate else "",
        tax_percent=rate.rate if rate else Decimal(0),
        discount_percent=discount,
        tracking=_tracking(data, line, index, found, key),
    )
