"""The long run: chunks of fire one after the other, each with its seed and a line in a log.

    python -m tests.fire.long_run NAME… [--for 30m] [--until 10000] [--chunks 3] [--seed 1]
    python -m tests.fire.long_run status

A kind of fire is a module here with `chunk(seed, folder)`; `UNIT` in it names the figure that
`--until` counts (without it: chunks). Seconds, which are not to be summed, it leaves in the folder
as `measured.json`: `{"seconds": {"WHAT": 1.5}}`; the status shows the median and the longest.

A seed whose chunk is in the log is not run again, unless it failed: so a run that was interrupted
goes on, and one that failed fails again or is mended.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

NAMES = (
    "kills", "faults", "fault_connections", "full_disk", "clocks", "downtime", "hostile", "steps",
    "interleavings", "log_faults", "deliveries", "clicks", "lost_tail", "early", "dead_receiver",
    "upgrades", "failover",
)  # fmt: skip
"""The kinds of fire; each is loaded only when it is asked for."""

ROOT = Path(__file__).parents[2]
LOGS = ROOT / ".fire"
CHUNKS = "chunks"
MEASURED = "measured.json"

FAILED, INTERRUPTED = 1, 130
_UNITS_S = {"s": 1, "m": 60, "h": 3600}

Chunk = Callable[[int, Path], Counter[str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fire, and the log of what was run of it."""

    name: str
    unit: str
    chunk: Chunk
    log: Path

    @classmethod
    def of(cls, name: str, log: Path | None = None) -> Kind:
        """Load the module of a kind.

        Raises:
            SystemExit: if there is no such module.
        """
        module_name = f"tests.fire.{name}"
        if find_spec(module_name) is None:
            raise SystemExit(f"there is no {module_name}")
        module = import_module(module_name)
        return cls(
            name, getattr(module, "UNIT", CHUNKS), module.chunk, log or LOGS / f"{name}.jsonl"
        )

    def done(self) -> Counter[str]:
        """All that was run to a good end, summed."""
        return summed(self.lines())

    def lines(self) -> list[dict[str, Any]]:
        """The lines of its log; other kinds may share the file."""
        return [line for line in read(self.log) if line["kind"] == self.name]

    def next_seed(self, first: int) -> int:
        """The first seed from `first` on that has not been run to a good end."""
        run = {line["seed"] for line in self.lines() if "failed" not in line}
        return next(seed for seed in count(first) if seed not in run)

    def run(self, seed: int) -> str | None:
        """Run one chunk and log it; return the error, if there is one.

        Its folder is left where it was if it failed.
        """
        folder = Path(tempfile.mkdtemp(prefix=f"incidents-fire-{self.name}-{seed}-"))
        line: dict[str, Any] = {
            "kind": self.name, "seed": seed, "began_at": _now(), "code": _code(),
        }  # fmt: skip
        began, failed = time.monotonic(), None
        try:
            line["figures"] = dict(self.chunk(seed, folder))
        except KeyboardInterrupt:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it is told, and the run ends
            failed = line["failed"] = traceback.format_exc()
            line["folder"] = str(folder)
        else:
            measured = folder / MEASURED
            if measured.exists():
                line["measured"] = json.loads(measured.read_text())
            shutil.rmtree(folder, ignore_errors=True)
        line["took_s"] = round(time.monotonic() - began, 1)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as log:
            log.write(json.dumps(line) + "\n")
        return failed


def read(log: Path) -> list[dict[str, Any]]:
    """The lines of a log; one that was cut short is not there."""
    found = []
    for line in log.read_text().splitlines() if log.exists() else []:
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


def summed(lines: Sequence[dict[str, Any]]) -> Counter[str]:
    """The figures of the chunks that ended well, and how many there were."""
    total = Counter[str]()
    for line in lines:
        if "failed" not in line:
            total.update(line["figures"])
            total[CHUNKS] += 1
    return total


