"""The charset: in which encoding a page is written, as a browser finds it out.

The order is that of the HTML standard (13.2.3): a byte order mark, what the server says, what the
page says of itself. A page that says nothing is UTF-8 if it can be, else GB18030, which holds what
older pages in Chinese are written in.
"""

from __future__ import annotations

import codecs
import re

_LOOKED_AT = 4_096
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAID = re.compile(
    rb"<meta[^>]{0,400}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([a-z0-9_:-]{1,40})", re.IGNORECASE
)
_CHINESE = re.compile(r"(?:x-|cs)?gb(?:k|_?2312.*|18030)|chinese|euc-?cn|hz-gb-2312")
_LATIN = re.compile(r"(?:us-)?ascii|latin-?1|iso-?8859-?1")
# What browsers know; a page must not choose any codec of Python's.
_KNOWN = re.compile(
    r"utf-?8|utf-16(?:[lb]e|-[lb]e)?|big5(?:-hkscs)?|shift_jis|sjis|euc-(?:jp|kr)|iso-2022-jp"
    r"|koi8-[ru]|windows-(?:874|949|125[0-8])|iso-8859-(?:[2-9]|1[0-6])|gb18030"
)


def decode(body: bytes, said_by_server: str | None = None) -> tuple[str, str]:
    """The text of a page, and the encoding that it was read in; what is no text in it is U+FFFD.

    `said_by_server` is the charset of the header Content-Type.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace"), encoding
    encoding = _known(said_by_server or "") or _said_by_page(body) or _guessed(body)
    return body.decode(encoding, "replace"), encoding


def _said_by_page(body: bytes) -> str | None:
    found = _SAID.search(body[:_LOOKED_AT])
    encoding = _known(found[1].decode("ascii")) if found else None
    # Whoever can read this in single bytes knows that it is not UTF-16.
    return "utf-8" if encoding is not None and encoding.startswith("utf-16") else encoding


def _guessed(body: bytes) -> str:
    # The last character may have been cut through.
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _known(label: str) -> str | None:
    name = label.strip(" \t\"'").lower()
    if _CHINESE.fullmatch(name):
        return "gb18030"
    if _LATIN.fullmatch(name):
        return "windows-1252"
    return name if _KNOWN.fullmatch(name) else None
