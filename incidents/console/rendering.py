"""The rendering of pages, in a language and a time zone, with security headers and static files.

A cookie carries the result of an action to the next page, which shows it. A static file is served
under a name derived from its content; a file under that name never changes, so browsers cache it
permanently.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from incidents import clock
from incidents.accounts.identity import distinct_login
from incidents.accounts.open_sessions import IDLE_FOR
from incidents.clock import rfc3339
from incidents.console.languages import NAMES, TAGS, Chosen, spoken
from incidents.locale.language import Language
from incidents.locale.words import TimeFormat
from incidents.values.site_name import in_full, shown

_STATIC = Path(__file__).with_name("static")
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
}
_DIGITS = 16
STATIC_PREFIX = "/static"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A static file, which is served at `path`."""

    path: str
    kind: str
    content: bytes


def _static_file(name: str, content: bytes) -> StaticFile:
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
    return StaticFile(f"{STATIC_PREFIX}/{digest}/{name}", _KINDS[Path(name).suffix], content)


_SHEETS = ("tokens", "base", "frame", "parts", "lists", "queue", "record", "admin", "figures")
"""The style sheets, of which the first one declares the order of the layers."""

_FILES = {
    file.name: file.read_bytes() for file in sorted(_STATIC.iterdir()) if file.suffix in _KINDS
}
_FILES["console.css"] = b"".join((_STATIC / "css" / f"{name}.css").read_bytes() for name in _SHEETS)
STATIC_FILES = {name: _static_file(name, content) for name, content in _FILES.items()}
_BY_PATH = {file.path: file for file in STATIC_FILES.values()}


def _serve_static(request: Request) -> Response:
    found = _BY_PATH.get(request.url.path)
    if found is None:
        return Response("no such file", status_code=404, media_type="text/plain")
    return Response(
        found.content,
        media_type=found.kind,
        headers={
            "Cache-Control": "public, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
        },
    )


STATIC_ROUTE = Route(f"{STATIC_PREFIX}/{{rest:path}}", _serve_static, methods=["GET"])


FLASH_COOKIE = "__Host-incidents-said"
_KEPT_S = 60
_MAX_FLASH = 1_500

Tone = Literal["done", "refused"]


@dataclass(frozen=True, slots=True)
class WayBack:
    """The link to the form that corrects an action: its path, its words, and what that restarts."""

    path: str
    words: str
    effect: str


@dataclass(frozen=True, slots=True)
class Flash:
    """The result of an action, for the next page, and the way back from it."""

    tone: Tone
    words: str
    back: WayBack | None = None


def set_flash(answer: Response, flash: Flash | None) -> Response:
    """Set the cookie that carries the flash to the next page."""
    if flash is not None:
        back = flash.back
        kept = json.dumps(
            [flash.tone, flash.words[:_MAX_FLASH], back and [back.path, back.words, back.effect]],
            ensure_ascii=False,
        )
        answer.set_cookie(
            FLASH_COOKIE, base64.urlsafe_b64encode(kept.encode()).decode(), max_age=_KEPT_S,
            path="/", secure=True, httponly=True, samesite="strict",
        )  # fmt: skip
    return answer


def read_flash(request: Request) -> Flash | None:
    """Read the flash from the request's cookie; None if there is none."""
    kept = request.cookies.get(FLASH_COOKIE)
    if not kept:
        return None
    try:
        tone, told, back = json.loads(base64.urlsafe_b64decode(kept))
        way = None if back is None else WayBack(*map(str, back))
    except (ValueError, TypeError):
        return None
    if way is not None and not way.path.startswith("/incidents/"):
        way = None
    return Flash("refused" if tone == "refused" else "done", str(told)[:_MAX_FLASH], way)


def clear_flash(request: Request, answer: Response) -> None:
    """Delete the cookie after a page has shown its flash."""
    if FLASH_COOKIE in request.cookies:
        answer.delete_cookie(FLASH_COOKIE, path="/", secure=True, httponly=True, samesite="strict")


FOLDER = Path(__file__).with_name("templates")

NAV = (
    ("/", "nav.queue", "look"), ("/incidents", "nav.incidents", "look"),
    ("/sites", "nav.sites", "look"), ("/terms", "nav.terms", "look"),
    ("/orders", "nav.orders", "look"), ("/overview", "nav.overview", "look"),
    ("/simulate", "nav.simulate", "simulate"), ("/audit", "nav.audit", "look"),
    ("/policy", "nav.policy", "look"),
)  # fmt: skip
"""The pages in the navigation: each with the key of its name, and the action that opens it."""

