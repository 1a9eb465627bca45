"""Entered twice (V.9 to V.13)."""

import pytest

from tests.machine.history import Act, History

URL = "http://a.example/x"


def test_a_url_that_an_open_incident_of_the_site_has_is_refused_as_a_double_entry() -> None:
    site = History().log(URL).log(URL)
    assert site.refused_with == "double_entry"
    assert site.states == ["open"]


@pytest.mark.parametrize(
    "before", [lambda site: site.log(URL).contact(1), lambda site: site.log(URL).after("2h")]
)
def test_so_is_one_that_a_notified_or_unreached_incident_has(before: Act) -> None:
    site = History()
    before(site)
    assert site.log(URL).refused_with == "double_entry"


def test_one_of_several_urls_is_enough() -> None:
    site = History().log("http://a.example/1", URL)
    assert site.log("http://a.example/2", URL).refused_with == "double_entry"
    assert URL in site.answer


def test_the_refusal_names_the_incident_and_both_alternatives() -> None:
    site = History().log(URL).log(URL)
    assert "12-1" in site.answer
    assert "if this is another violation, log a separate incident" in site.answer
    assert "is still there after a call" in site.answer


def test_it_is_logged_if_it_is_said_to_be_another_one() -> None:
    site = History().log(URL).log(URL, again=True)
    assert site.refused_with is None
    assert site.states == ["open", "open"]


@pytest.mark.parametrize(
    "settle",
    [
        lambda site: site.removed(1),
        lambda site: site.void(1),
        lambda site: site.contact(1).refused(1),
    ],
)
def test_an_incident_that_is_settled_stands_in_nobodys_way(settle: Act) -> None:
    site = History().log(URL)
    settle(site)
    assert site.log(URL).refused_with is None


def test_an_incident_without_a_url_is_never_a_double_entry() -> None:
    site = History().log().log().log(URL)
    assert site.refused_with is None


def test_a_moot_incident_stands_in_nobodys_way() -> None:
    site = History().false_info().log(URL).log(URL)
    assert site.states == ["moot", "moot"]


def test_an_incident_that_is_settled_hides_none_that_is_open() -> None:
    site = History().log(URL).removed(1).log(URL).log(URL)
    assert site.refused_with == "double_entry"
    assert site.states == ["removed", "open"]


@pytest.mark.parametrize(
    ("before", "first"),
    [
        (lambda site: site.log(URL).contact(1).removed(1).log(URL), 1),
        (lambda site: site.log(URL).contact(1).log(URL, again=True).after("2h").elapse(), 1),
        (lambda site: site.log(URL).log(URL, again=True).contact(2), 2),
    ],
    ids=["open", "unreached", "open before it"],
)
def test_content_that_is_on_record_as_one_still_to_tell_does_not_recur(
    before: Act, first: int
) -> None:
    site = History()
    before(site)
    assert (site.recur(first).refused_with, site.state == "closed") == ("double_entry", False)
    assert site.recur(first, again=True).state == "closed"


def test_of_two_that_nobody_could_be_told_of_the_later_one_recurs() -> None:
    site = History().log(URL).log(URL, again=True).after("14h").elapse()
    assert site.recur(1).refused_with == "double_entry"
    assert site.recur(2).refused_with is None
