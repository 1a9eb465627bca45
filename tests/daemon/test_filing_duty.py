"""The filings' duty: terms are reminded of on their days, pages looked at one by one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from freezegun import freeze_time

from incidents import views
from incidents.app import App
from incidents.daemon import filing_duty
from incidents.daemon.filing_duty import RETRY_AFTER, Filings
from incidents.desk import Envelope
from incidents.filing.settings import FilingSettings
from incidents.machine import commands as c
from incidents.settings import sources
from incidents.views.queue.alarms import alarms_now
from tests.conftest import WriteSettings
from tests.daemon.conftest import Said
from tests.outbound.rig import LOOPBACK, always, receiver

START = datetime(2026, 3, 1, 4, tzinfo=UTC)
"""At noon in Shanghai."""

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
RIGHT = (
    '<footer><img src="/beian.png"> <a href="https://beian.mps.gov.cn/#/query/webSearch?'
    'code=11010502000001">京公网安备 11010502000001号</a>'
    '<a href="https://beian.miit.gov.cn/">京ICP备12345678号-1</a></footer>'
)
APPROVED = {
    "public_security_number": "京公网安备 11010502000001号", "icp_number": "京ICP备12345678号-1",
    "opened_on": "2026-01-02", "filed_on": "2026-01-03", "approved_on": "2026-01-04",
    "shown_on": "2026-01-05",
}  # fmt: skip


@dataclass
class Looks:
    """Looks at pages as the test wants them to be."""

    answer: tuple[str, ...] | None = ()
    asked: list[str] = field(default_factory=list)

    def __call__(
        self, site: str, details: dict[str, str], _settings: FilingSettings
    ) -> tuple[str, ...] | None:
        assert "public_security_number" in details
        self.asked.append(site)
        return self.answer


class Office:
    """An app under a clock that the test moves."""

    def __init__(self, url: str, config: Path, frozen: Any) -> None:
        self.app = App(sources.load(db=url))
        self.config = config
        self.looks = Looks()
        self.elapsed = 0.0
        self._frozen = frozen

    def duty(self, **how: Any) -> Filings:
        return Filings(
            self.app,
            check_page=self.looks,
            jitter=lambda: 0.0,
            monotonic=lambda: self.elapsed,
            **how,
        )

    def at(self, moment: datetime) -> None:
        self._frozen.move_to(moment)

    def file(self, site: str = "shop.example", **details: str) -> None:
        self.give(c.AddSite(by="li"), site)
        self.give(c.ChangeFiling(by="li", details=tuple(details.items())), site)

    def give(self, command: c.Command, site: str = "shop.example") -> None:
        [answer] = self.app.desk.submit([Envelope(site=site, command=command)])
        assert answer.refusal in (None, answer.refusal)

    @property
    def queue(self) -> list[tuple[str, str, list[str]]]:
        with self.app.reading() as connection:
            items = views.queue(connection, self.app.now(connection))["items"]
        return [(item["site"], item["kind"], item["filing"]) for item in items]

    @property
    def alarms(self) -> list[tuple[str, int, int]]:
        with self.app.reading() as connection:
            found = alarms_now(connection, self.app.now(connection), None, None)["items"]
        return [(a["key"], a["terms"], a["overdue"]) for a in found if a["kind"] == "filing_due"]


@pytest.fixture
def office(
    db_url: str, write_settings: WriteSettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    with freeze_time(START, ignore=["_pytest"]) as frozen:
        found = Office(db_url, write_settings(""), frozen)
        yield found
        found.app.close()


def test_a_term_is_reminded_of_on_its_days_and_then_every_day(office: Office) -> None:
    office.file(opened_on="2026-02-20")
    duty, told = office.duty(), []
    for day in range(40):
        office.at(START + day * DAY)
        if duty.remind():
            told.append(day)
    # Filed by 22 March: 14, 7 and 1 days before it, and from the 23rd on every day.
    assert told == [7, 14, 20, *range(22, 40)]
    assert office.queue == [("shop.example", "file", ["2026-03-22"])]


def test_the_day_is_the_day_of_the_desk_s_own_zone(office: Office) -> None:
    office.file(opened_on="2026-02-14")
    duty = office.duty()
    # Filed by 16 March, reminded of on the 2nd, which begins in Shanghai at 16:00 UTC of the 1st.
    office.at(datetime(2026, 3, 1, 15, 59, 59, tzinfo=UTC))
    assert duty.remind() == 0
    office.at(datetime(2026, 3, 1, 16, tzinfo=UTC))
    assert duty.remind() == 1


def test_a_reminder_is_given_once_however_many_daemons_look(office: Office) -> None:
    for n in range(8):
        office.file(f"s{n}.example", opened_on="2026-01-01")
    together = Barrier(3)

    def work() -> None:
        duty = office.duty()
        together.wait()
        duty.run()

    with ThreadPoolExecutor(3) as daemons:
        list(daemons.map(lambda _: work(), range(3)))
    with office.app.reading() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM entries").scalars().all()
        assert sum('"kind":"filing_reminded"' in body for body in bodies) == 8
    assert len(office.queue) == 8


def test_more_sites_than_one_transaction_takes_are_all_reminded_of(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing_duty, "BATCH", 2)
    for n in range(5):
        office.file(f"s{n}.example", opened_on="2026-01-01")
    assert office.duty().remind() == 5


def test_nobody_is_reminded_where_the_settings_say_so(office: Office) -> None:
    office.file(opened_on="2026-01-01")
    office.config.write_text("[filing]\nremind = false\n")
    assert office.duty().remind() == 0


def test_one_alarm_a_day_tells_of_all_terms_that_were_reminded_of(office: Office) -> None:
    office.file("a.example", opened_on="2026-01-01")
    office.file("b.example", opened_on="2026-02-14")
    office.file("c.example", opened_on="2026-02-27")
    assert office.alarms == []
    office.at(START + DAY)
    office.duty().run()
    assert office.alarms == [("filing_due:2026-03-02", 2, 1)]
    office.at(START + 2 * DAY)
    office.duty().run()
    assert office.alarms == [("filing_due:2026-03-03", 1, 1)]
    office.at(START + 5 * DAY)
    assert office.alarms == []


def test_an_approved_site_s_page_is_looked_at_and_again_within_the_time(office: Office) -> None:
    office.file(**APPROVED)
    office.config.write_text('[filing]\nrecheck_within = "10h"\n')
    office.looks.answer = ("icon_missing",)
    duty = office.duty()
    assert duty.check_one_page()
    assert not duty.check_one_page()
    assert office.queue == [("shop.example", "footer", ["icon_missing"])]
    office.at(START + 10 * HOUR)
    office.looks.answer = ()
    assert duty.check_one_page()
    assert office.queue == []
    assert office.looks.asked == ["shop.example"] * 2


@pytest.mark.parametrize(
    "without", [{"approved_on": ""}, {"public_security_number": ""}], ids=lambda each: str(*each)
)
def test_a_site_that_is_not_approved_or_has_no_number_is_not_looked_at(
    without: dict[str, str], office: Office
) -> None:
    office.file(**(APPROVED | without))
    assert not office.duty().check_one_page()


def test_a_site_that_is_down_is_not_looked_at_until_it_is_up(office: Office) -> None:
    office.file(**APPROVED)
    office.give(c.SetHold(by="li", reason="by order"))
    assert not office.duty().check_one_page()
    office.give(c.LiftHold(by="li", reason="by order"))
    office.at(START + RETRY_AFTER)
    assert office.duty().check_one_page()


def test_a_page_that_cannot_be_read_is_no_news_and_is_tried_again_soon(office: Office) -> None:
    office.file(**APPROVED)
    office.looks.answer = None
    duty = office.duty()
    assert duty.check_one_page()
    assert office.queue == []
    office.at(START + RETRY_AFTER - HOUR)
    assert not duty.check_one_page()
    office.at(START + RETRY_AFTER)
    assert duty.check_one_page()


def test_who_has_waited_longest_is_looked_at_first_and_each_in_turn(office: Office) -> None:
    for name in ("a.example", "b.example", "c.example"):
        office.file(name, **APPROVED)
    duty = office.duty()
    for hour in range(3):
        office.at(START + hour * HOUR)
        assert duty.check_one_page()
    office.at(START + 7 * DAY + 30 * timedelta(minutes=1))
    assert duty.check_one_page()
    assert not duty.check_one_page()
    assert office.looks.asked == ["a.example", "b.example", "c.example", "a.example"]


def test_two_daemons_do_not_look_at_one_page_at_once(office: Office) -> None:
    office.file(**APPROVED)
    together = Barrier(2)
    duties = [office.duty(), office.duty()]

    def work(duty: Filings) -> None:
        together.wait()
        duty.check_one_page()

    with ThreadPoolExecutor(2) as daemons:
        list(daemons.map(work, duties))
    assert office.looks.asked == ["shop.example"]


def test_no_page_is_looked_at_where_the_settings_say_so(office: Office) -> None:
    office.file(**APPROVED)
    office.config.write_text('[filing]\nrecheck_within = ""\n')
    assert not office.duty().check_one_page()


def test_a_real_page_is_fetched_under_the_guard_and_held_against_the_register(
    office: Office,
) -> None:
    with receiver(always(200, RIGHT.encode(), Content_Type="text/html; charset=utf-8")) as there:
        office.file(home_url=there.url, **APPROVED)
        Filings(office.app).check_one_page()
        # The loopback is nobody's page: it is not asked at all.
        assert there.seen == []
        office.config.write_text(f'[filing]\nallow = ["{LOOPBACK}"]\n')
        office.at(START + RETRY_AFTER)
        Filings(office.app).check_one_page()
        assert len(there.seen) == 1
        assert office.queue == []
        office.give(c.ChangeFiling(by="li", details=(("icp_number", "京ICP备87654321号-1"),)))
        office.at(START + 8 * DAY)
        Filings(office.app).check_one_page()
    [(site, kind, problems)] = office.queue
    assert (site, kind) == ("shop.example", "footer")
    assert problems


def test_what_is_wrong_in_the_settings_is_cried_out_and_stops_nothing(
    office: Office, said: Said
) -> None:
    office.file(opened_on="2026-01-01")
    office.config.write_text('[filing]\nremind = "yes"\n')
    duty = office.duty()
    duty.run()
    told = said()
    assert [line["level"] for line in told] == ["error", "error"]
    assert "remind" in told[0]["reason"]
    office.config.write_text("")
    office.elapsed = 3_600
    duty.run()
    assert office.queue == [("shop.example", "file", ["2026-01-31"])]


def test_many_sites_that_are_down_keep_no_other_from_being_looked_at(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.store.cases.filings._ENROLLED", 2)
    for n in range(5):
        office.file(f"s{n}.example", **(APPROVED if n == 4 else APPROVED | {"approved_on": ""}))
    duty = office.duty()
    assert any(duty.check_one_page() for _ in range(3))
    assert office.looks.asked == ["s4.example"]


def test_a_look_that_dies_is_made_again_soon(office: Office) -> None:
    office.file(**APPROVED)

    def dies(*_: object) -> tuple[str, ...]:
        raise RuntimeError

    duty = Filings(office.app, check_page=dies, jitter=lambda: 0.0)
    with pytest.raises(RuntimeError):
        duty.check_one_page()
    assert not office.duty().check_one_page()
    office.at(START + RETRY_AFTER)
    assert office.duty().check_one_page()
    assert office.looks.asked == ["shop.example"]


def test_what_was_held_against_a_filing_that_has_changed_meanwhile_is_no_news(
    office: Office,
) -> None:
    office.file(**APPROVED)

    def corrected_meanwhile(*_: object) -> tuple[str, ...]:
        office.give(c.ChangeFiling(by="li", details=(("icp_number", "京ICP备87654321号-1"),)))
        return ("icp_other",)

    duty = Filings(office.app, check_page=corrected_meanwhile, jitter=lambda: 0.0)
    assert duty.check_one_page()
    assert office.queue == []
