"""The wording of the record: times, rules, states, and a policy's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from incidents.locale.language import ENGLISH, Fact, Language, language
from incidents.machine.policy import Policy

if TYPE_CHECKING:
    from incidents.contract.documents.policies import Change as PolicyChange
    from incidents.contract.documents.sites import Incident, Site


_SECOND, _MINUTE, _TO_THE_SECOND = timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=10)
"""The unit to which the time left is rounded, so that a new hour is not shown as 59 minutes; and
the last minutes, which are shown to the second."""


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """A formatter of times: in `zone`, relative to `now` (aware), in `language`."""

    zone: tzinfo
    now: datetime
    language: Language = ENGLISH

    def __call__(self, moment: datetime | str) -> str:
        """Format a time: `2026-03-01 11:00` in the zone, with seconds only if there are any.

        If clocks show this time twice, at the end of summer time, the offset is added. So people
        can always type a time as shown, and it means the same moment to the second.
        """
        local = _moment(moment).astimezone(self.zone)
        seconds = ":%S" if local.second or local.microsecond else ""
        shown = local.strftime(f"%Y-%m-%d %H:%M{seconds}")
        return shown + _offset(local) if _is_shown_twice(local) else shown

    @property
    def zone_name(self) -> str:
        """The zone's name for display."""
        return getattr(self.zone, "key", None) or str(self.zone)

    def left(self, moment: datetime | str) -> str:
        """Format the time left: `in 59 min`, or `12 min overdue`; near the time, with seconds."""
        left = _moment(moment) - self.now
        if left > _TO_THE_SECOND:
            left = round(left / _MINUTE) * _MINUTE
        code = "time.in" if left >= timedelta(0) else "time.overdue"
        return self.language.say(code, span=abs(left))

    def ago(self, moment: datetime | str) -> str:
        """Format how long ago a time was: `5 min ago`; or `in 5 min`."""
        passed = self.now - _moment(moment)
        # Its row may have been written after `now` was read.
        code = "time.ago" if passed > -_SECOND else "time.in"
        return self.language.say(code, span=abs(passed))

    def until(self, moment: datetime | str) -> str:
        """Format a time with its zone and distance: `2026-03-01 11:00 UTC (in 59 min)`."""
        return self.language.say(
            "time.until", at=self(moment), zone=self.zone_name, left=self.left(moment)
        )


@dataclass(frozen=True, slots=True)
class Wording:
    """The wording about one site and its incidents, in the language of `when`."""

    site: str
    site_id: int
    when: TimeFormat

    @property
    def language(self) -> Language:
        """The language of the wording."""
        return self.when.language

    def say(self, code: str, /, **facts: Any) -> str:
        """Return the phrase of that code with its facts; raises KeyError if there is none."""
        return self.language.say(code, when=self.when, **facts)

    def fact(self, value: Any) -> Fact:
        """Return a fact in the form in which a phrase shows it."""
        return Fact(self.language, self.when, value)

    def site_state(self, site: Site) -> str:
        """Describe the site's state."""
        code = "active"
        match site["state"]:
            case "closed":
                code = "closed.disputed" if site["disputed"] else "closed"
            case "suspended":
                code = "held" if site["suspended_until"] is None else "suspended"
        return self.say(
            f"site_stands.{code}", site=self.site, rule=site["rule"], until=site["suspended_until"]
        )

    def place_in_run(self, run: int, policy: Policy, state: str) -> str:
        """Describe the run under the active policy, and the miss that closes the site (R3)."""
        then = ""
        if run + 1 >= policy.run_count:
            code = "last" if state == "active" else "down"
            then = self.say(
                f"why.run_then.{'met' if run >= policy.run_count else code}",
                miss=self.next_miss(policy),
            )
            # Only a person's statement needs a second one (R4, R5).
            then += self.say("why.run_then.alone") if policy.two_people_close else ""
        how = self.say(f"why.place_in_run.{policy.run}")
        return self.say("why.place_in_run", run=run, count=policy.run_count, how=how, then=then)

    def next_miss(self, policy: Policy) -> str:
        """Describe the next missed contact deadline, with the attempts that the policy requires."""
        code = "why.miss.tried" if policy.min_attempts else "why.miss"
        return self.say(code, attempts=policy.min_attempts)

    def incident_state(self, incident: Incident, *, site_closed: bool = False) -> str:
        """Describe the incident's state and its clock; on a closed site no clock is active."""
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
        """List the public IDs of incidents, given by their numbers within the site."""
        return self.language.comma.join(self.name(n) for n in numbers)

    def name(self, number: Any) -> str:
        """Return the public ID for a number within the site; a public ID is returned unchanged."""
        return number if "-" in str(number) else f"{self.site_id}-{number}"


