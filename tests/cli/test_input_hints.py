"""Input hints: what is free is taken as it is, and what may be mistyped is told beside it."""

import pytest

from tests.cli.conftest import Cli

FALSE = ("site", "false-info", "shop.example", "--evidence", "e", "--confirm", "shop.example")


@pytest.fixture
def desk(cli: Cli) -> Cli:
    cli("site", "add", "shop.example")
    assert "category" not in cli("log", "shop.example", "--category", "gambling").err
    return cli


def test_a_category_that_is_new_here_is_taken_and_told_with_those_in_use(desk: Cli) -> None:
    answer = desk("log", "shop.example", "--category", "gambeling")
    assert answer.status == 0
    assert "the category 'gambeling' is new; in use: gambling" in answer.err
    assert "gambeling" not in answer.out
    assert desk("show", "1-2", "--json").json["category"] == "gambeling"


def test_a_category_that_is_in_use_is_told_nothing_of(desk: Cli) -> None:
    assert "category" not in desk("log", "shop.example", "--category", "gambling").err
    assert "category" not in desk("log", "shop.example", "--confirm", "shop.example").err


def test_a_program_is_told_nothing_of_what_is_unfamiliar(desk: Cli) -> None:
    answer = desk("log", "shop.example", "--category", "gambeling", "--json")
    assert (answer.status, answer.err) == (0, "")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("fone", ". Did you mean phone?"),
        ("responsible_fone", ". Did you mean responsible_phone or"),
        ("手机号码", ". Did you mean responsible_phone?"),
        (
            "horoscope",
            "; use phone, email, person, or a detail of the filing\nnext: incidents filing fields",
        ),
    ],
)
def test_a_detail_that_no_site_has_is_refused_as_false_before_it_is_confirmed(
    desk: Cli, given: str, told: str
) -> None:
    # Confirmed for another site: what is refused first is the detail.
    answer = desk(*FALSE[:-1], "other.example", "--field", given)
    assert answer.status == 3
    assert f"no filed detail named {given!r}{told}" in answer.err
    assert desk("site", "show", "shop.example", "--json").json["state"] == "active"


@pytest.mark.parametrize("field", ["phone", "responsible_phone", "document.contract"])
def test_a_detail_of_the_register_or_of_the_filing_may_be_stated_as_false(
    desk: Cli, field: str
) -> None:
    assert desk(*FALSE, "--field", field).status == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--phone", "none"), "too few digits"),
        (("--phone", "010-5555-010O"), "a letter among its digits"),
        (("--phone", "+86 10 5555 0100"), ""),
        (("--phone", "010-5555-0100x8"), ""),
        (("--phone", "010-5555-0100 ext8"), ""),
        (("--phone", "010-5555-0100 转 8"), ""),
        (("--email", "li at shop.example"), "this email address is not valid"),
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
        edit = f"next: incidents site edit {act[1]} {given[0]} "
        assert (edit in answer.out) == bool(told)


def test_an_outcome_that_is_none_is_named_once_with_those_there_are(desk: Cli) -> None:
    desk("log", "shop.example", "--category", "gambling")
    answer = desk("contact", "1-1", "busy")
    assert answer.status == 2
    assert answer.err.splitlines()[-1] == (
        "Error: Invalid value for OUTCOME: there is no outcome 'busy'."
        " Use one of: reached, no-answer, wrong-number, bounced, left-message"
    )


def test_remarks_come_before_one_block_of_next_steps(desk: Cli) -> None:
    desk("log", "shop.example", "--category", "gambling")
    answer = desk("log", "shop.example", "--category", "gamblin", "--url", "https://shop.example/b")

    assert "gamblin" in answer.err
    assert "next: " not in answer.err
    steps = [line.startswith("next: ") for line in answer.out.splitlines()]
    assert steps == sorted(steps)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_known_category_is_logged_by_its_chinese_name_too(desk: Cli, lang: str) -> None:
    for name, code in (("赌博", "gambling"), ("诈骗", "fraud"), ("算命", "算命")):
        logged = desk(
            "log", "shop.example", "--category", name, "--again", "--json", "--lang", lang
        )
        assert logged.json["incident"]["category"] == code
    told = desk(
        "log", "shop.example", "--category", "占卜", "--lang", "zh", "--confirm", "shop.example"
    )
    assert "已用过的有：赌博" in told.err
    new = desk("log", "shop.example", "--category", "色情", "--lang", "zh")
    assert "类别“色情”此前没有用过" in new.err


def test_numbers_and_times_may_be_typed_in_full_width(desk: Cli) -> None:
    desk(
        "site",
        "edit",
        "shop.example",
        "--phone",
        "＋８６　１０　5555－0100",
        "--person",
        "张（三）",
    )
    site = desk("site", "show", "shop.example", "--json").json
    assert (site["phone"], site["person"]) == ("+86 10 5555-0100", "张（三）")
    called = desk(
        "contact", "１－１", "no-answer", "--at", "１２：００", "--note", "１：无人接听", "--json"
    )
    assert "１：无人接听" in desk("show", "1-1").out
    assert called.json["incident"]["contacts"][0]["occurred_at"] == "2026-03-02T04:00:00Z"
    assert desk("undo", "1－1－1", "--reason", "误记").status == 0
    assert desk("show", "1—1").out == desk("show", "1-1").out
    desk("filing", "set", "shop.example", "opened_on=２０２６－０１－０２")
    assert desk("filing", "show", "shop.example", "--json").json["details"]["opened_on"] == (
        "2026-01-02"
    )
