"""Laws of the machine: what holds in every history, whatever happens in it."""

import copy
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine import filing, work
from incidents.machine.apply import apply
from incidents.machine.decide import decide
from incidents.machine.orders import orders
from incidents.machine.rules import closure_grounds, deadlines, unreachable_rules
from tests.machine.random_histories import RandomHistory, histories, play

MICROSECOND = timedelta(microseconds=1)
ELAPSE = c.Elapse()


@given(histories())
def test_deciding_does_not_change_the_case_that_it_is_given(history: RandomHistory) -> None:
    for moment in play(history):
        before = copy.deepcopy(moment.before)
        decide(moment.before, moment.command, moment.policy, moment.now)
        assert moment.before == before


@given(histories())
def test_deciding_twice_comes_to_the_same(history: RandomHistory) -> None:
    for moment in play(history):
        again = decide(moment.before, moment.command, moment.policy, moment.now)
        assert again == moment.decision


@given(histories())
def test_the_events_applied_to_the_case_give_the_decisions_case(history: RandomHistory) -> None:
    for moment in play(history):
        case = moment.before.copy()
        for event in moment.decision.events:
            apply(case, event)
        assert case == moment.decision.case


@given(histories())
def test_a_history_replayed_from_its_events_alone_gives_the_same_case(
    history: RandomHistory,
) -> None:
    moments = list(play(history))
    replayed = moments[0].before.copy()
    for moment in moments:
        for event in moment.decision.events:
            apply(replayed, event)
    assert replayed == moments[-1].decision.case


@given(histories())
def test_a_daemon_first_or_an_operator_first_gives_the_same(history: RandomHistory) -> None:
    for moment in play(history):
        daemon = decide(moment.before, ELAPSE, moment.policy, moment.now)
        operator = decide(daemon.case, moment.command, moment.policy, moment.now)
        assert operator.case == moment.decision.case
        assert operator.refusal == moment.decision.refusal
        assert operator.remarks == moment.decision.remarks
        assert operator.due == 0
        assert daemon.events + operator.events == moment.decision.events
        assert len(daemon.events) == moment.decision.due


@given(histories())
def test_elapsing_twice_is_elapsing_once(history: RandomHistory) -> None:
    for moment in play(history):
        again = decide(moment.decision.case, ELAPSE, moment.policy, moment.now)
        assert again.events == ()
        assert again.case == moment.decision.case


@given(histories())
def test_after_a_decision_nothing_that_was_due_is_left(history: RandomHistory) -> None:
    for moment in play(history):
        case = moment.decision.case
        due = deadlines.next_due(case)
        assert due is None or case.last_entry_at is None or due >= case.last_entry_at
        assert due is None or due >= moment.now


@given(histories())
def test_nothing_happens_at_what_is_due_next_and_something_a_microsecond_later(
    history: RandomHistory,
) -> None:
    for moment in play(history):
        case = moment.decision.case
        due = deadlines.next_due(case)
        if due is not None:
            assert decide(case, ELAPSE, moment.policy, due).events == ()
            assert decide(case, ELAPSE, moment.policy, due + MICROSECOND).events != ()


@given(histories())
def test_what_is_refused_changes_nothing_but_what_was_due(history: RandomHistory) -> None:
    for moment in play(history):
        if moment.decision.refusal is not None:
            assert len(moment.decision.events) == moment.decision.due
            assert moment.decision.remarks == ()


@given(histories())
def test_the_run_is_what_the_rules_derive(history: RandomHistory) -> None:
    counting = history.policy.get("run", "consecutive")
    for moment in play(history):
        if moment.policy.run != counting:
            return  # a run kept from before another way to count is set right by the next event
        case = moment.decision.case
        assert case.run == unreachable_rules.run(case, moment.policy)


@given(histories())
def test_a_dispute_is_what_the_rules_derive(history: RandomHistory) -> None:
    for moment in play(history):
        case = moment.decision.case
        assert case.disputed == closure_grounds.disputed(case)
        assert not case.disputed or case.closed


@given(histories())
def test_there_are_never_two_suspensions_running(history: RandomHistory) -> None:
    for moment in play(history):
        case = moment.decision.case
        running = [n for n, suspension in case.suspensions.items() if suspension.running]
        assert running == ([] if case.running is None else [case.running])
        assert not case.closed or running == []


