"""The emulated Xero as one object: its apps, its organisations, its service.

Joining the parts lives here; nothing is judged here.
"""

from __future__ import annotations

from typing import Any

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.service import Journal, Service
from xerotui.sandbox.traffic import kept
from xerotui.sandbox.world import World
from xerotui.sandbox.xero import load
from xerotui.sandbox.xero.app import XeroApp
from xerotui.sandbox.xero.auth import App, Identity
from xerotui.sandbox.xero.behaviour import Behaviour
from xerotui.sandbox.xero.control import Control, totals
from xerotui.sandbox.xero.faults import FAULTS
from xerotui.sandbox.xero.identity import IdentityPages
from xerotui.sandbox.xero.limits import Door, windows
from xerotui.sandbox.xero.webhooks import Hooks

WEB_CLIENT = "A5B1D0E7F2C94C3D8E6F7A1B2C3D4E5F"
WEB_SECRET = "sandbox-web-app-secret"
PKCE_CLIENT = "B6C2E1F803DA4D4E9F708B2C3D4E5F60"
CUSTOM_CLIENT = "C7D3F20914EB4E5FA0819C3D4E5F6071"
CUSTOM_SECRET = "sandbox-custom-connection-secret"
REDIRECT_URI = "http://localhost:8765/callback"
# Registered as well: another application's usual address.
REDIRECT_URIS = (REDIRECT_URI, "http://localhost:8736/callback")


class XeroEmulator:
    """Xero on loopback. Load a world, start, and it can be called until it is stopped."""

    name = "xero"

    def __init__(self, *, redirect_uris: tuple[str, ...] = REDIRECT_URIS, port: int = 0) -> None:
        self._redirect_uris = redirect_uris
        self._port = port
        self._world: World | None = None
        self._service: Service | None = None
        self.identity: Identity | None = None
        self._hooks: Hooks | None = None
        self.behaviour = Behaviour()

    @property
    def service(self) -> Service:
        """The running service; RuntimeError before `start`."""
        if self._service is None:
            raise RuntimeError("the emulator has not been started")
        return self._service

    def load(self, world: World) -> None:
        """Take the world whose Xero half shall be served."""
        self._world = world

    async def start(self, clock: WorldClock) -> None:
        """Build the organisations and listen; RuntimeError where no world was loaded."""
        if self._world is None:
            raise RuntimeError("no world was loaded")
        first = self._world.tenants[0].tenant_id
        identity = Identity(
            clock,
            [
                App(WEB_CLIENT, WEB_SECRET, "web", self._redirect_uris),
                App(PKCE_CLIENT, "", "pkce", self._redirect_uris),
                App(CUSTOM_CLIENT, CUSTOM_SECRET, "custom", tenant_id=first),
            ],
        )
        for tenant in self._world.tenants:
            identity.organisations[tenant.tenant_id] = load.organisation(tenant, clock, self.behaviour)
        journal = Journal(self.name, clock)
        hooks = self._hooks = Hooks(identity, journal)
        for org in identity.organisations.values():
            org.watchers.append(hooks.saw)
        pages = IdentityPages(identity, journal, self.behaviour)
        limits = windows(clock, self.behaviour)
        app = XeroApp(clock, journal, pages, self.behaviour)
        self._service = Service(
            self.name,
            app,
            clock,
            journal=journal,
            gate=lambda inner: kept(Door(inner, identity, limits, journal)),
            routes=[*Control(identity, journal, self.behaviour).routes(), *hooks.routes()],
            totals=self.totals,
            windows=limits,
            port=self._port,
            faults=FAULTS,
            failing=app.failing,
        )
        self.identity = identity
        await self._service.start()
        identity.issuer = f"{self._service.url}/identity"

    def settings(self) -> dict[str, str]:
        """Return what a connection needs to reach this Xero as a web app."""
        url = self.service.url
        return {
            "api_url": url,
            "identity_url": f"{url}/identity",
            "authorize_url": f"{url}/identity/connect/authorize",
            "token_url": f"{url}/identity/connect/token",
            "client_id": WEB_CLIENT,
            "client_secret": WEB_SECRET,
            "redirect_uri": self._redirect_uris[0],
        }

    def describe(self) -> dict[str, Any]:
        """Return the settings, the further apps, the organisations and the control address."""
        assert self._world is not None
        return {
            **self.settings(),
            "pkce_client_id": PKCE_CLIENT,
            "custom": {
                "client_id": CUSTOM_CLIENT,
                "client_secret": CUSTOM_SECRET,
                "tenant_id": self._world.tenants[0].tenant_id,
            },
            "tenants": [
                {
                    "id": tenant.tenant_id,
                    "name": tenant.name,
                    "key": tenant.key,
                    "country": tenant.country,
                    "currency": tenant.currency,
                }
                for tenant in self._world.tenants
            ],
            "control_url": self.service.control_url,
        }

    def totals(self) -> dict[str, Any]:
        """Return documents made through the API: {tenant: {currency: {kind: {documents, total}}}}."""
        return totals(self.identity.organisations) if self.identity else {}

    async def stop(self) -> None:
        """Stop listening; harmless when it isn't running."""
        if self._hooks is not None:
            await self._hooks.stop()
        if self._service is not None:
            await self._service.stop()
