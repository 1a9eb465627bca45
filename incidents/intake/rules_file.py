"""The file of intake rules: reads its text, and names what is wrong with it."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from incidents.cause import Cause, one_of, wrong_value
from incidents.errors import RefusedError
from incidents.intake.rules import ACTS, CHANNELS, CRITERIA, DISMISS, LIMIT, PER_HOUR, Rule, Rules
from incidents.values import parsing, person_name
from incidents.values.parsing import TomlTextError

MAX_CHARACTERS = 65_536
"""The maximum number of characters of a file of rules."""
MAX_BYTES = 49_152
"""The maximum size of rules in their entry."""
MAX_RULES = 100
MAX_VALUES = 200
"""The maximum number of values of one criterion."""
MAX_REASON = 4_000
MAX_PER_HOUR = 1_000

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?", re.ASCII)
_WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}", re.ASCII)
_REPORTER = re.compile(r"[^\s@]*@[^\s@]+")
_MAX_OWNER = 40


class RulesError(ValueError):
    """Rules that cannot be used; the message names the rule, the key, the value and what is due."""


_KEYS = ("name", "owner", *CRITERIA, "act", "reason")


# Each report that comes in is matched with the same text.
@lru_cache(maxsize=8)
def read(text: str) -> Rules:
    """Read rules from the TOML `text`; an unknown key is an error.

    Raises:
        RulesError: naming the rule, the key, the value found and the requirement.
    """
    try:
        document = parsing.read_toml(text, MAX_CHARACTERS)
    except TomlTextError as error:
        raise RulesError(
            Cause.of("rules_toml", "the file of rules {why}", why=error.args[0])
        ) from error
    for key in document:
        if key not in ("rule", LIMIT):
            raise _error(
                "rules_no_key", "unknown key {key}: a file of rules has {known}", key=_cut(key),
                known=f"{LIMIT}, [[rule]]",
            )  # fmt: skip
    given = document.get("rule", [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise _error("rules_no_list", "rule must be a list: begin each rule with [[rule]]")
    if len(given) > MAX_RULES:
        raise _error(
            "rules_many", "there are {found} rules, and {most} are the most", found=len(given),
            most=MAX_RULES,
        )  # fmt: skip
    rules = tuple(_rule(n, each) for n, each in enumerate(given, start=1))
    _check_names(rules)
    found = Rules(rules=rules, logs_per_hour=_limit(document.get(LIMIT, PER_HOUR)))
    size = len(json.dumps(found.toml(), ensure_ascii=False).encode())
    if size > MAX_BYTES:
        raise _error(
            "rules_large", "the rules have {found:,} bytes, and {most:,} are the most", found=size,
            most=MAX_BYTES,
        )  # fmt: skip
    return found


def _rule(n: int, given: Mapping[str, Any]) -> Rule:
    name = given.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        expected = Cause.of(
            "must_rule_name", "1 to 40 lowercase letters a to z and digits, with . _ - between"
        )
        raise _wrong(f"rule {n}: name", expected, name)
    where = f"rule {name}"
    for key in given:
        if key not in _KEYS:
            raise _error(
                "rules_no_rule_key", "{rule}: unknown key {key}: a rule has {known}", rule=where,
                key=_cut(key), known=", ".join(_KEYS),
            )  # fmt: skip
    act = given.get("act")
    if act not in ACTS:
        raise _wrong(f"{where}: act", one_of(ACTS), act)
    reason = _reason(where, act, given.get("reason"))
    criteria = {
        key: _values(f"{where}: {key}", given[key], _READERS[key])
        for key in CRITERIA
        if key in given
    }
    return Rule(
        name=name, owner=_owner(where, given.get("owner")), act=act, reason=reason, **criteria
    )


def _owner(where: str, given: object) -> str:
    expected = Cause.of(
        "must_owner", "the name of the person who owns the rule, of at most {most} characters",
        most=_MAX_OWNER,
    )  # fmt: skip
    if not isinstance(given, str) or len(given) > _MAX_OWNER:
        raise _wrong(f"{where}: owner", expected, given)
    try:
        return person_name.check_person(given)
    except RefusedError as error:
        raise _wrong(f"{where}: owner", expected, given) from error


def _reason(where: str, act: str, given: object) -> str | None:
    if given is None and act != DISMISS:
        return None
    if not isinstance(given, str) or not given.strip() or len(given) > MAX_REASON:
        expected = Cause.of("must_reason", "why such reports are dismissed, as text")
        raise _wrong(f"{where}: reason", expected, given)
    return given.strip()


def _values(where: str, given: object, reader: _Reader) -> tuple[str, ...]:
    expected, read_one = reader
    values = [given] if isinstance(given, str) else given
    if not isinstance(values, list) or not values:
        raise _wrong(where, expected, given)
    if len(values) > MAX_VALUES:
        raise _error(
            "rules_many_values", "{name} has {found} values, and {most} are the most", name=where,
            found=len(values), most=MAX_VALUES,
        )  # fmt: skip
    found = []
    for value in values:
        one = read_one(value) if isinstance(value, str) else None
        if one is None:
            raise _wrong(where, expected, value)
        found.append(one)
    return tuple(dict.fromkeys(found))


def _read_channel(text: str) -> str | None:
    return text if text in CHANNELS else None


def _read_word(text: str) -> str | None:
    return text if _WORD.fullmatch(text) else None


def _read_category(text: str) -> str | None:
    return text if text.strip() == text and 0 < len(text) <= 100 and text.isprintable() else None


def _read_reporter(text: str) -> str | None:
    lower = text.strip().lower()
    return lower if len(lower) <= 254 and _REPORTER.fullmatch(lower) else None


def _read_network(text: str) -> str | None:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        return None


_Reader = tuple[Cause, Callable[[str], str | None]]
_READERS: dict[str, _Reader] = {
    "channel": (one_of(CHANNELS), _read_channel),
    "format": (Cause.of("must_format", "the name of a format, such as xarf"), _read_word),
    "reporter": (
        Cause.of("must_reporter", "an address such as a@example.org, or @example.org"),
        _read_reporter,
    ),
    "category": (Cause.of("must_category", "the code of a category, such as phishing"),
                 _read_category),
    "network": (Cause.of("must_network", "a prefix such as 192.0.2.0/24"), _read_network),
}  # fmt: skip


def _check_names(rules: Iterable[Rule]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            raise _error(
                "rules_name_twice", "two rules are named {name}: give each a name of its own",
                name=rule.name,
            )  # fmt: skip
        seen.add(rule.name)


def _limit(given: object) -> int:
    if type(given) is not int or not 0 <= given <= MAX_PER_HOUR:
        expected = Cause.of(
            "must_number", "a whole number from {least} to {most}", least=0, most=MAX_PER_HOUR
        )
        raise _wrong(LIMIT, expected, given)
    return given


def _wrong(name: str, expected: Cause, value: object) -> RulesError:
    return RulesError(wrong_value(name, expected, _shown(value)))


def _error(code: str, sentence: str, **facts: Any) -> RulesError:
    return RulesError(Cause.of(code, sentence, **facts))


def _shown(value: object) -> str:
    return _cut(json.dumps(value, default=str, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
