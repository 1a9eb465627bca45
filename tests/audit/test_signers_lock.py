"""The signers' lock: one signs at a time, and the log knows the place by an id."""

import errno
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from incidents.audit.log import signers_lock
from incidents.audit.log.signers_lock import HeldError
from incidents.errors import FileError
from incidents.system import private_file

NOBODY = (65_534, 65_534)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Where a key would be."""
    (tmp_path / "a").mkdir()
    return tmp_path / "a" / "audit.key"


def id_of(key: Path) -> str:
    with signers_lock.held(key) as found:
        return found


def test_the_id_of_a_place_stays(key: Path, tmp_path: Path) -> None:
    assert signers_lock.place_id(key) is None
    first = id_of(key)

    assert id_of(key) == signers_lock.place_id(key) == first
    key.parent.rename(tmp_path / "moved")
    assert id_of(tmp_path / "moved" / "audit.key") == first


def test_a_copy_of_the_folder_has_no_id_until_it_gets_one_of_its_own(
    key: Path, tmp_path: Path
) -> None:
    first = id_of(key)
    shutil.copytree(key.parent, tmp_path / "b")
    copied = tmp_path / "b" / "audit.key"

    assert signers_lock.place_id(copied) is None
    assert id_of(copied) != first
    assert id_of(key) == first


def test_a_copy_on_another_disk_has_no_id_though_its_file_has_the_same_number(
    tmp_path: Path,
) -> None:
    """Two empty disks give their files the same numbers one after another."""
    with ExitStack() as disks:
        one, two = (disks.enter_context(empty_disk(tmp_path / name)) for name in ("one", "two"))
        first = id_of(one / "audit.key")
        subprocess.run(["cp", "-a", f"{one}/.", f"{two}/"], check=True)
        number, copied = (signers_lock.lock_file(at / "audit.key").stat() for at in (one, two))
        assert number.st_ino == copied.st_ino

        assert signers_lock.place_id(two / "audit.key") is None
        assert id_of(two / "audit.key") != first
        assert id_of(one / "audit.key") == first


@contextmanager
def empty_disk(at: Path) -> Iterator[Path]:
    """It takes root, as every mount does."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "disk", str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def test_a_place_stays_when_its_disk_is_mounted_elsewhere_and_its_file_given_away(
    key: Path, tmp_path: Path
) -> None:
    first = id_of(key)
    file = signers_lock.lock_file(key)
    os.chown(file, 1_000, 1_000)
    os.utime(file, (0, 0))
    file.chmod(0o640)
    (tmp_path / "there").mkdir()
    subprocess.run(["mount", "--bind", str(key.parent), str(tmp_path / "there")], check=True)
    try:
        assert id_of(tmp_path / "there" / "audit.key") == first
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path / "there")], check=True)


def test_where_nobody_could_tell_when_the_file_was_made_its_number_alone_counts_for_good(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as old:
        old.setattr(signers_lock, "birth_time", lambda _: None)
        first = id_of(key)
        assert id_of(key) == first

    assert id_of(key) == first
    monkeypatch.setattr(signers_lock, "birth_time", lambda _: 1)
    assert id_of(key) == first


def test_under_a_simulated_clock_nobody_can_tell_when_the_file_was_made(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = id_of(key)
    monkeypatch.setenv("FAKETIME", "-1d")
    with signers_lock.lock_file(key).open("rb") as opened:
        assert private_file.birth_time(opened.fileno()) is None
    assert id_of(key) == first


def test_who_holds_the_lock_is_named_after_a_while(key: Path) -> None:
    with signers_lock.held(key):
        with pytest.raises(HeldError, match=rf"lock is in use, last by process {os.getpid()} on "):
            lock_at_once(key)
        assert signers_lock.place_id(key) is not None

    lock_at_once(key)


def lock_at_once(key: Path) -> None:
    with signers_lock.held(key, patience_s=0):
        pass


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"audit\.key\.signed\.lock cannot be written"):
        id_of(tmp_path / "no" / "audit.key")


def test_whose_a_lock_is_that_is_not_ones_own_is_told_with_the_cure(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    id_of(key)
    stat, uid = Path.stat, os.geteuid()

    def owned(self: Path, **options: bool) -> os.stat_result:
        found = stat(self, **options)
        return os.stat_result([*found[:4], 4_000_000_001, *found[5:10]]) if self in of else found

    monkeypatch.setattr(Path, "stat", owned)
    monkeypatch.setattr(os, "open", refuse)
    lock = signers_lock.lock_file(key)
    # Root has made it, beside one's own key.
    of = {lock}
    with pytest.raises(FileError, match=rf"belongs to 4000000001.*chown -h {name(uid)} {lock}$"):
        id_of(key)
    # Key and folder are another one's.
    of = {lock, key.parent}
    with pytest.raises(FileError, match=r"runuser -u 4000000001 -- incidents …$"):
        id_of(key)


def name(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name


def test_what_root_makes_belongs_to_whom_the_key_or_its_folder_belongs(key: Path) -> None:
    os.chown(key.parent, *NOBODY)
    lock = signers_lock.lock_file(key)
    id_of(key)
    assert (lock.stat().st_uid, lock.stat().st_gid) == NOBODY

    lock.unlink()
    key.touch()
    id_of(key)
    assert lock.stat().st_uid == 0


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_lock_that_another_user_has_linked_to_a_file_of_root_is_refused(
    key: Path, tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    """Else that user could let root overwrite any file, and give it away."""
    os.chown(key.parent, *NOBODY)
    roots = tmp_path / "roots"
    roots.write_text("secret")
    link(signers_lock.lock_file(key), roots)

    with pytest.raises(FileError, match=r"lock cannot be written: .*remove"):
        id_of(key)

    assert (roots.read_text(), roots.stat().st_uid) == ("secret", 0)
