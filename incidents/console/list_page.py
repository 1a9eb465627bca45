"""A list page: its filters as its address names them, as chips, and in the paths of its pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection
from starlette.responses import Response

from incidents.clock import rfc3339
from incidents.console import conditional_response, messages, rendering
from incidents.console.flash import Flash
from incidents.console.rendering import Reader
from incidents.console.request_context import RequestContext
from incidents.contract.action import DESK, SUPERVISOR
from incidents.errors import InputError, RefusedError, UnknownSiteError
from incidents.locale import words
from incidents.store.accounts import saved_views
from incidents.store.accounts.saved_views import SavedView
from incidents.values import inputs
from incidents.values.site_name import shown

MAX_CHARACTERS = 300
MAX_CURSOR = 2_000
_AFTER = "after"

DUE = {
    "overdue": timedelta(0), "10m": timedelta(minutes=10), "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1), "4h": timedelta(hours=4), "24h": timedelta(hours=24),
}  # fmt: skip
"""The choices for a deadline: the time from now until which it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter of a list: its name in the address.

    `codes`: the choices of a select, each with its word in `group`. Without codes the filter is a
    text field that offers `suggested`. `several`: its value is a line of CSV. `hidden`: links
    alone set it, and the form only keeps it.
    """

    name: str
    codes: Sequence[str] = ()
    group: str = ""
    suggested: Sequence[str] = ()
    is_time: bool = False
    several: bool = False
    hidden: bool = False
    max_characters: int = MAX_CHARACTERS

    def told(self, reader: Reader, value: str) -> str:
        """The filter's value, in words."""
        if self.name == "site":
            return shown(value)
        if self.several:
            return reader.spoken.comma.join(reader.word(self.group, each) for each in split(value))
        return reader.word(self.group, value) if self.group else value


def split(value: str) -> list[str]:
    """The values of a filter that has several."""
    return next(csv.reader([value], skipinitialspace=True), [])


def joined(values: Iterable[str]) -> str:
    """The values as one of a filter that has several."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


class Chip(NamedTuple):
    """An active filter: its name and its value in words, and the path of the list without it."""

    label: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """A list at `path` with the filters of its address, and where its page starts."""

    path: str
    filters: Sequence[Filter]
    asked: Mapping[str, str] = field(default_factory=dict)
    after: str | None = None
    keeps: Mapping[str, str] = field(default_factory=dict)
    """Other parameters of the address, which every link of the list keeps."""

    @classmethod
    def of(
        cls, path: str, filters: Sequence[Filter], query: Mapping[str, str],
        keeps: Sequence[str] = (),
    ) -> ListPage:  # fmt: skip
        """Read the address; what is too long to be a filter is cut.

        `keeps`: the parameters to keep if they are 1.
        """
        named = (
            (each.name, query.get(each.name, "").strip()[: each.max_characters]) for each in filters
        )
        after = query.get(_AFTER, "")[: MAX_CURSOR + 1] or None
        asked = {name: value for name, value in named if value}
        kept = {name: "1" for name in keeps if query.get(name) == "1"}
        return cls(path, filters, asked, after, kept)

    def check(self, reader: Reader) -> None:
        """Check the choices; raises InputError, in the reader's language."""
        for each in self.filters:
            given = self.asked.get(each.name)
            if given is not None and each.codes and given not in each.codes:
                known = reader.spoken.comma.join(each.told(reader, code) for code in each.codes)
                name = reader.say(f"filter.{each.name}")
                raise InputError(reader.say("filter.bad", name=name, given=given, known=known))

    def text(self, name: str, limit: int = 100) -> str | None:
        """The filter's text; None without one. Raises RefusedError for a text that nobody types."""
        given = self.asked.get(name)
        return None if given is None else inputs.text(name, limit=limit)(given)

    def site(self) -> str | None:
        """The name of the site; None without one. Raises BadSiteNameError."""
        given = self.asked.get("site")
        return None if given is None else inputs.site(given)

    def category(self) -> str | None:
        """The code of the category; None without one. Raises RefusedError, as `text` does."""
        given = self.text("category")
        return None if given is None else words.category_code(given)

    def due_before(self, now: datetime) -> datetime | None:
        """The time (UTC) before which a deadline ends; None for any. `check` comes first."""
        due = self.asked.get("due")
        return None if due is None else now + DUE[due]

    @property
    def query(self) -> str:
        """The filters as a query string, in their order, without the page."""
        return rendering.query({**self.keeps, **self.asked})

    @property
    def here(self) -> str:
        """The address of this page of the list."""
        return self._at({**self.asked, _AFTER: self.after})

    @property
    def first(self) -> str:
        """The address of the list's first page."""
        return self._at(self.asked)

    @property
    def cleared(self) -> str:
        """The address of the list without filters."""
        return self._at({})

    def at(self, **changes: str | None) -> str:
        """The address of the first page with those filters changed; None removes one."""
        return self._at({**self.asked, **changes})

    def following(self, cursor: str) -> str:
        """The address of the page after the cursor."""
        return self._at({**self.asked, _AFTER: cursor})

    def file(self, ending: str) -> str:
        """The address of the filtered list as a file."""
        return f"{self.path}.{ending}{self._query(self.asked)}"

    def chips(self, reader: Reader) -> list[Chip]:
        """The active filters."""
        return list(self._chips(reader))

    def _chips(self, reader: Reader) -> Iterator[Chip]:
        for each in self.filters:
            value = self.asked.get(each.name)
            if value is not None:
                label = reader.say(f"filter.{each.name}")
                yield Chip(label, each.told(reader, value), self.at(**{each.name: None}))

    def _at(self, asked: Mapping[str, str | None]) -> str:
        return self.path + self._query(asked)

    def _query(self, asked: Mapping[str, str | None]) -> str:
        order = [*(each.name for each in self.filters), _AFTER]
        found = rendering.query({**self.keeps, **{name: asked.get(name) for name in order}})
        return f"?{found}" if found else ""


