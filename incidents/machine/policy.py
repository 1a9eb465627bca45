"""The policy: the published numbers of R1 … R5 as data, read from TOML, checked, with a digest."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from typing import Any, Literal

from incidents.cause import Cause, one_of, wrong_value
from incidents.values import parsing
from incidents.values.parsing import TomlTextError

Run = Literal["consecutive", "total"]

MAX_CHARACTERS = 65_536
"""The maximum number of characters of a policy file."""
MAX_COUNT = 1_000
MAX_DURATION = timedelta(days=366)

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)


class PolicyError(ValueError):
    """A policy that cannot be used; the message names the key, the value and the requirement."""


class NotTomlError(PolicyError):
    """A text that is not TOML; the message contains the TOML library's own message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The numbers used by R1, R2, R3 and R5; the defaults are the documented policy.

    With `two_people_close`, a closure on a person's statement (R4, R5) needs a second person.
    """

    repeat_count: int = 3
    repeat_within: timedelta = timedelta(hours=24)
    unreachable_within: timedelta = timedelta(hours=1)
    suspend_for: timedelta = timedelta(hours=12)
    min_attempts: int = 0
    run_count: int = 3
    run: Run = "consecutive"
    removal_within: timedelta | None = None
    two_people_close: bool = False

    def document(self) -> dict[str, dict[str, str | int]]:
        """The policy in the structure of a policy file, with every key.

        The section [closure] is included only if it requires two people, so that digests of older
        policies stay the same.
        """
        removal = "" if self.removal_within is None else write_duration(self.removal_within)
        numbers: dict[str, dict[str, str | int]] = {
            "repeat": {"count": self.repeat_count, "within": write_duration(self.repeat_within)},
            "unreachable": {
                "within": write_duration(self.unreachable_within),
                "suspend_for": write_duration(self.suspend_for),
                "min_attempts": self.min_attempts,
            },
            "unreachable_run": {"count": self.run_count, "run": self.run},
            "refusal": {"removal_within": removal},
        }
        return numbers | {"closure": {"two_people": True}} if self.two_people_close else numbers

    @property
    def digest(self) -> str:
        """The policy's version: SHA-256 over its canonical JSON, as `sha256:…`.

        Files with equal values (`60m` and `1h`) give the same digest.
        """
        return _digest(self)

    def toml(self) -> str:
        """The policy as the text of a file, which `read` reads back unchanged."""
        lines: list[str] = []
        for section, keys in self.document().items():
            lines.append(f"[{section}]")
            lines.extend(f"{key} = {json.dumps(value)}" for key, value in keys.items())
            lines.append("")
        return "\n".join(lines)


@cache
def _digest(policy: Policy) -> str:
    text = json.dumps(policy.document(), sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


DOCUMENTED = Policy()


# Each view of a site reads the active one again.
@lru_cache(maxsize=8)
def read(text: str) -> Policy:
    """Read a policy from the TOML `text`.

    A missing key gets the default value. An unknown section or key is an error, because a misspelt
    key would otherwise silently leave the default in force.

    Raises:
        PolicyError: naming the key, the value found and the requirement.
    """
    try:
        document = parsing.read_toml(text, MAX_CHARACTERS)
    except TomlTextError as error:
        raise NotTomlError(
            Cause.of("policy_toml", "the policy {why}", why=error.args[0])
        ) from error
    return from_document(document)


def from_document(document: dict[str, Any]) -> Policy:
    """Build a policy from the parsed `document` of a policy file; raises PolicyError."""
    known: dict[str, dict[str, Any]] = DOCUMENTED.document() | {"closure": {"two_people": False}}
    values: dict[tuple[str, str], Any] = {}
    for section, keys in document.items():
        if section not in known:
            raise PolicyError(
                Cause.of(
                    "policy_no_section", "unknown section [{section}]: a policy has {known}",
                    section=_cut(section), known=_listed(known),
                )
            )  # fmt: skip
        if not isinstance(keys, dict):
            expected = Cause.of("must_be_section", "a section, [{section}]", section=section)
            raise _wrong(section, expected, keys)
        for key, value in keys.items():
            if key not in known[section]:
                raise PolicyError(
                    Cause.of(
                        "policy_no_key", "unknown key {key} in [{section}]: it has {known}",
                        key=_cut(key), section=section, known=_listed(known[section]),
                    )
                )  # fmt: skip
            values[section, key] = value
    for section, keys in known.items():
        for key, default in keys.items():
            values.setdefault((section, key), default)
    run = values["unreachable_run", "run"]
    if run not in ("consecutive", "total"):
        raise _wrong("unreachable_run.run", one_of(('"consecutive"', '"total"')), run)
    return Policy(
        repeat_count=_count("repeat.count", values["repeat", "count"], least=1),
        repeat_within=_duration("repeat.within", values["repeat", "within"]),
        unreachable_within=_duration("unreachable.within", values["unreachable", "within"]),
        suspend_for=_duration("unreachable.suspend_for", values["unreachable", "suspend_for"]),
        min_attempts=_count(
            "unreachable.min_attempts", values["unreachable", "min_attempts"], least=0
        ),
        run_count=_count("unreachable_run.count", values["unreachable_run", "count"], least=1),
        run=run,
        removal_within=_removal(values["refusal", "removal_within"]),
        two_people_close=_choice("closure.two_people", values["closure", "two_people"]),
    )


def read_duration(text: str) -> timedelta:
    """Read `90m`, `1h30m`, `24h` or `30d` (days, hours, minutes, seconds, in that order).

    Raises:
        ValueError: naming the text.
    """
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"not a duration: {text!r} (write 90m, 1h30m, 24h or 30d)")
    parts = {unit: int(n or 0) for unit, n in zip(_UNITS.values(), found.groups(), strict=True)}
    return timedelta(**parts)


def write_duration(duration: timedelta) -> str:
    """Write a whole number of seconds as the shortest duration that `read_duration` accepts."""
    seconds = int(duration.total_seconds())
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{n}{unit}" for n, unit in parts if n) or "0s"


def _duration(name: str, value: object) -> timedelta:
    if not isinstance(value, str):
        raise _wrong(name, _DURATION_SUCH, value)
    try:
        duration = read_duration(value)
    except (ValueError, OverflowError) as error:
        raise _wrong(name, _DURATION_SUCH, value) from error
    if not timedelta(0) < duration <= MAX_DURATION:
        expected = Cause.of("must_be_between", "between 1s and {most}d", most=MAX_DURATION.days)
        raise PolicyError(wrong_value(name, expected, _cut(value)))
    return duration


def _removal(value: object) -> timedelta | None:
    return None if value == "" else _duration("refusal.removal_within", value)


def _choice(name: str, value: object) -> bool:
    if type(value) is not bool:
        raise _wrong(name, Cause.of("must_flag", "true or false"), value)
    return value


def _count(name: str, value: object, *, least: int) -> int:
    if type(value) is not int or not least <= value <= MAX_COUNT:
        expected = Cause.of(
            "must_number", "a whole number from {least} to {most}", least=least, most=MAX_COUNT
        )
        raise _wrong(name, expected, value)
    return value


_DURATION_SUCH = Cause.of("must_be_duration", 'a duration such as "1h30m"')


def _wrong(name: str, expected: Cause, value: object) -> PolicyError:
    return PolicyError(wrong_value(name, expected, _shown(value)))


def _shown(value: object) -> str:
    return _cut(json.dumps(value, default=str, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"


def _listed(names: object) -> str:
    return ", ".join(map(str, names))  # type: ignore[call-overload]  # any mapping of names
