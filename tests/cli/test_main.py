"""Where the program begins and ends: no exception leaves it, and nothing is loaded in vain."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from incidents import installation
from incidents.cli import main
from incidents.cli.action_helps import ACTIONS_AFTER
from incidents.cli.root import COMMANDS
from incidents.cli.sites import COMMANDS as SITE_COMMANDS
from tests.cli.conftest import Cli


def _given(*args: str) -> tuple[str, set[str]]:
    """What a command has printed, and the modules that it has imported by its end."""
    program = (
        "import sys; from incidents.cli import main; "
        f"main({list(args)!r}); print(*sys.modules, file=sys.stderr)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return answer.stdout, set(answer.stderr.split())


def test_help_names_every_command_and_imports_none_of_them() -> None:
    told, loaded = _given("--help")
    for commands in COMMANDS.values():
        for name in commands:
            assert f"  {name} " in told
    assert not {m for m in loaded if m.startswith("incidents.cli.") and m.count(".") > 1} - {
        "incidents.cli.action_helps",
        "incidents.cli.lazy_group",
        "incidents.cli.root",
        "incidents.cli.run",
    }
    assert not loaded & {"sqlalchemy", "rich", "structlog", "transitions", "idna", "zoneinfo"}


def test_each_act_is_listed_whose_row_names_a_command_to_list_it_after() -> None:
    listed = [name for commands in COMMANDS.values() for name in commands]
    listed += [f"site {name}" for commands in SITE_COMMANDS.values() for name in commands]
    assert [typed for typed in ACTIONS_AFTER if typed not in listed] == []


def test_an_act_on_a_pipe_loads_neither_the_orm_nor_alembic_nor_rich(db_url: str) -> None:
    assert main(["site", "add", "a.example", "--db", db_url]) == 0
    _, loaded = _given("log", "a.example", "--db", db_url)
    assert "sqlalchemy" in loaded
    assert not loaded & {"sqlalchemy.orm", "alembic", "rich", "structlog", "apscheduler"}


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"incidents {installation.version()}\n"


def test_what_is_unexpected_is_one_sentence_and_a_pointer(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("Mr Wang's phone")

    monkeypatch.setattr("incidents.app.open_app", fail)
    answer = cli("site", "list")
    assert answer.status == 1
    assert "ZeroDivisionError" in answer.err
    assert "INCIDENTS_DEBUG=1" in answer.err
    assert "Wang" not in answer.err
    assert "Traceback" not in answer.err
    monkeypatch.setenv("INCIDENTS_DEBUG", "1")
    assert "Traceback" in cli("site", "list").err


def test_an_interrupt_ends_it_quietly(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("incidents.app.open_app", interrupt)
    answer = cli("site", "list")
    assert answer.status == 130
    assert answer.err.strip() == ""


def test_a_reader_that_has_gone_is_no_error_to_speak_of() -> None:
    line = f"(sleep 0.2; {sys.executable} -m incidents --help) | true"
    answer = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert answer.stderr == ""


def test_a_locked_database_is_told_in_one_sentence(
    cli: Cli, db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.store.database.engine.BUSY_TIMEOUT_S", 0.1)
    with closing(sqlite3.connect(db_url.removeprefix("sqlite:///"))) as other:
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


def test_streams_that_are_closed_are_no_error(db_url: str) -> None:
    line = f"{sys.executable} -m incidents site add a.example --db {db_url} <&- >&- 2>&-"
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


Completed = Callable[[str, str], list[str]]


@pytest.fixture
def completed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Completed:
    """What Bash is offered for the last of some words."""

    def completed(words: str, db: str) -> list[str]:
        monkeypatch.setenv("INCIDENTS_DB", db)
        monkeypatch.setenv("_INCIDENTS_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main([])
        told = capsys.readouterr()
        assert told.err == ""
        return [line.partition(",")[2] for line in told.out.splitlines() if line]

    return completed


def test_commands_sites_and_ids_are_completed(cli: Cli, completed: Completed, db_url: str) -> None:
    cli("site", "add", "shop.example")
    cli("site", "add", "other.example")
    cli("log", "shop.example")
    assert completed("incidents re", db_url) == [
        "report", "removed", "refused", "recur", "revoke-links", "retention", "recover",
    ]  # fmt: skip
    assert completed("incidents log sh", db_url) == ["shop.example"]
    assert completed("incidents claim 1", db_url) == ["1-1"]
    assert completed("incidents contact 1-1 rea", db_url) == ["reached"]


def test_categories_are_completed_by_their_chinese_names(
    cli: Cli, completed: Completed, db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("site", "add", "shop.example")
    cli("log", "shop.example", "--category", "赌博")
    assert completed("incidents log shop.example --category 赌", db_url) == ["赌博"]
    assert completed("incidents log shop.example --category g", db_url) == ["gambling"]
    monkeypatch.setenv("INCIDENTS_LANG", "zh")
    assert completed("incidents log shop.example --category g", db_url) == ["gambling"]


def test_a_name_is_completed_in_the_form_in_which_it_was_begun(
    cli: Cli, completed: Completed, db_url: str
) -> None:
    for name in ("例子.测试", "例外.测试", "аррӏе.example", "münchen.example"):
        cli("site", "add", name)
    assert completed("incidents log 例", db_url) == ["例外.测试", "例子.测试"]
    assert completed("incidents log 例子", db_url) == ["例子.测试"]
    assert completed("incidents log MÜ", db_url) == ["münchen.example"]
    assert completed("incidents log xn--fsqu", db_url) == ["xn--fsqu00a.xn--0zwm56d"]
    assert completed("incidents log а", db_url) == []


def test_words_that_the_desk_uses_are_completed(
    cli: Cli, completed: Completed, db_url: str
) -> None:
    cli("site", "add", "shop.example")
    cli("log", "shop.example", "--category", "phishing")
    cli("log", "shop.example", "--again")
    cli("log", "shop.example", "--again")
    assert completed("incidents log shop.example --category ph", db_url) == ["phishing"]
    assert completed("incidents filing set shop.example icp_", db_url) == [
        "icp_number=", "icp_licence=",
    ]  # fmt: skip
    assert completed("incidents filing set shop.example --preset aliyun-r", db_url) == [
        "aliyun-registrar"
    ]
    assert completed("incidents done 1", db_url) == ["1-t1"]
    assert completed("incidents done 1-t1 --outcome to", db_url) == ["told"]


def test_a_completion_makes_no_database(completed: Completed, tmp_path: Path) -> None:
    assert completed("incidents log sh", f"sqlite:///{tmp_path}/none.db") == []
    assert list(tmp_path.iterdir()) == []
