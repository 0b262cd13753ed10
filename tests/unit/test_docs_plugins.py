"""The page for plugin authors is true: every hook is on it with its exact signature, and its example runs."""

import ast
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from xerotui.model.kinds import Kind
from xerotui.model.postings import DocumentPosting
from xerotui.model.problems import Explanation, Problem, RecordRef
from xerotui.model.records import Document, Party, TaxRate
from xerotui.model.settings import fill
from xerotui.net.clock import WorldClock
from xerotui.net.http import HttpClient
from xerotui.sandbox.clock import WorldClock as SandboxClock
from xerotui.sandbox.world import build
from xerotui.source import contract, hooks
from xerotui.source.contract import Attachment, Gone, Keys, ResolveContext, Source, SourceLocked
from xerotui.source.registry import HOOKS, Registry

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"
TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### `(.+?)`\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
BLOCKS = re.findall(r"^```python\n# (\S+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def signatures() -> dict[str, str]:
    """Each hook of the contract as its source writes it."""
    tree = ast.parse(Path(hooks.__file__).read_text(encoding="utf-8"))
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("xerotui_"):
            assert node.returns is not None
            found[node.name] = f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
    return found


def test_the_contract_is_read_whole() -> None:
    assert set(signatures()) == set(HOOKS)
    assert len(HOOKS) >= 5


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_its_heading_with_exact_arguments(hook: str) -> None:
    assert signatures()[hook] in SECTIONS
    section = SECTIONS[signatures()[hook]]
    for word in ("Process", "Timing", "Order", "Failure"):
        assert f"\n- {word}: " in section
    assert f"@hookimpl\ndef {signatures()[hook]}:" in section


def test_no_hook_is_promised_that_does_not_exist() -> None:
    assert set(SECTIONS) == set(signatures().values())
    assert set(re.findall(r"\bxerotui_[a-z]+\b", TEXT)) - {"xerotui_desk"} <= set(HOOKS)


def test_every_method_and_attribute_of_a_source_is_there() -> None:
    own = {name for name in vars(Source) if not name.startswith("_")} | set(Source.__annotations__)
    for name in own:
        assert re.search(rf"\| `{name}[`(]", TEXT), name
    for name in ("SourceRefused", "SourceUnreachable", "SourceLocked", "Gone"):
        assert hasattr(contract, name)
        assert f"| `{name}(" in TEXT
    assert f"XEROTUI_CONTRACT = {contract.CONTRACT}\n" in TEXT


# ---- the example, installed and run


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package of the page, on the import path."""
    folder = tmp_path / "xerotui_desk"
    folder.mkdir()
    (folder / "__init__.py").write_text("", encoding="utf-8")
    for name, block in BLOCKS:
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write(block)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [n for n in sys.modules if n.partition(".")[0] == "xerotui_desk"]:
        monkeypatch.delitem(sys.modules, name)
    return folder


@dataclass
class Secrets:
    async def get(self, name: str) -> str:
        return ""

    async def put(self, name: str, value: str) -> None: ...


@dataclass
class Context:
    connection: str
    http: HttpClient
    clock: WorldClock
    secrets: contract.Secrets
    log: Any = None

    def now(self) -> Any:
        return self.clock.now()

    def cancelled(self) -> bool:
        return False


@dataclass
class Desk:
    registry: Registry
    emulator: Any
    source: Source
    http: HttpClient


@pytest.fixture
async def desk(package: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    """Registry, running emulator and source of the example."""
    registry = Registry(limit="desk", found=[EntryPoint("desk", "xerotui_desk.plugin", "xerotui")])
    type_ = registry.source_type("desk")
    emulator = registry.emulators()["desk"]
    clock = SandboxClock.create(tmp_path / "clock.json")
    emulator.load(build(1, scale=0.2))
    await emulator.start(clock)
    async with HttpClient(clock=WorldClock(tmp_path / "clock.json")) as http:
        settings = fill(type_.settings_type, emulator.settings())
        context = Context("desk", http, WorldClock(tmp_path / "clock.json"), Secrets())
        try:
            yield Desk(registry, emulator, type_(settings, context), http)
        finally:
            await emulator.stop()


async def listed(source: Source, kind: Kind, cursor: str = "") -> tuple[list[Any], str]:
    records: list[Any] = []
    async for page in source.pages(kind, cursor):
        records += page.records
        assert page.skipped == ()
        cursor = page.cursor or cursor
    return records, cursor


async def test_the_example_reads_its_system_to_the_penny(desk: Desk) -> None:
    facts = await desk.source.check()
    assert [f.ok for f in facts] == [True, True]
    rates, _ = await listed(desk.source, Kind.TAX_RATE)
    customers, _ = await listed(desk.source, Kind.CUSTOMER)
    invoices, cursor = await listed(desk.source, Kind.INVOICE)
    assert all(isinstance(r, TaxRate) for r in rates)
    assert all(isinstance(c, Party) for c in customers)
    assert all(isinstance(i, Document) for i in invoices)
    assert len(invoices) == len(desk.emulator.rows["invoices"]) > 50
    assert sum(i.total for i in invoices) == sum(row["total"] for row in desk.emulator.rows["invoices"])
    assert (await listed(desk.source, Kind.INVOICE, cursor))[0] == []


async def test_the_example_finds_links_and_refuses(desk: Desk) -> None:
    customer = (await listed(desk.source, Kind.CUSTOMER))[0][0]
    await desk.source.attach([Attachment(kind=Kind.CUSTOMER, record=customer.id, xero_id="x-1", tenant="t")] * 2)
    found = await desk.source.find(Kind.CUSTOMER, Keys(xero_id="x-1"))
    assert [f.id for f in found] == [customer.id]
    assert (await desk.source.get(Kind.CUSTOMER, customer.id)).xero_id == "x-1"
    with pytest.raises(Gone):
        await desk.source.get(Kind.CUSTOMER, "0")
    wrong = type(desk.source)(
        fill(desk.source.settings_type, {**desk.emulator.settings(), "api_key": "no"}), desk.source.context
    )
    with pytest.raises(SourceLocked):
        await wrong.check()


async def test_the_hooks_of_the_example_answer(desk: Desk) -> None:
    record = next(i for i in (await listed(desk.source, Kind.INVOICE))[0] if all(x.account for x in i.lines))
    context = ResolveContext(source="desk", connection="desk", tenant="t", settings={}, choices={}, mapped={})
    assert record.date is not None
    posting = DocumentPosting(kind=Kind.INVOICE, date=record.date, currency="GBP")
    changes = desk.registry.resolve("desk", record, posting, context)
    assert [(c.path, c.value) for c in changes] == [("reference", f"Desk {record.id}")]
    assert desk.registry.check("desk", record, posting, context) == ()
    bare = Document(id="9", kind=Kind.INVOICE, number="9", lines=(record.lines[0].__class__(id="1"),))
    problems = desk.registry.check("desk", bare, None, context)
    assert [p.code for p in problems] == ["desk.no_account"]
    words = desk.registry.explain(problems[0])
    assert isinstance(words, Explanation)
    other = Problem(code="halo.x", subject="", record=RecordRef(connection="c", kind=Kind.ITEM, id="1"), sentence="")
    assert desk.registry.explain(other) is None
    assert [row.state for row in desk.registry.report()] == ["loaded"]


def test_the_example_is_typed_and_keeps_to_its_walls(package: Path) -> None:
    allowed = {"source": {"source", "model", "net"}, "plugin": {"source", "model", "net"}, "emulator": {"sandbox"}}
    for path in package.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("xerotui."):
                assert (node.module or "").split(".")[1] in allowed[path.stem], (path.name, node.module)
