"""The import of a customer list into the register of filings: row by row, in batches.

Each row is one change to one filing, or no change if everything is already filed, so the same list
can be imported again at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING

from incidents.desk import Desk, Envelope
from incidents.filing import checks
from incidents.filing.finding import Finding
from incidents.filing.lists.customer_list import Customer
from incidents.machine import filing
from incidents.machine.commands import AddSite, ChangeFiling, Command

if TYPE_CHECKING:
    from incidents.contract.documents.filings import TakenOutcome
    from incidents.desk import Answer
    from incidents.machine.refusal import Refusal

_WHOM = ("responsible_phone", "responsible_email", "responsible_name")

AT_ONCE = 250
"""The maximum number of rows in one transaction; each row has at most two commands."""

OUTCOMES: tuple[TakenOutcome, ...] = (
    "added", "changed", "unchanged", "refused", "unreadable",
)  # fmt: skip
"""The outcomes of a row: a new site; changed details; nothing to change; a refusal of the desk; an
unusable row."""

ADDED, CHANGED, UNCHANGED, REFUSED, UNREADABLE = OUTCOMES


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """The result of a row: changed keys, findings on the new filing (dry run), or the refusal."""

    customer: Customer
    outcome: TakenOutcome
    changed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    refusal: Refusal | None = None


@dataclass(slots=True, kw_only=True)
class CustomerImport:
    """An import of a list, by a person; `add`: also add sites that are not in the register.

    A dry run writes nothing; with `today`, the day in the desk's own zone, it also checks the
    details that would be filed. `suspicions`: the number of suspicions raised. `filed`: a function
    that returns the filed details by site name, without sites that are not in the register.
    """

    desk: Desk
    filed: Callable[[list[str]], Mapping[str, Mapping[str, str]]]
    by: str
    login: str | None
    add: bool = False
    dry_run: bool = False
    today: date | None = None
    tally: Counter[str] = field(default_factory=Counter)
    suspicions: int = 0

    def take(self, customers: Iterable[Customer]) -> Iterator[RowResult]:
        """Import the rows in order, and yield each with its result once its batch is on disk.

        Raises:
            DatabaseError: if the database fails.
            NoFilingLibraryError: naming the library to install.
        """
        rows = iter(customers)
        while batch := list(islice(rows, AT_ONCE)):
            for taken in self._batch(batch):
                self.tally[taken.outcome] += 1
                yield taken

    def _batch(self, batch: list[Customer]) -> Iterator[RowResult]:
        named = [row.site for row in batch if row.site is not None and not row.problems]
        filed = self.filed(named) if named else {}
        envelopes = [
            envelope for row in batch if not row.problems for envelope in self._asked(row, filed)
        ]
        answers = iter(self.desk.submit(envelopes, dry_run=self.dry_run) if envelopes else [])
        for row in batch:
            if row.problems or row.site is None:
                yield RowResult(customer=row, outcome=UNREADABLE)
                continue
            new = row.site not in filed
            added = next(answers) if new and self.add else None
            yield self._taken(row, added, next(answers), filed.get(row.site, {}))

    def _asked(self, row: Customer, filed: Mapping[str, object]) -> Iterator[Envelope]:
        assert row.site is not None
        if row.site not in filed and self.add:
            yield self._envelope(row.site, self._added(row))
        yield self._envelope(row.site, ChangeFiling(by=self.by, details=tuple(row.changes.items())))

    def _added(self, row: Customer) -> AddSite:
        """The command to add the new site, with the responsible person of its filing as contact."""
        phone, email, person = (row.changes.get(key) for key in _WHOM)
        return AddSite(by=self.by, phone=phone, email=email, person=person)

    def _envelope(self, site: str, command: Command) -> Envelope:
        return Envelope(site=site, command=command, login=self.login)

    def _taken(
        self, row: Customer, added: Answer | None, answer: Answer, filed: Mapping[str, str]
    ) -> RowResult:
        wrong = None if added is None else added.refusal
        if wrong is not None and wrong.name == "site_exists":
            # Somebody has added it meanwhile.
            wrong = None
        wrong = wrong or answer.refusal
        if wrong is not None:
            return RowResult(customer=row, outcome=REFUSED, refusal=wrong)
        changed = tuple(key for event in answer.events for key, _ in getattr(event, "details", ()))
        self.suspicions += sum(event.kind == "suspicion_raised" for event in answer.events)
        is_new = added is not None and added.refusal is None
        outcome = ADDED if is_new else CHANGED if changed else UNCHANGED
        return RowResult(
            customer=row, outcome=outcome, changed=changed, findings=self._findings(row, filed)
        )

    def _findings(self, row: Customer, filed: Mapping[str, str]) -> tuple[Finding, ...]:
        if self.today is None:
            return ()
        return tuple(checks.check(filing.changed(filed, row.changes), today=self.today))
