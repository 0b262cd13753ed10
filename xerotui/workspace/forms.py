"""Forms and options drawn from settings structs. Needs no store, so that `connect --help` is quick."""

from functools import cache

from xerotui.model.problems import SyncError
from xerotui.model.settings import fields
from xerotui.source.guard import PluginFault
from xerotui.source.registry import Registry
from xerotui.workspace.pages import FormField


@cache
def registry() -> Registry:
    """The plugins of this process, loaded as they are asked for."""
    return Registry()


def drawn(struct: type) -> tuple[FormField, ...]:
    """The fields of a settings struct as a form shows them; secrets never carry a default."""
    return tuple(
        FormField(
            name=f.name,
            title=f.title,
            help=f.help,
            secret=f.secret,
            choices=f.choices,
            default=None if f.secret else f.default,
            required=f.required,
        )
        for f in fields(struct)
    )


def source_types() -> tuple[tuple[str, str], ...]:
    """Name and title of every source that the installed plugins bring."""
    return tuple(sorted((name, source.title) for name, source in registry().sources().items()))


def source_form(source: str) -> tuple[FormField, ...]:
    """The settings of a source as a form.

    Raises SyncError when no plugin brings it.
    """
    try:
        return drawn(registry().source_type(source).settings_type)
    except PluginFault as fault:
        raise SyncError(f"No source {source}: {fault.sentence}", "See: xerotui plugins.", code="core.plugin") from None


def xero_form() -> tuple[FormField, ...]:
    """The settings of a Xero connection as a form."""
    from xerotui.xero.connections import XeroSettings

    return drawn(XeroSettings)
