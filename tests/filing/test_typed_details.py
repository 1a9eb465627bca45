"""Typed details: days that are real and in order, and the classification of a site."""

from datetime import date

import pytest

from incidents.filing.typed_details import CHOICES, check_choices, check_days, read_day

ICP, LICENCE = "京ICP备12345678号-1", "京ICP证150476号"


def codes(**details: str) -> list[tuple[str, str]]:
    return [(each.verdict, each.code) for each in check_choices(details)]


@pytest.mark.parametrize(
    ("details", "verdicts"),
    [
        (
            {"nature": "commercial", "icp_licence": LICENCE, "icp_number": ICP},
            [("ok", "nature_ok")],
        ),
        ({"nature": "non_commercial", "icp_number": ICP}, [("ok", "nature_ok")]),
        (
            {"nature": "commercial", "icp_number": ICP},
            [("wrong", "commercial_without_licence")],
        ),
        (
            {"nature": "non_commercial", "icp_licence": LICENCE, "icp_number": ICP},
            [("suspect", "licence_without_commerce")],
        ),
        (
            {"nature": "commercial", "icp_licence": LICENCE},
            [("ok", "nature_ok"), ("wrong", "licence_without_filing")],
        ),
        ({"icp_licence": LICENCE}, [("wrong", "licence_without_filing")]),
        ({"icp_licence": LICENCE, "icp_number": ICP}, []),
        ({}, []),
    ],
)
def test_a_commercial_site_has_a_licence_and_a_licensed_site_a_filing(
    details: dict[str, str], verdicts: list[tuple[str, str]]
) -> None:
    assert codes(**details) == verdicts


@pytest.mark.parametrize(
    ("details", "is_wrong"),
    [
        ({"hosting": "managed", "nature": "commercial"}, True),
        ({"hosting": "managed", "icp_licence": LICENCE}, True),
        ({"hosting": "managed", "nature": "non_commercial"}, False),
        ({"hosting": "managed"}, False),
        ({"hosting": "virtual_host", "nature": "commercial", "icp_licence": LICENCE}, False),
    ],
)
def test_managed_hosting_cannot_be_commercial(details: dict[str, str], is_wrong: bool) -> None:
    assert (("wrong", "managed_commercial") in codes(**details)) is is_wrong


@pytest.mark.parametrize("service", CHOICES["service_type"])
@pytest.mark.parametrize("level", ["2", "3"])
@pytest.mark.parametrize("reason", [None, "the office asked for it"])
def test_a_forum_a_microblog_and_a_blog_are_of_level_2_and_all_others_of_3(
    service: str, level: str, reason: str | None
) -> None:
    details = {"service_type": service, "level": level}
    if reason is not None:
        details["level_reason"] = reason
    expected = "2" if service in {"forum", "microblog", "blog"} else "3"
    if level == expected:
        assert codes(**details) == [("ok", "level_ok")]
    elif reason is None:
        assert codes(**details) == [("wrong", "level_differs")]
    else:
        assert codes(**details) == [("ok", "level_with_reason")]
        # It is somebody's free text.
        assert reason not in check_choices(details)[0].facts.values()


@pytest.mark.parametrize("field", CHOICES)
def test_what_is_none_of_the_choices_is_wrong_and_nothing_more_is_said_of_it(field: str) -> None:
    (found,) = check_choices({field: "purple", "level_reason": "x"})
    assert (found.verdict, found.field, found.code) == ("wrong", field, "choice_unknown")
    assert found.facts == {"choices": ", ".join(CHOICES[field])}


TODAY = date(2026, 3, 1)


def day_findings(**days: str) -> list[tuple[str, str, str]]:
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
    assert day_findings(**days) == (expected or [("ok", list(days)[-1], "days_in_order")])


@pytest.mark.parametrize("field", ["filed_on", "approved_on", "shown_on"])
def test_what_has_been_done_was_not_done_in_the_future(field: str) -> None:
    assert day_findings(**{field: "2026-03-01"}) == []
    assert day_findings(**{field: "2026-03-02"}) == [("wrong", field, "day_ahead")]


def test_an_approved_site_without_its_number_on_record_is_wrong() -> None:
    [found] = check_days({"approved_on": "2026-01-02"}, today=TODAY)
    assert (found.verdict, found.code) == ("wrong", "number_not_filed")


@pytest.mark.parametrize(("ended", "late"), [("2026-01-31", False), ("2026-02-01", True)])
def test_what_was_done_after_the_thirty_days_is_told(ended: str, late: bool) -> None:
    for begun, done in (("opened_on", "filed_on"), ("approved_on", "shown_on")):
        codes = {code for _, _, code in day_findings(**{begun: "2026-01-01", done: ended})}
        assert ("day_late" in codes) is late


def test_a_site_may_be_going_to_open() -> None:
    assert day_findings(opened_on="2027-01-01") == []


@pytest.mark.parametrize(
    "text",
    ["", "2026-02-30", "2026-2-3", "20260203", "2026-W05-1", "２０２６-０１-０１", "0000-01-01"],
)
def test_what_is_no_day_is_wrong(text: str) -> None:
    assert read_day(text) is None
    assert day_findings(filed_on=text) == [("wrong", "filed_on", "day_unreadable")]
