"""The client: a desk's HTTP API for other programs, typed, over httpx.

    with Client("https://desk.host.example", token) as desk:
        desk.log("shop.example", urls=["https://shop.example/a"], key="crawler-4711")

Each act takes a `key`, which makes it safe to repeat, `if_match`, the ETag of the site as it was
seen, and `dry_run`. Times are texts in RFC 3339.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypedDict, TypeVar, Unpack
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from incidents.api import answers

M = TypeVar("M", bound=BaseModel)
P = TypeVar("P", answers.SitePage, answers.IncidentPage, answers.LinePage)
PREFIX = "/api/v1"


class How(TypedDict, total=False):
    """How an act is asked for."""

    key: str
    if_match: str
    dry_run: bool


@dataclass
class ProblemError(Exception):
    """What the API has answered in place of what was asked for (RFC 9457).

    `type` ends in the refusal's name (docs/reference/refusals.md), `facts` fill its sentence.
    """

    status: int
    type: str
    detail: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    errors: Sequence[Mapping[str, Any]] = ()

    @property
    def name(self) -> str:
        """The problem's name: `unknown-site`."""
        return self.type.rpartition(":")[2]

    def __str__(self) -> str:
        return f"{self.status} {self.name}: {self.detail}"


class Client:
    """Somebody with a token of a desk; `timeout_s` is for each wait.

    All methods raise ProblemError for what is refused, and httpx.HTTPError when nothing answers:
    then an act with a `key` may be asked for again.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=url, timeout=timeout_s, transport=transport,
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # Looking.

    def site(self, site: str, *, reveal: bool = False) -> answers.SiteInFull:
        """How a site stands, and whom to call."""
        return self._get(answers.SiteInFull, f"/sites/{_part(site)}", reveal=reveal)

    def etag(self, site: str) -> str:
        """The ETag of a site as it stands, for `if_match`."""
        return self._answered("GET", f"/sites/{_part(site)}").headers["ETag"]

    def why(self, site: str) -> answers.Why:
        """Why a site stands as it does."""
        return self._get(answers.Why, f"/sites/{_part(site)}/why")

    def sites(self, **filters: Any) -> Iterator[answers.Site]:
        """All sites, by `state`, `held`, `disputed`, or with `q` in the name; page by page."""
        for page in self._pages(answers.SitePage, "/sites", filters):
            yield from page.items

    def incidents(self, **filters: Any) -> Iterator[answers.Incident]:
        """All incidents, by `site`, `state`, `category`, `since`, `until`, or with `q` in them."""
        for page in self._pages(answers.IncidentPage, "/incidents", filters):
            yield from page.items

    def timeline(self, site: str) -> Iterator[answers.Line]:
        """What happened to a site, the earliest first."""
        for page in self._pages(answers.LinePage, f"/sites/{_part(site)}/timeline", {}):
            yield from page.items

    def incident(self, incident: str, *, reveal: bool = False) -> answers.IncidentInFull:
        """All that is on record of an incident."""
        return self._get(answers.IncidentInFull, f"/incidents/{_part(incident)}", reveal=reveal)

    def search(self, q: str) -> answers.Found:
        """The first sites and incidents in which something stands."""
        return self._get(answers.Found, "/search", q=q)

    def queue(self, **asked: Any) -> answers.Queue:
        """A page of what must be done, by `mine`, `limit`, `cursor`, `reveal`."""
        return self._get(answers.Queue, "/queue", **asked)

    def orders(self, **asked: Any) -> answers.Orders:
        """Orders that are not carried out, by `dead`, `site`, `limit`."""
        return self._get(answers.Orders, "/orders", **asked)

    def policy(self) -> answers.Policy:
        """The active policy."""
        return self._get(answers.Policy, "/policy")

    def duties(self, **asked: Any) -> answers.Duties:
        """What the police are to be told of."""
        return self._get(answers.Duties, "/duty", **asked)

    def entries(self, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        """The record's entries after a position, each with its own; in bounded memory."""
        path = f"{PREFIX}/entries"
        with self._http.stream("GET", path, params={"after": after}) as response:
            if response.is_error:
                response.read()
                raise _problem(response)
            for line in response.iter_lines():
                found = json.loads(line)
                yield found["position"], found["entry"]

    # Acting.

    def add_site(self, site: str, *, phone: str | None = None, email: str | None = None,
                 person: str | None = None, **how: Unpack[How]) -> answers.Acted:  # fmt: skip
        """Take a site into the register."""
        words = {"site": site, "phone": phone, "email": email, "person": person}
        return self._act("/sites", words, how)

    def log(self, site: str, *, urls: Sequence[str] = (), category: str | None = None,
            note: str | None = None, at: str | None = None, again: bool = False,
            **how: Unpack[How]) -> answers.Acted:  # fmt: skip
        """Log a violation on a site."""
        words = {"urls": list(urls), "category": category, "note": note, "at": at, "again": again}
        return self._act(f"/sites/{_part(site)}/incidents", words, how)

    def contact(self, to: str, outcome: str, *, note: str | None = None, at: str | None = None,
                **how: Unpack[How]) -> answers.Acted:  # fmt: skip
        """Record a contact about an incident, such as 12-3, or about all that is open on a site."""
        what = "incidents" if _is_id(to) else "sites"
        words = {"outcome": outcome, "note": note, "at": at}
        return self._act(f"/{what}/{_part(to)}/contacts", words, how)

    def of_incident(self, incident: str, act: str, words: Mapping[str, Any] | None = None,
                    **how: Unpack[How]) -> answers.Acted:  # fmt: skip
        """Another act on an incident: removed, recur, void, take-back, reported …"""
        return self._act(f"/incidents/{_part(incident)}/{_part(act)}", words or {}, how)

    def of_site(self, site: str, act: str, words: Mapping[str, Any] | None = None,
                **how: Unpack[How]) -> answers.Acted:  # fmt: skip
        """Another act on a site: hold, unhold, decline, uphold …"""
        return self._act(f"/sites/{_part(site)}/{_part(act)}", words or {}, how)

    def of_item(self, item: str, act: str, words: Mapping[str, Any] | None = None,
                **how: Unpack[How]) -> answers.Acted:  # fmt: skip
        """An act on an item of the queue: claim, release, done."""
        return self._act(f"/queue/{_part(item)}/{_part(act)}", words or {}, how)

    def attach(self, incident: str, file: Path, **how: Unpack[How]) -> answers.Acted:
        """Attach a file to an incident as evidence."""
        path = f"/incidents/{_part(incident)}/evidence"
        with file.open("rb") as content:
            sent = {"file": (file.name, content)}
            return _read(answers.Acted, self._answered("POST", path, how, files=sent))

    def batch(self, commands: Sequence[Mapping[str, Any]], **how: Unpack[How]) -> answers.Results:
        """Up to 1,000 commands in one transaction, each `{"do": …, "to": …, "words": {…}}`."""
        body = {"commands": list(commands)}
        return _read(answers.Results, self._answered("POST", "/batch", how, json=body))

    # How it is sent.

    def _get(self, model: type[M], path: str, **params: Any) -> M:
        return _read(model, self._answered("GET", path, params=params))

    def _act(self, path: str, words: Mapping[str, Any], how: How) -> answers.Acted:
        given = {name: value for name, value in words.items() if value is not None}
        return _read(answers.Acted, self._answered("POST", path, how, json=given))

    def _pages(self, model: type[P], path: str, filters: Mapping[str, Any]) -> Iterator[P]:
        asked = dict(filters)
        while True:
            page: P = self._get(model, path, **asked)
            yield page
            if page.next is None:
                return
            asked["cursor"] = page.next

    def _answered(
        self,
        method: str,
        path: str,
        how: How | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        **sent: Any,
    ) -> httpx.Response:
        asked = how or {}
        given = {name: value for name, value in (params or {}).items() if value is not None}
        if asked.get("dry_run"):
            given["dry_run"] = True
        named = {"Idempotency-Key": asked.get("key"), "If-Match": asked.get("if_match")}
        headers = {name: value for name, value in named.items() if value is not None}
        response = self._http.request(
            method, f"{PREFIX}{path}", params=given, headers=headers, **sent
        )
        if response.is_error:
            raise _problem(response)
        return response


def _read(model: type[M], response: httpx.Response) -> M:
    # A newer desk may tell more.
    return model.model_validate(response.json(), extra="ignore")


def _problem(response: httpx.Response) -> ProblemError:
    try:
        told = response.json()
    except ValueError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    return ProblemError(
        status=response.status_code, type=str(told.get("type", "about:blank")),
        detail=str(told.get("detail", response.reason_phrase)), facts=told.get("facts", {}),
        errors=told.get("errors", ()),
    )  # fmt: skip


def _part(text: str) -> str:
    return quote(text, safe="")


def _is_id(text: str) -> bool:
    site, dash, n = text.strip().partition("-")
    return bool(dash) and site.isdecimal() and n.isdecimal()
