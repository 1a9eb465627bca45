"""Faults of the log: consistent whatever is cut off, and nothing signed that was not stored."""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import PostgresqlDatabases, memory_folder
from tests.fire import log_faults
from tests.fire.fault_calls import Fault
from tests.fire.fault_server import FaultServer, fault_server
from tests.fire.log_faults import ACTS, BY_NAME, Act


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[log_faults.Rig]:
    folder = tmp_path_factory.mktemp("log-faults")
    if (memory := memory_folder()) is not None:
        folder = memory / f"incidents-log-faults-{os.getpid()}"
    with log_faults.rig(folder) as made:
        yield made
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultServer]:
    with fault_server(tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.mark.parametrize("act", ACTS, ids=[act.name for act in ACTS])
def test_an_error_or_a_kill_at_any_writing_call_leaves_a_log_that_goes_on(
    rig: log_faults.Rig, act: Act
) -> None:
    """Each of them is the long run's: scripts/fire log_faults --chunks 16."""
    figures = log_faults.sample(rig, act, random.Random(f"1 {act.name}"), 5)

    assert figures["faults"] + figures["missed"] == 5
    assert figures["faults"] >= 3


@pytest.mark.parametrize("kind", log_faults.KINDS)
def test_nor_does_one_at_each_sync_and_each_new_name_of_a_checkpoint(
    rig: log_faults.Rig, kind: str
) -> None:
    act = BY_NAME["checkpoint"]
    calls = [c for c in rig.calls(act) if c.name in {"fdatasync", "fsync", "rename"}]

    hit = [rig.fault(act, Fault(call, kind))["faults"] for call in calls]

    assert len(calls) >= 5
    assert all(hit)


@pytest.mark.parametrize("act", ACTS, ids=[act.name for act in ACTS])
def test_nor_does_a_kill_on_the_way_to_a_server(
    server: FaultServer, postgresql_databases: PostgresqlDatabases, tmp_path: Path, act: Act
) -> None:
    killed = 0
    for n in (6, 14):
        here = tmp_path / str(n)
        here.mkdir()
        with postgresql_databases.at_head() as url:
            killed += log_faults.killed(server, url, here, act, n)

    assert killed >= 1