def counted(n: int, what: str, several: str = "") -> str:
    """Format a count: `1 order`, `2 orders`; `several` is a plural that does not just add an s."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {several or f'{what}s'}"


def plural_id(id_: str, n: int) -> str:
    """Return the ID of the phrase for a number of things: `id.one` for one."""
    return f"{id_}.one" if n == 1 else id_


def count(language: Language, n: int, what: str) -> str:
    """Count things in that language: `1 site`, `2 sites`, `2 个网站`."""
    return language.say(plural_id(f"count.{what}", n), n=n)


_CATEGORY = "category."


def category_names() -> dict[str, str]:
    """The Chinese names of the known categories, each with its code.

    If two codes have the same name, it stands for the longer code: `fraud`, `pornography`.
    """
    known = language("zh_CN").phrases.items()
    named = [
        (name, id_.removeprefix(_CATEGORY)) for id_, name in known if id_.startswith(_CATEGORY)
    ]
    return dict(sorted(named, key=lambda each: len(each[1])))


def category_code(typed: str) -> str:
    """Return the code of a category by its Chinese name; other text is returned unchanged."""
    return typed if typed.isascii() else category_names().get(typed, typed)


def code_of(kind: str, typed: str) -> str:
    """Return the code of that kind that is called so in Chinese; other text is its own code."""
    if typed.isascii():
        return typed
    known = language("zh_CN").phrases.items()
    named = (id_ for id_, name in known if name == typed and id_.startswith(f"{kind}."))
    return next(named, f".{typed}").partition(".")[2]


def actual_state(state: str, seen: str, language: Language = ENGLISH) -> str:
    """Describe the actual state if it differs from the ordered one; otherwise empty."""
    if seen == state:
        return ""
    code = "why.unknown_in_force" if seen == "unknown" else "why.in_force"
    return language.say(code, state=state, seen=seen)


def rule(code: str | None) -> str:
    """Return the name of a rule."""
    return ENGLISH.word("rule", code or "none")


def _is_shown_twice(local: datetime) -> bool:
    """Whether the zone's clocks show the time at two different moments."""
    first, second = local.replace(fold=0), local.replace(fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    return before is not None and after is not None and before > after


def _offset(local: datetime) -> str:
    """The offset as in RFC 3339, `-05:00`."""
    return local.isoformat(timespec="minutes")[16:]


def _moment(moment: datetime | str) -> datetime:
    if isinstance(moment, str):
        return datetime.fromisoformat(moment).astimezone(UTC)
    return moment


def policy_sentences(
    policy: Policy, language: Language = ENGLISH, *, two_apart: bool = False
) -> list[str]:
    """Return one sentence for each rule, R1 to R5.

    The sentences for R4 and R5 say if two people must close a site; with `two_apart`, a separate
    sentence does.
    """
    two = ".two" if policy.two_people_close and not two_apart else ""

    def say(code: str, n: int = 0, **spans: Any) -> str:
        return language.say(plural_id(f"policy_says.{code}", n), n=n, **spans)

    sentences = [
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
    return [*sentences, say("two_people")] if policy.two_people_close and two_apart else sentences


def policy_differences(before: Policy, after: Policy) -> list[PolicyChange]:
    """List each key that differs between policies, with both values as in a policy file."""
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
    """A value in the format of a policy file."""
    return str(value).lower() if isinstance(value, bool) else str(value) or "none"
