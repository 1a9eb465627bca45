"""A demonstration in a process of its own, as `incidents demo` begins it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.browser import Chromium
from tests.browser import chromium as start_chromium
from tests.patience import PATIENCE_S, until

_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+\S*")


@dataclass
class Demo:
    """A running demonstration, in a temporary folder and a home of its own."""

    process: subprocess.Popen[str]
    home: Path
    said: list[str] = field(default_factory=list)
    """What it has said on its standard error."""

    def sign_in_link(self) -> str:
        """The next address that signs its visitor in as an operator."""
        assert self.process.stdout is not None
        address = self.process.stdout.readline().strip()
        assert _ADDRESS.fullmatch(address), (address, self.said)
        return address

    def line(self, with_: str) -> str:
        """The line with that text, once it has been said."""
        return until(lambda: next((line for line in self.said if with_ in line), ""), with_)

    def address(self, in_line_with: str) -> str:
        """The address in the line with that text."""
        found = _ADDRESS.search(self.line(in_line_with))
        assert found is not None
        return found[0]

    @property
    def folder(self) -> Path:
        """The folder with its database."""
        [found] = (self.home / "tmp").iterdir()
        return found

    def programs(self) -> dict[int, str]:
        """The processes that belong to it, by id, with their variables."""
        return {pid: words for pid, words in _processes().items() if str(self.home) in words}

    def press_enter(self) -> None:
        """Press Enter in its terminal."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def type(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Type a command in another terminal, as it is told to do."""
        typed = command.replace("incidents", f"{sys.executable} -m incidents")
        return subprocess.run(
            ["bash", "-c", f". {self.folder}/env && {typed}"],
            env=_kept() | variables, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send it that signal, and answer its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def _kept() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}


def _processes() -> dict[int, str]:
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().decode(errors="replace")
            is_zombie = "\nState:\tZ" in (folder / "status").read_text()
        except OSError:
            continue
        if not is_zombie:
            found[int(folder.name)] = variables
    return found


StartDemo = Callable[..., Demo]


@contextmanager
def _started(home: Path, *options: str, **variables: str) -> Iterator[Demo]:
    for folder in ("tmp", "empty"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "incidents", "demo", *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=home / "empty",
        env={**_kept(), "HOME": str(home / "empty"), "TMPDIR": str(home / "tmp"), **variables},
    )  # fmt: skip
    demo = Demo(process, home)

    def hear() -> None:
        assert process.stderr is not None
        demo.said += (line.rstrip("\n") for line in process.stderr)

    hearing = threading.Thread(target=hear)
    hearing.start()
    try:
        yield demo
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        hearing.join(PATIENCE_S)
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[StartDemo]:
    """Starts demonstrations, which end with the test."""
    with ExitStack() as stack:
        yield lambda *options, **variables: stack.enter_context(
            _started(tmp_path, *options, **variables)
        )


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    with start_chromium() as running:
        yield running


@pytest.fixture
def browser(chromium: Chromium) -> Iterator[Chromium]:
    with chromium.in_use():
        yield chromium
