"""The mark: what is known outside of a database to have been in it, in a file of its own."""

import errno
import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from incidents.enforcement import mark as marks
from incidents.enforcement.mark import Mark, MarkFile
from incidents.errors import FileError
from incidents.system import disk

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
ONE, OTHER = "00" * 8, "ff" * 8
WHOLE = {"identity": ONE, "epoch": 1, "entry": 2, "leaf": "00", "at": AT.isoformat()}


def of(epoch: int, entry: int) -> Mark:
    return Mark(identity=ONE, epoch=epoch, entry=entry, leaf=f"{entry:064x}", at=AT)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return marks.mark_path(tmp_path / "audit.key")


def test_a_mark_is_read_as_it_was_kept_and_each_database_has_its_own(file: Path) -> None:
    MarkFile(file, ONE).advance(of(332, 12))

    assert MarkFile(file, ONE).read() == of(332, 12)
    assert MarkFile(file, OTHER).read() is None


@pytest.mark.parametrize("lower", [of(1, 90), of(0, 2_000), of(1, 100)])
def test_a_mark_is_never_replaced_by_a_lower_one(file: Path, lower: Mark) -> None:
    """Nor by one of a daemon that has never seen the higher one."""
    MarkFile(file, ONE).advance(of(1, 100))

    MarkFile(file, ONE).advance(lower)

    assert MarkFile(file, ONE).read() == of(1, 100)


def test_a_higher_one_of_an_epoch_that_has_fewer_entries_replaces_it(file: Path) -> None:
    kept = MarkFile(file, ONE)
    for each in (of(1, 100), of(2, 90), of(2, 91)):
        kept.advance(each)
        assert MarkFile(file, ONE).read() == each


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "\x00", "{", pytest.param("[" * 200_000, id="deep"),
        *(
            json.dumps(WHOLE | wrong)
            for wrong in (
                {"epoch": None}, {"epoch": True}, {"epoch": -1}, {"epoch": 10**9}, {"epoch": "1"},
                {"entry": None}, {"entry": 2**63}, {"entry": 1.5}, {"at": None}, {"at": "soon"},
                {"at": "0001-01-01T00:00:00+23:00"}, {"identity": OTHER}, {"identity": None},
            )
        ),
    ],
)  # fmt: skip
def test_what_is_no_mark_holds_nothing_up_and_is_put_aside(file: Path, text: str) -> None:
    own = file.with_name(f"{file.name}-{ONE}")
    own.write_text(text)

    assert MarkFile(file, ONE).read() is None

    MarkFile(file, ONE).advance(of(0, 1))
    assert MarkFile(file, ONE).read() == of(0, 1)
    assert own.with_name(f"{own.name}.wrong").read_text() == text


def test_what_was_put_aside_before_stays(file: Path) -> None:
    own = file.with_name(f"{file.name}-{ONE}")
    for n, text in enumerate(("rubbish", "other rubbish"), start=1):
        own.write_text(text)
        MarkFile(file, ONE).advance(of(0, n))

    assert own.with_name(f"{own.name}.wrong").read_text() == "rubbish"
    assert own.with_name(f"{own.name}.wrong-2").read_text() == "other rubbish"
    assert MarkFile(file, ONE).read() == of(0, 2)


def test_a_mark_that_cannot_be_read_is_named_and_not_replaced(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(file: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(file))

    kept = MarkFile(file, ONE)
    kept.advance(of(1, 9))
    with monkeypatch.context() as patch:
        patch.setattr(disk, "read", refuse)
        with pytest.raises(FileError, match=rf"{ONE} cannot be read: Permission denied"):
            kept.read()
        MarkFile(file, ONE).advance(of(1, 10))
        assert "Permission denied" in capsys.readouterr().err

    assert kept.read() == of(1, 9)
    kept.advance(of(1, 10))
    assert kept.read() == of(1, 10)


def test_a_mark_that_was_removed_is_written_again_though_nothing_new_is_known(file: Path) -> None:
    kept = MarkFile(file, ONE)
    kept.advance(of(1, 9))
    file.with_name(f"{file.name}-{ONE}").unlink()

    assert kept.read() is None
    kept.advance(of(1, 9))

    assert kept.read() == of(1, 9)


def test_a_mark_is_kept_in_a_folder_that_is_made_for_it(tmp_path: Path) -> None:
    file = marks.mark_path(tmp_path / "new" / "key" / "audit.key")

    MarkFile(file, ONE).advance(of(0, 1))

    assert MarkFile(file, ONE).read() == of(0, 1)


def test_a_disk_that_takes_no_mark_is_told_of_once(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.parent.rmdir()
    file.parent.write_text("no folder")
    kept = MarkFile(file, ONE)
    for n in range(1, 4):
        kept.advance(of(0, n))
    [told] = capsys.readouterr().err.splitlines()
    assert json.loads(told)["event"] == "the mark cannot be written"


def test_who_was_halted_while_it_wrote_a_mark_holds_nobody_up(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("incidents.system.disk.time.sleep", waited.append)
    lock = file.with_name(f"{file.name}-{ONE}{marks.LOCK}")
    kept = MarkFile(file, ONE)
    with lock.open("w") as halted:
        fcntl.flock(halted, fcntl.LOCK_EX)
        kept.advance(of(0, 1))
        assert kept.read() is None
        assert "the mark cannot be written" in capsys.readouterr().err
        # No order waits any longer, whoever hangs.
        assert 0 < sum(waited) <= 2

    kept.advance(of(0, 1))
    assert kept.read() == of(0, 1)


@pytest.mark.parametrize("suffix", ["", marks.LOCK])
def test_no_mark_is_kept_by_root_where_another_user_has_put_a_link(
    file: Path, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roots = tmp_path / "roots"
    roots.write_text("secret")
    file.parent.joinpath(f"{file.name}-{ONE}{suffix}").symlink_to(roots)
    os.chown(file.parent, 65_534, 65_534)

    MarkFile(file, ONE).advance(of(0, 1))

    assert (roots.read_text(), roots.stat().st_uid) == ("secret", 0)
    assert "it is a link: remove it" in capsys.readouterr().err


def test_a_mark_that_root_keeps_is_its_owners_as_its_lock_is(file: Path) -> None:
    os.chown(file.parent, 65_534, 65_534)

    MarkFile(file, ONE).advance(of(0, 1))

    own = file.with_name(f"{file.name}-{ONE}")
    assert {each.name: each.stat().st_uid for each in file.parent.iterdir()} == {
        own.name: 65_534,
        own.name + marks.LOCK: 65_534,
    }
