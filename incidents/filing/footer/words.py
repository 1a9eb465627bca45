"""What a finding about the foot of a page says to people, by its code: the English sentences.

Another language has the same codes (see `language`).
"""

from __future__ import annotations

from typing import Any

from incidents.filing.checks.finding import Finding
from incidents.locale.language import Language
from incidents.machine.policy import write_duration

PHRASES = {
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

WORDS = {
    "unseen.comment": "in a comment",
    "unseen.script": "in a script",
    "unseen.title": "in the title",
    "unseen.hidden": "in something hidden",
}
"""Where a number can stand that nobody sees."""

FIELDS = {
    "page": "the page",
    "public_security_number": "public-security number",
    "public_security_icon": "public-security icon",
    "public_security_link": "public-security link",
    "icp_number": "ICP number",
    "icp_link": "ICP link",
}
"""What a finding is about, by its field."""

_ENGLISH = Language(phrases=PHRASES | WORDS, duration=write_duration, comma=", ")


def sentence(finding: Finding) -> str:
    """What a finding about the foot of a page says, in English."""
    facts: dict[str, Any] = dict(finding.facts)
    return _ENGLISH.say(finding.code, **facts)


def field(about: str) -> str:
    """What a finding with that field is about."""
    return FIELDS.get(about, about)
