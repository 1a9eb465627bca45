"""The words in which the record is told: times, rules, how things stand, and a policy's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from incidents.locale.language import ENGLISH, Fact, Language
from incidents.machine.policy import Policy, write_duration

if TYPE_CHECKING:
    from incidents.contract.documents.policies import Change as PolicyChange
    from incidents.contract.documents.sites import Incident, Site


Document = dict[str, Any]

_MINUTE, _TO_THE_SECOND = timedelta(minutes=1), timedelta(minutes=10)
"""A command takes a moment: an hour that has just begun is told as one, not as 59 minutes. In the
last minutes nobody is told of more time than there is."""


@dataclass(frozen=True, slots=True)
class When:
    """How times are told: in `zone`, seen from `now` (aware), in the words of `language`."""

    zone: tzinfo
    now: datetime
    language: Language = ENGLISH

    def __call__(self, moment: datetime | str) -> str:
        """`2026-03-01 11:00` in the zone, with seconds only where there are any.

        In the hour that clocks show twice, when summer time ends, the offset stands behind it: what
        is shown can always be typed, and is the same moment to the second.
        """
        local = _moment(moment).astimezone(self.zone)
        seconds = ":%S" if local.second or local.microsecond else ""
        shown = local.strftime(f"%Y-%m-%d %H:%M{seconds}")
        return shown + _offset(local) if _is_shown_twice(local) else shown

    @property
    def zone_name(self) -> str:
        """The zone as its users write it."""
        return getattr(self.zone, "key", None) or str(self.zone)

    def left(self, moment: datetime | str) -> str:
        """`in 59 min`, or `12 min overdue`; to the minute, until the last `_TO_THE_SECOND`."""
        left = _moment(moment) - self.now
        if left > _TO_THE_SECOND:
            left = round(left / _MINUTE) * _MINUTE
        code = "time.in" if left >= timedelta(0) else "time.overdue"
        return self.language.say(code, span=abs(left))

    def ago(self, moment: datetime | str) -> str:
        """`5 min ago`, or `in 5 min`."""
        passed = self.now - _moment(moment)
        code = "time.ago" if passed >= timedelta(0) else "time.in"
        return self.language.say(code, span=abs(passed))

    def until(self, moment: datetime | str) -> str:
        """The time with its zone and its distance: `2026-03-01 11:00 UTC (in 59 min)`."""
        return self.language.say(
            "time.until", at=self(moment), zone=self.zone_name, left=self.left(moment)
        )


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells how one site and its incidents stand, in the language of `when`."""

    site: str
    site_id: int
    when: When

    @property
    def language(self) -> Language:
        """In which it is told."""
        return self.when.language

    def say(self, code: str, /, **facts: Any) -> str:
        """The phrase of that code with its facts; raises KeyError where there is none."""
        return self.language.say(code, when=self.when, **facts)

    def fact(self, value: Any) -> Fact:
        """A fact as a phrase writes it."""
        return Fact(self.language, self.when, value)

    def site_state(self, site: Site) -> str:
        """How the site stands."""
        code = "active"
        match site["state"]:
            case "closed":
                code = "closed.disputed" if site["disputed"] else "closed"
            case "suspended":
                code = "held" if site["suspended_until"] is None else "suspended"
            case _ if site["run"] >= 2:
                code = "run"
        return self.say(
            f"site_stands.{code}", site=self.site, rule=site["rule"], run=site["run"],
            until=site["suspended_until"],
        )  # fmt: skip

    def incident_state(self, incident: Incident, *, site_closed: bool = False) -> str:
        """How the incident stands, and what its clock says; none runs on a closed site."""
        due, code = incident["contact_due"], "state"
        match incident["state"]:
            case "open" | "unreached" | "notified" if site_closed:
                code = "no_clock"
            case "open":
                code = "open" if due is not None else "open.no_clock"
            case "unreached":
                code = "unreached"
            case "notified":
                due = incident["removal_due"]
                code = "notified" if due is None else "notified.due"
        return self.say(
            f"incident_stands.{code}", name=incident["id"], state=incident["state"], due=due
        )

    def incidents(self, numbers: list[Any]) -> str:
        """The public ids of incidents that the record numbers within their site."""
        return self.language.comma.join(self.name(n) for n in numbers)

    def name(self, number: Any) -> str:
        """The public id of what the record numbers within its site; an id stays as it is."""
        return number if "-" in str(number) else f"{self.site_id}-{number}"


def counted(n: int, what: str, several: str = "") -> str:
    """`1 order`, `2 orders`; `several` is a plural without an s of its own."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {several or f'{what}s'}"


def in_the_world(state: str, seen: str, language: Language = ENGLISH) -> str:
    """How a site stands in the world, where that is not what is ordered; empty where it is."""
    if seen == state:
        return ""
    code = "why.unknown_in_force" if seen == "unknown" else "why.in_force"
    return language.say(code, state=state, seen=seen)


def rule(code: str | None) -> str:
    """The rule as people name it."""
    return ENGLISH.word("rule", code or "none")


def _is_shown_twice(local: datetime) -> bool:
    """Whether the clocks of its zone show that time at two moments."""
    first, second = local.replace(fold=0), local.replace(fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    return before is not None and after is not None and before > after


def _offset(local: datetime) -> str:
    """The offset as RFC 3339 has it, `-05:00`."""
    return local.isoformat(timespec="minutes")[16:]


def _moment(moment: datetime | str) -> datetime:
    if isinstance(moment, str):
        return datetime.fromisoformat(moment).astimezone(UTC)
    return moment


def policy_sentences(policy: Policy) -> list[str]:
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


def policy_differences(before: Policy, after: Policy) -> list[PolicyChange]:
    """Each key that differs, with its value in either policy as the file has it."""
    old, new = _policy_numbers(before), _policy_numbers(after)
    return [
        {"key": key, "before": _shown(value), "after": _shown(new[key])}
        for key, value in old.items()
        if value != new[key]
    ]


def _policy_numbers(policy: Policy) -> dict[str, str | int]:
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
