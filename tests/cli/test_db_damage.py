"""A damaged SQLite file is found, and not copied."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.damage import DAMAGE, fill
from tests.databases import SqliteDatabases


@pytest.fixture(scope="module")
def whole(sqlite_databases: SqliteDatabases) -> Iterator[Path]:
    with sqlite_databases.at_head() as url:
        file = Path(url.removeprefix("sqlite:///"))
        fill(file)
        yield file


def test_what_is_whole_is_found_to_be(cli: Cli, whole: Path, tmp_path: Path) -> None:
    named = ("--db", f"sqlite:///{whole}")
    checked = cli("db", "check", "--json", *named)
    assert (checked.status, checked.json["damage"], checked.json["not_checked"]) == (0, [], [])
    assert cli("db", "backup", str(tmp_path / "copy.db"), *named).status == 0


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found_and_no_copy_is_made(
    cli: Cli, whole: Path, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "desk"
    folder.mkdir()
    file = folder / "damaged.db"
    shutil.copyfile(whole, file)
    DAMAGE[kind](file)
    named = ("--db", f"sqlite:///{file}")

    checked = cli("db", "check", *named)
    copied = cli("db", "backup", str(tmp_path / "copy.db"), *named)

    *found, said = checked.out.splitlines()
    assert (checked.status, said) == (5, f"{file} is damaged: restore a backup")
    assert found
    assert all(line.startswith("DAMAGED ") for line in found)
    assert (copied.status, copied.out) == (5, "")
    assert f"{file} is damaged and was not copied" in copied.err
    assert list(tmp_path.iterdir()) == [folder]


BEGINNINGS: dict[str, Callable[[bytes], bytes]] = {
    "its first bytes are zeros": lambda whole: bytes(100) + whole[100:],
    "its first page is zeros": lambda whole: bytes(4_096) + whole[4_096:],
    "its first page is another file's": lambda whole: b"Dear customer, " * 300 + whole[4_500:],
    "it is empty": lambda _: b"",
}


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_a_file_whose_beginning_is_damaged_is_found_and_not_copied(
    cli: Cli, whole: Path, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "damaged.db"
    file.write_bytes(BEGINNINGS[kind](whole.read_bytes()))
    named = ("--db", f"sqlite:///{file}")

    checked = cli("db", "check", *named)
    copied = cli("db", "backup", str(tmp_path / "copy.db"), *named)

    *found, said = checked.out.splitlines()
    assert checked.status == 5
    assert said == (
        f"{file} is not a SQLite file: check the path; if the path is right, restore a backup"
    )
    assert found
    assert all(line.startswith("DAMAGED the file: ") for line in found)
    assert (copied.status, copied.out) == (5, "")
    assert list(tmp_path.iterdir()) == [file]


def test_damage_is_named_in_the_language_of_the_person(
    cli: Cli, whole: Path, tmp_path: Path
) -> None:
    file = tmp_path / "damaged.db"
    file.write_bytes(b"")
    named = ("--db", f"sqlite:///{file}", "--lang", "zh")
    assert cli("db", "check", *named).out.startswith("损坏 文件：文件为空\n")
    assert "（文件：文件为空）" in cli("db", "backup", str(tmp_path / "copy.db"), *named).err

    shutil.copyfile(whole, file)
    DAMAGE["an index misses a row"](file)
    assert "损坏 索引 uq_entries_site_id_site_seq：" in cli("db", "check", *named).out


def test_nobody_is_told_to_change_the_mode_of_a_file_that_is_none(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[acts]\n")
    file.chmod(0o644)

    checked = cli("db", "check", "--db", f"sqlite:///{file}")

    assert (checked.status, checked.err) == (5, "")
    assert "is not a SQLite file: check the path" in checked.out


def test_a_file_that_is_not_there_is_missing_and_not_damaged(cli: Cli, tmp_path: Path) -> None:
    checked = cli("db", "check", "--db", f"sqlite:///{tmp_path}/gone.db")
    assert (checked.status, checked.out) == (1, "")
    assert "there is no database" in checked.err
    assert list(tmp_path.iterdir()) == []


def test_programs_are_told_where_the_damage_is(cli: Cli, whole: Path, tmp_path: Path) -> None:
    file = tmp_path / "damaged.db"
    shutil.copyfile(whole, file)
    DAMAGE["an index misses a row"](file)
    named = ("--db", f"sqlite:///{file}")

    checked = cli("db", "check", "--json", *named)
    index = "index uq_entries_site_id_site_seq"
    assert checked.status == 5
    assert index in {each["where"] for each in checked.json["damage"]}
    assert index in cli("db", "check", "-q", *named).out.splitlines()


@pytest.mark.parametrize("kind", ["an interior page is empty", "the schema is no text"])
def test_other_commands_name_the_check(cli: Cli, whole: Path, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "damaged.db"
    shutil.copyfile(whole, file)
    DAMAGE[kind](file)
    looked = cli("audit", "verify", "--db", f"sqlite:///{file}")
    assert looked.status == 1
    assert "is damaged (" in looked.err
    assert "incidents db check shows the damage; restore a backup" in looked.err
