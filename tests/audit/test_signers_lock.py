"""The signers' lock: one signs at a time, and the log knows the place by a word."""

import errno
import os
import pwd
import shutil
from pathlib import Path

import pytest

from incidents.audit import signers_lock
from incidents.audit.signers_lock import HeldError
from incidents.errors import FileError


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Where a key would be."""
    (tmp_path / "a").mkdir()
    return tmp_path / "a" / "audit.key"


def word(key: Path) -> str:
    with signers_lock.held(key) as found:
        return found


def test_the_word_of_a_place_stays(key: Path, tmp_path: Path) -> None:
    assert signers_lock.word(key) is None
    first = word(key)

    assert word(key) == signers_lock.word(key) == first
    key.parent.rename(tmp_path / "moved")
    assert word(tmp_path / "moved" / "audit.key") == first


def test_a_copy_of_the_folder_has_no_word_until_it_gets_one_of_its_own(
    key: Path, tmp_path: Path
) -> None:
    first = word(key)
    shutil.copytree(key.parent, tmp_path / "b")
    copied = tmp_path / "b" / "audit.key"

    assert signers_lock.word(copied) is None
    assert word(copied) != first
    assert word(key) == first


def test_who_holds_the_lock_is_named_after_a_while(key: Path) -> None:
    with signers_lock.held(key):
        with pytest.raises(HeldError, match=rf"lock is held.* process {os.getpid()} on "):
            word_at_once(key)
        assert signers_lock.word(key) is not None

    word_at_once(key)


def word_at_once(key: Path) -> None:
    with signers_lock.held(key, patience_s=0):
        pass


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"audit\.key\.signed\.lock cannot be written"):
        word(tmp_path / "no" / "audit.key")


def test_whose_a_lock_is_that_is_not_ones_own_is_told_with_the_cure(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    word(key)
    stat, uid = Path.stat, os.geteuid()

    def owned(self: Path, **options: bool) -> os.stat_result:
        found = stat(self, **options)
        return os.stat_result([*found[:4], 4_000_000_001, *found[5:10]]) if self in of else found

    monkeypatch.setattr(Path, "stat", owned)
    monkeypatch.setattr(os, "open", refuse)
    lock = signers_lock.lock_file(key)
    # Root has made it, beside one's own key.
    of = {lock}
    with pytest.raises(FileError, match=rf"belongs to 4000000001.*chown {name(uid)} {lock}$"):
        word(key)
    # Key and folder are another one's.
    of = {lock, key.parent}
    with pytest.raises(FileError, match=r"runuser -u 4000000001 -- incidents …$"):
        word(key)


def name(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name


def test_what_root_makes_belongs_to_whom_the_key_belongs(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda file, *owner: given.append((file.name, *owner)))
    stat, uid = Path.stat, key.parent.stat().st_uid

    def owned(self: Path, **options: bool) -> os.stat_result:
        found = stat(self, **options)
        if self != key.parent:
            return found
        return os.stat_result([*found[:4], uid + 1, *found[5:10]])

    monkeypatch.setattr(Path, "stat", owned)
    word(key)

    assert given == [("audit.key.signed.lock", uid + 1, key.parent.stat().st_gid)]
