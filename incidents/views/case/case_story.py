"""The story of a case: the entries of one site in plain words, with the state after each.

The story is generated from the entries alone: everybody who has them gets the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from incidents.audit.export import Numbered
from incidents.audit.fold import UNREADABLE, describe
from incidents.contract import effects
from incidents.contract.case_documents import event_document
from incidents.errors import Cause, VerificationError
from incidents.locale import event_sentence
from incidents.locale.words import TimeFormat, Wording, rule
from incidents.machine.apply import apply
from incidents.machine.case import Case
from incidents.machine.command import LEFT_DOWN
from incidents.machine.events import Event, OrderCancelled, OrderEvent, SiteClosed, SiteSuspended
from incidents.machine.policy import Policy
from incidents.record.entry import Header, decode
from incidents.store.schema.desk_tables import DESK_STREAM
from incidents.tlog.tree import leaf_hash
from incidents.values.ids import ACT
from incidents.views import record_entries
from incidents.views.case import case_words
from incidents.views.why.answer import grounds
from incidents.views.why.record import MAX_TRIED, Record, signed
from incidents.views.withheld import is_only_logged

if TYPE_CHECKING:
    from incidents.contract.documents import Facts, actions, sites


_URLS, _CATEGORY = "urls", "category"


class BrokenCaseError(VerificationError):
    """the entries of {site} are not consecutive, {detail}: nothing was written. Verify the log to
    see what is wrong"""


@dataclass(frozen=True, slots=True)
class Printed(TimeFormat):
    """The format of times on paper, without "in 5 minutes": a page may be read a year later."""

    def until(self, moment: datetime | str) -> str:
        """The time with its zone."""
        return f"{self(moment)} {self.zone_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry in words, with its numbers in the site, in the file of entries and in the log.

    `digest`: its leaf hash (hexadecimal). `recorded` is empty if it equals the time of the event.
    `words`: the fields with people's text, each with its reference.
    """

    seq: int
    line: int
    leaf: int
    digest: str
    happened: str
    recorded: str
    by: str
    what: str
    rule: str
    reasons: tuple[str, ...]
    words: tuple[tuple[str, str], ...]
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A site's lines, the lines of the desk's own actions, and the site's state after the last.

    `state` is None if the entries do not begin with the site's first entry. `before` is the number
    of the site's entries before the first entry here.
    """

    site: str
    lines: tuple[Line, ...]
    own: tuple[Line, ...]
    state: tuple[str, ...] | None
    state_at: str
    before: int


@dataclass(frozen=True, slots=True)
class _Read:
    """A decoded entry, with its line number in the file of entries, counted from 1."""

    line: int
    leaf: int
    body: str
    header: Header
    event: Event

    @property
    def document(self) -> actions.Event:
        return event_document(self.header.site_id, self.event, self.header.site_seq)


def read(
    rows: Sequence[Numbered], policies: Mapping[str, Policy], zone: tzinfo, texts: Mapping[str, str]
) -> Story:
    """The story of the one site in these entries, which may include the desk's own entries.

    `texts`: the people's text to show, by reference.

    Raises:
        UnreadableEntryError: if the desk cannot have written an entry.
        BrokenCaseError: if an entry is missing, or cannot follow the entries before it.
        ValueError: if there is no entry of a site.
    """
    entries = [_Read(n, leaf, body, *decode(body)) for n, (leaf, body) in enumerate(rows, 1)]
    of_site = [entry for entry in entries if entry.header.site_id != DESK_STREAM]
    if not of_site:
        raise ValueError("there is no entry of a site")
    last = of_site[-1]
    when = Printed(zone=zone, now=last.event.recorded_at.astimezone(UTC))
    wording = Wording(site=last.header.site, site_id=last.header.site_id, when=when)
    _refuse_gaps(of_site, wording)
    left = _left_down(of_site)
    return Story(
        site=last.header.site,
        lines=tuple(_line(wording, entry, left) for entry in of_site),
        own=tuple(_line(wording, each) for each in entries if each.header.site_id == DESK_STREAM),
        state=_state(of_site, wording, policies[last.event.policy], texts),
        state_at=when(last.event.recorded_at),
        before=of_site[0].header.site_seq - 1,
    )


def references(rows: Sequence[Numbered]) -> Iterator[str]:
    """The references to people's text in these entries."""
    for _, body in rows:
        header, event = decode(body)
        yield from record_entries.text_refs(event_document(header.site_id, event, header.site_seq))


