"""Decoding: bytes as text, whatever charset they are in and whatever they say they are in."""

from __future__ import annotations

import codecs
import re
from email.errors import MessageError
from email.header import decode_header

_SUPERSETS = {
    # A superset has the same characters and more: senders use these under the narrower name.
    "gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "x-gbk": "gb18030",
    "cp936": "gb18030", "chinese": "gb18030", "csgb2312": "gb18030", "big5": "big5hkscs",
    "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "shift_jis": "cp932", "us-ascii": "utf-8",
    "ascii": "utf-8", "iso-8859-1": "cp1252", "latin-1": "cp1252", "iso-8859-9": "cp1254",
    "x-sjis": "cp932", "unicode-1-1-utf-7": "utf-7", "cp-850": "cp850", "utf8": "utf-8",
}  # fmt: skip
_TRIED = ("utf-8", "gb18030", "cp1252")
"""The charsets to try in turn if a text names none, or is not in the one that it names."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_NOT_TEXT = {"base64", "bz2", "hex", "quopri", "rot13", "uu", "zlib", "idna", "punycode"}
# Half a character, or one that a database does not keep.
_UNFIT = re.compile("[\0\ud800-\udfff]")


def decode(raw: bytes, charset: str | None = None) -> str:
    """Return the bytes as text: in their own charset, or in the first one that fits."""
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return fit(raw.decode(name, "replace"))
    for name in (*_named(charset), *_TRIED):
        try:
            return fit(raw.decode(name))
        except (LookupError, ValueError):
            continue
    return fit(raw.decode("utf-8", "replace"))


def header(raw: str) -> str:
    """Return the value of a mail's header, decoded (RFC 2047), on one line.

    `raw`: as the parser returns it, where a byte that is not ASCII is a surrogate.
    """
    if raw.isascii() and "=?" not in raw:
        return " ".join(fit(raw).split())
    plain = decode(raw.encode("utf-8", "surrogateescape")) if not raw.isascii() else raw
    unfolded = re.sub(r"\r?\n[ \t]*", " ", plain)
    try:
        parts = decode_header(unfolded)
    except (MessageError, ValueError):
        parts = [(unfolded, None)]
    text = "".join(
        part if isinstance(part, str) else decode(part, charset or "raw-unicode-escape")
        for part, charset in parts
    )
    return " ".join(fit(text).split())


def fit(text: str) -> str:
    """Return the text without what no database keeps; its lines end with line feeds."""
    kept = _UNFIT.sub("\ufffd", text)
    return kept.replace("\r\n", "\n").replace("\r", "\n")


def _named(charset: str | None) -> tuple[str, ...]:
    if not charset:
        return ()
    plain = charset.strip().strip("\"'").lower().replace("_", "-")
    known = _SUPERSETS.get(plain) or _SUPERSETS.get(plain.replace("-", "_")) or plain
    return () if known.partition("_")[0] in _NOT_TEXT or known in _NOT_TEXT else (known,)
