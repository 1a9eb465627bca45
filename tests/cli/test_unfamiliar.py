"""The unfamiliar: what is free is taken as it is, and what may be mistyped is told beside it."""

import pytest

from tests.cli.conftest import Cli

FALSE = ("site", "false-info", "shop.example", "--evidence", "e", "--confirm", "shop.example")


@pytest.fixture
def desk(cli: Cli) -> Cli:
    cli("site", "add", "shop.example")
    assert cli("log", "shop.example", "--category", "gambling").err == ""
    return cli


def test_a_category_that_is_new_here_is_taken_and_told_with_those_in_use(desk: Cli) -> None:
    answer = desk("log", "shop.example", "--category", "gambeling")
    assert answer.status == 0
    assert "the category 'gambeling' is new here; in use are gambling" in answer.err
    assert "gambeling" not in answer.out
    assert desk("show", "1-2", "--json").json["category"] == "gambeling"


def test_a_category_that_is_in_use_is_told_nothing_of(desk: Cli) -> None:
    assert desk("log", "shop.example", "--category", "gambling").err == ""
    assert desk("log", "shop.example").err == ""


def test_a_program_is_told_nothing_of_what_is_unfamiliar(desk: Cli) -> None:
    answer = desk("log", "shop.example", "--category", "gambeling", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert desk(*FALSE, "--field", "fone", "--json").err == ""


def test_a_field_that_the_register_does_not_keep_is_told_before_it_closes(desk: Cli) -> None:
    answer = desk(*FALSE[:-1], "other.example", "--field", "fone")
    assert answer.status == 4
    assert "the field 'fone' goes on record as it is" in answer.err
    assert "phone, email and person" in answer.err
    assert "goes on record" not in desk(*FALSE, "--field", "phone").err


@pytest.mark.parametrize("field", ["responsible_phone", "subject_number", "document.contract"])
def test_a_detail_of_a_filing_is_a_field_that_the_register_keeps(desk: Cli, field: str) -> None:
    assert "goes on record" not in desk(*FALSE, "--field", field).err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--phone", "none"), "too few digits"),
        (("--phone", "+86 10 5555 0100"), ""),
        (("--phone", "010-5555-0100 转 8"), ""),
        (("--email", "li at shop.example"), "none that can be written to"),
        (("--email", "li@shop.example"), ""),
    ],
)
def test_whom_to_call_is_kept_as_given_and_told_if_it_reaches_nobody(
    desk: Cli, given: tuple[str, str], told: str
) -> None:
    for act in (("edit", "shop.example"), ("add", "news.example")):
        answer = desk("site", *act, *given)
        assert answer.status == 0
        assert (told in answer.err) if told else answer.err == ""
