"""The customer's lane: writes to the responsible person what was found, and what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection

from incidents.enforcement.port import Failed, Order, Outcome, Skipped, State
from incidents.notices import letter as channel
from incidents.notices import notice_settings
from incidents.notices.facts import Facts
from incidents.notices.letter import Channel, Recipient, Time
from incidents.notices.record import Link, Record
from incidents.notices.templating import TemplateError
from incidents.notices.wording import Wording
from incidents.settings.sources import Settings

LookUp = Callable[[Order], Facts | None]


class House(Protocol):
    """Where the settings are, and the database."""

    @property
    def settings(self) -> Settings:
        """Those of this run."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that reads one state of the database."""


class Customer:
    """Writes to the customer of an order's site, by the first channel that takes it.

    An incident that is settled by then is told to nobody, nor is a suspension that late truth has
    struck, or a closure that was taken back: it would be wrong. A violation is told on a closed
    site too, in other words: the customer is to know all that was found, and the notice of the
    closure names only what the closure rests on.
    """

    def __init__(
        self,
        *,
        facts: LookUp,
        wording: Wording,
        channels: Sequence[Channel],
        name: str = notice_settings.NOTICES,
    ) -> None:
        self.name = name
        self._facts = facts
        self._wording = wording
        self._channels = tuple(channels)

    @property
    def is_set_up(self) -> bool:
        """Whether there is a channel at all."""
        return bool(self._channels)

    def deliver(self, order: Order) -> Outcome:
        """Make one attempt."""
        if not self._channels:
            return Skipped(why="no_channel")
        notice = notice_of(order)
        if notice is None:
            return Skipped(why="no_notice")
        facts = self._facts(order)
        if facts is None:
            return Skipped(why="not_on_record")
        if facts.settled:
            return Skipped(why="settled")
        if facts.email is None and facts.phone is None:
            return Skipped(why="no_address")
        try:
            letter = self._wording.letter(notice, facts, order.id)
        except TemplateError as error:
            return Failed(problem="template_wrong", detail=error.message)
        to = Recipient(
            mail=() if facts.email is None else (facts.email,), name=facts.person, phone=facts.phone
        )
        time, outcomes = Time(), []
        for left, each in zip(range(len(self._channels), 0, -1), self._channels, strict=True):
            outcomes.append(each.send(letter, to, within_s=time.share(left)))
            if channel.took(outcomes[-1]):
                return outcomes[-1]
        return channel.worst(outcomes)

    def state(self, site: str) -> State | None:  # noqa: ARG002 - a mail asks nobody back
        """Unknown."""
        return None


def notice_of(order: Order) -> str | None:
    """The notice that tells the customer of an order; None if it is nothing to them."""
    match order.kind:
        case "notify":
            return "violation_found"
        case "suspend":
            return "suspended_held" if order.until is None else "suspended"
        case "reopen":
            return "reopened"
        case "close":
            return "closed"
        case _:
            return None


def of(
    house: House, *, link: Link | None = None, environ: Mapping[str, str] | None = None
) -> Customer:
    """The customer's lane as [notices] says; `link` gives the customer's own page, if there is one.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError, NoAppriseError, TemplateError: naming
            what is wrong.
    """
    found = notice_settings.to_customer(house.settings.zone, environ)
    record = Record(house.reading, link)
    return Customer(facts=record, wording=found.wording, channels=found.channels)
