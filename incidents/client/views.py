"""The views of a server: what people look at, asked for over HTTP under the same names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NoReturn

from incidents.client.faults import Document, NotOverServerError, ProblemError
from incidents.client.http import Exchange, part
from incidents.contract import hints
from incidents.machine.ids import incident_id, order_id


class RemoteViews:
    """Reads from a server; the connection that a view is given is none. The duty to report is the
    server's own, and numbers and addresses are masked.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def queue(
        self, _connection: object, _now: datetime, *, mine: str | None = None, limit: int = 50,
        after: str | None = None, reveal: bool = False, **_: object,
    ) -> Document:  # fmt: skip
        """One page of the queue."""
        found = self._exchange.get(
            "/queue", mine=mine is not None, limit=limit, cursor=after, reveal=reveal
        )
        items = [hints.heard(each) for each in found["items"]]
        return {**found, "items": items, "next_after": found["next"]}

    def item(
        self, _connection: object, _now: datetime, of: tuple[int, str], *, reveal: bool = False
    ) -> Document | None:
        """One item of the queue; None: it is not there."""
        try:
            return hints.heard(self._exchange.get(f"/queue/{of[0]}-{of[1]}", reveal=reveal))
        except ProblemError as problem:
            if problem.name == "unknown_task":
                return None
            raise

    def site(self, _connection: object, name: str, _now: datetime) -> Document:
        """A site; its contacts are masked."""
        return self._exchange.get(f"/sites/{part(name)}")

    def filing(self, _connection: object, name: str) -> Document:
        """What is filed of a site; people's own details are masked."""
        found = self._exchange.get(f"/sites/{part(name)}/filing")
        details = {key: _text(filed) for key, filed in sorted(found["details"].items())}
        return {"site": found["site"], "details": details, "terms": found["terms"]}

    def filing_details(self, connection: object, name: str) -> dict[str, str]:
        """The same details: what has been erased is not there."""
        found = self.filing(connection, name)["details"]
        return {key: text for key, text in found.items() if text is not None}

    def filing_terms(self, _connection: object, until: str | None = None) -> list[Document]:
        """The terms that run, with the days that are left in the server's own zone."""
        return list(self._exchange.items("/filings/terms", limit=500, until=until))

    def sites(self, _connection: object, *, state: str | None = None) -> Iterator[Document]:
        """The register, page by page."""
        return self._exchange.items("/sites", limit=500, state=state)

    def why(self, _connection: object, name: str, _now: datetime, _zone: object = None) -> Document:
        """Why a site stands as it does; times in the words are in the exchange's zone."""
        return hints.heard(self._exchange.get(f"/sites/{part(name)}/why"))

    def incident(self, _connection: object, key: tuple[int, int]) -> Document:
        """An incident with its site."""
        return self._exchange.get(f"/incidents/{incident_id(*key)}")

    def timeline(
        self, _connection: object, site_id: int, incident: int, **_: Any
    ) -> Iterator[Document]:
        """What happened to an incident."""
        return self._exchange.items(f"/incidents/{incident_id(site_id, incident)}/timeline")

    def unsettled(
        self, _connection: object, _now: datetime, *, site: str | None = None,
        only_dead: bool = False, only_braked: bool = False, limit: int = 100,
    ) -> list[Document]:  # fmt: skip
        """Orders that are not carried out."""
        found = self._exchange.get(
            "/orders", site=site, dead=only_dead, braked=only_braked, limit=limit
        )  # fmt: skip
        return list(found["items"])

    def order(self, _connection: object, site_id: int, seq: int, lane: str, **_: Any) -> Document:
        """One order."""
        return self._exchange.get(f"/orders/{order_id(site_id, seq, lane)}")

    def duties(
        self, _connection: object, _now: datetime, _duty: object, *, limit: int = 100
    ) -> Document:
        """What the police are to be told of."""
        return self._exchange.get("/duty", limit=limit)

    def alarms_now(self, _connection: object, _now: datetime, _report: object) -> Document:
        """What is alarming now, and whether the desk was told of it."""
        return self._exchange.get("/alarms")

    def enforcement(self, _connection: object, _now: datetime) -> Document:
        """Whether a daemon enforces the clock, each that was heard of, and what is overdue."""
        return self._exchange.get("/enforcement")

    def active_policy(self, _connection: object) -> Document:
        """The active policy, in words and as its file."""
        return self._exchange.get("/policy")

    def policy_history(self, _connection: object) -> list[Document]:
        """Every activation on record, the earliest first."""
        return list(self._exchange.get("/policy/history")["items"])

    def __getattr__(self, name: str) -> NoReturn:
        raise NotOverServerError(way_out=f"{name} needs the database itself, with --db")


def _text(filed: Any) -> str | None:
    """A detail as it is filed: a server or a document as canonical JSON."""
    from incidents.store.types import canonical

    return filed if filed is None or isinstance(filed, str) else canonical(filed)
