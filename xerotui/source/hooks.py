"""The hooks, one function each: announcements of what a plugin brings, and its say on single records.

All hooks are synchronous and must not do I/O. They are called plugin by plugin, each guarded: a plugin that raises
is named, left out for that call, and where leaving it out isn't safe (resolve, check) the record becomes a problem.
"""

from collections.abc import Sequence
from typing import Any

import pluggy

from xerotui.model.postings import Posting
from xerotui.model.problems import Explanation, Problem
from xerotui.model.records import Record
from xerotui.source.contract import FieldChange, ResolveContext, Source

hookspec = pluggy.HookspecMarker("xerotui")
hookimpl = pluggy.HookimplMarker("xerotui")


@hookspec
def xerotui_sources() -> Sequence[type[Source]]:
    """The `Source` classes that the plugin brings.

    Called once a process when the plugin is loaded, in console, command line and worker. A failure leaves the
    plugin out and names it. Example: ``return [DeskSource]``.
    """
    return ()


@hookspec
def xerotui_emulators() -> Sequence[Any]:
    """Emulators (see `Emulator`) of the plugin's systems for the sandbox and the conformance suite.

    Called by `demo` and `sandbox` only; import the emulator inside the function. A failure leaves it out and is
    named. Example: ``return [DeskEmulator()]``.
    """
    return ()


@hookspec
def xerotui_resolve(record: Record, posting: Posting, context: ResolveContext) -> Sequence[FieldChange]:
    """Shape a posting before it is planned.

    Called in the worker once for each record that resolved, for plugins whose source it comes from. Returns
    changes, recorded as the value's rung. A failure makes the record a problem (core.plugin_failed).
    """
    return ()


@hookspec
def xerotui_check(record: Record, posting: Posting | None, context: ResolveContext) -> Sequence[Problem]:
    """Further problems of a record; `posting` is None when it didn't resolve.

    Called in the worker after resolve. A failure makes the record a problem (core.plugin_failed).
    """
    return ()


@hookspec
def xerotui_explain(problem: Problem) -> Explanation | None:
    """Words and remedy for the plugin's own problem codes; the first answer wins.

    Called wherever a problem is recorded. A failure is ignored and counted.
    """
    return None
