"""The app of a server: used by the command line with --server, in place of a database."""

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
from incidents.contract import hints
from incidents.contract.documents import required
from incidents.contract.documents.queue import Closing, Duties, QueueItem, QueuePage, ToClose
from incidents.errors import InputError
from incidents.locale.language import ENGLISH, Language
from incidents.store.schema.types import canonical
from incidents.values.ids import incident_id, order_id
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
    from incidents.contract.documents.sites import (
        Explanation,
        IncidentInFull,
        Line,
        Link,
        Site,
        SiteInFull,
    )
    from incidents.desk import Answer, Envelope
    from incidents.enforcement.reconciliation import Comparison
    from incidents.history.importing import Tally
    from incidents.history.reports import Finding
    from incidents.locale.words import TimeFormat
    from incidents.settings.sources import Settings


class RemoteQueries:
    """The queries of a server, with its own duty to report; numbers and addresses are masked."""

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
        """One item of the queue; None if there is none."""
        path = f"/queue/{of[0]}-{of[1]}"
        try:
            return self._item(self._exchange.get(path, reveal=reveal), path)
        except ProblemError as problem:
            if problem.name == "unknown_task":
                return None
            raise

    def site(self, name: str) -> SiteInFull:
        """A site; its contacts are masked."""
        return cast("SiteInFull", self._exchange.get(f"/sites/{part(name)}"))

    def filing(self, name: str) -> FilingOnRecord:
        """The filing of a site; personal details are masked."""
        found = self._exchange.get(f"/sites/{part(name)}/filing")
        details = {key: _text(filed) for key, filed in sorted(found["details"].items())}
        return {"site": found["site"], "details": details, "terms": found["terms"]}

    def filing_terms(self, until: str | None = None) -> list[TermOfSite]:
        """The running terms, with the remaining days in the server's own zone."""
        return list(self._exchange.items("/filings/terms", limit=500, until=until))

    def sites(self, *, state: str | None = None) -> Iterator[Site]:
        """The register, page by page."""
        return self._exchange.items("/sites", limit=500, state=state)

    def why(self, name: str) -> Explanation:
        """The reasons for a site's state; times in the sentences are in the exchange's zone."""
        found: Explanation = self._exchange.get(f"/sites/{part(name)}/why")
        found["hints"] = hints.understood(found)
        return found

    def incident(self, key: tuple[int, int]) -> IncidentInFull:
        """An incident with its site."""
        return cast("IncidentInFull", self._exchange.get(f"/incidents/{incident_id(*key)}"))

    def timeline(self, site_id: int, incident: int) -> Iterator[Line]:
        """The events of an incident."""
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

    def order(self, site_id: int, seq: int, lane: str, _when: TimeFormat) -> OrderInFull:
        """One order."""
        return cast("OrderInFull", self._exchange.get(f"/orders/{order_id(site_id, seq, lane)}"))

    def duties(self, *, limit: int = 100) -> Duties:
        """The duties to report to the police."""
        return cast("Duties", self._exchange.get("/duty", limit=limit))

    def alarms_now(self) -> Alarms:
        """The current alarms, and whether each was sent to the desk."""
        return cast("Alarms", self._exchange.get("/alarms"))

    def enforcement(self) -> Enforcement:
        """The daemons that enforce the clock, and overdue items."""
        return cast("Enforcement", self._exchange.get("/enforcement"))

    def active_policy(self) -> Policy_:
        """The active policy, in words and as its file."""
        return cast("Policy_", self._exchange.get("/policy"))

    def policy_history(self) -> list[Activation]:
        """Every activation on record, the earliest first."""
        return list(self._exchange.get("/policy/history")["items"])

    def _item(self, document: JSONObject, path: str) -> QueueItem:
        item: JSONObject = {**document, "hints": hints.understood(document)}
        parts = [(QueueItem, item), (Closing, item.get("closing")), (ToClose, item.get("to_close"))]
        if any(found is not None and required(kind) - found.keys() for kind, found in parts):
            # An older server sends less than this program shows.
            raise NoOperationError(server=self._exchange.server, asked=f"GET {path}")
        return cast("QueueItem", item)


def _text(filed: Any) -> str | None:
    """A detail as filed: a server or a document as canonical JSON."""
    return filed if filed is None or isinstance(filed, str) else canonical(filed)


# The maximum sites in one request: each may take its adapter a while.
_COMPARED_AT_ONCE = 10


class RemoteApp:
    """The parts of a server's app, like those of `app.App` for a database, and more.

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

    @property
    def has_token(self) -> bool:
        """Whether there is a token."""
        return self._settings.token is not None

    @property
    def person(self) -> str:
        """The account that owns the token."""
        if self._handle is None:
            self._handle = str(self._exchange.get("/session")["handle"])
        return self._handle

    @property
    def password_account(self) -> str:
        """The person to ask for a password: the one named, otherwise the token's account."""
        if self._settings.named or not self.has_token:
            return self._settings.person
        return self.person

    def check_named_person(self) -> None:
        """Check that the named person owns the token: its account goes on record.

        Raises:
            InputError: naming both, if they are two.
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
        self, password: str, again: Callable[[], str] | None
    ) -> AbstractContextManager[None]:
        """Open a session of `password_account` for the duration; see `accounts.signed_in`."""
        return accounts.signed_in(self._exchange, self.password_account, password, again)

    @contextmanager
    def queries(self, _: Language = ENGLISH) -> Iterator[RemoteQueries]:
        """Open the queries; there is no transaction: each query is a separate one at the server."""
        yield RemoteQueries(self._exchange)

    def texts(self, refs: Iterable[str | None]) -> dict[str | None, str]:
        """Return the references: a server has already replaced them by the texts."""
        return {ref: ref for ref in refs if ref is not None}

    def hand_over(self, order: Envelope, *, dry_run: bool = False) -> list[Answer]:
        """Transfer all items that one person holds to another."""
        return self.desk.hand_over(order, dry_run=dry_run)

    def keep_evidence(self, file: Path, digest: str, _: Callable[[], object]) -> None:
        """Do nothing: the file is sent to the server with the action, which may be refused."""
        self.desk.upload(file, digest)

    def link(self, incident: tuple[int, int]) -> Link:
        """The link to the customer's page of an incident, and the end of its validity."""
        return cast("Link", self._exchange.get(f"/incidents/{incident_id(*incident)}/link"))

    def compare(
        self, names: Iterable[str], *, repair: bool = False, cancelled: bool = False,
        dry_run: bool = False, key: str | None = None, **_: object,
    ) -> list[Comparison]:  # fmt: skip
        """Compare the ordered and the actual state of those sites, by the server's own adapters."""
        from incidents.enforcement.reconciliation import Comparison

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
        """The notices: their recipients and occasions."""
        return list(self._exchange.get("/notices")["items"])

    def letters(self, notice: str, **asked: Any) -> list[Letter]:
        """The letters of a notice, from the server's own templates, by `language` or `incident`."""
        return list(self._exchange.get(f"/notices/{notice}/preview", **asked)["items"])

    def try_alarms(self) -> list[TriedChannel]:
        """Send a test through each of the server's channels; return their results."""
        tried, _ = self._exchange.exchange("POST", "/alarms/test", within_s=LONG_S)
        return list(tried["items"])

    def metrics(self) -> bytes:
        """The metrics of the server's database, in Prometheus text format."""
        return self._exchange.plain("/metrics")

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()
