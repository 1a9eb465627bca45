"""Activating a policy, and naming the key that signs the log: acts of the desk's own, on record."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from incidents.clock import rfc3339
from incidents.desk import accounts, own_stream
from incidents.desk.access import NOT_LET, Access
from incidents.desk.own_stream import By, Once
from incidents.errors import RefusedError
from incidents.locale import refusal_words
from incidents.locale.words import policy_differences
from incidents.machine import policy as machine_policy
from incidents.machine.policy import Policy
from incidents.machine.refusal import Refusal
from incidents.record.own_events import LogKeyMade, PolicyActivated
from incidents.store import checkpoints, desk_state


class ActiveAlreadyError(RefusedError):
    """this policy is active already: {policy} (policy show shows it)"""


class NotLetError(RefusedError):
    """What `Access` has refused; it is told by its own name and in its own words."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal_words.sentence(refusal, rfc3339), **refusal.facts)
        self.refusal = refusal

    @property
    def name(self) -> str:
        """The refusal's."""
        return self.refusal.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """What somebody wants: that `policy` be the active one, and why, in their own words.

    `signed_in` says that they have proved who they are; `second` is somebody else who has, in the
    same act, and wants it too.
    """

    policy: Policy
    by: str
    login: str | None
    reason: str
    key: str | None = None
    signed_in: bool = False
    second: str | None = None

    @property
    def once(self) -> Once:
        """Its key, and what a repetition must have in common with it."""
        asked = json.dumps(["activate", self.policy.digest, self.by, self.reason])
        return Once(key=self.key, by=self.by, asked=asked)


def expected(connection: Connection, act: Activation, now: datetime) -> dict[str, Any]:
    """What it would change at `now` (UTC); raises as `activate` does."""
    previous = desk_state.active_policy(connection)
    before = _before(connection, act, previous, now)
    return {
        "policy": act.policy.digest, "previous": previous, "events": [],
        "changes": policy_differences(before, act.policy),
    }  # fmt: skip


def _before(connection: Connection, act: Activation, digest: str, now: datetime) -> Policy:
    """The policy that is to be replaced, if whoever wants that may do so as they came."""
    if act.policy.digest == digest:
        raise ActiveAlreadyError(policy=digest)
    before = _read(connection, digest)
    refusal = Access(connection, before, now).refused_activation(
        act.by, signed_in=act.signed_in, second=act.second
    )
    if refusal is not None:
        raise NotLetError(refusal)
    return before


def _read(connection: Connection, digest: str) -> Policy:
    return machine_policy.read(desk_state.policy_toml(connection, digest))


def refuse(
    connection: Connection, *, act: Activation, clock: Callable[[], datetime], refusal: Refusal
) -> None:
    """Counts that somebody was not let replace the policy."""
    by, why = By(person=act.by, login=act.login), NOT_LET[refusal.name]
    accounts.refuse(connection, by, clock, act="activate_policy", why=why, about=act.second)


def activate(
    connection: Connection,
    act: Activation,
    clock: Callable[[], datetime],
    do_what_is_due: Callable[[datetime], list[dict[str, Any]]],
) -> dict[str, Any]:
    """Does it, and answers which policy is active, which was, and what that has changed.

    What fell due before it is done first, under the policy that was active then: so the outcome
    never depends on whether a daemon or the activation came first.

    Raises:
        ActiveAlreadyError, KeyReusedError: naming it.
        NotLetError: if by the policy before two people close, and it takes who has signed in, or
            two who have.
    """
    desk_state.stop_policies(connection)
    previous, last = own_stream.locked(connection)
    kept = act.once.before(connection)
    if kept is not None:
        # Of a repeated act it is active already: what it changed then is told again.
        return kept | {
            "changes": policy_differences(_read(connection, kept["previous"]), act.policy)
        }
    digest = act.policy.digest
    before = _before(connection, act, previous, clock())
    # A site is judged by the clock and by its own record, not by the desk's.
    there = clock()
    due = do_what_is_due(there)
    place = own_stream.after(connection, previous, last, there)
    now = place.now
    toml = act.policy.toml()
    event = own_stream.record(
        connection, place, PolicyActivated, act.by, act.login, reason=act.reason, policy=digest,
        previous=previous, toml=toml, seconded_by=act.second,
    )  # fmt: skip
    desk_state.activate_policy(
        connection, digest=digest, text=toml, at=now, by=act.by, reason=event.text
    )
    answer = {
        "policy": digest, "previous": previous, "activated_at": rfc3339(now), "by": act.by,
        "seq": place.seq, "reason": event.text, "events": due,
    }  # fmt: skip
    act.once.keep(connection, answer, now)
    return answer | {"changes": policy_differences(before, act.policy)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKey:
    """A public key (C2SP signed-note) that is to sign in place of `previous`, and why; `lost` if
    that one does not hand over."""

    key: str
    previous: str | None
    by: str
    login: str | None
    lost: bool = False
    reason: str | None = None


def make(connection: Connection, new: LogKey, clock: Callable[[], datetime]) -> None:
    """Puts it on record.

    Raises:
        RefusedError: if another key signs than the one that it is to replace, or it has been one.
    """
    desk_state.keep_policy(connection)
    place = own_stream.place(connection, clock)
    active = checkpoints.active(connection)
    if active != new.previous:
        raise RefusedError(
            f"another key signs by now: {active}" if active else "no key signs yet: make the first"
        )
    if new.key in checkpoints.every_key(connection):
        raise RefusedError(f"this key has been one before: {new.key}")
    checkpoints.add_key(connection, checkpoints.Key(new.key, place.seq, place.now, new.by))
    own_stream.record(
        connection, place, LogKeyMade, new.by, new.login, reason=new.reason, key=new.key,
        previous=new.previous, lost=new.lost,
    )  # fmt: skip
