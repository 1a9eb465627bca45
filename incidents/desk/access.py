"""The access: for which commands a person signs in first, who may be given work, and the record of
who was not let do something.

It is asked here, under the locks of the act, so that no way to the desk leads past it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, update

from incidents.accounts.roles import act_of, may
from incidents.desk import accounts
from incidents.desk.accounts import By
from incidents.desk.envelope import Answer, Envelope
from incidents.machine.case import Case
from incidents.machine.commands import (
    Approve,
    AskReinstatement,
    ClaimItem,
    Command,
    CompleteTask,
    ConfirmClosure,
    HandOver,
    StateFalse,
    StateRefused,
    Uphold,
)
from incidents.machine.ids import task_id
from incidents.machine.policy import Policy
from incidents.machine.refusals import Refusal
from incidents.store.accounts import account, any_there
from incidents.store.tables import desk

_SECOND_YES = (Approve, ConfirmClosure)
_NOT_LET = {
    "sign_in_needed": "sign_in_needed", "not_let": "role", "asked_by_anybody": "asked_by_anybody",
    "same_person": "same_person", "for_a_supervisor": "for_a_supervisor",
}  # fmt: skip
"""What goes on record as somebody's not being let, by the refusal's name, and why that was."""

NOT_KEPT = frozenset(
    {"sign_in_needed", "not_let", "for_a_supervisor", "changed_meanwhile", "no_taker"}
)
"""What is not the answer to a key for good: the same command may be given after a sign-in, under
another role, after another look, or once there is who takes it over."""

NotLet = tuple[Envelope, str, str]
"""What was asked, why they were not let, and the name of the site."""


def takes_two(command: Command, policy: Policy) -> bool:
    """Whether it is a part of what takes two people: to open what is closed and, where `policy`
    says so, to close on somebody's word (R4, R5)."""
    if isinstance(command, StateFalse | StateRefused):
        return policy.two_people_close
    return isinstance(command, AskReinstatement | Approve | ConfirmClosure)


def missing(connection: Connection, envelope: Envelope, policy: Policy) -> Refusal | None:
    """That somebody must sign in first, for what takes two people, where there are accounts; or
    that they have, and their role may not."""
    command = envelope.command
    if not takes_two(command, policy) or not any_there(connection):
        return None
    act = act_of(type(command))
    return _why_not(connection, command.by, act, signed_in=envelope.signed_in)


def no_taker(connection: Connection, envelope: Envelope) -> Refusal | None:
    """That work is handed over to who can do none of it, where there are accounts: nobody but its
    holder lets go of an item, so it would be locked for good."""
    command = envelope.command
    if not isinstance(command, HandOver) or not any_there(connection):
        return None
    if _may(connection, command.to, act_of(ClaimItem)):
        return None
    return Refusal("no_taker", {"to": command.to})


def of_policy(
    connection: Connection, before: Policy, by: str, *, signed_in: bool
) -> Refusal | None:
    """That somebody must sign in to put another policy in the place of one by which two people
    close, where there are accounts.

    One person who may activate policies can still take that rule away, and gives it back the same
    way; who did is proved, and on record.
    """
    if not before.two_people_close or not any_there(connection):
        return None
    return _why_not(connection, by, "activate_policy", signed_in=signed_in)


def _may(connection: Connection, handle: str, act: str) -> bool:
    found = account(connection, handle)
    return found is not None and found.disabled_at is None and may(found.role, act)


def _why_not(connection: Connection, by: str, act: str, *, signed_in: bool) -> Refusal | None:
    """Looked at once more: the account may have been disabled meanwhile, or given another role."""
    found = account(connection, by) if signed_in else None
    if found is None or found.disabled_at is not None:
        return Refusal("sign_in_needed", {"by": by})
    if not may(found.role, act):
        return Refusal("not_let", {"by": by, "role": found.role, "act": act})
    return None


def unproved(connection: Connection, envelope: Envelope, case: Case) -> Refusal | None:
    """That the first of the two people may have been anybody: they asked before they had an
    account, so nobody knows that they are not the second.
    """
    command = envelope.command
    request = case.request if isinstance(command, Approve) else case.closure_request
    if not isinstance(command, _SECOND_YES) or request is None or not any_there(connection):
        return None
    asked_as = account(connection, request.by)
    if asked_as is None or asked_as.made_at > request.at:
        return Refusal("asked_by_anybody", {"site": case.site, "by": request.by})
    return None


def for_a_supervisor(connection: Connection, envelope: Envelope, case: Case) -> Refusal | None:
    """That a second correction is shown to a supervisor, who upholds closures too (R2): whoever
    corrects would else stretch the hour for ever. Where there are accounts, since only they know.
    """
    command = envelope.command
    task = case.tasks.get(command.task) if isinstance(command, CompleteTask) else None
    if task is None or task.kind != "review" or not any_there(connection):
        return None
    by = account(connection, command.by)
    if by is not None and may(by.role, act_of(Uphold)):
        return None
    return Refusal("for_a_supervisor", {"task": task_id(case.site_id, task.n), "by": command.by})


def found(connection: Connection, envelope: Envelope, answer: Answer) -> list[NotLet]:
    """What of that answer goes on record as somebody's not being let, where there are accounts."""
    refusal = answer.refusal
    if refusal is None or refusal.name not in _NOT_LET or answer.repeated:
        return []
    return [(envelope, _NOT_LET[refusal.name], answer.site)] if any_there(connection) else []


def write(connection: Connection, refused: Sequence[NotLet], clock: Callable[[], datetime]) -> None:
    """Puts it on record, in the desk's own stream; the sites' rows are locked before."""
    for envelope, why, site in refused:
        by = By(person=envelope.command.by, login=envelope.login)
        act = act_of(type(envelope.command))
        accounts.refuse(connection, by, clock, act=act, why=why, about=site)


def refuse_sign_in(
    connection: Connection, handle: str, why: str, clock: Callable[[], datetime], *, known: bool
) -> None:
    """Puts on record that somebody was not let in as `handle`, if that is `known` as an account's.

    Of a name that is nobody's nothing is kept, for it may be anything; but as much is done, so that
    who waits for the answer is not told which names are somebody's.
    """
    with connection.begin_nested() as saved:
        by = By(person=handle, login=None)
        accounts.refuse(connection, by, clock, act="sign_in", why=why)
        if not known:
            saved.rollback()
    # There is something to be written to the disk either way.
    connection.execute(update(desk).values(seq=desk.c.seq))
