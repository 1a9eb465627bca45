"""The snippet: the HTML that an owner puts at the foot of a site's pages (domain.md, section 5)."""

from __future__ import annotations

from html import escape

from incidents.filing.footer_icp import IcpForm, in_form
from incidents.filing.record_link import ICP_ADDRESS, NEW_ADDRESS
from incidents.filing.record_number import Icp, PublicSecurity

ICON_PATH = "/beian.png"
"""Where the icon is looked for: each site serves its own copy."""


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