class Wrong(NamedTuple):
    """What is wrong with a filter, in words, and the sites that may be meant instead."""

    words: str
    nearest: list[str]


def wrong(reader: Reader, error: InputError | RefusedError) -> Wrong:
    """What to show of an error, with the nearest names apart, which the list shows as links."""
    nearest = error.facts.get("nearest")
    if not isinstance(error, UnknownSiteError) or not isinstance(nearest, list):
        return Wrong(messages.of_error(reader, error).words, [])
    alone = UnknownSiteError(site=error.facts["site"], way_out="", nearest=[])
    return Wrong(messages.of_error(reader, alone).words, nearest)


class Tab(NamedTuple):
    """A saved view among the tabs of its list, and whether the person may change it."""

    view: SavedView
    path: str
    is_open: bool
    may_change: bool


def tabs(connection: Connection, here: RequestContext, listed: ListPage) -> list[Tab]:
    """The saved views of the list that the person may see."""
    found = saved_views.listed(connection, listed.path, here.by)
    return [
        Tab(each, f"{each.page}?{each.query}", each.query == listed.query, may_change(here, each))
        for each in found
    ]


def facts(here: RequestContext, listed: ListPage, saved: Sequence[Tab]) -> dict[str, Any]:
    """What `list_parts.html.jinja` shows of the list."""
    return {
        "list": listed, "chips": listed.chips(here.reader), "tabs": saved,
        "may_share": may_share(here),
    }  # fmt: skip


def answer(
    here: RequestContext,
    template: str,
    *,
    status: int = 200,
    flash: Flash | None = None,
    **shown: Any,
) -> Response:
    """Render the page of a list, or only its part that a page already open asks for anew."""
    if status != 200 or here.request.headers.get("hx-target") != "fresh":
        return here.page(template, status=status, flash=flash, **shown)
    text = rendering.render(template, here.reader, is_part=True, flash=None, **here.known, **shown)
    return conditional_response.response(here.request, text, now=rfc3339(here.reader.now))


def may_share(here: RequestContext) -> bool:
    """Whether the person may share views: those who work at the desk may."""
    return here.identity.role in DESK


def may_change(here: RequestContext, view: SavedView) -> bool:
    """Whether the person may change the view: its owner may, and supervisors one that is shared."""
    return view.owner == here.by or (view.shared and here.identity.role in SUPERVISOR)


def counted(counts: Mapping[str, int], codes: Iterable[str]) -> list[tuple[str, int]]:
    """The counts in the order of those codes, without zeros."""
    return [(code, counts[code]) for code in codes if counts.get(code)]
