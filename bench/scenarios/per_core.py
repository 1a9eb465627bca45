"""What a core does in a second: clocks and loggings, by the processor time that they take.

Measured: clocks that one look decides (see `fire`) and loggings one at a time with an address and a
note (see `log_one`), divided by the processor seconds of the client and of the database's server
together; on PostgreSQL also by those of the server alone. On SQLite the client is all there is.

Beside it stands what DBOS publishes of its durable workflows: 43,000 a second on a database server
of 96 vCPUs, clients not counted
(https://www.dbos.dev/blog/benchmarking-workflow-execution-scalability-on-postgres). That is a
stated figure of another machine, and no target.

Not measured: what the kernel does for the disk.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

from bench import checkout
from bench.context import Context
from bench.cost import done
from bench.databases import Databases, PostgresqlDatabases
from bench.meter import processor_s
from bench.tree import Tree
from bench.trial import Contender, Figure, Trial

UNIT = "/core/s"
DBOS, DBOS_A_CORE = "DBOS, workflows, its server alone", 450.0
_ACTS = {"elapse": "clocks", "log": "loggings"}


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    times = context.of_size(tiny=50, small=2_000, full=10_000)
    for databases in context.each():
        yield Trial(
            scenario="per_core",
            database=databases.kind,
            rounds=context.of_size(tiny=1, small=1, full=3),
            title=f"{times:,} clocks and {times:,} loggings, by processor time",
            contenders=[
                Contender(
                    name="DBOS", role="peer", how="as published, per vCPU; not measured here",
                    run=lambda: [Figure(DBOS, DBOS_A_CORE, UNIT)],
                ),
                *(
                    Contender(
                        name=label, role="ours", how="client and server together",
                        run=partial(_a_core, databases, act, label, times),
                    )
                    for act, label in _ACTS.items()
                ),
            ],
        )  # fmt: skip


def _a_core(databases: Databases, act: str, label: str, times: int) -> list[Figure]:
    here = Tree(root=checkout.ROOT, python=sys.executable)
    spent: dict[str, float] = {}
    with databases.new(schema=False) as url:

        def at(stage: str) -> None:
            if isinstance(databases, PostgresqlDatabases):
                spent[stage] = processor_s(databases.server.pid)

        told = done(here, url, act, times, at)
        assert told is not None
    client_s = told["client_s"]
    if not spent:
        return [Figure(label, times / client_s, UNIT)]
    server_s = spent["done"] - spent["ready"]
    return [
        Figure(label, times / (client_s + server_s), UNIT),
        Figure(f"{label}, the server alone", times / server_s, UNIT),
    ]
