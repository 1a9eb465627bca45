"""Access to commands: required sign-ins, permission to receive work, and refusal counts.

The desk checks access here, under the locks of the action, so that no surface can bypass the check.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection

from incidents.accounts.identity import may
from incidents.contract.action import SUPERVISOR, name_of
from incidents.contract.actions import ACTIONS
from incidents.desk.envelope import Answer, Envelope
from incidents.machine.case import Case, ClosureRequest, Request
from incidents.machine.command import DAEMON, DISPATCHER
from incidents.machine.commands import (
    Approve,
    ClaimItem,
    Command,
    CompleteTask,
    ConfirmClosure,
    HandOver,
    RecordState,
    RepeatOrder,
    StateFalse,
    StateRefused,
    Uphold,
)
from incidents.machine.policy import Policy
from incidents.machine.refusal import Refusal
from incidents.store.accounts import passwords, sign_ins
from incidents.store.accounts.accounts import Account, account, any_exist
from incidents.values.ids import task_id

DENIALS = {
    "sign_in_needed": "sign_in_needed", "not_let": "role", "asked_by_anybody": "asked_by_anybody",
    "same_person": "same_person", "for_a_supervisor": "for_a_supervisor",
    "no_supervisor": "role",
    "own_second": "same_person", "second_needed": "second_needed", "second_not_in": "second_not_in",
    "second_role": "second_role", "password_given": "password_given",
}  # fmt: skip
"""The refusals that count as refused permissions: each name, with the reason that is counted."""

NOT_KEPT = frozenset(
    {
        "sign_in_needed",
        "not_let",
        "for_a_supervisor",
        "no_supervisor",
        "changed_meanwhile",
        "would_close",
        "no_taker",
        "password_given",
    }
)
"""The refusals that are not stored as the answer for a key.

The same command can succeed later: after a sign-in, under another role, after a fresh look or a
confirmation, or once somebody can take over the work.
"""


_IN_PERSON = tuple({action.command for action in ACTIONS if action.in_person})
_SUPERVISORS = (
    *{action.command for action in ACTIONS if action.roles == SUPERVISOR},
    # A machine's commands, which no person gives directly: checks of the actual state.
    RecordState,
    RepeatOrder,
)
RECOVER = "recover"
_MACHINES = frozenset({DISPATCHER, DAEMON})
"""The names of machines; no person has such a name.

