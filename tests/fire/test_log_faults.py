"""Faults of the log: consistent whatever is cut off, and nothing signed that was not stored."""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import PostgresqlDatabases, memory_folder
from tests.fire import log_faults
from tests.fire.fault_calls import KILL, Fault
from tests.fire.log_faults import BY_NAME


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[log_faults.Rig]:
    folder = tmp_path_factory.mktemp("log-faults")
    if (memory := memory_folder()) is not None:
        folder = memory / f"incidents-log-faults-{os.getpid()}"
        folder.mkdir()
    yield log_faults.Rig(folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n == "key rotate" else pytest.mark.long) for n in BY_NAME],
)
def test_an_error_or_a_kill_at_any_writing_call_leaves_a_log_that_goes_on(
    rig: log_faults.Rig, name: str
) -> None:
    """Each of them is the long run's: scripts/fire log_faults --chunks 16."""
    figures = log_faults.sample(rig, BY_NAME[name], random.Random(f"1 {name}"), 1)

    assert figures["faults"] + figures["missed"] == 1


@pytest.mark.long
@pytest.mark.parametrize("kind", [KILL])
def test_nor_does_one_at_each_sync_and_each_new_name_of_a_checkpoint(
    rig: log_faults.Rig, kind: str
) -> None:
    act = BY_NAME["checkpoint"]
    calls = [c for c in rig.calls(act) if c.name in {"fdatasync", "fsync", "rename"}]

    hit = [rig.fault(act, Fault(call, kind))["faults"] for call in calls]

    assert len(calls) >= 5
    assert all(hit)


@pytest.mark.long
@pytest.mark.parametrize("name", ["checkpoint", "key rotate"])
def test_nor_does_a_kill_on_the_way_to_a_server(
    postgresql_databases: PostgresqlDatabases, tmp_path: Path, name: str
) -> None:
    with postgresql_databases.at_head() as url:
        assert log_faults.killed(url, tmp_path, BY_NAME[name], 6)
