"""A full day at the desk, with whatever a metric tells of: a rehearsal for scrapes of all of it.

Nobody's number, address, name or words may come out of it; nor any site's name, nor any id.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from incidents.audit.log import sequencer
from incidents.enforcement.port import Delivered, Failed, Retry, Skipped
from incidents.machine import commands as c
from incidents.metrics.samples import Samples
from incidents.metrics.service import Watch
from incidents.store import monitoring
from incidents.store.database.engine import writing
from incidents.store.log import checkpoints
from incidents.store.log.checkpoints import Signed
from incidents.store.monitoring import Heartbeat
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.desk.report_acts import ONE, TWO, incoming, receive
from tests.desk.report_acts import log as log_report
from tests.metrics.rig import Place, RecordedLog
from tests.metrics.test_tally import done

PHONE, MAIL, NAME = "+86 10 5555 0177", "canary@birds.invalid", "Kanarija Gelbvogel"
SONG = f"{NAME}, {PHONE}, {MAIL}"
HOST = "desk-host-7.invalid"
OPERATORS = ("wang-operator", "zhao-operator")


class Busy:
    """The desk of that day, and a daemon's watch over it."""

    def __init__(self, day: Rehearsal) -> None:
        self.day = day
        self.watch = Watch(Place(day), warn=RecordedLog())
        self.watch.samples()

    def live(self) -> None:
        """The day."""
        self._cases()
        self._orders()
        self._daemons()
        self._log()

    def scraped(self) -> Samples:
        """The scraped metrics."""
        return self.watch.samples()

    def _give(self, site: str, *commands: c.Command) -> None:
        for command in commands:
            answer = self.day.give(command, site)
            assert answer.refusal is None, answer.refusal

    def _cases(self) -> None:
        by, other = OPERATORS
        log = c.Log(by=by, urls=("http://shop.example/canary",), note=SONG, category="malware")
        again = c.Log(by=by, again=True, note=SONG)
        add = c.AddSite(by=by, phone=PHONE, email=MAIL, person=NAME)
        reached = c.RecordContact(by=by, incident=1, outcome="reached", note=SONG)
        self._give("missed.example", add, log)
        self._give("repeat.example", add, again, again, again)
        self._give("told.example", add, log, reached, c.StateRefused(by=by, incident=1))
        self._give("false.example", add, c.StateFalse(by=by, field="phone", evidence=SONG))
        self._give("asked.example", add, again, again, again)
        self._give("asked.example", c.AskReinstatement(by=by, reason=SONG))
        self._give("doubted.example", add, again, again, again)
        self._give("doubted.example", c.VoidIncident(by=other, incident=2, reason=SONG))
        self._give("held.example", add, c.SetHold(by=by, reason=SONG))
        self._give("gone.example", add, log, c.StateRemoved(by=by, incident=1, note=SONG))
        self._give("waits.example", add, log, reached)
        self.day.later(hours=1, seconds=2)
        self.day.elapse()
        self._give("late.example", add, log)
        receive(self.day, incoming(ONE), incoming(TWO))
        log_report(self.day, 1, "gone.example")
        self.day.later(minutes=20)

    def _orders(self) -> None:
        order = _act(self.day, "missed.example")
        failed = c.RecordFailure(
            order=order, lane="act", adapter="panel", attempts=3, problem="http_410"
        )
        self._give("missed.example", failed)
        ordered = self.day.now
        for outcome in (Delivered(), Retry(problem="http_503"), Failed(problem="http_410")):
            self.watch.tally.observe(done(outcome, "panel"), ordered)
        self.watch.tally.observe(done(Delivered(enforced=False), "log"), ordered)
        self.watch.tally.observe(done(Skipped(why="no_address"), "notices", "notice"), ordered)

    def _daemons(self) -> None:
        with writing(self.day.engine) as connection:
            for name, aside in (("one", None), ("two", "its clock is 5.0 s ahead"), ("once", None)):
                known = monitoring.once_on(HOST) if name == "once" else f"{HOST}-{name}"
                monitoring.beat(
                    connection,
                    Heartbeat(daemon=known, host=HOST, pid=4711, started_at=self.day.now,
                              beat_at=self.day.now - timedelta(seconds=3), standing_aside=aside),
                )  # fmt: skip

    def _log(self) -> None:
        sequencer.number_all(self.day.engine)
        self.day.add("new.example")
        with writing(self.day.engine) as connection:
            checkpoints.add_key(
                connection, checkpoints.Key("birds.example/log+1", 1, self.day.now, OPERATORS[0])
            )
            new = Signed(0, 3, bytes(32), "note", "birds.example/log+1", self.day.now)
            assert checkpoints.add(connection, new, after=None, place="here")


def _act(day: Rehearsal, site: str) -> int:
    [(order,)] = day.rows(
        "SELECT site_seq FROM deliveries JOIN sites ON sites.id = site_id"
        f" WHERE lane = 'act' AND name = '{site}'"
    )
    assert isinstance(order, int)
    return order


@contextmanager
def busy(url: str) -> Iterator[Busy]:
    """A busy day, played."""
    with rehearsal(url) as day:
        found = Busy(day)
        found.live()
        yield found
