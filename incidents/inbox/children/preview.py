"""The preview: takes a report's bytes apart to show them, in a child with strict limits.

It also reads the pages that were found at a report's addresses.

The child sees the report's bytes alone. It ends with its work: nothing of one report is left for
the next.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import BoundedSemaphore
from typing import Any, Literal, NamedTuple

from incidents.inbox.children import page_text, source_view
from incidents.inbox.children.limited_child import Answer, LimitedChild, ParserNotStartedError
from incidents.inbox.children.page_text import PageText
from incidents.inbox.children.source_view import SourceView

MAX_AT_ONCE = 2
"""The maximum number of children of this process at a time; others wait."""

_AT_ONCE = BoundedSemaphore(MAX_AT_ONCE)
_TEXTS = ("application/json", "application/xml", "application/x-ndjson", "application/csv")
_ENDINGS = (".csv", ".json", ".log", ".txt", ".xml", ".tsv")
_NAMELESS = ("application/octet-stream", "")

Kind = Literal["source", "preview", "file", "page", "screenshot"]


class Preview(NamedTuple):
    """What is shown of a file: its text, or a PNG; or why it is not shown, as a code.

    The codes: `kind` (of a kind that is not shown), `picture` (not a picture), `large`, `missing`
    (not in the bytes that are read), `no_library`, and those of `limited_child.Answer`.
    """

    source: SourceView | None = None
    picture: bytes | None = None
    reason: str | None = None


def view_source(raw: bytes) -> SourceView:
    """The view of a report's bytes; with a reason if the child could not make it."""
    found, reason = _ask("source", raw, "")
    return SourceView(reason=reason) if reason else found


def preview(raw: bytes, digest: str) -> Preview:
    """The preview of the attachment with that digest."""
    found, reason = _ask("preview", raw, digest)
    return Preview(reason=reason) if reason else found


def extract(raw: bytes, digest: str) -> bytes | None:
    """The bytes of the attachment with that digest; None if it cannot be taken out."""
    found, reason = _ask("file", raw, digest)
    return None if reason else found


def read_page(raw: bytes, content_type: str) -> PageText:
    """The title and the text of a page; with a reason if the child could not read it."""
    found, reason = _ask("page", raw, content_type)
    return PageText(reason=reason) if reason else found


def redraw_screenshot(png: bytes) -> Preview:
    """The preview of a page's picture."""
    found, reason = _ask("screenshot", png, "")
    return Preview(reason=reason) if reason else found


def _ask(kind: Kind, raw: bytes, about: str) -> Answer:
    """Return the child's answer, or why there is none."""
    try:
        with _AT_ONCE, LimitedChild(__name__, kind) as child:
            [answer] = child.work([(kind, raw, about)])
            return answer
    except ParserNotStartedError:
        return None, "crashed"


def prepared(kind: Kind) -> Callable[[tuple[Kind, bytes, str]], Any]:
    """What the child does with a report or a page; see `limited_child.Work`."""
    if kind in ("preview", "screenshot"):
        with suppress(ImportError):
            from incidents.inbox.children import picture  # noqa: F401
    return lambda piece: _work(*piece)


def _work(kind: Kind, raw: bytes, digest: str) -> Any:
    if kind == "source":
        return source_view.of_source(raw)
    if kind == "page":
        return page_text.of_page(raw, digest)
    if kind == "screenshot":
        return _redrawn(raw, is_page=True)
    from incidents.inbox.source import Source

    part = Source(raw).attached(digest)
    if kind == "file":
        return None if part is None else part.content
    if part is None:
        return Preview(reason="missing")
    return _previewed(part.content, _type_of(part.type, part.name), part.charset)


def _type_of(type_: str, name: str) -> str:
    """The media type by which the file is shown; a text without a type has it from its name."""
    lower = name.lower()
    if lower.endswith(".eml"):
        return "message/rfc822"
    if lower.endswith((".html", ".htm")):
        return "text/html"
    if type_ in _NAMELESS and lower.endswith(_ENDINGS):
        return "text/plain"
    return type_


def _previewed(content: bytes, type_: str, charset: str | None) -> Preview:
    from incidents.inbox.source import kind_of

    is_picture = type_.startswith("image/") or (
        type_ in _NAMELESS and kind_of(content) == "image"
    )  # fmt: skip
    if type_ == "image/svg+xml":
        return Preview(reason="kind")
    if is_picture:
        return _redrawn(content)
    if type_.startswith(("text/", "message/")) or type_ in _TEXTS or type_.endswith("+json"):
        found = source_view.of_file(content, type_, charset)
        return Preview(reason=found.reason) if found.reason else Preview(source=found)
    return Preview(reason="kind")


def _redrawn(content: bytes, *, is_page: bool = False) -> Preview:
    try:
        from incidents.inbox.children import picture
    except ImportError:
        return Preview(reason="no_library")
    try:
        most = picture.MAX_SIDE_OF_PAGE if is_page else picture.MAX_SIDE
        return Preview(picture=picture.redraw(content, most))
    except picture.NoPictureError as error:
        return Preview(reason=error.reason)
