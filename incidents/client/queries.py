"""The queries of a desk behind a server: each asks the server, and returns its document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from incidents.client.faults import NoOperationError, ProblemError
from incidents.client.http import Exchange, part
from incidents.client.reports import reporter_path
from incidents.clock import rfc3339
from incidents.contract import hints
from incidents.contract.documents import required
from incidents.contract.documents.queue import Closing, Duties, QueueItem, QueuePage, ToClose
from incidents.contract.queue_filter import EVERYTHING, QueueFilter
from incidents.store.schema.types import canonical
from incidents.values.ids import incident_id, order_id, report_id
from incidents.values.json_object import JSONObject

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import Alarms, Enforcement
    from incidents.contract.documents.filings import FilingOnRecord, TermOfSite
    from incidents.contract.documents.orders import Order, OrderInFull
    from incidents.contract.documents.policies import Activation
    from incidents.contract.documents.policies import Policy as Policy_
    from incidents.contract.documents.reports import (
        IntakeRules,
        Reporter,
        ReportInFull,
        ReportPage,
        RulesActivation,
    )
    from incidents.contract.documents.sites import (
        Explanation,
        IncidentInFull,
        Line,
        Site,
        SiteInFull,
    )
    from incidents.locale.words import TimeFormat
    from incidents.views.inbox.reports import ReportFilter


class RemoteQueries:
    """Queries that a server answers, with its own settings; numbers and addresses are masked."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def queue(
        self, *, mine: str | None = None, wanted: QueueFilter = EVERYTHING, limit: int = 50,
        after: str | None = None, reveal: bool = False,
    ) -> QueuePage:  # fmt: skip
        """Return one page of the queue."""
        due = wanted.due_before
        found = self._exchange.get(
            "/queue", mine=mine is not None, kind=wanted.kind, category=wanted.category,
            state=wanted.state, due_before=due and rfc3339(due), holder=wanted.holder,
            site=wanted.site, rule=wanted.rule, limit=limit, cursor=after, reveal=reveal,
        )  # fmt: skip
        items = [self._item(each, "/queue") for each in found["items"]]
        page: QueuePage = found | {"items": items, "next_after": found["next"]}
        return page

    def item(self, of: tuple[int, str], *, reveal: bool = False) -> QueueItem | None:
        """Return one item of the queue; None if the item does not exist."""
        path = f"/queue/{of[0]}-{of[1]}"
        try:
            return self._item(self._exchange.get(path, reveal=reveal), path)
        except ProblemError as problem:
            if problem.name == "unknown_task":
                return None
            raise

    def site(self, name: str) -> SiteInFull:
        """Return a site, with its contact masked."""
        return cast("SiteInFull", self._exchange.get(f"/sites/{part(name)}"))

    def filing(self, name: str) -> FilingOnRecord:
        """Return the filing of a site, with personal details masked."""
        found = self._exchange.get(f"/sites/{part(name)}/filing")
        details = {key: _text(filed) for key, filed in sorted(found["details"].items())}
        return {"site": found["site"], "details": details, "terms": found["terms"]}

    def filing_terms(self, until: str | None = None) -> list[TermOfSite]:
        """List the running terms, with the remaining days in the server's own time zone."""
        return list(self._exchange.items("/filings/terms", limit=500, until=until))

    def sites(self, *, state: str | None = None) -> Iterator[Site]:
        """Yield the sites in the register, page by page."""
        return self._exchange.items("/sites", limit=500, state=state)

    def why(self, name: str) -> Explanation:
        """Explain a site's state; times in the sentences are in the exchange's time zone."""
        found: Explanation = self._exchange.get(f"/sites/{part(name)}/why")
        found["hints"] = hints.understood(found)
        return found

    def incident(self, key: tuple[int, int]) -> IncidentInFull:
        """Return an incident with its site."""
        return cast("IncidentInFull", self._exchange.get(f"/incidents/{incident_id(*key)}"))

    def timeline(self, site_id: int, incident: int) -> Iterator[Line]:
        """Yield the events of an incident."""
        return self._exchange.items(f"/incidents/{incident_id(site_id, incident)}/timeline")

    def unsettled(
        self, *, site: str | None = None, state: str | None = None, limit: int = 100
    ) -> list[Order]:
        """List orders that are not carried out; `state` is `dead`, `braked` or `late`."""
        only = {} if state is None else {state: True}
        found = self._exchange.get("/orders", site=site, limit=limit, **only)
        return list(found["items"])

    def order(self, site_id: int, seq: int, lane: str, _when: TimeFormat) -> OrderInFull:
        """Return one order."""
        return cast("OrderInFull", self._exchange.get(f"/orders/{order_id(site_id, seq, lane)}"))

    def duties(self, *, limit: int = 100) -> Duties:
        """List the incidents to report to the police."""
        found = self._exchange.get("/duty", limit=limit)
        return {"items": found["items"], "summary": found["summary"]}

    def alarms_now(self) -> Alarms:
        """List the current alarms, and whether each was sent to the desk."""
        return cast("Alarms", self._exchange.get("/alarms"))

    def enforcement(self) -> Enforcement:
        """Return the daemons that enforce deadlines, and the overdue items."""
        return cast("Enforcement", self._exchange.get("/enforcement"))

    def reports(self, wanted: ReportFilter, *, limit: int, newest: bool = False) -> ReportPage:
        """List reports."""
        found = self._exchange.get(
            "/reports", state=wanted.state, waiting=wanted.waiting, channel=wanted.channel,
            format=wanted.format, category=wanted.category, reporter=wanted.reporter,
            host=wanted.host, limit=limit, newest=newest,
        )  # fmt: skip
        return cast("ReportPage", found)

    def reporter(self, named: str) -> Reporter:
        """Return a reporter, by their address or name."""
        return cast("Reporter", self._exchange.get(reporter_path(named)))

    def reporters(self) -> list[Reporter]:
        """List the reporters who have a standing."""
        return list(self._exchange.get("/reporters")["items"])

    def report(self, report: int) -> ReportInFull:
        """Return a report."""
        return cast("ReportInFull", self._exchange.get(f"/reports/{report_id(report)}"))

    def intake_rules(self) -> IntakeRules:
        """Return the intake rules in force."""
        return cast("IntakeRules", self._exchange.get("/intake-rules"))

    def rules_history(self) -> list[RulesActivation]:
        """List every activation of intake rules, the earliest first."""
        return list(self._exchange.get("/intake-rules/history")["items"])

    def active_policy(self) -> Policy_:
        """Return the active policy, in words and as a file."""
        return cast("Policy_", self._exchange.get("/policy"))

    def policy_toml(self) -> str:
        """Return the file of the active policy."""
        return self.active_policy()["toml"]

    def policy_history(self) -> list[Activation]:
        """List every activation on record, the earliest first."""
        return list(self._exchange.get("/policy/history")["items"])

    def _item(self, document: JSONObject, path: str) -> QueueItem:
        item: JSONObject = {**document, "hints": hints.understood(document)}
        parts = [(QueueItem, item), (Closing, item.get("closing")), (ToClose, item.get("to_close"))]
        if any(found is not None and required(kind) - found.keys() for kind, found in parts):
            # An older server sends less than this program shows.
            raise NoOperationError(server=self._exchange.server, asked=f"GET {path}")
        return cast("QueueItem", item)


def _text(filed: Any) -> str | None:
    """The recorded text of a detail; a server or a document becomes canonical JSON."""
    return filed if filed is None or isinstance(filed, str) else canonical(filed)
