"""The intake rules: which reports a rule matches, and what to do with them at once."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from incidents.values import person_name

LOG, JOIN, DISMISS, ASK = ACTS = ("log", "join", "dismiss", "ask")
"""What a rule does: log a new incident, join one, dismiss the report, or leave it to the desk."""
CHANNELS = ("command", "maildir", "imap", "api", "console")
"""The ways by which reports come in."""
PER_HOUR = 20

NEVER_BY_RULE = "child_abuse"
"""The category of reports that only people settle."""
LIMIT = "logs_per_hour"


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
        return {LIMIT: self.logs_per_hour, "rule": [rule.document() for rule in self.rules]}

    @cached_property
    def digest(self) -> str:
        """The version of the rules: SHA-256 over their canonical JSON, as `sha256:…`."""
        text = json.dumps(self.document(), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def toml(self) -> str:
        """The rules as the text of a file, which `read` reads back unchanged."""
        lines = [f"{LIMIT} = {self.logs_per_hour}"]
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
