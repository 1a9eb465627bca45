"""Faults of the log: consistent whatever is cut off, and nothing signed that was not stored."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import PostgresqlDatabases, memory_folder
from tests.fire import log_faults
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


@pytest.mark.parametrize("name", ["checkpoint", "daemon --once"])
def test_an_error_or_a_kill_at_each_writing_call_leaves_a_log_that_goes_on(
    rig: log_faults.Rig, name: str
) -> None:
    figures = log_faults.each(rig, BY_NAME[name])

    assert figures["EIO"] >= 10
    assert figures["KILL"] >= 10


@pytest.mark.parametrize("name", ["key new", "key rotate"])
def test_nor_does_a_fault_while_keys_are_made_and_replaced(rig: log_faults.Rig, name: str) -> None:
    figures = log_faults.each(rig, BY_NAME[name], step=3)

    assert figures["faults"] >= 6


@pytest.mark.parametrize("act", ACTS, ids=[act.name for act in ACTS])
def test_nor_does_a_kill_on_the_way_to_a_server(
    server: FaultServer, postgresql_databases: PostgresqlDatabases, tmp_path: Path, act: Act
) -> None:
    killed = 0
    for n in (4, 8, 12, 16):
        here = tmp_path / str(n)
        here.mkdir()
        with postgresql_databases.at_head() as url:
            killed += log_faults.killed(server, url, here, act, n)

    assert killed >= 1
