"""The scenarios: what a file may say, what is wrong with it, and what comes of it."""

from pathlib import Path
from typing import Any

import pytest

from incidents.machine.policy import DOCUMENTED, Policy
from incidents.scenario import actions, file, trial
from incidents.scenario.actions import ScenarioError
from incidents.scenario.trial import Mismatch

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "scenarios.toml"


def _mismatches(body: str, policy: Policy = DOCUMENTED) -> tuple[Mismatch, ...]:
    [scenario] = file.read(f'[[scenario]]\nname = "one"\n{body}')
    return trial.run(scenario, policy).mismatches


def _told(body: str, policy: Policy = DOCUMENTED) -> list[tuple[int | None, str, str, str]]:
    return [(m.step, m.what, m.expected, m.got) for m in _mismatches(body, policy)]


# ── what comes of it ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "scenario", file.read(EXAMPLES.read_text(encoding="utf-8")), ids=lambda s: s.name
)
def test_the_examples_hold_under_the_documented_policy(scenario: file.Scenario) -> None:
    assert trial.run(scenario, DOCUMENTED).mismatches == ()


@pytest.mark.parametrize(
    "body",
    [
        # The clock acts at once, and a time is compared to the second.
        """steps = [{ do = "log" }]
        expect = { at = "+61m", state = "suspended", suspended_until = "+13h", held = false }""",
        # At the deadline itself nothing is due yet.
        """steps = [{ do = "log" }]
        expect = { at = "+1h", state = "active", next_due = "+1h" }""",
        # Times may be absolute, with a zone or in UTC, and the start may be said.
        """start = "2026-03-01T10:00:00+08:00"
        steps = [{ at = "2026-03-01T02:30:00Z", do = "log" }]
        expect = { at = 2026-03-01 11:31:00+08:00, suspended_until = 2026-03-01T15:30:00 }""",
        # Without a daemon what is due waits for the next step, whatever it is.
        """daemon = false
        steps = [{ do = "log" }, { at = "+5h", expect = { state = "active" } },
                 { do = "daemon", expect = { suspended_until = "+17h" } }]""",
        # A fact from before the start.
        """steps = [{ do = "log", occurred_at = "-23h" }, { do = "log", occurred_at = "-1m" },
                 { do = "log" }]
        expect = { state = "closed", rule = "repeat" }""",
        # One call for the whole site.
        """steps = [{ do = "log", url = "https://a.example/1" },
                 { do = "log", url = ["https://a.example/2", "https://a.example/3"] },
                 { do = "contact", outcome = "reached" }]
        expect = { incidents = ["notified", "notified"] }""",
        # Entered twice, and meant.
        """steps = [{ do = "log", url = "https://a.example/1" },
                 { do = "log", url = "https://a.example/1", refused = "double_entry" },
                 { do = "log", url = "https://a.example/1", again = true }]
        expect = { incidents = { 2 = "open" } }""",
        # A wrong contact record.
        """steps = [{ do = "log" }, { do = "contact", incident = 1, outcome = "reached" },
                 { at = "+10m", do = "void-contact", incident = 1, contact = 1 }]
        expect = { next_due = "+1h10m", incidents = ["open"] }""",
        # A statement of the wrong incident.
        """steps = [{ do = "log" }, { do = "removed", incident = 1 },
                 { do = "take-back", incident = 1 }, { do = "void", incident = 1 }]
        expect = { incidents = ["voided"] }""",
        # A recurrence, a refusal, a dispute that is upheld.
        """steps = [{ do = "log" }, { do = "contact", incident = 1, outcome = "reached" },
                 { do = "recur", incident = 1 },
                 { do = "contact", incident = 2, outcome = "reached" },
                 { do = "refused", incident = 2, expect = { state = "closed", rule = "refusal" } },
                 { do = "take-back", incident = 2, expect = { disputed = true } },
                 { do = "uphold", expect = { disputed = false } }]""",
        # A hold outlasts the timer.
        """steps = [{ do = "log" }, { at = "+2h", do = "hold" },
                 { at = "+14h", expect = { suspended_until = "none", held = true } },
                 { do = "unhold" }]
        expect = { state = "active", rule = "none", suspensions = 1 }""",
        # A reinstatement that is declined.
        """steps = [{ do = "false-info" }, { do = "reinstate" }, { do = "decline", by = "another" }]
        expect = { state = "closed", rule = "false_info" }""",
        # Two people close, where the policy says so.
        """policy = { closure = { two_people = true } }
        steps = [{ do = "false-info" }, { do = "decline-closure" }, { do = "false-info" },
                 { do = "confirm-closure", refused = "same_person", expect = { state = "active" } },
                 { do = "confirm-closure", by = "another" }]
        expect = { state = "closed", rule = "false_info" }""",
        # What the policy does not look at, with words as a request has them, or without.
        """steps = [{ do = "log", category = "gambling", note = "seen twice" },
                 { do = "note", incident = 1, audience = "desk" },
                 { do = "reported", incident = 1, ref = "receipt 17" },
                 { do = "reported", incident = 1, refused = "already_reported" },
                 { do = "revoke-links", incident = 1 }, { do = "hold", reason = "letter 17" }]
        expect = { held = true, incidents = ["open"] }""",
        # Deadlines that are set already stay when the policy changes, and what is due comes first.
        """daemon = false
        steps = [{ do = "log" },
                 { at = "+2h", do = "activate", policy = { unreachable = { suspend_for = "1h" } } }]
        expect = { state = "suspended", suspended_until = "+14h" }""",
    ],
)  # fmt: skip
def test_a_history_comes_out_as_expected(body: str) -> None:
    assert _mismatches(body) == ()


