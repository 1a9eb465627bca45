"""Intake rules: what they read, what they refuse, and which rule a report matches."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.intake import rules, rules_file
from incidents.intake.rules import ACTS, CHANNELS, CRITERIA, ReportFacts, Rule, Rules
from incidents.intake.rules_file import RulesError

FEED = """
[[rule]]
name = "trusted-feed"
owner = "operator-1"
act = "log"
"""
MAIL = ReportFacts(
    channel="imap", format="xarf", reporter="abuse@example.net", category="phishing",
    addresses=("198.51.100.7", "2001:db8::1"),
)  # fmt: skip


def read(more: str = "", text: str = FEED) -> Rules:
    return rules_file.read(text + more)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def test_rules_are_read_with_their_defaults() -> None:
    found = read('channel = "api"\nreporter = ["A@Example.net", "@example.org"]\n')
    assert found.logs_per_hour == 20
    [rule] = found.rules
    assert (rule.channel, rule.format, rule.network) == (("api",), (), ())
    assert rule.reporter == ("a@example.net", "@example.org")
    assert rule.signature == "rule:trusted-feed (operator-1)"


def test_no_rules_are_rules_too() -> None:
    assert rules_file.read("").rules == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("limit = 3", "unknown key limit: a file of rules has logs_per_hour, [[rule]]"),
        ("rule = 3", "rule must be a list: begin each rule with [[rule]]"),
        ("rule = [", "the file of rules is not valid TOML"),
        ("logs_per_hour = 1001", "logs_per_hour must be a whole number from 0 to 1000, got 1001"),
        ("logs_per_hour = true", "logs_per_hour must be a whole number from 0 to 1000, got true"),
        ("[[rule]]", "rule 1: name must be 1 to 40 lowercase letters a to z and digits, with"),
        ('[[rule]]\nname = "A b"', 'between, got "A b"'),
        (FEED + 'chanel = "api"', "rule trusted-feed: unknown key chanel: a rule has name, owner,"),
        (FEED + 'channel = "fax"', "rule trusted-feed: channel must be command or maildir or imap"),
        (FEED + "channel = []", "rule trusted-feed: channel must be command or maildir or imap"),
        (FEED + 'format = "X ARF"', 'must be the name of a format, such as xarf, got "X ARF"'),
        (FEED + 'reporter = "example.net"', "must be an address such as a@example.org, or @exampl"),
        (FEED + 'network = "192.0.2.0/33"', "must be a prefix such as 192.0.2.0/24, got"),
        (FEED + "category = 7", "category must be the code of a category, such as phishing, got 7"),
        (FEED + FEED, "two rules are named trusted-feed: give each a name of its own"),
        (FEED.replace("log", "close"), "act must be log or join or dismiss or ask, got"),
        (FEED.replace("log", "dismiss"), "reason must be why such reports are dismissed, as text"),
        (FEED.replace("operator-1", "a@example.net"), "owner must be the name of the person who"),
        (FEED.replace("operator-1", "daemon"), 'owns the rule, of at most 40 characters, got "dae'),
        (FEED.replace('owner = "operator-1"\n', ""), "at most 40 characters, got null"),
        ("x" * 70_000, "has 70,000 characters, and 65,536 are the most"),
        ("[[rule]]\n" * 101, "there are 101 rules, and 100 are the most"),
        (FEED.replace("log", "dismiss") + f'reason = "{"赌" * 4_001}"', "reason must be why such"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_its_name(text: str, told: str) -> None:
    with pytest.raises(RulesError) as refused:
        rules_file.read(text)
    assert told in str(refused.value)


def test_rules_that_no_entry_can_hold_are_refused() -> None:
    many = "".join(
        f'[[rule]]\nname = "r{n}"\nowner = "li"\nact = "dismiss"\nreason = "{"x" * 3_900}"\n'
        for n in range(15)
    )
    with pytest.raises(RulesError, match="bytes, and 49,152 are the most"):
        rules_file.read(many)


# ── matching ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("criteria", "matches"),
    [
        ({}, True),
        ({"channel": ("api", "imap")}, True),
        ({"channel": ("api",)}, False),
        ({"format": ("xarf",)}, True),
        ({"format": ("arf",)}, False),
        ({"category": ("phishing",)}, True),
        ({"category": ("phish",)}, False),
        ({"reporter": ("abuse@example.net",)}, True),
        ({"reporter": ("@example.net",)}, True),
        ({"reporter": ("@net",)}, True),
        ({"reporter": ("@ample.net",)}, False),
        ({"reporter": ("use@example.net",)}, False),
        ({"network": ("198.51.100.0/24",)}, True),
        ({"network": ("2001:db8::/32",)}, True),
        ({"network": ("192.0.2.0/24", "2001:db8:1::/48")}, False),
        ({"channel": ("imap",), "format": ("arf",)}, False),
    ],
)  # fmt: skip
def test_every_criterion_must_hold_for_one_of_its_values(
    criteria: dict[str, tuple[str, ...]], matches: bool
) -> None:
    rule = Rule(name="a", owner="li", act="log", **criteria)  # type: ignore[arg-type]  # of names
    assert rule.matches(MAIL) is matches


@pytest.mark.parametrize("key", ["reporter", "category", "network"])
def test_what_a_report_does_not_say_matches_nothing(key: str) -> None:
    value = {"reporter": "@example.net", "category": "phishing", "network": "0.0.0.0/0"}[key]
    rule = Rule(name="a", owner="li", act="log", **{key: (value,)})  # type: ignore[arg-type]
    assert not rule.matches(ReportFacts(channel="imap", format="xarf"))


def test_a_reporter_without_an_address_is_from_no_domain() -> None:
    rule = Rule(name="a", owner="li", act="log", reporter=("@example.net",))
    assert not rule.matches(ReportFacts(channel="imap", format="xarf", reporter="example.net"))


@pytest.mark.parametrize(
    ("act", "facts", "asks"),
    [
        ("log", MAIL, None),
        ("ask", MAIL, "asks"),
        ("dismiss", ReportFacts(channel="imap", format="arf", category="child_abuse"),
         "child_abuse"),
        ("log", ReportFacts(channel="imap", format="arf", repeats_id=True), "same_message_id"),
    ],
)  # fmt: skip
def test_some_reports_are_left_to_the_desk(act: str, facts: ReportFacts, asks: str | None) -> None:
    own = Rules(rules=(Rule(name="a", owner="li", act=act),))
    found = rules.match(own, facts)
    assert found is not None
    assert found.asks == asks


# ── what holds for all rules ─────────────────────────────────────────────────────────────────────

_NAMES = st.sampled_from(["a", "feed-1", "x.y", "z_9"])
_VALUES = {
    "channel": st.sampled_from(CHANNELS),
    "format": st.sampled_from(["xarf", "arf", "mail"]),
    "reporter": st.sampled_from(["a@example.net", "@example.net", "@example.org"]),
    "category": st.sampled_from(["phishing", "child_abuse", "赌博"]),
    "network": st.sampled_from(["192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"]),
}


@st.composite
def _rules(draw: st.DrawFn) -> Rules:
    def rule(n: int) -> Rule:
        act = draw(st.sampled_from(ACTS))
        own: dict[str, Any] = {
            key: tuple(draw(st.lists(_VALUES[key], min_size=1, max_size=2, unique=True)))
            for key in draw(st.sets(st.sampled_from(CRITERIA)))
        }
        text = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1)
        reason = draw(text.filter(lambda each: each.strip() == each))
        name = f"{draw(_NAMES)}{n}"
        return Rule(
            name=name, owner="li", act=act, reason=reason if act == "dismiss" else None, **own
        )

    made = tuple(rule(n) for n in range(draw(st.integers(0, 4))))
    return Rules(rules=made, logs_per_hour=draw(st.integers(0, 1_000)))


_FACTS = st.builds(
    ReportFacts, channel=_VALUES["channel"], format=_VALUES["format"],
    reporter=st.sampled_from([None, "a@example.net", "b@sub.example.org", "somebody"]),
    category=st.none() | _VALUES["category"],
    addresses=st.sampled_from([(), ("192.0.2.1",), ("2001:db8::9", "203.0.113.1")]),
    repeats_id=st.booleans(),
)  # fmt: skip


@given(_rules())
def test_rules_are_read_back_from_their_file_as_they_are(given_rules: Rules) -> None:
    again = rules_file.read(given_rules.toml())
    assert again == given_rules
    assert again.digest == given_rules.digest


@given(_rules(), _FACTS)
def test_the_first_rule_that_matches_wins(own: Rules, facts: ReportFacts) -> None:
    found = rules.match(own, facts)
    matching = [rule for rule in own.rules if rule.matches(facts)]
    assert (None if found is None else found.rule) == (matching[0] if matching else None)


@given(_rules(), _FACTS, _rules())
def test_a_rule_that_asks_put_first_never_settles_more(
    own: Rules, facts: ReportFacts, others: Rules
) -> None:
    def settles(these: Rules) -> bool:
        found = rules.match(these, facts)
        return found is not None and found.asks is None

    for each in others.rules:
        criteria = {key: getattr(each, key) for key in CRITERIA}
        first = Rule(name="first", owner="li", act="ask", **criteria)
        with_it = Rules(rules=(first, *own.rules))
        assert settles(own) or not settles(with_it)
