"""The delivery duty: carry out orders, and send the notices about them."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from incidents import clock
from incidents.app import App
from incidents.audit.log import status
from incidents.daemon import enforce, journal
from incidents.daemon.part import Part
from incidents.desk import Answer
from incidents.enforcement import comparison, routing
from incidents.enforcement import mark as marks
from incidents.enforcement.continuity import Continuity
from incidents.enforcement.dispatcher import AttemptResult, Choose, Dispatcher
from incidents.enforcement.round import Round
from incidents.enforcement.verdict import FAILED
from incidents.errors import SettingError, SettingsFileError, UnknownSettingError
from incidents.machine.command import DAEMON
from incidents.machine.orders import ACT, DESK, NOTICE
from incidents.notices import customer_link, lanes
from incidents.notices.lanes import CustomerLane, DeskLane
from incidents.notices.notice_settings import CHANNELS
from incidents.store.database import schema
from incidents.store.database.engine import plainly, reading

_FAILURES = {
    ACT: "the orders are not carried out",
    NOTICE: "customers are not notified",
    DESK: "the desk gets no alarms",
}

_INACTIVE = {
    ACT: "NOTHING IS ENFORCED: [acts] names no adapter but log",
    NOTICE: f"no notices are sent to customers: no channel is set ({CHANNELS[NOTICE]})",
    DESK: f"no alarms are sent: no channel is set ({CHANNELS[DESK]})",
}
"""The warning for a lane that the settings leave without an adapter or channel."""

TICK_S = 0.25
"""The interval of the duty's rounds, and so the longest wait of a new order."""