def run(
    kinds: Sequence[Kind],
    *,
    seed: int,
    until: int | None = None,
    chunks: int | None = None,
    for_s: float | None = None,
) -> int:
    """Run chunks of each kind in turn until one of the ends is reached; the exit status."""
    deadline = None if for_s is None else time.monotonic() + for_s
    turns, rounds = list(kinds), 0
    while turns and (chunks is None or rounds < chunks):
        for kind in list(turns):
            if until is not None and kind.done()[kind.unit] >= until:
                turns.remove(kind)
                continue
            if deadline is not None and time.monotonic() >= deadline:
                return 0
            failed = _run_one(kind, seed)
            if failed is not None:
                sys.stderr.write(failed)
                return FAILED
        rounds += 1
    return 0


def _run_one(kind: Kind, first_seed: int) -> str | None:
    seed = kind.next_seed(first_seed)
    began = time.monotonic()
    failed = kind.run(seed)
    done = kind.done()
    sys.stdout.write(
        f"{kind.name} seed {seed}: {'FAILED' if failed else 'ok'} in "
        f"{time.monotonic() - began:.0f} s; so far {done[kind.unit]:,} {kind.unit} in "
        f"{done[CHUNKS]:,} chunks\n"
    )
    sys.stdout.flush()
    return failed


def status(logs: Sequence[Path]) -> Iterator[str]:
    """The pieces that were run, in words, kind by kind."""
    lines = [line for log in logs for line in read(log)]
    for name in sorted({line["kind"] for line in lines}):
        own = [line for line in lines if line["kind"] == name]
        failed = sum("failed" in line for line in own)
        took_s = sum(line["took_s"] for line in own)
        yield (
            f"{name}: {len(own) - failed:,} chunks in {took_s / 60:,.0f} minutes, from "
            f"{own[0]['began_at']} to {own[-1]['began_at']}; {failed:,} failed"
        )
        figures = summed(own)
        del figures[CHUNKS]
        yield from (f"  {figures[figure]:>12,} {figure}" for figure in sorted(figures))
        yield from _seconds_of(own)


def _seconds_of(lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The seconds that the chunks measured: how often, the median and the longest."""
    found: dict[str, list[float]] = {}
    for line in lines:
        for what, took_s in line.get("measured", {}).get("seconds", {}).items():
            found.setdefault(what, []).append(took_s)
    for what, took in found.items():
        middle, longest = statistics.median(took), max(took)
        yield f"  {middle:>8,.2f} s median, {longest:>8,.2f} s longest of {len(took)}: {what}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; the exit status is 1 if something is not true, 130 after an interrupt."""
    options = _options(arguments)
    if options.names == ["status"]:
        logs = [options.log] if options.log else sorted(LOGS.glob("*.jsonl"))
        sys.stdout.writelines(f"{line}\n" for line in status(logs))
        return 0
    before = {
        number: signal.signal(number, _interrupt) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        kinds = [Kind.of(name, options.log) for name in options.names]
        return run(
            kinds, seed=options.seed, until=options.until, chunks=options.chunks,
            for_s=options.for_s,
        )  # fmt: skip
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: the chunk in hand is not counted\n")
        return INTERRUPTED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/fire", description="The long runs of tests/fire."
    )
    parser.add_argument("names", nargs="+", choices=(*NAMES, "status"), metavar="NAME")
    parser.add_argument("--for", dest="for_s", type=_seconds, help="so long, as in 30m")
    parser.add_argument("--until", type=int, help="until so much stands in the log")
    parser.add_argument("--chunks", type=int, help="so many chunks of each")
    parser.add_argument("--seed", type=int, default=1, help="of the first chunk (default: 1)")
    parser.add_argument("--log", type=Path, help="default: .fire/NAME.jsonl")
    return parser.parse_args(arguments)


def _seconds(text: str) -> float:
    parts = re.fullmatch(r"(\d+)([smh])", text)
    if parts is None:
        raise argparse.ArgumentTypeError(f"not a time: {text!r} (write 90s, 30m or 2h)")
    return float(int(parts[1]) * _UNITS_S[parts[2]])


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _code() -> str | None:
    """The tested commit, with a plus if the checkout differs from it; None outside of one."""
    words = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


if __name__ == "__main__":
    sys.exit(main())
