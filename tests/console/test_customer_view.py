"""The customer's view: how an incident is then, nobody's details, and what a remark may say."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote_plus, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.console.customer import customer_view
from incidents.console.customer.customer_view import CustomerView, TooLongError, UnreadableError
from incidents.desk.text import MAX_WORDS, refused_text
from incidents.machine import commands as c
from incidents.machine.commands import SayRemoved
from tests.views.day import Day, utc
from tests.views.day import day as beginning


@pytest.fixture
def day(db_url: str) -> Iterator[Day]:
    """A desk with one site, whose person is on file."""
    with beginning(db_url) as begun:
        yield begun.add(person="张三", email="zhang@shop.example", phone="+86 10 5555 0101")


def _seen(day: Day, n: int = 1) -> CustomerView:
    with day.reading() as connection:
        found = customer_view.of(connection, (1, n))
    assert found is not None
    return found


def test_it_has_what_a_notice_would_tell_but_nobodys_details(day: Day) -> None:
    day.log(urls=("https://shop.example/a",), category="gambling")
    seen = _seen(day)
    assert (seen.reference, seen.site, seen.state) == ("1-1", "shop.example", "open")
    assert (seen.contact_due, seen.said_at, seen.until) == (utc("11:00"), None, None)
    assert seen.findings[0].urls == ("https://shop.example/a",)
    assert (seen.person, seen.email, seen.phone, seen.link) == (None, None, None, None)


def test_it_says_when_the_customer_has_stated_it(day: Day) -> None:
    day.log().after("5m").do(c.SayRemoved(incident=1))
    assert _seen(day).said_at == utc("10:05")
    assert not _seen(day).is_settled


def test_it_has_the_notes_to_the_customer_and_none_for_the_desk(day: Day) -> None:
    day.log().log()
    for incident, audience, text in (
        (1, "customer", "Please delete it."), (1, "desk", "they shouted"),
        (2, "customer", "Of another one."), (1, "customer", "By noon, please."),
    ):  # fmt: skip
        note = c.AddNote(by="li", incident=incident, audience=audience, text=text)
        day.after("1m").do(note)
    assert [message.text for message in _seen(day).messages] == [
        "By noon, please.", "Please delete it.",
    ]  # fmt: skip
    assert _seen(day).messages[0].at == utc("10:04")
    with day.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sealed WHERE value LIKE 'By%%'")
    assert [message.text for message in _seen(day).messages] == ["Please delete it."]


def test_it_says_when_a_suspended_site_is_to_be_opened_again(day: Day) -> None:
    day.miss()
    assert (_seen(day).site_state, _seen(day).until) == ("suspended", utc("23:00:01"))
    day.after("12h1s").elapse()
    assert (_seen(day).site_state, _seen(day).until) == ("active", None)


def test_a_site_that_is_held_is_opened_by_no_timer(day: Day) -> None:
    day.miss().do(c.SetHold(by="li", reason="ordered"))
    assert (_seen(day).site_state, _seen(day).until) == ("suspended", None)


def test_of_an_earlier_suspension_nothing_is_told_while_another_one_runs(day: Day) -> None:
    day.miss().after("36h").elapse().miss()
    assert _seen(day, 2).until == utc("03-03 12:00:02")


@pytest.mark.parametrize("incident", [(1, 2), (2, 1), (10**17, 1)])
def test_an_incident_that_is_not_there_has_none(incident: tuple[int, int], day: Day) -> None:
    day.log()
    with day.reading() as connection:
        assert customer_view.of(connection, incident) is None


def _form(text: str) -> bytes:
    return f"remark={quote_plus(text)}".encode()


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_whatever_is_typed_can_be_recorded(text: str) -> None:
    found = customer_view.read(_form(text))
    assert refused_text(SayRemoved(incident=1, note=found)) is None
    assert found is None or found == found.strip() != ""


@given(st.binary(max_size=200))
def test_whatever_is_sent_is_a_remark_or_unreadable(body: bytes) -> None:
    try:
        found = customer_view.read(body)
    except UnreadableError:
        return
    assert unquote_plus(body.partition(b"=")[0].decode()) == "remark"
    assert found is None or found


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", None), (" \r\n\t", None), ("gone", "gone"), (" 已删除 \r\n", "已删除"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"), ("a\tb", "a\tb"), ("a\0b\x1bc\x85d\u2028e", "a b c d e"),
        ("a+b=c&d", "a+b=c&d"),
    ],
)  # fmt: skip
def test_line_ends_are_one_kind_and_controls_are_spaces(typed: str, kept: str | None) -> None:
    assert customer_view.read(_form(typed)) == kept


def test_the_longest_remark_is_the_longest_that_the_desk_takes() -> None:
    assert customer_view.MAX_CHARACTERS == MAX_WORDS
    longest = "字" * MAX_WORDS
    assert customer_view.read(_form(f" {longest}\r\n")) == longest
    with pytest.raises(TooLongError) as refused:
        customer_view.read(_form(longest + "s"))
    assert refused.value.remark == longest + "s"
