"""What is wrong with a connection, in words with a remedy, worst first: a report in, findings out. Pure."""

import datetime as dt
from collections.abc import Sequence

import msgspec

from xerotui.model.problems import SyncError
from xerotui.workspace.pages import Finding
from xerotui.workspace.report import ConnectionReport, SignIn
from xerotui.xero.tokens import REFRESH_LIFE

AREA = "xero"
# Days left of a login at which it counts as wrong that nothing renews it.
URGENT = 3
# States of a worker that renews logins.
WORKING = ("running", "draining")
# Seconds by which the clocks may differ before it is said, and before it counts as wrong: an access token is renewed
# three minutes early, so that a clock further behind uses dead ones.
SKEW, BAD_SKEW = 30.0, 180.0
LEVELS = ("bad", "warn", "ok")


def findings(
    report: ConnectionReport,
    now: dt.datetime,
    *,
    error: SyncError | None = None,
    listed: bool | None = None,
    before: SignIn | None = None,
    needed: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """Everything that is wrong, worst first; one `ok` line when nothing is.

    `error` is what a check just failed with, `listed` whether Xero names the organisation among those that the login
    reaches (None: not asked), `before` the login as it was before the check, which renews it. `needed` are the
    actions that the work takes.
    """
    found = _login(report, now)
    if error is not None and not found:
        found.append(_trouble(report, error, listed))
    elif error is None and not found:
        found += _failing(report)
    found += _scopes(report)
    found += _limits(report, now)
    found += _clock(report)
    found += _days(report, before)
    found += _volume(report)
    found += _facts(report, needed)
    if not found:
        found.append(_finding(report, "ok", _well(report)))
    return tuple(sorted(found, key=lambda finding: LEVELS.index(finding.level)))


def _finding(report: ConnectionReport, level: str, detail: str, remedy: str = "") -> Finding:
    return Finding(area=AREA, title=report.name, level=level, detail=detail, remedy=remedy)


def _again(report: ConnectionReport, options: str = "") -> str:
    return f'Connect again under the same name: xerotui connect xero --name "{report.connection_name}"{options}.'


# Scopes that were saved once would be asked for again, and lack the same; blank is what XeroTUI needs.
ALL_SCOPES = ' --scopes ""'


def _login(report: ConnectionReport, now: dt.datetime) -> list[Finding]:
    """A login that is dead or was never finished; nothing else matters then."""
    login = report.login
    if login.state == "disconnected":
        again = "Connect it again when it is wanted: xerotui connect xero."
        return [_finding(report, "warn", "It isn't connected; what is known of it is kept.", again)]
    if login.state == "unsaved":
        return [_finding(report, "bad", "Its connection isn't saved.", "Finish it: xerotui connect xero.")]
    if login.why:
        return [_finding(report, "bad", _dead(report, now), _cure(report))]
    return []


def _dead(report: ConnectionReport, now: dt.datetime) -> str:
    """Why the login is dead: one that Xero no longer knows was either unused for too long or withdrawn."""
    login = report.login
    if "withdrawn" not in login.why or login.refreshed is None:
        return login.why
    unused = (login.paused or now) - login.refreshed
    if unused >= REFRESH_LIFE:
        return f"The login died: it wasn't used for {unused.days} days, and Xero keeps one for {REFRESH_LIFE.days}."
    return "The login was withdrawn: somebody disconnected the app in Xero, or it was connected anew elsewhere."


def _cure(report: ConnectionReport) -> str:
    login = report.login
    if not login.renews:
        return _again(report, ALL_SCOPES)
    if login.kind == "custom" or "secret" in login.why:
        return f"Compare client id and secret with Xero's developer portal. {_again(report)}"
    keep = " A running worker renews it from then on." if report.worker not in WORKING else ""
    return _again(report) + keep


def _failing(report: ConnectionReport) -> list[Finding]:
    """What the last call failed with, where none went well since."""
    failure = report.failure
    if failure is None or not report.failing:
        return []
    error = SyncError(failure.sentence, failure.remedy, code=failure.code)
    finding = _trouble(report, error, None)
    return [msgspec.structs.replace(finding, detail=f"{finding.detail} ({failure.at:%Y-%m-%d %H:%M} UTC)")]


def _trouble(report: ConnectionReport, error: SyncError, listed: bool | None) -> Finding:
    """What a check failed with, told apart as far as it can be."""
    words = error.sentence
    if error.code == "core.throttled":
        return _finding(report, "warn", words, error.remedy)
    if error.code == "xero.tenant" and listed is False:
        return _finding(
            report,
            "bad",
            "It was disconnected in Xero: the login no longer reaches it.",
            f"{_again(report)} Choose this organisation in Xero's dialogue.",
        )
    if error.code == "xero.tenant" and listed:
        return _finding(
            report,
            "bad",
            "Xero lists it, but refuses the calls: whoever consented has lost access or their role.",
            "Give them the standard or adviser role in Xero, or let somebody else connect it again.",
        )
    if tls := _tls(words):
        return _finding(report, "bad", tls, _TLS_REMEDY)
    if error.code == "core.unreachable":
        words = f"Xero can't be reached: {words[:1].lower()}{words[1:]}"
    return _finding(report, "bad", words, error.remedy)


_TLS_REMEDY = (
    "Check this machine's date, its CA certificates (SSL_CERT_FILE names others), and whether a proxy reads along."
)


def _tls(words: str) -> str:
    """A sentence for trouble with TLS; blank for anything else."""
    lowered = words.lower()
    if "certificate" in lowered:
        return f"The other side's certificate isn't trusted: {words}"
    if "ssl" in lowered or "tls" in lowered:
        return f"No encrypted connection comes about: {words}"
    return ""


def _scopes(report: ConnectionReport) -> list[Finding]:
    lacking = [row for row in report.scopes if not row.granted_by] if report.scopes_known else []
    if not report.login.renews:
        # That it ends, and when, is said of the login itself.
        lacking = [row for row in lacking if row.scopes[0] != "offline_access"]
    return [
        _finding(
            report,
            "bad" if row.essential else "warn",
            f"The permission {row.scopes[0]} is missing. {row.costs}",
            f"A login can't be widened; add it to the app where that lacks it. {_again(report, ALL_SCOPES)}",
        )
        for row in lacking
    ]


def _limits(report: ConnectionReport, now: dt.datetime) -> list[Finding]:
    found = []
    for line in report.budgets:
        until = line.until if line.until and line.until > now else None
        if line.window == "day" and (until or not line.left):
            free = until or line.resets
            when = f", free again at {free:%Y-%m-%d %H:%M} UTC" if free else ""
            detail = f"The day's calls are used up ({line.used:,} of {line.limit:,}){when}."
            remedy = (
                "Wait; the work goes on by itself. With a higher tier at Xero set it: xerotui connect xero --tier 5000."
            )
            found.append(_finding(report, "bad", detail, remedy))
        elif line.window == "day" and line.limit and line.used * 10 >= line.limit * 9:
            detail = f"Nine tenths of the day's calls are used ({line.used:,} of {line.limit:,})."
            found.append(_finding(report, "warn", detail, "Leave large imports for tomorrow."))
        elif until:
            detail = f"Xero lets no calls through until {until:%H:%M:%S} UTC (limit '{line.window}')."
            found.append(_finding(report, "warn", detail, "Wait; the work goes on by itself."))
    return found


def _volume(report: ConnectionReport) -> list[Finding]:
    """The app's data volume of the month against what its tier includes."""
    used = report.app_usage
    if used is None or not used.quota or used.billed * 10 < used.quota * 9:
        return []
    over = used.billed > used.quota
    detail = f"The app has taken {size(used.billed)} this month; its tier includes {size(used.quota)}" + (
        ", and Xero bills what goes beyond." if over else "."
    )
    return [_finding(report, "warn", detail, "Poll less often, or take a higher tier at Xero.")]


def _clock(report: ConnectionReport) -> list[Finding]:
    off = report.ahead or 0.0
    if abs(off) < SKEW:
        return []
    way = "before" if off > 0 else "behind"
    detail = f"This machine's clock is {span(abs(off))} {way} Xero's."
    remedy = "Let the machine keep its time (chrony, systemd-timesyncd): ages of tokens and keys are reckoned by it."
    return [_finding(report, "bad" if abs(off) >= BAD_SKEW else "warn", detail, remedy)]


def _days(report: ConnectionReport, before: SignIn | None) -> list[Finding]:
    """Few days left of the login. A worker renews it; without one somebody has to, and a check did just now."""
    left = report.login.days_left
    if before is not None and before.state == "expiring" and report.login.state == "connected":
        detail = f"The login had {days(before.days_left or 0)} left; this check renewed it."
        remedy = "Keep a worker running, which does that by itself: xerotui worker --poll, or the systemd unit."
        return [_finding(report, "warn", detail, remedy)]
    if left is None or report.login.state != "expiring":
        return []
    if not report.login.renews:
        end = f"{report.login.ends:%H:%M} UTC" if report.login.ends else "half an hour after it began"
        detail = f"The sign-in ends at {end}: without the permission offline_access nothing renews it."
        return [_finding(report, "bad", detail, _again(report, ALL_SCOPES))]
    working = report.worker in WORKING
    detail = f"The login ends in {days(left)} unless it is used" + ("." if working else ", and no worker runs.")
    remedy = (
        "The worker renews it; see its log where it doesn't."
        if working
        else "Start one, which renews it: xerotui worker start."
    )
    return [_finding(report, "bad" if left <= URGENT and not working else "warn", detail, remedy)]


def _facts(report: ConnectionReport, needed: Sequence[str]) -> list[Finding]:
    found = []
    if report.facts.status and report.facts.status.upper() != "ACTIVE":
        detail = f"Xero says that the organisation is {report.facts.status.lower()}."
        found.append(_finding(report, "warn", detail, "Ask its subscriber; writes may be refused."))
    if lacking := [name for name in report.may_not if name in needed]:
        detail = f"Whoever consented may not: {', '.join(lacking)}."
        found.append(_finding(report, "warn", detail, "Have somebody with the standard or adviser role connect it."))
    return found


def _well(report: ConnectionReport) -> str:
    badge = {True: "demo company", False: "live", None: ""}[report.facts.demo]
    ends = f"login good for {days(report.login.days_left)}" if report.login.days_left is not None else ""
    return ", ".join(part for part in (report.facts.base_currency, badge, ends) if part) or "answers"


def days(number: int) -> str:
    """A number of days in words."""
    return "less than a day" if number < 1 else "1 day" if number == 1 else f"{number} days"


def span(seconds: float) -> str:
    """A length of time in its largest unit."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def size(number: int) -> str:
    """A number of bytes in its largest unit."""
    for factor, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number} bytes"
