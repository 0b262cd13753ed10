"""Waiting for the database to the end: a statement that was begun is never left half way."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def uncut(work: Coroutine[Any, Any, T] | Awaitable[T]) -> T:
    """The result of `work`, which a cancellation of the caller reaches only when it is over.

    A driver that is cut off in a statement leaves its connection to be closed later, and until then the statement may
    hold the ledger's lock. The CancelledError is raised afterwards, in place of the result.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as cut:
            cancelled = cut
    if cancelled is not None:
        if not task.cancelled():
            task.exception()
        raise cancelled
    return task.result()
