"""The public-security part of the footer check: the number, its icon, and its link to a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from incidents.filing.checks.area import of_area
from incidents.filing.checks.finding import Finding, ok, suspect, unknown, wrong
from incidents.filing.checks.record_number import PublicSecurity
from incidents.filing.footer.foot import ALT, TEXT, Foot, FootLink
from incidents.filing.footer.markup import SCRIPT

NUMBER, ICON, LINK = "public_security_number", "public_security_icon", "public_security_link"

MISSING = frozenset(
    {
        "public_security_missing", "public_security_none_filed", "public_security_in_image",
        "public_security_unseen", "icon_missing", "link_missing",
    }
)  # fmt: skip
"""The codes that say that something is not there."""

_SHOW, _LINKS = "domain.md 5", "domain.md 4"


def check(foot: Foot, wanted: PublicSecurity | None, *, filed: bool) -> Iterator[Finding]:
    """What is right and wrong with them; `filed` says that a register has told which are wanted."""
    shown = foot.public_security_shown
    if wanted is None and filed and not shown:
        yield suspect(NUMBER, "public_security_none_filed", _SHOW)
        return
    if wanted is None:
        numbers = list(_unasked_numbers(foot, shown, filed=filed))
    else:
        numbers = list(_number(foot, shown, wanted))
    yield from numbers
    if any(finding.code == "public_security_in_script" for finding in numbers):
        # A script that writes the number writes its icon and its link too.
        return
    yield from _areas(shown)
    yield _icon(foot)
    yield from _links(foot, wanted, [number.code for number in shown])


def _number(
    foot: Foot, shown: dict[PublicSecurity, bool], wanted: PublicSecurity
) -> Iterator[Finding]:
    same = [number for number in shown if number.code == wanted.code]
    others = [number for number in shown if number.code != wanted.code]
    if same:
        yield _seen(wanted, at_foot=shown[same[0]])
        for other in others:
            yield suspect(NUMBER, "public_security_beside", _SHOW, shown=str(other))
    elif others:
        told = ", ".join(map(str, others))
        yield wrong(NUMBER, "public_security_other", _SHOW, shown=told, wanted=str(wanted))
    else:
        yield _not_shown(foot, wanted)


def _unasked_numbers(
    foot: Foot, shown: dict[PublicSecurity, bool], *, filed: bool
) -> Iterator[Finding]:
    if not shown:
        yield _not_shown(foot, None)
    for number, at_foot in shown.items():
        if filed:
            yield suspect(NUMBER, "public_security_not_filed", _SHOW, shown=str(number))
        else:
            yield _seen(number, at_foot=at_foot)
    if len(shown) > 1:
        told = ", ".join(map(str, shown))
        yield suspect(NUMBER, "public_security_several", _SHOW, shown=told)


def _seen(number: PublicSecurity, *, at_foot: bool) -> Finding:
    told = ok if at_foot else suspect
    code = "public_security_shown" if at_foot else "public_security_not_at_foot"
    return told(NUMBER, code, _SHOW, shown=str(number))


def _not_shown(foot: Foot, wanted: PublicSecurity | None) -> Finding:
    """Why the number is not there to be read: what comes nearest to it is said."""
    elsewhere = [
        each
        for each in foot.public_security
        if each.place != TEXT
        and each.number is not None
        and (wanted is None or each.number.code == wanted.code)
    ]
    places = [each.place for each in elsewhere]
    linked = any(
        link.has_image
        and link.leads.code is not None
        and (wanted is None or link.leads.code == wanted.code)
        for link in foot.links
    )
    if ALT in places or linked:
        return wrong(NUMBER, "public_security_in_image", _SHOW)
    for each in foot.public_security:
        if each.place == TEXT and each.number is None:
            return wrong(NUMBER, "public_security_malformed", _SHOW, written=each.written)
    if SCRIPT in places:
        return unknown(NUMBER, "public_security_in_script", _SHOW)
    if places:
        return wrong(NUMBER, "public_security_unseen", _SHOW, place=places[0])
    return wrong(NUMBER, "public_security_missing", _SHOW)


def _areas(shown: Iterable[PublicSecurity]) -> Iterator[Finding]:
    for number in shown:
        here = of_area(number.code)
        told, area = str(number), number.area
        if here is None:
            yield suspect(NUMBER, "public_security_area_unknown", _LINKS, shown=told, area=area)
        elif number.province is not None and number.province not in here.characters:
            yield wrong(
                NUMBER, "public_security_area", _LINKS, shown=told, area=area, name=here.name
            )


def _icon(foot: Foot) -> Finding:
    if not foot.icons:
        return wrong(ICON, "icon_missing", _SHOW)
    return ok(ICON, "icon_shown", _SHOW, source=foot.icons[-1])


def _links(foot: Foot, wanted: PublicSecurity | None, shown: Sequence[str]) -> Iterator[Finding]:
    codes = [wanted.code] if wanted is not None else list(shown)
    found: list[Finding] = []
    for link in foot.links:
        # The number of another site that is shown beside may well lead to its own record.
        of_other = wanted is not None and wanted.code in shown and wanted.code not in link.codes
        if of_other and link.leads.code is not None and link.leads.code in link.codes:
            continue
        if link.codes or (link.leads.is_public_security and not link.icps):
            found.extend(_link(link, codes))
    yield from found or [wrong(LINK, "link_missing", _LINKS)]


def _link(link: FootLink, codes: Sequence[str]) -> Iterator[Finding]:
    leads, at = link.leads, link.shown_href
    if leads.is_look_alike:
        yield wrong(LINK, "link_look_alike", _LINKS, href=at)
    elif leads.form == "encoded":
        yield wrong(LINK, "link_encoded", _LINKS, href=at)
    elif not leads.is_public_security:
        yield wrong(LINK, "link_elsewhere", _LINKS, href=at)
    elif leads.code is None:
        yield wrong(LINK, "link_without_code", _LINKS, href=at)
    elif any(held and leads.code not in held for held in (codes, link.codes)):
        of = ", ".join(link.codes or codes)
        yield wrong(LINK, "link_other", _LINKS, code=leads.code, wanted=of)
    else:
        yield ok(LINK, f"link_{leads.form}", _LINKS, href=at)
        if not leads.secure:
            yield suspect(LINK, "link_http", _LINKS, href=at)
