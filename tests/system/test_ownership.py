"""The ownership: the suggested command makes the file accessible to the user."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from incidents.system import private_file

NOBODY, STRANGER = 65_534, 4_000_000_001


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that anybody can come to, and where the key is nobody's."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    own = made / "the key"
    own.mkdir()
    own.chmod(0o755)
    os.chown(own, NOBODY, NOBODY)
    yield own
    shutil.rmtree(made)


def as_nobody(what: Callable[[], str]) -> str:
    os.seteuid(NOBODY)
    try:
        return what()
    finally:
        os.seteuid(0)


def read(file: Path) -> str:
    try:
        return file.read_text()
    except PermissionError:
        return private_file.ownership_fix(file, file.with_name("audit.key"))


def typed(told: str) -> None:
    command = re.split("Type: |s root: ", told)[-1]
    subprocess.run(["sh", "-c", command], check=True)


def spoilt(folder: Path, how: str) -> Path:
    file = folder / "audit.key.mark-00"
    file.write_text("mark")
    file.chmod(0o600)
    os.chown(file, NOBODY, NOBODY)
    if how == "owner":
        os.chown(file, 0, 0)
    elif how == "owner and mode":
        os.chown(file, 0, 0)
        file.chmod(0)
    elif how == "mode":
        file.chmod(0)
    elif how == "folder":
        os.chown(folder, 0, 0)
        folder.chmod(0o700)
    elif how == "mode of the folder":
        folder.chmod(0o600)
    elif how == "folder above":
        folder.parent.chmod(0o700)
    return file


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("owner", "; it belongs to root. As root: chown -h nobody '{file}'"),
        ("owner and mode", "As root: chown -h nobody '{file}' && chmod 0600 '{file}'"),
        ("mode", "; its mode forbids it. Type: chmod 0600 '{file}'"),
        (
            "folder",
            "belongs to root. If that is the wrong user, as root: chown -h nobody '{folder}'",
        ),
        ("mode of the folder", "Type: chmod u+rwx '{folder}'"),
    ],
)
def test_what_is_typed_lets_the_user_read_it(folder: Path, how: str, told: str) -> None:
    file = spoilt(folder, how)

    found = as_nobody(lambda: read(file))

    assert found.endswith(told.format(file=file, folder=folder, above=folder.parent))
    typed(found)
    assert as_nobody(lambda: read(file)) == "mark"


def test_no_folder_above_is_opened_to_everybody_and_the_key_is_to_be_moved(folder: Path) -> None:
    file = spoilt(folder, "folder above")

    found = as_nobody(lambda: read(file))

    assert found == (
        f"; the folder {folder.parent} is root's and cannot be entered: move {folder}/audit.key and"
        " the files beside it into a folder of nobody, and name it there with INCIDENTS_AUDIT_KEY"
    )


def test_where_the_key_is_another_ones_the_user_is_told_to_be_the_wrong_one(folder: Path) -> None:
    file = spoilt(folder, "owner")
    os.chown(file, STRANGER, STRANGER)
    os.chown(folder, STRANGER, STRANGER)

    found = as_nobody(lambda: read(file))

    assert found.endswith(f"run this as {STRANGER}. As root: runuser -u {STRANGER} -- incidents …")


def test_nothing_is_told_where_nobody_can_tell(folder: Path) -> None:
    file = spoilt(folder, "no way")
    assert as_nobody(lambda: private_file.ownership_fix(file, folder / "audit.key")) == ""
    assert private_file.ownership_fix(folder / "gone", folder / "audit.key") == ""
