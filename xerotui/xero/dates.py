"""Xero's ways of writing instants and days (xero-api section 8), read exactly and never through a local time zone."""

import datetime as dt
import re

_DATE = re.compile(r"^\s*/Date\((-?\d+)(?:[+-]\d{4})?\)/\s*$")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def instant(text: str | None) -> dt.datetime | None:
    """The instant in UTC of `/Date(ms)/` with or without an offset, or of ISO text, naive meaning UTC.

    The milliseconds already are UTC, an offset behind them is for display. None for what can't be read.
    """
    if not text:
        return None
    try:
        if found := _DATE.match(text):
            return _EPOCH + dt.timedelta(milliseconds=int(found[1]))
        # Seven decimals occur (/connections); Python keeps six.
        read = dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.strip()))
    except (ValueError, OverflowError):
        return None
    return read.replace(tzinfo=dt.UTC) if read.tzinfo is None else read.astimezone(dt.UTC)


def day(*texts: str | None) -> dt.date | None:
    """The calendar date of the first text that holds one: a `…String` twin, a plain date, or `/Date(…)/`."""
    for text in texts:
        if text and (found := re.match(r"^(\d{4}-\d{2}-\d{2})(?:T|$)", text.strip())):
            try:
                return dt.date.fromisoformat(found[1])
            except ValueError:
                continue
        if read := instant(text):
            return read.date()
    return None


def version(text: str | None) -> str:
    """An `UpdatedDateUTC` in one spelling, that of the record's `modified`, so that any two answers compare."""
    read = instant(text)
    return read.isoformat() if read else ""


def http_time(moment: dt.datetime) -> str:
    """An aware instant as `If-Modified-Since` wants it: UTC, to the second, rounded down."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
