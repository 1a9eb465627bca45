"""A pytest plugin: the processor seconds of each test and fixture, its servers' included.

`scripts/test --profile` loads it. A row a test and a fixture goes into PROCESSOR_TIME_FILE; what
they add up to is printed by scripts/processor_time.py.
"""

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

# A worker's children, and the servers that have left it, bear its mark in their environment.
_MARK = "PROCESSOR_TIME_WORKER"
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
# Its last number is that of the latest process or thread.
_LOAD = Path("/proc/loadavg")


class Meter:
    """Processor seconds of this process and of all that it has started, since it began."""

    def __init__(self) -> None:
        os.environ[_MARK] = str(os.getpid())
        self._mark = f"{_MARK}={os.getpid()}".encode()
        self._others = {os.getpid()}
        # Living ones that we started; and servers that have left us, with what each has spent.
        self._ours: set[int] = set()
        self._spent_by_servers: dict[int, float] = {}
        self._latest = ""
        self._most = 0.0

    def read(self) -> float:
        """The seconds until now; those of a server are kept beyond its end."""
        own = os.times()
        total = own.user + own.system + own.children_user + own.children_system
        # A parent comes before its children, as it was started before them.
        for pid in sorted(self._living()):
            total += self._of(pid)
        total += sum(self._spent_by_servers.values())
        # When a browser ends, what its processes have spent falls to whoever takes orphans.
        self._most = max(self._most, total)
        return self._most

    def _living(self) -> set[int]:
        """The processes that may be ours: others are looked for only after a start."""
        latest = _LOAD.read_text().split()[-1]
        if latest == self._latest:
            return self._ours
        self._latest = latest
        names = os.listdir("/proc")  # noqa: PTH208 - at each fixture, and at half the cost
        living = {int(name) for name in names if name.isdigit()}
        self._others &= living | {os.getpid()}
        self._ours &= living
        return living - self._others

    def _of(self, pid: int) -> float:
        """The seconds of a living child of ours; a server's are written down instead."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        parent, spent = int(fields[1]), sum(map(int, fields[11:15])) * _TICK_S
        # A browser's processes write their names over their environment.
        has_parent_here = parent == os.getpid() or parent in self._ours
        if pid not in self._ours and not has_parent_here and not self._started_here(pid):
            self._others.add(pid)
            return 0.0
        self._ours.add(pid)
        if has_parent_here:
            return spent
        self._spent_by_servers[pid] = spent
        return 0.0

    def _started_here(self, pid: int) -> bool:
        try:
            return self._mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False


class ProcessorTime:
    """Write the cost of each test and of each fixture's setup."""

    def __init__(self, file: Path, suite: str) -> None:
        self._rows = file.with_name(f"{file.stem}-{os.getpid()}.jsonl").open("a", buffering=1)
        self._suite = suite
        self._meter = Meter()
        self._last = self._meter.read()
        # The cost of fixtures within the present one, which is theirs.
        self._inner = [0.0]

    def pytest_collection_finish(self) -> None:
        # The cost of collecting belongs to no test.
        self._last = self._meter.read()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        try:
            return (yield)
        finally:
            now = self._meter.read()
            row = {"kind": "test", "suite": self._suite, "test": item.nodeid}
            self._write({**row, "seconds": now - self._last})
            self._last = now

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any]
    ) -> Generator[None, object, object]:
        if not fixturedef.baseid:  # pytest's own, and parameters
            return (yield)
        began = self._meter.read()
        self._inner.append(0.0)
        try:
            return (yield)
        finally:
            spent = self._meter.read() - began
            own = spent - self._inner.pop()
            self._inner[-1] += spent
            name = f"{fixturedef.baseid}::{fixturedef.argname}"
            self._write({"kind": "fixture", "name": name, "seconds": own})

    def _write(self, row: dict[str, Any]) -> None:
        self._rows.write(json.dumps(row) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    # The process that only hands tests out to workers runs none itself.
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return
    file, suite = os.environ.get("PROCESSOR_TIME_FILE"), os.environ.get("PROCESSOR_TIME_SUITE")
    if file and suite:
        config.pluginmanager.register(ProcessorTime(Path(file), suite))
