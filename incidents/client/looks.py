"""The looks of a server: what people look at, asked for over HTTP, as `views.looks` has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from incidents.client.faults import Document, NoOperationError, ProblemError
from incidents.client.http import Exchange, part
from incidents.contract import hints
from incidents.contract.documents import Item, read
from incidents.values.ids import incident_id, order_id

if TYPE_CHECKING:
    from incidents.locale.words import When


class RemoteLooks:
    """Reads from a server, which has the duty to report of its own; numbers and addresses are
    masked."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def queue(
        self, *, mine: str | None = None, limit: int = 50, after: str | None = None,
        reveal: bool = False,
    ) -> Document:  # fmt: skip
        """One page of the queue."""
        found = self._exchange.get(
            "/queue", mine=mine is not None, limit=limit, cursor=after, reveal=reveal
        )
        items = [self._item(each, "/queue") for each in found["items"]]
        return {**found, "items": items, "next_after": found["next"]}

    def item(self, of: tuple[int, str], *, reveal: bool = False) -> Item | None:
        """One item of the queue; None: it is not there."""
        path = f"/queue/{of[0]}-{of[1]}"
        try:
            return self._item(self._exchange.get(path, reveal=reveal), path)
        except ProblemError as problem:
            if problem.name == "unknown_task":
                return None
            raise

    def site(self, name: str) -> Document:
        """A site; its contacts are masked."""
        return self._exchange.get(f"/sites/{part(name)}")

    def filing(self, name: str) -> Document:
        """What is filed of a site; people's own details are masked."""
        found = self._exchange.get(f"/sites/{part(name)}/filing")
        details = {key: _text(filed) for key, filed in sorted(found["details"].items())}
        return {"site": found["site"], "details": details, "terms": found["terms"]}

    def filing_terms(self, until: str | None = None) -> list[Document]:
        """The terms that run, with the days that are left in the server's own zone."""
        return list(self._exchange.items("/filings/terms", limit=500, until=until))

    def sites(self, *, state: str | None = None) -> Iterator[Document]:
        """The register, page by page."""
        return self._exchange.items("/sites", limit=500, state=state)

    def why(self, name: str, _zone: tzinfo) -> Document:
        """Why a site stands as it does; times in the words are in the exchange's zone."""
        return hints.heard(self._exchange.get(f"/sites/{part(name)}/why"))

    def incident(self, key: tuple[int, int]) -> Document:
        """An incident with its site."""
        return self._exchange.get(f"/incidents/{incident_id(*key)}")

    def timeline(self, site_id: int, incident: int, _zone: tzinfo) -> Iterator[Document]:
        """What happened to an incident."""
        return self._exchange.items(f"/incidents/{incident_id(site_id, incident)}/timeline")

    def unsettled(
        self, *, site: str | None = None, only_dead: bool = False, only_braked: bool = False,
        limit: int = 100,
    ) -> list[Document]:  # fmt: skip
        """Orders that are not carried out."""
        found = self._exchange.get(
            "/orders", site=site, dead=only_dead, braked=only_braked, limit=limit
        )  # fmt: skip
        return list(found["items"])

    def order(self, site_id: int, seq: int, lane: str, _when: When) -> Document:
        """One order."""
        return self._exchange.get(f"/orders/{order_id(site_id, seq, lane)}")

    def duties(self, *, limit: int = 100) -> Document:
        """What the police are to be told of."""
        return self._exchange.get("/duty", limit=limit)

    def alarms_now(self) -> Document:
        """What is alarming now, and whether the desk was told of it."""
        return self._exchange.get("/alarms")

    def enforcement(self) -> Document:
        """Whether a daemon enforces the clock, each that was heard of, and what is overdue."""
        return self._exchange.get("/enforcement")

    def active_policy(self) -> Document:
        """The active policy, in words and as its file."""
        return self._exchange.get("/policy")

    def policy_history(self) -> list[Document]:
        """Every activation on record, the earliest first."""
        return list(self._exchange.get("/policy/history")["items"])

    def _item(self, told: Document, path: str) -> Item:
        try:
            return read(Item, hints.heard(told))
        except KeyError as missing:
            raise NoOperationError(server=self._exchange.server, asked=f"GET {path}") from missing


def _text(filed: Any) -> str | None:
    """A detail as it is filed: a server or a document as canonical JSON."""
    from incidents.store.schema.types import canonical

    return filed if filed is None or isinstance(filed, str) else canonical(filed)
