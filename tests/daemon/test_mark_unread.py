"""A mark that cannot be read stops the daemon's orders, and everybody who looks is told so."""

import errno
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from incidents import clock
from incidents.app import App
from incidents.cli import main
from incidents.contract.documents.enforcement import MarkUnread
from incidents.daemon import part
from incidents.daemon.alarm_duty import PATIENCE_S
from incidents.daemon.delivery import Delivery
from incidents.daemon.heartbeat import HeartbeatDuty, identity
from incidents.enforcement import routing
from incidents.enforcement.routing import Routing
from incidents.errors import DONE, FAILED
from incidents.machine import commands as c
from incidents.store.log import lineage
from incidents.system import disk
from incidents.views.health import STALE_AFTER, enforcement
from tests.daemon.alarm_rig import MIN, StubChannel, Watch
from tests.daemon.test_heartbeat import Working
from tests.enforcement import lost_rig as rig
from tests.enforcement.lost_rig import Receiver, give, hold, on_host


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    found = Receiver()
    monkeypatch.setattr(routing, "load", lambda: Routing(default=found))
    return found


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> Iterator[App]:
    """A desk whose daemon has carried out orders, and has put a mark beside its key."""
    assert receiver.seen == {}
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/desk.db")
    monkeypatch.setattr(part, "FIRST_S", 0.0)
    on_host(monkeypatch, tmp_path, "here")
    with rig.desk(tmp_path) as found:
        give(found, "one.example", c.AddSite(by="operator-1"))
        rig.carry_out(found)
        yield found


@pytest.fixture
def mark(app: App, tmp_path: Path) -> Path:
    """It cannot be read: a folder is in its place."""
    with app.reading() as connection:
        name = f"audit.key.mark-{lineage.read(connection).identity}"
    file = tmp_path / "here" / name
    file.unlink()
    file.mkdir()
    return file


def found(app: App) -> MarkUnread | None:
    with app.reading() as connection:
        told: MarkUnread | None = enforcement(connection, clock.now())["mark_unread"]
    return told


