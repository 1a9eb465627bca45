"""What closes a site on somebody's word is confirmed; what is impossible is refused before."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

FALSE = ("site", "false-info", "shop.example", "--field", "phone", "--evidence", "it is a shop")


@pytest.fixture
def desk(desk: Cli) -> Cli:
    """A desk whose customer has been told."""
    desk("contact", "1-1", "reached")
    return desk


def _state(desk: Cli) -> str:
    state: str = desk("site", "show", "shop.example", "--json").json["state"]
    return state


@pytest.mark.parametrize("act", [FALSE, ("refused", "1-1")])
def test_without_a_terminal_and_without_the_name_nothing_is_closed(
    desk: Cli, act: tuple[str, ...]
) -> None:
    for confirm in ([], ["--confirm", "other.example"], ["--confirm", ""]):
        answer = desk(*act, *confirm)
        assert answer.status == 4
        assert "--confirm shop.example" in answer.err
        assert answer.out == ""
    assert _state(desk) == "active"


@pytest.mark.parametrize("act", [FALSE, ("refused", "1-1")])
def test_the_name_in_any_spelling_confirms(desk: Cli, act: tuple[str, ...]) -> None:
    assert desk(*act, "--confirm", "Shop.Example.").status == 0
    assert _state(desk) == "closed"


def test_on_a_terminal_the_name_is_asked_for(desk: Cli) -> None:
    wrong = desk("refused", "1-1", typed="yes\n")
    assert wrong.status == 4
    assert "no after-sales service, no refund" in wrong.err
    assert _state(desk) == "active"
    assert desk("refused", "1-1", typed="shop.example\n").status == 0
    assert _state(desk) == "closed"


def test_whoever_breaks_the_question_off_is_told_that_nothing_is_done(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("tests.cli.conftest._Terminal.readline", broken_off, raising=False)
    answer = desk("refused", "1-1", typed="")
    assert answer.status == 130
    assert "to confirm: \nNot confirmed: nothing was done.\n" in answer.err
    assert _state(desk) == "active"


def test_an_end_of_file_is_no_confirmation(desk: Cli) -> None:
    assert desk("refused", "1-1", typed="").status == 4


def test_what_is_impossible_is_refused_before_anything_is_asked(desk: Cli) -> None:
    desk("log", "shop.example")
    answer = desk("refused", "1-2", typed="shop.example\n")
    assert answer.status == 3
    assert "Type the site's name" not in answer.err
    assert desk("refused", "1-2").status == 3
    assert desk("refused", "9-9", "--confirm", "shop.example").status == 3


def test_a_dry_run_needs_no_confirmation(desk: Cli) -> None:
    answer = desk(*FALSE, "--dry-run")
    assert answer.status == 0
    assert "dry run: shop.example closed (R4, false information)" in answer.out
    assert _state(desk) == "active"


def test_programs_read_that_it_was_not_confirmed(desk: Cli) -> None:
    answer = desk("refused", "1-1", "--json")
    assert answer.status == 4
    assert '"name": "not_confirmed"' in answer.err


def test_what_is_confirmed_is_what_was_looked_at(
    desk: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two people close: while the second types the name, the first asks for something else."""
    (tmp_path / "two.toml").write_text("[closure]\ntwo_people = true\n", encoding="utf-8")
    desk("policy", "activate", str(tmp_path / "two.toml"), "--reason", "two")
    assert desk("refused", "1-1", "--as", "ann").status == 0

    def meanwhile(*_: object) -> None:
        assert desk("site", "decline-closure", "shop.example", "--as", "ann").status == 0
        assert desk(*FALSE, "--as", "ann").status == 0

    with monkeypatch.context() as patched:
        patched.setattr("incidents.cli.submission._confirm", meanwhile)
        late = desk("site", "confirm-closure", "shop.example", "--as", "bob")
    assert (late.status, "view the site again" in late.err) == (3, True), late.err
    assert _state(desk) == "active"
    again = desk("site", "confirm-closure", "shop.example", "--as", "bob", typed="shop.example\n")
    assert again.status == 0, again.err
    assert _state(desk) == "closed"


