"""A process: one program, run with all its child processes until it ends or times out.

The command is a list of arguments from the settings. No shell parses them.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from incidents.enforcement.running_programs import RUNNING
from incidents.errors import Cause
from incidents.settings.options import Options
from incidents.system import umask


def command_words(options: Options, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The arguments of a command from the settings, or the default.

    Raises:
        SettingError: if the arguments are invalid, or contain a NUL, which no program accepts.
    """
    found = options.words(key)
    if any("\0" in word for word in found):
        raise options.wrong(
            key, Cause.of("must_texts_no_null", "a list of texts without the character U+0000")
        )
    return found or default


def needed_command(options: Options, key: str) -> tuple[str, ...]:
    """The arguments of a required command. Raises the same errors as `command_words`."""
    found = command_words(options, key)
    if not found:
        raise options.wrong(
            key, Cause.of("must_command", "there: the words of a command, as a list of texts")
        )
    return found


def absolute_folder(options: Options, default: str = "/") -> Path:
    """The setting `folder`, or the default.

    Raises:
        SettingError: if the folder is not an absolute path.
    """
    found = options.path("folder") or Path(default)
    if not found.is_absolute() or "\0" in str(found):
        raise options.wrong("folder", Cause.of("must_full_folder", "a folder, written from / on"))
    return found


