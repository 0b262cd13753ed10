"""News: watches the workspace's change counter and posts replaceable `Changed` messages; owns no data."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace

IN_USE = 0.25
IDLE = 1.0
IDLE_AFTER = 60.0


class Changed(Message):
    """Topics whose counters moved since the last one; two in the queue become one."""

    def __init__(self, topics: frozenset[str]) -> None:
        super().__init__()
        self.topics = topics

    def can_replace(self, message: Message) -> bool:
        """Give way to a newer one before anybody read this one, handing over the topics."""
        if isinstance(message, Changed):
            message.topics |= self.topics
            return True
        return False


class Feed:
    """Polls four times a second while the console is in use, once a second after a minute without a key."""

    def __init__(self, workspace: "Workspace", post: Callable[[Message], object]) -> None:
        self._workspace = workspace
        self._post = post
        self._touched = time.monotonic()
        self.pulse = -1
        self._counters: dict[str, int] = {}

    def touch(self) -> None:
        """A key was pressed."""
        self._touched = time.monotonic()

    async def look(self) -> frozenset[str]:
        """One poll: the topics that moved."""
        pulse = await self._workspace.pulse()
        if pulse == self.pulse:
            return frozenset()
        self.pulse = pulse
        counters = await self._workspace.changes()
        moved = frozenset(topic for topic, value in counters.items() if self._counters.get(topic) != value)
        first = not self._counters
        self._counters = dict(counters)
        return frozenset() if first else moved

    async def watch(self) -> None:
        """Poll until cancelled."""
        while True:
            topics = await self.look()
            if topics:
                self._post(Changed(topics))
            idle = time.monotonic() - self._touched > IDLE_AFTER
            await asyncio.sleep(IDLE if idle else IN_USE)
