"""The registry against the zoo of broken plugins: each fails in its own way, none takes another with it."""

import sys
from importlib.metadata import EntryPoint

import pytest

from tests.plugins_zoo.junk import ANSWERS
from xerotui.model.kinds import Kind
from xerotui.model.postings import ContactPosting
from xerotui.model.problems import Problem, RecordRef
from xerotui.model.records import Party
from xerotui.source.contract import FieldChange, ResolveContext
from xerotui.source.guard import STRIKES, PluginFault
from xerotui.source.registry import PluginRow, Registry

ZOO = "tests.plugins_zoo"
REF = RecordRef(connection="c", kind=Kind.CUSTOMER, id="1")
POSTING = ContactPosting(kind=Kind.CUSTOMER, name="A")
CONTEXT = ResolveContext(source="sound", connection="c", tenant="t", settings={}, choices={}, mapped={})


def point(name: str, value: str = "") -> EntryPoint:
    return EntryPoint(name, f"{ZOO}.{value or name}", "xerotui")


def registry(*names: str, limit: str | None = None) -> Registry:
    points = [point(*name.split("=")) for name in names]
    return Registry(limit=limit, found=points)


def party(id: str) -> Party:
    return Party(id=id, kind=Kind.CUSTOMER, name="A")


def row(found: Registry, name: str) -> PluginRow:
    return next(r for r in found.report() if r.name == name)


def test_names_are_listed_without_importing() -> None:
    sys.modules.pop(f"{ZOO}.import_error", None)
    found = registry("import_error", "sound")
    assert [n.name for n in found.names()] == ["import_error", "sound"]
    assert [r.state for r in found.report()] == ["available", "available"]
    assert f"{ZOO}.import_error" not in sys.modules


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("import_error", "can't be imported: RuntimeError: broken"),
        ("exits", "can't be imported: SystemExit: 7"),
        ("missing_dependency", "needs the package package_that_nobody_has"),
        ("nowhere", "needs the package"),
        ("wrong_signature", "another version"),
        ("misspelt", "xerotui_soruces"),
        ("unmarked", "marked with hookimpl"),
        ("old_contract", "built for contract 0"),
        ("junk_sources", "no Source class"),
        ("a=needs_arguments:Plugin", "without arguments"),
        ("b=needs_arguments:GreedyPlugin", "settings and context alone"),
        ("c=sound:SoundSource", "without arguments"),
    ],
)
def test_a_broken_plugin_is_left_out_with_words_and_the_sound_one_works(name: str, words: str) -> None:
    found = registry(name, "sound")
    assert list(found.sources()) == ["sound"]
    broken = row(found, name.split("=")[0])
    assert broken.state == "faulty"
    assert words in broken.error
    assert broken.error.isprintable()
    assert row(found, "sound").state == "loaded"
    assert found.source_type("sound").title == "Sound"
    assert found.explain(Problem(code="sound.odd", subject="", record=REF, sentence="")) is not None
    with pytest.raises(PluginFault):
        found.load(name.split("=")[0])


def test_a_fault_after_registering_leaves_nothing_behind() -> None:
    found = registry("misspelt", "wrong_signature", "junk_sources", "sound")
    found.load_all()
    assert [name for name, _ in found._manager.list_name_plugin()] == ["sound"]
    found.unregister("sound")
    assert found._manager.get_plugins() == set()


def test_only_as_much_is_imported_as_is_needed() -> None:
    sys.modules.pop(f"{ZOO}.import_error", None)
    found = registry("sound", "import_error")
    assert found.source_type("sound").name == "sound"
    assert f"{ZOO}.import_error" not in sys.modules


def test_of_two_sources_of_one_name_the_first_stays_and_the_other_is_told() -> None:
    found = registry("sound", "twin")
    assert found.sources()["sound"].__name__ == "SoundSource"
    assert "sound is left out: sound already brings one" in row(found, "twin").error
    assert row(found, "twin").sources == ()


def test_limit_none_and_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XEROTUI_PLUGINS", "")
    assert registry("sound").names() == ()
    assert registry("sound").sources() == {}
    monkeypatch.setenv("XEROTUI_PLUGINS", "sound, gone")
    found = registry("sound", "twin")
    assert [n.name for n in found.names()] == ["sound"]
    assert {r.name: r.state for r in found.report()} == {"gone": "missing", "sound": "available", "twin": "excluded"}
    with pytest.raises(PluginFault, match="installed and allowed"):
        found.load("twin")
    with pytest.raises(PluginFault, match="no plugin brings"):
        found.source_type("twin")


