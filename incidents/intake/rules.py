"""The intake rules: what to do at once with reports that a rule matches, as data with an owner."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from incidents.cause import Cause, one_of, wrong_value
from incidents.errors import RefusedError
from incidents.values import parsing, person_name
from incidents.values.parsing import TomlTextError

LOG, JOIN, DISMISS, ASK = ACTS = ("log", "join", "dismiss", "ask")
"""What a rule does: log a new incident, join one, dismiss the report, or leave it to the desk."""
CHANNELS = ("command", "maildir", "imap", "api", "console")
"""The ways by which reports come in."""

MAX_CHARACTERS = 65_536
"""The maximum number of characters of a file of rules."""
MAX_BYTES = 49_152
"""The maximum size of rules in their entry."""
MAX_RULES = 100
MAX_VALUES = 200
"""The maximum number of values of one criterion."""
MAX_REASON = 4_000
MAX_PER_HOUR = 1_000
PER_HOUR = 20

NEVER_BY_RULE = "child_abuse"
"""The category of reports that only people settle."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?", re.ASCII)
_WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}", re.ASCII)
_REPORTER = re.compile(r"[^\s@]*@[^\s@]+")
_MAX_OWNER = 40
_LIMIT = "logs_per_hour"


class RulesError(ValueError):
    """Rules that cannot be used; the message names the rule, the key, the value and what is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """What a rule knows of a report. `addresses`: the IP addresses in it.

    `repeats_id`: an earlier report with other bytes has the same Message-ID, so that one of both is
    forged.
    """

    channel: str
    format: str
    reporter: str | None = None
    category: str | None = None
    addresses: tuple[str, ...] = ()
    repeats_id: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule. Each criterion that it has must hold, and holds for any of its values.

    `reporter`: mail addresses in lower case, or domains such as `@example.org`, which stand for
    every address at the domain and below it. `network`: prefixes such as `192.0.2.0/24`; one of the
    report's addresses is in one of them. `reason`: why reports are dismissed.
    """

    name: str
    owner: str
    act: str
    channel: tuple[str, ...] = ()
    format: tuple[str, ...] = ()
    reporter: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def signature(self) -> str:
        """What signs the acts of the rule: `rule:trusted-feed (operator-1)`."""
        return f"{person_name.RULE}{self.name} ({self.owner})"

    def matches(self, facts: ReportFacts) -> bool:
        """Whether every criterion holds for the report."""
        return (
            _is_any(self.channel, facts.channel)
            and _is_any(self.format, facts.format)
            and _is_any(self.category, facts.category)
            and (not self.reporter or _is_from(self.reporter, facts.reporter))
            and (not self.network or self._is_in_network(facts.addresses))
        )

    def document(self) -> dict[str, Any]:
        """The rule in the structure of a file, without what it does not have."""
        found: dict[str, Any] = {"name": self.name, "owner": self.owner}
        found |= {key: list(own) for key in CRITERIA if (own := getattr(self, key))}
        found["act"] = self.act
        return found if self.reason is None else {**found, "reason": self.reason}

    @cached_property
    def _networks(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        return [ipaddress.ip_network(each) for each in self.network]

    def _is_in_network(self, addresses: Iterable[str]) -> bool:
        found = [ipaddress.ip_address(each) for each in addresses]
        return any(address in network for address in found for network in self._networks)


CRITERIA = ("channel", "format", "reporter", "category", "network")
_KEYS = ("name", "owner", *CRITERIA, "act", "reason")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules in their order. `logs_per_hour`: the most that one rule logs within an hour."""

    rules: tuple[Rule, ...] = ()
    logs_per_hour: int = PER_HOUR

    def named(self, name: str) -> Rule | None:
        """The rule with that name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def document(self) -> dict[str, Any]:
        """The rules in the structure of a file, with every key."""
        return {_LIMIT: self.logs_per_hour, "rule": [rule.document() for rule in self.rules]}

    @cached_property
    def digest(self) -> str:
        """The version of the rules: SHA-256 over their canonical JSON, as `sha256:…`."""
        text = json.dumps(self.document(), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def toml(self) -> str:
        """The rules as the text of a file, which `read` reads back unchanged."""
        lines = [f"{_LIMIT} = {self.logs_per_hour}"]
        for rule in self.rules:
            lines += ["", "[[rule]]"]
            lines += [f"{key} = {_toml(value)}" for key, value in rule.document().items()]
        return "\n".join([*lines, ""])


@dataclass(frozen=True, slots=True)
class Matched:
    """The rule that a report matches; `asks`: why it leaves the report to the desk, as a code.

    `asks` is None if the rule is to act.
    """

    rule: Rule
    asks: str | None = None


def match(rules: Rules, facts: ReportFacts) -> Matched | None:
    """The first rule that matches; None if none does, so that the desk decides.

    A rule leaves to the desk what its act says (`ask`), what is about child abuse, and a report
    whose Message-ID another one had.
    """
    rule = next((each for each in rules.rules if each.matches(facts)), None)
    if rule is None:
        return None
    if facts.category == NEVER_BY_RULE:
        return Matched(rule, "child_abuse")
    if facts.repeats_id:
        return Matched(rule, "same_message_id")
    return Matched(rule, "asks" if rule.act == ASK else None)


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
        if key not in ("rule", _LIMIT):
            raise _error(
                "rules_no_key", "unknown key {key}: a file of rules has {known}", key=_cut(key),
                known=f"{_LIMIT}, [[rule]]",
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
    found = Rules(rules=rules, logs_per_hour=_limit(document.get(_LIMIT, PER_HOUR)))
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
        raise _wrong(_LIMIT, expected, given)
    return given


def _is_any(wanted: tuple[str, ...], value: str | None) -> bool:
    return not wanted or value in wanted


def _is_from(wanted: tuple[str, ...], reporter: str | None) -> bool:
    if reporter is None or "@" not in reporter:
        return False
    address = reporter.lower()
    domain = address.rpartition("@")[2]
    return any(
        domain == each[1:] or domain.endswith(f".{each[1:]}")
        if each.startswith("@")
        else address == each
        for each in wanted
    )


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_toml(each) for each in value)}]"
    # A control character, which JSON may write as itself, is escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _wrong(name: str, expected: Cause, value: object) -> RulesError:
    return RulesError(wrong_value(name, expected, _shown(value)))


def _error(code: str, sentence: str, **facts: Any) -> RulesError:
    return RulesError(Cause.of(code, sentence, **facts))


def _shown(value: object) -> str:
    return _cut(json.dumps(value, default=str, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
