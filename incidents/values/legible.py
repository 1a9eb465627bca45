"""The legible text: with its addresses as a program finds them, however people wrote them."""

from __future__ import annotations

import re

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad"))
# Letters, digits and the full stop of Chinese keyboards.
_WIDE = {
    ord(wide): chr(ord(wide) - 0xFEE0)
    for first, last in ("０９", "ＡＺ", "ａｚ", "．．")
    for wide in map(chr, range(ord(first), ord(last) + 1))
}
_SCHEME = re.compile(
    r"(?<![a-z])h(?P<defanged>tt|xx|tx|xt|\*\*|\+\+|__)p(?P<s>s?)\s?"
    r"(?:[:：;；]\s?(?P<slashes>//?|／／?|\\\\)|//)(?P<rest>[^\s<>\"'”」』，。；、！？（）【】《》]*)",
    re.IGNORECASE,
)
_WIDE_STOP = re.compile(r"(?<=://)((?:[a-z0-9-]{1,63}。){1,5})(?=[a-z0-9])", re.IGNORECASE)
# With a space before it, one after it is gone, too; otherwise it may end a sentence.
_DOT = re.compile(
    r"(?P<spaced> )?[\[({（]\s?(?:\.|dot|点|點)\s?[\])}）](?(spaced) ?)", re.IGNORECASE
)
_DOT_WITHIN = re.compile(r"\[\.([a-z]{2,24})\]", re.IGNORECASE)
_HALF_DOT = re.compile(r"(?<=[a-z0-9])\[\.(?=[a-z0-9])", re.IGNORECASE)
_NAME_BEFORE_CHINESE = re.compile(
    r"(h(?:tt|xx)ps?://[a-z0-9.\[\]-]{1,250}[.\]](?:[a-z]{2,24}|\d{1,3})(?::\d{1,5})?)"
    r"(?=[\u4e00-\u9fff])",
    re.IGNORECASE,
)
_WRAPPED = re.compile(
    r"<((?:h(?:tt|xx)ps?)://[^<>\s]{10,1000})\n([^<>\s]{1,1000})(?:\n([^<>\s]{1,1000}))?>",
    re.IGNORECASE,
)


def legible(text: str) -> str:
    """Return the text with the addresses in it as a program finds them; what is defanged stays so.

    Gone are invisible characters, wide ones, and line breaks within `<…>`.
    """
    plain = text.translate(_INVISIBLE).replace("[/]", "/").replace("meow://", "hxxp://")
    if not plain.isascii():
        plain = plain.translate(_WIDE)
    plain = _SCHEME.sub(_scheme, plain)
    if "。" in plain:
        plain = _WIDE_STOP.sub(lambda found: found[1].replace("。", "."), plain)
    plain = _DOT_WITHIN.sub(r"[.]\1", _DOT.sub("[.]", plain))
    if "[." in plain:
        plain = _HALF_DOT.sub("[.]", plain)
    if not plain.isascii():
        plain = _NAME_BEFORE_CHINESE.sub(r"\1 ", plain)
    return _WRAPPED.sub(lambda found: f"<{''.join(filter(None, found.groups()))}>", plain)


def _scheme(found: re.Match[str]) -> str:
    middle = "tt" if found["defanged"].lower() == "tt" else "xx"
    # The other slashes are as the first two.
    rest = found["rest"].replace((found["slashes"] or "/")[0], "/")
    return f"h{middle}p{found['s']}://{rest}"
