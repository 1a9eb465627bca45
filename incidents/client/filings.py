"""The filings of a server: checked, printed, exported there, and customer lists taken in there."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from incidents.client.desk import facts
from incidents.client.faults import Document, NoDeskError
from incidents.client.http import Exchange, part
from incidents.client.record import LONG_S
from incidents.machine.refusals import Refusal

if TYPE_CHECKING:
    from incidents.filing.checks.finding import Finding
    from incidents.filing.lists.customer_list import Customer
    from incidents.history.customers import Taken

ROWS_AT_ONCE, VALUES_AT_ONCE, BYTES_AT_ONCE = 500, 10_000, 4_000_000
"""So many rows of a list, cells and bytes of them go in one request, whose answer is waited for."""


class RemoteFilings:
    """What a server does with filings; all raise ProblemError for what it refuses, ServerError if
    it does not answer.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def findings(self, site: str) -> list[Finding]:
        """What its checks say of a site's filing."""
        from incidents.filing.checks.completeness import read_finding

        found = self._exchange.get(f"{_path(site)}/findings")
        return [read_finding(each) for each in found["findings"]]

    def presets(self) -> list[Document]:
        """The presets that it knows."""
        return list(self._exchange.get("/filings/presets")["items"])

    def form(self, site: str) -> Iterator[bytes]:
        """The page to print, in full, which goes on record there."""
        return self._exchange.pieces(f"{_path(site)}/form", reveal=True)

    def snippet(self, site: str, *, icon: str) -> Iterator[bytes]:
        """The HTML for the foot of the pages."""
        return self._exchange.pieces(f"{_path(site)}/snippet", icon=icon)

    def exported(self, form: str, sites: tuple[str, ...]) -> Iterator[bytes]:
        """The filings of those sites, or of all, with people's own details, which goes on record
        there; `form` is json, jsonl or csv."""
        return self._exchange.pieces(
            "/filings/export", within_s=LONG_S, format=form, site=list(sites) or None,
            with_words=True,
        )  # fmt: skip

    def intake(self, *, add: bool, dry_run: bool) -> RemoteList:
        """The way of a customer list into the register."""
        return RemoteList(self._exchange, add=add, dry_run=dry_run)


class RemoteList:
    """The taking in of a customer list that was read here, as `history.customers.Intake` does it.

    A part goes there after the other, as JSON; what cannot be read stays here.
    """

    def __init__(self, exchange: Exchange, *, add: bool, dry_run: bool) -> None:
        self._exchange = exchange
        self._asked = {"add_sites": add or None, "dry_run": dry_run or None}
        self.tally: Counter[str] = Counter()
        # What a server says of a row has none.
        self.suspicions = 0

    def take(self, customers: Iterable[Customer]) -> Iterator[Taken]:
        """Each row in its order, with what came of it; a part is on disk there before it is told.

        Raises:
            ProblemError, ServerError: as all that is asked of a server.
        """
        rows: list[Customer] = []
        lines: list[bytes] = []
        size = values = 0
        for customer in customers:
            line = b"" if _is_bad(customer) else _line(customer)
            size, values = size + len(line), values + 1 + len(customer.changes)
            is_much = size > BYTES_AT_ONCE or values > VALUES_AT_ONCE
            if rows and (len(rows) == ROWS_AT_ONCE or is_much):
                yield from self._sent(rows, lines)
                rows, lines, size, values = [], [], len(line), 1 + len(customer.changes)
            rows.append(customer)
            lines += [line] if line else []
        yield from self._sent(rows, lines)

    def _sent(self, rows: list[Customer], lines: list[bytes]) -> Iterator[Taken]:
        told = iter(self._told(lines) if lines else [])
        for customer in rows:
            taken = _unreadable(customer) if _is_bad(customer) else _taken(customer, next(told))
            self.tally[taken.outcome] += 1
            yield taken

    def _told(self, lines: list[bytes]) -> list[Document]:
        answer = self._exchange.send(
            "POST", "/filings/import", query=self._asked, timeout=LONG_S,
            files={"file": ("list", io.BytesIO(b"".join(lines)))},
        )  # fmt: skip
        items: list[Document] = answer.json()["items"]
        if len(items) != len(lines):
            raise NoDeskError(server=self._exchange.server, detail="it takes in other rows")
        return items


def _is_bad(customer: Customer) -> bool:
    return bool(customer.problems) or customer.site is None


def _line(customer: Customer) -> bytes:
    from incidents.filing.lists import export

    assert customer.site is not None
    [line] = export.json_lines([(customer.site, customer.changes)])
    return line.encode()


def _unreadable(customer: Customer) -> Taken:
    from incidents.history.customers import UNREADABLE, Taken

    return Taken(customer=customer, outcome=UNREADABLE)


def _taken(customer: Customer, told: dict[str, Any]) -> Taken:
    from incidents.filing.checks.completeness import read_finding
    from incidents.history.customers import Taken

    refusal = told["refusal"]
    return Taken(
        customer=customer, outcome=told["outcome"], changed=tuple(told["changed"]),
        findings=tuple(map(read_finding, told["findings"])),
        refusal=None if refusal is None else Refusal(refusal["name"], facts(refusal["facts"])),
    )  # fmt: skip


def _path(site: str) -> str:
    return f"/sites/{part(site)}/filing"