def test_a_missing_source_is_explained_by_its_plugins_fault() -> None:
    with pytest.raises(PluginFault, match="broken"):
        registry("import_error").source_type("import_error")


def test_hooks_are_heard() -> None:
    found = registry("sound")
    found.load_all()
    change = FieldChange("reference", "c/9", "the zoo's rule")
    assert found.resolve("sound", party("9"), POSTING, CONTEXT) == (change,)
    assert found.resolve("other", party("9"), POSTING, CONTEXT) == ()
    assert [p.code for p in found.check("sound", party("9"), None, CONTEXT)] == ["sound.odd"]
    assert found.check("sound", party("9"), POSTING, CONTEXT) == ()
    tally = row(found, "sound").tally
    assert (tally.calls, tally.failures) == (4, 0)
    assert tally.seconds > 0


def test_a_raising_hook_is_a_fault_and_three_in_a_row_switch_it_off_visibly() -> None:
    found = registry("raising", "sound")
    found.load_all()
    from tests.plugins_zoo import raising

    raising.calls.clear()
    for id in ("a", "b", "good", "c", "d", "e", "f", "good"):
        if id == "good" and not row(found, "raising").tally.off:
            assert len(found.resolve("sound", party(id), POSTING, CONTEXT)) == 1
            continue
        with pytest.raises(PluginFault) as caught:
            found.resolve("sound", party(id), POSTING, CONTEXT)
        assert caught.value.name == "raising"
        if id in "abcde":
            assert caught.value.sentence == f"xerotui_resolve raised: ValueError: no {id}"
    assert raising.calls == ["a", "b", "good", "c", "d", "e"], f"off after {STRIKES} in a row"
    assert "switched off after 3 failures" in caught.value.sentence, "and never quietly without it"
    assert row(found, "raising").state == "off"
    assert len(found.check("sound", party("1"), None, CONTEXT)) == 1, "the sound plugin is heard all the same"


def test_an_explanation_that_fails_is_ignored_and_counted() -> None:
    found = registry("raising")
    found.load_all()
    assert found.explain(Problem(code="raising.x", subject="", record=REF, sentence="")) is None
    assert row(found, "raising").tally.failures == 1


@pytest.mark.parametrize("id", [k for k in ANSWERS if k != "nothing"])
def test_junk_is_a_fault(id: str) -> None:
    found = registry("junk")
    found.load_all()
    with pytest.raises(PluginFault, match="xerotui_resolve returned"):
        found.resolve("sound", party(id), POSTING, CONTEXT)
    assert found.resolve("sound", party("nothing"), POSTING, CONTEXT) == ()
    with pytest.raises(PluginFault, match="a coroutine; hooks"):
        found.check("sound", party(id), None, CONTEXT)


def test_what_a_plugin_prints_is_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    sys.modules.pop(f"{ZOO}.prints", None)
    found = registry("prints")
    found.load_all()
    found.resolve("sound", party("1"), POSTING, CONTEXT)
    out, err = capsys.readouterr()
    assert out == ""
    assert "hello from the import" in err
    assert "hello from the hook" in err


def test_register_and_unregister_by_hand() -> None:
    from tests.plugins_zoo import sound

    found = Registry(limit="", found=())
    found.register(sound, "mine")
    assert list(found.sources()) == ["sound"]
    with pytest.raises(PluginFault, match="already loaded"):
        found.register(sound, "mine")
    found.unregister("mine")
    assert found.sources() == {}
    found.register(sound, "mine")
    assert row(found, "mine").hooks == ("xerotui_check", "xerotui_explain", "xerotui_resolve", "xerotui_sources")


async def test_a_raising_source_is_the_callers_to_report() -> None:
    cls = registry("raising_source", "sound").source_type("raising")
    source = cls(None, None)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        await source.check()
    seen = []
    with pytest.raises(ZeroDivisionError):
        async for page in source.pages(Kind.CUSTOMER, ""):
            seen.append(page.cursor)
    assert seen == ["1"]
