"""The rendering of pages, in a language and a time zone, with security headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from incidents import clock
from incidents.accounts.identity import distinct_login
from incidents.accounts.open_sessions import IDLE_FOR
from incidents.clock import rfc3339
from incidents.console.languages import NAMES, TAGS, Chosen, spoken
from incidents.console.static_files import STATIC_FILES
from incidents.locale.language import Language
from incidents.locale.words import TimeFormat
from incidents.values.site_name import in_full, shown

FOLDER = Path(__file__).with_name("templates")

NAV = (
    ("/", "nav.queue", "look"), ("/reports", "nav.reports", "look"),
    ("/incidents", "nav.incidents", "look"),
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


_OF_QUEUE = ("/log", "/hand-over", "/bulk", "/queue")


def nav_page(here: str) -> str | None:
    """The page in the navigation to which the page `here` belongs; None if it belongs to none."""
    path = here.partition("?")[0]
    if path == "/" or any(path == each or path.startswith(f"{each}/") for each in _OF_QUEUE):
        return "/"
    found = (page for page, _, _ in NAV[1:] if path == page or path.startswith(f"{page}/"))
    return next(found, None)


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
        self,
        moment: str | datetime | None,
        *,
        relative: bool | Literal["clock"] = False,
        beside: Iterable[str | None] = (),
        dated: bool = False,
        seconds: bool = False,
    ) -> Markup:
        """Return a `<time>` in the reader's time zone, with the exact time in its title.

        The result is empty for None. `relative`: the browser keeps the time left, or the time
        since, up to date; with `clock` as a stopwatch shows it. `beside`: the other times of the
        row; if one of them has a date, this one has, too. `dated`: with the date also if it is
        today's, for times of several days in one table.
        """
        if moment is None:
            return Markup()
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        local = at.astimezone(self.zone)
        is_today = all(self._is_today(each) for each in (at, *beside) if each is not None)
        day = "" if is_today and not dated else "%Y-%m-%d "
        shown = local.strftime(day + ("%H:%M:%S" if seconds else "%H:%M"))
        exact = f"{local.isoformat(timespec='seconds')} {self.zone} · {rfc3339(at)}"
        ticks = "clock" if relative == "clock" else ""
        ticking = Markup(' data-ticks="{}"').format(ticks) if relative else Markup()
        return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
            rfc3339(at), exact, ticking, shown
        )

    def _is_today(self, moment: str | datetime) -> bool:
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        return at.astimezone(self.zone).date() == self.now.astimezone(self.zone).date()


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


def joined(sentences: Iterable[str]) -> str:
    """Join the sentences with spaces, except between Chinese sentences."""
    return re.sub("(?<=[。？！）]) ", "", " ".join(sentences))


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
    made = environment().get_template(f"{template}.html.jinja")
    return made.render(**facts_of(reader), **facts)


def facts_of(reader: Reader) -> dict[str, Any]:
    """What every template knows."""
    fast = clock.fast_clock
    return {
        "say": reader.say, "phrase": reader.phrase, "word": reader.word, "time": reader.time,
        "language": reader.language, "tag": TAGS[reader.language], "now": rfc3339(reader.now),
        "speed": 1 if fast is None else fast.speed, "zone": str(reader.zone),
    }  # fmt: skip


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
        "nav_page": nav_page,
        "languages": NAMES,
        "tags": TAGS,
    }
    return made
