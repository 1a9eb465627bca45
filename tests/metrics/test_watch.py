"""Whoever asks is answered in time, whatever becomes of the database."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from sqlalchemy import Engine

from incidents.audit.log import sequencer
from incidents.enforcement.port import Delivered
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.metrics.service import Watch
from incidents.store.database import schema
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.metrics.rig import Place, RecordedLog, value
from tests.metrics.test_tally import NOW, done
from tests.patience import PATIENCE_S, until


class Failing(Place):
    """A database that fails as a test says."""

    error: Exception | None = None

    @property
    def bare_engine(self) -> Engine:
        if self.error is not None:
            raise self.error
        return super().bare_engine


class Hanging(Place):
    """A database that does not answer until it is let go."""

    def __init__(self, day: Rehearsal) -> None:
        super().__init__(day)
        self.begun = 0
        self.answers = Event()

    @property
    def bare_engine(self) -> Engine:
        self.begun += 1
        assert self.answers.wait(PATIENCE_S)
        return super().bare_engine


def test_a_database_that_is_away_is_shown_and_told_of_once(day: Rehearsal) -> None:
    place, warned = Failing(day), RecordedLog()
    watch = Watch(place, warn=warned)
    assert value(watch.samples(), "up") == 1

    place.error = DatabaseError(detail="the database does not answer")
    for _ in range(3):
        found = watch.samples()
        assert value(found, "up") == 0
        assert value(found, "build_info", "0.1.0") == 1
        assert value(found, "deadlines_overdue") is None
    assert warned.lines == [
        ("the metrics cannot be read", {"reason": "the database does not answer"})
    ]

    place.error = None
    assert value(watch.samples(), "up") == 1
    place.error = DatabaseError(detail="the database does not answer")
    watch.samples()
    assert len(warned.lines) == 2


def test_a_fault_is_told_by_its_type_alone(day: Rehearsal) -> None:
    place, warned = Failing(day), RecordedLog()
    place.error = KeyError("shop.example")
    assert value(Watch(place, warn=warned).samples(), "up") == 0
    assert warned.lines == [("the metrics cannot be read", {"reason": "KeyError"})]


def test_what_was_counted_stays_counted_while_the_database_is_away(day: Rehearsal) -> None:
    place = Failing(day)
    watch = Watch(place, warn=RecordedLog())
    watch.samples()
    day.add()
    sequencer.number_all(day.engine)
    watch.samples()
    watch.tally.observe(done(Delivered()), NOW)

    place.error = DatabaseError(detail="away")
    found = watch.samples()

    assert value(found, "decisions_total", "site_added", "none") == 1
    assert value(found, "order_attempts_total", "act", "panel", "delivered") == 1


def test_what_goes_on_record_while_the_database_is_away_is_counted_when_it_is_back(
    day: Rehearsal,
) -> None:
    place = Failing(day)
    watch = Watch(place, warn=RecordedLog())
    watch.samples()
    place.error = DatabaseError(detail="away")
    watch.samples()
    day.add()
    day.give(c.Log(by="li"))
    sequencer.number_all(day.engine)
    place.error = None

    assert value(watch.samples(), "decisions_total", "incident_logged", "none") == 1


def test_a_database_that_hangs_is_waited_for_a_while_and_asked_once(day: Rehearsal) -> None:
    place, warned = Hanging(day), RecordedLog()
    watch = Watch(place, warn=warned, patience_s=0.1)
    with ThreadPoolExecutor(20) as others:
        found = list(others.map(lambda _: watch.samples(), range(20)))

    assert [value(samples, "up") for samples in found] == [0] * 20
    assert place.begun == 1
    assert warned.lines == [("the metrics cannot be read", {"reason": "it took longer than 0 s"})]

    place.answers.set()
    until(lambda: value(watch.samples(), "up") == 1, "the database is asked again")


def test_two_who_ask_at_one_moment_are_both_answered(day: Rehearsal) -> None:
    # A busy machine may take longer than anybody waits for metrics.
    watch = Watch(Place(day), warn=RecordedLog(), patience_s=PATIENCE_S)
    with ThreadPoolExecutor(8) as others:
        found = list(others.map(lambda _: watch.samples(), range(40)))
    assert [value(samples, "up") for samples in found] == [1] * 40


def test_a_daemon_that_begins_before_its_database_is_there_tells_of_nothing(
    empty_db_url: str,
) -> None:
    warned = RecordedLog()
    with rehearsal(empty_db_url) as day:
        watch = Watch(Place(day), warn=warned)
        watch.begin()
        assert warned.lines == []
        assert value(watch.samples(), "up") == 0
        assert [sentence for sentence, _ in warned.lines] == ["the metrics cannot be read"]
        schema.upgrade(empty_db_url)
        assert value(watch.samples(), "up") == 1
