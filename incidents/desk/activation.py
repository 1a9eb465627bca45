"""The desk's own actions on its rules: activate a policy, and change the signing key."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection

from incidents.clock import rfc3339
from incidents.desk import accounts, own_stream
from incidents.desk.access import DENIALS, Access
from incidents.desk.own_stream import Actor, IdempotencyKey
from incidents.errors import RefusedError
from incidents.locale import refusals
from incidents.locale.words import policy_differences
from incidents.machine import policy as machine_policy
from incidents.machine.policy import Policy
from incidents.machine.refusal import Refusal
from incidents.record.own_events import LogKeyMade, PolicyActivated
from incidents.store import desk_state
from incidents.store.log import checkpoints

if TYPE_CHECKING:
    from incidents.contract.documents import actions, policies


class ActiveAlreadyError(RefusedError):
    """this policy is already active: {policy}"""


class ActivationDeniedError(RefusedError):
    """A refusal by `Access`, with the name and the words of that refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusals.sentence(refusal, rfc3339), **refusal.facts)
        self.refusal = refusal

    @property
    def name(self) -> str:
        """The refusal's name."""
        return self.refusal.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A request to make `policy` the active one, with the person's reason as text.

    `signed_in`: the person is authenticated. `second`: another authenticated person, who confirms
    the same action.
    """

    policy: Policy
    by: str
    login: str | None
    reason: str
    key: str | None = None
    given_key: str | None = None
    signed_in: bool = False
    second: str | None = None

    @property
    def once(self) -> IdempotencyKey:
        """The idempotency key of the request, with the facts that a repeated request must share."""
        request = json.dumps(["activate", self.policy.digest, self.by, self.reason])
        return IdempotencyKey(key=self.key, by=self.by, request=request, given_key=self.given_key)


def expected(connection: Connection, activation: Activation, now: datetime) -> policies.Activated:
    """The changes that the activation would make at `now` (UTC).

    Raises the errors of `activate`.
    """
    previous = desk_state.active_policy(connection)
    before = _before(connection, activation, previous, now)
    return {
        "policy": activation.policy.digest, "previous": previous, "events": [],
        "changes": policy_differences(before, activation.policy),
    }  # fmt: skip


def _before(connection: Connection, activation: Activation, digest: str, now: datetime) -> Policy:
    """The policy to be replaced, if the person may replace it with their present sign-in."""
    if activation.policy.digest == digest:
        raise ActiveAlreadyError(policy=digest)
    before = _read(connection, digest)
    refusal = Access(connection, before, now).refused_activation(
        activation.by, signed_in=activation.signed_in, second=activation.second
    )
    if refusal is not None:
        raise ActivationDeniedError(refusal)
    return before


def _read(connection: Connection, digest: str) -> Policy:
    return machine_policy.read(desk_state.policy_toml(connection, digest))


def refuse(
    connection: Connection,
    *,
    activation: Activation,
    clock: Callable[[], datetime],
    refusal: Refusal,
) -> None:
    """Count the refusal of the permission to replace the policy."""
    by, why = Actor(person=activation.by, login=activation.login), DENIALS[refusal.name]
    accounts.refuse(
        connection, by, clock, action="activate_policy", why=why, about=activation.second
    )


def activate(
    connection: Connection,
    activation: Activation,
    clock: Callable[[], datetime],
    enforce_due: Callable[[datetime], list[actions.EventOfSite]],
) -> policies.Activated:
    """Activate the policy; return the active policy, the previous policy, and the changes.

    Everything that was due before is decided first, under the previous policy, so the outcome does
    not depend on whether a daemon or the activation came first.

    Raises:
        ActiveAlreadyError: if the policy is already active.
        KeyReusedError: if the key was used for another action.
        ActivationDeniedError: if the previous policy requires two people to close a site, and the
            person or a second person has not signed in.
    """
    desk_state.lock_policy_exclusive(connection)
    previous, last = own_stream.locked(connection)
    kept = activation.once.before(connection)
    if kept is not None:
        # The policy of a repeated action is active already: return the changes of that time.
        before = _read(connection, kept["previous"])
        again = {**kept, "changes": policy_differences(before, activation.policy)}
        return cast("policies.Activated", again)
    digest = activation.policy.digest
    before = _before(connection, activation, previous, clock())
    # A site is judged by the clock and by its own record, not by the desk's.
    begun_at = clock()
    due = enforce_due(begun_at)
    place = own_stream.after(connection, previous, last, begun_at)
    now = place.now
    toml = activation.policy.toml()
    event = own_stream.record(
        connection, place, PolicyActivated, activation.by, activation.login,
        reason=activation.reason, policy=digest, previous=previous, toml=toml,
        seconded_by=activation.second,
    )  # fmt: skip
    desk_state.activate_policy(
        connection, digest=digest, text=toml, at=now, by=activation.by, reason=event.text
    )
    answer: policies.Activated = {
        "policy": digest, "previous": previous, "activated_at": rfc3339(now), "by": activation.by,
        "seq": place.seq, "reason": event.text, "events": due,
        "changes": policy_differences(before, activation.policy),
    }  # fmt: skip
    kept_for_key = {name: value for name, value in answer.items() if name != "changes"}
    activation.once.keep(connection, kept_for_key, now)
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKey:
    """A public key (C2SP signed-note) that becomes the signing key, and the reason.

    `previous`: the key that it replaces. `lost`: the previous key does not sign the change.
    """

    key: str
    previous: str | None
    by: str
    login: str | None
    lost: bool = False
    reason: str | None = None


def make(connection: Connection, new: LogKey, clock: Callable[[], datetime]) -> None:
    """Record the new signing key.

    Raises:
        RefusedError: if the present signing key is not `previous`, or if the new key was a signing
            key before.
    """
    desk_state.lock_policy_shared(connection)
    place = own_stream.place(connection, clock)
    active = checkpoints.active(connection)
    if active != new.previous:
        if active is None:
            raise RefusedError.coded("no_key_signs", "no key signs yet: make the first")
        raise RefusedError.coded(
            "other_key_signs", "another key signs now: {active}", active=active
        )
    if new.key in checkpoints.every_key(connection):
        raise RefusedError.coded("key_signed_before", "this key signed before: {key}", key=new.key)
    checkpoints.add_key(connection, checkpoints.Key(new.key, place.seq, place.now, new.by))
    own_stream.record(
        connection, place, LogKeyMade, new.by, new.login, reason=new.reason, key=new.key,
        previous=new.previous, lost=new.lost,
    )  # fmt: skip
