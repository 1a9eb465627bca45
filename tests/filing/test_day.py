"""The days of a filing: real ones, and in their order."""

from datetime import date

import pytest

from incidents.filing.checks.typed_details import check_days, read_day

TODAY = date(2026, 3, 1)


def told(**days: str) -> list[tuple[str, str, str]]:
    filed = {"public_security_number": "京公网安备 11010502000001号", **days}
    return [(each.verdict, each.field, each.code) for each in check_days(filed, today=TODAY)]


@pytest.mark.parametrize(
    ("days", "wrong"),
    [
        ({"opened_on": "2026-01-01", "filed_on": "2026-01-01"}, []),
        ({"opened_on": "2026-01-02", "filed_on": "2026-01-01"}, ["filed_on"]),
        ({"filed_on": "2026-01-02", "approved_on": "2026-01-01"}, ["approved_on"]),
        ({"approved_on": "2026-01-02", "shown_on": "2026-01-01"}, ["shown_on"]),
        ({"approved_on": "2026-01-02", "shown_on": "2026-01-02"}, []),
        # What is not known between two days does not hide that they are in the wrong order.
        ({"opened_on": "2026-01-02", "shown_on": "2026-01-01"}, ["shown_on"]),
        (
            {"opened_on": "2026-01-03", "filed_on": "2026-01-02", "approved_on": "2026-01-01"},
            ["filed_on", "approved_on"],
        ),
    ],
)
def test_each_day_comes_no_earlier_than_the_one_before_it(
    days: dict[str, str], wrong: list[str]
) -> None:
    expected = [("wrong", field, "day_before") for field in wrong]
    assert told(**days) == (expected or [("ok", list(days)[-1], "days_in_order")])


@pytest.mark.parametrize("field", ["filed_on", "approved_on", "shown_on"])
def test_what_has_been_done_was_not_done_in_the_future(field: str) -> None:
    assert told(**{field: "2026-03-01"}) == []
    assert told(**{field: "2026-03-02"}) == [("wrong", field, "day_ahead")]


def test_an_approved_site_without_its_number_on_record_is_wrong() -> None:
    [found] = check_days({"approved_on": "2026-01-02"}, today=TODAY)
    assert (found.verdict, found.code) == ("wrong", "number_not_filed")


@pytest.mark.parametrize(("ended", "late"), [("2026-01-31", False), ("2026-02-01", True)])
def test_what_was_done_after_the_thirty_days_is_told(ended: str, late: bool) -> None:
    for begun, done in (("opened_on", "filed_on"), ("approved_on", "shown_on")):
        codes = {code for _, _, code in told(**{begun: "2026-01-01", done: ended})}
        assert ("day_late" in codes) is late


def test_a_site_may_be_going_to_open() -> None:
    assert told(opened_on="2027-01-01") == []


@pytest.mark.parametrize(
    "text",
    ["", "2026-02-30", "2026-2-3", "20260203", "2026-W05-1", "２０２６-０１-０１", "0000-01-01"],
)
def test_what_is_no_day_is_wrong(text: str) -> None:
    assert read_day(text) is None
    assert told(filed_on=text) == [("wrong", "filed_on", "day_unreadable")]
