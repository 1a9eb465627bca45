"""The house of a server: what the command line enters with --server, in place of a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from incidents.client import session
from incidents.client.desk import RemoteDesk
from incidents.client.erasing import RemoteErasing
from incidents.client.filings import RemoteFilings
from incidents.client.intake import RemoteIntake
from incidents.client.keeper import RemoteKeeper
from incidents.client.looks import RemoteLooks
from incidents.client.record import LONG_S, RemoteRecord
from incidents.errors import InputError
from incidents.values.ids import incident_id

if TYPE_CHECKING:
    from incidents.client.http import Exchange
    from incidents.desk import Answer, Envelope
    from incidents.enforcement.recovery.reconciliation import Comparison
    from incidents.settings.sources import Settings

# So many sites are compared in one request: each may take its adapter a while.
_COMPARED_AT_ONCE = 10


class RemoteHouse:
    """The rooms that a server opens (`cli.any_house.AnyHouse`), and what only a server has.

    Nothing is opened before it is asked.
    """

    def __init__(self, exchange: Exchange, settings: Settings) -> None:
        self._exchange = exchange
        self._settings = settings
        self._handle: str | None = None
        self.desk = RemoteDesk(exchange)
        self.keeper = RemoteKeeper(exchange)
        self.record = RemoteRecord(exchange)
        self.intake = RemoteIntake(exchange)
        self.filings = RemoteFilings(exchange)
        self.erasing = RemoteErasing(exchange)

    @property
    def has_token(self) -> bool:
        """Whether there is a token to come in with."""
        return self._settings.token is not None

    @property
    def person(self) -> str:
        """The account that the token is of."""
        if self._handle is None:
            self._handle = str(self._exchange.get("/session")["handle"])
        return self._handle

    @property
    def signs_in(self) -> str:
        """Who is asked for a password: who was named, or else the token's account."""
        if self._settings.named or not self.has_token:
            return self._settings.person
        return self.person

    def insist_on_who_acts(self) -> None:
        """See that whoever is named is who the token lets in: its account goes on record.

        Raises:
            InputError: naming both, if they are two.
        """
        named = self._settings.person
        if self._settings.named and self.has_token and named != self.person:
            raise InputError(
                f"the token is {self.person}'s, and {named} is named (--as, or INCIDENTS_AS): name"
                " nobody, or use a token of theirs"
            )

    def signed_in(
        self, password: str, again: Callable[[], str] | None
    ) -> AbstractContextManager[None]:
        """While it lasts, who `signs_in` is in a session; see `session.signed_in`."""
        return session.signed_in(self._exchange, self.signs_in, password, again)

    @contextmanager
    def looking(self) -> Iterator[RemoteLooks]:
        """Where a database would open a transaction: each look is one of the server's own."""
        yield RemoteLooks(self._exchange)

    def texts(self, refs: Iterable[str | None]) -> dict[str | None, str]:
        """What people wrote: a server has put it in place of the references already."""
        return {ref: ref for ref in refs if ref is not None}

    def hand_over(self, order: Envelope, *, dry_run: bool = False) -> list[Answer]:
        """Give all that one holds to another."""
        return self.desk.hand_over(order, dry_run=dry_run)

    def keep_evidence(self, file: Path, digest: str, _: Callable[[], object]) -> None:
        """The server keeps it: the file goes there with the act, which it may refuse."""
        self.desk.carry(file, digest)

    def link(self, incident: tuple[int, int]) -> dict[str, str]:
        """The link to the customer's page of an incident, and until when it holds."""
        found: dict[str, str] = self._exchange.get(f"/incidents/{incident_id(*incident)}/link")
        return found

    def compare(
        self, names: Iterable[str], *, repair: bool = False, cancelled: bool = False,
        dry_run: bool = False, key: str | None = None, **_: object,
    ) -> list[Comparison]:  # fmt: skip
        """What is ordered of those sites, and what is in force, by the server's own adapters."""
        from incidents.enforcement.recovery.reconciliation import Comparison

        wanted, found = list(names), []
        for start in range(0, len(wanted), _COMPARED_AT_ONCE):
            words = {"sites": wanted[start : start + _COMPARED_AT_ONCE], "repair": repair}
            # A server that is older does not know of it.
            words |= {"cancelled": True} if cancelled else {}
            told, _tag = self._exchange.exchange(
                "POST", "/reconcile", words=words, key=key, query={"dry_run": dry_run or None}
            )
            found += [Comparison(**each) for each in told["items"]]
        return found

    def notices(self) -> list[dict[str, Any]]:
        """Which notices there are: to whom each goes, and when."""
        return list(self._exchange.get("/notices")["items"])

    def letters(self, notice: str, **asked: Any) -> list[dict[str, Any]]:
        """How a notice would read, by the server's own templates; by `language`, `incident`."""
        return list(self._exchange.get(f"/notices/{notice}/preview", **asked)["items"])

    def try_alarms(self) -> list[dict[str, Any]]:
        """Send a trial through each of the server's channels; what each has said."""
        tried, _ = self._exchange.exchange("POST", "/alarms/test", within_s=LONG_S)
        return list(tried["items"])

    def metrics(self) -> bytes:
        """What the server's database tells a Prometheus, in the text format."""
        return self._exchange.plain("/metrics")

    def close(self) -> None:
        """Let go of the connections."""
        self._exchange.close()
