"""The lost tail: what is ordered after a database was put back reaches receivers all the same."""

import errno
import json
from itertools import count
from pathlib import Path

import pytest

from incidents.app import App
from incidents.daemon.delivery import Delivery
from incidents.enforcement import comparison
from incidents.enforcement.port import State
from incidents.enforcement.round import Round
from incidents.machine import commands as c
from incidents.settings import sources
from incidents.system import disk
from tests.enforcement.lost_rig import (
    THREE,
    Receiver,
    begun,
    carry_out,
    deliver,
    desk,
    give,
    go_on,
    hold,
    lift,
    losing,
    lost,
    move,
    record,
    standing,
)


def test_three_holds_after_an_older_copy_was_put_back_take_their_sites_down(
    tmp_path: Path, receiver: Receiver
) -> None:
    with desk(tmp_path) as app:
        for name in THREE:
            give(app, name, c.AddSite(by="operator-1"))
        carry_out(app)
    with losing(tmp_path) as app:
        for name in THREE:
            hold(app, name)
            carry_out(app)
            lift(app, name)
            carry_out(app)
    assert set(receiver.sites.values()) == {"active"}

    with desk(tmp_path) as app:
        for name in THREE:
            hold(app, name)
        carry_out(app)

        assert record(app) == dict.fromkeys(THREE, ("suspended", "suspended"))
        assert receiver.sites == dict.fromkeys(THREE, "suspended")
        assert begun(app) == ["entries_lost"]


