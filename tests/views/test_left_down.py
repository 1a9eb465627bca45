"""The sites that a loss has left down, and those taken down again, as people see them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from incidents.cli.admin import enforcement_words as told
from incidents.cli.queue.words import notices
from incidents.desk import resumption
from incidents.desk.resumption import ASKED, ENTRIES_LOST, Resumption
from incidents.locale.language import language
from incidents.locale.words import TimeFormat
from incidents.machine import commands as c
from incidents.machine.command import DAEMON
from incidents.machine.command import LEFT_DOWN as STAYS
from incidents.notices import samples
from incidents.notices.facts import AlarmFacts
from incidents.notices.wording import Wording
from incidents.store import after_loss as left_rows
from incidents.store.database.engine import writing
from incidents.store.log import lineage
from incidents.store.schema.desk_tables import desk
from incidents.values.ids import ACT
from incidents.views import left_down
from incidents.views.queue import queue_warning
from incidents.views.queue.alarm import LEFT_DOWN, Alarm
from incidents.views.queue.alarms import current_alarms
from tests.statements import sent
from tests.views.day import SITE, Day

pytestmark = pytest.mark.both_databases

MANY = [f"shop-{n:02}.example" for n in range(22)]


def lose(day: Day, cause: str = ENTRIES_LOST, by: str = DAEMON) -> datetime:
    """The record goes on from less; when that is known."""
    reason = None if by == DAEMON else "the disk is gone"
    why = Resumption(cause=cause, by=by, reason=reason)
    with writing(day.after("1m").engine) as connection:
        return resumption.resume(connection, why, lambda: day.now).recorded_at


def see(day: Day, site: str = SITE, state: str = "suspended") -> None:
    """A daemon finds the site like that in the world."""
    seen = c.RecordState(by=DAEMON, adapter="panel", seen=state, in_force="active", last_act=0)
    day.do(seen, site)


def last(day: Day, kind: str) -> int:
    """The number of the site's last entry of that kind."""
    return max(int(each["seq"]) for each in day.story() if each["kind"] == kind)


def left(day: Day) -> list[str]:
    history = day.enforcement()["history"]
    return [] if history["left_down"] is None else history["left_down"]["sites"]


def compared(day: Day) -> None:
    """A daemon has come to the end of the list."""
    with writing(day.engine) as connection:
        lineage.compared(connection, lineage.standing(connection).epoch, day.now)


def alarms(day: Day) -> list[Alarm]:
    with day.reading() as connection:
        found = current_alarms(connection, day.now, None, None).alarms
    return [each for each in found if each.kind == LEFT_DOWN]


def said(day: Day, kind: str) -> str:
    """The queue's text about it."""
    kinds: list[str] = [each.kind for each in queue_warning.warnings_of(day.queue(), day.now)]
    return notices(day.queue(), TimeFormat(UTC, day.now, language("en", "cli")))[
        kinds.index(kind)
    ].words


def test_a_site_is_left_down_until_a_person_decides_of_it(day: Day) -> None:
    day.add().add("other.example")
    see(day)
    assert left(day) == [], "the record has lost nothing"
    lose(day)
    assert left(day) == [SITE]

    day.do(c.SetHold(by="boss", reason="by order of a court"))

    assert left(day) == []


def test_a_site_that_a_person_has_had_opened_is_not_left_down_while_that_waits(day: Day) -> None:
    day.add()
    see(day)
    lose(day)
    day.after("1s").do(c.RepeatOrder(by="boss"))
    assert left(day) == []


def test_but_one_is_that_a_clock_would_open_while_that_waits(day: Day) -> None:
    """It was said before that it stays down; the courier cancels what waits."""
    day.add()
    lose(day)
    see(day.after("1m"))
    day.miss().after("12h1s").elapse()
    assert day.site()["state"] == "active"
    compared(day)

    assert left(day) == [SITE]
    assert "1 SITE LEFT DOWN" in said(day, "left_down")
    [alarm] = alarms(day)
    assert (alarm.named, alarm.suspended_now) == ((SITE,), ())
    assert day.site()["left_down_since"] is not None
    assert "the reason might have been lost (" in day.text()
    [ended] = [each for each in day.story() if each["kind"] == "suspension_ended"]
    assert "it stays down until a person decides" in ended["words"]

    lose(day, ASKED, by="sre-1")

    assert left(day) == [SITE]
    assert day.site()["left_down_since"] is not None

    day.do(c.RepeatOrder(by="boss"))
    assert day.site()["left_down_since"] is None


