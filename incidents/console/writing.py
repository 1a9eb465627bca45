"""The writing: how a page is written, in a language and a zone, with the headers that guard it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse

from incidents.accounts.identity import login_beside
from incidents.accounts.open_sessions import IDLE_FOR
from incidents.clock import rfc3339
from incidents.console import static_files
from incidents.console.words import NAMES, TAGS, Chosen, spoken, texts
from incidents.locale.words import When

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from incidents.locale.language import Language

FOLDER = Path(__file__).with_name("templates")

NAV = (
    ("/", "nav.queue"), ("/sites", "nav.sites"), ("/terms", "nav.terms"),
    ("/orders", "nav.orders"), ("/overview", "nav.overview"), ("/simulate", "nav.simulate"),
    ("/audit", "nav.audit"), ("/policy", "nav.policy"),
)  # fmt: skip
"""The pages that stand at the top of each page, with the keys of their names."""

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
    """Who a page is written for: their language, the zone of their times, and the moment."""

    language: Chosen
    zone: tzinfo
    now: datetime

    @property
    def spoken(self) -> Language:
        """The language in which the record is told."""
        return spoken(self.language)

    @property
    def when(self) -> When:
        """How times are told in sentences."""
        return When(zone=self.zone, now=self.now, language=self.spoken)

    def sentence(self, words: str, names: Iterable[object] = ()) -> str:
        """Words of the record as a whole sentence; a name that begins it stays as it is."""
        return self.say("sentence", words=capitalised(words, names))

    def say(self, key: str, /, **facts: Any) -> str:
        """The catalogue's text; raises KeyError for a key that is none."""
        text = texts(self.language)[key]
        return text.format_map(facts) if facts else text

    def word(self, group: str, code: str | None) -> str:
        """What a code of the record is called, `state.active` say; the code where it has no name.

        Never a KeyError: the record may know more codes than the catalogue.
        """
        return texts(self.language).get(f"{group}.{code}", str(code))

    def time(self, moment: str | datetime | None, *, relative: bool = False) -> Markup:
        """A `<time>` in the reader's zone, the exact moment in UTC beside it; empty for None.

        `relative` is kept fresh by the browser: how long there still is, or how long ago it was.
        """
        from markupsafe import Markup

        if moment is None:
            return Markup()
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        local = at.astimezone(self.zone)
        today = local.date() == self.now.astimezone(self.zone).date()
        shown = local.strftime("%H:%M" if today else "%Y-%m-%d %H:%M")
        exact = f"{local.isoformat(timespec='seconds')} {self.zone} · {rfc3339(at)}"
        ticking = Markup(' data-ticks=""') if relative else Markup()
        return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
            rfc3339(at), exact, ticking, shown
        )


def capitalised(words: str, names: Iterable[object]) -> str:
    """The words as a sentence begins, unless it begins with one of those names.

    `li` and `Li` may be two people, and nobody finds `Shop.example` in a list.
    """
    if any(name and re.match(rf"{re.escape(str(name))}(?!\w)", words) for name in names):
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
    """The page that the template makes of these facts.

    Templates know `say`, `word`, `time`, `static`, `language`, `tag`, and `now` beside them.
    """
    page = written(template, reader, **facts)
    return HTMLResponse(page, status_code=status, headers={**HEADERS, **(headers or {})})


def written(template: str, reader: Reader, **facts: Any) -> str:
    """The same as text."""
    return environment().get_template(f"{template}.html.jinja").render(
        say=reader.say, word=reader.word, time=reader.time, language=reader.language,
        tag=TAGS[reader.language], now=rfc3339(reader.now), zone=str(reader.zone), **facts,
    )  # fmt: skip


@cache
def environment() -> Environment:
    """The templates: everything that is written into one is text, whatever stands in it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["zip"] = zip
    made.globals |= {"login_beside": login_beside, "idle_s": int(IDLE_FOR.total_seconds())}
    made.globals |= {"static": static_files.path, "nav": NAV, "languages": NAMES, "tags": TAGS}
    return made
