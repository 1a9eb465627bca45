"""The desk of the lost tail: its acts, its final truths, its alarms."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path

from sqlalchemy import select

from incidents import views
from incidents.app import App
from incidents.audit.log import loss, signed_files
from incidents.audit.log.loss import Loss
from incidents.audit.replay import Replay
from incidents.cli import main
from incidents.desk import Envelope
from incidents.desk.activation import LogKey
from incidents.enforcement.port import Delivered, Order, Outcome, State
from incidents.errors import NOT_VERIFIED
from incidents.machine import commands as c
from incidents.machine.command import DAEMON, FORCE
from incidents.settings import sources
from incidents.store.log import lineage
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import leaves
from incidents.store.schema.tables import sites
from incidents.views.left_down import resumptions
from incidents.views.queue import queue_warning
from incidents.views.record_health import record_health, resumed

SITES = tuple(f"site-{n}.example" for n in range(4))

WITHIN_S = (5, 15, 30, 60)

Leaves = tuple[bytes, ...]
Signed = dict[str, list[Leaves]]
"""By each key the histories that it has signed."""

_LATE = timedelta(minutes=2)


class Receiver:
    """It leaves alone what is not higher than what it has seen of a site; it cannot be asked."""

    name = "panel"

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}
        self.sites: dict[str, str] = {}

    def deliver(self, order: Order) -> Outcome:
        self.take(order.site_id, order.site, order.seq, order.kind)
        return Delivered()

    def take(self, site_id: int, site: str, seq: int, kind: str) -> None:
        if seq > self.seen.get(site_id, 0):
            self.seen[site_id] = seq
            self.sites[site] = FORCE[kind]

    def state(self, site: str) -> State | None:  # noqa: ARG002 - it cannot be asked
        return None


@contextmanager
def desk(url: str) -> Iterator[App]:
    """The program's own, until the `with` block ends."""
    app = App(sources.load(db=url))
    try:
        yield app
    finally:
        app.close()


def give(app: App, drawn: random.Random) -> Iterator[str]:
    """Give an act that is possible on a site; return its key when it is acknowledged.

    Raises:
        DatabaseError: when the database is unavailable.
    """
    for name in drawn.sample(SITES, 2):
        with app.reading() as connection:
            state = connection.scalar(select(sites.c.state).where(sites.c.name == name))
        command: c.Command = c.AddSite(by="operator-1")
        if state is not None:
            command = (
                c.LiftHold(by="operator-1", reason="it has ended")
                if state == "suspended"
                else c.SetHold(by="operator-1", reason="by order of a court")
            )
        key = f"{drawn.getrandbits(64):x}"
        [answer] = app.desk.submit([Envelope(site=name, command=command, key=key)])
        assert answer.refusal is None, answer.refusal
        yield key


def on_record(app: App) -> Callable[[str, str | None], None]:
    """The function that puts the log's key on record."""

    def put(key: str, previous: str | None) -> None:
        app.desk.make_log_key(LogKey(key=key, previous=previous, by="sre-1", login=None))

    return put


def numbered(app: App) -> Leaves:
    """The log as it is numbered now."""
    with app.reading() as connection:
        joined = leaves.join(entries, entries.c.id == leaves.c.entry_id)
        wanted = select(entries.c.leaf_hash).select_from(joined).order_by(leaves.c.leaf_index)
        return tuple(map(bytes, connection.scalars(wanted)))


# Checks.


def agreed(took_s: float) -> Counter[str]:
    """World and record agreed so long after somebody could act again, as figures."""
    bound = next((f"{bound} s" for bound in WITHIN_S if took_s <= bound), "more")
    return Counter({f"agreed within {bound}": 1, "ms to agreement": round(1_000 * took_s)})


def differing(app: App, world: Mapping[str, str], *, but: Collection[str] = ()) -> list[str]:
    """The sites whose actual or believed state is not as ordered, `but` for those sites."""
    with app.reading() as connection:
        rows = connection.execute(select(sites.c.name, sites.c.state, sites.c.in_force)).all()
    told = []
    for name, state, in_force in rows:
        if name in but:
            continue
        if in_force != state:
            told.append(f"{name} is {in_force}, and {state} is ordered")
        if world.get(name, "active") != state:
            told.append(f"{name} is not {state} in the world")
    return told


