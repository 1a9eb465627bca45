"""While nothing is carried out the desk is told so, and of nothing that began before."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from incidents import clock
from incidents.app import App
from incidents.daemon import delivery
from incidents.daemon.alarm_duty import PATIENCE_S, Alarms
from incidents.daemon.heartbeat import record_once
from incidents.enforcement import routing
from incidents.enforcement.routing import Routing
from incidents.machine import commands as c
from incidents.notices import notice_settings
from incidents.notices.letter import Recipient
from incidents.notices.notice_settings import Outlet, QuietHours
from incidents.settings import sources
from incidents.store.database.engine import writing
from incidents.store.log import lineage
from incidents.store.schema.desk_tables import desk as desk_row
from tests.conftest import WriteSettings
from tests.daemon.alarm_rig import MIN, START, Channel, H, S, StubChannel, Watch, telling
from tests.enforcement import lost_rig as rig
from tests.enforcement.lost_rig import Letters, Receiver, give, halted, hold, lift, on_host

LAPSING = "clock_about_to_lapse:1-1"


def halt(watch: Watch, why: str = lineage.LOST_AGAIN) -> None:
    with writing(watch.engine) as connection:
        lineage.halt(connection, clock.now(), why)


def go_on(watch: Watch) -> None:
    with writing(watch.engine) as connection:
        connection.execute(update(desk_row).values(halted_since=None))


def look(watch: Watch, duty: Alarms) -> None:
    """As often, and for as long, as is needed to be sure."""
    for _ in range(2):
        duty.run()
        watch.elapsed += PATIENCE_S


def by_chat(watch: Watch, hours: QuietHours | None = None) -> tuple[Channel, Alarms]:
    channel = Channel("group")
    return channel, watch.duty(telling(Outlet(channel, Recipient(), hours)))


def test_that_nothing_is_carried_out_is_told_once_until_a_person_goes_on(watch: Watch) -> None:
    told = StubChannel()
    duty = watch.duty(told)
    for hours in range(3):
        halt(watch.at(START + hours * H))
        look(watch, duty)
    assert told.got == ["halted:all"]

    go_on(watch)
    duty.run()
    assert watch.raised == {}
    halt(watch.at(START + 4 * H))
    look(watch, duty)

    assert told.got == ["halted:all"] * 2


def test_a_halt_that_another_daemon_ends_within_seconds_is_not_told(watch: Watch) -> None:
    """It has marked what this one knows nothing of, and goes on."""
    told = StubChannel()
    duty = watch.duty(told)
    halt(watch)
    duty.run()
    watch.elapsed += PATIENCE_S - 0.1
    duty.run()

    go_on(watch)
    look(watch, duty)

    assert told.got == []


def test_what_was_alarming_before_the_halt_is_told_once_a_person_goes_on(watch: Watch) -> None:
    told = StubChannel()
    duty = watch.duty(told)
    watch.log()
    halt(watch.at(START + 50 * MIN + S))
    look(watch.at(START + 52 * MIN), duty)
    assert told.got == ["halted:all"]

    go_on(watch)
    duty.run()

    assert told.got == ["halted:all", LAPSING]


def test_what_begins_after_the_halt_is_told_as_of_what_may_be_a_copy(watch: Watch) -> None:
    channel, duty = by_chat(watch)
    watch.log()
    halt(watch.at(START + 49 * MIN))

    watch.at(START + 50 * MIN)
    duty.run()

    [letter] = channel.got
    assert "MAY BE A COPY: ALARM: a contact deadline ends soon: shop.example" in letter.subject
    assert "【可能是副本】【告警】" in letter.subject
    for words in (
        "desk-2 sends this about the database /srv/desk.db",
        "Its orders have been stopped since 2026-03-01 18:49",
        "本消息由主机 desk-2 就数据库 /srv/desk.db 发出",
    ):
        assert words in letter.text


def test_that_nothing_is_carried_out_is_told_at_any_hour_and_from_where(watch: Watch) -> None:
    channel, duty = by_chat(
        watch, notice_settings.read_quiet_hours("00:00-23:59", ZoneInfo("Asia/Shanghai"))
    )
    halt(watch)
    look(watch, duty)

    [letter] = channel.got
    assert "ALARM: no orders are being carried out: " in letter.subject
    assert "MAY BE A COPY: ALARM" not in letter.subject, "it says so itself"
    for words in ("desk-2", "/srv/desk.db", "incidents recover --reason", "a copy", "副本"):
        assert words in letter.text


@pytest.mark.parametrize(
    ("why", "told"),
    [
        (lineage.UNKNOWN_SERVER, ("on a different server than before", "已换到另一台服务器")),
        (lineage.LOST_AGAIN, ("lost its latest entries a second time", "末尾再次丢失")),
        ("", ("The daemon's log says", "原因见守护进程日志")),
    ],
)
def test_the_letter_names_why_and_no_other_reason(
    watch: Watch, why: str, told: tuple[str, str]
) -> None:
    channel, duty = by_chat(watch)
    halt(watch, why)
    with writing(watch.engine) as connection:
        # As an earlier version has left it.
        connection.execute(update(desk_row).values(halted_why=why or None))
    look(watch, duty)

    [letter] = channel.got
    every = (
        "on a different server than before", "已换到另一台服务器",
        "lost its latest entries a second time", "末尾再次丢失",
        "The daemon's log says", "原因见守护进程日志",
    )  # fmt: skip
    assert [each for each in every if each in letter.text] == [
        each for each in every if each in told
    ]


# ── As it comes about


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch, write_settings: WriteSettings) -> Letters:
    """What goes to customers, and to the desk by its lane."""
    write_settings('[report]\nwithin = ""\n')
    found = Letters()
    monkeypatch.setattr(delivery, "notice_lane", lambda _app, _lane: found)
    return found


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    found = Receiver()
    monkeypatch.setattr(routing, "load", lambda: Routing(default=found))
    return found


def close(app: App) -> None:
    """The panel is to be told, the customer, and the desk, whom to call."""
    give(app, "one.example", *[c.Log(by="operator-1")] * 3)


def test_a_copy_on_another_server_tells_that_it_is_one_and_nothing_of_the_past(
    postgresql_url: str, tmp_path: Path, receiver: Receiver, letters: Letters,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It has the settings of the desk, channels and all, and a key in a folder of its own."""
    app = App(sources.load(db=postgresql_url))
    give(app, "one.example", c.AddSite(by="operator-1"))
    on_host(monkeypatch, tmp_path, "desk")
    rig.deliver(app)
    watch, told = Watch(app), StubChannel()
    watch.beat("gone", clock.now() - 5 * MIN, host="there")
    close(app)
    give(app, "one.example", c.VoidIncident(by="operator-1", incident=1, reason="slip"))
    rig.move(app)
    on_host(monkeypatch, tmp_path, "drill")
    record_once(app)
    duty = watch.duty(told)

    look(watch, duty)
    assert told.got == [], "nobody has looked yet whose server it is"
    assert halted(app) is not None
    look(watch, duty)
    assert halted(app) is not None
    look(watch, duty)

    assert told.got == ["halted:all"]
    assert (receiver.seen, letters.sent) == ({}, [])
    rig.recover(app, tmp_path / "drill")
    look(watch, duty)
    assert sorted(told.got[1:]) == ["closure_disputed:1", "daemon_silent:gone"]
    app.close()


def test_the_second_of_two_copies_beside_one_key_tells_that_it_carries_nothing_out(
    tmp_path: Path, receiver: Receiver, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_host(monkeypatch, tmp_path, "here")
    one, two = rig.two_copies(tmp_path)
    for folder in (one, two, one):
        with rig.desk(folder) as app:
            hold(app, "one.example")
            assert halted(app) is None
            lift(app, "one.example")
    with rig.desk(two) as app:
        close(app)
        seen, sent = dict(receiver.seen), list(letters.sent)
        assert halted(app) is not None
        record_once(app)
        watch, told = Watch(app), StubChannel()
        look(watch, watch.duty(told))

        assert sorted(told.got) == ["entries_lost:all", "halted:all"]
        assert (receiver.seen, letters.sent) == (seen, sent)
