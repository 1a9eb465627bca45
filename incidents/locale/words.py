"""The words in which the record is told: times, rules, how things stand, and a policy's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from incidents.locale.language import ENGLISH, Fact, Language
from incidents.machine.policy import Policy

if TYPE_CHECKING:
    from incidents.contract.documents.policies import Change as PolicyChange
    from incidents.contract.documents.sites import Incident, Site


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


def of_many(id_: str, n: int) -> str:
    """The id of the phrase for so many things: one is another phrase, `id.one`."""
    return f"{id_}.one" if n == 1 else id_


def count(language: Language, n: int, what: str) -> str:
    """So many things, as that language counts them: `1 site`, `2 sites`, `2 个网站`."""
    return language.say(of_many(f"count.{what}", n), n=n)


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


def policy_sentences(
    policy: Policy, language: Language = ENGLISH, *, two_apart: bool = False
) -> list[str]:
    """One sentence for each rule, R1 to R5.

    Whether two people close is in R4 and R5, or with `two_apart` in a sentence of its own.
    """
    two = ".two" if policy.two_people_close and not two_apart else ""

    def say(code: str, n: int = 0, **spans: Any) -> str:
        return language.say(of_many(f"policy_says.{code}", n), n=n, **spans)

    told = [
        say("repeat", policy.repeat_count, within=policy.repeat_within),
        say(
            "attempts" if policy.min_attempts else "unreachable", policy.min_attempts,
            within=policy.unreachable_within, suspend_for=policy.suspend_for,
        ),
        say(policy.run, policy.run_count),
        say(f"false_info{two}"),
        say(("removal" if policy.removal_within else "refusal") + two,
            within=policy.removal_within),
    ]  # fmt: skip
    return [*told, say("two_people")] if policy.two_people_close and two_apart else told


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


def _shown(value: str | int) -> str:
    """As the policy's file has it."""
    return str(value).lower() if isinstance(value, bool) else str(value) or "none"
