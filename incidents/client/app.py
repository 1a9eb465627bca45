"""The app of a server, which the command line uses with --server instead of a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from incidents.client import accounts, imports
from incidents.client.accounts import RemoteAccountAdmin
from incidents.client.desk import RemoteDesk
from incidents.client.faults import NoOperationError, ProblemError
from incidents.client.http import Exchange, part
from incidents.client.record import LONG_S, RemoteErasure, RemoteRecord
from incidents.client.reports import RemoteReports, RemoteReportSources, reporter_path
from incidents.clock import rfc3339
from incidents.contract import hints
from incidents.contract.documents import required
from incidents.contract.documents.queue import Closing, Duties, QueueItem, QueuePage, ToClose
from incidents.contract.queue_filter import EVERYTHING, QueueFilter
from incidents.errors import InputError
from incidents.locale.language import ENGLISH, Language
from incidents.store.schema.types import canonical
from incidents.values.ids import incident_id, order_id, report_id
from incidents.values.json_object import JSONObject

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import (
        Alarms,
        Enforcement,
        Letter,
        NoticeHere,
        TriedChannel,
    )
    from incidents.contract.documents.filings import FilingOnRecord, TermOfSite
    from incidents.contract.documents.orders import Order, OrderInFull
    from incidents.contract.documents.policies import Activation
    from incidents.contract.documents.policies import Policy as Policy_
    from incidents.contract.documents.reports import (
        IntakeRules,
        Reporter,
        ReportInFull,
        ReportPage,
    )
    from incidents.contract.documents.sites import (
        Explanation,
        IncidentInFull,
        Line,
        Link,
        Site,
        SiteInFull,
    )
    from incidents.desk import Answer, Envelope
    from incidents.enforcement.verdict import Comparison
    from incidents.history.importing import Tally
    from incidents.history.reports import Finding
    from incidents.locale.words import TimeFormat
    from incidents.settings.sources import Settings
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


# The maximum sites in one request: each may take its adapter a while.
_COMPARED_AT_ONCE = 10


class RemoteApp:
    """The app of a server, with the same parts as `app.App` for a database, and more.

    Each part is opened on first use.
    """

    def __init__(self, exchange: Exchange, settings: Settings) -> None:
        self._exchange = exchange
        self._settings = settings
        self._handle: str | None = None
        self.desk = RemoteDesk(exchange)
        self.account_admin = RemoteAccountAdmin(exchange)
        self.record = RemoteRecord(exchange)
        self.filings = imports.RemoteFilings(exchange)
        self.erasing = RemoteErasure(exchange)
        self.reports = RemoteReports(exchange)
        self.report_sources = RemoteReportSources(exchange)

    @property
    def server(self) -> str:
        """The address of the server."""
        return self._exchange.server

    @property
    def has_token(self) -> bool:
        """Whether the settings have a token."""
        return self._settings.token is not None

    @property
    def person(self) -> str:
        """The handle of the token's owner."""
        if self._handle is None:
            self._handle = str(self._exchange.get("/session")["handle"])
        return self._handle

    @property
    def password_account(self) -> str:
        """The account whose password to ask for: the named person, otherwise the token's owner."""
        if self._settings.named or not self.has_token:
            return self._settings.person
        return self.person

    def check_named_person(self) -> None:
        """Check that the named person owns the token, because the token's owner goes on record.

        Raises:
            InputError: naming both people, if they differ.
        """
        named = self._settings.person
        if self._settings.named and self.has_token and named != self.person:
            raise InputError.coded(
                "token_of_another",
                "the token belongs to {owner}, not to {named} (--as, or INCIDENTS_AS): omit"
                " the name, or use a token of {named}",
                owner=self.person, named=named,
            )  # fmt: skip

    def signed_in(
        self, password: str, again: Callable[[], str] | None, code: Callable[[], str] | None = None
    ) -> AbstractContextManager[None]:
        """Open a session of `password_account` in a `with` block; see `accounts.signed_in`."""
        return accounts.signed_in(self._exchange, self.password_account, password, again, code)

    @contextmanager
    def queries(self, _: Language = ENGLISH) -> Iterator[RemoteQueries]:
        """Open the queries. There is no transaction: the server answers each query separately."""
        yield RemoteQueries(self._exchange)

    def texts(self, refs: Iterable[str | None]) -> dict[str | None, str]:
        """Return the references: the server has already replaced them with the texts."""
        return {ref: ref for ref in refs if ref is not None}

    def hand_over(self, order: Envelope, *, dry_run: bool = False) -> list[Answer]:
        """Hand over all items that one person has claimed to another person."""
        return self.desk.hand_over(order, dry_run=dry_run)

    def keep_evidence(self, file: Path, digest: str, _: Callable[[], object]) -> None:
        """Remember the file, which is sent to the server with the action."""
        self.desk.upload(file, digest)

    def link(self, incident: tuple[int, int]) -> Link:
        """Return the link to an incident's customer page, and when the link expires."""
        return cast("Link", self._exchange.get(f"/incidents/{incident_id(*incident)}/link"))

    def compare(
        self, names: Iterable[str], *, repair: bool = False, cancelled: bool = False,
        dry_run: bool = False, key: str | None = None, **_: object,
    ) -> list[Comparison]:  # fmt: skip
        """Let the server's adapters compare the ordered with the actual state of those sites."""
        from incidents.enforcement.verdict import Comparison

        wanted, found = list(names), []
        for start in range(0, len(wanted), _COMPARED_AT_ONCE):
            words = {"sites": wanted[start : start + _COMPARED_AT_ONCE], "repair": repair}
            # An older server does not know the parameter.
            words |= {"cancelled": True} if cancelled else {}
            told, _tag = self._exchange.exchange(
                "POST", "/reconcile", words=words, key=key, query={"dry_run": dry_run or None}
            )
            found += [Comparison(**each) for each in told["items"]]
        return found

    def import_findings(self, findings: Sequence[Finding], **how: Any) -> Tally:
        """Import the findings of a history; see `intake.import_findings`."""
        return imports.import_findings(self._exchange, findings, **how)

    def notices(self) -> list[NoticeHere]:
        """List the notices, with their recipients and occasions."""
        return list(self._exchange.get("/notices")["items"])

    def letters(self, notice: str, **asked: Any) -> list[Letter]:
        """Return the letters of a notice, made from the server's own templates."""
        return list(self._exchange.get(f"/notices/{notice}/preview", **asked)["items"])

    def try_alarms(self) -> list[TriedChannel]:
        """Send a test message through each of the server's channels; return the results."""
        tried, _ = self._exchange.exchange("POST", "/alarms/test", within_s=LONG_S)
        return list(tried["items"])

    def metrics(self) -> bytes:
        """Return the metrics of the server's database, in Prometheus text format."""
        return self._exchange.plain("/metrics")

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()