@given(histories())
def test_a_site_is_down_exactly_if_it_is_closed_held_or_suspended(history: RandomHistory) -> None:
    for moment in play(history):
        case = moment.decision.case
        assert (case.state == "closed") == (case.closure is not None)
        down = case.closed or case.held or case.running is not None
        assert (case.state != "active") == down


@given(histories())
def test_every_standing_case_rests_on_an_incident_that_stands(history: RandomHistory) -> None:
    for moment in play(history):
        case = moment.decision.case
        for n, suspension in case.suspensions.items():
            members = [i for i in case.incidents.values() if i.suspension == n]
            assert suspension.struck != any(incident.stands for incident in members)


@given(histories(), st.integers(0, 10_000))
def test_no_event_comes_out_of_a_closed_sites_clocks(history: RandomHistory, hours: int) -> None:
    for moment in play(history):
        case = moment.decision.case
        if case.closed:
            assert deadlines.next_due(case) is None
            later = moment.now + timedelta(hours=hours)
            assert decide(case, ELAPSE, moment.policy, later).events == ()


@given(histories())
def test_a_closed_site_opens_by_reinstatement_alone(history: RandomHistory) -> None:
    for moment in play(history):
        if moment.before.closed and not moment.decision.case.closed:
            assert isinstance(moment.command, c.Approve)


@given(histories())
def test_a_recount_never_suspends_or_closes(history: RandomHistory) -> None:
    corrections = (
        c.VoidContact, c.VoidIncident, c.TakeBack, c.RecordContact, c.StateRemoved, c.SayRemoved,
        c.StateReported, c.AddNote, c.OrderCommand, c.RecordState, c.RepeatOrder,
        c.FilingCommand, c.RevokeLinks,
    )  # fmt: skip
    for moment in play(history):
        if isinstance(moment.command, corrections):
            acted = moment.decision.events[moment.decision.due :]
            assert not any(isinstance(event, e.SiteSuspended | e.SiteClosed) for event in acted)


@given(histories())
def test_what_becomes_of_orders_and_what_is_reported_noted_or_revoked_moves_nothing_on_a_site(
    history: RandomHistory,
) -> None:
    about = (
        c.OrderCommand, c.RecordState, c.RepeatOrder, c.StateReported, c.AddNote, c.RevokeLinks,
    )  # fmt: skip
    for moment in play(history):
        if isinstance(moment.command, about):
            due = decide(moment.before, ELAPSE, moment.policy, moment.now).case
            after = moment.decision.case
            assert (after.state, after.run, after.disputed) == (due.state, due.run, due.disputed)
            assert (after.suspensions, after.tasks) == (due.suspensions, due.tasks)
            assert deadlines.next_due(after) == deadlines.next_due(due)
            assert work.items(after) == work.items(due)


@given(histories())
def test_what_is_filed_reminded_suspected_or_seen_at_a_footer_makes_tasks_and_moves_nothing_else(
    history: RandomHistory,
) -> None:
    of_filing = {filing.FILE, filing.SHOW, filing.SUSPICION, filing.FOOTER}
    for moment in play(history):
        due = decide(moment.before, ELAPSE, moment.policy, moment.now).case
        after, acted = moment.decision.case, moment.decision.events[moment.decision.due :]
        if not isinstance(moment.command, c.FilingCommand):
            assert (after.details, after.terms) == (due.details, due.terms)
            continue
        assert orders(acted) == []
        assert (after.state, after.run, after.disputed) == (due.state, due.run, due.disputed)
        assert (after.incidents, after.suspensions) == (due.incidents, due.suspensions)
        assert (after.closure, after.deliveries) == (due.closure, due.deliveries)
        assert deadlines.next_due(after) == deadlines.next_due(due)
        changed = {n for n, task in after.tasks.items() if due.tasks.get(n) != task}
        assert {after.tasks[n].kind for n in changed} <= of_filing
        items = {f"t{n}" for n in changed}
        assert {k: v for k, v in work.items(after).items() if k not in items} == {
            k: v for k, v in work.items(due).items() if k not in items
        }


