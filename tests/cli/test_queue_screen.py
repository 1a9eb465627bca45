"""The queue's screen: its keys are the command line's acts, and it decides nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.cli.queue import keys as queue_keys
from incidents.cli.queue import queue
from incidents.cli.queue.frame import frame
from incidents.cli.queue.screen import ITEM, LIST, Screen
from incidents.cli.run import Run
from incidents.desk import Desk, Envelope
from incidents.errors import DatabaseError
from incidents.machine.command import OUTCOMES
from incidents.settings import sources
from tests.cli.conftest import Cli

if TYPE_CHECKING:
    pass


@pytest.fixture
def desk(cli: Cli) -> Cli:
    """Two sites with a violation each, and whom to call."""
    cli("site", "add", "a.example", "--phone", "+86 10 5555 0100", "--person", "Wang Wu")
    cli("site", "add", "b.example")
    cli("log", "a.example", "--url", "https://a.example/x")
    cli("log", "b.example")
    return cli


def sit(**asked: Any) -> Screen:
    """The screen of a person who sits down now."""
    run = Run()
    run.settings = sources.load()
    given = {"mine": None, "limit": 100, "after": None, "reveal": False, **asked}
    return Screen(run, lambda: queue._page(run, **given))


def press(screen: Screen, *keys: str) -> str:
    """Press keys, carry out what they ask for, as the watch does; what the last one came to."""
    for key in keys:
        action = screen.press(key)
        if action is not None:
            screen.carry_out(action)
    return screen.message


def seen(screen: Screen) -> str:
    return "\n".join(line.plain for line in frame(screen, 120, 40))


def outcomes(desk: Cli, incident: str) -> list[str]:
    contacts = desk("show", incident, "--json").json["contacts"]
    return [contact["outcome"] for contact in contacts]


def selected(screen: Screen) -> str | None:
    return None if screen.item is None else screen.item["id"]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Envelope]:
    """What the desk is given, as it comes."""
    envelopes: list[Envelope] = []
    submit = Desk.submit

    def submitted(self: Desk, given: list[Envelope], **how: Any) -> Any:
        envelopes.extend(given)
        return submit(self, given, **how)

    monkeypatch.setattr(Desk, "submit", submitted)
    return envelopes


def test_the_outcome_keys_are_the_outcomes_in_their_order() -> None:
    assert tuple(queue_keys.OUTCOMES.values()) == OUTCOMES


@pytest.mark.parametrize(
    ("keys", "typed"),
    [
        ("1y", ("contact", "1-1", "reached")),
        ("2", ("contact", "1-1", "no-answer")),
        ("3", ("contact", "1-1", "wrong-number")),
        ("4", ("contact", "1-1", "bounced")),
        ("5", ("contact", "1-1", "left-message")),
        ("c", ("claim", "1-1")),
        ("cu", ("release", "1-1")),
        ("1yr", ("removed", "1-1")),
    ],
)
def test_a_key_sends_what_the_command_line_would(
    desk: Cli, sent: list[Envelope], keys: str, typed: tuple[str, ...]
) -> None:
    press(sit(), *keys)
    pressed = sent[-1]
    assert pressed.key is not None
    desk(*typed)
    assert (sent[-1].site, sent[-1].command) == (pressed.site, pressed.command)
    assert (sent[-1].login, pressed.command.by) == (pressed.login, "li")


def test_each_press_has_a_key_of_its_own(desk: Cli, sent: list[Envelope]) -> None:
    press(sit(), *"23cu")
    assert len({envelope.key for envelope in sent}) == 4


@pytest.fixture
def closed(desk: Cli, clock: FrozenDateTimeFactory) -> Cli:
    """a.example is closed for three violations, and the customer is to be told."""
    for _ in range(2):
        clock.tick(timedelta(minutes=1))
        desk("log", "a.example", "--again")
    return desk


def choose(screen: Screen, id_: str) -> None:
    while selected(screen) != id_:
        before = screen.selection.index
        press(screen, "j")
        assert screen.selection.index > before, id_


def test_done_sends_what_the_command_line_would(closed: Cli, sent: list[Envelope]) -> None:
    screen = sit()
    choose(screen, "1-t1")
    assert press(screen, "d") == "1-t1: did you tell the customer that a.example is closed?"
    assert press(screen, "y") == "Task 1-t1 done: told"
    closed("done", "1-t1", "--outcome", "told")
    assert sent[-1].command == sent[-2].command


def test_a_recheck_is_removed_incident_by_incident_and_then_done(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    desk("log", "a.example", "--again")
    clock.tick(timedelta(minutes=61))
    desk("daemon", "--once")
    clock.tick(timedelta(hours=13))
    desk("daemon", "--once")
    screen = sit()
    choose(screen, "1-t1")
    assert screen.item is not None
    assert screen.item["unsettled"] == ["1-1", "1-2"]
    assert press(screen, "r") == "Is the content of 1-1 removed (more incidents to check: 1)?"
    assert press(screen, "y") == "1-1: content removed"
    assert press(screen, "d") == "1-t1: did you check everything (incidents not settled: 1)?"
    assert "1-2: content removed" in press(screen, "n", "r")
    assert "1-t1" not in desk("queue", "-q").out


def test_reached_is_asked_for_and_anything_but_yes_does_nothing(desk: Cli) -> None:
    screen = sit()
    assert "If so, the clock of 1-1 stops." in press(screen, "1")
    assert "y/n" in seen(screen)
    assert press(screen, "1") == "not done"
    for no in ("n", "enter", "escape", "2", "pasted", "q", "up"):
        assert press(screen, "1", no) == "not done"
    assert not screen.is_over
    assert outcomes(desk, "1-1") == []
    told = press(screen, "1", "y")
    assert told == "1-1: reached the responsible person; clock stopped"
    assert outcomes(desk, "1-1") == ["reached"]


def test_the_same_outcome_twice_within_a_minute_is_asked_for(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    screen = sit()
    press(screen, "2")
    assert "less than a minute ago" in press(screen, "2")
    press(screen, "2")
    assert outcomes(desk, "1-1") == ["no-answer"]
    press(screen, "2", "y")
    assert outcomes(desk, "1-1") == ["no-answer", "no-answer"]
    press(screen, "5")
    clock.tick(timedelta(seconds=61))
    press(screen, "5")
    assert outcomes(desk, "1-1")[2:] == ["left-message", "left-message"]


def test_the_answer_is_in_the_words_of_the_command_line(desk: Cli) -> None:
    told = press(sit(), "2")
    assert told == "1-1: nobody answered; does not stop the clock"
    assert desk("contact", "1-1", "no-answer").out.splitlines()[0] == told


def test_a_refusal_is_in_the_words_of_the_command_line_and_changes_nothing(desk: Cli) -> None:
    desk("claim", "1-1", "--as", "zhang")
    screen = sit()
    told = press(screen, "k", "c")
    assert screen.is_error
    assert f"incidents: {told}\n" == desk("claim", "1-1").err
    assert selected(screen) == "1-1"


def test_what_was_due_is_told_behind_what_was_done(desk: Cli, clock: FrozenDateTimeFactory) -> None:
    clock.tick(timedelta(minutes=61))
    screen = sit()
    told = press(screen, "2")
    assert told.startswith("1-1: nobody answered")
    assert "meanwhile: 1-1: nobody was reached by" in told
    assert "5555" not in told


def test_of_what_a_colleague_has_claimed_is_asked_first_and_only_they_release_it(desk: Cli) -> None:
    desk("claim", "1-1", "--as", "zhang")
    screen = sit()
    press(screen, "k")
    assert press(screen, "u").startswith("u does not apply to 1-1; use: 1 reached")
    assert "u release" not in seen(screen)
    assert press(screen, "2") == "zhang has claimed 1-1. Record no answer on 1-1 anyway?"
    assert press(screen, "n") == "not done"
    assert "zhang has claimed 1-1. Did you speak to the responsible person" in press(screen, "1")
    assert press(screen, "y").startswith("1-1: reached the responsible person")
    assert outcomes(desk, "1-1") == ["reached"]


def test_it_begins_at_what_nobody_else_is_at_work_on(desk: Cli) -> None:
    desk("claim", "1-1", "--as", "zhang")
    assert selected(sit()) == "2-1"


def test_what_closes_a_site_is_on_no_key_and_its_command_is_shown(desk: Cli) -> None:
    screen = sit()
    press(screen, "1", "y")
    assert "incidents refused 1-1" in press(screen, "t")
    press(screen, "enter")
    assert "type  incidents refused 1-1" in seen(screen)
    for key in "12345abdefhiklmopstvwxzABCDEFHIJKLMNOPRSTUVWXYZ67890!":
        press(screen, key)
    assert desk("site", "show", "a.example", "--json").json["state"] == "active"
    assert desk("show", "1-1", "--json").json["state"] == "notified"


@pytest.mark.parametrize("key", ["r", "d"])
def test_a_key_that_is_no_act_on_the_item_says_which_are(desk: Cli, key: str) -> None:
    told = press(sit(), key)
    assert told.startswith(f"{key} does not apply to 1-1; use: 1 reached, 2 no answer")


def test_decisions_of_a_supervisor_are_typed(closed: Cli) -> None:
    closed("void", "1-1", "--reason", "double")
    screen = sit()
    choose(screen, "1-disputed")
    assert press(screen, "d") == "d does not apply to 1-disputed; use: c claim"
    assert "incidents site uphold a.example --reason R" in press(screen, "t")


def test_the_number_is_shown_of_one_item_until_another_is_selected(desk: Cli) -> None:
    desk("log", "a.example", "--again")
    screen = sit()
    assert "5555 0100" not in seen(screen)
    press(screen, "n")
    assert seen(screen).count("+86 10 5555 0100") == 2
    assert seen(screen).count("+86 10 •••• ••00") == 1
    screen.look()
    assert "+86 10 5555 0100" in seen(screen)
    press(screen, "enter")
    assert "Phone Wang Wu, +86 10 5555 0100." in seen(screen)
    press(screen, "enter", "j")
    assert "5555 0100" not in seen(screen)
    press(screen, "k")
    assert "5555 0100" not in seen(screen)
    press(screen, "n", "n")
    assert "5555 0100" not in seen(screen)


def test_a_number_that_is_not_on_file_is_told(desk: Cli) -> None:
    screen = sit()
    choose(screen, "2-1")
    assert (
        press(screen, "n")
        == "no number on file. To add one, run: incidents site edit b.example --phone P"
    )


def test_with_reveal_all_are_shown(desk: Cli) -> None:
    assert "+86 10 5555 0100" in seen(sit(reveal=True))


def test_the_selection_stays_on_its_item_when_the_list_changes(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    screen = sit()
    choose(screen, "2-1")
    desk("contact", "1-1", "reached")
    screen.look()
    assert (selected(screen), screen.selection.index) == ("2-1", 0)
    desk("site", "add", "c.example")
    desk("log", "c.example")
    press(screen, "1", "y")
    assert (selected(screen), screen.selection.index) == ("2-1", 2)


def test_a_key_hits_no_neighbour_of_an_item_that_has_left(desk: Cli, sent: list[Envelope]) -> None:
    screen = sit()
    press(screen, "n", "enter", "1")
    desk("removed", "1-1")
    del sent[:]
    screen.look()
    assert screen.message == "1-1 has left the queue: select another with j or k"
    assert screen.mode == LIST
    assert "5555" not in seen(screen)
    for key in ("y", "2", "r", "d", "c", "u", "n", "t", "enter"):
        press(screen, key)
    assert sent == []
    assert press(screen, "2") == "no item selected: select one with j or k"
    press(screen, "j", "2")
    assert outcomes(desk, "2-1") == ["no-answer"]


def test_an_item_that_leaves_for_one_s_own_act_does_not_hide_the_answer(desk: Cli) -> None:
    screen = sit()
    press(screen, "1", "y", "enter")
    assert press(screen, "r") == "1-1: content removed"
    assert (selected(screen), screen.mode) == (None, LIST)


def test_the_opened_item_is_told_in_full_and_closed_again(desk: Cli) -> None:
    screen = sit()
    press(screen, "space")
    assert screen.mode == ITEM
    for told in ("Say: “Your site a.example shows", "https://a.example/x", "5   left message"):
        assert told in seen(screen)
    press(screen, "escape")
    assert screen.mode == LIST
    press(screen, "enter", "2")
    assert screen.mode == ITEM
    assert "attempts: 1" in seen(screen)


def test_help_names_every_key_and_any_key_ends_it(desk: Cli, sent: list[Envelope]) -> None:
    screen = sit()
    press(screen, "?")
    told = seen(screen)
    for key in queue_keys.ACTIONS | set("jkgGntaq"):
        assert any(key in line[:6].split() for line in told.splitlines()), key
    press(screen, "2")
    assert (screen.mode, sent) == (LIST, [])


def test_pasted_text_and_unknown_keys_do_nothing(desk: Cli, sent: list[Envelope]) -> None:
    screen = sit()
    assert press(screen, "pasted") == "pasted text is ignored"
    assert press(screen, "x") == "unknown key: ? lists the keys"
    assert press(screen, "unknown") == "unknown key: ? lists the keys"
    assert sent == []


def fails(*_: Any, **__: Any) -> Any:
    raise DatabaseError(detail="the database is gone")


def test_a_database_that_fails_is_told_and_the_list_stays(
    desk: Cli, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = sit()
    clock.tick(timedelta(seconds=5))
    with monkeypatch.context() as broken:
        broken.setattr(screen, "_fetch", fails)
        screen.look()
        told = seen(screen)
        assert "This queue is from 2026-03-02 12:00: the database is gone" in told
        assert "a.example" in told
        press(screen, "j")
        assert selected(screen) == "2-1"
    screen.look()
    assert "the database is gone" not in seen(screen)


def test_a_number_that_cannot_be_asked_for_stays_masked(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = sit()
    monkeypatch.setattr(screen, "_ask_for", fails)
    assert press(screen, "n") == "the database is gone"
    assert screen.is_error
    assert "5555" not in seen(screen)


def after(act: Callable[..., Any]) -> Callable[..., Any]:
    """The database does its part, and is lost before it answers."""

    def lost(*given: Any, **how: Any) -> Any:
        act(*given, **how)
        fails()

    return lost


def test_an_act_of_which_nobody_knows_whether_it_was_done_is_sent_again_and_done_once(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = sit()
    with monkeypatch.context() as broken:
        broken.setattr(Desk, "submit", after(Desk.submit))
        told = press(screen, "2")
    assert told.startswith("Not confirmed: no answer on 1-1. Press a to send it again")
    assert told.endswith("the database is gone")
    press(screen, "j", "2")
    assert press(screen, "a") == "1-1: nobody answered; does not stop the clock"
    assert outcomes(desk, "1-1") == ["no-answer"]
    assert press(screen, "a") == "no action to send again"


def test_an_act_that_the_database_did_not_take_is_done_when_it_is_sent_again(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = sit()
    with monkeypatch.context() as broken:
        broken.setattr(Desk, "submit", fails)
        press(screen, "2", "j", "3", "a")
    assert outcomes(desk, "1-1") == []
    press(screen, "a", "a")
    assert (outcomes(desk, "1-1"), outcomes(desk, "2-1")) == (["no-answer"], ["wrong-number"])


def test_q_and_a_terminal_that_is_gone_end_it(desk: Cli) -> None:
    for key in ("q", "Q", "hung-up"):
        screen = sit()
        press(screen, key)
        assert screen.is_over


def test_an_empty_queue_takes_every_key(cli: Cli) -> None:
    screen = sit()
    for key in ("j", "k", "g", "G", "page-up", "page-down", "enter", "n", "t", "1", "a", "?", "x"):
        press(screen, key)
    assert "Nothing to do." in seen(screen)
