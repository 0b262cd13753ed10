"""A connection's report as sections of labelled words, the same on every screen and in every command. Pure."""

import datetime as dt
from collections.abc import Iterator

import msgspec

from xerotui.workspace.ailing import days, size, span
from xerotui.workspace.report import BudgetLine, ConnectionReport

_KINDS = {"pkce": "mobile or desktop app (PKCE)", "web": "web app", "custom": "custom connection"}
_STATES = {
    "connected": "good",
    "expiring": "ends soon",
    "paused": "dead: a person has to log in again",
    "none": "nobody is logged in",
    "app": "good; the app logs in by itself",
    "unsaved": "not saved",
    "disconnected": "not connected",
}
_WINDOWS = {"minute": "This minute", "day": "This day", "appminute": "App, this minute"}
_HOOKS = {"off": "off: no signing key for this login's app", "silent": "off: a key is set, but no receiver runs here"}


class Said(msgspec.Struct, frozen=True):
    """One line: a label, what is known, and its level: ok, warn, bad, or blank for what is neither."""

    label: str
    words: str
    level: str = ""


class Section(msgspec.Struct, frozen=True):
    """Lines under a heading."""

    title: str
    lines: tuple[Said, ...]


def sections(report: ConnectionReport) -> tuple[Section, ...]:
    """The whole report, what is wrong first; lines without a value are left out."""
    now = report.at
    made = (
        ("What is wrong", _wrong(report)),
        ("Organisation", _organisation(report)),
        ("Login", _login(report, now)),
        ("Permissions", _permissions(report)),
        ("Calls", _calls(report, now)),
        ("Data volume", _volume(report)),
        ("Last calls", _health(report, now)),
        ("How changes are found", _changes(report, now)),
        ("Last read from Xero", _ages(report, now)),
        ("Sources", _pairs(report)),
    )
    found = ((title, tuple(line for line in lines if line.words)) for title, lines in made)
    return tuple(Section(title, lines) for title, lines in found if lines)


def badge(report: ConnectionReport) -> str:
    """What kind of organisation it is, for beside its name; blank where nobody has asked yet."""
    return {True: "DEMO COMPANY", False: "LIVE", None: ""}[report.facts.demo]


def ago(instant: dt.datetime | None, now: dt.datetime) -> str:
    """An instant with how long it is past, or away; blank for none."""
    if instant is None:
        return ""
    seconds = (now - instant).total_seconds()
    tail = f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"
    return f"{instant.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC, {tail}"


def _wrong(report: ConnectionReport) -> Iterator[Said]:
    for finding in report.findings:
        if finding.level != "ok":
            yield Said("", f"{finding.detail} {finding.remedy}".strip(), finding.level)


def _organisation(report: ConnectionReport) -> Iterator[Said]:
    facts = report.facts
    yield Said("Kind", {True: "demo company", False: "live", None: "not known yet"}[facts.demo])
    yield Said("Legal name", facts.legal_name if facts.legal_name != report.name else "")
    yield Said("Country", facts.country + (f", {facts.version} version" if facts.version else ""))
    yield Said("Plan at Xero", facts.edition.lower())
    yield Said("Status", facts.status.lower(), "" if facts.status.upper() in ("", "ACTIVE") else "warn")
    others = ", ".join(code for code in facts.currencies if code != facts.base_currency)
    yield Said("Currencies", facts.base_currency + (f", also {others}" if others else ""))
    yield Said("Time zone", facts.timezone)
    yield Said("Locked until", facts.period_lock.isoformat() if facts.period_lock else "")
    yield Said("Year locked until", facts.year_lock.isoformat() if facts.year_lock else "")
    yield Said("Writing", "read-only: nothing is written to it" if report.read_only else "")


def _login(report: ConnectionReport, now: dt.datetime) -> Iterator[Said]:
    login = report.login
    level = {"connected": "ok", "app": "ok", "expiring": "warn", "disconnected": "warn"}.get(login.state, "bad")
    yield Said("State", _STATES.get(login.state, login.state), level)
    yield Said("Connection", report.connection_name)
    yield Said("Kind of app", _KINDS.get(login.kind, login.kind))
    yield Said("Consented by", login.who)
    yield Said("Consented", ago(login.consented, now))
    yield Said("Last renewed", ago(login.refreshed, now))
    yield Said("Access token until", ago(login.access_until, now))
    if not login.renews and not login.why:
        yield Said("Ends", f"{ago(login.ends, now)}: nothing renews it without offline_access", "bad")
    elif login.ends is not None and login.days_left is not None and not login.why:
        yield Said("Ends unless used", f"{login.ends:%Y-%m-%d}, {days(login.days_left)} left", level)
    yield Said("Paused", ago(login.paused, now), "bad")