The actions of machines on orders follow from decisions.
"""


def needs_two_people(command: Command, policy: Policy) -> bool:
    """Whether the command needs two people: to reinstate a site, or to close one (R4, R5).

    For a closure, `policy` decides.
    """
    if isinstance(command, StateFalse | StateRefused):
        return policy.two_people_close
    return isinstance(command, _IN_PERSON)


class Access:
    """The permissions of a transaction's commands at `now` (UTC) under `policy`.

    A signed-in person is checked again, because the account may have been disabled meanwhile, or
    given another role. Each account is read only once, however many commands depend on it. Refused
    permissions are noted, to be counted.
    """

    def __init__(self, connection: Connection, policy: Policy, now: datetime) -> None:
        self._connection = connection
        self._policy = policy
        self._now = now
        self._known: dict[str, Account | None] = {}
        self._denied: list[tuple[Envelope, str, str]] = []

    @cached_property
    def _has_accounts(self) -> bool:
        return any_exist(self._connection)

    def refused(self, envelope: Envelope) -> Refusal | None:
        """The refusal of a command that its person may not give for any site; None if they may."""
        command = envelope.command
        if needs_two_people(command, self._policy) and self._has_accounts:
            action = name_of(type(command))
            refusal = self._denial(command.by, action, signed_in=envelope.signed_in)
            if refusal is None and isinstance(command, Approve | ConfirmClosure):
                return self._not_their_own(command.by)
            return refusal
        if isinstance(command, _SUPERVISORS) and command.by not in _MACHINES:
            return self._no_supervisor(command.by, name_of(type(command)))
        return self._no_taker(command) if isinstance(command, HandOver) else None

    def refused_on(self, envelope: Envelope, case: Case) -> Refusal | None:
        """The refusal of a command that its person may not give in this state of the site.

        None if the person may give the command.
        """
        match envelope.command:
            case Approve():
                return self._unproved(case.request, case)
            case ConfirmClosure():
                return self._unproved(case.closure_request, case)
            case CompleteTask() as command:
                return self._for_a_supervisor(command, case)
        return None

    def refused_activation(self, by: str, *, signed_in: bool, second: str | None) -> Refusal | None:
        """The refusal to replace the active policy; None if it may be replaced.

        If the active policy requires two people to close a site, and there are accounts, both the
        person and a `second` person must have signed in, whatever the new policy says. Otherwise,
        one person could activate a policy of their own, close a site alone, and restore the old
        policy.
        """
        action = "activate_policy"
        if self._policy.two_people_close and self._has_accounts:
            refusal = self._denial(by, action, signed_in=signed_in)
            if refusal is not None or second is None:
                return refusal or Refusal("second_needed", {"by": by})
        return None if second is None else self._not_second(second, by, action)

    def refused_recovery(self, by: str) -> Refusal | None:
        """The refusal if `by` may not resume a record after a loss; None if they may."""
        return self._no_supervisor(by, RECOVER)

    def _not_second(self, second: str, by: str, action: str) -> Refusal | None:
        """The refusal if `second`, who has signed in, may not second an action of `by`."""
        found = self._account(second)
        if second == by:
            return Refusal("own_second", {"by": by})
        if found is None or found.disabled_at is not None:
            return Refusal("second_not_in", {"second": second})
        if not may(found.role, action):
            return Refusal("second_role", {"second": second, "role": found.role, "act": action})
        # Both are checked: the person who set one's password could be both.
        return self._not_their_own(second) or self._not_their_own(by)

    def note_denial(self, envelope: Envelope, answer: Answer) -> None:
        """Note the refusal of a permission, to be counted, if there are accounts."""
        refusal = answer.refusal
        if refusal is None or refusal.name not in DENIALS or answer.repeated:
            return
        if self._has_accounts:
            self._denied.append((envelope, DENIALS[refusal.name], answer.site))

    def write(self, clock: Callable[[], datetime]) -> None:
        """Count the noted refusals; the rows of the sites must already be locked."""
        refused = [
            sign_ins.Refusal(
                envelope.command.by,
                envelope.login or "",
                name_of(type(envelope.command)),
                why,
                site,
            )
            for envelope, why, site in self._denied
        ]
        sign_ins.count(self._connection, refused, clock())

    def _account(self, handle: str) -> Account | None:
        if handle not in self._known:
            self._known[handle] = account(self._connection, handle)
        return self._known[handle]

    def _may(self, handle: str, action: str) -> bool:
        found = self._account(handle)
        return found is not None and found.disabled_at is None and may(found.role, action)

    def _denial(self, by: str, action: str, *, signed_in: bool) -> Refusal | None:
        found = self._account(by) if signed_in else None
        if found is None or found.disabled_at is not None:
            return Refusal("sign_in_needed", {"by": by})
        if not may(found.role, action):
            return Refusal("not_let", {"by": by, "role": found.role, "act": action})
        return None

    def _not_their_own(self, handle: str) -> Refusal | None:
        """The refusal of a person whose password somebody else set recently.

        Somebody who still knows the password of another person could act as two people.
        """
        # By the record, which nobody can change: otherwise write access to tables would do.
        found = passwords.last_on_record(self._connection, handle) if self._has_accounts else None
        if found is None or found.counts_from is None or found.counts_from <= self._now:
            return None
        kept = passwords.of(self._connection, handle)
        given_by = found.by if kept is None or kept.given is None else kept.given.by
        return Refusal(
            "password_given", {"by": handle, "given_by": given_by, "until": found.counts_from}
        )

    def _no_supervisor(self, by: str, action: str) -> Refusal | None:
        """The refusal of an action that only a supervisor may perform, if there are accounts.

        Such actions are holds, answers to disputes and requests, actions on orders, and recovery.
        The refusal applies at the command line too, where the name is trusted.
        """
        if not self._has_accounts or self._may(by, action):
            return None
        return Refusal("no_supervisor", {"by": by, "act": action})

    def _no_taker(self, command: HandOver) -> Refusal | None:
        """The refusal to hand over work to somebody who cannot do it.

        Only the holder of an item can release it, so the item would stay locked permanently.
        """
        if not self._has_accounts or self._may(command.to, name_of(ClaimItem)):
            return None
        return Refusal("no_taker", {"to": command.to})

    def _unproved(self, request: Request | ClosureRequest | None, case: Case) -> Refusal | None:
        """The refusal if the first of two people made the request without an account.

        Without an account, both could be the same person.
        """
        if request is None or not self._has_accounts:
            return None
        asked_as = self._account(request.by)
        if asked_as is None or asked_as.made_at > request.at:
            return Refusal("asked_by_anybody", {"site": case.site, "by": request.by})
        return None

    def _for_a_supervisor(self, command: CompleteTask, case: Case) -> Refusal | None:
        """The refusal of a second correction (R2) by anybody but a supervisor.

        Repeated corrections could otherwise extend the hour forever.
        """
        task = case.tasks.get(command.task)
        if task is None or task.kind != "review" or not self._has_accounts:
            return None
        if self._may(command.by, name_of(Uphold)):
            return None
        named = task_id(case.site_id, task.n)
        return Refusal("for_a_supervisor", {"task": named, "by": command.by})
