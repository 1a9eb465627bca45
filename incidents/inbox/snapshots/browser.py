"""The browser that draws pages: a Chromium without a network, which is asked over a pipe.

It speaks the Chrome DevTools Protocol. Whatever it wants to load, it asks this program for.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from itertools import count
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

from incidents.inbox.children import browser_process

PROGRAMS = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable",
    "google-chrome",
)  # fmt: skip
"""The names of the programs that are looked for, the smallest first."""
MAX_MESSAGE = 32 << 20
"""The maximum number of bytes of one message of the browser."""

_PIECE = 1 << 16
_GRACE_S = 10.0
"""How long the keeper may take to end the browser and to remove its files, in seconds."""
_REASONS = {
    browser_process.NOT_STARTED: "not_started", browser_process.NO_SANDBOX: "no_sandbox",
}  # fmt: skip
# All requests are answered over the pipe. Should one get past that, there is no name, no address
# and no proxy for it: not for the loopback either.
_OPTIONS = (
    "--headless", "--remote-debugging-pipe", "--user-data-dir={folder}/profile",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=http://none.invalid:9",
    "--proxy-bypass-list=<-loopback>", "--dns-prefetch-disable", "--disable-quic", "--no-pings",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--disable-default-apps", "--disable-domain-reliability",
    "--disable-breakpad", "--disable-crash-reporter", "--no-first-run",
    "--no-default-browser-check", "--metrics-recording-only", "--disable-field-trial-config",
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedMode,OptimizationHints,Translate",
    "--password-store=basic", "--disk-cache-size=1", "--disable-gpu", "--disable-dev-shm-usage",
    # A container has no setuid sandbox that works; that of namespaces is the better one.
    "--disable-setuid-sandbox",
    # No page runs a script, so nothing needs memory that is both written and run.
    "--js-flags=--jitless", "--mute-audio", "--hide-scrollbars", "--force-color-profile=srgb",
    "about:blank",
)  # fmt: skip

Message = dict[str, Any]


class BrowserError(Exception):
    """The browser cannot do its work; `reason` is a code: see `screenshot.Screenshot`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def program_at(path: Path | None) -> str | None:
    """The browser's program: that one, or without it the first of `PROGRAMS`; None if none is."""
    names = PROGRAMS if path is None else (str(path),)
    return next(filter(None, map(shutil.which, names)), None)


class Browser:
    """A browser that has started: see `opened`."""

    def __init__(
        self, keeper: subprocess.Popen[bytes], commands: int, answers: int, until: float
    ) -> None:
        self._keeper, self._commands, self._answers = keeper, commands, answers
        self._until = until
        self._numbers, self._lock, self._received = count(1), Lock(), bytearray()
        self.on_event: Callable[[Message], None] = lambda _: None
        """What is done with each event, while `ask` or `wait` waits."""

    def send(self, method: str, session: str | None = None, **params: Any) -> int:
        """Send a command, from any thread; return its number. Raises BrowserError."""
        with self._lock:
            number = next(self._numbers)
            message = {"id": number, "method": method, "params": params}
            if session is not None:
                message["sessionId"] = session
            left = memoryview(json.dumps(message).encode() + b"\0")
            while left:
                try:
                    left = left[os.write(self._commands, left) :]
                except BlockingIOError:
                    if not _is_ready(self._commands, select.POLLOUT, self._until):
                        raise BrowserError("slow") from None
                except OSError as error:
                    raise self._fault() from error
            return number

    def ask(self, method: str, session: str | None = None, **params: Any) -> Message:
        """Send a command, and return its result.

        Raises:
            BrowserError: if there is no result.
        """
        number = self.send(method, session, **params)
        while True:
            message = self._receive(self._until)
            if message is None:
                raise BrowserError("slow")
            if message.get("id") == number:
                if "result" not in message:
                    raise BrowserError("crashed")
                result: Message = message["result"]
                return result

    def wait(self, is_done: Callable[[], bool], until: float) -> None:
        """Take events until it is done, or until that time. Raises BrowserError."""
        while not is_done() and self._receive(min(until, self._until)) is not None:
            pass

    def _receive(self, until: float) -> Message | None:
        """The next message, an event too; None if none has come until then."""
        while (end := self._received.find(0)) < 0:
            if len(self._received) > MAX_MESSAGE:
                raise BrowserError("crashed")
            if not _is_ready(self._answers, select.POLLIN, until):
                return None
            piece = os.read(self._answers, _PIECE)
            if not piece:
                raise self._fault()
            self._received += piece
        try:
            message: Message = json.loads(self._received[:end])
        except ValueError as error:
            raise BrowserError("crashed") from error
        del self._received[: end + 1]
        if "method" in message:
            self.on_event(message)
        return message

    def _fault(self) -> BrowserError:
        """Why the browser has ended."""
        with suppress(subprocess.TimeoutExpired):
            return BrowserError(_REASONS.get(self._keeper.wait(_GRACE_S), "crashed"))
        return BrowserError("crashed")


@contextmanager
def opened(program: str, *, sandbox: bool, until: float) -> Iterator[Browser]:
    """A browser for a `with` block; at its end nothing is left of it.

    `until`: when its work must be done, by the monotonic clock.

    Raises:
        BrowserError: if it cannot start, or as its methods do.
    """
    with ExitStack() as stack:
        try:
            keeper, commands, answers = _started(program, sandbox, stack)
        except OSError as error:
            raise BrowserError("not_started") from error
        yield Browser(keeper, commands.fileno(), answers.fileno(), until)


def _started(
    program: str, sandbox: bool, stack: ExitStack
) -> tuple[subprocess.Popen[bytes], FileIO, FileIO]:
    """The browser's keeper, and the ends of the pipes for commands and answers.

    With the stack they are closed, and the keeper has ended.
    """
    with ExitStack() as its:
        life, our_life = _pipe(its, stack)
        commands, our_commands = _pipe(its, stack)
        our_answers, answers = _pipe(stack, its)
        options = _OPTIONS if sandbox else ("--no-sandbox", *_OPTIONS)
        work = f"from {browser_process.__name__} import main; main()"
        fds = [each.fileno() for each in (life, commands, answers)]
        keeper = subprocess.Popen(
            [sys.executable, "-P", "-c", work, *map(str, fds), program, *options],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            pass_fds=fds, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, process_group=0,
        )  # fmt: skip
    stack.callback(_end, keeper, our_life)
    os.set_blocking(our_commands.fileno(), False)
    return keeper, our_commands, our_answers


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[FileIO, FileIO]:
    """The ends of a new pipe; each is closed with a stack of its own."""
    read, write = os.pipe()
    return reader.enter_context(FileIO(read, "rb")), writer.enter_context(FileIO(write, "wb"))


def _end(keeper: subprocess.Popen[bytes], life: FileIO) -> None:
    """End the keeper by the end of that pipe, and so the browser."""
    life.close()
    try:
        keeper.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()


def _is_ready(descriptor: int, event: int, until: float) -> bool:
    """Whether the descriptor is ready by then; a server may have too many of them for `select`."""
    waiting = select.poll()
    waiting.register(descriptor, event)
    return bool(waiting.poll(max(0.0, until - monotonic()) * 1_000))
