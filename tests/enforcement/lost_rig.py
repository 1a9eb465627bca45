"""A desk whose database is put back as it was before, and a receiver by the documented rule."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from incidents import clock
from incidents.app import App
from incidents.audit.replay import Replay
from incidents.daemon import recovery_duty
from incidents.daemon.delivery import Delivery
from incidents.desk import Envelope
from incidents.desk.resumption import ASKED, Resumption
from incidents.enforcement import comparison
from incidents.enforcement.continuity import Continuity, HaltedError
from incidents.enforcement.mark import MarkFile
from incidents.enforcement.port import Delivered, Order, Outcome, State
from incidents.machine import commands as c
from incidents.machine.command import FORCE
from incidents.settings import sources
from incidents.store.database.engine import writing
from incidents.store.log import lineage
from incidents.store.log.lineage import Standing
from incidents.store.schema.desk_tables import desk as desk_row
from incidents.store.schema.tables import sites
from incidents.views.left_down import resumptions

THREE = ("one.example", "two.example", "three.example")


class Receiver:
    """By the rule that is documented: it leaves alone what is not higher than what it has seen."""

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


class Letters:
    """A channel to customers, or to the desk, as it is set up; what it has sent, by site."""

    name, is_set_up = "mail", True

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, int]] = []

    def deliver(self, order: Order) -> Outcome:
        self.sent.append((order.site, order.id, order.seq))
        return Delivered()

    def state(self, site: str) -> State | None:
        raise NotImplementedError(site)


# ── A database, and its end


@contextmanager
def desk(folder: Path) -> Iterator[App]:
    app = App(sources.load(db=f"sqlite:///{folder}/desk.db"), create=True)
    yield app
    app.close()


def copy(folder: Path) -> None:
    shutil.copy(folder / "desk.db", folder / "older.db")


def put_back(folder: Path) -> None:
    """The older copy takes the place of the database."""
    for suffix in ("", "-wal", "-shm"):
        (folder / f"desk.db{suffix}").unlink(missing_ok=True)
    shutil.copy(folder / "older.db", folder / "desk.db")


@contextmanager
def losing(folder: Path) -> Iterator[App]:
    """Lose all that is done in the block: an earlier copy takes the place of the database."""
    copy(folder)
    with desk(folder) as app:
        yield app
    put_back(folder)


def two_copies(folder: Path) -> tuple[Path, Path]:
    """The folders of two databases with one history, in which there is one site."""
    one, two = folder / "one", folder / "two"
    for each in (one, two):
        each.mkdir()
    with desk(one) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
        carry_out(app)
    shutil.copy(one / "desk.db", two / "desk.db")
    return one, two


def move(app: App, n: int = 1) -> None:
    """The database is on another server now than it was known to be on."""
    with writing(app.engine) as connection:
        connection.execute(update(desk_row).values(lineage=f"7/{n:08}"))


# ── What people and daemons do


def give(app: App, name: str, *commands: c.Command) -> None:
    for command in commands:
        [answer] = app.desk.submit([Envelope(site=name, command=command)])
        assert answer.refusal is None, answer.refusal


def hold(app: App, name: str) -> None:
    give(app, name, c.SetHold(by="operator-1", reason="by order of a court"))


def lift(app: App, name: str) -> None:
    give(app, name, c.LiftHold(by="operator-1", reason="the order has ended"))


def carry_out(app: App) -> None:
    """Run a daemon until nothing is left to do."""
    deliver(app)
    recovery_duty.once(app, lambda: deliver(app))


def deliver(app: App) -> None:
    delivery = Delivery(app, decided=lambda _: None)
    delivery.run()
    assert delivery.errors == []
    delivery.close()


def on_host(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str) -> None:
    """The daemon runs on that host from now on, which has a mark of its own."""
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(folder / name / "audit.key"))


def continuity(app: App, folder: Path) -> Continuity:
    return Continuity(app.engine, app.desk, folder / "audit.key.mark", clock.now)


def recover(app: App, folder: Path, who: str = "sre-1") -> None:
    continuity(app, folder).resume(Resumption(cause=ASKED, by=who, reason="the disk is gone"))


def go_on(app: App, folder: Path) -> None:
    """A person recovers all of it, and a daemon carries out what that orders."""
    recover(app, folder)
    for _ in comparison.compare_sites(app.engine, app.desk, app.reading, by="sre-1", login=None):
        pass
    carry_out(app)


# ── What can be seen of it


def mark_of(app: App, folder: Path) -> MarkFile:
    with app.reading() as connection:
        return MarkFile(folder / "audit.key.mark", lineage.read(connection).identity)


def halted(app: App) -> HaltedError | None:
    """The reason why a daemon carries nothing out, if it is halted."""
    delivery = Delivery(app, decided=lambda _: None)
    delivery.run()
    delivery.close()
    error = next(iter(delivery.errors), None)
    assert error is None or isinstance(error, HaltedError), error
    return error


def record(app: App) -> dict[str, tuple[str, str]]:
    """The ordered state of each site, and the one believed to be in force."""
    with app.reading() as connection:
        rows = connection.execute(sites.select()).all()
        assert list(Replay(connection).findings()) == []
    return {row.name: (row.state, row.in_force) for row in rows}


def standing(app: App) -> Standing:
    with app.reading() as connection:
        return lineage.standing(connection)


def begun(app: App) -> list[str]:
    """The reason of each of its epochs; checks that no comparison is left."""
    with app.reading() as connection:
        assert lineage.standing(connection).unproved_since is None
        return [each.cause for each in resumptions(connection)]


def lost(folder: Path) -> App:
    """Three sites whose record has lost its end: holds that were lifted again."""
    with desk(folder) as app:
        for name in THREE:
            give(app, name, c.AddSite(by="operator-1"))
            hold(app, name)
        carry_out(app)
    with losing(folder) as app:
        for name in THREE:
            lift(app, name)
        carry_out(app)
    app = App(sources.load(db=f"sqlite:///{folder}/desk.db"))
    deliver(app)
    return app
