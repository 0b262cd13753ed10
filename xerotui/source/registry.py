"""The registry: finds plugins by name, loads them one by one, and asks their hooks plugin by plugin.

Names and versions are read without importing anything. A plugin that fails is left out, named, and shown with its
reason; it never takes another one, or the program, with it.
"""

import inspect
import os
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import msgspec
import pluggy

from xerotui.model.postings import Posting
from xerotui.model.problems import Explanation, Problem
from xerotui.model.records import Record
from xerotui.source import hooks
from xerotui.source.accept import emulators_of, is_change, is_problem, items_of, sources_of
from xerotui.source.contract import CONTRACT, FieldChange, ResolveContext, Source
from xerotui.source.guard import Guard, PluginFault, Tally, guarded, plain

T = TypeVar("T")
GROUP = "xerotui"
ENVIRONMENT = "XEROTUI_PLUGINS"
HOOKS = tuple(name for name in vars(hooks) if name.startswith("xerotui_"))


class PluginName(msgspec.Struct, frozen=True):
    """What is known of a plugin without importing it."""

    name: str
    distribution: str = ""
    version: str = ""


class PluginRow(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin as it is reported; `state` is available, loaded, faulty, off, excluded or missing."""

    name: str
    origin: str = ""
    version: str = ""
    state: str = "available"
    hooks: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    error: str = ""
    detail: str = ""
    tally: Tally = msgspec.field(default_factory=Tally)


class Plugin:
    """One loaded plugin: what it is called, the hooks it answers, the sources it brings, and its guard."""

    def __init__(self, about: PluginName, target: object, answers: tuple[str, ...]) -> None:
        self.about = about
        self.target = target
        self.hooks = answers
        self.guard = Guard(about.name)
        self.sources: dict[str, type[Source]] = {}

    @property
    def name(self) -> str:
        """Its entry point's name."""
        return self.about.name


class Registry:
    """The plugins of this process.

    `limit` names the only plugins to be used, separated by commas ("" = none, None = the environment variable
    XEROTUI_PLUGINS, and without it all). `found` replaces the installed entry points.
    """

    def __init__(self, limit: str | None = None, found: Iterable[EntryPoint] | None = None) -> None:
        allowed = os.environ.get(ENVIRONMENT) if limit is None else limit
        self._allowed = None if allowed is None else {n.strip() for n in allowed.split(",") if n.strip()}
        self._points = {p.name: p for p in (entry_points(group=GROUP) if found is None else found)}
        self._plugins: dict[str, Plugin] = {}
        self._faults: dict[str, PluginFault] = {}
        self._notes: dict[str, PluginFault] = {}
        self._manager = pluggy.PluginManager("xerotui")
        self._manager.add_hookspecs(hooks)

    def names(self) -> tuple[PluginName, ...]:
        """The plugins that may be used, by name; nothing is imported."""
        names = {n: _about(p) for n, p in self._points.items() if self._allowed is None or n in self._allowed}
        names |= {n: p.about for n, p in self._plugins.items()}
        return tuple(names[n] for n in sorted(names))

    def load(self, name: str) -> Plugin:
        """Import one plugin, once.

        Raises PluginFault, and keeps it: a plugin that failed isn't tried again in this process.
        """
        if name in self._plugins:
            return self._plugins[name]
        if name in self._faults:
            raise self._faults[name]
        if name not in self._points or (self._allowed is not None and name not in self._allowed):
            raise PluginFault(name, "no plugin of this name is installed and allowed")
        point = self._points[name]
        try:
            target = guarded(name, "can't be imported", point.load)
            return self._take(_about(point), target)
        except PluginFault as fault:
            self._faults[name] = fault
            raise

    def load_all(self) -> tuple[PluginFault, ...]:
        """Import every plugin that may be used; the faults of those that failed."""
        for about in self.names():
            try:
                self.load(about.name)
            except PluginFault:
                continue
        return self.faults()

    def register(self, target: object, name: str) -> Plugin:
        """Take an object or module as a plugin, as tests and examples do.

        Raises PluginFault.
        """
        if name in self._plugins:
            raise PluginFault(name, "a plugin of this name is already loaded")
        try:
            return self._take(PluginName(name, "registered by hand"), target)
        except PluginFault as fault:
            self._faults[name] = fault
            raise

    def unregister(self, name: str) -> None:
        """Let go of a plugin and of what is remembered of it."""
        if name in self._plugins:
            self._manager.unregister(name=name)
        self._plugins.pop(name, None)
        self._faults.pop(name, None)
        self._notes.pop(name, None)

    def faults(self) -> tuple[PluginFault, ...]:
        """Why plugins were left out, and what parts of others were."""
        return (*self._faults.values(), *self._notes.values())

    def sources(self) -> dict[str, type[Source]]:
        """Every source by name; of two of one name the first stays, and the other plugin is reported."""
        self.load_all()
        return {name: cls for plugin in self._plugins.values() for name, cls in plugin.sources.items()}

    def source_type(self, name: str) -> type[Source]:
        """The class of one source; only as much is imported as is needed to find it.

        Raises PluginFault with words when no plugin brings it.
        """
        for plugin in self._plugins.values():
            if name in plugin.sources:
                return plugin.sources[name]
        if name in self._points and name not in self._faults:
            try:
                if name in (plugin := self.load(name)).sources:
                    return plugin.sources[name]
            except PluginFault:
                pass
        if (found := self.sources().get(name)) is not None:
            return found
        raise self._faults.get(name) or PluginFault(name, "no plugin brings this source")

    def emulators(self) -> dict[str, Any]:
        """Every emulator by name; failures are kept as faults."""
        self.load_all()
        found: dict[str, Any] = {}
        for plugin in self._answering("xerotui_emulators"):
            try:
                for emulator in self._ask(plugin, "xerotui_emulators", {}, emulators_of):
                    found.setdefault(emulator.name, emulator)
            except PluginFault as fault:
                self._notes[plugin.name] = fault
        return found

    def resolve(
        self, source: str, record: Record, posting: Posting, context: ResolveContext
    ) -> tuple[FieldChange, ...]:
        """What plugins want changed in the posting of a record of that source.

        Asked are the plugins that bring the source, and those that bring no source at all. Raises PluginFault when
        one of them fails: what it wanted to say isn't known, so the record can't go.
        """
        arguments = {"record": record, "posting": posting, "context": context}
        return self._gather("xerotui_resolve", source, arguments, items_of(is_change))

    def check(
        self, source: str, record: Record, posting: Posting | None, context: ResolveContext
    ) -> tuple[Problem, ...]:
        """Further problems of a record of that source; `posting` is None when it didn't resolve.

        Raises PluginFault as `resolve` does.
        """
        arguments = {"record": record, "posting": posting, "context": context}
        return self._gather("xerotui_check", source, arguments, items_of(is_problem))

    def explain(self, problem: Problem) -> Explanation | None:
        """Words for a problem code from the plugin that knows it; failures count but are ignored."""
        for plugin in self._answering("xerotui_explain"):
            try:
                if (words := self._ask(plugin, "xerotui_explain", {"problem": problem}, _explanation)) is not None:
                    return words
            except PluginFault:
                continue
        return None

    def report(self) -> tuple[PluginRow, ...]:
        """Every plugin that is installed, registered or asked for, with its state and last error."""
        wanted = self._allowed or set()
        names = sorted({*self._points, *self._plugins, *self._faults, *wanted})
        return tuple(self._row(name) for name in names)

    def _row(self, name: str) -> PluginRow:
        about = _about(self._points[name]) if name in self._points else PluginName(name)
        plugin = self._plugins.get(name)
        fault = self._faults.get(name) or self._notes.get(name)
        state = "available"
        if plugin is not None:
            about = plugin.about
            fault = plugin.guard.fault or fault
            state = "off" if plugin.guard.tally.off else "loaded"
        elif name in self._faults:
            state = "faulty"
        elif name not in self._points:
            state, fault = "missing", PluginFault(name, f"{ENVIRONMENT} names it, but it isn't installed")
        elif self._allowed is not None and name not in self._allowed:
            state = "excluded"
        return PluginRow(
            name=name,
            origin=about.distribution,
            version=about.version,
            state=state,
            hooks=plugin.hooks if plugin else (),
            sources=tuple(plugin.sources) if plugin else (),
            error=fault.sentence if fault else "",
            detail=fault.detail if fault else "",
            tally=copy(plugin.guard.tally) if plugin else Tally(),
        )

    def _take(self, about: PluginName, target: object) -> Plugin:
        name = about.name
        if inspect.isclass(target):
            target = guarded(name, "its class can't be made without arguments", target)
        _contract(name, target)
        try:
            guarded(name, "can't be registered", lambda: self._manager.register(target, name=name))
            self._manager.check_pending()
        except (PluginFault, pluggy.PluginValidationError) as error:
            if self._manager.get_plugin(name) is not None:
                self._manager.unregister(name=name)
            words = error.sentence if isinstance(error, PluginFault) else plain(error)
            raise PluginFault(name, f"it was made for another version or misspells a hook: {words}") from None
        plugin = Plugin(about, target, _answers(self._manager, target))
        try:
            self._bring(plugin)
        except PluginFault:
            self._manager.unregister(name=name)
            raise
        self._plugins[name] = plugin
        return plugin

    def _bring(self, plugin: Plugin) -> None:
        if not plugin.hooks:
            raise PluginFault(plugin.name, "it answers no hook; are its functions marked with hookimpl?")
        if "xerotui_sources" not in plugin.hooks:
            return
        taken = {name: other.name for other in self._plugins.values() for name in other.sources}
        for cls in self._ask(plugin, "xerotui_sources", {}, sources_of):
            if cls.name in taken or cls.name in plugin.sources:
                owner = taken.get(cls.name, plugin.name)
                fault = PluginFault(plugin.name, f"its source {cls.name} is left out: {owner} already brings one")
                self._notes[plugin.name] = fault
                continue
            plugin.sources[cls.name] = cls

    def _answering(self, hook: str, source: str | None = None) -> Iterator[Plugin]:
        for plugin in tuple(self._plugins.values()):
            if hook in plugin.hooks and (source is None or not plugin.sources or source in plugin.sources):
                yield plugin

    def _gather(
        self, hook: str, source: str, arguments: dict[str, Any], accept: Callable[[Any], tuple[T, ...]]
    ) -> tuple[T, ...]:
        found: list[T] = []
        for plugin in self._answering(hook, source):
            found += self._ask(plugin, hook, arguments, accept)
        return tuple(found)

    def _ask(self, plugin: Plugin, hook: str, arguments: dict[str, Any], accept: Callable[[Any], T]) -> T:
        others = [p for p in self._manager.get_plugins() if p is not plugin.target]
        caller = self._manager.subset_hook_caller(hook, others)

        def first() -> Any:
            # One plugin, so one answer; pluggy leaves out None.
            answers = caller(**arguments)
            return answers[0] if answers else None

        return plugin.guard.call(hook, first, accept)


def _about(point: EntryPoint) -> PluginName:
    return PluginName(point.name, point.dist.name if point.dist else "", point.dist.version if point.dist else "")


def _contract(name: str, target: object) -> None:
    stated = getattr(target, "XEROTUI_CONTRACT", None)
    if stated is None:
        raise PluginFault(name, "it doesn't state the contract it was built for (XEROTUI_CONTRACT)")
    if stated != CONTRACT:
        raise PluginFault(name, f"it was built for contract {plain(stated, 20)}; this is contract {CONTRACT}")


def _answers(manager: pluggy.PluginManager, target: object) -> tuple[str, ...]:
    callers = manager.get_hookcallers(target) or []
    return tuple(sorted(caller.name for caller in callers if caller.name in HOOKS))


def _explanation(answer: Any) -> Explanation | None:
    if answer is None or isinstance(answer, Explanation):
        return answer
    raise TypeError(f"a {type(answer).__name__}, not an Explanation")
