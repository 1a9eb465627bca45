"""The elements of HTML: which hold nothing, show nothing, begin a line, or end others that a page
has left open (HTML standard, 13.2.6); and which are a foot, are styled away, or bring more."""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_STYLE = 2_000
"""So many characters of a style, or of a list of names, are looked at."""

VOID = frozenset(
    {
        "area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta",
        "param", "source", "track", "wbr",
    }
)  # fmt: skip
NEVER_SHOWN = frozenset(
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


def moves(tag: str, given: Mapping[str, str]) -> bool:
    """Whether it may bring what is not in the page."""
    refreshes = tag == "meta" and given.get("http-equiv", "").lower() == "refresh"
    return refreshes or tag in ("script", "frame", "iframe")


def is_foot(tag: str, given: Mapping[str, str]) -> bool:
    """Whether a page calls it its foot."""
    if tag in ("html", "body"):
        return False
    if tag == "footer" or given.get("role", "").lower() == "contentinfo":
        return True
    names = f"{given.get('id', '')} {given.get('class', '')}"[:MAX_STYLE].split()
    return any(len(name) <= _MAX_NAME and _FOOT.fullmatch(name) for name in names)


def is_styled_away(style: str) -> bool:
    """Whether by its own style nobody sees it; style sheets are not read."""
    if not style:
        return False
    said = {}
    for declaration in _STYLE_COMMENT.sub("", style[:MAX_STYLE]).lower().split(";"):
        name, _, value = declaration.partition(":")
        said[name.strip()] = value.partition("!")[0].strip()
    return (
        said.get("display") == "none"
        or said.get("visibility") in ("hidden", "collapse")
        or _NOTHING.fullmatch(said.get("font-size", "")) is not None
        or _NOTHING.fullmatch(said.get("opacity", "")) is not None
    )


_MAX_NAME = 60
_STYLE_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NOTHING = re.compile(r"0(?:\.0+)?(?:px|em|rem|pt|%)?")
# footer, site-foot, pageFooter, footerNav and foot2, but not football.
_FOOT = re.compile(
    r"(?:(?:[\w-]*[-_])?(?i:foot|footer|bottom|copyright|beian)"
    r"|\w*(?:Foot|Footer|Bottom|Copyright))(?:[-_0-9A-Z][\w-]*)?"
)
