"""The database's own commands."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.cli import main
from tests.cli.conftest import REHEARSAL, Cli

DATA = Path(__file__).parent.parent / "data"


@pytest.mark.both_databases
def test_a_fresh_database_is_upgraded_and_checked(cli: Cli, empty_db_url: str) -> None:
    before = cli("db", "check", "--db", empty_db_url)
    assert before.status == 1
    assert "incidents db upgrade" in before.err
    assert cli("db", "upgrade", "--db", empty_db_url).status == 0
    assert cli("db", "upgrade", "--db", empty_db_url).status == 0
    checked = cli("db", "check", "--db", empty_db_url)
    assert checked.status == 0
    assert "up to date" in checked.out


@pytest.mark.parametrize(
    "words",
    [
        "queue", "site list", "site why shop.example", "audit replay", "audit verify",
        "audit export", "daemon status", "daemon --once", "policy show", "account list",
        "simulate tests/data/feed.csv", "db check", "db backup none.copy",
        "site add shop.example", "site add shop.example --dry-run", "account add li --role viewer",
    ],
)  # fmt: skip
def test_a_database_that_was_named_and_is_not_there_is_made_by_no_other_command(
    cli: Cli, tmp_path: Path, words: str
) -> None:
    missing = tmp_path / "mis?typed#%.db"
    answer = cli(*words.split(), "--db", f"sqlite:///{quote(str(missing))}")
    assert (answer.status, answer.out) == (1, "")
    told = (
        f"there is no database {missing}: check the path, or run incidents db upgrade to make a"
        " new one"
    )
    assert told in answer.err
    assert list(tmp_path.iterdir()) == []


def test_the_default_database_is_made_by_the_first_act_and_by_no_look(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INCIDENTS_DB")
    folder = tmp_path / "data"
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    for look in (("queue",), ("daemon", "status"), ("site", "add", "a.example", "--dry-run")):
        assert "run incidents db upgrade to make it" in cli(*look).err
    for refused in ("log a.example", "undo 1-1 --reason typo", "site hold a.example --reason x",
                    "claim 1-1", "hand-over li"):  # fmt: skip
        answer = cli(*refused.split())
        assert (answer.status, answer.out) == (1, ""), refused
        assert "run incidents db upgrade to make it" in answer.err
    assert not folder.exists()
    assert cli("site", "add", "shop.example").status == 0
    assert cli("site", "list", "-q").out == "shop.example\n"


@pytest.mark.parametrize(
    "words", ["site add a.example", "import {data}/history.jsonl", "policy activate {policy}"]
)
def test_each_action_that_can_be_the_first_makes_the_default_database(
    cli: Cli, tmp_path: Path, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch,
    words: str,
) -> None:  # fmt: skip
    clock.move_to("2026-06-01T00:00:00Z")
    monkeypatch.delenv("INCIDENTS_DB")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    policy = tmp_path / "policy.toml"
    policy.write_text("[repeat]\ncount = 4\n")
    reason = ["--reason", "stricter"] if "policy" in words else []
    answer = cli(*words.format(policy=policy, data=DATA).split(), *reason)
    assert answer.status == 0, answer.err
    assert (tmp_path / "data" / "incidents" / "incidents.db").exists()


def test_an_empty_file_that_was_named_is_given_its_tables_by_an_upgrade_alone(
    cli: Cli, tmp_path: Path
) -> None:
    file = tmp_path / "empty.db"
    file.touch()
    named = ("--db", f"sqlite:///{file}")
    for command in (("queue",), ("site", "add", "shop.example")):
        assert "is empty: run incidents db upgrade" in cli(*command, *named).err
    assert file.stat().st_size == 0
    assert cli("db", "upgrade", *named).status == 0
    assert cli("site", "add", "shop.example", *named).status == 0


def test_a_backup_is_a_whole_database_of_its_own(cli: Cli, tmp_path: Path) -> None:
    cli("site", "add", "shop.example")
    copy = tmp_path / "copy.db"
    answer = cli("db", "backup", str(copy), "--json")
    assert answer.json["file"] == str(copy)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.db"]
    cli("site", "add", "later.example")
    assert cli("site", "list", "-q", "--db", f"sqlite:///{copy}").out == "shop.example\n"


def test_a_backup_overwrites_nothing_and_says_what_it_could_not_write(
    cli: Cli, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    assert cli("db", "backup", str(there)).status == 2
    assert there.read_text() == "mine"
    nowhere = cli("db", "backup", str(tmp_path / "no" / "folder" / "copy.db"))
    assert nowhere.status == 1
    assert "cannot be written: its folder is not there" in nowhere.err


def test_a_backup_is_written_to_no_file_that_a_link_in_its_place_leads_to(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever else may write to its folder would let root fill another file."""
    roots, connect = tmp_path / "roots", sqlite3.connect
    roots.touch()

    def connect_late(file: object, *given: object, **options: object) -> sqlite3.Connection:
        if isinstance(file, Path):
            file.unlink()
            file.symlink_to(roots)
        return connect(file, *given, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sqlite3, "connect", connect_late)
    answer = cli("db", "backup", str(tmp_path / "copy.db"))

    assert (answer.status, roots.read_bytes()) == (1, b"")
    assert "copy.db cannot be written: another file has come into its place" in answer.err
    assert [file.name for file in tmp_path.iterdir()] == ["roots"]


