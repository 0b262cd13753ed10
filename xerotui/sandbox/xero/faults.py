"""The faults that Xero is known to have, by name, for the control route of faults (xero-api sections 3, 4 and 7).

Facts only. A name is used with a rate and a seed: ``{"name": "mix", "chance": 0.2, "seed": 7}``.
"""

from __future__ import annotations

from typing import Any

_API = r"^/api\.xro/2\.0/"
_METERS = {
    "minute": "x-minlimit-remaining",
    "day": "x-daylimit-remaining",
    "appminute": "x-appminlimit-remaining",
}
_HTML = {"content-type": "text/html"}


def _fault(do: str, **more: Any) -> dict[str, Any]:
    return {"do": do, "path": _API, **more}


def _text(status: int, text: str, do: str = "status") -> dict[str, Any]:
    return _fault(do, status=status, text=text, headers={"content-type": "text/plain"})


def _limit(problem: str, seconds: int | None) -> dict[str, Any]:
    wait = {} if seconds is None else {"retry-after": str(seconds)}
    meter = _METERS.get(problem)
    spent = {} if meter is None else {meter: "0"}
    return _fault("status", status=429, headers={"x-rate-limit-problem": problem, **wait, **spent})


FAULTS: dict[str, dict[str, Any]] = {
    # Refusals that did nothing.
    "unavailable": _text(503, "The Xero API is temporarily unavailable"),
    "maintenance": _text(503, "The Xero API is currently offline for maintenance"),
    "organisation_offline": _text(503, "The Organisation is offline"),
    "limit_minute": _limit("minute", 2),
    "limit_day": _limit("day", 66_975),
    "limit_app": _limit("appminute", 2),
    "limit_concurrent": _limit("concurrent", None),
    "not_found_html": _fault(
        "status", status=404, text="The resource you're looking for cannot be found", headers=_HTML
    ),
    "precondition": _fault("status", status=412),
    "too_large": _fault("status", status=413),
    "not_implemented": _text(501, "The Api Method called is not implemented"),
    "error_text": _text(500, "An error occurred in Xero. Check the API Status page"),
    "error_html": _fault("status", status=500, text="<html><body>Server Error</body></html>", headers=_HTML),
    # The work is done, the answer says something else or nothing.
    "error_after_commit": _text(500, "An error occurred in Xero. Check the API Status page", "status_after"),
    "unavailable_after_commit": _text(503, "The Xero API is temporarily unavailable", "status_after"),
    "timeout_after_commit": _fault("hang_after", seconds=90.0),
    "dropped_before": _fault("cut_before"),
    "dropped_after_commit": _fault("cut_after"),
    "cut_answer": _fault("cut_body"),
    "slow_answer": _fault("slow_body", seconds=0.5),
    "late": _fault("delay", seconds=0.3),
    "repeated": _fault("twice"),
}
# What a bad day looks like: everything that passes by itself.
_PASSING = (
    "unavailable", "limit_minute", "limit_concurrent", "error_text", "error_html", "error_after_commit",
    "unavailable_after_commit", "dropped_before", "dropped_after_commit", "cut_answer", "slow_answer", "late",
)  # fmt: skip
FAULTS["mix"] = _fault("any", of=[FAULTS[name] for name in _PASSING])
