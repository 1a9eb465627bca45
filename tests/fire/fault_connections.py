"""Connections that end: at each message of each kind of act, on its way to PostgreSQL or back.

The act is done anew from a copy of the same database, through a wire that cuts before or within a
message, or has the server end the session there. Afterwards an acknowledged act is on record, any
other is there whole or not at all, and the same act with the same key is done exactly once.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from incidents import clock
from incidents.store.database import schema
from tests.acceptance.daemons import engine_of
from tests.databases import PostgresqlDatabases, postgresql_server
from tests.fire import fault_record as checked
from tests.fire.fault_actions import ACTS, Act, make_history, write_files
from tests.fire.fault_calls import room, run_to_the_end
from tests.fire.fault_record import Clean, Record
from tests.fire.fault_wire import (
    BEFORE,
    KILLED,
    PORT,
    TERMINATED,
    TO_SERVER,
    WITHIN,
    Cut,
    Message,
    Wire,
    wire,
)
from tests.nursery import Outcome
from tests.patience import until

UNIT = "cuts"
KEY = "the-key"
PREPARED, EMPTY, RUN = "prepared", "template1", "run"
# A backup is pg_dump's there, and nothing makes a database by using it.
ON_SERVER = tuple(act for act in ACTS if act.name not in ("backup", "first use"))


class Rig:
    """Does acts over the wire, cut or not, each on a fresh copy of the prepared database."""

    def __init__(self, databases: PostgresqlDatabases, over: Wire, folder: Path) -> None:
        self._databases = databases
        self._wire = over
        self._here = folder / "run"
        self._here.mkdir()
        write_files(self._here)
        self._administer("CREATE DATABASE {}", PREPARED)
        schema.upgrade(databases.url(PREPARED), rehearsal=True)
        make_history(databases.url(PREPARED), clock.now())
        self._before = self.record(PREPARED)

    def close(self) -> None:
        """Leave the server as it was."""
        for name in (RUN, PREPARED):
            self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def clean(self, act: Act) -> tuple[Clean, list[Message]]:
        """The act over a whole wire, and the messages that it takes."""
        self._fresh(act)
        ended = self._do(act, None)
        messages = list(self._wire.messages)
        assert ended.status == act.status, (act.name, ended)
        before = Record(()) if act.on_nothing else self._before
        return Clean(ended=ended, steps=self.record().since(before), before=before), messages

    def cut(self, act: Act, clean: Clean, cut: Cut) -> Counter[str]:
        """The act with the cut, and all that must be true afterwards.

        Raises:
            AssertionError: naming the act and the cut.
        """
        self._fresh(act)
        try:
            ended = self._do(act, cut)
            hit = self._wire.was_cut
            if hit and ended.status != act.status:
                assert ended.status == 1, ended
                checked.assert_clear(ended.stderr, sentences=["cannot use the database"])
            else:
                assert ended.status == act.status, ended
            self._wait_until_up()
            whole = checked.whole_or_not_at_all(act, clean, ended, self.record(), as_json=True)
            again = self._do(act, None)
            assert again.status == act.status, ("it does not go on", again)
            checked.assert_done_once(clean, self.record())
        except AssertionError as error:
            error.add_note(f"{act.name}: {cut}")
            raise
        how = cut.how if hit else "missed"
        return Counter({"cuts": hit, how: 1, "done" if whole else "not done": 1})

    def record(self, database: str = RUN) -> Record:
        """The record, checked: dense, and equal to the tables when replayed."""
        with engine_of(self._databases.url(database)) as engine:
            if schema.status(engine) is schema.Status.EMPTY:
                return Record(())
            schema.check(engine)
            return checked.recorded(engine)

    def _do(self, act: Act, cut: Cut | None) -> Outcome:
        words = act.line(self._here, key=KEY, json=True)
        url = f"postgresql:///{RUN}?host={self._wire.folder}&port={PORT}&user=postgres"
        with self._wire.cutting(cut):
            return run_to_the_end(words, env={"INCIDENTS_DB": url})

    def _fresh(self, act: Act) -> None:
        template = EMPTY if act.on_nothing else PREPARED
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", RUN)
        self._administer("CREATE DATABASE {} TEMPLATE {}", RUN, template)
        if act.writes is not None:
            (self._here / act.writes).unlink(missing_ok=True)

    def _administer(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self._databases.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _wait_until_up(self) -> None:
        """A backend that is killed takes all others along, and the server starts anew."""

        def answers() -> bool:
            with suppress(psycopg.OperationalError), psycopg.connect(self._databases.url(RUN)):
                return True
            return False

        until(answers, "the server comes back")


def cuts_of(messages: Sequence[Message]) -> list[Cut]:
    """Every way to end a connection at each message, but for a backend's death."""
    found = []
    for message in messages:
        found += [Cut(BEFORE, message), Cut(WITHIN, message)]
        # The server's own number is known when it has greeted.
        if message.direction == TO_SERVER and message.n > 1:
            found.append(Cut(TERMINATED, message))
    return found


def kills_of(messages: Sequence[Message]) -> list[Cut]:
    """The death of the backend at each message to it; each costs the server a recovery."""
    return [
        Cut(KILLED, message)
        for message in messages
        if message.direction == TO_SERVER and message.n > 1
    ]


@contextmanager
def rig(folder: Path, databases: PostgresqlDatabases) -> Iterator[Rig]:
    """A rig with a wire of its own, and two databases on that server."""
    (folder / "wire").mkdir()
    with wire(_socket_of(databases), folder / "wire", _terminator(databases)) as over:
        made = Rig(databases, over, folder)
        yield made
        made.close()


@contextmanager
def server_and_rig(folder: Path, *, durable: bool = False) -> Iterator[Rig]:
    """With a server of its own; `durable` for one whose backends are killed."""
    with postgresql_server(durable=durable) as databases, rig(folder, databases) as made:
        yield made


def _socket_of(databases: PostgresqlDatabases) -> Path:
    with psycopg.connect(databases.url("postgres")) as connection:
        return Path(connection.info.host, f".s.PGSQL.{connection.info.port}")


def _terminator(databases: PostgresqlDatabases) -> Callable[[int], object]:
    def terminate(backend: int) -> None:
        with psycopg.connect(databases.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))

    return terminate


def sample(rig: Rig, act: Act, chance: random.Random, size: int) -> Counter[str]:
    """Some cuts of the act, drawn by chance; figures of what was hit."""
    clean, messages = rig.clean(act)
    figures = Counter[str](acts=1, messages=len(messages))
    cuts = cuts_of(messages)
    for cut in chance.sample(cuts, min(size, len(cuts))):
        figures += rig.cut(act, clean, cut)
    return figures


SLICES = 8
_ROUND = len(ON_SERVER) * SLICES


def chunk(seed: int, folder: Path) -> Counter[str]:
    """The slice number `seed` of all cuts; each second round the backends are killed instead.

    Raises:
        AssertionError: naming the act, the cut and what was not true.
    """
    turn, place = divmod(seed, _ROUND)
    number, which = divmod(place, SLICES)
    act, kills = ON_SERVER[number], turn % 2 == 1
    figures = Counter[str]()
    with (
        room("fault_connections", seed, folder) as here,
        server_and_rig(here, durable=kills) as made,
    ):
        clean, messages = made.clean(act)
        figures["messages"] += len(messages) if which == 0 else 0
        cuts = kills_of(messages) if kills else cuts_of(messages)
        for cut in cuts[which::SLICES]:
            figures += made.cut(act, clean, cut)
    return figures