def test_of_a_refusal_that_two_people_have_stated_both_are_named(desk: Cli, tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text("[closure]\ntwo_people = true\n", encoding="utf-8")
    desk("policy", "activate", str(tmp_path / "two.toml"), "--reason", "two")
    assert desk("refused", "1-1", "--as", "ann").status == 0
    confirmed = ("--confirm", "shop.example", "--as", "bob")
    done = desk("site", "confirm-closure", "shop.example", *confirmed)
    assert (
        "1-1: the customer was told about the content and refuses to delete it: stated by ann,"
        " confirmed by bob" in (done.out)
    )


# The violation that closes the site (R1).

LOG = ("log", "shop.example")


@pytest.fixture
def third(desk: Cli) -> Cli:
    """A desk at which the next violation closes the site."""
    assert "2 of 3 in 24 h: another violation by " in desk(*LOG).err
    return desk


@pytest.mark.parametrize("line", [LOG, (*LOG, "--again"), (*LOG, "--key", "k"), ("recur", "1-1")])
def test_on_a_terminal_the_violation_that_closes_the_site_asks_for_its_name(
    third: Cli, line: tuple[str, ...]
) -> None:
    wrong = third(*line, typed="yes\n", asked=True)
    assert (wrong.status, wrong.out) == (4, "")
    assert "This is violation 3 of 3 in 24 h.\nThis closes shop.example: no after" in wrong.err
    assert _state(third) == "active"
    done = third(*line, typed="shop.example\n", asked=True)
    assert done.status == 0, done.err
    assert _state(third) == "closed"


def test_the_name_on_the_line_answers_and_a_wrong_one_closes_nothing(third: Cli) -> None:
    for typed in (None, "shop.example\n"):
        wrong = third(*LOG, "--confirm", "shop.exmaple", typed=typed)
        assert wrong.status == 4
        assert "write --confirm shop.example" in wrong.err
    assert third(*LOG, "--confirm", "shop.example").status == 0
    assert _state(third) == "closed"


@pytest.mark.parametrize("typed", [None, ""])
def test_a_violation_through_a_pipe_or_only_tried_acts_and_asks_nothing(
    third: Cli, typed: str | None
) -> None:
    tried = third(*LOG, "--dry-run", typed="", asked=True)
    assert (tried.status, "Type the site's name" in tried.err) == (0, False)
    done = third(*LOG, typed=typed)
    assert (done.status, "Type the site's name" in done.err) == (0, False)
    assert _state(third) == "closed"


def test_what_closes_nothing_is_counted_and_not_asked_about(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    first = cli(*LOG, typed="", asked=True)
    assert (first.status, first.err) == (0, "violation 1 of 3 in 24 h\n")
    # The same line, typed twice by mistake, is no violation that anybody could confirm.
    again = cli(*LOG, typed="", asked=True)
    assert (again.status, "not logged again" in again.err) == (0, True)


OTHER = (*LOG, "--url", "http://shop.exmaple/x")


def test_an_address_of_another_host_is_asked_about_on_a_terminal_and_else_remarked(
    desk: Cli,
) -> None:
    wrong = desk(*OTHER, typed="shop.exmaple\n", asked=True)
    assert wrong.status == 4
    assert "The address is on shop.exmaple, not on shop.example.\nType shop.ex" in wrong.err
    assert desk(*OTHER, "--confirm", "x.example").status == 4
    assert len(desk("site", "show", "shop.example", "--json").json["incidents"]) == 1
    meant = desk(*OTHER, typed="shop.example\n", asked=True)
    assert (meant.status, "the URL is on shop.exmaple, not" in meant.err) == (0, True)
    twice = desk(*OTHER, typed="", asked=True)
    assert (twice.status, "not logged again" in twice.err) == (0, True)
    piped = desk(*OTHER, "--again")
    assert (piped.status, "the URL is on shop.exmaple, not" in piped.err) == (0, True)
    assert _state(desk) == "closed"


def test_of_another_host_and_closing_the_site_it_is_one_question(third: Cli) -> None:
    asked = third(*OTHER, typed="shop.example\n", asked=True)
    assert asked.status == 0, asked.err
    assert asked.err.count("Type") == 1
    assert "not on shop.example.\nThis is violation 3 of 3 in 24 h.\nThis closes" in asked.err


def test_nothing_is_asked_about_a_site_that_is_not_there(desk: Cli) -> None:
    answer = desk("log", "shpo.example", "--url", "http://x.example/", typed="", asked=True)
    assert (answer.status, "Type" in answer.err) == (3, False)