def test_so_is_one_whose_opening_waited_at_the_loss(day: Day) -> None:
    day.add().miss().after("12h1s").elapse()
    see(day)
    day.after("1m")
    assert left(day) == []

    lose(day)

    assert left(day) == [SITE]


def test_once_the_world_was_compared_none_is_left_down(day: Day) -> None:
    day.add()
    see(day)
    lose(day)
    with writing(day.engine) as connection:
        lineage.prove(connection, lineage.standing(connection).epoch)
    assert left(day) == []
    with writing(day.engine) as connection:
        connection.execute(update(desk).values(unproved_since=day.now))
    assert left(day) == [SITE]


def test_queue_and_status_name_the_first_twenty_and_say_what_to_do(day: Day) -> None:
    for n, name in enumerate(MANY):
        see(day.add(name), name, "unknown" if n < 2 else "suspended" if n < 21 else "closed")
    lose(day)
    day.after("5m")

    words = said(day, "left_down")

    assert words == (
        "22 SITES LEFT DOWN OR UNKNOWN (19 suspended, 1 closed, 2 unknown):"
        f" closed: {MANY[21]}; suspended: {', '.join(MANY[2:21])}; and 2 more."
        " This list is not complete: the check of sites is not finished. Nothing on record keeps"
        " these sites down; the reason may be lost (5 min ago). Hold the sites that an authority"
        " ordered you to take down: incidents site hold SITE. If a rule closed a site,"
        " record the reason again (incidents log, refused, site false-info): the rule"
        " closes it again. Then: incidents orders reconcile SITE --repair; or, for all"
        " sites open on record: incidents recover --reason R"
    )
    history = day.enforcement()["history"]
    assert told.left_down(history, TimeFormat(UTC, day.now, language("en", "cli"))) == words
    assert {"left_down": True}.items() <= {
        each.kind: each.is_alarm for each in queue_warning.warnings_of(day.queue(), day.now)
    }.items()


def test_one_alarm_tells_of_all_once_all_are_compared(day: Day) -> None:
    see(day.add())
    at = lose(day)
    assert alarms(day) == []

    compared(day)

    assert "not complete" not in said(day, "left_down")
    assert said(day, "unproved") == (
        "all sites were checked against the record; a person must decide on the sites left down"
    )
    [alarm] = alarms(day)
    assert (alarm.key, alarm.since) == ("sites_left_down:all", at)
    assert (alarm.sites, alarm.unknown, alarm.named) == (1, 0, (SITE,))
    assert alarm.states == ("suspended",)


def test_a_site_that_is_added_after_a_loss_and_cannot_be_asked_is_opened_alone(day: Day) -> None:
    lose(day)
    see(day.after("5m").add(), state="unknown")

    assert said(day, "left_down") == (
        "1 SITE UNKNOWN: shop.example. This list is not complete: the check of sites is not"
        " finished. The site was added after the record lost its latest entries, 5 min ago, and its"
        " actual state cannot be checked. To open the site: incidents orders reconcile SITE"
        " --repair. To keep it down: incidents site hold SITE --reason R"
    )
    compared(day)
    [alarm] = alarms(day)
    assert (alarm.sites, alarm.unknown, alarm.new) == (1, 1, 1)

    see(day.add("older.example"), "older.example")

    assert "2 SITES LEFT DOWN OR UNKNOWN" in said(day, "left_down")
    assert "incidents recover" in said(day, "left_down")


