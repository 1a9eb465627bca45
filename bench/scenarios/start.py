"""Starting the program, beside a Python that imports what it needs and does nothing.

Measured: milliseconds from the start of a process to its end, of `incidents --help`, and of
`incidents log` on an existing database: one round is one process each. The floors are
`python -c pass`, `python -c 'import click'`, and `python -c 'import sqlalchemy.orm'` with 100 ms
added for all that a logging does beside that.

Not measured: a cold disk; the files have been read before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import count

from bench.context import Context
from bench.databases import Databases
from bench.program import INCIDENTS, measured
from bench.register import add_sites, address, desk_of, site_name
from bench.trial import Contender, Figure, Role, Target, Trial

UNIT = "ms"
_CLICK, _WITH_ORM = "import click", "import sqlalchemy.orm, and 100 ms"
_HELP = "incidents --help"


def trials(context: Context) -> Iterator[Trial]:
    """One trial with both kinds of database."""
    rounds = context.of_size(tiny=2, small=10, full=30)
    with ExitStack() as stack:
        contenders = [
            _process("python -c pass", "floor", [sys.executable, "-c", "pass"]),
            _process(_CLICK, "floor", [sys.executable, "-c", "import click"]),
            _process(_WITH_ORM, "floor", [sys.executable, "-c", "import sqlalchemy.orm"], 100.0),
            _process(_HELP, "ours", [*INCIDENTS, "--help"]),
        ]
        contenders += [_logging(databases, rounds, stack) for databases in context.each()]
        yield Trial(
            scenario="start",
            database=" and ".join(context.databases),
            title="from the start of a process to its end",
            rounds=rounds,
            contenders=contenders,
            targets=[
                Target(of=_HELP, against=_CLICK, at_most=1.3),
                *(
                    Target(of=_log(databases), against=_WITH_ORM, at_most=1.4)
                    for databases in context.each()
                ),
            ],
        )


def _process(label: str, role: Role, command: Sequence[str], more_ms: float = 0.0) -> Contender:
    return Contender(
        name=label, role=role,
        run=lambda: [Figure(label, measured(command).took_s * 1_000 + more_ms, UNIT)],
    )  # fmt: skip


def _log(databases: Databases) -> str:
    return f"incidents log, {databases.kind}"


def _logging(databases: Databases, rounds: int, stack: ExitStack) -> Contender:
    """`incidents log`, each time on another site."""
    url = stack.enter_context(databases.new())
    with desk_of(url) as desk:
        add_sites(desk, range(1, rounds + 1))
    sites = count(1)
    label = _log(databases)

    def once() -> list[Figure]:
        site = next(sites)
        ended = measured([
            *INCIDENTS, "log", site_name(site), "--url", address(site, 1), "--as", "operator-1",
            "--db", url,
        ])  # fmt: skip
        return [Figure(label, ended.took_s * 1_000, UNIT)]

    return Contender(name=label, role="ours", run=once)