@given(histories())
def test_each_term_is_what_the_details_say_and_each_problem_has_one_open_task(
    history: RandomHistory,
) -> None:
    for moment in play(history):
        case = moment.decision.case
        # What is approved has been filed.
        begun = {
            "file": ("opened_on", {"filed_on", "approved_on"}),
            "show_number": ("approved_on", {"shown_on"}),
        }
        assert {name: term.due_on for name, term in case.terms.items()} == {
            name: (date.fromisoformat(case.details[first]) + timedelta(days=30)).isoformat()
            for name, (first, ends) in begun.items()
            if first in case.details and ends.isdisjoint(case.details)
        }
        opened = [task for task in case.tasks.values() if task.done_at is None]
        filed = [task for task in opened if task.kind in {*filing.TERMS, filing.FOOTER}]
        assert len(filed) == len({task.kind for task in filed})
        suspected = [task.about for task in opened if task.kind == filing.SUSPICION]
        assert len(suspected) == len(set(suspected))
        assert all(task.kind in case.terms for task in filed if task.kind in filing.TERMS)


@given(histories())
def test_times_of_recording_never_go_back_though_the_clock_may(history: RandomHistory) -> None:
    last = None
    for moment in play(history):
        for event in moment.decision.events:
            assert last is None or event.recorded_at >= last
            assert event.occurred_at <= event.recorded_at
            last = event.recorded_at
        assert moment.decision.case.last_entry_at == last


@given(histories())
def test_a_clock_that_has_stepped_back_decides_as_at_the_last_entry(
    history: RandomHistory,
) -> None:
    for moment in play(history):
        last = moment.before.last_entry_at
        if last is not None:
            early = decide(moment.before, moment.command, moment.policy, last - timedelta(days=1))
            assert early == decide(moment.before, moment.command, moment.policy, last)


@given(histories())
def test_each_entry_is_counted_and_bears_its_person_and_policy(history: RandomHistory) -> None:
    seq = 0
    for moment in play(history):
        for place, event in enumerate(moment.decision.events):
            by_clock = place < moment.decision.due
            assert event.by == (c.CLOCK if by_clock else moment.command.by)
            assert event.policy == moment.policy.digest
        seq += len(moment.decision.events)
        assert moment.decision.case.seq == seq


@given(histories())
def test_nothing_is_deleted(history: RandomHistory) -> None:
    for moment in play(history):
        before, after = moment.before, moment.decision.case
        assert before.incidents.keys() <= after.incidents.keys()
        assert before.suspensions.keys() <= after.suspensions.keys()
        assert before.tasks.keys() <= after.tasks.keys()
        for n, incident in before.incidents.items():
            kept = [(x.n, x.outcome, x.occurred_at, x.recorded_at) for x in incident.contacts]
            now = [
                (x.n, x.outcome, x.occurred_at, x.recorded_at) for x in after.incidents[n].contacts
            ]
            assert now[: len(kept)] == kept


@given(histories(), st.integers(1, 5))
def test_who_follows_the_orders_has_the_site_down_exactly_while_it_is_not_active(
    history: RandomHistory, batch: int
) -> None:
    """Whatever acts share a transaction, what the world was told is what stands."""
    moments = list(play(history))
    down = False
    for start in range(0, len(moments), batch):
        together = moments[start : start + batch]
        events = [event for moment in together for event in moment.decision.events]
        for order in orders(events):
            if order.kind in ("suspend", "close"):
                down = True
            elif order.kind == "reopen":
                assert down or order.again, "a site that is up is not opened"
                down = False
        assert down == (together[-1].decision.case.state != "active")


@given(histories(), st.data())
def test_a_claim_lasts_no_longer_than_its_item(history: RandomHistory, data: st.DataObject) -> None:
    claimed = None
    for moment in play(history):
        items = work.items(moment.decision.case)
        if claimed is None and items:
            item = data.draw(st.sampled_from(sorted(items)))
            act = c.ClaimItem(by="p", item=item)
            claimed = decide(moment.decision.case, act, moment.policy, moment.now).case
            assert claimed.claims.keys() == {item}
            continue
        if claimed is not None:
            claimed = decide(claimed, moment.command, moment.policy, moment.now).case
            # What is about a filing waits while its site is closed, with whoever holds it.
            waiting = {f"t{task.n}" for task in claimed.tasks.values() if task.done_at is None}
            assert claimed.claims.keys() <= work.items(claimed).keys() | waiting


@given(histories(most=25))
def test_the_incidents_and_cases_of_a_decision_are_shared_and_never_changed(
    history: RandomHistory,
) -> None:
    moments = list(play(history))
    frozen = [copy.deepcopy(moment.decision.case) for moment in moments]
    assert [moment.decision.case for moment in play(history)] == frozen
    assert [moment.decision.case for moment in moments] == frozen
