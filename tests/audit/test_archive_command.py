"""`incidents audit archive` as it is typed, and what `verify` and `export` say of parts."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from incidents.cli import main
from incidents.testing import rehearsal as told_clock
from tests.audit.histories import Histories
from tests.audit.old_days import fill, folder_of
from tests.conftest import WriteSettings
from tests.desk.rehearsal import Rehearsal

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def day(
    tmp_path: Path, write_settings: WriteSettings, db_url: str, histories: Histories
) -> Iterator[Rehearsal]:
    write_settings(folder_of(tmp_path / "parts") + 'after = "30d"\n')
    with histories.after(fill, db_url) as day:
        yield day


@pytest.fixture
def typed(day: Rehearsal, db_url: str, capsys: pytest.CaptureFixture[str]) -> Typed:
    """The exit status and the answer to a typed command."""

    def run(command: str, *more: str) -> tuple[int, str, str]:
        with told_clock(day.now):
            status = main([*command.split(), *more, "--db", db_url, "--as", "li"])
        said = capsys.readouterr()
        return status or 0, said.out, said.err

    return run


def test_it_names_each_part_and_why_there_is_no_further_one(typed: Typed, tmp_path: Path) -> None:
    dry = typed("audit archive --entries 256 --dry-run")
    assert dry[1].splitlines()[0].startswith("would archive entries 0 to 255, recorded 2026-03-01")
    assert not (tmp_path / "parts").exists()
    status, out, err = typed("audit archive --entries 256")
    first, second = sorted(file.name for file in (tmp_path / "parts").glob("*part*"))
    assert status == 0
    assert [line.rpartition(" ")[2] for line in out.splitlines()] == [first, second]
    assert out.startswith("archived entries 0 to 255, recorded 2026-03-01")
    # In the zone of all times that people read.
    assert re.search(r"recorded 2026-03-01 \d\d:\d\d", out)
    again = typed("audit archive --entries 256")
    assert again == (0, "", "no part: fewer entries are left than a part holds\n")
    assert err == "no further part: fewer entries are left than a part holds\n"


def test_programs_get_the_digest_of_each_part(typed: Typed, tmp_path: Path) -> None:
    dry = json.loads(typed("audit archive --entries 256 --dry-run --json")[1])
    found = json.loads(typed("audit archive --entries 256 --json")[1])
    assert [(part["first"], part["end"]) for part in found["parts"]] == [(0, 256), (256, 512)]
    unknown = {"file": None, "size": None, "digest": None}
    assert dry == found | {"parts": [part | unknown for part in found["parts"]]}
    for part in found["parts"]:
        assert (tmp_path / "parts" / part["file"]).stat().st_size == part["size"]
        assert part["file"].endswith(f"-{part['digest'][:8]}.db")
    assert found["end"] == {"why": "too_few", "at": None, "order": None}


def test_recent_entries_are_not_archived_whatever_is_typed(typed: Typed) -> None:
    status, _, err = typed("audit archive --before 2026-05-01")
    assert status == 2
    said = "entries stay in the database for at least 30 days: give a time up to "
    [latest] = re.findall(rf"{said}(2026-0\d-\d\d \d\d:\d\d)$", err, re.MULTILINE)
    _, _, err = typed("audit archive --before 2026-05-01 --lang zh")
    assert err.endswith(f"：条目须在数据库中至少保留 30 天：最晚可填 {latest}\n")
    # The one named is taken, and one a minute later is not.
    assert typed("audit archive --dry-run --before", latest)[0] == 0
    later = datetime.fromisoformat(latest) + timedelta(minutes=1)
    assert typed("audit archive --dry-run --before", f"{later:%Y-%m-%d %H:%M}")[0] == 2


@pytest.mark.parametrize("given", ["0", "100", "300"])
def test_the_number_of_entries_in_a_part_must_be_a_multiple_of_256(
    typed: Typed, given: str
) -> None:
    wrong = f"audit archive --entries {given}"
    said = f"a part cannot have {given} entries: give a multiple of 256, at least 256"
    assert typed(wrong) == (2, "", f"incidents: {said}\n")
    assert typed(f"{wrong} --lang zh")[2] == (
        f"incidents：分卷不能含 {given} 条条目：请写 256 的倍数，至少为 256\n"
    )


def test_verify_and_export_say_how_many_parts_they_read(typed: Typed, tmp_path: Path) -> None:
    typed("audit archive --entries 256")
    status, _, err = typed("audit verify --no-policy")
    assert status == 0
    assert "  proven: 2 archive parts read in full\n" in err
    assert json.loads(typed("audit verify --json")[1])["archive"] == {"parts": 2, "read": 2}
    _, _, err = typed(f"audit export -o {tmp_path}/all.jsonl")
    assert err.endswith("read 2 archive parts\n")
    typed("audit verify --since auto")
    _, _, err = typed("audit verify --since auto")
    assert "reused: 2 archive parts before that checkpoint" in err


def test_a_missing_part_ends_a_command_with_one_sentence(typed: Typed, tmp_path: Path) -> None:
    typed("audit archive --entries 256")
    first, _ = sorted((tmp_path / "parts").glob("*part*"))
    first.unlink()
    for command in ("audit verify", "audit export", "audit replay", "orders show 1-o5"):
        status, _, err = typed(command)
        assert status == 1, command
        assert f"{first} cannot be read" in err
        assert "Traceback" not in err


def test_a_check_of_the_database_names_each_part_that_is_missing_or_altered(
    typed: Typed, tmp_path: Path
) -> None:
    typed("audit archive --entries 256")
    assert typed("db check")[0] == 0
    assert typed("daemon check")[0] == 0
    first, second = sorted((tmp_path / "parts").glob("*part*"))
    first.rename(tmp_path / first.name)
    second.write_bytes(second.read_bytes().replace(b"gambling", b"gardenin"))
    status, out, err = typed("db check")
    assert status == 1
    assert f"archive part {first.name}: " in out + err
    assert f"archive part {second.name}: " in out + err
    assert "is sound, but archive parts are missing or altered: 2. Copy those files back" in out
    status, out, _ = typed("db check --lang zh")
    missing, altered, _ = out.splitlines()
    assert missing.startswith(f"归档分卷 {first.name}：无法读取 {first}（没有这个文件或文件夹）：")
    assert altered.startswith(f"归档分卷 {second.name}：{second} 已不是当初生成的文件（")
    found = json.loads(typed("db check --json --lang zh")[1])["archive_parts"]
    assert [each["where"] for each in found] == [
        f"archive part {file.name}" for file in (first, second)
    ]
    assert "cannot be read (No such file or directory)" in found[0]["problem"]
    status, _, err = typed("daemon check")
    assert status == 1
    assert f"{first} cannot be read" in err
