"""The looks of a server: what people look at, asked for over HTTP, as `views.looks` has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from incidents.client.faults import Document, NoOperationError, ProblemError
from incidents.client.http import Exchange, part
from incidents.contract import hints
from incidents.contract.documents.queue import QueueItem
from incidents.values.ids import incident_id, order_id

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import Alarms, Enforcement
    from incidents.contract.documents.filings import FilingOnRecord, TermOfSite
    from incidents.contract.documents.orders import Order, OrderInFull
    from incidents.contract.documents.policies import Activation
    from incidents.contract.documents.policies import Policy as Policy_
    from incidents.contract.documents.queue import Duties, QueueItem, QueuePage
    from incidents.contract.documents.sites import (
        Explanation,
        IncidentInFull,
        Line,
        Site,
        SiteInFull,
    )
    from incidents.locale.words import When


class RemoteLooks:
    """Reads from a server, which has the duty to report of its own; numbers and addresses are
    masked."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def queue(
        self, *, mine: str | None = None, limit: int = 50, after: str | None = None,
        reveal: bool = False,
    ) -> QueuePage:  # fmt: skip
        """One page of the queue."""
        found = self._exchange.get(
            "/queue", mine=mine is not None, limit=limit, cursor=after, reveal=reveal
        )
        items = [self._item(each, "/queue") for each in found["items"]]
        page: QueuePage = found | {"items": items, "next_after": found["next"]}
        return page

    def item(self, of: tuple[int, str], *, reveal: bool = False) -> QueueItem | None:
        """One item of the queue; None: it is not there."""
        path = f"/queue/{of[0]}-{of[1]}"
        try:
            return self._item(self._exchange.get(path, reveal=reveal), path)
        except ProblemError as problem:
            if problem.name == "unknown_task":
                return None
            raise

    def site(self, name: str) -> SiteInFull:
        """A site; its contacts are masked."""
        found: SiteInFull = self._exchange.get(f"/sites/{part(name)}")
        return found

    def filing(self, name: str) -> FilingOnRecord:
        """What is filed of a site; people's own details are masked."""
        found = self._exchange.get(f"/sites/{part(name)}/filing")
        details = {key: _text(filed) for key, filed in sorted(found["details"].items())}
        return {"site": found["site"], "details": details, "terms": found["terms"]}

    def filing_terms(self, until: str | None = None) -> list[TermOfSite]:
        """The terms that run, with the days that are left in the server's own zone."""
        return list(self._exchange.items("/filings/terms", limit=500, until=until))

    def sites(self, *, state: str | None = None) -> Iterator[Site]:
        """The register, page by page."""
        return self._exchange.items("/sites", limit=500, state=state)

    def why(self, name: str, _zone: tzinfo) -> Explanation:
        """Why a site stands as it does; times in the words are in the exchange's zone."""
        found: Explanation = self._exchange.get(f"/sites/{part(name)}/why")
        found["hints"] = hints.understood(found)
        return found

    def incident(self, key: tuple[int, int]) -> IncidentInFull:
        """An incident with its site."""
        found: IncidentInFull = self._exchange.get(f"/incidents/{incident_id(*key)}")
        return found

    def timeline(self, site_id: int, incident: int, _zone: tzinfo) -> Iterator[Line]:
        """What happened to an incident."""
        return self._exchange.items(f"/incidents/{incident_id(site_id, incident)}/timeline")

    def unsettled(
        self, *, site: str | None = None, only_dead: bool = False, only_braked: bool = False,
        limit: int = 100,
    ) -> list[Order]:  # fmt: skip
        """Orders that are not carried out."""
        found = self._exchange.get(
            "/orders", site=site, dead=only_dead, braked=only_braked, limit=limit
        )  # fmt: skip
        return list(found["items"])

    def order(self, site_id: int, seq: int, lane: str, _when: When) -> OrderInFull:
        """One order."""
        found: OrderInFull = self._exchange.get(f"/orders/{order_id(site_id, seq, lane)}")
        return found

    def duties(self, *, limit: int = 100) -> Duties:
        """What the police are to be told of."""
        found: Duties = self._exchange.get("/duty", limit=limit)
        return found

    def alarms_now(self) -> Alarms:
        """What is alarming now, and whether the desk was told of it."""
        found: Alarms = self._exchange.get("/alarms")
        return found

    def enforcement(self) -> Enforcement:
        """Whether a daemon enforces the clock, each that was heard of, and what is overdue."""
        found: Enforcement = self._exchange.get("/enforcement")
        return found

    def active_policy(self) -> Policy_:
        """The active policy, in words and as its file."""
        found: Policy_ = self._exchange.get("/policy")
        return found

    def policy_history(self) -> list[Activation]:
        """Every activation on record, the earliest first."""
        return list(self._exchange.get("/policy/history")["items"])

    def _item(self, told: Document, path: str) -> QueueItem:
        item: QueueItem = {**told, "hints": hints.understood(told)}  # type: ignore[typeddict-item]  # see below
        if QueueItem.__required_keys__ - item.keys():
            raise NoOperationError(server=self._exchange.server, asked=f"GET {path}")
        return item


def _text(filed: Any) -> str | None:
    """A detail as it is filed: a server or a document as canonical JSON."""
    from incidents.store.schema.types import canonical

    return filed if filed is None or isinstance(filed, str) else canonical(filed)
