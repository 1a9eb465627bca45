"""Any house: what the command line needs of a desk, which is here, or which a server has.

`app.House` is one, over a database, and `client.house.RemoteHouse`, over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

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
    from incidents.desk import Answer, Envelope
    from incidents.enforcement.reconciliation import Comparison
    from incidents.locale.words import Document, When
    from incidents.machine.policy import Policy


class WritePath(Protocol):
    """Where commands go, and what decides them."""

    def submit(
        self, envelopes: Sequence[Envelope], *, dry_run: bool = False, policy: Policy | None = None
    ) -> list[Answer]:
        """Takes the commands in order; answers in the same order."""

    def policy(self) -> Policy:
        """The active policy."""

    def activate(
        self,
        policy_text: str,
        *,
        by: str,
        login: str | None,
        reason: str,
        key: str | None,
        signed_in: bool,
        second: Any,
        dry_run: bool,
    ) -> Document:
        """Makes a policy (TOML) the active one; `second` is of `reauthentication.second_person`."""


class Looks(Protocol):
    """What people look at: the views of `views.looks`, of one moment."""

    def queue(
        self, *, mine: str | None = None, limit: int = 50, after: str | None = None,
        reveal: bool = False,
    ) -> QueuePage:  # fmt: skip
        """One page of the queue."""

    def item(self, of: tuple[int, str], *, reveal: bool = False) -> QueueItem | None:
        """One item of the queue; None: it is not there."""

    def site(self, name: str) -> SiteInFull:
        """A site."""

    def sites(self, *, state: str | None = None) -> Iterable[Site]:
        """The register."""

    def why(self, name: str, zone: tzinfo, /) -> Explanation:
        """Why a site stands as it does."""

    def incident(self, key: tuple[int, int]) -> IncidentInFull:
        """An incident with its site, and by when it is to be reported."""

    def timeline(self, site_id: int, incident: int, zone: tzinfo, /) -> Iterator[Line]:
        """What happened to an incident."""

    def filing(self, name: str) -> FilingOnRecord:
        """What is filed of a site."""

    def filing_terms(self, until: str | None = None) -> list[TermOfSite]:
        """The terms that run."""

    def unsettled(
        self, *, site: str | None = None, only_dead: bool = False, only_braked: bool = False,
        limit: int = 100,
    ) -> list[Order]:  # fmt: skip
        """Orders that are not carried out."""

    def order(self, site_id: int, seq: int, lane: str, when: When, /) -> OrderInFull:
        """One order."""

    def duties(self, *, limit: int = 100) -> Duties:
        """What the police are to be told of."""

    def alarms_now(self) -> Alarms:
        """What is alarming now."""

    def enforcement(self) -> Enforcement:
        """Whether anything enforces the clock."""

    def active_policy(self) -> Policy_:
        """The active policy, in words and as its file."""

    def policy_history(self) -> list[Activation]:
        """Every activation on record."""


class AnyHouse(Protocol):
    """All that commands can ask of a desk wherever it is. What only a database has is in
    `Run.local`, and what only a server has in `Run.remote`.
    """

    @property
    def desk(self) -> WritePath:
        """The write path."""

    @property
    def person(self) -> str:
        """Who asks: the name by which the queue knows what is theirs."""

    def looking(self) -> AbstractContextManager[Looks]:
        """What can be looked at; a database shows one state of itself."""

    def texts(self, refs: Iterable[str | None], /) -> dict[str | None, str]:
        """What references to sealed values stand for."""

    def hand_over(self, order: Envelope, *, dry_run: bool = False) -> list[Answer]:
        """Give all that one holds to another."""

    def keep_evidence(
        self, file: Path, digest: str, refuse_if_impossible: Callable[[], object], /
    ) -> None:
        """Keep a copy of a file that is to be attached."""

    def link(self, incident: tuple[int, int]) -> dict[str, str]:
        """The link to the customer's page of an incident."""

    def compare(
        self, names: Iterable[str], *, by_name: bool, by: str, login: str | None, key: str | None,
        repair: bool, cancelled: bool, dry_run: bool,
    ) -> list[Comparison]:  # fmt: skip
        """What is ordered of those sites, and what is in force."""
