"""The presets: those that come along, a desk's own, and what is told of a bad file."""

from datetime import date
from pathlib import Path

import pytest

from incidents.errors import IncidentsError
from incidents.filing.checks import check
from incidents.filing.presets import (
    SHIPPED,
    PresetError,
    PresetsFileError,
    UnknownPresetError,
    details,
    known,
    read,
)
from incidents.machine.filing import FIELDS

OWN = """
[harbour-access]
access_provider = "Harbour Hosting"
access_method = "hosted_server"
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "presets.toml"


def test_alibaba_cloud_is_an_access_provider_and_a_registrar_as_documented() -> None:
    assert details("aliyun-access") == {
        "access_provider": "阿里云计算有限公司",
        "access_place": "浙江省杭州市余杭区",
        "access_method": "leased_virtual_space",
        "access_phone": "95187",
        "access_code": "673959654",
    }
    assert details("aliyun-registrar") == {"registrar": "阿里云计算有限公司（原万网）"}


def test_nothing_is_wrong_with_the_presets_that_come_along() -> None:
    for preset in read(SHIPPED).values():
        assert set(preset.details) <= set(FIELDS)
        found = check(preset.details, today=date(2026, 3, 1))
        assert {each.verdict for each in found} <= {"ok"}


def test_a_desk_s_own_presets_stand_beside_those_that_come_along(own: Path) -> None:
    own.write_text(OWN, encoding="utf-8")
    assert set(known(own)) == {"aliyun-access", "aliyun-registrar", "harbour-access"}
    assert details("harbour-access", own) == {
        "access_provider": "Harbour Hosting",
        "access_method": "hosted_server",
    }
    assert set(known()) == {"aliyun-access", "aliyun-registrar"}


def test_a_desk_s_own_preset_takes_the_place_of_one_of_the_same_name(own: Path) -> None:
    own.write_text('[aliyun-registrar]\nabout = "ours"\nregistrar = "Other"\n', encoding="utf-8")
    assert known(own)["aliyun-registrar"].about == "ours"
    assert details("aliyun-registrar", own) == {"registrar": "Other"}


def test_what_is_made_of_a_preset_is_the_caller_s_own() -> None:
    details("aliyun-access").clear()
    assert details("aliyun-access")


def test_a_preset_that_there_is_not_is_refused_with_those_that_there_are(own: Path) -> None:
    own.write_text(OWN, encoding="utf-8")
    with pytest.raises(
        UnknownPresetError,
        match="no preset named 'aliyum': use one of aliyun-access, aliyun-registrar, harbour-",
    ):
        details("aliyum", own)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[a]\nregistrer = 'x'", r"says a\.registrer = 'x', but it must be under one of about, "),
        ("[a]\nsubject_name = 'x'", r"says a\.subject_name = 'x', but it must be under one of"),
        ("[a]\nregistrar = 5", r"says a\.registrar = 5, but it must be a text in quotation marks"),
        ("[a]\nregistrar = ' '", r"says a\.registrar = ' ', but it must be a text"),
        ("[a]\nregistrar = [1]", r"says a\.registrar = '…', but it must be a text"),
        ("[a]\nregistrar = 'x\\ny'".replace("'", '"'), r"a text of one line, up to 400 characters"),
        (f"[a]\nregistrar = '{'x' * 401}'", r"a text of one line, up to 400 characters"),
        ("[a]\naccess_method = 'rent'", r"must be one of leased_virtual_space, leased_server,"),
        (
            "[a]\nabout = 'x'",
            r"says a = '…', but it must be a table with at least one of access_provider",
        ),
        ("a = 'x'", r"says a = 'x', but it must be a table of details, headed \[a\]"),
        (
            "[A]\nregistrar = 'x'",
            r"says A = '…', but it must be a table whose name has at most 40 characters of a-z",
        ),
        ("[a", r"is not valid TOML"),
        ("[a]\n[a]", r"is not valid TOML"),
        (f"a = {'[' * 100_000}", r"is not valid TOML"),
    ],
)
def test_a_bad_file_is_told_by_the_key_and_what_must_stand_there(
    own: Path, text: str, told: str
) -> None:
    own.write_text(text, encoding="utf-8")
    with pytest.raises(IncidentsError, match=told) as raised:
        read(own)
    assert isinstance(raised.value, PresetError | PresetsFileError)
    assert str(own) in str(raised.value)


def test_a_file_that_is_not_there_or_no_text_is_told(own: Path) -> None:
    with pytest.raises(PresetsFileError, match="No such file"):
        read(own)
    own.write_bytes("registrar = '阿里云'".encode("gb18030"))
    with pytest.raises(PresetsFileError, match="not UTF-8: save it as UTF-8"):
        read(own)
    own.write_bytes(b"#" * 1_000_001)
    with pytest.raises(PresetsFileError, match="more than 1000000 bytes"):
        read(own)
