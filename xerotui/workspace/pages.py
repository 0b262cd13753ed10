"""What screens and commands show, as frozen values; they are filled by the areas of this room."""

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.paging import Page, View
from xerotui.model.postings import Change
from xerotui.model.problems import Place, Problem
from xerotui.model.work import Operation, Plan, Request, Run

__all__ = ["Change", "Kind", "Operation", "Page", "Place", "Plan", "Problem", "Request", "Run", "View"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the setup: `state` is done, looked (left as it is, on a person's word), todo or waiting (for an
    earlier one); `command` is a registry id.

    `missing` are counts by word, `lacking` the tenants where something is missing; `documents` wait for this step,
    with their sums by currency and the `codes` of their problems. `compulsory` ones must be done before all can be
    sent; others may be looked at.
    """

    id: str
    title: str
    state: str
    detail: str = ""
    command: str = ""
    args: dict[str, str] = {}
    connection: str = ""
    what: str = ""
    compulsory: bool = True
    missing: dict[str, int] = {}
    lacking: tuple[str, ...] = ()
    documents: int = 0
    totals: dict[str, Decimal] = {}
    codes: tuple[str, ...] = ()
    looked: str = ""


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The worker as screens show it: `state` is running, draining, locked, none or lost."""

    state: str
    pid: int = 0
    host: str = ""
    since: dt.datetime | None = None
    detail: str = ""


class BudgetRow(msgspec.Struct, frozen=True, kw_only=True):
    """Calls used and allowed of one key's window; `until` is when the other side lets calls through again."""

    key: str
    title: str
    window: str
    used: int
    limit: int
    until: dt.datetime | None = None


class StatusLine(msgspec.Struct, frozen=True, kw_only=True):
    """The one line that is always on screen."""

    tenant: str = ""
    accent: str = ""
    read_only: bool = False
    automatic: bool = False
    worker: WorkerStatus
    waiting: int = 0
    sending: int = 0
    done: int = 0
    total: int = 0
    problems: int = 0
    budget: str = ""
    data_age: str = ""
    activity: str = ""
    clock_rate: float = 1.0
    trouble: str = ""
    # Days until the first login ends unless it is used, once they are few.
    login_days: int | None = None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Readiness in the order that the source declares, budgets, last runs, what waits for a person."""

    steps: tuple[Step, ...]
    budgets: tuple[BudgetRow, ...]
    runs: tuple[Run, ...]
    plans_waiting: tuple[Plan, ...]
    counts: dict[str, int]
    problems: dict[str, int]
    plugin_faults: tuple[str, ...] = ()


# What is said of an automatic pair of which no plan was carried out, and what ends it.
UNPROVEN = "Automatic, but no plan of it was carried out yet: nothing goes by itself until a person approves the first"


class TenantRow(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation: `state` is connected, failing (`trouble` says what the last call failed with), unsaved,
    expired or disconnected.

    `days_left` are those that its login lives on without being used; None where nothing can end.
    """

    tenant: str
    name: str
    connection: str
    connection_name: str
    state: str
    country: str = ""
    currency: str = ""
    is_demo: bool = False
    read_only: bool = False
    # Some source's records go there by themselves, within ceilings; else a person approves each plan.
    automatic: bool = False
    # One of those pairs isn't, because no plan of it was carried out: a person approves the first.
    unproven: bool = False
    # A source syncs with it by itself, and nobody has confirmed that both may.
    two_writers: bool = False
    accent: str = ""
    locked_until: dt.date | None = None
    days_left: int | None = None
    trouble: str = ""
    last_call: str = ""
    links: dict[str, int] = {}
    problems: int = 0
    day_used: int = 0
    day_limit: int = 0


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One source connection."""

    id: str
    name: str
    source: str
    title: str
    state: str
    enabled: bool = True
    detail: str = ""


class MappingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One source value and what it is mapped to; `waiting` documents are blocked by its absence.

    `state` is mapped, proposed (the source's own idea or an equal rate: not in force until taken), unmapped or
    broken (the target is gone or inactive). `read` is the instant (ISO) of the list that it is mapped to, `changed`
    what happened in Xero to the target since it was mapped, `note` how a mapping of the other side of the books serves.
    """

    spec: str
    connection: str
    tenant: str
    value: str
    title: str
    detail: str = ""
    trade: str = "sales"
    state: str = "unmapped"
    target: str = ""
    target_title: str = ""
    waiting: int = 0
    used: int = 0
    read: str = ""
    changed: str = ""
    note: str = ""


class TargetRow(msgspec.Struct, frozen=True, kw_only=True):
    """A Xero value that a mapping may take; `allowed` False is greyed with the reason."""

    id: str
    title: str
    detail: str = ""
    allowed: bool = True
    reason: str = ""


class ImportRow(msgspec.Struct, frozen=True, kw_only=True):
    """What importing one kind of one tenant would do, before a plan is made: sizes of the piles."""

    connection: str
    tenant: str
    tenant_name: str
    kind: Kind
    in_xero: int
    linked: int
    exact: int
    unclear: int
    new: int
    supported: bool = True
    reason: str = ""
    # Whether new ones go to the source's own importer as a file; how many of them did, and the file's name.
    by_file: bool = False
    handed: int = 0
    handed_in: str = ""


class PlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a plan: an operation, or a blocked or skipped record; `verb` is create, update, adopt, blocked…"""

    id: str
    verb: str
    kind: Kind
    title: str
    party: str = ""
    tenant: str = ""
    currency: str = ""
    total: Decimal | None = None
    state: str = ""
    reason: str = ""
    code: str = ""


class OperationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the queue."""

    id: str
    side: str
    kind: Kind
    verb: str
    state: str
    title: str
    party: str = ""
    tenant: str = ""
    currency: str = ""
    total: Decimal | None = None
    attempts: int = 0
    error: str = ""
    updated: dt.datetime | None = None


class CauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One cause on Errors: how many records wait for it, since when, and where it is mended."""

    code: str
    subject: str
    title: str
    sentence: str
    remedy: str
    place: Place | None
    records: int
    kinds: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    oldest: dt.datetime | None = None
    blocks: bool = True


def last(path: str) -> str:
    """The part of a field's path that says what it is."""
    return path.rpartition(".")[2]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """Why a record is where it is: fields as (label, value, rung), problems, operations, what Xero has.

    `reason` says in a sentence why the state is what it is, also of a record that was never tried. `names` says what
    ids among the values stand for, by the last part of a field's path and the value.
    """

    title: str
    kind: Kind
    connection: str
    record: str
    tenant: str = ""
    state: str = ""
    reason: str = ""
    fields: tuple[tuple[str, str, str], ...] = ()
    changes: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()
    operations: tuple[OperationRow, ...] = ()
    said: str = ""
    names: dict[str, dict[str, str]] = {}

    def spoken(self, path: str, value: str) -> str:
        """A field's value with the name of what it stands for; codes are kept beside it, long ids aren't."""
        name = self.names.get(last(path), {}).get(value, "")
        if not name or name == value:
            return value
        return name if len(value) > 30 else f"{name} ({value})"


class PluginRow(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin: `state` is loaded, not loaded, failed or off."""

    name: str
    origin: str
    version: str
    state: str
    hooks: tuple[str, ...] = ()
    error: str = ""
    sources: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of doctor: `level` is ok, warn or bad."""

    area: str
    title: str
    level: str
    detail: str = ""
    remedy: str = ""


class FormField(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a form drawn from a settings struct."""

    name: str
    title: str
    help: str = ""
    secret: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    # (field, values): asked for only where that field holds one of these.
    where: tuple[str, tuple[str, ...]] | None = None
    # The heading of the part of the form that begins with this field.
    section: str = ""


class SpecRow(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of mapping: the core's own (connection blank) first, then those of the sources."""

    id: str
    title: str
    source_title: str
    target: str
    help: str = ""
    connection: str = ""
    trades: tuple[str, ...] = ("sales",)


class SearchRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record found by number, name or id, in one organisation, with its state and the reason for it."""

    title: str
    kind: Kind
    connection: str
    record: str
    tenant: str = ""
    state: str = ""
    reason: str = ""
