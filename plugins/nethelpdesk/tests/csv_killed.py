"""What a test can't do in its own process: be killed in the midst of work, and be somebody else than root.

Run as a program with a folder, a reading is killed before its first, second, third… step in the file system, each time
finished by another; one line for each number of steps says what was taken, kept and told. Run without, it prints what
is said of folders that are closed to it.
"""

import datetime as dt
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import filelock  # noqa: F401 - somebody else may not be able to import it later

from xerotui.model.kinds import Kind
from xerotui.source.contract import Attachment, SourceRefused
from xerotui_nethelpdesk.csv_columns import TABLES
from xerotui_nethelpdesk.csv_log import CsvLog, Options
from xerotui_nethelpdesk.folder import Folder
from xerotui_nethelpdesk.outputs import Outbox, Outcome, posted

NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
NOBODY = 65534
HEAD = "invoice_id,customer_id,invoice_date,line_no,description,quantity,unit_price\n"
FILES = {
    "customers.csv": "id,name\n1,Ann\n2,Bo\n",
    "invoices-a.csv": HEAD + "7,1,2026-11-01,1,x,1,10\n7,1,2026-11-01,2,y,1,5\n8,1,2026-11-01,1,bad,zz,5\n",
    "invoices-b.csv": HEAD + "9,2,2026-11-02,1,z,1,3\n",
    "invoices-b.csv.done": "",
    "suppliers.csv": "id\n1\n",
}
# What touches the file system; writing itself is cut off by dying before the flush or the rename that follows.
STEPS = ("open", "os.rename", "os.remove", "os.mkdir", "os.truncate")


def work(inbox: Path, outbox: Path) -> CsvLog:
    """Take all there is, then tell two links."""
    out = Outbox(outbox)

    def told(table: str, refusals: Any) -> None:
        out.tell([Outcome(kind=table, id=id, status="refused", error=why) for id, why in refusals], NOW)

    log = CsvLog(Folder(inbox, tuple(TABLES), 0), Options(), lambda: NOW, told)
    log.take()
    links = [
        Attachment(kind=Kind.INVOICE, record=id, xero_id=f"x{id}", tenant="t", status="DRAFT") for id in ("7", "9")
    ]
    out.tell([posted(one) for one in links], NOW)
    return log


def killed(inbox: Path, outbox: Path, step: int) -> bool:
    """Work in another process that dies before its `step`th step; whether it came so far."""
    child = os.fork()
    if not child:
        left = step

        def count(event: str, args: tuple[Any, ...]) -> None:
            nonlocal left
            # Only what lies in the two folders is a step.
            if event in STEPS and str(inbox.parent) in str(args[0]):
                left -= 1
                if not left:
                    os._exit(9)

        sys.addaudithook(count)
        work(inbox, outbox)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def told(outbox: Path) -> list[str]:
    """Every row of every results file, as `id status`."""
    files = sorted((outbox / "results").glob("*.csv"))
    rows = [line.split(",") for one in files for line in one.read_text("utf-8-sig").splitlines()[1:]]
    return sorted(f"{row[1]} {row[4]}".replace('"', "") for row in rows)


def main(place: Path) -> None:
    """Go on until a process needs fewer steps than it was allowed."""
    # A process dies here, not the machine: what it wrote is there without being flushed to the disk.
    os.fsync = lambda fd: None
    step = 0
    dying = True
    while dying:
        step += 1
        inbox, outbox = place / str(step) / "in", place / str(step) / "out"
        inbox.mkdir(parents=True)
        outbox.mkdir()
        for name, body in FILES.items():
            (inbox / name).write_text(body)
        dying = killed(inbox, outbox, step)
        log = work(inbox, outbox)
        if not step % 10:
            # Once more: nothing comes twice.
            log = work(inbox, outbox)
        shown = {
            "files": sorted(taken.name for taken, _ in log.files.values()),
            "numbers": len({taken.seq for taken, _ in log.files.values()}),
            "failed": sorted(one.name for one in log.folder.refused()),
            "records": [[kept.id, bool(kept.refused)] for kept in log.since("invoices", 0)],
            "left": sorted(one.name for one in [*inbox.glob("*.csv*"), *(inbox / "taking").iterdir()]),
            "told": told(outbox),
            "parts": [str(one) for one in (outbox / "results").glob(".*.part")],
        }
        print(json.dumps(shown))  # noqa: T201


def closed() -> None:
    """Print what is said of an inbox and an outbox that may be read and not written to."""
    with TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "in").mkdir(mode=0o555)
        (place / "out").mkdir(mode=0o555)
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            return
        if os.geteuid() == 0:
            # Nothing is closed to root.
            os.setresuid(NOBODY, NOBODY, NOBODY)
        for look in (Folder(place / "in", tuple(TABLES), 0).reach, Outbox(place / "out").check):
            try:
                look()
            except SourceRefused as error:
                print(error, flush=True)  # noqa: T201
        os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1])) if sys.argv[1:] else closed()
