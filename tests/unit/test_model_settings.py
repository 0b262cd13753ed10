"""Settings structs: what forms and options are drawn from, and how texts become a struct or a named complaint."""

from typing import Annotated

import msgspec
import pytest

from xerotui.model.settings import Choice, Field, Help, Secret, Title, fields, fill


class Sample(msgspec.Struct, kw_only=True):
    """As a plugin would write it."""

    url: Annotated[str, Title("Address"), Help("The web address.")]
    api_key: Annotated[str, Title("API key"), Secret()]
    mode: Annotated[str, Choice(("fast", "safe"))] = "safe"
    calls: Annotated[int, Help("A minute.")] = 60
    ratio: int = 1
    tags: list[str] = []


GOOD = {"url": "acme", "api_key": "s3cret"}


def test_fields_come_in_order_with_all_that_is_noted() -> None:
    found = fields(Sample)
    assert [f.name for f in found] == ["url", "api_key", "mode", "calls", "ratio", "tags"]
    assert found[0] == Field("url", str, "Address", "The web address.", required=True)
    assert found[1] == Field("api_key", str, "API key", secret=True, required=True)
    assert found[2] == Field("mode", str, "Mode", choices=("fast", "safe"), default="safe")
    assert found[3] == Field("calls", int, "Calls", "A minute.", default=60)
    assert not any(f.secret for f in found if f.name != "api_key")


def test_texts_become_typed_values_and_blanks_defaults() -> None:
    made = fill(Sample, {**GOOD, "calls": "12", "mode": ""})
    assert isinstance(made, Sample)
    assert (made.url, made.api_key, made.calls, made.mode) == ("acme", "s3cret", 12, "safe")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Address is needed"),
        ({**GOOD, "url": ""}, "Address is needed"),
        ({"url": "acme"}, "API key is needed"),
        ({**GOOD, "mode": "reckless"}, "Mode: one of fast, safe"),
        ({**GOOD, "speed": "1", "colour": "red"}, "unknown setting: colour, speed"),
        ({**GOOD, "calls": "many"}, "^Calls: a whole number$"),
        ({**GOOD, "calls": "1.5"}, "^Calls: a whole number$"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, str], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        fill(Sample, values)


def test_a_complaint_never_repeats_a_secret() -> None:
    class Pin(msgspec.Struct, kw_only=True):
        pin: Annotated[int, Secret()]

    with pytest.raises(msgspec.ValidationError) as caught:
        fill(Pin, {"pin": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_the_settings_of_halo_and_xero_can_be_drawn() -> None:
    from xerotui.xero.connections import XeroSettings
    from xerotui_halo.settings import HaloSettings

    for struct in (HaloSettings, XeroSettings):
        drawn = fields(struct)
        assert {f.name for f in drawn if f.secret} == {"client_secret"}
        assert all(f.title for f in drawn)
        assert all(str(f.default) in f.choices for f in drawn if f.choices and f.default is not None)
