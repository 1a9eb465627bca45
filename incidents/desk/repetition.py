"""The repetition of commands: earlier answers by key, and confirmation before a closure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeGuard

from sqlalchemy import Connection

from incidents.desk import access
from incidents.desk.envelope import Answer, Envelope, from_json, to_json
from incidents.machine.actions.orders import is_down
from incidents.machine.case import Case
from incidents.machine.command import BRAKED, BY_HAND, DOWN
from incidents.machine.commands import (
    CancelOrder,
    Command,
    CompleteTask,
    Log,
    RecordFailure,
    RepeatOrder,
)
from incidents.machine.decide import Decision, decide
from incidents.machine.events import SiteClosed
from incidents.machine.policy import Policy
from incidents.machine.refusal import Refusal, Remark
from incidents.record.sealing import fingerprint, is_fingerprint_of
from incidents.store import desk_state
from incidents.store.cases import work
from incidents.store.expired_keys import FREE_AFTER, SPENT
from incidents.values import web_address
from incidents.values.ids import ACT, order_id


def would_close(case: Case, command: Command, policy: Policy, now: datetime) -> Refusal | None:
    """The refusal of a violation that would close the site under R1.

    A closure on a person's statement (R4, R5) is not refused here: the surface asks for its
    confirmation. `now` is in UTC.
    """
    decision = decide(case, command, policy, now)
    for event in decision.events[decision.due :]:
        reason = event.reason if isinstance(event, SiteClosed) else None
        if reason is not None and reason.within is not None:
            within_s = int(reason.within.total_seconds())
            facts = {"site": case.site, "n": reason.counted, "needed": reason.needed}
            return Refusal("would_close", {**facts, "within_s": within_s})
    return None


def order_of_hold(case: Case, command: Command) -> Refusal | None:
    """The refusal to remove the only order that takes down a held site.

    The refusal applies if the order is from before the hold and the site is not down yet.
    """
    if not _removes_order(command):
        return None
    down = [d for d in case.deliveries.values() if d.lane == ACT and d.kind in DOWN]
    is_one = any(each.order == command.order for each in down)
    goes_on = any(each.order != command.order and not each.dead for each in down)
    if not case.held or not is_one or goes_on or is_down(case):
        return None
    name = order_id(case.site_id, command.order, ACT)
    return Refusal("order_of_hold", {"order": name, "site": case.site})


def _removes_order(command: Command) -> TypeGuard[CancelOrder | RecordFailure]:
    """Whether a person or the brake removes an order to the live system with this command."""
    if isinstance(command, CancelOrder):
        return (command.why, command.lane) == (BY_HAND, ACT)
    return isinstance(command, RecordFailure) and command.problem == BRAKED


def refused_as_done(
    connection: Connection, case: Case, command: Command, refusal: Refusal | None
) -> Refusal | None:
    """The refusal, with facts about the completed task if the task was already completed.

    These facts are the person, the time (UTC) and the outcome.
    """
    if refusal is None or not isinstance(command, CompleteTask):
        return refusal
    task = case.tasks.get(command.task) or work.one_task(connection, case.site_id, command.task)
    if refusal.name != "unknown_task" or task is None or task.done_at is None:
        return refusal
    done = {"by": task.by, "at": task.done_at, "outcome": task.outcome}
    return replace(refusal, facts={**refusal.facts, **done})


def with_remarks(decision: Decision, command: Command) -> Decision:
    """The decision, with a remark if addresses of the violation are on other hosts.

    If the site's name was mistyped, the violation is logged on somebody else's site, and might
    close that site.
    """
    if not isinstance(command, Log) or decision.refusal is not None:
        return decision
    site = decision.case.site
    hosts = web_address.other_hosts(command.urls, site)
    if not hosts:
        return decision
    remark = Remark("other_host", {"hosts": hosts, "site": site})
    return replace(decision, remarks=(*decision.remarks, remark))


class Repetitions:
    """The idempotency keys of one batch at `now` (UTC).

    `kept`: the answers that are stored for these keys.
    """

    def __init__(self, kept: Mapping[str, desk_state.KeptAnswer], now: datetime) -> None:
        self._kept, self._now = kept, now
        self._new: dict[str, desk_state.KeptAnswer] = {}
        self._expired: set[str] = set()

    def before(self, envelope: Envelope, site: str) -> Answer | Refusal | None:
        """The original answer to the command; None for a new key.

        If the key was used for another command, the result is a refusal.
        """
        kept = self._valid(envelope)
        if kept is None:
            return None
        if is_fingerprint_of(kept.fingerprint, site, envelope.command):
            return from_json(kept.answer)
        given = envelope.given_key or envelope.key
        facts: dict[str, object] = {"key": given, "at": kept.recorded_at}
        if kept.fingerprint == SPENT:
            return Refusal("key_reused", {**facts, "spent": True})
        theirs = replace(envelope.command, by=kept.person)
        if is_fingerprint_of(kept.fingerprint, site, theirs):
            # Under another key it would be done twice.
            facts["by"] = kept.person
        return Refusal("key_reused", facts)

    def keep(self, envelope: Envelope, site: str, answer: Answer) -> None:
        """Store the answer, unless it is a refusal of a command that might succeed later."""
        assert envelope.key is not None
        if answer.refusal is not None and (
            envelope.key_for
            or answer.document["site"] is None
            or isinstance(envelope.command, RepeatOrder)
            or answer.refusal.name in access.NOT_KEPT
        ):
            # All of these may be possible by now: a double press, an unknown site, a repeated
            # order, or an action after a sign-in or another query.
            return
        stored: dict[str, Any] = {**to_json(answer)}
        if envelope.key_for is not None:
            stored[FREE_AFTER] = envelope.key_for.total_seconds()
        self._new[envelope.key] = desk_state.KeptAnswer(
            envelope.key,
            fingerprint(site, envelope.command),
            stored,
            self._now,
            envelope.command.by,
        )

    def write(self, connection: Connection) -> None:
        """Write the stored answers.

        Raises:
            IntegrityError: if a key was used by another transaction at the same moment.
        """
        desk_state.save_answers(connection, list(self._new.values()), self._expired)

    def _valid(self, envelope: Envelope) -> desk_state.KeptAnswer | None:
        assert envelope.key is not None
        new = self._new.get(envelope.key)
        if new is not None:
            return new
        kept = self._kept.get(envelope.key)
        if kept is None or envelope.key_for is None:
            return kept
        if self._now - kept.recorded_at < envelope.key_for:
            return kept
        self._expired.add(envelope.key)
        return None
