"""The properties of HTML: its encoding, and which elements are footers or hidden, or load content.

The encoding is determined in the order of the HTML standard (13.2.3): a byte order mark, the
server's header, the page's own declaration. A page without any of these is UTF-8 if valid,
otherwise GB18030, as older Chinese pages are. The module also knows which elements end unclosed
elements (HTML standard, 13.2.6), mark a footer, are hidden by style, or load more content.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

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
# The encodings of browsers: a page must not choose any of Python's codecs.
_KNOWN = re.compile(
    r"utf-?8|utf-16(?:[lb]e|-[lb]e)?|big5(?:-hkscs)?|shift_jis|sjis|euc-(?:jp|kr)|iso-2022-jp"
    r"|koi8-[ru]|windows-(?:874|949|125[0-8])|iso-8859-(?:[2-9]|1[0-6])|gb18030"
)


def decode(body: bytes, server_charset: str | None = None) -> tuple[str, str]:
    """The text of a page, with U+FFFD for invalid bytes, and the encoding of the page.

    `server_charset`: the charset in the header Content-Type.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace"), encoding
    encoding = _known(server_charset or "") or _declared(body) or _guess(body)
    return body.decode(encoding, "replace"), encoding


def _declared(body: bytes) -> str | None:
    found = _SAID.search(body[:_LOOKED_AT])
    encoding = _known(found[1].decode("ascii")) if found else None
    # If this is readable in single bytes, it is not UTF-16.
    return "utf-8" if encoding is not None and encoding.startswith("utf-16") else encoding


def _guess(body: bytes) -> str:
    # The last character may be cut.
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


MAX_STYLE = 2_000
"""The maximum number of characters read from a style, or from a list of names."""

VOID = frozenset(
    {
        "area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta",
        "param", "source", "track", "wbr",
    }
)  # fmt: skip
INVISIBLE_ELEMENTS = frozenset(
    {
        "script", "style", "title", "template", "noscript", "iframe", "noframes", "noembed",
        "object", "audio", "video", "canvas", "textarea", "select", "datalist",
    }
)  # fmt: skip
DRAWINGS = ("svg", "math")
BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details",
        "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form",
        "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "li", "main",
        "marquee", "menu", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td",
        "tfoot", "th", "thead", "tr", "ul",
    }
)  # fmt: skip
BREAKS = BLOCKS | {"br"}
_SCOPE = frozenset(
    {"table", "td", "th", "caption", "marquee", "html", "object", "template", "button"}
)
PARAGRAPH = ((frozenset({"p"}), BLOCKS - {"p"} | _SCOPE),)
_LIST = frozenset({"ul", "ol", "menu", "dir", "table"})
_TABLE = frozenset({"table"})
ENDED_BY: dict[str, tuple[tuple[frozenset[str], frozenset[str]], ...]] = {
    "a": ((frozenset({"a"}), _SCOPE),),
    "li": ((frozenset({"li"}), _LIST),),
    "dd": ((frozenset({"dd", "dt"}), frozenset({"dl", "table"})),),
    "dt": ((frozenset({"dd", "dt"}), frozenset({"dl", "table"})),),
    "td": ((frozenset({"td", "th"}), _TABLE | {"tr"}),),
    "th": ((frozenset({"td", "th"}), _TABLE | {"tr"}),),
    "tr": ((frozenset({"tr"}), _TABLE),),
    "tbody": ((frozenset({"thead", "tbody", "tfoot"}), _TABLE),),
    "tfoot": ((frozenset({"thead", "tbody", "tfoot"}), _TABLE),),
}


def loads_content(tag: str, attributes: Mapping[str, str]) -> bool:
    """Return whether the element can load content that is not in the page."""
    refreshes = tag == "meta" and attributes.get("http-equiv", "").lower() == "refresh"
    return refreshes or tag in ("script", "frame", "iframe")


def is_footer(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether the page marks the element as its footer."""
    if tag in ("html", "body"):
        return False
    if tag == "footer" or attributes.get("role", "").lower() == "contentinfo":
        return True
    names = f"{attributes.get('id', '')} {attributes.get('class', '')}"[:MAX_STYLE].split()
    return any(len(name) <= _MAX_NAME and _FOOT.fullmatch(name) for name in names)


def is_hidden_by_style(style: str) -> bool:
    """Whether the element's own style hides it; style sheets are not read."""
    if not style:
        return False
    declarations = {}
    for declaration in _STYLE_COMMENT.sub("", style[:MAX_STYLE]).lower().split(";"):
        name, _, value = declaration.partition(":")
        declarations[name.strip()] = value.partition("!")[0].strip()
    return (
        declarations.get("display") == "none"
        or declarations.get("visibility") in ("hidden", "collapse")
        or _NOTHING.fullmatch(declarations.get("font-size", "")) is not None
        or _NOTHING.fullmatch(declarations.get("opacity", "")) is not None
    )


_MAX_NAME = 60
_STYLE_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NOTHING = re.compile(r"0(?:\.0+)?(?:px|em|rem|pt|%)?")
# footer, site-foot, pageFooter, footerNav and foot2, but not football.
_FOOT = re.compile(
    r"(?:(?:[\w-]*[-_])?(?i:foot|footer|bottom|copyright|beian)"
    r"|\w*(?:Foot|Footer|Bottom|Copyright))(?:[-_0-9A-Z][\w-]*)?"
)