def test_the_letter_of_the_list_names_what_opens_each_kind() -> None:
    words = Wording(samples.OFFICE, UTC)
    facts = AlarmFacts(
        at=datetime(2026, 3, 1, tzinfo=UTC), host="h", database="d", sites=1, unknown=1, new=1,
        since=datetime(2026, 3, 1, tzinfo=UTC), named=(SITE,), states=("unknown",),
    )  # fmt: skip

    new = words.letter("alarm_sites_left_down", facts, "1").text
    closed = words.letter(
        "alarm_sites_left_down", replace(facts, unknown=0, new=0, closed=1, states=("closed",)), "1"
    ).text

    assert "incidents orders reconcile SITE --repair" in new
    assert "incidents recover" not in new
    assert f"{SITE} (unknown)" in new
    assert "可能正是法院" in new
    assert f"{SITE} (closed)" in closed
    assert "Close those again that a rule had closed, by the same rule" in closed
    assert "incidents recover --reason R --dry-run" in closed


@pytest.mark.parametrize(
    ("kind", "english", "chinese"),
    [
        ("entries_lost", "A lost closure does not show either", "该网站的关闭记录"),
        (
            "sites_left_down",
            "nobody can check whether it is up, or whether it is closed",
            "是否已关闭",
        ),
        ("sites_uncompared", "Nobody can check whether the site is closed", "是否已关闭"),
    ],
)
def test_where_nobody_can_look_the_letter_says_that_a_lost_closure_is_not_seen(
    kind: str, english: str, chinese: str
) -> None:
    facts = AlarmFacts(
        at=datetime(2026, 3, 1, tzinfo=UTC), host="h", database="d", sites=1, unknown=1,
        since=datetime(2026, 3, 1, tzinfo=UTC), named=(SITE,), states=("unknown",), problem="p",
    )  # fmt: skip

    text = Wording(samples.OFFICE, UTC).letter(f"alarm_{kind}", facts, "1").text

    assert english in text
    assert chinese in text


def test_the_why_and_the_look_at_a_site_that_is_left_down_say_so(day: Day) -> None:
    see(day.add())
    assert "Check the actual state of shop.example and repeat the order" in day.text()
    assert day.why()["commands"] == ["incidents orders reconcile shop.example --repair"]
    assert day.site()["left_down_since"] is None
    lose(day)

    first, second, *_ = day.text().splitlines()
    assert first == "Active: no rule keeps shop.example down."
    assert second == (
        "NOT IN FORCE: actual state suspended (ordered: active). Nothing on record keeps"
        " shop.example down; the reason might have been lost (2026-03-01 10:01). If shop.example"
        " must stay down, hold it. If not, check the actual state and repeat the order: this"
        " reopens shop.example. Or recover the record for all sites."
    )
    assert day.why()["commands"] == [
        "incidents site hold shop.example --reason R",
        "incidents orders reconcile shop.example --repair",
        "incidents recover --reason R",
    ]
    assert day.site()["left_down_since"] == "2026-03-01T10:01:00Z"

    day.do(c.SetHold(by="boss", reason="by order of a court"))

    assert "the reason may be lost" not in day.text()
    assert day.site()["left_down_since"] is None


def test_of_one_that_is_suspended_since_they_say_that_its_end_does_not_open_it(day: Day) -> None:
    day.add()
    lose(day)
    see(day.after("1m"))
    assert day.site()["stays_down"]
    day.miss()

    text = day.text()

    assert "Records were lost, so shop.example might already have been down" in text
    [next_] = [line for line in text.splitlines() if line.startswith("Next, at ")]
    assert next_.endswith("it stays down until a person decides.")
    assert "incidents site hold shop.example --reason R" in day.why()["commands"]
    assert "is open again" not in text
    struck = [line for line in text.splitlines() if "voids this suspension" in line]
    assert len(struck) == 2
    assert all("it stays down until a person decides" in line for line in struck)
    assert "opens the site" not in text
    assert day.site()["stays_down"]

    day.do(c.SetHold(by="boss", reason="by order of a court"))

    assert "Lost records might have left" not in day.text()
    assert not day.site()["stays_down"]


