"""The typed client, with which other programs use the HTTP API of a desk.

    with Client("https://desk.host.example", token) as desk:
        desk.log("shop.example", urls=["https://shop.example/a"], key="crawler-4711")

Each action takes a `key`, which makes the action safe to repeat; `if_match`, the ETag of the site
that the caller saw; `dry_run`; and `unless_closing`, which refuses an action that would close the
site. Times are texts in RFC 3339.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar, Unpack, cast

import httpx

from incidents.client import accounts
from incidents.client.actions import Actions, RequestOptions
from incidents.client.http import Exchange, part
from incidents.contract.documents.actions import Acted, Results
from incidents.contract.documents.enforcement import Alarms
from incidents.contract.documents.filings import (
    Filing,
    FilingFinding,
    FilingFindings,
    SiteTerm,
)
from incidents.contract.documents.orders import Orders
from incidents.contract.documents.policies import Policy
from incidents.contract.documents.queue import Duties, HandedOver, Item, Queue
from incidents.contract.documents.sites import (
    Found,
    Incident,
    IncidentInFull,
    Line,
    Site,
    SiteInFull,
    Why,
)
from incidents.errors import InputError
from incidents.machine.command import FOR_CUSTOMER, FOR_DESK
from incidents.values.json_object import JSONObject

D = TypeVar("D")


class Client(Actions):
    """A client of a desk, with a token or a sign-in; `timeout_s` limits each wait.

    `zone` is the IANA name of the time zone for times in sentences; None means the desk's own.

    All methods raise ProblemError for a refusal, ServerError if there is no answer (you can then
    repeat an action that has a `key`), and InputError for invalid input.

    Answers are returned as the server gives them. A newer server can return more: documents may
    gain keys but never lose any, so read the keys that you know and ignore all others.
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
        """Close the connections."""
        self._exchange.close()

    @contextmanager
    def signed_in(
        self, handle: str, password: str, again: Callable[[], str] | None = None
    ) -> Iterator[Self]:
        """Act as a person, in a session, within a `with` block; a person may do more than a token.

        The desk requires the password again after five minutes; `again` then returns the password.
        """
        with accounts.signed_in(self._exchange, handle, password, again):
            yield self

    # Looking.

    def site(self, site: str, *, reveal: bool = False) -> SiteInFull:
        """Return the state of a site, and its contact."""
        return self._get(SiteInFull, f"/sites/{part(site)}", reveal=reveal)

    def filing(self, site: str, *, reveal: bool = False) -> Filing:
        """Return the filing of a site, with missing details and deadlines."""
        return self._get(Filing, f"/sites/{part(site)}/filing", reveal=reveal)

    def filing_findings(self, site: str) -> list[FilingFinding]:
        """List the findings of the checks on a site's filing."""
        return self._get(FilingFindings, f"/sites/{part(site)}/filing/findings")["findings"]

    def filing_terms(self, **asked: Any) -> Iterator[SiteTerm]:
        """Yield the terms that end by `until`, the most urgent first."""
        return self._exchange.items("/filings/terms", **asked)

    def etag(self, site: str) -> str:
        """Return the ETag of a site, for `if_match`."""
        return self._exchange.send("GET", f"/sites/{part(site)}").headers["ETag"]

    def why(self, site: str) -> Why:
        """Explain the state of a site."""
        return self._get(Why, f"/sites/{part(site)}/why")

    def sites(self, **filters: Any) -> Iterator[Site]:
        """Yield all sites, filtered by `state`, `held`, `disputed`, or `q` in the name."""
        return self._exchange.items("/sites", **filters)

    def incidents(self, **filters: Any) -> Iterator[Incident]:
        """Yield all incidents, filtered by `site`, `state`, `category`, `since`, `until` or `q`."""
        return self._exchange.items("/incidents", **filters)

    def timeline(self, site: str) -> Iterator[Line]:
        """Yield the events of a site, the earliest first."""
        return self._exchange.items(f"/sites/{part(site)}/timeline")

    def incident(self, incident: str, *, reveal: bool = False) -> IncidentInFull:
        """Return all recorded facts about an incident."""
        return self._get(IncidentInFull, f"/incidents/{part(incident)}", reveal=reveal)

    def search(self, q: str) -> Found:
        """Find the first sites and incidents that contain the text `q`."""
        return self._get(Found, "/search", q=q)

    def queue(self, **asked: Any) -> Queue:
        """Return a page of the open work, by `mine`, `limit`, `cursor` and `reveal`."""
        return self._get(Queue, "/queue", **asked)

    def item(self, item: str, *, reveal: bool = False) -> Item:
        """Return one item of the queue, such as 12-3 or 12-t2."""
        return self._get(Item, f"/queue/{part(item)}", reveal=reveal)

    def alarms(self) -> Alarms:
        """List the current alarms."""
        return self._get(Alarms, "/alarms")

    def orders(self, **asked: Any) -> Orders:
        """List orders that are not carried out, by `dead`, `site` and `limit`."""
        return self._get(Orders, "/orders", **asked)

    def policy(self) -> Policy:
        """Return the active policy."""
        return self._get(Policy, "/policy")

    def duties(self, **asked: Any) -> Duties:
        """List the incidents to report to the police."""
        return self._get(Duties, "/duty", **asked)

    def entries(self, after: int = 0) -> Iterator[tuple[int, JSONObject]]:
        """Yield the record's entries after a position, with their positions, in bounded memory."""
        for line in self._exchange.lines("/entries", after=after):
            found = json.loads(line)
            yield found["position"], found["entry"]

    # Acting.

    def add_site(self, site: str, *, phone: str | None = None, email: str | None = None,
                 person: str | None = None, **how: Unpack[RequestOptions]) -> Acted:  # fmt: skip
        """Add a site to the register."""
        words = {"site": site, "phone": phone, "email": email, "person": person}
        return self._sent("POST", "/sites", words, how)

    def edit_site(self, site: str, *, phone: str | None = None, email: str | None = None,
                  person: str | None = None, **how: Unpack[RequestOptions]) -> Acted:  # fmt: skip
        """Change the contact of a site; omitted fields stay unchanged."""
        words = {"phone": phone, "email": email, "person": person}
        return self._sent("PATCH", f"/sites/{part(site)}", words, how)

    def log(self, site: str, *, urls: Sequence[str] = (), category: str | None = None,
            note: str | None = None, at: str | None = None, again: bool = False,
            **how: Unpack[RequestOptions]) -> Acted:  # fmt: skip
        """Log a violation on a site."""
        words = {
            "urls": _listed("urls", urls), "category": category, "note": note, "at": at,
            "again": again,
        }  # fmt: skip
        return self._to("sites", site, "incidents", words, how)

    def file(self, site: str, details: Mapping[str, Any], *, presets: Sequence[str] = (),
             **how: Unpack[RequestOptions]) -> Acted:  # fmt: skip
        """Change details of a site's filing: texts by key; None removes a detail.

        For a server or a document, give only the parts that change.
        """
        path = f"/sites/{part(site)}/filing"
        body = {"details": details, "presets": _listed("presets", presets)}
        return cast("Acted", self._answered("PATCH", path, how, json=body).json())

    def contact(self, to: str, outcome: str, *, note: str | None = None, at: str | None = None,
                **how: Unpack[RequestOptions]) -> Acted:  # fmt: skip
        """Record a contact about an incident, such as 12-3, or about a site's open incidents."""
        what = "incidents" if _is_id(to) else "sites"
        words = {"outcome": outcome, "note": note, "at": at}
        return self._to(what, to, "contacts", words, how)

    def note(self, incident: str, text: str, *, to_customer: bool = False,
             **how: Unpack[RequestOptions]) -> Acted:  # fmt: skip
        """Add a note to an incident, only for the desk or for the customer."""
        words = {"text": text, "audience": FOR_CUSTOMER if to_customer else FOR_DESK}
        return self._to("incidents", incident, "notes", words, how)

    def hand_over(self, to: str, **how: Unpack[RequestOptions]) -> HandedOver:
        """Hand over all your claimed items to another person."""
        answer = self._answered("POST", "/queue/hand-over", how, json={"to": to})
        return cast("HandedOver", answer.json())

    def attach(self, incident: str, file: Path, **how: Unpack[RequestOptions]) -> Acted:
        """Attach a file to an incident as evidence."""
        path = f"/incidents/{part(incident)}/evidence"
        with file.open("rb") as content:
            answer = self._answered("POST", path, how, files={"file": (file.name, content)})
        return cast("Acted", answer.json())

    def batch(
        self, commands: Sequence[Mapping[str, Any]], **how: Unpack[RequestOptions]
    ) -> Results:
        """Run up to 1,000 commands in one transaction, each `{"do": …, "to": …, "words": {…}}`."""
        body = {"commands": _listed("commands", commands)}
        return cast("Results", self._answered("POST", "/batch", how, json=body).json())

    # Sending.

    def _get(self, _: type[D], path: str, **params: Any) -> D:
        return cast("D", self._exchange.get(path, **params))

    def _to(
        self, folder: str, of: str, action: str, words: Mapping[str, Any], how: RequestOptions
    ) -> Acted:
        return self._sent("POST", f"/{folder}/{part(of)}/{action}", words, how)

    def _sent(self, method: str, path: str, words: Mapping[str, Any], how: RequestOptions) -> Acted:
        given = {name: value for name, value in words.items() if value is not None}
        return cast("Acted", self._answered(method, path, how, json=given).json())

    def _answered(self, method: str, path: str, how: RequestOptions, **sent: Any) -> httpx.Response:
        if unknown := how.keys() - RequestOptions.__annotations__:
            raise TypeError(
                f"unknown option {min(unknown)!r}: use {', '.join(RequestOptions.__annotations__)}"
            )
        query = {name: how.get(name) or None for name in ("dry_run", "unless_closing")}
        return self._exchange.send(
            method, path, key=how.get("key"), seen=how.get("if_match"), query=query, **sent
        )


def _listed(name: str, given: Sequence[D]) -> list[D]:
    """Return a list; raises InputError for a single text, which would be split into letters."""
    if isinstance(given, str | Mapping):
        raise InputError.coded(
            "takes_list", "{name} takes a list: give [{given!r}], not {given!r}",
            name=name, given=given,
        )  # fmt: skip
    return list(given)


def _is_id(text: str) -> bool:
    site, dash, n = text.strip().partition("-")
    return bool(dash) and site.isdecimal() and n.isdecimal()
