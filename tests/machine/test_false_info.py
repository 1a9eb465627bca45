"""R4: the filed details are false."""

from incidents.machine import commands as c
from incidents.machine import events as e
from tests.machine.history import History


def test_an_operator_records_which_field_is_false_and_how_that_was_established() -> None:
    site = History()
    site.do(c.StateFalse(by="ann", field="email", evidence="the domain takes no mail"))
    closed = site.last(e.SiteClosed)
    assert (closed.field, closed.evidence) == ("email", "the domain takes no mail")
    assert closed.by == "ann"


def test_the_site_is_closed_at_once() -> None:
    site = History().false_info()
    assert (site.state, site.rule) == ("closed", "false_info")
    assert site.case.closed_at == site.clock
    assert site.ordered == ["close"]


def test_a_suspended_site_is_closed_too_and_its_suspension_ends() -> None:
    site = History().miss().false_info()
    assert site.state == "closed"
    assert not site.suspension(1).running
    assert site.after("24h").elapse().happened == []


def test_no_incident_is_needed_and_none_is_touched() -> None:
    site = History().log().false_info()
    assert site.states == ["open"]
    assert site.reason().incidents == ()


def test_no_machine_guess_closes_a_site() -> None:
    site = History().log().contact(1, "wrong-number").contact(1, "bounced").after("2400h").elapse()
    assert site.rule == "unreachable", "a number and a mail address that do not work state nothing"


def test_what_is_learnt_later_of_incidents_leaves_it_undisputed() -> None:
    site = History().log().contact(1).false_info().void(1)
    assert not site.disputed
    assert site.uphold().refused_with == "not_disputed"


def test_it_is_stated_once() -> None:
    site = History().false_info().false_info()
    assert site.refused_with == "site_closed"
