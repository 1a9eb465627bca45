"""The policy on the command line: show, history, graph, check, test, activate."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.machine.diagram import mermaid
from incidents.machine.policy import DOCUMENTED, Policy, read
from tests.cli.conftest import Cli

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "scenarios.toml"
HOW_TO = ROOT / "docs" / "how-to" / "test-a-policy.md"
TWO = Policy(repeat_count=2)


@pytest.fixture
def two(tmp_path: Path) -> str:
    """A policy under which two violations close a site."""
    file = tmp_path / "two.toml"
    file.write_text("# stricter\n[repeat]\ncount = 2\n", encoding="utf-8")
    return str(file)


# ── show and history ─────────────────────────────────────────────────────────────────────────────


def test_the_documented_policy_is_shown_in_words_and_as_its_file(cli: Cli) -> None:
    answer = cli("policy", "show")
    assert answer.status == 0
    lines = answer.out.splitlines()
    assert lines[:3] == [
        "R1 repeat: 3 violations within 24h close the site.",
        "R2 unreachable: if nobody is reached within 1h, the site is suspended for 12h.",
        "R3 unreachable_run: 3 such cases in a row close the site.",
    ]
    assert DOCUMENTED.toml() in answer.out
    assert lines[-2:] == [
        f"digest {DOCUMENTED.digest}", "the default policy, active from the start",
    ]  # fmt: skip
    assert cli("policy", "show", "-q").out == f"{DOCUMENTED.digest}\n"
    document = cli("policy", "show", "--json").json
    assert document["policy"] == DOCUMENTED.digest
    assert read(document["toml"]) == DOCUMENTED
    assert document["activation"] is None
    assert cli("policy", "history").out == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[repeat]\ncount = 1", "R1 repeat: 1 violation within 24h closes the site."),
        (
            "[unreachable]\nmin_attempts = 2",
            "in at least 2 attempts, the site is suspended for 12h; after fewer attempts, an alarm",
        ),
        ('[unreachable_run]\nrun = "total"', "3 such cases in all close the site."),
        (
            '[refusal]\nremoval_within = "36h"',
            "Content not deleted 36h after the call is recorded counts as a refusal.",
        ),
    ],
)
def test_every_number_of_a_policy_is_in_its_words(
    cli: Cli, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    cli("policy", "activate", str(tmp_path / "p.toml"), "--reason", "try")
    assert said in cli("policy", "show").out


def test_the_history_tells_who_changed_what_when_and_why(
    cli: Cli, two: str, tmp_path: Path, clock: FrozenDateTimeFactory
) -> None:
    cli("policy", "activate", two, "--reason", "agreed on Monday", "--as", "wang")
    clock.tick(timedelta(hours=1))
    (tmp_path / "old.toml").write_text("", encoding="utf-8")
    cli("policy", "activate", str(tmp_path / "old.toml"), "--reason", "too strict")
    first, second = cli("policy", "history", "--json").json
    assert first["policy"] == TWO.digest
    assert first["previous"] == DOCUMENTED.digest
    assert (first["by"], first["reason"]) == ("wang", "agreed on Monday")
    assert first["changes"] == [{"key": "repeat.count", "before": "3", "after": "2"}]
    assert second["changes"] == [{"key": "repeat.count", "before": "2", "after": "3"}]
    assert second["activated_at"] == "2026-03-02T05:00:00Z"
    lines = cli("policy", "history").out.splitlines()
    assert lines[0].startswith("2026-03-02 12:00\twang")
    assert lines[0].endswith("repeat.count: 3 → 2\tagreed on Monday")
    shown = cli("policy", "show").out.splitlines()[-1]
    assert re.fullmatch(
        r"active since 2026-03-02 13:00 Asia/Shanghai, by li( \(login .+\))?: too strict", shown
    )
    assert cli("policy", "history", "-q").out.splitlines() == [
        TWO.digest, DOCUMENTED.digest,
    ]  # fmt: skip


# ── graph and check ──────────────────────────────────────────────────────────────────────────────


def test_the_graph_needs_no_database(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCIDENTS_DB", "sqlite:////nowhere/at/all.db")
    both = cli("policy", "graph")
    assert both.status == 0
    assert both.out == f"{mermaid('site')}\n\n{mermaid('incident')}\n"
    assert cli("policy", "graph", "--machine", "site").out == f"{mermaid('site')}\n"
    assert cli("policy", "graph", "--json").json == {
        "site": mermaid("site"), "incident": mermaid("incident"),
    }  # fmt: skip
    assert cli("policy", "graph", "--machine", "desk").status == 2


def test_a_good_file_answers_with_its_digest(cli: Cli, two: str) -> None:
    answer = cli("policy", "check", two)
    assert (answer.status, answer.out) == (0, f"{TWO.digest}\n")
    assert cli("policy", "check", two, "--json").json["numbers"]["repeat"]["count"] == 2


@pytest.mark.parametrize("act", [("check",), ("activate", "--reason", "try"), ("test", "--policy")])
@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (b"[repeat]\ncoun = 2", 2, "p.toml is not a policy: unknown key coun in [repeat]"),
        (b"[repeat", 2, "p.toml is not a policy: the policy is not valid TOML"),
        (b"\xff", 1, "p.toml cannot be read: it is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_policy_is_told_so_in_one_sentence(
    cli: Cli, tmp_path: Path, act: tuple[str, ...], text: bytes, status: int, said: str
) -> None:
    file = tmp_path / "p.toml"
    file.write_bytes(text)
    examples = [str(EXAMPLES)] if act[0] == "test" else []
    answer = cli("policy", act[0], *examples, *act[1:], str(file))
    assert answer.status == status
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1


def test_a_file_that_is_not_there_or_far_too_large_is_told_so(cli: Cli, tmp_path: Path) -> None:
    answer = cli("policy", "check", str(tmp_path / "none.toml"))
    assert answer.status == 1
    assert "none.toml cannot be read: No such file" in answer.err
    (tmp_path / "log.txt").write_bytes(b"#" * 1_000_001)
    answer = cli("policy", "check", str(tmp_path / "log.txt"))
    assert answer.status == 2
    assert "more than 1,000,000 bytes" in answer.err


# ── activate ─────────────────────────────────────────────────────────────────────────────────────


def test_activating_shows_what_changes_and_is_on_record(cli: Cli, two: str) -> None:
    answer = cli("policy", "activate", two, "--reason", "agreed")
    assert answer.status == 0
    assert answer.out.splitlines() == [
        "repeat.count: 3 → 2", f"{TWO.digest} is the active policy",
    ]  # fmt: skip
    assert cli("policy", "show", "-q").out == f"{TWO.digest}\n"
    exported = cli("audit", "export").out
    assert "policy_activated" in exported
    assert "agreed" not in exported
    assert cli("audit", "replay").status == 0


def test_a_dry_run_shows_the_difference_and_does_nothing(cli: Cli, two: str) -> None:
    answer = cli("policy", "activate", two, "--reason", "agreed", "--dry-run")
    assert answer.status == 0
    assert answer.out.splitlines() == [
        "repeat.count: 3 → 2", f"{TWO.digest} would become the active policy",
    ]  # fmt: skip
    assert "nothing was changed (--dry-run)" in answer.err
    assert cli("policy", "show", "-q").out == f"{DOCUMENTED.digest}\n"
    document = cli("policy", "activate", two, "--reason", "agreed", "--dry-run", "--json").json
    assert document["changes"] == [{"key": "repeat.count", "before": "3", "after": "2"}]


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_what_is_active_already_is_refused(cli: Cli, two: str, dry: tuple[str, ...]) -> None:
    cli("policy", "activate", two, "--reason", "agreed")
    answer = cli("policy", "activate", two, "--reason", "again", *dry)
    assert answer.status == 3
    assert f"already active: {TWO.digest}" in answer.err


def test_activating_twice_with_one_key_is_done_once(cli: Cli, two: str) -> None:
    for _ in range(2):
        answer = cli("policy", "activate", two, "--reason", "agreed", "--key", "k", "--json")
        assert answer.status == 0
        assert answer.json["policy"] == TWO.digest
    assert len(cli("policy", "history", "--json").json) == 1


def test_a_reason_is_needed_and_no_other_policy(cli: Cli, two: str) -> None:
    assert cli("policy", "activate", two).status == 2
    answer = cli("policy", "activate", two, "--reason", "x", "--dry-run", "--policy", two)
    assert answer.status == 2
    assert "FILE is the policy" in answer.err


# ── test ─────────────────────────────────────────────────────────────────────────────────────────


def test_scenarios_are_told_one_line_each(cli: Cli) -> None:
    answer = cli("policy", "test", str(EXAMPLES))
    assert answer.status == 0
    lines = answer.out.splitlines()
    assert lines[0] == "ok      three violations in a day close the site"
    assert all(line.startswith("ok ") for line in lines)
    assert answer.err == f"{len(lines)} scenarios, 0 failed, under {DOCUMENTED.digest}\n"


def test_a_mismatch_is_told_with_both_values_and_fails(cli: Cli, two: str) -> None:
    answer = cli("policy", "test", str(EXAMPLES), "--policy", two)
    assert answer.status == 1
    assert "FAILED  one second more than a day and it stays open" in answer.out
    assert "        at the end, state: expected active, got closed" in answer.out
    assert "8 scenarios, 2 failed" in answer.err
    assert cli("policy", "test", str(EXAMPLES), "--policy", two, "-q").out.splitlines() == [
        "three violations in a day close the site",
        "one second more than a day and it stays open",
    ]
    document = cli("policy", "test", str(EXAMPLES), "--policy", two, "--json").json
    assert document["policy"] == TWO.digest
    assert [s["passed"] for s in document["scenarios"][:3]] == [False, False, True]
    assert document["scenarios"][1]["mismatches"][0] == {
        "step": None, "at": "2026-01-02T00:00:01Z", "what": "state", "expected": "active",
        "got": "closed",
    }  # fmt: skip


def test_the_active_policy_is_tested_by_default(cli: Cli, two: str) -> None:
    cli("policy", "activate", two, "--reason", "agreed")
    assert cli("policy", "test", str(EXAMPLES)).status == 1
    assert cli("policy", "test", str(EXAMPLES), "--policy", "active").status == 1
    assert cli("policy", "test", str(EXAMPLES), "--policy", "documented").status == 0


def test_a_named_policy_is_tested_without_any_database(
    cli: Cli, two: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_DB", "sqlite:////nowhere/at/all.db")
    assert cli("policy", "test", str(EXAMPLES), "--policy", "documented").status == 0
    assert cli("policy", "test", str(EXAMPLES)).status == 1
    assert "nowhere" in cli("policy", "test", str(EXAMPLES)).err


def test_a_broken_file_of_scenarios_is_wrong_usage_not_a_mismatch(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('[[scenario]]\nname = "a"\nsteps = [{ do = "logg" }]\n', encoding="utf-8")
    answer = cli("policy", "test", str(file))
    assert answer.status == 2
    assert "s.toml: scenario 1, \"a\", step 1: unknown action 'logg'" in answer.err


# ── the how-to ───────────────────────────────────────────────────────────────────────────────────


def test_the_how_to_says_what_is_true(cli: Cli, tmp_path: Path) -> None:
    """Its scenarios pass, its policy is one, and it names every act, expectation and refusal."""
    from incidents.scenario import actions, file

    text = HOW_TO.read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    scenarios = tmp_path / "s.toml"
    scenarios.write_text("".join(b for b in blocks if "[[scenario]]" in b), encoding="utf-8")
    answer = cli("policy", "test", str(scenarios))
    assert answer.status == 0, answer.out + answer.err
    assert all(f"`{act}`" in text for act in actions.READERS)
    assert all(f"`{name}`" in text for name in file.EXPECTED)
