"""The client: a desk's HTTP API for other programs, typed, over httpx.

    with Client("https://desk.host.example", token) as desk:
        desk.log("shop.example", urls=["https://shop.example/a"], key="crawler-4711")

Each act takes a `key`, which makes it safe to repeat, `if_match`, the ETag of the site as it was
seen, and `dry_run`. Times are texts in RFC 3339.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypedDict, TypeVar, Unpack

import httpx
from pydantic import TypeAdapter

from incidents.api import answers
from incidents.client import session
from incidents.client.http import Exchange, part
from incidents.machine.command import FOR_CUSTOMER, FOR_DESK

M = TypeVar("M")
P = TypeVar("P", answers.SitePage, answers.IncidentPage, answers.LinePage, answers.TermPage)


class How(TypedDict, total=False):
    """How an act is asked for."""

    key: str
    if_match: str
    dry_run: bool


class Client:
    """Somebody with a token of a desk, or who signs in; `timeout_s` is for each wait. `zone` is
    the IANA name of the one in which sentences tell times; None: the desk's own.

    All methods raise ProblemError for what is refused, and ServerError when nothing answers: then
    an act with a `key` may be asked for again.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        zone: str | None = None,
    ) -> None:
        self._exchange = Exchange(
            url, token=token, timeout_s=timeout_s, transport=transport, zone=zone
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._exchange.close()

    @contextmanager
    def signed_in(
        self, handle: str, password: str, again: Callable[[], str] | None = None
    ) -> Iterator[Self]:
        """While it lasts all is done by a person, in a session: what no token does, too.

        `again` is asked for the password once more when the desk wants it, after five minutes.
        """
        with session.signed_in(self._exchange, handle, password, again):
            yield self

    # Looking.

    def site(self, site: str, *, reveal: bool = False) -> answers.SiteInFull:
        """How a site stands, and whom to call."""
        return self._get(answers.SiteInFull, f"/sites/{part(site)}", reveal=reveal)

    def filing(self, site: str, *, reveal: bool = False) -> answers.Filing:
        """What is filed of a site, what is missing, and its terms."""
        return self._get(answers.Filing, f"/sites/{part(site)}/filing", reveal=reveal)

    def filing_findings(self, site: str) -> list[answers.FilingFinding]:
        """What the checks say of a site's filing."""
        found = self._get(answers.FilingFindings, f"/sites/{part(site)}/filing/findings")
        return found.findings

    def filing_terms(self, **asked: Any) -> Iterator[answers.SiteTerm]:
        """What is to be filed or shown by when, the most urgent first, those up to `until`."""
        for page in self._pages(answers.TermPage, "/filings/terms", asked):
            yield from page.items

    def etag(self, site: str) -> str:
        """The ETag of a site as it stands, for `if_match`."""
        return self._answered("GET", f"/sites/{part(site)}").headers["ETag"]

    def why(self, site: str) -> answers.Why:
        """Why a site stands as it does."""
        return self._get(answers.Why, f"/sites/{part(site)}/why")

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
        for page in self._pages(answers.LinePage, f"/sites/{part(site)}/timeline", {}):
            yield from page.items

    def incident(self, incident: str, *, reveal: bool = False) -> answers.IncidentInFull:
        """All that is on record of an incident."""
        return self._get(answers.IncidentInFull, f"/incidents/{part(incident)}", reveal=reveal)

    def search(self, q: str) -> answers.Found:
        """The first sites and incidents in which something stands."""
        return self._get(answers.Found, "/search", q=q)

    def queue(self, **asked: Any) -> answers.Queue:
        """A page of what must be done, by `mine`, `limit`, `cursor`, `reveal`."""
        return self._get(answers.Queue, "/queue", **asked)

    def item(self, item: str, *, reveal: bool = False) -> answers.Item:
        """One item of the queue, such as 12-3 or 12-t2."""
        return self._get(answers.Item, f"/queue/{part(item)}", reveal=reveal)

    def alarms(self) -> answers.Alarms:
        """What is alarming now."""
        return self._get(answers.Alarms, "/alarms")

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
        for line in self._exchange.lines("/entries", after=after):
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
        return self._act(f"/sites/{part(site)}/incidents", words, how)

    def file(self, site: str, details: Mapping[str, Any], *, presets: Sequence[str] = (),
             **how: Unpack[How]) -> answers.Acted:  # fmt: skip
        """Change details of a site's filing: texts under their keys, of a server or a document the
        parts that change; None takes away."""
        path, body = f"/sites/{part(site)}/filing", {"details": details, "presets": list(presets)}
        return _read(answers.Acted, self._answered("PATCH", path, how, json=body))

    def contact(self, to: str, outcome: str, *, note: str | None = None, at: str | None = None,
                **how: Unpack[How]) -> answers.Acted:  # fmt: skip
        """Record a contact about an incident, such as 12-3, or about all that is open on a site."""
        what = "incidents" if _is_id(to) else "sites"
        words = {"outcome": outcome, "note": note, "at": at}
        return self._act(f"/{what}/{part(to)}/contacts", words, how)

    def note(self, incident: str, text: str, *, to_customer: bool = False,
             **how: Unpack[How]) -> answers.Acted:  # fmt: skip
        """Add a note to an incident, for the desk alone or to the customer."""
        words = {"text": text, "audience": FOR_CUSTOMER if to_customer else FOR_DESK}
        return self._act(f"/incidents/{part(incident)}/notes", words, how)

    def of_incident(self, incident: str, act: str, words: Mapping[str, Any] | None = None,
                    **how: Unpack[How]) -> answers.Acted:  # fmt: skip
        """Another act on an incident: removed, recur, void, take-back, revoke-links …"""
        return self._act(f"/incidents/{part(incident)}/{part(act)}", words or {}, how)

    def of_site(self, site: str, act: str, words: Mapping[str, Any] | None = None,
                **how: Unpack[How]) -> answers.Acted:  # fmt: skip
        """Another act on a site: hold, unhold, decline, uphold …"""
        return self._act(f"/sites/{part(site)}/{part(act)}", words or {}, how)

    def of_item(self, item: str, act: str, words: Mapping[str, Any] | None = None,
                **how: Unpack[How]) -> answers.Acted:  # fmt: skip
        """An act on an item of the queue: claim, release, done."""
        return self._act(f"/queue/{part(item)}/{part(act)}", words or {}, how)

    def hand_over(self, to: str, **how: Unpack[How]) -> answers.HandedOver:
        """Give all that one holds to another."""
        answer = self._answered("POST", "/queue/hand-over", how, json={"to": to})
        return _read(answers.HandedOver, answer)

    def attach(self, incident: str, file: Path, **how: Unpack[How]) -> answers.Acted:
        """Attach a file to an incident as evidence."""
        path = f"/incidents/{part(incident)}/evidence"
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
        query = {**(params or {}), **({"dry_run": True} if asked.get("dry_run") else {})}
        return self._exchange.send(
            method, path, key=asked.get("key"), seen=asked.get("if_match"), query=query, **sent
        )


def _read(model: type[M], response: httpx.Response) -> M:
    # A newer desk may tell more.
    read: TypeAdapter[M] = TypeAdapter(model)
    return read.validate_python(response.json(), extra="ignore")


def _is_id(text: str) -> bool:
    site, dash, n = text.strip().partition("-")
    return bool(dash) and site.isdecimal() and n.isdecimal()
