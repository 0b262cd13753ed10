"""What a process loads: the command line, the worker and plugins never Textual; help no SQL library."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
sys.argv = {arguments!r}
try:
    {body}
except SystemExit as end:
    assert not end.code, end.code
loaded = sorted({{name.partition(".")[0] for name in sys.modules}})
print("\\n" + " ".join(loaded), file=sys.stderr)
"""


def loaded(body: str, *arguments: str) -> set[str]:
    """The top-level modules that a fresh process has loaded after `body`."""
    program = PROGRAM.format(body=body, arguments=["xerotui", *arguments])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.strip().splitlines()[-1].split())


RUN = "from xerotui.main import main; assert main() == 0"


def test_help_loads_neither_stores_nor_screens_nor_http() -> None:
    names = loaded(RUN, "--help")
    assert "click" in names
    assert not names & {"sqlalchemy", "tinydb", "alembic", "textual", "httpx2", "authlib", "cryptography", "starlette"}


@pytest.mark.parametrize(
    "module", ["apply", "connect", "errors", "import", "map", "plan", "queue", "tenants", "webhooks", "worker"]
)
def test_help_of_commands_loads_no_sql(module: str) -> None:
    names = loaded(RUN, module, "--help")
    assert not names & {"sqlalchemy", "tinydb", "alembic", "textual", "starlette"}


def test_a_command_that_opens_the_workspace_loads_no_screens(tmp_path: object) -> None:
    names = loaded(RUN, "--home", str(tmp_path), "queue", "--json")
    assert "sqlalchemy" in names
    assert not names & {"textual", "starlette", "uvicorn"}


def test_the_worker_loads_no_screens_and_no_sandbox() -> None:
    body = "import xerotui.workspace.worker, xerotui.sync.worker, xerotui.workspace.wiring"
    assert "textual" not in loaded(body)
    assert "starlette" not in loaded(body)


def test_plugins_load_no_screens_and_no_stores() -> None:
    body = (
        "from xerotui.source.registry import Registry; r = Registry(); r.sources(); assert not r.faults(), r.faults()"
    )
    names = loaded(body)
    assert "xerotui_halo" in names
    assert not names & {"textual", "sqlalchemy", "tinydb", "starlette"}
