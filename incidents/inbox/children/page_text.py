"""The title and the text of a fetched page. Nothing that it names is loaded, and nothing runs."""

from __future__ import annotations

import re
from typing import NamedTuple

from incidents.inbox import html_text
from incidents.inbox.children.source_view import plain
from incidents.inbox.decoding import decode
from incidents.inbox.source import kind_of

MAX_TITLE = 300
MAX_TEXT = 20_000
"""The maximum numbers of characters that are kept of the title and of the text."""

_HTML = frozenset({"text/html", "application/xhtml+xml", ""})
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_META_WITHIN = 1_024


class PageText(NamedTuple):
    """The title and the text; or why there is none, as a code: see `preview.Preview`."""

    title: str = ""
    text: str = ""
    reason: str | None = None


def of_page(body: bytes, content_type: str) -> PageText:
    """The title and the text of a page with that Content-Type (empty if it has none)."""
    type_ = _type_of(content_type)
    if not (type_ in _HTML or type_.startswith("text/")) or kind_of(body) != "text":
        return PageText(reason="kind")
    text = decode(body, _charset(body, content_type))
    if type_ not in _HTML:
        return PageText(text=plain(text[:MAX_TEXT]))
    title, found = html_text.page_of(text)
    return PageText(plain(title[:MAX_TITLE]), plain(found[:MAX_TEXT]))


def is_html(content_type: str) -> bool:
    """Whether a page with that Content-Type is HTML; without one it is taken for that."""
    return _type_of(content_type) in _HTML


def _type_of(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _charset(body: bytes, content_type: str) -> str | None:
    said = _CHARSET.search(content_type)
    if said is not None:
        return said[1]
    meta = _META.search(body[:_META_WITHIN])
    return None if meta is None else meta[1].decode("ascii", "replace")
