"""The app of a server, which the command line uses with --server instead of a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from incidents.client import accounts, imports
from incidents.client.accounts import RemoteAccountAdmin
from incidents.client.desk import RemoteDesk
from incidents.client.http import Exchange
from incidents.client.queries import RemoteQueries
from incidents.client.record import LONG_S, RemoteErasure, RemoteRecord
from incidents.client.reports import RemoteReports, RemoteReportSources
from incidents.errors import InputError
from incidents.locale.language import ENGLISH, Language
from incidents.values.ids import incident_id

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import Letter, NoticeHere, TriedChannel
    from incidents.contract.documents.sites import Link
    from incidents.desk import Answer, Envelope
    from incidents.enforcement.verdict import Comparison
    from incidents.history.importing import Tally
    from incidents.history.reports import Finding
    from incidents.settings.sources import Settings


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
