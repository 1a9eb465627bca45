"""The length of English phrases: at most 120 characters, unless a reason is given here."""

from __future__ import annotations

import pytest

from incidents.locale.catalogue import Domain, phrases

LIMIT = 120
TWO_WAYS_OUT = "an alarm or a state, with what to do in each of two cases"
SCRIPT = "what an operator reads out on the phone, or does, step by step"
REFUSAL = "a refusal or a remark, with the reason and two ways out"
POLICY = "a rule of the policy, whose conditions are one sentence"
FORM = "the explanation of a form, which is read once"

LONG: dict[Domain, dict[str, tuple[str, ...]]] = {
    "cli": {
        TWO_WAYS_OUT: (
            "enforcement.halted", "enforcement.left_down.new.many",
            "enforcement.left_down.new.one", "enforcement.left_down.why.many",
            "enforcement.left_down.why.one", "enforcement.lost", "enforcement.moved",
            "enforcement.not_compared.many", "enforcement.not_compared.one", "notice.brake",
            "notice.logged", "reconcile.left_down", "why.not_in_force.logged",
        ),
    },
    "incidents": {
        TWO_WAYS_OUT: (
            "event_part.left_closed", "why.disputed.refusal", "why.not_in_force.believed",
            "why.not_in_force.left_closed", "why.not_in_force.left_down",
            "why.not_in_force.logged", "why.not_in_force.unknown", "why.spared",
            "why.spared.held", "why.suspended.left_down",
        ),
        SCRIPT: (
            "say.check_removal.asks", "say.cost.closes.tried", "say.cost.down.tried",
            "say.cost.suspends.tried", "say.disputed.asked", "say.disputed.held", "say.file",
            "say.file.over",
            "say.keep_calling", "say.show_number", "say.show_number.over", "say.suspicion",
            "say.suspicion.asks", "say.suspicion.asks@console", "say.suspicion@console",
            "say.tell", "say.warning.spared",
        ),
        REFUSAL: (
            "refused.double_entry", "refused.double_entry.closes@console",
            "refused.double_entry@console", "refused.recurred_already",
            "refused.recurred_already.closes", "refused.recurred_already@console",
            "refused.second_needed", "refused.second_needed@console",
            "refused.state_forbids.deadline", "remark.closure_fell.not_told",
        ),
        POLICY: (
            "policy_says.attempts", "policy_says.attempts.one", "policy_says.refusal",
            "policy_says.refusal.two", "policy_says.removal", "policy_says.removal.two",
            "policy_says.removal@report",
        ),
    },
    "console": {
        TWO_WAYS_OUT: ("alarm.uncompared.do",),
        FORM: ("policy.recorded", "policy.second.why", "simulate.file.hint"),
    },
    "filing": {},
}  # fmt: skip
"""The longer phrases of each catalogue, by the reason; none is longer without one."""


@pytest.mark.parametrize("domain", LONG)
def test_a_phrase_is_short_unless_a_reason_is_given(domain: Domain) -> None:
    long = sorted(id_ for id_, phrase in phrases("en", domain).items() if len(phrase) > LIMIT)
    assert long == sorted(id_ for ids in LONG[domain].values() for id_ in ids)
