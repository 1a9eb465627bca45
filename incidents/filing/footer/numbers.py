"""The checks of the record numbers in a footer, and of their links.

The public-security number needs its icon and a link to its record; the ICP number needs the form
required in its province, and its link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from incidents.filing.area import of_area
from incidents.filing.finding import SUSPECT, VERDICTS, WRONG, Finding, ok, suspect, unknown, wrong
from incidents.filing.footer.content import ALT, TEXT, Footer, Mention, Number
from incidents.filing.footer.markup import SCRIPT
from incidents.filing.footer.record_link import FooterLink
from incidents.filing.record_number import Icp, IcpForm, PublicSecurity, wants_subject_number

SECURITY_NUMBER, SECURITY_ICON, SECURITY_LINK = (
    "public_security_number",
    "public_security_icon",
    "public_security_link",
)

SECURITY_MISSING = frozenset(
    {
        "public_security_missing", "public_security_none_filed", "public_security_in_image",
        "public_security_unseen", "icon_missing", "link_missing",
    }
)  # fmt: skip
"""The codes of findings about missing parts of the public-security number."""

_SHOWN, _ICON, _AT_FOOT = "specification F.12", "specification F.14", "specification F.15"
_AREA, _PROVINCE, _SECURITY_LINKS = "specification N.3", "specification N.4", "specification N.7"
_IN_FOOTER, _ICP_LINKS, _ICP_FORM = "specification N.5", "specification N.6", "specification N.10"


def check_public_security(
    footer: Footer, wanted: PublicSecurity | None, *, filed: bool
) -> Iterator[Finding]:
    """The findings on the public-security numbers; `filed`: the expected ones are on record."""
    shown = footer.public_security_numbers
    if wanted is None and filed and not shown:
        yield suspect(SECURITY_NUMBER, "public_security_none_filed", _SHOWN)
        return
    if wanted is None:
        numbers = list(_unexpected_numbers(footer, shown, filed=filed))
    else:
        numbers = list(_number(footer, shown, wanted))
    yield from numbers
    if any(finding.code == "public_security_in_script" for finding in numbers):
        # A script that writes the number also writes its icon and its link.
        return
    yield from _areas(shown)
    if footer.icons:
        yield ok(SECURITY_ICON, "icon_shown", _ICON, source=footer.icons[-1])
    else:
        yield wrong(SECURITY_ICON, "icon_missing", _ICON)
    yield from _links(footer, wanted, [number.code for number in shown])


def _number(
    footer: Footer, shown: dict[PublicSecurity, bool], wanted: PublicSecurity
) -> Iterator[Finding]:
    same = [number for number in shown if number.code == wanted.code]
    others = [number for number in shown if number.code != wanted.code]
    if same:
        yield _number_found(wanted, in_footer=shown[same[0]])
        for other in others:
            yield suspect(SECURITY_NUMBER, "public_security_beside", _SHOWN, shown=str(other))
    elif others:
        listed = ", ".join(map(str, others))
        yield wrong(
            SECURITY_NUMBER, "public_security_other", _SHOWN, shown=listed, wanted=str(wanted)
        )
    else:
        yield _not_shown(footer, wanted)


def _unexpected_numbers(
    footer: Footer, shown: dict[PublicSecurity, bool], *, filed: bool
) -> Iterator[Finding]:
    if not shown:
        yield _not_shown(footer, None)
    for number, in_footer in shown.items():
        if filed:
            yield suspect(SECURITY_NUMBER, "public_security_not_filed", _SHOWN, shown=str(number))
        else:
            yield _number_found(number, in_footer=in_footer)
    if len(shown) > 1:
        listed = ", ".join(map(str, shown))
        yield suspect(SECURITY_NUMBER, "public_security_several", _SHOWN, shown=listed)


def _number_found(number: PublicSecurity, *, in_footer: bool) -> Finding:
    verdict = ok if in_footer else suspect
    code = "public_security_shown" if in_footer else "public_security_not_at_foot"
    return verdict(SECURITY_NUMBER, code, _AT_FOOT, shown=str(number))


def _not_shown(footer: Footer, wanted: PublicSecurity | None) -> Finding:
    places = [
        each.place
        for each in footer.public_security
        if each.place != TEXT
        and each.number is not None
        and (wanted is None or each.number.code == wanted.code)
    ]
    linked = any(
        link.has_image
        and link.target.code is not None
        and (wanted is None or link.target.code == wanted.code)
        for link in footer.links
    )
    missing = wrong(SECURITY_NUMBER, "public_security_missing", _SHOWN)
    if linked:
        places.insert(0, ALT)
    return _missing_number("public_security", footer.public_security, places, missing)


def _missing_number(
    code: str, mentions: Sequence[Mention[Number]], places: Sequence[str], missing: Finding
) -> Finding:
    """The finding that no number is visible as text, by the place of the nearest match."""
    field, source = missing.field, missing.source
    if ALT in places:
        return wrong(field, f"{code}_in_image", source)
    for each in mentions:
        if each.place == TEXT and each.number is None:
            return wrong(field, f"{code}_malformed", source, written=each.written)
    if SCRIPT in places:
        return unknown(field, f"{code}_in_script", source)
    if places:
        return wrong(field, f"{code}_unseen", source, place=places[0])
    return missing


def _areas(shown: Iterable[PublicSecurity]) -> Iterator[Finding]:
    for number in shown:
        here = of_area(number.code)
        text, area = str(number), number.area
        if here is None:
            yield suspect(
                SECURITY_NUMBER, "public_security_area_unknown", _AREA, shown=text, area=area
            )
        elif number.province is not None and number.province not in here.characters:
            yield wrong(
                SECURITY_NUMBER,
                "public_security_area",
                _PROVINCE,
                shown=text,
                area=area,
                name=here.name,
            )


def _links(
    footer: Footer, wanted: PublicSecurity | None, shown: Sequence[str]
) -> Iterator[Finding]:
    codes = [wanted.code] if wanted is not None else list(shown)
    found: list[Finding] = []
    for link in footer.links:
        # The number of another site on the page may lead to its own record.
        of_other = wanted is not None and wanted.code in shown and wanted.code not in link.codes
        if of_other and link.target.code is not None and link.target.code in link.codes:
            continue
        if link.codes or (link.target.is_public_security and not link.icps):
            found.extend(_link(link, codes))
    yield from found or [wrong(SECURITY_LINK, "link_missing", _SECURITY_LINKS)]


def _link(link: FooterLink, codes: Sequence[str]) -> Iterator[Finding]:
    target, at = link.target, link.shown_href
    if target.is_lookalike:
        yield wrong(SECURITY_LINK, "link_look_alike", _SECURITY_LINKS, href=at)
    elif target.form == "encoded":
        yield wrong(SECURITY_LINK, "link_encoded", _SECURITY_LINKS, href=at)
    elif not target.is_public_security:
        yield wrong(SECURITY_LINK, "link_elsewhere", _SECURITY_LINKS, href=at)
    elif target.code is None:
        yield wrong(SECURITY_LINK, "link_without_code", _SECURITY_LINKS, href=at)
    elif any(held and target.code not in held for held in (codes, link.codes)):
        of = ", ".join(link.codes or codes)
        yield wrong(SECURITY_LINK, "link_other", _SECURITY_LINKS, code=target.code, wanted=of)
    else:
        yield ok(SECURITY_LINK, f"link_{target.form}", _SECURITY_LINKS, href=at)
        if not target.secure:
            yield suspect(SECURITY_LINK, "link_http", _SECURITY_LINKS, href=at)


ICP_NUMBER, ICP_LINK = "icp_number", "icp_link"

ICP_MISSING = frozenset(
    {"icp_missing", "icp_none", "icp_in_image", "icp_unseen", "icp_link_missing"}
)
"""The codes of findings about missing parts of the ICP number."""


def check_icp(
    footer: Footer, wanted: Icp | None, form: IcpForm, *, filed: bool
) -> Iterator[Finding]:
    """The findings on the ICP numbers; `filed`: the expected one is on record."""
    shown = footer.icp_numbers
    if wanted is not None:
        numbers = list(_icp_number(footer, shown, wanted, form))
        yield from numbers
        if any(finding.code == "icp_in_script" for finding in numbers):
            # A script that writes the number also writes its link.
            return
    elif filed:
        for number in shown:
            yield suspect(ICP_NUMBER, "icp_not_filed", _IN_FOOTER, shown=str(number))
    elif shown:
        for number, in_footer in shown.items():
            finding = _in_form(number, None, form, in_footer=in_footer)
            yield replace(finding, verdict=SUSPECT) if finding.verdict == WRONG else finding
    else:
        yield suspect(ICP_NUMBER, "icp_none", _IN_FOOTER)
    if shown or wanted is not None:
        yield from _icp_links(footer)


def _icp_number(
    footer: Footer, shown: dict[Icp, bool], wanted: Icp, form: IcpForm
) -> Iterator[Finding]:
    same = [number for number in shown if number.subject == wanted.subject]
    others = [number for number in shown if number.subject != wanted.subject]
    if same:
        findings = [_in_form(number, wanted, form, in_footer=shown[number]) for number in same]
        yield min(findings, key=lambda finding: VERDICTS.index(finding.verdict))
        for other in others:
            yield suspect(ICP_NUMBER, "icp_beside", _IN_FOOTER, shown=str(other))
    elif others:
        told_of = ", ".join(map(str, others))
        yield wrong(ICP_NUMBER, "icp_other", _IN_FOOTER, shown=told_of, wanted=str(wanted))
    else:
        places = [
            each.place
            for each in footer.icp
            if each.number is not None and each.number.subject == wanted.subject
        ]
        missing = wrong(ICP_NUMBER, "icp_missing", _IN_FOOTER, wanted=str(wanted))
        yield _missing_number("icp", footer.icp, places, missing)


def _in_form(number: Icp, wanted: Icp | None, form: IcpForm, *, in_footer: bool) -> Finding:
    """The finding whether a number has the required form, with or without its suffix."""
    subjects = wants_subject_number(number, form)
    if subjects and number.suffix is not None:
        return wrong(ICP_NUMBER, "icp_suffix", _ICP_FORM, shown=str(number), wanted=number.subject)
    if not subjects and number.suffix is None and (wanted is None or wanted.suffix is not None):
        return wrong(ICP_NUMBER, "icp_no_suffix", _ICP_FORM, shown=str(number))
    if not subjects and wanted is not None and wanted.suffix not in (None, number.suffix):
        return wrong(ICP_NUMBER, "icp_other", _IN_FOOTER, shown=str(number), wanted=str(wanted))
    verdict = ok if in_footer else suspect
    return verdict(
        ICP_NUMBER, "icp_shown" if in_footer else "icp_not_at_foot", _IN_FOOTER, shown=str(number)
    )


def _icp_links(footer: Footer) -> Iterator[Finding]:
    found = [
        _icp_link(link)
        for link in footer.links
        if link.icps or (link.target.is_icp and not link.codes)
    ]
    yield from found or [wrong(ICP_LINK, "icp_link_missing", _ICP_LINKS)]


def _icp_link(link: FooterLink) -> Finding:
    target, at = link.target, link.shown_href
    if target.is_lookalike:
        return wrong(ICP_LINK, "icp_link_look_alike", _ICP_LINKS, href=at)
    if target.form == "icp_gone":
        return suspect(ICP_LINK, "icp_link_gone", _ICP_LINKS, href=at)
    if target.form != "icp":
        return wrong(ICP_LINK, "icp_link_elsewhere", _ICP_LINKS, href=at)
    if not target.secure:
        return suspect(ICP_LINK, "icp_link_http", _ICP_LINKS, href=at)
    return ok(ICP_LINK, "icp_link_right", _ICP_LINKS, href=at)