def test_it_is_told_until_it_can_be_read_and_then_the_daemon_goes_on_by_itself(
    app: App, mark: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    delivery = Delivery(app, decided=lambda _: None)
    me = identity()
    heart = HeartbeatDuty(app, Working(), me, lambda: delivery.mark_unread)
    hold(app, "one.example")
    for _ in range(2):
        delivery.run()
        heart.beat()
    problem = (
        f"the mark {mark} cannot be read: it is no file, so nobody can tell whether the record has"
        " lost its end. Run incidents recover --reason R, then move it away"
    )

    told = found(app)
    assert told is not None
    assert told.items() >= {
        "daemon": me.daemon, "problem": problem, "count": 1, "others": False,
    }.items()  # fmt: skip
    capsys.readouterr()
    assert main(["daemon", "status"]) == FAILED
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "deadlines are being enforced ON RECORD ONLY: no orders are carried out"
    assert f"NO ORDERS ARE BEING CARRIED OUT (detected 0 s ago): {problem}" in lines
    main(["queue"])
    assert problem in capsys.readouterr().err
    assert receiver.sites == {}

    mark.rmdir()
    delivery.run()
    heart.beat()

    assert found(app) is None
    assert main(["daemon", "status"]) == DONE
    assert receiver.sites == {"one.example": "suspended"}
    delivery.close()


def test_since_when_it_is_so_stays_while_the_daemon_beats(app: App, mark: Path) -> None:
    delivery = Delivery(app, decided=lambda _: None)
    heart = HeartbeatDuty(app, Working(), identity(), lambda: delivery.mark_unread)
    delivery.run()
    heart.beat()
    before = found(app)

    delivery.run()
    heart.beat()

    assert found(app) == before is not None
    assert mark.is_dir()
    delivery.close()


@pytest.mark.parametrize("more", [[], ["--sign-here"]])
def test_a_recovery_goes_on_where_a_folder_is_in_its_place_and_hides_no_loss(
    app: App,
    mark: Path,
    receiver: Receiver,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
) -> None:
    receiver.sites["one.example"] = "suspended"
    capsys.readouterr()

    assert main(["recover", "--reason", "the disk is gone", *more]) == DONE

    told = capsys.readouterr().err
    assert f"next: move {mark} away. Until then, no daemon carries out orders" in told
    assert "Run incidents recover" not in told
    assert rig.standing(app).noticed_at is not None
    assert main(["daemon", "--once"]) == FAILED
    assert receiver.sites["one.example"] == "suspended"

    mark.rmdir()

    assert main(["daemon", "--once"]) == DONE
    assert receiver.sites["one.example"] == "active"


@pytest.mark.parametrize("more", [[], ["--sign-here"]])
def test_it_does_not_where_the_mark_may_be_read_as_another_user(
    app: App, mark: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    before = rig.standing(app).epoch
    mark.rmdir()
    monkeypatch.setattr(disk, "read", refuse)

    assert main(["recover", "--reason", "the disk is gone", *more]) == FAILED

    assert rig.standing(app).epoch == before


def refuse(file: Path) -> bytes:
    raise PermissionError(errno.EACCES, "Permission denied", str(file))


def test_once_tells_it_too_and_no_longer_once_it_can_be_read(
    app: App, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hold(app, "one.example")
    assert main(["daemon", "--once"]) == FAILED
    first = found(app)
    assert main(["daemon", "--once"]) == FAILED
    assert f"{mark} cannot be read" in capsys.readouterr().err

    told = found(app)

    assert told is not None
    assert first is not None
    assert told["since"] == first["since"]
    shutil.rmtree(mark)
    assert main(["daemon", "--once"]) == DONE
    assert found(app) is None


def test_beside_a_daemon_that_can_read_its_own_the_desk_is_told_and_status_is_well(
    app: App, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Orders are carried out, and nobody stands in for that other daemon."""
    delivery = Delivery(app, decided=lambda _: None)
    broken = identity()
    HeartbeatDuty(app, Working(), identity()).beat()
    delivery.run()
    HeartbeatDuty(app, Working(), broken, lambda: delivery.mark_unread).beat()
    capsys.readouterr()

    assert main(["daemon", "status"]) == DONE

    out = capsys.readouterr().out
    assert "deadlines are being enforced\n" in out
    assert (
        f"THE DAEMON {broken.daemon} IS NOT CARRYING OUT ORDERS (detected 0 s ago): the mark {mark}"
        in out
    )
    delivery.close()


def test_the_desk_is_alarmed_after_ten_seconds_and_no_longer_of_a_daemon_that_is_gone(
    app: App, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = Delivery(app, decided=lambda _: None)
    delivery.run()
    heart = HeartbeatDuty(app, Working(), identity(), lambda: delivery.mark_unread)
    heart.beat()
    watch, told = Watch(app), StubChannel()
    duty = watch.duty(told)
    duty.run()
    assert told.got == []
    watch.elapsed += PATIENCE_S

    duty.run()

    assert told.got == ["mark_unread:all"]
    assert mark.is_dir()
    heart.stop()
    now = clock.now()
    monkeypatch.setattr(clock, "source", lambda: now + STALE_AFTER + MIN)
    assert found(app) is None
    delivery.close()


def test_one_that_is_silent_for_longer_is_told_as_silent(
    app: App, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = Delivery(app, decided=lambda _: None)
    delivery.run()
    HeartbeatDuty(app, Working(), identity(), lambda: delivery.mark_unread).beat()
    assert found(app) is not None
    now = clock.now()

    monkeypatch.setattr(clock, "source", lambda: now + STALE_AFTER + timedelta(seconds=1))

    assert found(app) is None
    assert mark.is_dir()
    delivery.close()