def _left_down(of_site: Sequence[_Read]) -> set[int]:
    """The numbers of the entries that would have opened the site if a loss had not left it down."""
    events = (entry.event for entry in of_site)
    return {e.order for e in events if isinstance(e, OrderCancelled) and e.why == LEFT_DOWN}


def _line(wording: Wording, entry: _Read, left: Collection[int] = ()) -> Line:
    event, document = entry.event, entry.document
    if entry.header.site_seq in left:
        document = effects.of_left_down(document)
    at, recorded = event.occurred_at, event.recorded_at
    own = entry.header.site_id == DESK_STREAM
    refs = set(record_entries.text_refs(document))
    return Line(
        seq=entry.header.site_seq,
        line=entry.line,
        leaf=entry.leaf,
        digest=leaf_hash(entry.body.encode()).hex(),
        happened=case_words.exactly(wording, at),
        recorded="" if at == recorded else case_words.exactly(wording, recorded),
        by=signed(event.by, entry.header.login),
        what=case_words.own_sentence(event) if own else _sentence(wording, document),
        rule="" if event.reason is None else rule(event.reason.rule),
        reasons=() if event.reason is None else tuple(case_words.reasons(wording, event.reason)),
        words=tuple((name, ref) for name, ref in _texts(document) if ref in refs),
        policy=event.policy,
    )


def _texts(document: Facts) -> Iterator[tuple[str, str]]:
    """The texts of a document by name, including the details of a filing."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _texts(value)
        elif isinstance(value, str):
            yield name, value


def _sentence(wording: Wording, document: Facts) -> str:
    """The sentence for an entry, with facts that its phrase leaves out."""
    facts = [*cast("Sequence[str]", document.get(_URLS, ())), document.get(_CATEGORY)]
    more = "; ".join(str(fact) for fact in facts if fact)
    sentence = event_sentence.sentence(wording, document)
    return f"{sentence} [{more}]" if more else sentence


def _state(
    of_site: Sequence[_Read], wording: Wording, policy: Policy, texts: Mapping[str, str]
) -> tuple[str, ...] | None:
    """The site's state after the entries, from `machine.apply`."""
    if of_site[0].header.site_seq != 1:
        return None
    case = _case(of_site, wording)
    closing = _last(of_site, lambda event: isinstance(event, SiteClosed))
    record = Record(
        case=case,
        policy=policy,
        now=wording.when.now,
        wording=wording,
        story=[
            cast("sites.Line", {**each.document, "login": each.header.login}) for each in of_site
        ],
        omitted=0,
        closing=closing if case.closure else None,
        suspending=_last(
            of_site,
            lambda event: isinstance(event, SiteSuspended) and event.suspension == case.running,
        ),
        moot=[n for n, each in sorted(case.incidents.items()) if each.state == "moot"][
            : MAX_TRIED + 1
        ],
        texts=texts,
        has_orders=any(each.lane == ACT for each in case.deliveries.values()),
        # Only the desk can release what the brake holds, not a reader of the report.
        braked=None,
        left_down_since=None,
        is_believed=False,
        stays_down=False,
        only_logged=_is_only_logged(of_site, case),
        # The report has no hints.
        is_cancelled=False,
    )
    return tuple(grounds(record))


def _is_only_logged(of_site: Sequence[_Read], case: Case) -> bool:
    """Whether the actual state differs because the last order was only logged."""
    of_orders = (
        each.event
        for each in reversed(of_site)
        if isinstance(each.event, OrderEvent) and each.event.lane == ACT
    )
    return case.in_force != case.state and is_only_logged(next(of_orders, None))


def _case(of_site: Sequence[_Read], wording: Wording) -> Case:
    case = Case(site_id=wording.site_id, site=wording.site)
    for entry in of_site:
        try:
            apply(case, entry.event)
        except UNREADABLE as error:
            detail = Cause.of(
                "entry_cannot_be",
                "number {number} cannot be ({said})",
                number=entry.header.site_seq,
                said=describe(error),
            )
            raise BrokenCaseError(site=wording.site, detail=detail) from error
    return case


def _refuse_gaps(of_site: Sequence[_Read], wording: Wording) -> None:
    for entry, after in pairwise(of_site):
        due = entry.header.site_seq + 1
        if after.header.site_seq != due:
            raise BrokenCaseError(
                site=wording.site,
                detail=Cause.of("entry_missing", "number {number} is missing", number=due),
            )


def _last(of_site: Sequence[_Read], wanted: Callable[[Event], bool]) -> Any:
    """The last event of that kind with its person and login; None if there is no such event."""
    found = (entry for entry in reversed(of_site) if wanted(entry.event))
    return next(((entry.event, entry.header.login) for entry in found), None)
