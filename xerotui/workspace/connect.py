"""Connecting a source by its settings. Secrets go into the vault and nowhere else."""

from xerotui.model.problems import SyncError
from xerotui.source.contract import Fact, Source
from xerotui.source.guard import PluginFault
from xerotui.store import SourceConnection
from xerotui.sync.pull import words
from xerotui.workspace import crash, forms
from xerotui.workspace.base import NOT_CONNECTED, told
from xerotui.workspace.pages import FormField
from xerotui.workspace.parting import Parting
from xerotui.workspace.secrets import secret_name


class Connecting(Parting):
    """The connect flow of sources, on top of Xero's."""

    async def source_types(self) -> tuple[tuple[str, str], ...]:
        """Name and title of every source that can be connected."""
        return forms.source_types()

    async def source_form(self, source: str) -> tuple[FormField, ...]:
        """The settings of a source as a form."""
        return forms.source_form(source)

    async def source_beforehand(self, source: str) -> str:
        """What is told before the settings of a source are asked for."""
        return forms.source_beforehand(source)

    def xero_form(self) -> tuple[FormField, ...]:
        """The settings of a Xero connection as a form."""
        return forms.xero_form()

    async def connect_source(self, source: str, name: str, values: dict[str, str]) -> tuple[str, tuple[Fact, ...]]:
        """Prove that the settings work, then save them; the connection's id and what was found.

        A connection of this name and source gets the new settings. Raises SyncError when it doesn't work: then
        nothing is saved.
        """
        self.gate("source.connect")
        type_ = self._type(source)
        forms.filled(type_.settings_type, values)
        db = await self.wiring.book.read()
        known = next((s for s in db.sources() if s.name == name and s.source == source), None)
        id = known.id if known else forms.fresh_id(name, {s.id for s in db.sources()})
        open_, hidden = forms.split(type_.settings_type, values)
        # Not saved yet: the secrets ride along in the settings until the check has passed.
        made = await self.wiring.make_source(source, id, {**open_, **hidden})
        try:
            async with told(type_.title):
                facts = await made.check()
        except SyncError as error:
            if error.code != "core.source_refused":
                raise
            # There is no connection yet that the doctor could look at.
            remedy = "Nothing was saved. Correct what it says, then connect again."
            raise SyncError(error.sentence, remedy, code=error.code, exit_code=error.exit_code) from None
        except Exception as error:
            # A fault of the plugin: its author needs the place, the person the words.
            crash.record(error, self.place.logs)
            raise words(error, type_.title) from error
        if wrong := next((fact for fact in facts if not fact.ok), None):
            raise SyncError(
                f"{wrong.title}: {wrong.value}", wrong.remedy, code="core.not_connected", exit_code=NOT_CONNECTED
            )
        for field, value in hidden.items():
            await self.wiring.vault.put(secret_name(f"source/{id}", field), value)
        document = SourceConnection(id=id, name=name, source=source, settings=open_, created=self.wiring.clock.now())
        await self.wiring.book.change(lambda db: db.put_source(document))
        self.wiring.forget(id)
        await self._pair_all()
        await self._news("source.connect", id, source=source, name=name)
        return id, tuple(facts)

    def _type(self, source: str) -> type[Source]:
        try:
            return self.wiring.registry.source_type(source)
        except PluginFault as fault:
            raise SyncError(
                f"No source {source}: {fault.sentence}", "See: xerotui plugins.", code="core.plugin"
            ) from None
