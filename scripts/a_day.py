"""A day at the desk: the story that the demonstration plays and that the README's picture shows.

Each step is a time and a command line. The clock is simulated (see incidents.testing), the
commands and the database are real.
"""

from __future__ import annotations

import io
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from incidents.cli import main
from incidents.store.database import schema
from incidents.testing import rehearsal

ZONE = "Asia/Shanghai"

STORY = """
# The register has a site, with the person to call.
2026-03-02 08:30  incidents site add shop.example --phone "+86 10 5555 0100"

# A report comes in, and the operator logs it; at 03:02 at night, too.
2026-03-02 09:00  incidents log shop.example --url https://shop.example/pills --category drugs
2026-03-02 09:05  incidents queue
2026-03-02 09:06  incidents contact 1-1 no-answer
2026-03-02 09:40  incidents contact 1-1 left-message --note "with the front desk"

# Nobody is reached within the hour: the daemon suspends the site, for 12 hours (R2). This demo
# has no hosting panel to carry that out, and the program says so: NOTHING IS ENFORCED.
2026-03-02 10:00:01  incidents daemon --once
2026-03-02 10:05  incidents site why shop.example

# Twelve hours later it opens again, and the desk is asked to look once more.
2026-03-02 22:00:02  incidents daemon --once
2026-03-02 22:10  incidents removed 1-1

# Two more violations within 24 hours of the first: the third closes the site (R1).
2026-03-02 23:00  incidents log shop.example --url https://shop.example/casino --category gambling
2026-03-02 23:10  incidents contact 1-2 reached
2026-03-03 08:59  incidents log shop.example --url https://shop.example/lotto --confirm shop.example
2026-03-03 09:00  incidents queue
2026-03-03 09:05  incidents done 1-t2 --outcome told
2026-03-03 09:10  incidents site why shop.example

# For an auditor: each entry as written, and the proof that the tables follow from it.
2026-03-03 09:15  incidents audit export
2026-03-03 09:16  incidents audit replay

# The record becomes a signed log: no change of an entry goes unnoticed any more.
2026-03-03 09:20  incidents audit key new desk.example/log
2026-03-03 09:21  incidents audit checkpoint
2026-03-03 09:22  incidents audit verify
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the story: a remark, or a command at a time with what it printed."""

    remark: str = ""
    at: str = ""
    command: str = ""
    status: int = 0
    printed: str = ""


def play(folder: Path, *, terminal: bool) -> Iterator[Step]:
    """Play the story on a new database in `folder`, step by step."""
    os.environ |= {
        "INCIDENTS_DB": f"sqlite:///{folder / 'demo.db'}",
        "INCIDENTS_AS": "operator-1",
        "INCIDENTS_ZONE": ZONE,
    }
    schema.upgrade(os.environ["INCIDENTS_DB"])
    lines = [line for line in STORY.splitlines() if line]
    with rehearsal(_time("2026-03-02 08:00")) as clock:
        for line in lines:
            if line.startswith("#"):
                yield Step(remark=line.removeprefix("# "))
                continue
            at, command = (part.strip() for part in line.split("  ", 1))
            clock.now = _time(at)
            status, printed = _run(command, terminal=terminal)
            yield Step(at=at, command=command, status=status, printed=printed)


class Screen(io.TextIOWrapper):
    """A command's standard output; a terminal, if it is finally shown on one."""

    def __init__(self, *, terminal: bool) -> None:
        self._bytes = io.BytesIO()
        self._terminal = terminal
        super().__init__(self._bytes, encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        """Whether tables and colours are wanted."""
        return self._terminal

    def text(self) -> str:
        """All that was printed."""
        return self._bytes.getvalue().decode()


def _run(command: str, *, terminal: bool) -> tuple[int, str]:
    screen = Screen(terminal=terminal)
    with redirect_stdout(screen), redirect_stderr(screen):
        status = main(shlex.split(command)[1:])
    return status, screen.text()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE))


def tell(folder: Path) -> int:
    """Print the story as it is played; return 0 if every command did what it should."""
    bold, dim, plain = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")
    failed = 0
    for step in play(folder, terminal=sys.stdout.isatty()):
        if step.remark:
            print(f"\n{dim}# {step.remark}{plain}")
            continue
        print(f"{dim}{step.at}{plain} {bold}$ {step.command}{plain}")
        print(step.printed, end="")
        failed += step.status != 0
    return int(failed > 0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        try:
            status = tell(Path(made))
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has seen enough: `scripts/demo | head`.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = 0
    sys.exit(status)
