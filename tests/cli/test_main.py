"""Where the program begins and ends: no exception leaves it, and nothing is loaded in vain."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from incidents.cli import main
from incidents.cli.root import COMMANDS
from tests.cli.conftest import Cli


def _python(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


def _loaded_by(*args: str, **environment: str) -> set[str]:
    """The modules that a command has imported by its end."""
    program = (
        "import sys; from incidents.cli import main; "
        f"main({list(args)!r}); print(*sys.modules, file=sys.stderr)"
    )
    return set(_python("-c", program, **environment).stderr.split())


def test_help_names_every_command_and_imports_none_of_them() -> None:
    answer = _python("-m", "incidents", "--help")
    assert answer.returncode == 0
    for commands in COMMANDS.values():
        for name in commands:
            assert f"  {name} " in answer.stdout
    loaded = _loaded_by("--help")
    assert not {m for m in loaded if m.startswith("incidents.cli.") and m.count(".") > 1} - {
        "incidents.cli.root",
        "incidents.cli.run",
    }
    assert not loaded & {"sqlalchemy", "rich", "structlog", "transitions", "idna", "zoneinfo"}


def test_an_act_on_a_pipe_loads_neither_the_orm_nor_alembic_nor_rich(sqlite_url: str) -> None:
    assert (
        _python("-m", "incidents", "site", "add", "a.example", "--db", sqlite_url).returncode == 0
    )
    loaded = _loaded_by("log", "a.example", "--db", sqlite_url)
    assert "sqlalchemy" in loaded
    assert not loaded & {"sqlalchemy.orm", "alembic", "rich", "structlog", "apscheduler"}


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from incidents import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"incidents {__version__}\n"


def test_what_is_unexpected_is_one_sentence_and_a_pointer(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("Mr Wang's phone")

    monkeypatch.setattr("incidents.bootstrap.open_house", fail)
    answer = cli("site", "list")
    assert answer.status == 1
    assert "ZeroDivisionError" in answer.err
    assert "INCIDENTS_DEBUG=1" in answer.err
    assert "Wang" not in answer.err
    assert "Traceback" not in answer.err
    monkeypatch.setenv("INCIDENTS_DEBUG", "1")
    assert "Traceback" in cli("site", "list").err


def test_an_interrupt_ends_it_quietly(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("incidents.bootstrap.open_house", interrupt)
    answer = cli("site", "list")
    assert answer.status == 130
    assert answer.err.strip() == ""


def test_a_reader_that_has_gone_is_no_error_to_speak_of() -> None:
    line = f"(sleep 0.2; {sys.executable} -m incidents --help) | true"
    answer = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert answer.stderr == ""


def test_a_locked_database_is_told_in_one_sentence(
    cli: Cli, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.store.engine.BUSY_TIMEOUT_S", 0.1)
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = cli("site", "add", "a.example")
    assert answer.status == 1
    assert "try again" in answer.err
    assert len(answer.err.splitlines()) == 1


def test_a_server_that_is_not_there_is_told_in_one_sentence(cli: Cli) -> None:
    answer = cli("site", "list", "--db", "postgresql://nobody@localhost:1/desk")
    assert answer.status == 1
    assert "postgresql://nobody@localhost:1/desk" in answer.err
    assert len(answer.err.splitlines()) == 1


def test_streams_that_are_closed_are_no_error(sqlite_url: str) -> None:
    line = f"{sys.executable} -m incidents site add a.example --db {sqlite_url} <&- >&- 2>&-"
    assert subprocess.run(["bash", "-c", line], check=False).returncode == 0


def test_options_follow_the_verb_and_a_near_miss_is_offered(cli: Cli) -> None:
    assert "Did you mean 'queue'?" in cli("queu").err
    assert "Did you mean 'show'?" in cli("site", "shwo").err
    assert "--note" in cli("log", "a.example", "--nite", "x").err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed(cli: Cli, shell: str) -> None:
    answer = cli("completion", shell)
    assert answer.status == 0
    assert "_INCIDENTS_COMPLETE" in answer.out


def _completed(words: str, db: str) -> list[str]:
    answer = _python(
        "-m", "incidents", INCIDENTS_DB=db, _INCIDENTS_COMPLETE="bash_complete",
        COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1),
    )  # fmt: skip
    assert answer.stderr == ""
    return [line.partition(",")[2] for line in answer.stdout.splitlines() if line]


def test_commands_sites_and_ids_are_completed(cli: Cli, sqlite_url: str) -> None:
    cli("site", "add", "shop.example")
    cli("site", "add", "other.example")
    cli("log", "shop.example")
    assert _completed("incidents re", sqlite_url) == [
        "release", "removed", "refused", "recur", "reported", "retention",
    ]  # fmt: skip
    assert _completed("incidents log sh", sqlite_url) == ["shop.example"]
    assert _completed("incidents claim 1", sqlite_url) == ["1-1"]
    assert _completed("incidents contact 1-1 rea", sqlite_url) == ["reached"]


def test_a_completion_makes_no_database(tmp_path: Path) -> None:
    assert _completed("incidents log sh", f"sqlite:///{tmp_path}/none.db") == []
    assert list(tmp_path.iterdir()) == []
