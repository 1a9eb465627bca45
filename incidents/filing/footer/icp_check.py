"""The ICP part of the footer check: the number, in the form that its province has it in, and its
link."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from incidents.filing.checks.finding import (
    SUSPECT,
    VERDICTS,
    WRONG,
    Finding,
    ok,
    suspect,
    unknown,
    wrong,
)
from incidents.filing.checks.record_number import Icp
from incidents.filing.footer.foot import ALT, TEXT, Foot, FootLink
from incidents.filing.footer.markup import SCRIPT

NUMBER, LINK = "icp_number", "icp_link"

IcpForm = Literal["province", "site", "subject"]
ICP_FORMS: tuple[IcpForm, ...] = ("province", "site", "subject")
"""Which ICP number stands at the foot: that of the site, with its suffix; that of its subject,
without one; or as its province has it, which is the subject's in Guangdong."""

MISSING = frozenset({"icp_missing", "icp_none", "icp_in_image", "icp_unseen", "icp_link_missing"})
"""The codes that say that something is not there."""

_SHOW, _LINKS, _GUANGDONG = "domain.md 5", "domain.md 4", "粤"


def check(foot: Foot, wanted: Icp | None, form: IcpForm, *, filed: bool) -> Iterator[Finding]:
    """What is right and wrong with them; `filed` says that a register has told which is wanted."""
    shown = foot.icp_shown
    if wanted is not None:
        numbers = list(_number(foot, shown, wanted, form))
        yield from numbers
        if any(finding.code == "icp_in_script" for finding in numbers):
            # A script that writes the number writes its link too.
            return
    elif filed:
        for number in shown:
            yield suspect(NUMBER, "icp_not_filed", _SHOW, shown=str(number))
    elif shown:
        for number, at_foot in shown.items():
            told = _in_form(number, None, form, at_foot=at_foot)
            yield replace(told, verdict=SUSPECT) if told.verdict == WRONG else told
    else:
        yield suspect(NUMBER, "icp_none", _LINKS)
    if shown or wanted is not None:
        yield from _links(foot)


def in_form(number: Icp, form: IcpForm) -> str:
    """The number as it is to stand at the foot."""
    return number.subject if _is_subjects(number, form) else str(number)


def _is_subjects(number: Icp, form: IcpForm) -> bool:
    return form == "subject" or (form == "province" and number.province == _GUANGDONG)


def _number(foot: Foot, shown: dict[Icp, bool], wanted: Icp, form: IcpForm) -> Iterator[Finding]:
    same = [number for number in shown if number.subject == wanted.subject]
    others = [number for number in shown if number.subject != wanted.subject]
    if same:
        told = [_in_form(number, wanted, form, at_foot=shown[number]) for number in same]
        yield min(told, key=lambda finding: VERDICTS.index(finding.verdict))
        for other in others:
            yield suspect(NUMBER, "icp_beside", _SHOW, shown=str(other))
        return
    if others:
        told_of = ", ".join(map(str, others))
        yield wrong(NUMBER, "icp_other", _SHOW, shown=told_of, wanted=str(wanted))
        return
    yield _not_shown(foot, wanted)


def _not_shown(foot: Foot, wanted: Icp) -> Finding:
    """Why the number is not there to be read: what comes nearest to it is said."""
    places = [
        each.place
        for each in foot.icp
        if each.number is not None and each.number.subject == wanted.subject
    ]
    if ALT in places:
        return wrong(NUMBER, "icp_in_image", _SHOW)
    for each in foot.icp:
        if each.place == TEXT and each.number is None:
            return wrong(NUMBER, "icp_malformed", _SHOW, written=each.written)
    if SCRIPT in places:
        return unknown(NUMBER, "icp_in_script", _SHOW)
    if places:
        return wrong(NUMBER, "icp_unseen", _SHOW, place=places[0])
    return wrong(NUMBER, "icp_missing", _SHOW, wanted=str(wanted))


def _in_form(number: Icp, wanted: Icp | None, form: IcpForm, *, at_foot: bool) -> Finding:
    """With or without the suffix, as it is wanted; a subject's number alone demands none."""
    subjects = _is_subjects(number, form)
    if subjects and number.suffix is not None:
        return wrong(NUMBER, "icp_suffix", _LINKS, shown=str(number), wanted=number.subject)
    if not subjects and number.suffix is None and (wanted is None or wanted.suffix is not None):
        return wrong(NUMBER, "icp_no_suffix", _LINKS, shown=str(number))
    if not subjects and wanted is not None and wanted.suffix not in (None, number.suffix):
        return wrong(NUMBER, "icp_other", _SHOW, shown=str(number), wanted=str(wanted))
    told = ok if at_foot else suspect
    return told(NUMBER, "icp_shown" if at_foot else "icp_not_at_foot", _SHOW, shown=str(number))


def _links(foot: Foot) -> Iterator[Finding]:
    found = [
        _link(link) for link in foot.links if link.icps or (link.leads.is_icp and not link.codes)
    ]
    yield from found or [wrong(LINK, "icp_link_missing", _LINKS)]


def _link(link: FootLink) -> Finding:
    leads, at = link.leads, link.shown_href
    if leads.is_look_alike:
        return wrong(LINK, "icp_link_look_alike", _LINKS, href=at)
    if leads.form == "icp_gone":
        return suspect(LINK, "icp_link_gone", _LINKS, href=at)
    if leads.form != "icp":
        return wrong(LINK, "icp_link_elsewhere", _LINKS, href=at)
    if not leads.secure:
        return suspect(LINK, "icp_link_http", _LINKS, href=at)
    return ok(LINK, "icp_link_right", _LINKS, href=at)
