"""A desk to look at for alarms, and channels that record them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from incidents import clock
from incidents.app import App
from incidents.daemon.alarm_duty import Alarms
from incidents.daemon.alarm_letter import SendAlarm, Source, channel_sender
from incidents.desk import Envelope
from incidents.enforcement.port import Delivered, Outcome
from incidents.machine import commands as c
from incidents.notices import samples
from incidents.notices.lanes import DeskLane
from incidents.notices.letter import Letter, Recipient
from incidents.notices.notice_settings import Outlet
from incidents.notices.wording import Wording
from incidents.store import monitoring
from incidents.store.database.engine import reading, writing
from incidents.store.monitoring import Heartbeat, Raised
from incidents.views.queue.alarm import Alarm

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
SITE = "shop.example"
HERE = Source(host="desk-2", database="/srv/desk.db")
S, MIN, H = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@dataclass
class StubChannel:
    """Answer `outcome`, and keep the received alarms."""

    outcome: Outcome | Callable[[Alarm], Outcome] = field(default_factory=Delivered)
    got: list[str] = field(default_factory=list)

    def __call__(self, alarm: Alarm, *_when: object) -> Outcome:
        self.got.append(alarm.key)
        return self.outcome(alarm) if callable(self.outcome) else self.outcome


class Watch:
    """An app under a clock that the test moves; a daemon enforces unless told otherwise."""

    def __init__(self, app: App, frozen: Any = None) -> None:
        self.app = app
        self.engine = self.app.engine
        self.elapsed = 0.0
        self.beats = True
        self._frozen = frozen

    def duty(self, send: SendAlarm | None, **how: Any) -> Alarms:
        return Alarms(
            self.app, send=send, monotonic=lambda: self.elapsed, jitter=lambda: 0.0, **how
        )

    def at(self, moment: datetime) -> Self:
        self._frozen.move_to(moment)
        if self.beats:
            self.beat("alive")
        return self

    def beat(self, name: str, at: datetime | None = None, host: str = "here") -> None:
        moment = at or clock.now()
        with writing(self.engine) as connection:
            monitoring.beat(
                connection,
                Heartbeat(daemon=name, host=host, pid=7, started_at=START, beat_at=moment),
            )

    def do(self, command: c.Command, site: str = SITE) -> Self:
        (answer,) = self.app.desk.submit([Envelope(site=site, command=command)])
        assert answer.refusal is None, answer.refusal
        return self

    def log(self, site: str = SITE) -> Self:
        return self.do(c.AddSite(by="li"), site).do(c.Log(by="li"), site)

    @property
    def raised(self) -> dict[str, Raised]:
        with reading(self.engine) as connection:
            return monitoring.known_alarms(connection)


@dataclass
class Channel:
    """A channel that takes what it is given."""

    name: str
    got: list[Letter] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Delivered)

    def send(self, letter: Letter, to: Recipient, *, within_s: float) -> Outcome:  # noqa: ARG002
        self.got.append(letter)
        return self.outcome


def desk(*outlets: Outlet) -> DeskLane:
    zone = ZoneInfo("Asia/Shanghai")
    return DeskLane(
        facts=lambda _: None, wording=Wording(samples.OFFICE, zone), outlets=outlets,
        now=clock.now,
    )  # fmt: skip


def telling(*outlets: Outlet) -> SendAlarm | None:
    """The sender of alarms to these channels."""
    return channel_sender(desk(*outlets), HERE)
