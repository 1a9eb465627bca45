"""The disk: who has a file to themselves, and that root follows no link that another user has made.

The tests run as root, as the commands do that are tried here.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from incidents.system import disk, private_file

NOBODY = (65_534, 65_534)


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    """A file that nobody but root is to read or to write."""
    file = tmp_path / "roots"
    file.write_text("secret")
    file.chmod(0o600)
    return file


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A name in a folder of another user."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, *NOBODY)
    return folder / "file"


def untouched(roots: Path) -> bool:
    found = roots.stat()
    return (roots.read_text(), found.st_uid, found.st_mode & 0o777) == ("secret", 0, 0o600)


LINKS: list[Callable[[Path, Path], None]] = [Path.symlink_to, Path.hardlink_to]


@pytest.mark.parametrize("link", LINKS)
def test_a_lock_that_is_another_name_of_a_file_is_neither_written_nor_given_away(
    roots: Path, theirs: Path, link: Callable[[Path, Path], None]
) -> None:
    link(theirs, roots)

    with pytest.raises(OSError, match="remove"), disk.locked(theirs, 0.0, NOBODY):
        pass

    assert untouched(roots)


def test_another_name_of_its_own_lock_keeps_no_user_but_root_from_it() -> None:
    """A snapshot by hard links stops nobody from signing: what the user can write is theirs."""
    with tempfile.TemporaryDirectory() as made:
        os.chown(made, *NOBODY)
        lock = Path(made) / "lock"
        os.seteuid(NOBODY[0])
        try:
            with disk.locked(lock, 0.0):
                pass
            lock.with_name("snapshot").hardlink_to(lock)

            with disk.locked(lock, 0.0) as opened:
                assert os.fstat(opened.fileno()).st_nlink == 2
        finally:
            os.seteuid(0)


def test_a_lock_that_is_a_link_makes_no_file_where_it_leads(tmp_path: Path, theirs: Path) -> None:
    theirs.symlink_to(tmp_path / "none")

    with pytest.raises(OSError, match="it is a link"), disk.locked(theirs, 0.0, NOBODY):
        pass

    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("make", [False, True])
def test_what_is_no_file_is_not_waited_for(theirs: Path, make: bool) -> None:
    os.mkfifo(theirs)

    with pytest.raises(OSError, match="not a file"):
        disk.open_own(theirs, make=make)


def test_a_link_is_not_read_but_a_file_with_a_second_name_is(roots: Path, theirs: Path) -> None:
    theirs.symlink_to(roots)
    with pytest.raises(OSError, match="it is a link"):
        disk.read(theirs)

    theirs.unlink()
    theirs.hardlink_to(roots)
    assert disk.read(theirs) == b"secret"


@pytest.mark.parametrize("link", LINKS)
def test_a_whole_file_takes_the_place_of_a_link_and_leaves_what_that_led_to(
    roots: Path, theirs: Path, link: Callable[[Path, Path], None]
) -> None:
    link(theirs, roots)

    disk.write_whole(theirs, [b"whole"], owner=NOBODY)

    assert (theirs.read_text(), theirs.is_symlink(), theirs.stat().st_uid) == (
        "whole",
        False,
        65_534,
    )
    assert untouched(roots)


def test_what_root_makes_is_its_owners_before_it_has_its_name(
    theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may be ended at any moment, and the daemon must be able to use what is there then."""
    found: list[int] = []

    def named(unfinished: Path, *_: object, **__: object) -> None:
        found.append(Path(unfinished).stat().st_uid)

    monkeypatch.setattr(Path, "replace", named)
    monkeypatch.setattr(os, "link", named)
    assert disk.owner_beside(theirs) == NOBODY

    disk.write_whole(theirs, [b"whole"], owner=NOBODY)
    private_file.create(theirs, "key", NOBODY)

    assert found == [65_534, 65_534]


def test_a_lock_is_made_for_its_owner_though_root_may_give_nothing_away(
    theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    with disk.locked(theirs, 0.0, NOBODY):
        assert theirs.stat().st_uid == 65_534
    theirs.unlink()
    monkeypatch.setattr(os, "fchown", refuse)
    with disk.locked(theirs, 0.0, NOBODY):
        assert theirs.stat().st_uid == 0


def test_a_lock_that_is_there_stays_whose_it_is(theirs: Path) -> None:
    """It may be a file of root's that was moved there."""
    theirs.write_text("secret")

    with disk.locked(theirs, 0.0, NOBODY):
        assert theirs.stat().st_uid == 0


def test_a_folder_that_is_a_link_is_not_published(tmp_path: Path, theirs: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    theirs.symlink_to(tmp_path / "private")

    with pytest.raises(OSError, match="theirs"):
        disk.make_readable(theirs)

    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o700


def test_a_user_follows_own_links_and_those_of_root_and_no_others(
    tmp_path: Path, roots: Path, theirs: Path
) -> None:
    own = tmp_path / "own"
    own.symlink_to(theirs)
    theirs.symlink_to(roots)
    assert disk.resolve_links(own) == disk.resolve_links(roots) == roots

    os.chown(theirs, *NOBODY, follow_symlinks=False)
    with pytest.raises(OSError, match=f"{theirs} is a link that another user has made"):
        disk.resolve_links(own)


def test_links_that_lead_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(OSError, match="its links lead in a circle"):
        disk.resolve_links(tmp_path / "a")


def test_a_file_that_has_come_into_the_place_of_a_device_is_not_written(roots: Path) -> None:
    with pytest.raises(OSError, match="another file has come"):
        disk.open_special(roots)

    assert untouched(roots)


def test_who_waits_for_a_lock_has_it_once_it_is_let_go_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, waited = tmp_path / "lock", []
    with ExitStack() as other:
        other.enter_context(disk.locked(file, 0.0))

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                other.close()

        monkeypatch.setattr("incidents.system.disk.time.sleep", sleep)
        with disk.locked(file, 60.0):
            assert len(waited) == 3


def test_who_has_waited_long_enough_for_a_lock_is_told_that_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("incidents.system.disk.time.sleep", waited.append)
    with disk.locked(tmp_path / "lock", 0.0):
        with pytest.raises(BlockingIOError), disk.locked(tmp_path / "lock", 5.0):
            pass

        assert sum(waited) == pytest.approx(5.0)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


# ── Put aside


def test_what_is_put_aside_replaces_nothing_and_the_same_is_kept_once(tmp_path: Path) -> None:
    file = tmp_path / "mark"

    def put_aside(text: str) -> str:
        file.write_text(text)
        return disk.set_aside(file, ".wrong").name

    names = [put_aside(text) for text in ("one", "two", "one", "three", "two")]

    assert names == ["mark.wrong", "mark.wrong-2", "mark.wrong", "mark.wrong-3", "mark.wrong-2"]
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {
        "mark.wrong": "one", "mark.wrong-2": "two", "mark.wrong-3": "three",
    }  # fmt: skip


def test_what_is_put_aside_goes_behind_no_link(roots: Path, theirs: Path) -> None:
    theirs.with_name("file.wrong").symlink_to(roots)
    theirs.write_text("one")

    with pytest.raises(OSError, match="it is a link"):
        disk.set_aside(theirs, ".wrong")

    assert untouched(roots)
    assert theirs.read_text() == "one"
