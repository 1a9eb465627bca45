"""The footer check: what a page alone cannot show, each said by one finding."""

import pytest

from incidents.filing.finding import VERDICTS, finding_sentence
from incidents.filing.footer import check, content, numbers
from incidents.filing.footer.check import Expected
from incidents.filing.record_number import Icp, IcpForm, PublicSecurity
from incidents.locale.catalogue import phrases

SECURITY = "京公网安备 11010502000001号"
OTHER = "浙公网安备 33010602000009号"
ICP = "京ICP备12345678号-1"
RECORD = "https://beian.mps.gov.cn/#/query/webSearch?code=11010502000001"
MINISTRY = "https://beian.miit.gov.cn/"
ROW = f"<a href='{RECORD}'><img src=/beian.png>{SECURITY}</a>"
OTHER_ROW = f"<a href='{RECORD.replace('11010502000001', '33010602000009')}'>{OTHER}</a>"
ICP_ROW = f"<a href='{MINISTRY}'>{ICP}</a>"

BOTH = Expected.of({"public_security_number": SECURITY, "icp_number": ICP})
NEITHER = Expected.of({})


def faults(page: str, expected: Expected = BOTH) -> list[str]:
    """What is said of a page beside that all is well."""
    findings = check.check_footer(content.read(f"<body>{page}"), expected)
    assert {finding.verdict for finding in findings} <= set(VERDICTS)
    assert not any(finding.false for finding in findings)
    assert all(finding_sentence(finding) for finding in findings)
    return [f"{each.verdict} {each.code}" for each in findings if each.verdict != "ok"]


def test_what_is_expected_is_what_the_register_says() -> None:
    assert BOTH.filed
    assert BOTH.public_security == PublicSecurity("京", "11010502000001")
    assert BOTH.icp == Icp("京", "12345678", "1")
    assert Expected.of({"icp_number": "x"}) == NEITHER


@pytest.mark.parametrize(
    ("page", "expected", "says"),
    [
        ("", NEITHER, ["suspect public_security_none_filed"]),
        (ROW, NEITHER, ["suspect public_security_not_filed"]),
        (
            ICP_ROW,
            NEITHER,
            ["suspect public_security_none_filed", "suspect icp_not_filed"],
        ),
        (ROW + ICP, NEITHER, [
            "suspect public_security_not_filed", "suspect icp_not_filed", "wrong icp_link_missing",
        ]),
        (
            ROW.replace("1101", "9901") + ICP_ROW,
            Expected(),
            ["suspect public_security_area_unknown"],
        ),
        (ROW.replace("京", "沪") + ICP_ROW, BOTH, ["wrong public_security_area"]),
        (
            ROW + f"<script>w('{ICP}')</script>",
            BOTH,
            ["unknown icp_in_script"],
        ),
        (
            ROW + f"<!-- {ICP} --><a href={MINISTRY}>ICP</a>",
            BOTH,
            ["wrong icp_unseen"],
        ),
        (ROW + f"<a href={MINISTRY}>京ICP备XXXXXXXX号</a>", BOTH, ["wrong icp_malformed"]),
        (ROW + f"<a href={MINISTRY}>ICP</a>", BOTH, ["wrong icp_missing"]),
        (
            ROW + ICP_ROW.replace("号-1", "号-2"),
            BOTH,
            ["wrong icp_other"],
        ),
        (
            ROW + "<a href='https://beian.miit.gov.cn.example.com/'>查询</a>" + ICP,
            BOTH,
            ["wrong icp_link_look_alike"],
        ),
        (
            f"<img src=/beian.png>{SECURITY}<a href='https://beian.gov.cn.example.com/'>查询</a>"
            + ICP_ROW,
            BOTH,
            ["wrong link_look_alike"],
        ),
        (
            ROW.replace(RECORD, MINISTRY) + ICP_ROW.replace(MINISTRY, RECORD),
            BOTH,
            ["wrong icon_missing", "wrong link_elsewhere", "wrong icp_link_elsewhere"],
        ),
        (ROW + f"<a href='{RECORD.replace('0001', '0009')}'>查询</a>" + ICP_ROW, BOTH,
         ["wrong link_other"]),
        (
            ROW.replace("</a>", f"</a><a href='{RECORD}'>{OTHER}</a>") + ICP_ROW,
            BOTH,
            ["suspect public_security_beside", "wrong link_other"],
        ),
        (
            f"<img src=/beian.png>{SECURITY}{OTHER_ROW}{ICP_ROW}",
            BOTH,
            ["suspect public_security_beside", "wrong link_missing"],
        ),
    ],
)  # fmt: skip
def test_each_flaw_has_a_sentence_of_its_own(
    page: str, expected: Expected, says: list[str]
) -> None:
    assert faults(page, expected) == says


