"""The footer check: whether a page's footer is as required, and the HTML for such a footer.

Within 30 days of approval the footer must show the record number, its HTML snippet and the icon
(F.11 to F.15); N.6 and N.7 specify the links.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from incidents.errors import RefusedError
from incidents.filing.finding import OK, SUSPECT, Finding, unknown
from incidents.filing.footer import numbers
from incidents.filing.footer.content import Footer
from incidents.filing.footer.record_link import ICP_ADDRESS, NEW_ADDRESS
from incidents.filing.record_number import (
    Icp,
    IcpForm,
    PublicSecurity,
    for_footer,
    read_icp,
    read_public_security,
)
from incidents.machine.filing import Details

PAGE = "page"
"""The field of a finding about the page as a whole."""

_MISSING = numbers.SECURITY_MISSING | numbers.ICP_MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The numbers that a page must show.

    `filed`: the numbers are on record; otherwise a page is only checked for consistency.
    """

    public_security: PublicSecurity | None = None
    icp: Icp | None = None
    icp_form: IcpForm = "province"
    filed: bool = False

    @classmethod
    def of(cls, details: Details, icp_form: IcpForm = "province") -> Expected:
        """The numbers expected from a site's filing; an invalid number counts as missing."""
        return cls(
            public_security=read_public_security(details.get(numbers.SECURITY_NUMBER, "")),
            icp=read_icp(details.get(numbers.ICP_NUMBER, "")),
            icp_form=icp_form,
            filed=True,
        )


def check_footer(footer: Footer, expected: Expected) -> list[Finding]:
    """The findings on the public-security number, its icon and link, then on the ICP number.

    If the page was cut, or scripts fill it, one finding says that missing parts cannot be checked.
    """
    findings = (
        *numbers.check_public_security(footer, expected.public_security, filed=expected.filed),
        *numbers.check_icp(footer, expected.icp, expected.icp_form, filed=expected.filed),
    )
    # A repeated link is reported once.
    found = list({(each.code, *each.facts.values()): each for each in findings}.values())
    why = "page_cut" if footer.cut else "page_bare" if footer.is_empty else None
    if why is None:
        return found
    there = [finding for finding in found if finding.code not in _MISSING]
    return [unknown(PAGE, why, "specification F.16"), *there]


def is_right(findings: Iterable[Finding]) -> bool:
    """Whether nothing in the footer is wrong, missing or impossible to check."""
    return all(finding.verdict in (OK, SUSPECT) for finding in findings)


FOOTER_FIELDS = {
    "page": "the page",
    "public_security_number": "public-security number",
    "public_security_icon": "public-security icon",
    "public_security_link": "public-security link",
    "icp_number": "ICP number",
    "icp_link": "ICP link",
}
"""The subject of a finding about a footer, by the finding's field."""


def footer_field(about: str) -> str:
    """The subject of a finding about a footer with that field."""
    return FOOTER_FIELDS.get(about, about)


class NoNumberError(RefusedError):
    """{site} has no readable record number on record: set public_security_number or
    icp_number first"""


ICON_PATH = "/beian.png"
"""The path of the icon: each site serves its own copy."""


def snippet_of_filing(
    site: str, details: Details, *, icon: str = ICON_PATH, icp_form: IcpForm = "province"
) -> str:
    """The HTML lines that show the record numbers in a site's details.

    Raises:
        NoNumberError: if no record number is on record.
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
    """The HTML lines that show those numbers with links and the icon; empty without any number."""
    lines = []
    if public_security is not None:
        image = f'<img src="{escape(icon)}" alt="" width="20" height="20">'
        content = f"{image} {escape(str(public_security))}"
        lines.append(_anchor(f"{NEW_ADDRESS}{public_security.code}", content))
    if icp is not None:
        lines.append(_anchor(ICP_ADDRESS, escape(for_footer(icp, icp_form))))
    return "".join(f"{line}\n" for line in lines)


def _anchor(href: str, content: str) -> str:
    return f'<a href="{escape(href)}" target="_blank" rel="noreferrer">{content}</a>'
