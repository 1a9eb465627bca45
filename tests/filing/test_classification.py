"""The classification of a site: nature and licence, level and service, hosting and commerce."""

import pytest

from incidents.filing.checks.typed_details import CHOICES, check_choices

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
