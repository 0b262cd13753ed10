"""What holds for every test: with XEROTUI_SPECS set, all traffic with the sandbox is held against Xero's own files."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

SPECS = "XEROTUI_SPECS"
TRAFFIC = "XEROTUI_TRAFFIC"
_FOLDER = pytest.StashKey[Path]()
_WORDS = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Have every sandbox of this run keep its traffic; the workers of xdist and all programs inherit it."""
    for size in ("COLUMNS", "LINES"):
        # The terminal that the tests are started from is no part of them.
        os.environ.pop(size, None)
    # Else each of the hundreds of programs that tests start would compile all of the project anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # Known without xdist too: its own registration goes with it.
    config.addinivalue_line("markers", "xdist_group(name): tests that share a process")
    if os.environ.get(SPECS) and TRAFFIC not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="xerotui-traffic-"))
        config.stash[_FOLDER] = folder
        os.environ[TRAFFIC] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    folder = config.stash.get(_FOLDER, None)
    if folder is not None:
        os.environ.pop(TRAFFIC, None)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What goes on from test to test in a file stays in one process, however many share the run."""
    for item in items:
        if item.path.parent.name in ("flows", "e2e") and item.path.name != "test_kill_loop.py":
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Judge the traffic of the whole run; a difference that nobody has explained fails it."""
    folder = session.config.stash.get(_FOLDER, None)
    if folder is not None:
        from tests.contract.verdict import verdict

        made = verdict(os.environ[SPECS], folder)
        words = f"{made.exchanges} kinds of exchanges with Xero held against its OpenAPI files"
        if made.unexplained:
            words += f"; differences without a reason:\n{made.words()}"
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        session.config.stash[_WORDS] = words
    yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what came of it."""
    words = config.stash.get(_WORDS, "")
    if words:
        terminalreporter.section("contract")
        terminalreporter.write_line(words)


@pytest.fixture(autouse=True)
def _loggers_of_its_own() -> Iterator[None]:
    """A command that was run in this process leaves no logger behind that writes to its captured stderr."""
    yield
    structlog.reset_defaults()
