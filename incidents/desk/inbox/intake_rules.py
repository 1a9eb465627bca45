"""The desk's own action on its intake rules: bring others into force."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection

from incidents.clock import rfc3339
from incidents.desk import own_stream
from incidents.desk.inbox import rule_owners
from incidents.desk.own_stream import IdempotencyKey
from incidents.errors import RefusedError
from incidents.intake.rules import Rules
from incidents.record.report_events import IntakeRulesActivated
from incidents.store.inbox import intake_rules
from incidents.store.inbox.intake_rules import InForce

if TYPE_CHECKING:
    from incidents.contract.documents.reports import RulesActivated


class RulesInForceError(RefusedError):
    """these intake rules are already in force: {rules}"""


class RuleOwnerError(RefusedError):
    """the rule {rule} is owned by {owner}, who is not an enabled account that may settle reports:
    name another owner"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesActivation:
    """A request to bring `rules` into force, with the person's reason as text.

    `key` and `given_key`: see `Envelope`.
    """

    rules: Rules
    by: str
    login: str | None
    reason: str
    key: str | None = None
    given_key: str | None = None

    @property
    def once(self) -> IdempotencyKey:
        """The idempotency key of the request, with the facts that a repetition must share."""
        request = json.dumps(["activate_rules", self.rules.digest, self.by, self.reason])
        return IdempotencyKey(key=self.key, by=self.by, request=request, given_key=self.given_key)


def expected(connection: Connection, wanted: RulesActivation) -> RulesActivated:
    """What the activation would do; raises the errors of `activate`."""
    return _answer(wanted, _checked(connection, wanted), None)


def activate(
    connection: Connection, wanted: RulesActivation, clock: Callable[[], datetime]
) -> RulesActivated:
    """Bring the rules into force for all reports that come in from now on.

    Raises:
        RulesInForceError: if they are in force already.
        RuleOwnerError: if there are accounts, and the owner of a rule has none that is enabled, or
            may not settle reports.
        KeyReusedError: if the key was used for another action.
    """
    place = own_stream.place(connection, clock)
    kept: Mapping[str, object] | None = wanted.once.before(connection)
    if kept is not None:
        return cast("RulesActivated", kept)
    last = _checked(connection, wanted)
    toml = wanted.rules.toml()
    event = own_stream.record(
        connection, place, IntakeRulesActivated, wanted.by, wanted.login, reason=wanted.reason,
        rules=wanted.rules.digest, previous=None if last is None else last.digest, toml=toml,
    )  # fmt: skip
    intake_rules.add(
        connection,
        InForce(
            1 if last is None else last.n + 1, wanted.rules.digest, toml, place.now, wanted.by,
            event.text,
        ),
    )  # fmt: skip
    answer = _answer(wanted, last, place.now)
    wanted.once.keep(connection, cast("Mapping[str, object]", answer), place.now)
    return answer


def _checked(connection: Connection, wanted: RulesActivation) -> InForce | None:
    """The rules in force, if the wanted ones may replace them."""
    last = intake_rules.last(connection)
    if last is not None and last.digest == wanted.rules.digest:
        raise RulesInForceError(rules=last.digest)
    for stopped in rule_owners.stopped(connection, wanted.rules):
        raise RuleOwnerError(rule=stopped["rule"], owner=stopped["owner"])
    return last


def _answer(wanted: RulesActivation, last: InForce | None, at: datetime | None) -> RulesActivated:
    return {
        "rules": wanted.rules.digest, "previous": None if last is None else last.digest,
        "by": wanted.by, "activated_at": None if at is None else rfc3339(at),
    }  # fmt: skip