MAX_OUTPUT_BYTES = 65_536
MAX_LINE_CHARACTERS = 200
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_CHUNK_BYTES = 65_536
# A pipe holds a MiB at most; a process left behind may write forever.
_READS_AT_THE_END = 16
_TERM_GRACE_S = 0.5
_KILL_GRACE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The result of a program, with the last 64 KiB that it wrote to each stream.

    `status`: the exit status, None if there is none. `problem`: None if the status is 0, otherwise
    a code: `exit_N`, `signal_N` or `timeout`; if the program never started, `not_found`,
    `not_executable`, `no_folder` or `not_started`. `detail`: a sentence, if the program did not
    cause the problem.
    """

    status: int | None = None
    problem: str | None = None
    detail: str | None = None
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def errors(self) -> list[str]:
        """The non-empty lines of the standard error, printable, each of at most 200 characters."""
        return _lines(self.stderr)

    @property
    def lines(self) -> list[str]:
        """The non-empty lines of the standard output, printable, each of at most 200 characters."""
        return _lines(self.stdout)


def run(
    command: Sequence[str],
    *,
    timeout_s: float,
    given: bytes = b"",
    folder: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
) -> Completed:
    """Run a program without a shell, in a session of its own, with `given` on its standard input.

    The program inherits nothing from this process's environment: PATH, LANG and HOME are fixed, and
    `environment` is added. When the time is up, its whole process group gets SIGTERM, and SIGKILL
    within half a second. If the program ends in time, its children continue to run, and the call
    does not wait for their output. The call takes at most a second longer than `timeout_s`.
    """
    full_environment = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/", **(environment or {})}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=full_environment,
            bufsize=0,
            start_new_session=True,
            # A web server may have to read the files that it makes.
            umask=umask.initial(),
        )
    except OSError as error:
        return _not_started(command[0], folder, error)
    running = _Running(process, given)
    try:
        with RUNNING.listed(process.pid):
            in_time = running.ends_by(time.monotonic() + timeout_s)
            if not in_time:
                running.stop()
            return running.ended(None if in_time else timeout_s)
    finally:
        running.close()


def missing(
    command: Sequence[str],
    *,
    folder: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
) -> str | None:
    """A sentence that says why this user cannot start that program now; None if the user can."""
    if not folder.is_dir():
        return Cause.of("no_folder", "there is no folder {folder}", folder=folder)
    program, path = command[0], {"PATH": PATH, **(environment or {})}["PATH"]
    given = str(folder / program) if "/" in program else program
    if shutil.which(given, path=path):
        return None
    if shutil.which(given, mode=os.F_OK, path=path):
        return Cause.of("may_not_run", "{program} may not be run", program=program)
    return Cause.of("no_program", "there is no program {program}", program=program)


class _Running:
    """A running process, whose pipes are read and written so that neither side blocks."""

    def __init__(self, process: subprocess.Popen[bytes], given: bytes) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._unwritten = memoryview(given)
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr
        self._read = {self._stdout: bytearray(), self._stderr: bytearray()}
        self._end = os.pidfd_open(process.pid)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._end, selectors.EVENT_READ)
        for pipe in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(pipe.fileno(), False)
            writes = pipe is self._stdin
            event = selectors.EVENT_WRITE if writes else selectors.EVENT_READ
            self._selector.register(pipe, event, data=self._write if writes else self._read_once)

    def ends_by(self, deadline: float) -> bool:
        """Return whether the process ends by that monotonic time, without reaping it."""
        while (left := deadline - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                if key.data is None:
                    self._drain()
                    return True
                key.data(key.fileobj)
        return False

    def stop(self) -> None:
        """End the process and its group; its ID is not reused before the process is reaped."""
        self._signal(signal.SIGTERM)
        self.ends_by(time.monotonic() + _TERM_GRACE_S)
        self._signal(signal.SIGKILL)
        self.ends_by(time.monotonic() + _KILL_GRACE_S)

    def ended(self, stopped_after_s: float | None) -> Completed:
        """The result of the process; a process that survives SIGKILL is reaped by a later start."""
        code = self._process.poll()
        status, problem, detail = None, None, None
        if stopped_after_s is not None:
            problem, detail = "timeout", f"it was stopped after {stopped_after_s:g} s"
        elif code is not None and code < 0:
            problem, detail = f"signal_{-code}", f"it was killed by {_signal_name(-code)}"
        else:
            status = code
            problem = f"exit_{code}" if code else None
        stdout, stderr = bytes(self._read[self._stdout]), bytes(self._read[self._stderr])
        return Completed(
            status=status, problem=problem, detail=detail, stdout=stdout, stderr=stderr
        )

    def close(self) -> None:
        """Close the pipes, even if other processes still hold the other ends."""
        self._selector.close()
        os.close(self._end)
        for pipe in (self._stdin, self._stdout, self._stderr):
            pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        # Gone, or owned by another user (sudo): nothing more can be done.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _write(self, pipe: object) -> None:
        assert pipe is self._stdin
        try:
            written = os.write(self._stdin.fileno(), self._unwritten[:_CHUNK_BYTES])
        except BrokenPipeError:
            # It did not read all its input, or none: the program decides what it needs.
            written = len(self._unwritten)
        self._unwritten = self._unwritten[written:]
        if not self._unwritten:
            self._selector.unregister(self._stdin)
            self._stdin.close()

    def _read_once(self, pipe: object) -> bool:
        """Read once, keep the last part, and return whether there might be more."""
        source = self._stdout if pipe is self._stdout else self._stderr
        try:
            part = os.read(source.fileno(), _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not part:
            self._selector.unregister(source)
            source.close()
            return False
        kept = self._read[source]
        kept += part
        del kept[:-MAX_OUTPUT_BYTES]
        return True

    def _drain(self) -> None:
        """Read the remaining output, without waiting for processes that still hold the pipes."""
        for pipe in (self._stdout, self._stderr):
            for _ in range(_READS_AT_THE_END):
                if pipe.closed or not self._read_once(pipe):
                    break


def _not_started(program: str, folder: Path, error: OSError) -> Completed:
    if not folder.is_dir():
        return Completed(problem="no_folder", detail=f"there is no folder {folder}")
    if isinstance(error, FileNotFoundError):
        return Completed(problem="not_found", detail=f"there is no program {program}")
    if isinstance(error, PermissionError):
        return Completed(problem="not_executable", detail=f"{program} may not be run")
    return Completed(problem="not_started", detail=f"{program} cannot be started: {error.strerror}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _lines(written: bytes) -> list[str]:
    lines = written.decode("utf-8", "replace").splitlines()
    shown = ("".join(filter(str.isprintable, line)).strip() for line in lines)
    return [each[:MAX_LINE_CHARACTERS] for each in shown if each]