def test_on_postgresql_it_says_how(cli: Cli, postgresql_url: str, tmp_path: Path) -> None:
    answer = cli("db", "backup", str(tmp_path / "copy"), "--db", postgresql_url)
    assert answer.status == 2
    assert "pg_dump" in answer.err


@pytest.mark.parametrize("option", ["-q", "--json"])
def test_a_script_asks_by_the_exit_status(cli: Cli, option: str) -> None:
    answer = cli("db", "check", option)
    assert answer.status == 0
    assert answer.err == ""


def test_a_backup_that_is_used_is_written_ahead_again(cli: Cli, tmp_path: Path) -> None:
    """Or a reader would wait for the writer, and the writer for it."""
    file = tmp_path / "copy.db"
    cli("db", "backup", str(file))
    assert _mode(file) == "delete"
    assert cli("site", "list", "--db", f"sqlite:///{file}").status == 0
    assert _mode(file) == "wal"


def test_a_backup_that_somebody_holds_can_be_looked_into(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    cli("db", "backup", str(file))
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert cli("site", "list", "--db", f"sqlite:///{file}").status == 0


def _mode(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


@pytest.mark.both_databases
def test_a_rehearsal_is_marked_when_it_is_made_and_each_look_and_act_says_so(
    empty_db_url: str, cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_DB", empty_db_url)
    for _ in range(2):
        assert main(["db", "upgrade", "--rehearsal"]) == 0
    capsys.readouterr()
    for typed in ("site add shop.example", "log shop.example", "site why shop.example", "queue",
                  "db check"):  # fmt: skip
        assert main(typed.split()) == 0
        assert capsys.readouterr().err.count(REHEARSAL) == 1, typed
    assert main(["queue", "--json"]) == 0
    said = capsys.readouterr()
    assert (json.loads(said.out)["enforcement"]["rehearsal"], said.err) == (True, "")


@pytest.mark.both_databases
def test_a_database_that_was_made_for_customers_becomes_no_rehearsal(
    empty_db_url: str, cli: Cli
) -> None:
    assert cli("db", "upgrade", "--db", empty_db_url).status == 0
    refused = cli("db", "upgrade", "--rehearsal", "--db", empty_db_url)
    assert (refused.status, "is not a rehearsal and cannot become one" in refused.err) == (1, True)


def test_a_new_database_is_said_to_be_made_and_another_to_be_up_to_date(
    cli: Cli, tmp_path: Path
) -> None:
    file = tmp_path / "new.db"
    first = cli("db", "upgrade", "--db", f"sqlite:///{file}")
    again = cli("db", "upgrade", "--db", f"sqlite:///{file}")

    assert (first.status, first.out) == (0, f"created {file}\n")
    assert (again.status, again.out) == (0, f"{file} is up to date\n")
