"""The saved pages: feet as they are seen in the wild, each with all that is said of it."""

from pathlib import Path

import pytest

from incidents.filing.finding import finding_sentence
from incidents.filing.footer import check, content
from incidents.filing.footer.check import Expected

PAGES = Path(__file__).parent / "pages"

PEKING = Expected.of(
    {
        "public_security_number": "京公网安备 11010502000001号",
        "icp_number": "京ICP备12345678号-1",
    }
)
GUANGDONG = Expected.of(
    {
        "public_security_number": "粤公网安备 44030502000001号",
        "icp_number": "粤ICP备12345678号-3",
    }
)
SHOWN, NEW = "ok public_security_shown", "ok link_new"
ICON, NO_ICON = "ok icon_shown", "wrong icon_missing"
ICP = ("ok icp_shown", "ok icp_link_right")
RIGHT = (SHOWN, ICON, NEW, *ICP)
INVISIBLE = ("wrong public_security_unseen", NO_ICON, "wrong link_missing", *ICP)
NOTHING = (
    "wrong public_security_missing", NO_ICON, "wrong link_missing", "wrong icp_missing",
    "wrong icp_link_missing",
)  # fmt: skip

TOLD: dict[str, tuple[str, ...]] = {
    "at_the_top.html": (
        "suspect public_security_not_at_foot",
        ICON,
        NEW,
        "suspect icp_not_at_foot",
        "ok icp_link_right",
    ),
    "built_by_script.html": ("unknown page_bare",),
    "empty.html": NOTHING,
    "encoded_hash.html": (SHOWN, ICON, "wrong link_encoded", *ICP),
    "gb18030_unnamed.html": RIGHT,
    "guangdong.html": RIGHT,
    "guangdong_with_suffix.html": (SHOWN, ICON, NEW, "wrong icp_suffix", "ok icp_link_right"),
    "hidden.html": INVISIBLE,
    "hot_linked_icon.html": RIGHT,
    "icp_in_image.html": (SHOWN, ICON, NEW, "wrong icp_in_image", "ok icp_link_right"),
    "icp_over_http.html": (SHOWN, ICON, NEW, "ok icp_shown", "suspect icp_link_http"),
    "in_comment_only.html": INVISIBLE,
    "in_script_only.html": ("unknown public_security_in_script", *ICP),
    "in_title_only.html": INVISIBLE,
    "link_of_another_site.html": (SHOWN, ICON, "wrong link_other", *ICP),
    "link_to_home_page.html": (
        SHOWN,
        ICON,
        "wrong link_elsewhere",
        "ok icp_shown",
        "wrong icp_link_elsewhere",
    ),
    "link_without_number.html": (SHOWN, ICON, "wrong link_without_code", *ICP),
    "linked_image_only.html": ("wrong public_security_in_image", ICON, NEW, *ICP),
    "look_alike_host.html": (
        SHOWN,
        ICON,
        "wrong link_look_alike",
        "ok icp_shown",
        "wrong icp_link_look_alike",
    ),
    "missing_icon.html": (SHOWN, NO_ICON, NEW, *ICP),
    "new_link.html": RIGHT,
    "no_links.html": (SHOWN, ICON, "wrong link_missing", "ok icp_shown", "wrong icp_link_missing"),
    "nothing.html": NOTHING,
    "number_in_image_only.html": ("wrong public_security_in_image", ICON, NEW, *ICP),
    "number_of_another_site.html": ("wrong public_security_other", ICON, "wrong link_other", *ICP),
    "old_cms_gb2312.html": (
        SHOWN,
        ICON,
        "ok link_old",
        "suspect link_http",
        "ok icp_shown",
        "suspect icp_link_gone",
    ),
    "old_link.html": (SHOWN, ICON, "ok link_old", *ICP),
    "old_link_over_http.html": (SHOWN, ICON, "ok link_old", "suspect link_http", *ICP),
    "other_icp.html": (SHOWN, ICON, NEW, "wrong icp_other", "ok icp_link_right"),
    "table.html": RIGHT,
    "template_number.html": (
        "wrong public_security_malformed",
        ICON,
        "wrong link_without_code",
        *ICP,
    ),
    "two_sites.html": (
        SHOWN,
        "suspect public_security_beside",
        ICON,
        NEW,
        "ok icp_shown",
        "suspect icp_beside",
        "ok icp_link_right",
    ),
    "unclosed.html": RIGHT,
    "upper_case.html": RIGHT,
    "user_before_host.html": (SHOWN, ICON, "wrong link_look_alike", *ICP),
    "utf16.html": RIGHT,
    "without_space.html": RIGHT,
    "without_suffix.html": (SHOWN, ICON, NEW, "wrong icp_no_suffix", "ok icp_link_right"),
    "wrong_area.html": (SHOWN, "wrong public_security_area", ICON, NEW, *ICP),
}


def verdicts(name: str, expected: Expected) -> tuple[str, ...]:
    """What is said of a saved page."""
    findings = check.check_footer(content.read((PAGES / name).read_bytes()), expected)
    assert all(finding_sentence(finding) for finding in findings)
    return tuple(f"{finding.verdict} {finding.code}" for finding in findings)


def test_every_saved_page_is_in_the_table() -> None:
    assert {file.name for file in PAGES.iterdir()} == set(TOLD)


@pytest.mark.parametrize("name", TOLD)
def test_a_saved_page_is_told_of_as_it_is(name: str) -> None:
    expected = GUANGDONG if name.startswith("guangdong") else PEKING
    assert verdicts(name, expected) == TOLD[name]


@pytest.mark.parametrize(
    ("name", "findings"),
    [
        ("new_link.html", RIGHT),
        ("number_of_another_site.html", RIGHT),
        ("guangdong.html", RIGHT),
        ("without_suffix.html", (SHOWN, ICON, NEW, "suspect icp_no_suffix", "ok icp_link_right")),
        (
            "two_sites.html",
            (
                SHOWN, SHOWN, "suspect public_security_several", ICON, NEW, NEW, "ok icp_shown",
                "suspect icp_no_suffix", "ok icp_link_right",
            ),
        ),
        (
            "nothing.html",
            ("wrong public_security_missing", NO_ICON, "wrong link_missing", "suspect icp_none"),
        ),
        ("link_of_another_site.html", (SHOWN, ICON, "wrong link_other", *ICP)),
    ],
)  # fmt: skip
def test_a_page_of_no_register_is_held_against_itself(name: str, findings: tuple[str, ...]) -> None:
    assert verdicts(name, Expected()) == findings