def test_every_act_has_its_place_in_a_scenario() -> None:
    everything = EXAMPLES.read_text(encoding="utf-8") + Path(__file__).read_text(encoding="utf-8")
    assert all(f'do = "{act}"' in everything for act in actions.READERS)


def test_a_scenario_of_its_own_policy_is_not_judged_by_another() -> None:
    body = """policy = { repeat = { count = 1 } }
    steps = [{ do = "log" }]
    expect = { state = "closed" }"""
    assert _mismatches(body, Policy(repeat_count=1_000)) == ()


def test_what_comes_out_otherwise_says_where_what_was_expected_and_what_came() -> None:
    body = """steps = [{ do = "log" }, { at = "+61m", expect = { state = "active", run = 0 } }]
    expect = { suspended_until = "+12h", incidents = ["open", "open"], held = true }"""
    assert _told(body) == [
        (2, "state", "active", "suspended"),
        (2, "run", "0", "1"),
        (None, "held", "true", "false"),
        (
            None, "suspended_until", "+12h (2026-01-01T12:00:00Z)", "+13h (2026-01-01T13:00:00Z)",
        ),
        (None, "incidents", "open, open", "unreached"),
    ]  # fmt: skip


def test_a_refusal_that_nobody_expected_is_a_mismatch_with_its_sentence() -> None:
    [(step, what, expected, got)] = _told(
        'steps = [{ do = "log" }, { do = "refused", incident = 1 }]\nexpect = { run = 0 }'
    )
    assert (step, what, expected) == (2, "refused", "none")
    assert got.startswith("state_forbids: incident 1-1 is open")


def test_an_act_that_should_have_been_refused_is_a_mismatch() -> None:
    body = 'steps = [{ do = "log", refused = "double_entry" }]'
    assert _told(body) == [(1, "refused", "double_entry", "it took effect")]


def test_only_the_incidents_that_are_named_are_looked_at() -> None:
    body = 'steps = [{ do = "log" }]\nexpect = { incidents = { 1 = "moot", 2 = "open" } }'
    assert _told(body) == [(None, "incidents", "1 moot, 2 open", "1 open, 2 none")]


