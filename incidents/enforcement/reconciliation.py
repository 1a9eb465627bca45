"""The reconciliation of the ordered state, the recorded state, and the actual state of sites."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from sqlalchemy import Connection, select

from incidents.contract.case_documents import plain
from incidents.desk import Desk, Envelope
from incidents.enforcement.attempts import log_error
from incidents.enforcement.port import Adapter, State
from incidents.enforcement.routing import DEFAULT, Routing
from incidents.enforcement.verdict import (
    AGREES,
    CANCELLED,
    DIFFERS,
    MOVED,
    REPAIRED,
    UNKNOWN,
    UP,
    WAITS,
    Comparison,
)
from incidents.errors import ActionRefusedError, AdapterFaultError
from incidents.locale import refusals
from incidents.machine import commands
from incidents.machine.case import UNKNOWN as NOT_KNOWN
from incidents.machine.command import LEFT_DOWN
from incidents.machine.events import OrderDelivered
from incidents.machine.refusal import Refusal
from incidents.store import after_loss, deliveries, desk_state
from incidents.store.archive import whole
from incidents.store.cases import sites
from incidents.store.database.engine import Reading
from incidents.store.log import lineage
from incidents.store.schema.desk_tables import entries
from incidents.values.ids import ACT
from incidents.views import left_down
from incidents.views.withheld import is_cancelled

if TYPE_CHECKING:
    from incidents.contract.documents.orders import ComparisonVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """A reconciliation: it records, through the desk, the states that adapters report.

    `by` and `login`: the person who requests it. `repair`: repeat orders that are not in force;
    `cancelled`: even cancelled ones. `key`: repeat an order only once for each site, however often
    the reconciliation is requested; `given_key` as in `Envelope`.

    `standing`: the state of a record that has lost its latest entries. A site that no adapter knows
    can then be in any state until an order is carried out, and a closed site is not suspended,
    because it is already down. Unless `opens`, a site that is down although nothing on record keeps
    it down stays down, with the verdict `LEFT_DOWN`. A site that was already down when a clock
    suspended it also stays down, until a person decides.
    """

    reading: Reading
    desk: Desk
    routing: Routing
    by: str
    login: str | None = None
    key: str | None = None
    given_key: str | None = None
    repair: bool = False
    cancelled: bool = False
    dry_run: bool = False
    standing: lineage.Standing | None = None
    opens: bool = True

    def compare(self, name: str) -> Comparison:
        """Compare one site; its state goes on record at once, unless something changed meanwhile.

        If the adapter cannot be queried, the recorded state counts. If an order waits, nothing is
        done.

        Raises:
            UnknownSiteError: if there is no site of that name.
            AdapterFaultError: for any error of an adapter. After a loss, the state of a site
                that was up as far as is known, and not compared since, is then recorded as unknown,
                so that no clock later opens the site because of its earlier state.
            ActionRefusedError: if `by` may not record the result.
        """
        # A person has the sites opened; a daemon, which opens none, ends what is over anyway.
        is_asked = self.standing is not None and self.opens
        foretold = self._elapse_due(name) if is_asked else None
        with self.reading() as connection:
            row = sites.named(connection, name)
            if foretold is not None:
                row = {**row, "state": foretold}
            chain = deliveries.chains(connection, [row["id"]])
            cancelled = not self.cancelled and is_cancelled(connection, row["id"])
            is_ordered = self.standing is not None and self._is_ordered(connection, row)
            is_uncertain = self._is_uncertain(connection, row)
        # A braked order waits too, for a supervisor: ordering it again would release it.
        waits = foretold is not None or any(not each.dead or each.braked for _, each in chain)
        adapter = self.routing.adapter_for(name)
        seen = self._actual_state(adapter, row, is_uncertain=is_uncertain)
        if seen is None and is_uncertain and adapter.name != DEFAULT:
            seen = NOT_KNOWN
        agrees = self._agrees(row, row["in_force"] if seen is None else seen)
        found = Comparison(
            site=name, ordered=row["state"], on_record=row["in_force"], really=seen,
            adapter=adapter.name, verdict=_verdict(seen, agrees=agrees, waits=waits),
        )  # fmt: skip
        if cancelled and found.verdict == DIFFERS:
            found = replace(found, verdict=CANCELLED)
        if found.verdict == DIFFERS and seen is None and not self.repair:
            with self.reading() as connection:
                if left_down.is_believed(connection, row, desk_state.now(connection)):
                    found = replace(found, verdict=UNKNOWN)
        if not self.opens and found.verdict == DIFFERS and row["state"] == UP:
            is_believed = seen is None and self._is_new_since_loss(row)
            found = replace(found, verdict=UNKNOWN if is_believed else LEFT_DOWN)
        if found.verdict == DIFFERS and self._is_left_closed(row, found):
            found = replace(found, verdict=LEFT_DOWN)
        found = self._record(row, found, may_order=not is_ordered)
        return replace(found, verdict=LEFT_DOWN) if self._is_left_suspended(row, found) else found

    def _elapse_due(self, name: str) -> State | None:
        """End what is over by now at the site: what is due comes first.

        Returns the state that follows from it, if this is a dry run and it is another.
        """
        with self.reading() as connection:
            row, now = sites.named(connection, name), desk_state.now(connection)
        due = row["next_due"]
        if due is None or due >= now:
            return None
        elapse = Envelope(site=row["id"], command=commands.Elapse(), login=self.login)
        [answer] = self.desk.submit([elapse], dry_run=self.dry_run)
        state = answer.site_document["state"]
        return state if self.dry_run and state != row["state"] else None

    def _actual_state(self, adapter: Adapter, row: Any, *, is_uncertain: bool) -> str | None:
        try:
            return _reported_state(adapter, row["name"], row["state"])
        except (Exception, SystemExit) as error:
            if is_uncertain and row["in_force"] == UP and not self._was_compared(row):
                unknown = Comparison(
                    site=row["name"], ordered=row["state"], on_record=UP, really=NOT_KNOWN,
                    adapter=adapter.name, verdict=UNKNOWN,
                )  # fmt: skip
                self._record(row, unknown, may_order=False)
            fault = type(error).__name__
            raise AdapterFaultError(site=row["name"], adapter=adapter.name, fault=fault) from error

    def _agrees(self, row: Any, known: str) -> bool:
        is_closed = (row["state"], known) == ("suspended", "closed")
        return known == row["state"] or (is_closed and self.standing is not None)

    def _is_left_suspended(self, row: Any, found: Comparison) -> bool:
        """Whether the site is suspended as ordered, but must stay down after the suspension."""
        is_down = row["state"] == "suspended" and row["hold_at"] is None
        if self.standing is None or not is_down or found.verdict not in (AGREES, UNKNOWN):
            return False
        with self.reading() as connection:
            return bool(left_down.marked(connection, [row["id"]]))

    def _is_left_closed(self, row: Any, found: Comparison) -> bool:
        """Whether the site is suspended on record but actually closed, after a loss.

        An order to suspend it would be cancelled at once.
        """
        if (row["state"], found.really or row["in_force"]) != ("suspended", "closed"):
            return False
        with self.reading() as connection:
            if lineage.standing(connection).lost_at is None:
                return False
            is_news, is_held = row["in_force"] != "closed", row["hold_at"] is not None
            return is_news or is_held or bool(left_down.marked(connection, [row["id"]]))

    def _record(self, row: Any, found: Comparison, *, may_order: bool) -> Comparison:
        repairs = self.repair and may_order and found.verdict == DIFFERS
        asked = [
            *self._state_command(row, found),
            *([self._repeat_command(row, found)] if repairs else []),
        ]
        if not asked:
            return found
        answer = self.desk.submit(asked, dry_run=self.dry_run)[-1]
        if answer.refusal is not None:
            if answer.refusal.name == "key_reused" and self.standing is not None:
                # Another process that compares the site has ordered it meanwhile.
                return replace(found, verdict=WAITS)
            return replace(found, verdict=_verdict_of_refusal(answer.refusal))
        # The order repeated with this key before did not help.
        return replace(found, verdict=REPAIRED) if repairs and not answer.repeated else found

    def _state_command(self, row: Any, found: Comparison) -> list[Envelope]:
        """Return the command that records the actual state, if that differs; it has no key."""
        if found.really is None or found.really == row["in_force"]:
            return []
        command = commands.RecordState(
            by=self.by, adapter=found.adapter, seen=found.really, in_force=row["in_force"],
            last_act=row["last_act"],
        )  # fmt: skip
        return [Envelope(site=row["id"], command=command, login=self.login)]

    def _repeat_command(self, row: Any, found: Comparison) -> Envelope:
        command = commands.RepeatOrder(
            by=self.by, in_force=found.really or row["in_force"], last_act=row["last_act"]
        )
        return Envelope(
            site=row["id"], command=command, login=self.login, key=self._key(row),
            given_key=self.given_key or self.key,
        )  # fmt: skip

    def _is_ordered(self, connection: Connection, row: Any) -> bool:
        key = self._key(row)
        return key is not None and bool(desk_state.answers_kept(connection, [key]))

    def _is_uncertain(self, connection: Connection, row: Any) -> bool:
        """Whether the record might be wrong about the state of a site that no adapter knows.

        The record is right about a site that is up if no entries are known to be missing, and about
        a site added after the loss, once lost entries can no longer include that site.
        """
        found = self.standing
        if found is None or found.resumed_at is None:
            return False
        if _was_carried_out(connection, row["id"], found.resumed_at):
            return False
        if row["state"] != UP and row["in_force"] != UP:
            return True
        until = found.may_be_lost_until
        if self._is_new_since_loss(row) and (until is None or desk_state.now(connection) >= until):
            return False
        return found.lost_since is not None or found.moved_at is None

    def _was_compared(self, row: Any) -> bool:
        """Return whether the site was compared in the present epoch, so that no loss is hidden."""
        if self.standing is None:
            return False
        with self.reading() as connection:
            return bool(after_loss.compared_since(connection, self.standing, [row["id"]]))

    def _is_new_since_loss(self, row: Any) -> bool:
        """Whether the site was added after the loss, and no order was carried out for it."""
        since = None if self.standing is None else self.standing.resumed_at
        return since is not None and row["created_at"] > since and row["last_act"] == 0

    def _key(self, row: Any) -> str | None:
        return None if self.key is None else f"{self.key}:{row['id']}:repeat"


def _was_carried_out(connection: Connection, site_id: int, since: datetime) -> bool:
    """Return whether an order to the live system was carried out after `since` (UTC)."""
    of = entries.c
    told = (f'"lane":"{ACT}"', f'"kind":"{OrderDelivered.kind}"')
    asked = select(of.id).where(
        of.site_id == site_id, of.recorded_at > since, *(of.body.contains(each) for each in told)
    )
    later = whole.between(since, None)
    return bool(whole.of_one_site(connection, asked.limit(1), site_id, later, newest_first=True))


def _verdict_of_refusal(refusal: Refusal) -> ComparisonVerdict:
    """The verdict on a site that has changed since it was read."""
    if refusal.name in ("seen_too_early", "in_force_already"):
        return MOVED
    facts = {name: plain(value) for name, value in refusal.facts.items()}
    raise ActionRefusedError(refusals.sentence(refusal), name=refusal.name, facts=facts)


def _reported_state(adapter: Adapter, name: str, ordered: str) -> State | None:
    """The state that the adapter reports; None if it is unknown or not a valid state."""
    seen: Any = adapter.state(name)
    if seen is not None and seen not in get_args(State):
        log_error("an adapter says what is no state", site=name, adapter=adapter.name)
        return None
    # A stopped machine does not know why.
    if seen == "suspended" and ordered == "closed" and not getattr(adapter, "tells_closed", True):
        return "closed"
    found: State | None = seen
    return found


def _verdict(seen: str | None, *, agrees: bool, waits: bool) -> ComparisonVerdict:
    if agrees:
        return UNKNOWN if seen is None else AGREES
    return WAITS if waits else DIFFERS