def test_a_loss_is_noticed_though_the_mark_could_not_be_read_at_first(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever went on from what cannot be read would write a lower mark over it."""
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
        carry_out(app)
    with losing(tmp_path) as app:
        hold(app, "one.example")
        carry_out(app)

    def refuse(file: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error", str(file))

    with desk(tmp_path) as app:
        with monkeypatch.context() as broken:
            broken.setattr(disk, "read", refuse)
            delivery = Delivery(app, decided=lambda _: None)
            delivery.run()
            delivery.close()
        [error] = delivery.errors
        assert "/audit.key.mark-" in str(error)
        assert str(error).endswith(" cannot be read: Input/output error")
        assert begun(app) == []

        carry_out(app)
        assert receiver.sites["one.example"] == "suspended", "why it was may be what is lost"

        go_on(app, tmp_path)
        assert begun(app) == ["entries_lost", "asked"]


def test_what_was_opened_for_what_is_lost_is_taken_down_at_once_and_what_was_taken_down_stays_so(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Why it was may be what is lost, and a court's order: a person opens it."""
    with desk(tmp_path) as app:
        for name in THREE:
            give(app, name, c.AddSite(by="operator-1"))
        hold(app, "one.example")
        carry_out(app)
    with losing(tmp_path) as app:
        lift(app, "one.example")
        hold(app, "two.example")
        carry_out(app)
    assert receiver.sites == {"one.example": "active", "two.example": "suspended"}

    with desk(tmp_path) as app:
        carry_out(app)
        carry_out(app)

        assert receiver.sites == {"one.example": "suspended", "two.example": "suspended"}

        go_on(app, tmp_path)

        assert receiver.sites == {
            "one.example": "suspended", "two.example": "active", "three.example": "active",
        }  # fmt: skip
        assert record(app) == {
            "one.example": ("suspended", "suspended"), "two.example": ("active", "active"),
            "three.example": ("active", "active"),
        }  # fmt: skip
        assert begun(app) == ["entries_lost", "asked"], "what is found once is no news"


def test_on_another_server_no_order_goes_out_before_a_new_epoch_has_begun(
    postgresql_url: str, receiver: Receiver
) -> None:
    """As after a failover: the history is whole, as far as anybody knows."""
    app = App(sources.load(db=postgresql_url))
    give(app, "one.example", c.AddSite(by="operator-1"))
    carry_out(app)
    assert begun(app) == []
    move(app)
    hold(app, "one.example")
    courier = Delivery(app, decided=lambda _: None)
    courier._load_settings()
    round_ = Round(courier._dispatcher())
    round_.run()
    round_.close()
    assert receiver.seen == {}, "whose server it is nobody has looked at"

    carry_out(app)

    assert receiver.sites == {"one.example": "suspended"}
    assert receiver.seen == {1: standing(app).epoch * 10**12 + receiver.seen[1] % 10**12}
    assert begun(app) == ["another_server"]
    app.close()


def compare(
    app: App, *, by: str, only: tuple[str, ...] = THREE, most: int = len(THREE)
) -> list[str]:
    """The recovery, which is ended when so many sites are compared; the verdicts."""
    asked = count()
    stopped = lambda: next(asked) >= most  # noqa: E731 - it is one
    compared = comparison.compare_sites(
        app.engine, app.desk, app.reading, by=by, login=None, only=only, stopped=stopped
    )
    return [each.verdict for each in compared]


def test_a_recovery_that_was_ended_in_its_midst_is_brought_to_its_end_by_the_next_one(
    tmp_path: Path, receiver: Receiver
) -> None:
    app = lost(tmp_path)
    compare(app, by="daemon", most=1)
    deliver(app)
    assert sorted(receiver.sites.values()) == ["active", "active", "suspended"]

    carry_out(app)

    assert set(receiver.sites.values()) == {"suspended"}
    assert set(record(app).values()) == {("suspended", "suspended")}
    assert begun(app) == ["entries_lost"]
    app.close()


@pytest.mark.parametrize("is_delivered", [False, True])
def test_who_recovers_beside_a_daemon_orders_nothing_twice(
    tmp_path: Path, receiver: Receiver, *, is_delivered: bool
) -> None:
    app = lost(tmp_path)
    assert compare(app, by="daemon") == ["ordered_again"] * 3
    if is_delivered:
        deliver(app)
    seen = dict(receiver.seen)

    verdicts = compare(app, by="sre-1")

    assert verdicts == (["cannot_be_asked"] if is_delivered else ["waits"]) * 3
    carry_out(app)
    assert not is_delivered or receiver.seen == seen
    assert set(record(app).values()) == {("suspended", "suspended")}
    app.close()


def test_two_who_look_at_one_moment_order_a_site_once(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = lost(tmp_path)
    looked = Receiver.state

    def while_another_orders(self: Receiver, site: str) -> State | None:
        monkeypatch.setattr(Receiver, "state", looked)
        compare(app, by="daemon", only=THREE[:1])
        deliver(app)
        return looked(self, site)

    monkeypatch.setattr(Receiver, "state", while_another_orders)
    assert compare(app, by="sre-1", only=THREE[:1]) == ["waits"]
    carry_out(app)
    assert set(receiver.sites.values()) == {"suspended"}
    assert set(record(app).values()) == {("suspended", "suspended")}
    app.close()


def test_the_log_of_a_daemon_says_what_is_missing_and_what_was_done(
    tmp_path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert receiver.sites == {}
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
    with losing(tmp_path) as app:
        hold(app, "one.example")
        carry_out(app)
    capsys.readouterr()
    with desk(tmp_path) as app:
        carry_out(app)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = {line["event"]: line for line in lines}
    lost = told["the record continues from an earlier state"]
    assert (lost["cause"], lost["had"]) == ("entries_lost", 2)
    said = "sites were compared with their actual state"
    compared = [(line["sites"], line["orders"]) for line in lines if line["event"] == said]
    assert compared == [(1, 0)]


def test_a_hold_on_a_site_that_is_down_already_is_missed_once_it_is_lost(
    tmp_path: Path, receiver: Receiver
) -> None:
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
        give(app, "one.example", c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
        carry_out(app)
    with losing(tmp_path) as app:
        hold(app, "one.example")
        carry_out(app)

    with desk(tmp_path) as app:
        carry_out(app)

        assert standing(app).lost_since is not None
    assert receiver.sites == {"one.example": "closed"}
