"""The backlog: what falls due while nobody keeps the time, and the history that leads to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from incidents.desk import Envelope
from incidents.enforcement.dispatcher import Dispatcher
from incidents.enforcement.port import Delivered
from incidents.enforcement.round import Round
from incidents.machine import commands as c
from incidents.machine.orders import ACT
from tests.acceptance.daemons import desk_at
from tests.enforcement.dispatcher_rig import StubAdapter
from tests.fire.ledger import Intent, Ledger, acknowledgement

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DOWN = 72 * HOUR

_OPERATOR = "operator-1"
_BATCH = 1_000
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Backlog:
    """The names of the sites that something waits on.

    plain: one clock. several: three clocks, of incidents that no window of R1 holds together.
    last_miss: one clock, after two cases in a row: it closes the site (R3). reopening: suspended,
    and to be opened. together: a clock falls due at the very end of the suspension. after: a clock
    falls due a minute after it.
    """

    plain: Sequence[str]
    several: Sequence[str]
    last_miss: Sequence[str]
    reopening: Sequence[str]
    together: Sequence[str]
    after: Sequence[str]

    @classmethod
    def of(cls, clocks: int) -> Backlog:
        """A backlog of `clocks` clocks, at least 100."""
        part = clocks // 100

        def names(word: str, n: int) -> list[str]:
            return [f"{word}-{i:05}.example" for i in range(n)]

        several, last_miss, reopening = 2 * part, 2 * part, 3 * part
        together = after = part
        others = 3 * several + last_miss + reopening + 2 * together + 2 * after
        return cls(
            plain=names("plain", clocks - others),
            several=names("several", several),
            last_miss=names("last-miss", last_miss),
            reopening=names("reopening", reopening),
            together=names("together", together),
            after=names("after", after),
        )

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [
            *self.plain, *self.several, *self.last_miss, *self.reopening, *self.together,
            *self.after,
        ]  # fmt: skip


class Past:
    """The days before `now`: written through a desk that stood there then, and written down."""

    def __init__(self, engine: Engine, now: datetime) -> None:
        self.ledger = Ledger()
        self._engine = engine
        self._now = now

    def lay(self, backlog: Backlog) -> None:
        """Write the history. Until `now - DOWN` what fell due was done; since then nothing was."""
        died = self._now - DOWN
        suspended = [*backlog.reopening, *backlog.together, *backlog.after]
        self._log(backlog.last_miss, died - 50 * HOUR, new=True)
        self._elapse(died - 49 * HOUR + MINUTE)
        self._elapse(died - 36 * HOUR)
        self._log(backlog.last_miss, died - 25 * HOUR)
        self._elapse(died - 24 * HOUR + MINUTE)
        self._log(suspended, died - 12 * HOUR, new=True)
        made = died - 11 * HOUR + MINUTE
        self._elapse(made)
        self._elapse(died)
        # From here on nobody keeps the time; these suspensions end an hour and a minute later.
        self._log(backlog.together, made + 11 * HOUR)
        self._log(backlog.after, made + 11 * HOUR + MINUTE)
        self._log(backlog.last_miss, died)
        for n, long_ago in enumerate((300 * HOUR, 200 * HOUR, 100 * HOUR)):
            at = died + n * MINUTE
            self._log(backlog.several, at, occurred_at=at - long_ago, new=n == 0)
        self._spread(backlog.plain)

    def add(self, names: Sequence[str]) -> None:
        """Take sites into the register on which nothing waits."""
        for start in range(0, len(names), _BATCH):
            self._submit(
                [(name, c.AddSite(by=_OPERATOR)) for name in names[start : start + _BATCH]],
                self._now - HOUR,
            )

    def _spread(self, names: Sequence[str]) -> None:
        """Over the whole time, the youngest first: the ids are not in the order of the times."""
        starts = range(0, len(names), _AT_ONCE)
        apart = (DOWN - 2 * HOUR) / len(starts)
        for n, start in enumerate(starts):
            at = self._now - 1.5 * HOUR - n * apart
            self._log(names[start : start + _AT_ONCE], at, new=True)

    def _log(
        self,
        names: Sequence[str],
        at: datetime,
        *,
        occurred_at: datetime | None = None,
        new: bool = False,
    ) -> None:
        acts: list[tuple[str, c.Command]] = []
        for name in names:
            if new:
                acts.append((name, c.AddSite(by=_OPERATOR)))
            acts.append((name, c.Log(by=_OPERATOR, at=occurred_at, again=True)))
        for start in range(0, len(acts), _BATCH):
            self._submit(acts[start : start + _BATCH], at)

    def _submit(self, acts: Sequence[tuple[str, c.Command]], at: datetime) -> None:
        answers = desk_at(self._engine, at).submit(
            [Envelope(site=name, command=command) for name, command in acts]
        )
        for (name, command), answer in zip(acts, answers, strict=True):
            assert answer.refusal is None, (name, answer.refusal)
            key = f"past-{len(self.ledger.intents)}"
            kind = "site_added" if isinstance(command, c.AddSite) else "incident_logged"
            self.ledger.intend(Intent(key=key, site=name, actor=_OPERATOR, kind=kind))
            self.ledger.acknowledge(acknowledgement(key, answer.document, None))

    def _elapse(self, at: datetime) -> None:
        """The daemon of then: what is due is done, and what that orders is carried out.

        What waited still would be carried out by the daemon that comes back, and what is due on a
        site comes before that, out of turn.
        """
        desk = desk_at(self._engine, at)
        while desk.elapse(limit=_BATCH):
            pass
        adapter = StubAdapter("log", outcome=Delivered(enforced=False))
        carried_out = Round(
            Dispatcher(
                engine=self._engine, desk=desk, lanes={ACT: lambda _: adapter}, name="of-then",
                give_up_after=DOWN, clock=lambda: at,
            )
        )  # fmt: skip
        carried_out.run()
        carried_out.close()
