"""The daily acts, from the words that are typed to the answer."""

from datetime import timedelta
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli
from tests.databases import compares_clocks

SITE = ("site", "add", "shop.example", "--phone", "+86 10 5555 0100", "--person", "Wang Wu")


@pytest.fixture
def desk(cli: Cli) -> Cli:
    """A desk with one site in its register."""
    assert cli(*SITE).status == 0
    return cli


def test_a_logged_violation_is_answered_with_its_deadline_and_the_next_command(desk: Cli) -> None:
    answer = desk("log", "shop.example", "--url", "http://shop.example/x")
    assert answer.status == 0
    assert answer.out.splitlines() == [
        "1-1 logged on shop.example",
        "1-1 is open: reach the responsible person by 2026-03-02 13:00 Asia/Shanghai (in 1 h)",
        "call: Wang Wu, +86 10 5555 0100",
        "next: incidents contact 1-1 reached",
        "next: incidents contact 1-1 no-answer",
    ]
    assert answer.err == "violation 1 of 3 in 24 h\n"


@pytest.mark.both_databases
def test_every_act_answers_with_the_same_document(desk: Cli) -> None:
    document = desk("log", "shop.example", "--json").json
    assert set(document) >= {"site", "incident", "incidents", "events"}
    assert document["incident"]["id"] == "1-1"
    assert document["incident"]["state"] == "open"
    assert document["incident"]["contact_due"] == "2026-03-02T05:00:00Z"
    assert document["site"]["state"] == "active"
    assert [event["kind"] for event in document["events"]] == ["incident_logged"]
    document = desk("site", "hold", "shop.example", "--reason", "order 7", "--json").json
    assert document["incident"] is None
    assert document["site"]["held"] is True


def test_the_third_violation_closes_without_a_question_and_names_the_call_task(desk: Cli) -> None:
    desk("log", "shop.example")
    desk("log", "shop.example")
    answer = desk("log", "shop.example")
    assert answer.status == 0
    assert "shop.example closed (R1, repeat), 3 violations" in answer.out
    assert "no after-sales service, no refund" in answer.out
    assert "next: incidents done 1-t1 --outcome told" in answer.out


def test_what_was_due_is_told_first(desk: Cli, clock: FrozenDateTimeFactory) -> None:
    desk("log", "shop.example")
    clock.tick(timedelta(minutes=61))
    answer = desk("log", "shop.example")
    assert answer.out.splitlines()[:3] == [
        "meanwhile: 1-1: nobody was reached by 2026-03-02 13:00",
        "meanwhile: shop.example suspended until 2026-03-03 01:01 (R2, unreachable)",
        "1-2 logged on shop.example",
    ]


