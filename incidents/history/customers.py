"""The customers of a list on their way into the register of filings: row by row, in batches.

Each row is one change of one filing, or none if all of it is filed already; so the same list can be
taken in again at any time.
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
"""So many rows are taken in one transaction: two commands each at most."""

OUTCOMES: tuple[TakenOutcome, ...] = (
    "added", "changed", "unchanged", "refused", "unreadable",
)  # fmt: skip
"""The site is new; details have changed; all was so already; the desk refuses; no row to take."""

ADDED, CHANGED, UNCHANGED, REFUSED, UNREADABLE = OUTCOMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of a row: the keys that changed, the findings on what would stand then (of a dry
    run), and why it was refused."""

    customer: Customer
    outcome: TakenOutcome
    changed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    refusal: Refusal | None = None


@dataclass(slots=True, kw_only=True)
class Intake:
    """The taking in of a list: by whom, and whether sites that are not in the register are added.

    A dry run writes nothing; with `today`, the day in the desk's own zone, it also checks what
    would stand then. `suspicions` counts those that are raised. `filed` gives what is filed of
    sites, by name; one that is not in the register is not there.
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

    def take(self, customers: Iterable[Customer]) -> Iterator[Taken]:
        """Each row in its order, with what came of it; a batch is on disk before it is told.

        Raises:
            DatabaseError: when the database does not do its part.
            NoFilingLibraryError: naming what to install.
        """
        rows = iter(customers)
        while batch := list(islice(rows, AT_ONCE)):
            for taken in self._batch(batch):
                self.tally[taken.outcome] += 1
                yield taken

    def _batch(self, batch: list[Customer]) -> Iterator[Taken]:
        named = [row.site for row in batch if row.site is not None and not row.problems]
        filed = self.filed(named) if named else {}
        envelopes = [
            envelope for row in batch if not row.problems for envelope in self._asked(row, filed)
        ]
        answers = iter(self.desk.submit(envelopes, dry_run=self.dry_run) if envelopes else [])
        for row in batch:
            if row.problems or row.site is None:
                yield Taken(customer=row, outcome=UNREADABLE)
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
        """The new site, with whom to call: who answers for it by what is filed."""
        phone, email, person = (row.changes.get(key) for key in _WHOM)
        return AddSite(by=self.by, phone=phone, email=email, person=person)

    def _envelope(self, site: str, command: Command) -> Envelope:
        return Envelope(site=site, command=command, login=self.login)

    def _taken(
        self, row: Customer, added: Answer | None, answer: Answer, filed: Mapping[str, str]
    ) -> Taken:
        wrong = None if added is None else added.refusal
        if wrong is not None and wrong.name == "site_exists":
            # Somebody has added it meanwhile.
            wrong = None
        wrong = wrong or answer.refusal
        if wrong is not None:
            return Taken(customer=row, outcome=REFUSED, refusal=wrong)
        changed = tuple(key for event in answer.events for key, _ in getattr(event, "details", ()))
        self.suspicions += sum(event.kind == "suspicion_raised" for event in answer.events)
        is_new = added is not None and added.refusal is None
        outcome = ADDED if is_new else CHANGED if changed else UNCHANGED
        return Taken(
            customer=row, outcome=outcome, changed=changed, findings=self._findings(row, filed)
        )

    def _findings(self, row: Customer, filed: Mapping[str, str]) -> tuple[Finding, ...]:
        if self.today is None:
            return ()
        return tuple(checks.check(filing.changed(filed, row.changes), today=self.today))
