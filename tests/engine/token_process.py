"""A process that shares a home with others and answers commands, a line each: the access token that it has then.

`ask` asks for a token; `last` asks for one, tells it and kills itself on the spot.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from xerotui.workspace.home import Home
from xerotui.workspace.wiring import Wiring


async def main(home: Path, connection: str) -> None:
    """Serve until the end of the input."""
    wiring = await Wiring.open(Home(home))
    print("ready", flush=True)
    while command := (await asyncio.to_thread(sys.stdin.readline)).strip():
        keeper = await wiring.keeper(connection)
        token = await keeper.access()
        print(token, flush=True)
        if command == "last":
            os.kill(os.getpid(), signal.SIGKILL)
    await wiring.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
