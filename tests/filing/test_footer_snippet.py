"""The snippet: what is given out for the foot of a page is what the check finds right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.filing.area import PROVINCES
from incidents.filing.footer import check, content
from incidents.filing.footer.check import Expected, snippet
from incidents.filing.record_number import ICP_FORMS, Icp, IcpForm, PublicSecurity

SECURITY = PublicSecurity("京", "11010502000001")
ICP = Icp("京", "12345678", "1")

provinces = st.sampled_from(PROVINCES)
securities = st.builds(
    lambda province, rest: PublicSecurity(province.characters[0], province.area + rest),
    provinces,
    st.text("0123456789", min_size=9, max_size=12),
)
icps = st.builds(
    Icp,
    provinces.map(lambda province: province.characters[-1]),
    st.text("0123456789", min_size=8, max_size=10),
    st.none() | st.integers(1, 99_999).map(str),
)


def test_it_holds_the_number_its_icon_and_its_link() -> None:
    assert snippet(SECURITY, ICP) == (
        '<a href="https://beian.mps.gov.cn/#/query/webSearch?code=11010502000001" target="_blank"'
        ' rel="noreferrer"><img src="/beian.png" alt="" width="20" height="20">'
        " 京公网安备 11010502000001号</a>\n"
        '<a href="https://beian.miit.gov.cn/" target="_blank" rel="noreferrer">'
        "京ICP备12345678号-1</a>\n"
    )
    assert snippet(None, None) == ""


@given(securities, icps, st.sampled_from(ICP_FORMS), st.text(max_size=30))
def test_the_check_finds_it_right(
    security: PublicSecurity, icp: Icp, form: IcpForm, icon: str
) -> None:
    page = f"<body><p>示例商店</p>{snippet(security, icp, icon=icon, icp_form=form)}"
    expected = Expected(public_security=security, icp=icp, icp_form=form, filed=True)
    assert {each.verdict for each in check.check_footer(content.read(page), expected)} == {"ok"}


@pytest.mark.parametrize("icon", ['"><script>alert(1)</script>', "' onload='x", "/a&b.png"])
def test_the_icons_path_stays_within_its_attribute(icon: str) -> None:
    written = snippet(SECURITY, None, icon=icon)
    assert "<script>" not in written
    assert content.read(written).icons == (icon,)
