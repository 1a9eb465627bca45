"""The keeper of a browser: a process that starts it, and leaves nothing of it behind.

A browser has many processes, and some outlive it. The keeper ends all of them and removes their
files, also when the process that wanted the browser was killed.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

NOT_STARTED, NO_SANDBOX = 3, 4
"""The exit status of the keeper: the program cannot be started, or only without its sandbox."""
MAX_BYTES = 1 << 30
"""The limit of the data of each of the browser's processes."""
MAX_FILE_BYTES = 128 << 20
"""The limit of each file that it writes."""
WITHIN_S = 120.0
"""The maximum life of a browser, whatever the process that wanted it does."""

_ROOT, _NOBODY = 0, 65_534
_SUBREAPER = 36
_FIRST_FREE = 10
_IN, _OUT = 3, 4
"""The descriptors by which a browser takes and answers commands (--remote-debugging-pipe)."""
# What a browser says that has no right to make namespaces, or that runs as root.
_SANDBOX_WORDS = ("no usable sandbox", "without --no-sandbox")
_MAX_SAID = 1 << 16


def main() -> None:
    """Keep a browser as long as the pipe from the process that wanted it is open.

    Arguments: the descriptor of that pipe, those of the commands and of the answers, and the
    program with its options. Of these, `{folder}` stands for the folder of its files.
    """
    life, commands, answers = map(int, sys.argv[1:4])
    # So that what the browser's processes leave behind belongs to this one.
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    folder = Path(tempfile.mkdtemp(prefix="incidents-browser-"))
    status = 0
    try:
        status = _keep(life, (commands, answers), sys.argv[4:], folder)
    finally:
        _end_all()
        shutil.rmtree(folder, ignore_errors=True)
    # Without the clean-up of the interpreter, since all is done.
    os._exit(status)


def _keep(life: int, pipes: tuple[int, int], program: list[str], folder: Path) -> int:
    """Start the browser, and wait for its end or that of the pipe; return the exit status."""
    # First away from the places where they are to be.
    ends = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE) for each in (*pipes, life)]
    for each in (*pipes, life):
        os.close(each)
    os.dup2(ends[0], _IN)
    os.dup2(ends[1], _OUT)
    life = ends[2]
    for each in ends[:2]:
        os.close(each)
    _limit()
    said = folder / "said"
    try:
        with said.open("wb") as stderr:
            browser = _started(program, folder, stderr.fileno())
    except OSError:
        return NOT_STARTED
    os.close(_IN)
    os.close(_OUT)
    watched = os.pidfd_open(browser.pid)
    ended, _, _ = select.select([life, watched], [], [], WITHIN_S)
    if watched not in ended:
        return 0
    with said.open("rb") as file:
        words = file.read(_MAX_SAID).decode("utf-8", "replace").lower()
    return NO_SANDBOX if any(each in words for each in _SANDBOX_WORDS) else NOT_STARTED


def _started(program: list[str], folder: Path, stderr: int) -> subprocess.Popen[bytes]:
    """Start the program, which sees nothing of this process's environment.

    As root it would have no sandbox, so it runs as nobody, where there is such a user.
    """
    at = str(folder)
    env = {
        "PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": at, "TMPDIR": at,
        "XDG_CONFIG_HOME": at, "XDG_CACHE_HOME": at, "XDG_RUNTIME_DIR": at,
    }  # fmt: skip
    own = [each.replace("{folder}", at) for each in program]

    def start(user: int | None = None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            own, env=env, cwd=at, pass_fds=(_IN, _OUT), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
            user=user, group=user, extra_groups=None if user is None else (),
        )  # fmt: skip

    if os.geteuid() == _ROOT:
        with suppress(OSError):
            os.chown(folder, _NOBODY, _NOBODY)
            return start(_NOBODY)
    return start()


def _limit() -> None:
    with suppress(OSError):
        os.nice(5)
    for kind, most in (
        (resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, MAX_BYTES),
        (resource.RLIMIT_FSIZE, MAX_FILE_BYTES),
    ):  # fmt: skip
        hard = resource.getrlimit(kind)[1]
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (limit, limit))


def _end_all() -> None:
    """Kill all processes below this one, and wait for them."""
    while True:
        for each in _children():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(each, signal.SIGKILL)
        try:
            # The children of the one that has ended are children of this process now.
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    own = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(each) for each in own.read_text().split()]
