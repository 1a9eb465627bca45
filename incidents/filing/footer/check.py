"""The footer check: whether a page's footer shows what it must, and the HTML that would.

Within 30 days of approval the record number, its HTML snippet and the icon must stand at the foot
of the pages (domain.md, section 5); where their links lead is in section 4. What a finding says to
people stands here in English; another language has the same codes (see `language`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from incidents.errors import RefusedError
from incidents.filing.finding import OK, SUSPECT, Finding, unknown
from incidents.filing.footer import numbers
from incidents.filing.footer.foot import Foot
from incidents.filing.footer.record_link import ICP_ADDRESS, NEW_ADDRESS
from incidents.filing.record_number import (
    Icp,
    IcpForm,
    PublicSecurity,
    in_form,
    read_icp,
    read_public_security,
)
from incidents.machine.filing import Details

PAGE = "page"
"""The field of a finding that is about the whole page."""

_MISSING = numbers.SECURITY_MISSING | numbers.ICP_MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a page is to show. `filed` says that a register, or somebody, has told what; without it
    a page is only held against itself."""

    public_security: PublicSecurity | None = None
    icp: Icp | None = None
    icp_form: IcpForm = "province"
    filed: bool = False

    @classmethod
    def of(cls, details: Details, icp_form: IcpForm = "province") -> Expected:
        """What a site's register says; a number that cannot be one is as good as none."""
        return cls(
            public_security=read_public_security(details.get(numbers.SECURITY_NUMBER, "")),
            icp=read_icp(details.get(numbers.ICP_NUMBER, "")),
            icp_form=icp_form,
            filed=True,
        )


def check_foot(foot: Foot, expected: Expected) -> list[Finding]:
    """What is right and what is not at the foot of a page: of the public-security number, its icon
    and its link, then of the ICP number and its link.

    What is missing is wrong; but of a page that was not read to its end, or that only scripts fill,
    nobody can tell.
    """
    told = (
        *numbers.check_public_security(foot, expected.public_security, filed=expected.filed),
        *numbers.check_icp(foot, expected.icp, expected.icp_form, filed=expected.filed),
    )
    # A link that stands twice in a page is told of once.
    found = list({(each.code, *each.facts.values()): each for each in told}.values())
    why = "page_cut" if foot.cut else "page_bare" if foot.bare else None
    if why is None:
        return found
    there = [finding for finding in found if finding.code not in _MISSING]
    return [unknown(PAGE, why, "domain.md 5"), *there]


def is_right(findings: Iterable[Finding]) -> bool:
    """Whether nothing is wrong or missing, and nothing is left that nobody could look at."""
    return all(finding.verdict in (OK, SUSPECT) for finding in findings)


FOOTER_FIELDS = {
    "page": "the page",
    "public_security_number": "public-security number",
    "public_security_icon": "public-security icon",
    "public_security_link": "public-security link",
    "icp_number": "ICP number",
    "icp_link": "ICP link",
}
"""What a finding is about, by its field."""


def footer_field(about: str) -> str:
    """What a finding with that field is about."""
    return FOOTER_FIELDS.get(about, about)


class NoNumberError(RefusedError):
    """{site} has no readable record number: first set public_security_number or icp_number with
    filing set"""


ICON_PATH = "/beian.png"
"""Where the icon is looked for: each site serves its own copy."""


def snippet_of_filing(
    site: str, details: Details, *, icon: str = ICON_PATH, icp_form: IcpForm = "province"
) -> str:
    """The lines for the numbers in those details of a site.

    Raises:
        NoNumberError: where there is neither.
    """
    number = read_public_security(details.get("public_security_number", ""))
    icp = read_icp(details.get("icp_number", ""))
    written = snippet(number, icp, icon=icon, icp_form=icp_form)
    if not written:
        raise NoNumberError(site=site)
    return written


def snippet(
    public_security: PublicSecurity | None,
    icp: Icp | None,
    *,
    icon: str = ICON_PATH,
    icp_form: IcpForm = "province",
) -> str:
    """The lines for those numbers, each with its link, the public-security one with its icon too;
    empty where there is neither."""
    lines = []
    if public_security is not None:
        image = f'<img src="{escape(icon)}" alt="" width="20" height="20">'
        told = f"{image} {escape(str(public_security))}"
        lines.append(_anchor(f"{NEW_ADDRESS}{public_security.code}", told))
    if icp is not None:
        lines.append(_anchor(ICP_ADDRESS, escape(in_form(icp, icp_form))))
    return "".join(f"{line}\n" for line in lines)


def _anchor(href: str, told: str) -> str:
    return f'<a href="{escape(href)}" target="_blank" rel="noreferrer">{told}</a>'
