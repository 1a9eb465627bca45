"""The policy in words: what each rule says with its numbers, and where two policies differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents.machine.policy import write_duration

if TYPE_CHECKING:
    from datetime import timedelta

    from incidents.contract.documents.policies import Change
    from incidents.machine.policy import Policy

"""A `key` of the policy's file, and its value `before` and `after`."""


def sentences(policy: Policy) -> list[str]:
    """One sentence for each rule, R1 to R5."""
    within, suspend_for = map(write_duration, (policy.unreachable_within, policy.suspend_for))
    repeat, cases = (
        _times(policy.repeat_count, "violation"),
        _times(policy.run_count, "such case"),
    )
    span, attempts = write_duration(policy.repeat_within), _attempts(policy)
    return [
        f"R1 repeat: a site with {repeat} within {span} is closed.",
        f"R2 unreachable: nobody reached in {within} suspends it for {suspend_for}{attempts}.",
        f"R3 unreachable_run: a site with {cases}{_in_a_row(policy)} is closed.",
        f"R4 false_info: false details close it at once, on {_whose(policy)} word.",
        f"R5 refusal: told and not deleted closes it at once{_removal(policy)}.",
    ]


def chinese_duration(length: timedelta) -> str:
    """A span of time of a policy in Chinese: `24 小时`, `1 小时 30 分`."""
    seconds = int(length.total_seconds())
    parts = ((seconds // 3_600, "小时"), (seconds // 60 % 60, "分"), (seconds % 60, "秒"))
    return " ".join(f"{n} {unit}" for n, unit in parts if n) or "0 秒"


def differences(before: Policy, after: Policy) -> list[Change]:
    """Each key that differs, with its value in either policy as the file has it."""
    old, new = _numbers(before), _numbers(after)
    return [
        {"key": key, "before": _shown(value), "after": _shown(new[key])}
        for key, value in old.items()
        if value != new[key]
    ]


def _numbers(policy: Policy) -> dict[str, str | int]:
    sections = policy.document() | {"closure": {"two_people": policy.two_people_close}}
    return {
        f"{section}.{key}": value for section, keys in sections.items()
        for key, value in keys.items()
    }  # fmt: skip


def _whose(policy: Policy) -> str:
    return "two people's" if policy.two_people_close else "somebody's"


def _times(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _attempts(policy: Policy) -> str:
    if policy.min_attempts == 0:
        return ""
    return (
        f", after at least {_times(policy.min_attempts, 'attempt')} (with fewer the desk is "
        "alarmed instead)"
    )


def _in_a_row(policy: Policy) -> str:
    return " in a row" if policy.run == "consecutive" else " in all"


def _removal(policy: Policy) -> str:
    if policy.removal_within is None:
        return f", on {_whose(policy)} word; no time is set to delete in"
    return (
        f", on {_whose(policy)} word or when the content is not gone "
        f"{write_duration(policy.removal_within)} after the call"
    )


def _shown(value: str | int) -> str:
    """As the policy's file has it."""
    return str(value).lower() if isinstance(value, bool) else str(value) or "none"
