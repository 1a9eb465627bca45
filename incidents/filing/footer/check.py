"""The footer check: whether a page's footer shows what it must, and the HTML that would.

Within 30 days of approval the record number, its HTML snippet and the icon must stand at the foot
of the pages (domain.md, section 5); where their links lead is in section 4. What a finding says to
people stands here in English; another language has the same codes (see `language`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

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
from incidents.locale.language import Language
from incidents.machine.filing import Details
from incidents.machine.policy import write_duration

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


FOOTER_PHRASES = {
    # ── the page
    "page_cut": "The page is too long to be read to its end, so nobody can tell what its foot"
    " lacks.",
    "page_bare": "The page shows hardly anything before its scripts or frames have run: look at it"
    " in a browser, and save what it shows.",
    "page_unreachable": "The page cannot be fetched: {detail}.",
    "page_forbidden": "The page is not fetched: {detail}.",
    "page_status": "The server answers {url} with status {status}, which is no page.",
    "page_not_html": "What is at {url} is no HTML, but {kind}.",
    "page_empty": "The server answers {url} with nothing.",
    "page_redirects": "{url} leads on more than {most} times.",
    "page_redirect_unreadable": "{url} leads on to an address that cannot be read.",
    # ── the public-security number
    "public_security_shown": "The public-security number {shown} is shown.",
    "public_security_not_at_foot": "The public-security number {shown} is shown, but not at the"
    " foot of the page.",
    "public_security_beside": "The number {shown} of another site is shown beside it.",
    "public_security_several": "Several public-security numbers are shown: {shown}.",
    "public_security_other": "The page shows {shown}, and the number of this site is {wanted}.",
    "public_security_not_filed": "The page shows {shown}, and no public-security number is on"
    " record for the site.",
    "public_security_none_filed": "No public-security number is shown, and none is on record.",
    "public_security_in_image": "The public-security number stands in an image only: it has to be"
    " there as a text.",
    "public_security_in_script": "The public-security number stands in a script: whether the page"
    " shows it can be seen in a browser.",
    "public_security_unseen": "The public-security number stands in the page, but nobody sees it"
    " there: {place:unseen}.",
    "public_security_malformed": "What the page shows as its public-security number is none:"
    " {written}.",
    "public_security_missing": "The public-security number is not shown.",
    "public_security_area": "The number {shown} cannot be one: its area code, {area}, is one of"
    " {name}.",
    "public_security_area_unknown": "The area code of the number {shown}, {area}, is in no"
    " province.",
    # ── its icon and its link
    "icon_shown": "The public-security icon is shown: {source}.",
    "icon_missing": "The public-security icon is not shown.",
    "link_new": "The link leads to the record, in the new form of the address: {href}.",
    "link_old": "The link leads to the record, in the old form of the address: {href}.",
    "link_http": "The link goes over http; https is safer: {href}.",
    "link_other": "The link leads to the record {code}, and not to that of {wanted}.",
    "link_without_code": "The link leads to the office, but to no record: {href}.",
    "link_encoded": "The link leads nowhere, because its # is written %23: {href}.",
    "link_look_alike": "The link only looks like one to the office: {href}.",
    "link_elsewhere": "The link of the public-security number leads elsewhere: {href}.",
    "link_missing": "The public-security number has no link to its record.",
    # ── the ICP number
    "icp_shown": "The ICP number {shown} is shown.",
    "icp_not_at_foot": "The ICP number {shown} is shown, but not at the foot of the page.",
    "icp_beside": "The ICP number {shown} of another subject is shown beside it.",
    "icp_other": "The page shows {shown}, and the ICP number of this site is {wanted}.",
    "icp_suffix": "The page shows {shown}, where the subject's number is wanted: {wanted}.",
    "icp_no_suffix": "The page shows {shown}, where the site's number is wanted: the one with a"
    " suffix.",
    "icp_not_filed": "The page shows {shown}, and no ICP number is on record for the site.",
    "icp_none": "No ICP number is shown; a site on a server in the mainland has one.",
    "icp_in_image": "The ICP number stands in an image only: it has to be there as a text.",
    "icp_in_script": "The ICP number stands in a script: whether the page shows it can be seen in a"
    " browser.",
    "icp_unseen": "The ICP number stands in the page, but nobody sees it there: {place:unseen}.",
    "icp_malformed": "What the page shows as its ICP number is none: {written}.",
    "icp_missing": "The ICP number {wanted} is not shown.",
    # ── its link
    "icp_link_right": "The link of the ICP number leads to the ministry: {href}.",
    "icp_link_http": "The link of the ICP number goes over http; https is safer: {href}.",
    "icp_link_gone": "The link of the ICP number leads to an address that the ministry has given"
    " up: {href}; it is https://beian.miit.gov.cn/ now.",
    "icp_link_look_alike": "The link of the ICP number only looks like one to the ministry:"
    " {href}.",
    "icp_link_elsewhere": "The link of the ICP number leads elsewhere: {href}.",
    "icp_link_missing": "The ICP number has no link to the ministry.",
}

FOOTER_WORDS = {
    "unseen.comment": "in a comment",
    "unseen.script": "in a script",
    "unseen.title": "in the title",
    "unseen.hidden": "in something hidden",
}
"""Where a number can stand that nobody sees."""

FOOTER_FIELDS = {
    "page": "the page",
    "public_security_number": "public-security number",
    "public_security_icon": "public-security icon",
    "public_security_link": "public-security link",
    "icp_number": "ICP number",
    "icp_link": "ICP link",
}
"""What a finding is about, by its field."""

_ENGLISH = Language(phrases=FOOTER_PHRASES | FOOTER_WORDS, duration=write_duration, comma=", ")


def footer_sentence(finding: Finding) -> str:
    """What a finding about the foot of a page says, in English."""
    facts: dict[str, Any] = dict(finding.facts)
    return _ENGLISH.say(finding.code, **facts)


def footer_field(about: str) -> str:
    """What a finding with that field is about."""
    return FOOTER_FIELDS.get(about, about)


class NoNumberError(RefusedError):
    """{site} has no record number on record that can be read: set public_security_number or
    icp_number first (filing set)"""


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
