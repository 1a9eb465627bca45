"""What has to do with an incident comes after it, and a refusal comes after the telling."""

from tests.machine.history import History


def test_nothing_is_removed_before_it_was_there() -> None:
    site = History().log().removed(1, at="09:59")
    assert (site.refused_with, site.states) == ("before_incident", ["open"])


def test_nothing_is_found_again_before_it_was_found() -> None:
    site = History().log().contact(1).after("1h").recur(1, at="09:59")
    assert (site.refused_with, site.states) == ("before_incident", ["notified"])


def test_nobody_refuses_before_being_told() -> None:
    """A closure must not rest on a refusal that is dated before the call."""
    site = History().log().after("10m").contact(1).after("10m").refused(1, at="10:05")
    assert (site.refused_with, site.state) == ("before_told", "active")


def test_a_refusal_at_the_moment_of_the_telling_is_one() -> None:
    site = History().log().after("10m").contact(1).after("10m").refused(1, at="10:10")
    assert (site.state, site.rule) == ("closed", "refusal")