def _permissions(report: ConnectionReport) -> Iterator[Said]:
    if not report.scopes_known:
        yield Said("", "Not known: Xero tells them with the next login." if report.connection else "")
        return
    for row in report.scopes:
        if row.granted_by:
            yield Said(row.granted_by, row.feature, "ok")
        else:
            yield Said(row.scopes[0], f"missing: {row.feature}. {row.costs}", "bad" if row.essential else "warn")
    yield Said("The user may", ", ".join(report.may))
    yield Said("The user may not", ", ".join(report.may_not), "warn")


def _calls(report: ConnectionReport, now: dt.datetime) -> Iterator[Said]:
    for line in report.budgets:
        yield Said(_WINDOWS.get(line.window, line.window), _budget(line, now), _fullness(line, now))


def _budget(line: BudgetLine, now: dt.datetime) -> str:
    words = f"{line.used:,} of {line.limit:,} used, {line.left:,} left"
    if line.reserve:
        words += f", {line.reserve:,} of them kept for people"
    if line.until and line.until > now:
        return f"{words}; Xero lets nothing through before {line.until:%Y-%m-%d %H:%M:%S} UTC"
    if line.resets and line.used:
        return f"{words}; the oldest call leaves in {span((line.resets - now).total_seconds())}"
    return words


def _fullness(line: BudgetLine, now: dt.datetime) -> str:
    if not line.left or (line.until and line.until > now):
        return "bad"
    return "warn" if line.used * 10 >= line.limit * 9 else ""


def _volume(report: ConnectionReport) -> Iterator[Said]:
    used, app = report.usage, report.app_usage
    if used is not None:
        words = f"{size(used.received)} received, {size(used.sent)} sent in {used.calls:,} calls"
        yield Said("This month", words + (f", {used.throttled:,} refused for a limit" if used.throttled else ""))
    if app is not None:
        quota = f" of {size(app.quota)}" if app.quota else ""
        yield Said("Whole app", f"{size(app.billed)}{quota} that Xero counts")


def _health(report: ConnectionReport, now: dt.datetime) -> Iterator[Said]:
    yield Said("Last good call", ago(report.last_good, now))
    failure = report.failure
    if failure is not None:
        level = "bad" if report.failing else ""
        yield Said("Last failure", f"{failure.sentence.rstrip('.')} ({ago(failure.at, now)})", level)
        yield Said("Xero said", failure.said)
        yield Said("Correlation id", failure.correlation)
    if report.ahead is not None:
        way = "before" if report.ahead > 0 else "behind"
        off = "agrees with Xero's" if abs(report.ahead) < 5 else f"{span(abs(report.ahead))} {way} Xero's"
        yield Said("Clock", off)


def _changes(report: ConnectionReport, now: dt.datetime) -> Iterator[Said]:
    every = f"every {report.poll_minutes} min while a worker runs" if report.poll_minutes else "switched off"
    yield Said("Polling", every if report.connection else "")
    hooks = report.webhooks
    words = _HOOKS.get(hooks.state, hooks.state)
    if hooks.last:
        words += f"; last event {ago(hooks.last, now)}"
    if hooks.backlog:
        words += f"; {hooks.backlog:,} waiting"
    if hooks.rejected:
        words += f"; {hooks.rejected:,} refused"
    yield Said("Webhooks", words, "warn" if hooks.state == "silent" else "")
    yield Said("Worker", report.worker)


def _ages(report: ConnectionReport, now: dt.datetime) -> Iterator[Said]:
    for age in report.ages:
        yield Said(age.kind.plural[:1].upper() + age.kind.plural[1:], ago(age.read, now))


def _pairs(report: ConnectionReport) -> Iterator[Said]:
    for pair in report.pairs:
        starts = ", ".join(f"{kind} from {day.isoformat()}" for kind, day in sorted(pair.start.items()))
        yield Said(pair.name, f"{pair.mode}; {starts or 'no start date: every document is looked at'}")
