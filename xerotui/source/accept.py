"""What a hook may answer: each function takes what came and gives it typed, or says in a TypeError what is wrong."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.problems import Problem
from xerotui.source.contract import Abilities, Capability, FieldChange, MappingSpec, Source

T = TypeVar("T")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def items_of(accept: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """A reader of a list or tuple of things that `accept` takes; None is an empty one."""

    def read(answer: Any) -> tuple[T, ...]:
        if answer is None:
            return ()
        if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
            raise TypeError(f"a {type(answer).__name__}, not a list")
        return tuple(accept(one) for one in answer)

    return read


def is_change(one: Any) -> FieldChange:
    """A change of a posting, with a path, text for a value and a reason."""
    if not isinstance(one, FieldChange):
        raise TypeError(f"a {type(one).__name__} among the changes")
    if not one.path or not all(isinstance(x, str) for x in (one.path, one.value, one.why)):
        raise TypeError("a change whose path, value or reason isn't text")
    return one


def is_problem(one: Any) -> Problem:
    """A problem with a code of the plugin's own."""
    if not isinstance(one, Problem):
        raise TypeError(f"a {type(one).__name__} among the problems")
    if "." not in one.code or one.code.startswith("core."):
        raise TypeError(f"a problem of the code {one.code!r}; a plugin's codes are its own")
    return one


def sources_of(answer: Any) -> tuple[type[Source], ...]:
    """Source classes that can be made of settings and context."""
    return items_of(_source)(answer)


def _source(one: Any) -> type[Source]:
    if not inspect.isclass(one) or not issubclass(one, Source):
        raise TypeError(f"{one!r} among the sources, which is no Source class"[:200])
    if inspect.isabstract(one):
        missing = ", ".join(sorted(one.__abstractmethods__))
        raise TypeError(f"the source {one.__name__}, which lacks {missing}")
    for attribute, fits in _DECLARED.items():
        if not fits(getattr(one, attribute, None)):
            raise TypeError(f"the source {one.__name__}, whose {attribute!r} is missing or of another type")
    try:
        inspect.signature(one).bind(None, None)
    except TypeError:
        raise TypeError(f"the source {one.__name__}, which isn't made of settings and context alone") from None
    return one


def _all(of: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, tuple | frozenset) and all(isinstance(v, of) for v in value)


_DECLARED: Mapping[str, Callable[[Any], bool]] = {
    "name": lambda v: isinstance(v, str) and _NAME.fullmatch(v) is not None,
    "title": lambda v: isinstance(v, str) and bool(v),
    "settings_type": lambda v: inspect.isclass(v) and issubclass(v, msgspec.Struct),
    "kinds": _all(Kind),
    "importable": _all(Kind),
    "handed": _all(Kind),
    "capabilities": _all(Capability),
    "specs": _all(MappingSpec),
    "attach_batch": lambda v: isinstance(v, int) and v >= 1,
}


def abilities_of(type_: type[Source], settings: msgspec.Struct) -> Abilities:
    """What a connection of these settings can do, by the source's own word; TypeError where that can't be."""
    answer: Any = type_.abilities(settings)
    if not isinstance(answer, Abilities):
        raise TypeError(f"the abilities of {type_.name} are a {type(answer).__name__}")
    if beyond := answer.beyond(type_.declared()):
        raise TypeError(f"the abilities of {type_.name} are more than it declares ({beyond})")
    return answer


_EMULATES = ("load", "start", "settings", "totals", "expected", "stop")


def emulators_of(answer: Any) -> tuple[Any, ...]:
    """Emulators: objects with a name, a source, and the methods of `Emulator`."""
    found = items_of(lambda one: one)(answer)
    for one in found:
        if not isinstance(getattr(one, "name", None), str) or inspect.isclass(one):
            raise TypeError(f"{one!r} among the emulators, which has no name"[:200])
        if not isinstance(getattr(one, "source", None), str):
            raise TypeError(f"the emulator {one.name}, which doesn't say of which source it is")
        lacking = [m for m in _EMULATES if not callable(getattr(one, m, None))]
        if lacking:
            raise TypeError(f"the emulator {one.name}, which lacks {', '.join(lacking)}")
    return found
