"""A process that shares a home with others and answers commands, a line each: the access token that it has then.

`ask` asks for a token; `last` asks for one, tells it and kills itself on the spot; `call` and the id of an
organisation call that one.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from xerotui.workspace.home import Home
from xerotui.workspace.wiring import Wiring


def say(text: str) -> None:
    """Answer with a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def main(home: Path, connection: str) -> None:
    """Serve until the end of the input."""
    wiring = await Wiring.open(Home(home))
    say("ready")
    while command := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if command.startswith("call "):
            client = await wiring.xero(command.removeprefix("call "))
            say((await client.organisation()).name)
            continue
        keeper = await wiring.keeper(connection)
        token = await keeper.access()
        say(token)
        if command == "last":
            os.kill(os.getpid(), signal.SIGKILL)
    await wiring.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
