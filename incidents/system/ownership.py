"""The ownership: what to type so that this user may open a file that it has to open itself."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path
from shlex import quote


def cure(file: Path, key_file: Path) -> str:
    """What lets this user open that file, which has to belong to whom the log's key belongs, or
    which user is to do it; empty where nobody can tell. To be put behind the reason.
    """
    try:
        for folder in reversed(file.parents):
            if not os.access(folder, os.X_OK, effective_ids=True):
                return _of_folder(folder, file, key_file)
        found = file.lstat()
        key = (key_file if key_file.exists() else key_file.parent).stat()
    except OSError:
        return ""
    return _of_file(file, found, is_ours=key.st_uid == os.geteuid())


def _of_folder(folder: Path, file: Path, key_file: Path) -> str:
    owner, told = folder.stat().st_uid, quote(str(folder))
    if owner == os.geteuid():
        return f"; the folder {folder} cannot be entered. Type: chmod u+rwx {told}"
    if folder != file.parent:
        # It may be somebody's home, which is not opened to everybody for a key.
        return (
            f"; the folder {folder} is {_name(owner)}'s and cannot be entered: move {key_file} and"
            f" the files beside it into a folder of {_name(os.geteuid())}, and name it there with"
            " INCIDENTS_AUDIT_KEY"
        )
    name = _name(owner)
    return (
        f"; the folder {folder} belongs to {name}. If that is the wrong user, as root: chown -h"
        f" {_name(os.geteuid())} {told}"
    )


def _of_file(file: Path, found: os.stat_result, *, is_ours: bool) -> str:
    told, name = quote(str(file)), _name(found.st_uid)
    mode = "" if found.st_mode & stat.S_IRUSR and found.st_mode & stat.S_IWUSR else "chmod 0600"
    if found.st_uid == os.geteuid():
        return f"; its mode forbids it. Type: {mode} {told}" if mode else ""
    if not is_ours:
        return (
            f"; it belongs to {name}: run this as {name}. As root: runuser -u {name} -- incidents …"
        )
    also = f" && {mode} {told}" if mode else ""
    return f"; it belongs to {name}. As root: chown -h {_name(os.geteuid())} {told}{also}"


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
