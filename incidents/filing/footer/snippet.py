"""The snippet: the HTML that an owner puts at the foot of a site's pages (domain.md, section 5)."""

from __future__ import annotations

from html import escape

from incidents.errors import RefusedError
from incidents.filing.checks.record_number import (
    Icp,
    PublicSecurity,
    read_icp,
    read_public_security,
)
from incidents.filing.footer.icp_check import IcpForm, in_form
from incidents.filing.footer.record_link import ICP_ADDRESS, NEW_ADDRESS
from incidents.machine.filing import Details


class NoNumberError(RefusedError):
    """{site} has no record number on record that can be read: set public_security_number or
    icp_number first (filing set)"""


ICON_PATH = "/beian.png"
"""Where the icon is looked for: each site serves its own copy."""


def of_filing(
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
        lines.append(_link(f"{NEW_ADDRESS}{public_security.code}", told))
    if icp is not None:
        lines.append(_link(ICP_ADDRESS, escape(in_form(icp, icp_form))))
    return "".join(f"{line}\n" for line in lines)


def _link(href: str, told: str) -> str:
    return f'<a href="{escape(href)}" target="_blank" rel="noreferrer">{told}</a>'