def test_the_story_of_one_says_that_the_end_of_its_suspension_has_not_opened_it(day: Day) -> None:
    day.add()
    lose(day)
    see(day.after("1m"))
    day.miss()
    day.after("12h1s").elapse()
    cancel = c.CancelOrder(
        by=c.DISPATCHER, order=last(day, "suspension_ended"), lane=ACT, why=STAYS
    )
    day.do(cancel)

    [ended] = [each for each in day.story() if each["kind"] == "suspension_ended"]

    assert "it stays down until a person decides" in ended["words"]
    assert "open again" not in ended["words"]


def test_of_one_that_nobody_can_ask_about_they_say_that_it_is_unknown(day: Day) -> None:
    lose(day)
    see(day.add(), state="unknown")

    assert (
        day.text()
        .splitlines()[1]
        .startswith(
            "UNKNOWN: actual state unknown (ordered: active). An order to keep shop.example down"
            " might have been lost (2026-03-01 10:"
        )
    )


def test_of_one_that_is_believed_after_thirty_days_they_say_that_it_counts_as_up(day: Day) -> None:
    lose(day)
    see(day.after("1m").add(), state="unknown")

    told = day.after("31d").text().splitlines()[1]

    assert told == (
        "UNKNOWN: actual state unknown (ordered: active). shop.example was added after records"
        " were lost, and its actual state could not be read, so shop.example counts as open. If"
        " shop.example is down, check the actual state and repeat the order: this reopens"
        " shop.example."
    )


def test_what_a_daemon_has_taken_down_again_is_named_with_the_loss_until_a_person_knows(
    day: Day,
) -> None:
    for site in (SITE, "other.example", "calm.example"):
        day.add(site)
        day.do(c.SetHold(by="boss", reason="by order of a court"), site)
    lose(day)
    day.after("1s")
    day.do(c.RepeatOrder(by=DAEMON)).do(c.RepeatOrder(by=DAEMON), "other.example")
    day.do(c.RepeatOrder(by="boss"), "calm.example")

    assert day.enforcement()["history"]["taken_down"] == {
        "count": 2, "sites": ["other.example", SITE],
    }  # fmt: skip
    assert "Taken down again: other.example, shop.example. See what is missing:" in said(
        day, "lost"
    )

    lose(day, ASKED, by="sre-1")

    assert day.enforcement()["history"]["taken_down"] is None


def test_one_that_is_suspended_since_is_named_with_what_becomes_of_it(day: Day) -> None:
    day.add().add("other.example")
    lose(day)
    see(day)
    day.after("1m").do(c.Log(by="li", at=None)).after("2h").do(c.Elapse())
    compared(day)
    assert day.site()["state"] == "suspended"

    assert left(day) == [SITE]
    assert f"Suspended now, and stays down afterwards: {SITE}." in said(day, "left_down")
    [alarm] = alarms(day)
    assert (alarm.named, alarm.suspended_now) == ((SITE,), (SITE,))
    assert day.site()["left_down_since"] is not None

    day.do(c.SetHold(by="boss", reason="by order of a court"))

    assert left(day) == []
    assert day.site()["left_down_since"] is None


def test_however_many_they_are_a_look_asks_for_them_at_once_and_once(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database takes only so many values in a query."""
    for each in (left_down, left_rows):
        monkeypatch.setattr(each, "_AT_ONCE", 3)
    names = sorted(MANY[:7])
    for name in names:
        day.add(name)
    lose(day)
    for n, name in enumerate(names):
        see(day, name, "closed" if n == 5 else "suspended")
    day.after("1m")
    for name in names[1:]:
        day.do(c.Log(by="li", at=None), name)
    day.after("2h")
    for name in names[1:]:
        day.do(c.Elapse(), name)
    compared(day)

    with sent(day.engine) as asked, day.reading() as connection:
        look = current_alarms(connection, day.now, None, None)

    [alarm] = [each for each in look.alarms if each.kind == LEFT_DOWN]
    assert look.left_down == set(names)
    assert (alarm.sites, alarm.closed) == (7, 1)
    assert alarm.named == (names[5], *names[:5], names[6])
    assert set(alarm.suspended_now) == set(names[1:])
    streams = [each for each, _ in asked if "ORDER BY entries.site_id" in each]
    assert len(streams) == 2, "six are suspended"
