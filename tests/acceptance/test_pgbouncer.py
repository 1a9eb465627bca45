"""The programs behind pgbouncer in transaction mode, with a pool that is small for them."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance import test_concurrency, test_daemon
from tests.acceptance.daemons import incidents
from tests.api.desk import fill
from tests.api.rig import rig
from tests.databases import PostgresqlDatabases
from tests.pgbouncer import TRACKED, UNTRACKED, pgbouncer

KINDS = pytest.mark.parametrize(
    "tracked", [UNTRACKED, pytest.param(TRACKED, marks=pytest.mark.long)]
)
SITES = [f"s{n}.example" for n in range(2)]


@KINDS
def test_a_record_is_made_enforced_exported_and_verified(
    postgresql_databases: PostgresqlDatabases, tmp_path: Path, tracked: int
) -> None:
    with ExitStack() as stack:
        policy = tmp_path / "policy.toml"
        server = stack.enter_context(postgresql_databases.empty())
        url = stack.enter_context(pgbouncer(server, size=3, tracked=tracked))

        def run(*words: str) -> str:
            env = {"INCIDENTS_AUDIT_KEY": str(tmp_path / "audit.key"), "INCIDENTS_CLOCK": "own"}
            return incidents(url, *words, env=env).stdout

        run("db", "upgrade", "--rehearsal")
        for site in SITES:
            run("site", "add", site)
            run("log", site)
        assert len(json.loads(run("queue", "--json"))["items"]) == len(SITES)
        run("daemon", "--once")
        policy.write_text("[repeat]\ncount = 4\n")
        run("policy", "activate", str(policy), "--reason", "trial")
        run("audit", "key", "new")
        run("audit", "checkpoint")
        run("audit", "export", "--format", "bundle", "-o", str(tmp_path / "whole"))
        run("audit", "verify", str(tmp_path / "whole"))
        run("audit", "verify")
        run("audit", "replay")
        assert incidents(server, "audit", "replay").status == 0


@KINDS
def test_requests_at_one_moment_are_each_answered(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch, tracked: int
) -> None:
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    with pgbouncer(postgresql_url, size=2, tracked=tracked) as pooled, rig(pooled) as api:
        fill(api)
        client = api.client("operator")

        def act(n: int) -> list[int]:
            words = {"note": f"seen {n}", "again": True}
            return [
                client.post("/api/v1/sites/shop.example/incidents", json=words).status_code,
                client.get("/api/v1/sites/shop.example").status_code,
                client.get("/api/v1/queue").status_code,
            ]

        with ThreadPoolExecutor(6) as threads:
            assert set(map(tuple, threads.map(act, range(30)))) == {(201, 200, 200)}
        assert len(api.entries("incident_logged")) == 31


@KINDS
@pytest.mark.long
@pytest.mark.parametrize(
    "holds",
    [
        test_concurrency.test_two_operators_and_three_daemons_on_one_site_are_explained_by_some_order,
        test_daemon.test_any_number_of_daemons_decide_each_site_once,
    ],
)
def test_what_holds_for_processes_at_a_server_holds_behind_a_pooler(
    postgresql_url: str, tmp_path: Path, tracked: int, holds: Callable[[str, Path], None]
) -> None:
    with pgbouncer(postgresql_url, size=3, tracked=tracked) as pooled:
        holds(pooled, tmp_path)