ADMIN = (
    ("/admin/accounts", "accounts.title", "see_accounts"),
    ("/admin/tokens", "tokens.title", "see_accounts"),
    ("/admin/sign-ins", "sign_ins.title", "see_sign_ins"),
    ("/admin/settings", "health.title", "try_alarms"),
    ("/admin/notices", "notices.title", "try_alarms"),
)
"""The pages of administration, each with the key of its name and the right to see it."""


def admin_pages(may: Callable[[str], bool]) -> list[tuple[str, str]]:
    """The pages of administration that somebody may see, who `may` do actions."""
    return [(path, key) for path, key, right in ADMIN if may(right)]


HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cross-Origin-Opener-Policy": "same-origin",
    # By this a page knows an answer of ours from what a proxy says in our place.
    "X-Incidents": "console",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader of a page: their language, time zone, and the current time."""

    language: Chosen
    zone: tzinfo
    now: datetime

    @property
    def spoken(self) -> Language:
        """The language for sentences about the record."""
        return spoken(self.language)

    @property
    def when(self) -> TimeFormat:
        """The format for times in sentences."""
        return TimeFormat(zone=self.zone, now=self.now, language=self.spoken)

    def sentence(self, words: str, names: Iterable[object] = ()) -> str:
        """Make the words a whole sentence; a name at the beginning keeps its case."""
        return self.say("sentence", words=capitalised(words, names))

    def say(self, key: str, /, **facts: Any) -> str:
        """Return the catalogue's text; raises KeyError for an unknown key or a missing fact."""
        return self.spoken.say(key, when=self.when, **facts)

    def phrase(self, key: str) -> str:
        """Return the catalogue's text with its placeholders, for the browser; "" if unknown."""
        return self.spoken.phrases.get(key, "")

    def word(self, group: str, code: str | None) -> str:
        """Return the word for a code of the record, such as `state.active`, or the code itself.

        An unknown code is not an error, because the record may have codes that the catalogue lacks.
        """
        return self.spoken.word(group, code)

    def time(
        self, moment: str | datetime | None, *, relative: bool | Literal["clock"] = False
    ) -> Markup:
        """Return a `<time>` in the reader's time zone, with the exact time in its title.

        The result is empty for None. `relative`: the browser keeps the time left, or the time
        since, up to date; with `clock` as a stopwatch shows it.
        """
        if moment is None:
            return Markup()
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        local = at.astimezone(self.zone)
        today = local.date() == self.now.astimezone(self.zone).date()
        shown = local.strftime("%H:%M" if today else "%Y-%m-%d %H:%M")
        exact = f"{local.isoformat(timespec='seconds')} {self.zone} · {rfc3339(at)}"
        ticks = "clock" if relative == "clock" else ""
        ticking = Markup(' data-ticks="{}"').format(ticks) if relative else Markup()
        return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
            rfc3339(at), exact, ticking, shown
        )


def query(asked: Mapping[str, str | None]) -> str:
    """Return the query string for the filters, without empty filters."""
    return urlencode({name: text for name, text in asked.items() if text})


def capitalised(words: str, names: Iterable[object]) -> str:
    """Begin the words with a capital letter, unless they begin with one of the names.

    `li` and `Li` can be two people, and `Shop.example` is hard to find in a list.
    """
    if any(name and re.match(rf"{re.escape(shown(str(name)))}(?!\w)", words) for name in names):
        return words
    return words[:1].upper() + words[1:]


def response(
    template: str,
    reader: Reader,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **facts: Any,
) -> HTMLResponse:
    """Return the page that the template renders with these facts.

    Templates also know `say`, `phrase`, `word`, `time`, `static`, `language`, `tag` and `now`.
    """
    page = render(template, reader, **facts)
    return HTMLResponse(page, status_code=status, headers={**HEADERS, **(headers or {})})


def render(template: str, reader: Reader, **facts: Any) -> str:
    """Return the page as text."""
    return environment().get_template(f"{template}.html.jinja").render(
        say=reader.say, phrase=reader.phrase, word=reader.word, time=reader.time,
        language=reader.language, tag=TAGS[reader.language], now=rfc3339(reader.now),
        speed=1 if clock.pace is None else clock.pace.speed,
        zone=str(reader.zone), **facts,
    )  # fmt: skip


@cache
def environment() -> Environment:
    """Return the template environment, which escapes everything that is written into a template."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"zip": zip, "shown": shown, "in_full": in_full}
    made.globals |= {"login_beside": distinct_login, "idle_s": int(IDLE_FOR.total_seconds())}
    made.globals |= {
        "static": lambda name: STATIC_FILES[name].path,
        "nav": NAV,
        "admin_pages": admin_pages,
        "languages": NAMES,
        "tags": TAGS,
    }
    return made
