"""The settings: which says what, in which order, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from incidents.errors import (
    BadTextError,
    EmptyTextError,
    InputError,
    ReservedNameError,
    SettingError,
    SettingsFileError,
    TextTooLongError,
    UnknownSettingError,
)
from incidents.settings import sources
from incidents.values.person_name import TellingNameError


def _file(folder: Path, text: str) -> dict[str, str]:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return {"INCIDENTS_CONFIG": str(file)}


def test_without_anything_said_the_documented_defaults_hold() -> None:
    found = sources.load(environ={})
    assert found.db is None
    assert found.person == found.login == sources.login()
    assert str(found.zone) == "Asia/Shanghai"
    assert found.evidence_limit == 50 * 1024 * 1024
    assert not found.own_clock


def test_an_option_outdoes_the_environment_which_outdoes_the_file(tmp_path: Path) -> None:
    environ = _file(tmp_path, 'as = "file"\nzone = "UTC"\n')
    assert sources.load(environ=environ).person == "file"
    environ["INCIDENTS_AS"] = "environment"
    assert sources.load(environ=environ).person == "environment"
    assert sources.load(environ=environ, person="option").person == "option"
    assert str(sources.load(environ=environ).zone) == "UTC"


@pytest.mark.parametrize("option", ["db", "server"])
def test_an_empty_option_is_refused_and_does_not_mean_the_own_database(option: str) -> None:
    with pytest.raises(InputError, match=rf"^--{option} is empty: write a URL$"):
        sources.load(environ={}, **{option: ""})


def test_a_database_and_a_server_are_not_both_named_as_options() -> None:
    db, server = "sqlite:///desk.db", "https://desk.host.example"
    with pytest.raises(InputError, match=r"^--db and --server exclude each other$"):
        sources.load(environ={}, db=db, server=server)
    assert sources.load(environ={"INCIDENTS_DB": db}, server=server).server == server
    assert sources.load(environ={"INCIDENTS_SERVER": server}, db=db).server is None


def test_an_empty_variable_says_nothing(tmp_path: Path) -> None:
    environ = _file(tmp_path, 'as = "file"\n') | {"INCIDENTS_AS": ""}
    assert sources.load(environ=environ).person == "file"


def test_nobody_can_set_the_login_name(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sources.load(environ={}).login
    for name in ("LOGNAME", "USER", "USERNAME", "LNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert sources.load(environ={}).login == before


def test_evidence_lies_beside_a_sqlite_file(tmp_path: Path) -> None:
    found = sources.load(environ={}, db=f"sqlite:///{tmp_path}/desk.db")
    assert found.evidence == tmp_path / "evidence"


def test_evidence_for_postgresql_lies_in_the_users_data_folder() -> None:
    found = sources.load(environ={}, db="postgresql:///desk")
    assert found.evidence == sources.data_folder() / "evidence"


@pytest.mark.parametrize(
    ("written", "limit"),
    [("1000", 1000), ("3MiB", 3 * 2**20), ("2 GiB", 2 * 2**30), ("5KiB", 5 * 2**10)],
)
def test_a_size_is_a_number_of_bytes_or_has_a_unit(written: str, limit: int) -> None:
    found = sources.load(environ={"INCIDENTS_EVIDENCE_LIMIT": written})
    assert found.evidence_limit == limit


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"INCIDENTS_EVIDENCE_LIMIT": "much"}, "INCIDENTS_EVIDENCE_LIMIT"),
        ({"INCIDENTS_ZONE": "Mars/Base"}, "INCIDENTS_ZONE"),
        ({"INCIDENTS_CLOCK": "mine"}, "INCIDENTS_CLOCK"),
        ({"INCIDENTS_DAEMON_PROCESSES": "3"}, "INCIDENTS_DAEMON_PROCESSES"),
        ({"INCIDENTS_DB_REPLICA_LAG": "soon"}, "INCIDENTS_DB_REPLICA_LAG"),
        ({"INCIDENTS_DB_REPLICA_LAG": "0s"}, "INCIDENTS_DB_REPLICA_LAG"),
        ({"INCIDENTS_DB_REPLICA_LAG": "1h1s"}, "INCIDENTS_DB_REPLICA_LAG"),
    ],
)
def test_a_bad_variable_is_named(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        sources.load(environ=environ)


def test_a_replica_belongs_to_the_database_of_the_settings(tmp_path: Path) -> None:
    environ = _file(
        tmp_path,
        'db = "postgresql:///one"\ndb_replica = "postgresql:///two"\ndb_replica_lag = "2m"\n',
    )
    found = sources.load(environ=environ)
    assert (found.replica, found.replica_lag) == ("postgresql:///two", timedelta(minutes=2))
    assert sources.load(environ=environ, db="postgresql:///three").replica is None
    assert sources.load(environ=environ, server="https://desk.example").replica is None


def test_a_bad_value_in_the_file_is_named_with_the_file(tmp_path: Path) -> None:
    environ = _file(tmp_path, "zone = 8\n")
    with pytest.raises(SettingError, match=r"config\.toml says zone = 8"):
        sources.load(environ=environ)


def test_a_misspelt_key_is_an_error_and_a_section_belongs_to_its_service(tmp_path: Path) -> None:
    with pytest.raises(UnknownSettingError, match="zon"):
        sources.load(environ=_file(tmp_path, 'zon = "UTC"\n'))
    environ = _file(tmp_path, "[daemon]\nbatch = 10\n")
    sources.load(environ=environ)
    assert sources.section("daemon", environ) == {"batch": 10}
    assert sources.section("serve", environ) == {}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'zone = "\xff"', "it is not UTF-8: save it as UTF-8"),
        (b"a = " + b"[" * 20_000, "it is not TOML: it is nested too deeply"),
        (b"a = " + b"9" * 5_000, "it is not TOML: a number in it is too long"),
    ],
)
def test_why_a_file_cannot_be_read_is_said_without_words_about_python(
    tmp_path: Path, content: bytes, why: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsFileError) as refused:
        sources.load(environ={"INCIDENTS_CONFIG": str(file)})
    assert refused.value.message == f"the settings file {file} cannot be read: {why}"


def test_a_file_that_is_not_toml_or_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsFileError, match="not TOML"):
        sources.load(environ=_file(tmp_path, "zone = \n"))
    with pytest.raises(SettingsFileError, match="no such file"):
        sources.load(environ={"INCIDENTS_CONFIG": str(tmp_path / "missing.toml")})


def test_an_unknown_zone_given_as_an_option_is_wrong_usage() -> None:
    with pytest.raises(InputError, match="Mars"):
        sources.load(environ={}, zone="Mars/Base")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("clock", ReservedNameError),
        ("ｃｌｏｃｋ", ReservedNameError),
        ("Clock", ReservedNameError),
        ("courier", ReservedNameError),
        ("daemon", ReservedNameError),
        ("Customer", ReservedNameError),
        ("", EmptyTextError),
        ("  ", EmptyTextError),
        ("x" * 101, TextTooLongError),
        ("li\x00", BadTextError),
        ("li\nwang", BadTextError),
        ("li\udcff", BadTextError),
        ("li@shop.invalid", TellingNameError),
        ("li 5555-0100", TellingNameError),
    ],
)
def test_entries_are_signed_with_a_name_that_can_be_read(name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        sources.load(environ={}, person=name)


def test_the_number_of_an_account_is_no_telephone() -> None:
    assert sources.load(environ={}, person="operator-100200").person == "operator-100200"