class Delivery:
    """The delivery duty of one daemon, run by one thread.

    `round`: carries out the orders and counts the outcomes; None until the database has been
    available.

    A mistake in the settings of one lane delays neither the other lanes nor the deadlines: the
    mistake is logged, and the settings are read again, without a restart.
    """

    def __init__(
        self,
        app: App,
        *,
        stopped: Callable[[], bool] = lambda: False,
        decided: Callable[[list[Answer]], object] = journal.decided,
        observed: Callable[[AttemptResult, datetime], object] = lambda *_: None,
        log_error: Callable[..., None] = journal.error,
        once: bool = False,
    ) -> None:
        # Open it in the constructor: two threads would open it twice.
        self._app, self._engine = app, app.bare_engine
        self._stopped = stopped
        self._part = Part(_FAILURES[ACT], log_error=log_error)
        self._decided, self._observed = decided, observed
        self._once = once
        self._routing: routing.Routing | None = None
        self._lanes: dict[str, Choose] = {}
        self._without_channel: set[str] = set()
        self._unread = {lane: Part(wrong, log_error=log_error) for lane, wrong in _FAILURES.items()}
        self._name = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        self._kept: Continuity | None = None
        self.round: Round | None = None

    def run(self) -> None:
        """Do one round of the duty; a failure does not prevent the next round."""
        if not self._stopped():
            self._load_settings()
            self._part.attempt(self._carry_out)

    @property
    def errors(self) -> list[Exception]:
        """The errors that currently stop the duty, or one of its lanes."""
        parts = [self._part, *self._unread.values()]
        return [part.error for part in parts if part.error is not None]

    @property
    def mark_unread(self) -> str | None:
        """The message of the error if an unreadable mark stops the duty; otherwise None."""
        error = self._part.error
        return error.message if isinstance(error, marks.UnreadMarkError) else None

    def close(self) -> None:
        """Release the threads of the duty and the connections of its adapters."""
        if self.round is not None:
            self.round.close()
        if self._routing is not None:
            self._routing.close()

    def _carry_out(self) -> None:
        # The schema may have been upgraded since, so that this program must not write.
        schema.check(self._engine)
        if self._is_clock_wrong():
            return
        why = self._continuity().check()
        if why is not None:
            journal.error(
                "the record continues from an earlier state", cause=why.cause, had=why.had
            )
        if self.round is None:
            self.round = Round(
                self._dispatcher(), stopped=self._stopped, recorded=self._decided, once=self._once
            )
        self.round.run()

    def _load_settings(self) -> None:
        """Read the settings of each lane whose settings have not been valid yet."""
        for lane, part in list(self._unread.items()):
            if part.attempt(self._load_routing if lane == ACT else partial(self._load_lane, lane)):
                del self._unread[lane]

    def _load_routing(self) -> None:
        found = self._routing = routing.load()
        self._lanes[ACT] = found.adapter_for
        if self.round is not None:
            # The round has used the defaults so far.
            self.round.close()
            self.round = None
        if not (found.enforces or self._once):
            journal.warning(_INACTIVE[ACT])

    def _load_lane(self, lane: str) -> None:
        sender = notice_lane(self._app, lane)
        # A daemon with a channel sends the notices, now or later.
        if sender.is_set_up:
            self._lanes[lane] = lambda _: sender
        else:
            self._without_channel.add(lane)
            if not self._once:
                journal.warning(_INACTIVE[lane])

    def _is_clock_wrong(self) -> bool:
        """Whether this machine's clock is wrong, so that wrong times would be recorded.

        The enforcement duty reports a wrong clock.
        """
        with plainly(self._engine), reading(self._engine) as connection:
            drift = enforce.clock_drift(connection)
        return enforce.reason_to_stand_aside(drift) is not None

    def _continuity(self) -> Continuity:
        if self._kept is None:
            key = status.load_settings(self._app.settings).key
            mark = marks.mark_path(key)
            self._kept = Continuity(self._app.engine, self._app.desk, mark, clock.now)
        return self._kept

    def _compare(self, names: Sequence[str]) -> set[str]:
        """Compare sites as the recovery does, and return the names that could be compared.

        The result is empty if the settings cannot be read.
        """
        app, seen = self._app, set[str]()
        try:
            for each in comparison.compare_sites(
                app.engine, app.desk, app.reading, by=DAEMON, login=app.settings.login,
                only=names, stopped=self._stopped, opens=False,
            ):  # fmt: skip
                if each.verdict != FAILED:
                    seen.add(each.site)
        except (SettingError, UnknownSettingError, SettingsFileError) as error:
            journal.error("sites are not compared with their actual state", reason=error.message)
        return seen

    def _dispatcher(self) -> Dispatcher:
        app, found = self._app, self._routing or routing.read({})
        return Dispatcher(
            engine=self._engine,
            desk=app.desk,
            lanes=self._lanes,
            without_channel=self._without_channel,
            name=self._name,
            give_up_after=found.give_up_after,
            workers=found.workers,
            # If orders are only logged and no notices are sent, no brake is needed.
            brake=found.brake if found.enforces or NOTICE in self._lanes else None,
            continuity=self._continuity(),
            compare=self._compare,
            login=app.settings.login,
            observed=self._observed,
        )


def once(app: App) -> Delivery:
    """Try each due order once (`daemon --once`); `errors` of the result lists the failures."""
    delivery = Delivery(app, decided=lambda _: None, log_error=lambda *_, **__: None, once=True)
    try:
        delivery.run()
    finally:
        delivery.close()
    return delivery


def check(app: App) -> list[str]:
    """Check the settings of delivery; return the lanes for which nothing is set up.

    No order is carried out.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError, TemplateError, MissingLibraryError,
            MissingPartError: if anything is wrong; the error names the first fault.
    """
    found = routing.load()
    try:
        found.check_requirements()
    finally:
        found.close()
    inactive = [] if found.enforces else [ACT]
    lanes = (NOTICE, DESK)
    return inactive + [lane for lane in lanes if not notice_lane(app, lane).is_set_up]


def notice_lane(app: App, lane: str) -> CustomerLane | DeskLane:
    """The lane for notices to the customer or to the desk, from the settings.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError, TemplateError: if a setting is wrong.
    """
    if lane == NOTICE:
        return lanes.customer_lane(app, link=customer_link.load_notice_link())
    return lanes.desk_lane(app)