def left(app: App) -> list[str]:
    """The sites that are left down until a person goes on, from the views."""
    with app.reading() as connection:
        found = record_health(connection, app.now(connection))["left_down"]
        if found is None:
            return []
        assert found["count"] == len(found["sites"])
        names: list[str] = found["sites"]
        return names


def unseen(app: App) -> list[str]:
    """New sites that no daemon has looked at since, though the record may have lost them."""
    with app.reading() as connection:
        found = lineage.standing(connection)
        since = found.resumed_at
        if since is None or (found.moved_at is not None and found.lost_since is None):
            return []
        of = sites.c
        new = (of.created_at > since, of.last_act == 0, of.state == of.in_force)
        return list(connection.scalars(select(of.name).where(*new)))


def opened(app: App) -> list[str]:
    """The sites that a daemon has ordered up again by itself."""
    again = entries.c.body.contains('"kind":"order_repeated"')
    with app.reading() as connection:
        found = map(json.loads, connection.scalars(select(entries.c.body).where(again)))
        return [
            each["site"]
            for each in found
            if (each["actor"], each["data"]["order_kind"]) == (DAEMON, "reopen")
        ]


def judge(app: App, receiver: Receiver) -> None:
    """World and record agree, no daemon has opened a site, and the record says that it went on."""
    assert opened(app) == []
    with app.reading() as connection:
        assert list(Replay(connection).findings()) == []
        assert resumed(connection)["resumed"] is not None, "the record does not say that it went on"
    assert differing(app, receiver.sites) == []


def no_fork(signed: Signed) -> None:
    """No key has signed two histories."""
    for key, histories in signed.items():
        histories.sort(key=len)
        for before, after in pairwise(histories):
            assert after[: len(before)] == before, f"two histories under {key}"


# Alarms.


def tells_of_loss(app: App) -> None:
    """Queue and daemons say that the end is lost."""
    assert "lost" in _warnings(app, timedelta(0))
    assert "THE RECORD LOST ITS LATEST ENTRIES" in _said("queue")
    assert "THE RECORD LOST ITS LATEST ENTRIES" in _said("daemon", "status")


def tells_what_is_left(names: Collection[str]) -> None:
    """Queue and daemons name what was left down."""
    for words in (("queue",), ("daemon", "status")):
        told = _said(*words)
        assert f"{len(names)} SITE" in told, told
        assert all(name in told for name in names), told


def tells_that_nothing_is_signed(app: App) -> None:
    """All say so who are asked: queue and daemons when it has lasted for a minute."""
    assert "unsigned" in _warnings(app, _LATE)
    with app.reading() as connection:
        assert record_health(connection, app.now(connection) + _LATE)["unsigned_since"] is not None
    said = _said("audit", "status")
    assert "SIGNING STOPPED" in said, said
    assert "entries were signed, but the log" in _said("audit", "verify", status=NOT_VERIFIED)


def tells_what_was_lost() -> None:
    """Long afterwards, too; and what is there is true."""
    told = _said("audit", "status")
    assert "goes on" in told, told
    assert "SIGNING STOPPED" not in told, told
    _said("audit", "verify", status=0)


def missing(app: App, key_file: Path) -> Loss | None:
    """The known loss of signed entries."""
    files = signed_files.read_folder(key_file)
    with app.reading() as connection:
        return loss.find(connection, files)


def epochs(app: App) -> int:
    """The number of times the record had to go on from less."""
    with app.reading() as connection:
        return len(resumptions(connection))


def _warnings(app: App, after: timedelta) -> set[str]:
    with app.reading() as connection:
        now = app.now(connection) + after
        found = views.queue(connection, now, mine=None, report=app.report_duty)
    return {each.kind for each in queue_warning.warnings_of(found, now)}


def _said(*words: str, status: int | None = None) -> str:
    told = StringIO()
    with redirect_stdout(told), redirect_stderr(told):
        ended = main(list(words))
    assert status in (None, ended), (words, ended, told.getvalue())
    return " ".join(told.getvalue().split())
