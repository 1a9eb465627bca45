"""The web addresses as they are written in a text: defanged, without a scheme, before a full stop.

An address was defanged (`hxxp://shop[.]example`) so that nobody follows it by mistake.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from incidents.errors import BadUrlError
from incidents.values import web_address
from incidents.values.legible import legible

REST = r"[^\s<>\"'“”‘’«»「」『』，。；：、！？…（）【】《》]"
_HAN = r"\u4e00-\u9fff"
# Another address, or an IP address, in the next cell of a list or a table is not a part of it.
_IN_CELL = f"{REST[:-1]},;|]"
_UNTIL_NEXT = (
    rf"{_IN_CELL}+"
    r"(?:[,;|](?!h(?:tt|xx)ps?(?:\[?:|\[://)|\d{1,3}(?:\.\d{1,3}){3}(?![\d.]))"
    rf"{_IN_CELL}*)*"
)
DOT = r"(?:\.|\[\.\]|\(\.\)|\{\.\}|[\[(]dot[\])])"
# Neither a part of a mail address nor of another name, on either side.
_BARE = (
    r"(?<![a-z0-9@._/:%+=&?#\-\])])"
    rf"(?:www{DOT}(?:[a-z0-9{_HAN}-]{{1,63}}{DOT}){{1,10}}(?:中国|公司|网络|[a-z]{{2,63}})"
    rf"|(?:[a-z0-9-]{{1,63}}{DOT}){{1,10}}(?:xn--[a-z0-9-]{{1,59}}|[a-z]{{2,63}}))"
    rf"(?!{DOT}?[a-z0-9@_-]|\[?://)(?::[0-9]{{1,5}})?(?P<path>/(?:{_UNTIL_NEXT})?)?"
)
_ADDRESS = re.compile(
    rf"h(?:tt|xx)ps?(?:\[:\]//|://|\[://\]){_UNTIL_NEXT}|(?P<bare>{_BARE})", re.IGNORECASE
)
# Each address has it somewhere, and few other lines do: to look for it takes a tenth of the time.
_SIGN = re.compile(r"[.\])}]\S|:/|\[:")
# Others than these may be a part of the address: `?a=1&copy=2`.
_ESCAPED = re.compile(r"&(?:amp|lt|gt|quot|nbsp|#38|#39|#x26|#x27);", re.IGNORECASE)
# A Chinese sentence goes on behind an address without a space, in the last word of its path.
_GLUED = re.compile(rf"(?<=[a-z0-9_])[{_HAN}]+$", re.IGNORECASE)
_END = re.compile(r"(?:\[\.\]|\(\.\)|\[dot\]|[.,;:!?)\]}>*_`])+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WrittenAddress:
    """An address as written, without the punctuation after it, and its normal form.

    `url`: None if the address cannot be stored. `is_certain`: it is an address whatever its host
    is; otherwise it might be a file or a person (`Mr.Wang`). `is_cut`: it might be cut off at the
    end of a line. `is_alone`: nothing else is on its line, as in a list.
    """

    written: str
    url: str | None
    is_certain: bool
    is_cut: bool
    is_alone: bool = False


def unescaped(text: str) -> str:
    """Return the text, legible, without the escapes of HTML that addresses have."""
    return legible(_ESCAPED.sub(lambda found: html.unescape(found[0].lower()), text))


def find(text: str) -> Iterator[WrittenAddress]:
    """Find the addresses in a text, in order; the same address may be found again.

    Text without a scheme is certainly an address if it has a path or begins with `www.`. Text with
    a scheme that cannot be stored has no `url`.
    """
    for match in _matches(text):
        before = match.string[max(0, match.start() - 1)]
        written = _without_end(_in_its_cell(match[0], before))
        is_cut = match[0].endswith("=") and text[match.end() : match.end() + 1] == "\n"
        is_bare = bool(match["bare"])
        try:
            url = web_address.read(written, bare=True)
        except BadUrlError:
            if not is_bare:
                yield WrittenAddress(written, None, True, is_cut)
            continue
        is_www = web_address.host(url).startswith("www.")
        is_certain = not is_bare or match["path"] is not None or is_www
        is_alone = not is_certain and _is_alone(match)
        yield WrittenAddress(written, url, is_certain, is_cut, is_alone)


def _is_alone(match: re.Match[str]) -> bool:
    text = match.string
    start, end = text.rfind("\n", 0, match.start()) + 1, text.find("\n", match.end())
    around = (text[start : match.start()], text[match.end() : end if end >= 0 else len(text)])
    return (
        not around[0].strip(" \t>*•-.、()（）0123456789一二三四五六七八九十")
        and not around[1].strip()
    )


def _matches(text: str) -> Iterator[re.Match[str]]:
    """What is written like an address; none goes beyond its line."""
    end = 0
    while sign := _SIGN.search(text, end):
        start = text.rfind("\n", end, sign.start()) + 1 or end
        end = text.find("\n", sign.start())
        end = len(text) if end < 0 else end
        yield from _ADDRESS.finditer(text, start, end)


def _without_end(written: str) -> str:
    """Remove punctuation that ends the sentence from an address."""
    end = _END.sub("", written)
    # A parenthesis that the address itself has opened belongs to it.
    opened = end.count("(") > end.count(")") and written[len(end) :][:1] == ")"
    return end + ")" if opened else end


def _in_its_cell(written: str, before: str) -> str:
    """The address without the cells of a table that follow its own: as `before` separates them."""
    own = written.partition(before)[0] if before in ",;|" else written
    return _GLUED.sub("", own)