@pytest.mark.parametrize(
    ("form", "filed", "shown", "says"),
    [
        ("site", ICP, "京ICP备12345678号-1", []),
        ("site", ICP, "京ICP备12345678号", ["wrong icp_no_suffix"]),
        ("site", "京ICP备12345678号", "京ICP备12345678号", []),
        ("site", "京ICP备12345678号", "京ICP备12345678号-4", []),
        ("subject", ICP, "京ICP备12345678号", []),
        ("subject", ICP, "京ICP备12345678号-1", ["wrong icp_suffix"]),
        ("province", ICP, "京ICP备12345678号-1", []),
        ("province", ICP, "京ICP备12345678号", ["wrong icp_no_suffix"]),
        ("province", "粤ICP备12345678号-1", "粤ICP备12345678号", []),
        ("province", "粤ICP备12345678号-1", "粤ICP备12345678号-1", ["wrong icp_suffix"]),
        ("site", "粤ICP备12345678号-1", "粤ICP备12345678号-1", []),
        ("site", ICP, "京ICP备12345678号 京ICP备12345678号-1", []),
    ],
)
def test_the_icp_number_has_the_form_that_is_wanted(
    form: IcpForm, filed: str, shown: str, says: list[str]
) -> None:
    expected = Expected.of({"public_security_number": SECURITY, "icp_number": filed}, form)
    assert faults(f"{ROW}<a href={MINISTRY}>{shown}</a>", expected) == says


@pytest.mark.parametrize(
    "page", [f"<img alt='{SECURITY}'>", f"<a href='{RECORD}'><img src=/b></a>"]
)
def test_an_image_of_the_number_is_one_of_its_own_site_alone(page: str) -> None:
    other = Expected.of({"public_security_number": OTHER})
    assert faults(page, BOTH)[0] == "wrong public_security_in_image"
    assert faults(page, Expected())[0] == "wrong public_security_in_image"
    assert faults(page, other)[0] == "wrong public_security_missing"


def test_of_a_page_that_was_cut_nobody_says_that_something_is_missing() -> None:
    found = check.check_footer(content.read(b"x", cut=True), BOTH)
    assert [(each.verdict, each.code) for each in found] == [("unknown", "page_cut")]
    assert not check.is_right(found)
    wrong = check.check_footer(content.read(ROW.replace("京", "沪") + ICP_ROW, cut=True), BOTH)
    assert [each.code for each in wrong if each.verdict == "wrong"] == ["public_security_area"]


def test_only_what_is_not_wrong_and_was_seen_is_right() -> None:
    page = content.read(f"<body>{ROW}{ICP_ROW}")
    assert check.is_right(check.check_footer(page, BOTH))
    assert check.is_right(check.check_footer(page, NEITHER))
    assert not check.is_right(check.check_footer(content.read(""), BOTH))


def test_a_link_that_stands_twice_is_told_of_once() -> None:
    page = f"{ROW}{ICP_ROW}" + "<p>x</p>" + f"{ROW.replace('/beian', '/b')}{ICP_ROW}"
    codes = [each.code for each in check.check_footer(content.read(page), BOTH)]
    assert len(codes) == len(set(codes))


def test_every_code_that_says_missing_has_a_sentence() -> None:
    missing = numbers.SECURITY_MISSING | numbers.ICP_MISSING
    assert missing <= phrases("en", "filing").keys()
