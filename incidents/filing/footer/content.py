"""The footer of a page: its record numbers, links and icons, with their positions.

`check` decides whether these are right.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote

from incidents.filing.area import CHARACTERS
from incidents.filing.footer import charset, markup, record_link
from incidents.filing.record_number import Icp, PublicSecurity, read_icp, read_public_security

MAX_BYTES = 2 * 1024 * 1024
"""The maximum number of bytes read from a page."""

MAX_MENTIONS = 200
"""The maximum number of record numbers, links and icons kept from a page; the last ones are
kept."""

TEXT, ALT = "text", "image"
"""The places where a number is visible: in a text, or in an image's alt text; see
`markup.INVISIBLE`."""

LAST_CHARACTERS, LAST_SHARE = 400, 5
"""The part that counts as the footer if a page marks none: its last characters, or its last fifth
if that is longer."""

EMPTY_CHARACTERS = 40
"""The number of characters below which a page without a number counts as empty, if scripts or
frames can load the rest."""

Number = TypeVar("Number", Icp, PublicSecurity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention(Generic[Number]):
    """A record number in the page; `number`: None if the text is not a valid number."""

    number: Number | None
    written: str
    place: str
    in_footer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """The record numbers, links and icons (addresses of images) of a page.

    `is_empty`: the page is almost empty, but can load more content. `cut`: the end of the page was
    not read.
    """

    public_security: tuple[Mention[PublicSecurity], ...] = ()
    icp: tuple[Mention[Icp], ...] = ()
    links: tuple[record_link.FooterLink, ...] = ()
    icons: tuple[str, ...] = ()
    is_empty: bool = False
    cut: bool = False
    encoding: str = "utf-8"

    @property
    def public_security_numbers(self) -> dict[PublicSecurity, bool]:
        """The valid public-security numbers; each says whether it is in the footer."""
        return _valid(self.public_security)

    @property
    def icp_numbers(self) -> dict[Icp, bool]:
        """The valid ICP numbers; each says whether it is in the footer."""
        return _valid(self.icp)


def read(page: bytes | str, *, server_charset: str | None = None, cut: bool = False) -> Footer:
    """The footer of a page, which can be empty; at most `MAX_BYTES` are read.

    `server_charset`: the encoding according to the server. `cut`: the page is longer than the given
    bytes.
    """
    cut = cut or len(page) > MAX_BYTES
    text, encoding = (page, "utf-8") if isinstance(page, str) else ("", "")
    if isinstance(page, bytes):
        text, encoding = charset.decode(page[:MAX_BYTES], server_charset)
    return _FooterSearch(markup.read(text[:MAX_BYTES])).footer(cut=cut, encoding=encoding)


class _FooterSearch:
    """The search for a footer in a page's markup."""

    def __init__(self, page: markup.Markup) -> None:
        self._page = page
        self._securities = _found(_PUBLIC_SECURITY, page.text)
        self._icps = _found(_ICP, page.text)
        self._from = len(page.text) - max(LAST_CHARACTERS, len(page.text) // LAST_SHARE)
        self._foot_starts = [start for start, _ in page.footers]

    def footer(self, *, cut: bool, encoding: str) -> Footer:
        """The footer found."""
        links = [link for link in map(self._link, self._page.links) if link is not None]
        shown = "".join(self._page.text.split())
        empty = len(shown) < EMPTY_CHARACTERS and not self._securities and not self._icps
        return Footer(
            public_security=self._public_security(),
            icp=self._icp(),
            links=tuple(dict.fromkeys(links[-MAX_MENTIONS:])),
            icons=tuple(dict.fromkeys(self._icons()))[-MAX_MENTIONS:],
            is_empty=self._page.is_dynamic and empty,
            cut=cut or self._page.is_truncated,
            encoding=encoding,
        )

    def _public_security(self) -> tuple[Mention[PublicSecurity], ...]:
        seen = [
            _security(found, TEXT, self._is_at_foot(found.start())) for found in self._securities
        ]
        in_images = [_security(found, ALT) for found in self._in_alt_texts(_PUBLIC_SECURITY)]
        named = [_security(found, ALT) for found in self._in_alt_texts(_CODE_ALONE)]
        rest = [_security(found, place) for place, found in self._invisible(_PUBLIC_SECURITY)]
        return _unique([*rest, *in_images, *named, *seen])

    def _icp(self) -> tuple[Mention[Icp], ...]:
        seen = [_icp(found, TEXT, self._is_at_foot(found.start())) for found in self._icps]
        in_images = [_icp(found, ALT) for found in self._in_alt_texts(_ICP)]
        rest = [_icp(found, place) for place, found in self._invisible(_ICP)]
        return _unique([*rest, *in_images, *seen])

    def _in_alt_texts(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        texts = (
            text
            for image in self._page.images
            for text in (image.alt, *map(_file_name, image.sources))
        )
        return _last(found for text in texts for found in pattern.finditer(text[:_MAX_ALT]))

    def _invisible(self, pattern: re.Pattern[str]) -> list[tuple[str, re.Match[str]]]:
        return [
            (place, found)
            for place in markup.INVISIBLE
            for found in _found(pattern, self._page.invisible.get(place, ""))
        ]

    def _is_at_foot(self, at: int) -> bool:
        if at >= self._from:
            return True
        nearest = bisect_right(self._foot_starts, at) - 1
        return nearest >= 0 and at < self._page.footers[nearest][1]

    def _link(self, link: markup.Link) -> record_link.FooterLink | None:
        target = record_link.read(link.href)
        codes = _inside(link, self._securities)
        icps = _inside(link, self._icps)
        if target.form == "elsewhere" and not codes and not icps:
            return None
        numbers = [_security(found, TEXT).number for found in codes]
        filings = [_icp(found, TEXT).number for found in icps]
        return record_link.FooterLink(
            href=link.href[: record_link.MAX_CHARACTERS],
            target=target,
            codes=tuple(number.code for number in numbers if number is not None),
            icps=tuple(number.subject for number in filings if number is not None),
            has_image=markup.IMAGE in self._text_of(link),
        )

    def _icons(self) -> Iterator[str]:
        """The icons: images in a link to a record, before a number, or so named in the footer."""
        text = self._page.text
        to_record, to_icp = self._image_places()
        before = {_image_before(text, found.start()) for found in self._securities}
        for image in self._page.images:
            if image.at in to_icp:
                continue
            called = any(map(_ICON.search, (image.alt[:_MAX_ALT], *map(_file_name, image.sources))))
            if (
                image.at in to_record
                or image.at in before
                or (called and self._is_at_foot(image.at))
            ):
                yield (image.sources or ("",))[0][: record_link.MAX_CHARACTERS]

    def _image_places(self) -> tuple[set[int], set[int]]:
        """The positions of images in links to public-security records and in links to ICP ones."""
        to_record: set[int] = set()
        to_icp: set[int] = set()
        for link in self._page.links:
            target = record_link.read(link.href)
            places = to_record if target.is_public_security else to_icp if target.is_icp else None
            if places is not None:
                inside = enumerate(self._text_of(link), start=link.start)
                places.update(at for at, each in inside if each == markup.IMAGE)
        return to_record, to_icp

    def _text_of(self, link: markup.Link) -> str:
        return self._page.text[link.start : min(link.end, link.start + _MAX_LINK)]


def _security(found: re.Match[str], place: str, in_footer: bool = False) -> Mention[PublicSecurity]:
    province, digits = found.groupdict().get("province"), found["digits"]
    number = read_public_security(f"{province}公网安备{digits}号" if province else digits)
    return Mention(number=number, written=_line(found[0]), place=place, in_footer=in_footer)


def _icp(found: re.Match[str], place: str, in_footer: bool = False) -> Mention[Icp]:
    suffix = found["suffix"] or found["far"]
    subject = f"{found['province']}ICP备{found['digits']}号"
    number = read_icp(f"{subject}-{suffix}" if suffix else subject)
    return Mention(number=number, written=_line(found[0]), place=place, in_footer=in_footer)


def _valid(mentions: tuple[Mention[Number], ...]) -> dict[Number, bool]:
    return {
        each.number: each.in_footer
        for each in mentions
        if each.place == TEXT and each.number is not None
    }


def _unique(mentions: list[Mention[Number]]) -> tuple[Mention[Number], ...]:
    """The mentions without repetition; a number counts as in the footer if any mention is."""
    best: dict[tuple[str, str], Mention[Number]] = {}
    for each in mentions:
        # A number is the same with or without the character of its province.
        key = (each.written if each.number is None else str(each.number), each.place)
        if key not in best or each.in_footer:
            best[key] = each
    return tuple(best.values())


def _found(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    return _last(pattern.finditer(text))


def _last(found: Iterable[re.Match[str]]) -> list[re.Match[str]]:
    return list(deque(found, maxlen=MAX_MENTIONS))


def _inside(link: markup.Link, found: list[re.Match[str]]) -> list[re.Match[str]]:
    """The numbers that have their digits inside the link."""
    return [each for each in found if link.start <= each.start("digits") < link.end]


def _image_before(text: str, at: int) -> int:
    """The position of the image just before that position; -1 if there is none."""
    start = max(at - _NEAR, 0)
    before = text[start:at].rstrip()
    return start + len(before) - 1 if before[-1:] == markup.IMAGE else -1


def _file_name(source: str) -> str:
    if source.startswith("data:"):
        return ""
    path = re.split(r"[?#]", source[: record_link.MAX_CHARACTERS], maxsplit=1)[0]
    return unquote(path.rstrip("/").rpartition("/")[2])


def _line(written: str) -> str:
    return " ".join(written.split())


_MAX_ALT, _MAX_LINK = 400, 500
_NEAR = 20

_GAP = r"[\s\u200b-\u200f\ufeff]{0,8}"
_DIGIT = "[0-9０-９]"
# Digits, or their placeholder in a template: 京公网安备XXXXXXXX号.
_DIGITS = r"(?P<digits>[0-9０-９XxＸ*＊]{6,24})(?![0-9０-９])"
_PROVINCE = f"(?P<province>[{CHARACTERS}])"
_PUBLIC_SECURITY = re.compile(
    rf"(?:{_PROVINCE}{_GAP})?公{_GAP}(?:[网網]{_GAP})?安{_GAP}(?:机关{_GAP})?(?:联网{_GAP})?[备備]"
    rf"{_GAP}(?:案{_GAP})?(?:[编編]?[号號]{_GAP})?[:：]?{_GAP}(?:第{_GAP})?{_DIGITS}"
    rf"(?:{_GAP}[号號])?"
)
# In the file name of an image.
_CODE_ALONE = re.compile(rf"(?<!{_DIGIT})(?P<digits>[0-9]{{14}})(?!{_DIGIT})")
_DASH = "[-‐‑‒–—―−﹣－]"
_ICP = re.compile(
    rf"{_PROVINCE}{_GAP}[iIｉＩ][cCｃＣ][pPｐＰ]{_GAP}[备備]{_GAP}(?:案{_GAP})?(?:第{_GAP})?{_DIGITS}"
    # After a dash with spaces comes a year rather than the number of a site.
    rf"(?:{_GAP}[号號])?(?:{_DASH}(?P<suffix>{_DIGIT}{{1,5}})(?!{_DIGIT})"
    rf"|{_GAP}{_DASH}{_GAP}(?P<far>{_DIGIT}{{1,3}})(?!{_DIGIT}))?"
)
_ICON = re.compile(
    r"beian|bei-?an|gong-?an|gongwang|wang-?an|police|gaba|batb|\bghs\b|公安|备案|網安|网安|警",
    re.IGNORECASE,
)
