"""The runnable pages: what stands in their `console` blocks, as sessions and shell commands.

A reader's page shows commands as they are typed, and what they print:

    $ faketime '2026-03-02 09:00' incidents log shop.example
    1-1 logged on shop.example
    …
    # exit status 3

`faketime` sets the clock (Asia/Shanghai), or `faketime -f '+25h'` moves it on; it then stands.
A line of output must be printed; `…` stands for anything. A block that is preceded by
`<!-- file: NAME -->` is the content of that file. Whatever is not `incidents` is given to the
shell.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tests.docs.session import Main, parse_session, run_session

ROOT = Path(__file__).parents[2]
BEGIN = "2026-03-02T09:00:00+08:00"
"""When a page begins that does not say so."""

_BLOCK = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_FAKETIME = re.compile(
    r"faketime (?:'(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?)'|-f '\+(?P<hours>\d+)h') "
)
_STATUS = re.compile(r"# exit status (?P<status>\d)")
_PARTS = re.compile(r"\s{2,}|\s*…\s*")
_OURS = re.compile(r"(?:[A-Z_]+=\S* )*incidents( |$)")
_REMARK = re.compile(r"\s{2,}# .*$")


@dataclass
class Typed:
    """One command of a page: when it is typed, what it prints, how it ends."""

    line: int
    at: str
    command: str
    printed: list[str] = field(default_factory=list)
    status: int = 0

    @property
    def is_ours(self) -> bool:
        """Whether it is a command of the program, and not the shell's."""
        return _OURS.match(self.command) is not None

    def session(self) -> str:
        """The command in the language of sessions."""
        lines = [f"@ {self.at}", f"$ {self.command}"]
        if self.status:
            lines.append(f"exit {self.status}")
        # A page shows the columns of a pipe as they would look; each field is looked for.
        shown = [part for line in self.printed for part in _parts(line)]
        lines += (f"? output contains {json.dumps(part)}" for part in shown)
        return "\n".join(lines)


def _parts(line: str) -> list[str]:
    """The parts that must be printed, so that no bare number is found within a signature.

    A line without `…` and columns ends where the page ends it.

    So that a bare number is not found somewhere in a signature.
    """
    parts = [part for part in _PARTS.split(line) if part]
    return [f"{line}\n"] if parts == [line] else parts


@dataclass
class WrittenFile:
    """A file that the page tells the reader to write."""

    name: str
    text: str


def read(page: Path) -> Iterator[Typed | WrittenFile]:
    """The steps of a reader, in the order of the page."""
    text, at = page.read_text(encoding="utf-8"), BEGIN
    for block in _BLOCK.finditer(text):
        if block["file"]:
            yield WrittenFile(block["file"], block["text"])
        elif block["kind"] == "console":
            first = text.count("\n", 0, block.start("text")) + 1
            for typed in _typed(block["text"], first, at):
                at = typed.at
                yield typed


def run(
    page: Path,
    main: Main,
    folder: Path,
    environment: Mapping[str, str],
    *,
    without: Container[str] = (),
) -> None:
    """Do all that the page says, in `folder`, without the commands that the caller leaves out.

    Raises SessionFailedError or AssertionError, naming the command.
    """
    waiting: list[str] = []

    def catch_up() -> None:
        if waiting:
            session = parse_session("\n".join(waiting), page.name)
            run_session(session, main, folder, environment)
            waiting.clear()

    for step in read(page):
        if isinstance(step, WrittenFile):
            (folder / step.name).write_text(step.text, encoding="utf-8")
        elif step.command in without:
            continue
        elif step.is_ours:
            waiting.append(step.session())
        elif _is_there(step):
            catch_up()
            _run_in_shell(step, folder, environment)
    catch_up()


def _is_there(step: Typed) -> bool:
    """Whether the program is on this machine; scripts/test installs those for these pages."""
    return shutil.which(step.command.split()[0]) is not None


def _typed(block: str, first: int, at: str) -> Iterator[Typed]:
    typed: Typed | None = None
    for number, line in enumerate(block.splitlines(), first):
        if line.startswith("$ "):
            if typed is not None:
                yield typed
            at, command = _taken_apart(line.removeprefix("$ "), at)
            typed = Typed(number, at, command)
        elif typed is not None:
            _take(typed, line.strip())
    if typed is not None:
        yield typed


def _taken_apart(line: str, at: str) -> tuple[str, str]:
    line = _REMARK.sub("", line)
    found = _FAKETIME.match(line)
    if found is None:
        return at, line
    if found["hours"]:
        later = datetime.fromisoformat(at) + timedelta(hours=int(found["hours"]))
        return later.isoformat(), line[found.end() :]
    day, _, time = found["at"].partition(" ")
    seconds = "" if time.count(":") == 2 else ":00"
    return f"{day}T{time}{seconds}+08:00", line[found.end() :]


def _take(typed: Typed, line: str) -> None:
    if status := _STATUS.fullmatch(line):
        typed.status = int(status["status"])
    elif line and not line.startswith("#"):
        typed.printed.append(line)


def _run_in_shell(step: Typed, folder: Path, environment: Mapping[str, str]) -> None:
    ran = subprocess.run(
        ["bash", "-c", step.command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == step.status, f"line {step.line}: {step.command}\n{ran.stderr}"
    for part in (part for line in step.printed for part in _parts(line)):
        assert part in ran.stdout + ran.stderr, f"line {step.line}: {part!r} in\n{ran.stdout}"