# ── what is wrong with it ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("steps = 3", "steps must be a list of tables"),
        ("expect = 3", 'scenario 1, "one": expect must be a table'),
        ("step = []\nexpect = {run = 0}", "unknown key 'step': a scenario takes name, start,"),
        ("daemon = 1\nexpect = {run = 0}", "daemon must be true or false, got 1"),
        ('steps = [{ do = "log" }]', "it expects nothing"),
        ("steps = [{}]", 'step 1: it neither does nor expects anything: say do = "log"'),
        ('steps = [{ do = "logg" }]', "step 1: unknown action 'logg': there are log, note,"),
        ('steps = [{ do = "log", urls = "x" }]', "step 1: unknown key 'urls': log takes at, do,"),
        ('steps = [{ do = "log", url = "ftp://x" }]', "step 1: 'ftp://x' is not a web address"),
        ('steps = [{ do = "log", url = [1] }]', "url must be a text or a list of texts, got [1]"),
        ('steps = [{ do = "log", again = "yes" }]', 'again must be true or false, got "yes"'),
        ('steps = [{ do = "log", at = "1h" }]', 'step 1: at must be a time (write +1h30m from'),
        ('steps = [{ do = "log", at = "+1x" }]', 'at must be a time'),
        ('steps = [{ do = "log", at = 7 }]', "at must be a time"),
        ('steps = [{ do = "log", at = "02:50" }]', "at must be a time"),
        ('steps = [{ do = "log", at = "+99999999999d" }]', "at must be a time"),
        (
            'steps = [{ at = "+2h", do = "log" }, { at = "+1h", do = "log" }]',
            'step 2: at is "+1h", which is earlier than the step before it',
        ),
        (
            'steps = [{ at = "+2h", do = "log" }]\nexpect = { at = "+1h", run = 0 }',
            'expect: at is "+1h", which is earlier than the last step',
        ),
        ('steps = [{ do = "removed" }]', "step 1: incident is missing"),
        ('steps = [{ do = "removed", incident = 0 }]', "incident must be a whole number from 1"),
        ('steps = [{ do = "contact" }]', "step 1: outcome is missing"),
        ('steps = [{ do = "contact", outcome = "x" }]', "outcome must be one of reached, no"),
        ('steps = [{ do = "activate" }]', "step 1: policy is missing"),
        (
            'steps = [{ do = "activate", policy = { repeat = { count = 0 } } }]',
            "step 1: policy: repeat.count must be a whole number from 1 to 1000, got 0",
        ),
        ("policy = { x = 1 }", "policy: unknown section [x]"),
        ('steps = [{ do = "log", refused = "no" }]', 'refused is "no", which is no refusal: there'),
        ('steps = [{ do = "log", by = "" }]', 'by must be a text, got ""'),
        (
            'steps = [{ do = "false-info", field = "fone" }]',
            'field must be phone, email, person or a detail of a filing, got "fone"',
        ),
        ('expect = { state = "open" }', 'expect: state must be one of active, suspended, closed'),
        ('expect = { rule = "R1" }', "rule must be one of repeat, unreachable"),
        ("expect = { run = -1 }", "run must be a whole number from 0, got -1"),
        ("expect = { stat = 1 }", "unknown key 'stat': expect takes state, rule, run"),
        ('expect = { incidents = "open" }', "incidents must be a list of states"),
        ('expect = { incidents = ["new"] }', 'incidents must hold one of open, notified'),
        ('expect = { incidents = { x = "open" } }', "incidents is by the incident's number"),
    ],
)  # fmt: skip
def test_a_broken_scenario_is_named_with_its_step_and_value(body: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        _mismatches(body)
    message = str(caught.value)
    assert message.startswith('scenario 1, "one"')
    assert said in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it has no [[scenario]] table"),
        ("scenario = 1", "it has no [[scenario]] table"),
        ("[scenario", "it is not valid TOML"),
        ("[[scenarios]]", "unknown key 'scenarios': a file has [[scenario]] tables alone"),
        ("[[scenario]]", "scenario 1: name is missing"),
        ("[[scenario]]\nname = 1", "scenario 1: name must be a text, got 1"),
        (
            '[[scenario]]\nname = "a"\nexpect = {run = 0}\n' * 2,
            'two scenarios are called "a": give each its own name',
        ),
        (f"{'.'.join('a' * 9)} = 1", "it has a key of more than 8 parts in line 1"),
        ("#" * 1_000_001, "it has 1,000,001 characters, and 1,000,000 are the most"),
        ("[[scenario]]\n" * 1_001, "1,001 scenarios in a file, and 1,000 are the most: split it"),
    ],
)
def test_a_file_that_has_no_scenarios_says_so(text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        file.read(text)
    assert said in str(caught.value)


def test_a_file_is_not_bigger_than_anybody_can_read() -> None:
    steps: Any = ",".join(["{ do = 'log' }"] * 1_001)
    with pytest.raises(ScenarioError, match="1,001 steps in scenario 1"):
        _mismatches(f"steps = [{steps}]")
    urls = ["http://shop.example/"] * 51
    with pytest.raises(ScenarioError, match="there are 51 web addresses"):
        _mismatches(f"steps = [{{ do = 'log', url = {urls} }}]")