def test_what_was_due_is_told_also_when_the_act_is_refused(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    desk("log", "shop.example")
    clock.tick(timedelta(minutes=61))
    answer = desk("site", "unhold", "shop.example", "--reason", "none")
    assert answer.status == 3
    assert answer.out == ""
    assert answer.err.startswith("meanwhile: 1-1: nobody was reached")
    assert "shop.example is not held" in answer.err


def test_a_late_contact_says_how_to_give_the_time_of_the_call(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    desk("log", "shop.example")
    clock.tick(timedelta(minutes=70))
    late = desk("contact", "1-1", "reached")
    assert late.status == 0
    assert "next: incidents contact 1-1 reached --at T" in late.out
    truth = desk("contact", "1-1", "reached", "--at", "12:50")
    assert "time read as 2026-03-02 12:50 Asia/Shanghai (20 min ago)" in truth.err
    assert "voided: its grounds no longer hold" in truth.out
    assert "the site is open again" in truth.out


def test_one_call_for_a_whole_site_names_each_incident_and_the_rest(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    desk("log", "shop.example")
    clock.tick(timedelta(minutes=10))
    desk("log", "shop.example")
    answer = desk("contact", "shop.example", "no-answer", "--at", "12:05")
    assert "1-1: nobody answered; does not stop the clock" in answer.out
    assert "not covered by this call" in answer.err
    assert "1-2" in answer.err
    assert desk("contact", "shop.example", "reached", "-q").out.split() == ["1-1-2", "1-2-1"]


def test_an_incident_goes_from_the_log_to_removed(desk: Cli) -> None:
    desk("log", "shop.example")
    reached = desk("contact", "1-1", "reached", "--note", "he will delete it")
    assert "; clock stopped" in reached.out
    assert "next: incidents removed 1-1" in reached.out
    assert "1-1: content removed" in desk("removed", "1-1").out
    recurred = desk("recur", "1-1")
    assert "1-2 logged on shop.example: the content of 1-1 is still there" in recurred.out


def test_corrections_say_what_they_changed(desk: Cli) -> None:
    desk("log", "shop.example")
    desk("contact", "1-1", "reached")
    voided = desk("void-contact", "1-1-1", "--reason", "wrong customer")
    assert "Contact 1-1-1 voided; a new clock runs until 2026-03-02 13:00" in voided.out
    desk("removed", "1-1")
    taken_back = desk("take-back", "1-1", "--reason", "said of the wrong one")
    assert "“removed” withdrawn; the incident is now open" in taken_back.out
    assert "1-1 voided: it no longer counts" in desk("void", "1-1", "--reason", "none").out


def test_a_reinstatement_takes_two_persons(desk: Cli) -> None:
    for _ in range(3):
        desk("log", "shop.example")
    asked = desk("site", "reinstate", "shop.example", "--reason", "all deleted")
    assert "li requested the reinstatement of shop.example" in asked.out
    alone = desk("site", "approve", "shop.example")
    assert alone.status == 3
    assert "another person" in alone.err
    assert "reinstated" in desk("site", "approve", "shop.example", "--as", "zhang").out
    desk("site", "false-info", "shop.example", "--field", "phone", "--evidence", "it is a shop",
         "--confirm", "shop.example")  # fmt: skip
    desk("site", "reinstate", "shop.example", "--reason", "right number")
    declined = desk("site", "decline", "shop.example", "--as", "zhang")
    assert "Reinstatement of shop.example declined" in declined.out


def test_a_claim_keeps_an_item_from_others_until_it_is_handed_over(desk: Cli) -> None:
    desk("log", "shop.example")
    assert desk("claim", "1-1").out.splitlines()[0] == "1-1 assigned to li"
    taken = desk("claim", "1-1", "--as", "zhang")
    assert taken.status == 3
    assert "1-1 is claimed by li" in taken.err
    assert "1-1 assigned to zhang" in desk("hand-over", "zhang").out
    assert "li has no claimed items" in desk("hand-over", "zhang").err
    assert desk("release", "1-1", "--as", "zhang").out.splitlines()[0] == "1-1 released"


def test_a_hand_over_with_a_key_is_done_once_and_answers_the_same_again(cli: Cli) -> None:
    for n, name in enumerate(("a.example", "b.example", "c.example"), start=1):
        cli("site", "add", name)
        cli("log", name)
        cli("claim", f"{n}-1")
    cli("release", "3-1")
    first = cli("hand-over", "zhang", "--key", "shift", "--json")
    assert (first.status, len(first.json)) == (0, 2)
    cli("claim", "3-1")
    again = cli("hand-over", "zhang", "--key", "shift", "--json")
    assert (again.status, again.json) == (0, first.json)
    assert "3-1 released" in cli("release", "3-1").out
    other = cli("hand-over", "wang", "--key", "shift")
    assert other.status == 3
    assert "was already used for another command" in other.err


def test_a_hand_over_that_is_refused_says_so(
    cli: Cli, postgresql_url: str, monkeypatch: pytest.MonkeyPatch, clock: FrozenDateTimeFactory
) -> None:
    """A clock that is far behind the database's is refused, not passed over."""
    on = ("--db", postgresql_url)
    cli("site", "add", "shop.example", *on)
    cli("log", "shop.example", *on)
    cli("claim", "1-1", *on)
    compares_clocks(postgresql_url)
    refused = cli("hand-over", "zhang", "--json", *on)
    assert (refused.status, refused.out) == (3, "")
    assert refused.refused["name"] == "clock_behind"


def test_a_time_out_of_all_reach_is_refused_in_one_sentence(desk: Cli) -> None:
    for year in ("2999", "3000", "9999"):
        far = desk("log", "shop.example", "--at", f"{year}-12-31T23:59:59Z", "--json")
        assert (far.status, far.refused["name"]) == (3, "future")
    early = desk("log", "shop.example", "--at", "0001-01-01T00:00:00Z")
    assert early.status == 2
    assert "0001-01-01T00:00:00Z" in early.err


def test_a_task_is_done_with_its_outcome_and_an_incident_is_no_task(desk: Cli) -> None:
    for _ in range(3):
        desk("log", "shop.example")
    assert "Task 1-t1 done: told" in desk("done", "1-t1", "--outcome", "told").out
    wrong = desk("done", "1-1")
    assert wrong.status == 2
    assert "incidents contact, removed or refused" in wrong.err


def test_a_dry_run_shows_what_would_happen_and_does_nothing(desk: Cli) -> None:
    for _ in range(2):
        desk("log", "shop.example")
    would = desk("log", "shop.example", "--dry-run")
    assert would.status == 0
    assert "dry run: shop.example closed (R1, repeat)" in would.out
    assert "nothing was changed" in would.err
    assert desk("site", "show", "shop.example", "--json").json["state"] == "active"


def test_a_dry_run_may_be_decided_under_another_policy(desk: Cli, tmp_path: Path) -> None:
    strict, broken = tmp_path / "strict.toml", tmp_path / "broken.toml"
    strict.write_text("[repeat]\ncount = 1\n")
    broken.write_text("[repeat]\ncount = 0\n")
    would = desk("log", "shop.example", "--dry-run", "--policy", str(strict))
    assert "dry run: shop.example closed (R1, repeat), 1 violations" in would.out
    alone = desk("log", "shop.example", "--policy", str(strict))
    assert alone.status == 2
    assert "--dry-run" in alone.err
    bad = desk("log", "shop.example", "--dry-run", "--policy", str(broken))
    assert bad.status == 2
    assert "repeat.count" in bad.err
    gone = desk("log", "shop.example", "--dry-run", "--policy", str(tmp_path / "gone.toml"))
    assert gone.status == 1
    assert "cannot be read" in gone.err


def test_the_same_key_is_the_same_act_once(desk: Cli) -> None:
    first = desk("log", "shop.example", "--key", "k1")
    second = desk("log", "shop.example", "--key", "k1")
    assert first.out == second.out
    assert "which ran only once" in second.err
    assert desk("log", "shop.example", "--key", "k1", "--note", "x").status == 3
    other = desk("log", "shop.example", "--key", "k1", "--as", "other").err
    assert "already gave this command with key 'k1' at" in other
    assert "take another key" not in other


def test_a_task_that_is_done_already_says_by_whom_and_when(desk: Cli) -> None:
    for _ in range(3):
        desk("log", "shop.example", "--again", "--confirm", "shop.example")
    assert desk("done", "1-t1", "--outcome", "told").status == 0
    again = desk("done", "1-t1", "--outcome", "told")
    assert again.status == 3
    assert "1-t1 is already done (told), by " in again.err
    assert desk("done", "1-t1", "--json").refused["name"] == "unknown_task"
    assert "no open task 1-t9" in desk("done", "1-t9").err


def test_ids_alone_are_what_the_next_command_takes(desk: Cli, tmp_path: Path) -> None:
    file = tmp_path / "proof.txt"
    file.write_text("seen")
    asked: list[tuple[str, ...]] = [
        ("log", "shop.example"), ("contact", "1-1", "reached"),
        ("void-contact", "1-1-1", "--reason", "r"), ("attach", "1-1", str(file)),
        ("note", "1-1", "seen"), ("claim", "1-1"), ("removed", "1-1"),
        ("void", "1-1", "--reason", "r"),
        ("site", "hold", "shop.example", "--reason", "r"),
    ]  # fmt: skip
    assert [desk(*args, "-q").out.strip() for args in asked] == [
        "1-1", "1-1-1", "1-1-1", "1-1", "1-1", "1-1", "1-1", "1-1", "shop.example",
    ]  # fmt: skip


def test_a_handed_over_list_is_a_list_for_programs(desk: Cli) -> None:
    assert desk("hand-over", "zhang", "--json").json == []
    desk("log", "shop.example")
    desk("claim", "1-1")
    [document] = desk("hand-over", "zhang", "--json").json
    assert document["events"][0]["kind"] == "item_claimed"
