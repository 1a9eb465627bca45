"""What the dearest requests cost a server that accepts them, whoever sends them.

Measured: processor seconds of one `incidents serve` process for one request, from its first byte
to the answer's last, of each body in `bench.bodies`: of every operation that takes JSON the dearest
of any shape that is allowed, and texts, lists, files and forms that are as hostile or as long as
they may be. Each comes from an account of its own, in a session. What the server has another
process do (a long trial of policies) is told apart, and has a limit of its own. In the register
stand 5,000 sites, and 95,000 names that are hard to tell apart.

Not measured: requests without a body, PostgreSQL's own processor time, several at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

from bench import bodies
from bench.bodies import Body
from bench.context import Context
from bench.databases import Databases
from bench.register import add_sites, desk_of, logging, site_name, submit
from bench.service import Sending, sending, serving
from bench.trial import Contender, Figure, Target, Trial
from incidents.store.cases import sites
from incidents.store.database import engine as engines
from incidents.store.database.engine import writing

UNIT = "s of a processor"
MOST_S = 1.0
_AT_ONCE = 1_000


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    for databases in context.each():
        yield from _trial(context, databases)


def _trial(context: Context, databases: Databases) -> Iterator[Trial]:
    sites = context.of_size(tiny=20, small=5_000, full=5_000)
    with ExitStack() as stack:
        url = stack.enter_context(databases.new())
        with desk_of(url) as desk:
            add_sites(desk, range(1, sites + 1))
            submit(desk, [(site_name(n), logging(n, 1).command) for n in (1, 2)])
        _name(url, bodies.alike(context.of_size(tiny=20, small=95_000, full=95_000)))
        port = stack.enter_context(serving(url, context.folder / f"bodies-{databases.kind}"))
        send = stack.enter_context(sending(url, port))
        asked: dict[str, list[Body]] = {}
        for body in bodies.of(send.description()):
            if context.size != "tiny" or body.label in asked or len(asked) < 2:
                asked.setdefault(body.label, []).append(body)
        yield Trial(
            scenario="bodies",
            database=databases.kind,
            title="processor time of the dearest requests",
            rounds=1,
            contenders=[
                Contender(name=label, role="ours", run=_dearest(send, label, alike))
                for label, alike in asked.items()
            ],
            targets=[Target(of=label, at_most=MOST_S) for label in asked],
        )


def _name(url: str, names: list[str]) -> None:
    """Puts names into the register, as an act under way does."""
    engine = engines.create(url)
    with writing(engine) as connection:
        for first in range(0, len(names), _AT_ONCE):
            sites.add(connection, names[first : first + _AT_ONCE])
    engine.dispose()


def _dearest(send: Sending, label: str, alike: list[Body]) -> Callable[[], list[Figure]]:
    def run() -> list[Figure]:
        own, started = max(map(send.spent_s, alike))
        apart = [Figure(f"{label}: apart", started, UNIT)] if started else []
        return [Figure(label, own, UNIT), *apart]

    return run
