"""Every field of what is recorded of an incident: what a record says, and leaves unsaid."""

from datetime import timedelta

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.policy import DOCUMENTED, Policy
from tests.machine.history import ANN, BOB, History, utc

TWO_HOURS = Policy(removal_within=timedelta(hours=2))
TEN, ELEVEN, NOON, LATE = utc("10:00"), utc("11:00"), utc("12:00"), utc("13:00")


def test_a_violation_is_recorded_with_its_deadline() -> None:
    site = History(at="11:00")
    site.do(c.Log(by=BOB, at=TEN, urls=("http://a.example/1",), category="2", note="sha256:1"))
    assert site.recorded() == [
        e.IncidentLogged(
            occurred_at=TEN, recorded_at=ELEVEN, by=BOB, policy=DOCUMENTED.digest, incident=1,
            state_from="new", state_to="open", contact_due=NOON, urls=("http://a.example/1",),
            category="2", note="sha256:1",
        )
    ]  # fmt: skip


def test_a_recurrence_is_recorded_with_what_it_has_of_the_first() -> None:
    site = History(at="10:00").do(c.Log(by=ANN, urls=("http://a.example/1",), category="2"))
    site.contact(1).after("2h").do(c.Recur(by=BOB, incident=1, at=ELEVEN, note="sha256:1"))
    assert site.recorded() == [
        e.IncidentLogged(
            occurred_at=ELEVEN, recorded_at=NOON, by=BOB, policy=DOCUMENTED.digest, incident=2,
            state_from="new", state_to="open", contact_due=LATE, urls=("http://a.example/1",),
            category="2", note="sha256:1", recurs=1,
        )
    ]  # fmt: skip


def test_an_imported_incident_is_recorded_with_all_that_is_known_of_it() -> None:
    site = History(at="13:00").do(
        c.ImportIncident(
            by=BOB, at=TEN, urls=("http://a.example/1",), category="2", note="sha256:1",
            contact="reached", contact_at=ELEVEN, removed_at=NOON,
        )
    )  # fmt: skip
    assert site.recorded() == [
        e.IncidentImported(
            occurred_at=TEN, recorded_at=LATE, by=BOB, policy=DOCUMENTED.digest, incident=1,
            state_from="new", state_to="removed", urls=("http://a.example/1",), category="2",
            note="sha256:1", contact="reached", contact_at=ELEVEN, removed_at=NOON,
        )
    ]  # fmt: skip


def test_a_file_is_recorded_by_its_digest_and_its_size() -> None:
    site = History(at="10:00").log().after("1h")
    site.do(c.Attach(by=BOB, incident=1, digest="sha256:1", size=7, name="sha256:2"))
    assert site.recorded() == [
        e.EvidenceAttached(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=BOB, policy=DOCUMENTED.digest, incident=1,
            digest="sha256:1", size=7, name="sha256:2",
        )
    ]  # fmt: skip


def test_a_call_is_recorded_with_whether_it_stopped_the_clock() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().log().after("1h")
    site.do(
        c.RecordContact(by=BOB, incident=1, outcome="reached", at=utc("10:30"), note="sha256:1")
    )
    assert site.recorded() == [
        e.ContactRecorded(
            occurred_at=utc("10:30"), recorded_at=ELEVEN, by=BOB, policy=TWO_HOURS.digest,
            incident=1, state_from="open", state_to="notified", contact=1, outcome="reached",
            stopped_clock=True, removal_due=LATE, note="sha256:1",
        )
    ]  # fmt: skip
    site.do(c.RecordContact(by=BOB, incident=None, outcome="bounced", note="sha256:2"))
    assert site.recorded() == [
        e.ContactRecorded(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=BOB, policy=TWO_HOURS.digest, incident=2,
            state_from="open", state_to="open", contact=1, outcome="bounced", whole_site=True,
            note="sha256:2",
        )
    ]  # fmt: skip


def test_a_further_call_moves_nothing_and_has_a_number_of_its_own() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).after("1h").contact(1)
    assert site.recorded() == [
        e.ContactRecorded(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=ANN, policy=TWO_HOURS.digest, incident=1,
            state_from="notified", state_to="notified", contact=2, outcome="reached",
        )
    ]  # fmt: skip


def test_a_voided_contact_is_recorded_with_the_fresh_hour() -> None:
    site = History(at="10:00").log().contact(1, "no-answer").contact(1).after("1h")
    site.void_contact(1, 2)
    assert site.recorded() == [
        e.ContactVoided(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=ANN, policy=DOCUMENTED.digest, incident=1,
            state_from="notified", state_to="open", contact=2, text="a slip", fresh_hour=True,
            contact_due=NOON,
        )
    ]  # fmt: skip
    assert site.void_contact(1, 1).recorded() == [
        e.ContactVoided(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=ANN, policy=DOCUMENTED.digest, incident=1,
            state_from="open", state_to="open", contact=1, text="a slip",
        )
    ]  # fmt: skip


def test_removed_is_recorded_at_its_time() -> None:
    site = History(at="10:00").log().contact(1).after("2h")
    site.do(c.StateRemoved(by=BOB, incident=1, at=ELEVEN, note="sha256:1"))
    assert site.recorded() == [
        e.IncidentRemoved(
            occurred_at=ELEVEN, recorded_at=NOON, by=BOB, policy=DOCUMENTED.digest, incident=1,
            state_from="notified", state_to="removed", note="sha256:1",
        )
    ]  # fmt: skip


def test_a_refusal_and_its_closure_are_recorded_with_one_reason() -> None:
    site = History(at="10:00").log().contact(1).after("2h")
    site.do(c.StateRefused(by=BOB, incident=1, at=ELEVEN, note="sha256:1"))
    reason = e.Reason(
        rule="refusal", incidents=(1,), counted=2, needed=2, since=ELEVEN, decided_at=NOON
    )
    assert site.recorded() == [
        e.IncidentRefused(
            occurred_at=ELEVEN, recorded_at=NOON, by=BOB, policy=DOCUMENTED.digest, reason=reason,
            incident=1, state_from="notified", state_to="refused", note="sha256:1",
        ),
        e.SiteClosed(
            occurred_at=NOON, recorded_at=NOON, by=BOB, policy=DOCUMENTED.digest, reason=reason,
            site_from="active", site_to="closed",
        ),
    ]  # fmt: skip


def test_a_lapsed_removal_deadline_is_a_refusal_at_that_deadline() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().contact(1).at("13:00").elapse()
    reason = e.Reason(
        rule="refusal", incidents=(1,), counted=2, needed=2, since=utc("10:00"), deadline=NOON,
        decided_at=LATE,
    )  # fmt: skip
    assert site.recorded() == [
        e.IncidentRefused(
            occurred_at=NOON, recorded_at=LATE, by="clock", policy=TWO_HOURS.digest, reason=reason,
            incident=1, state_from="notified", state_to="refused",
        ),
        e.SiteClosed(
            occurred_at=NOON, recorded_at=LATE, by="clock", policy=TWO_HOURS.digest, reason=reason,
            site_from="active", site_to="closed",
        ),
    ]  # fmt: skip


def test_a_voided_incident_is_recorded_with_why() -> None:
    assert History(at="10:00").log().after("30m").void(1).recorded() == [
        e.IncidentVoided(
            occurred_at=utc("10:30"), recorded_at=utc("10:30"), by=ANN, policy=DOCUMENTED.digest,
            incident=1, state_from="open", state_to="voided", text="not a violation",
        )
    ]  # fmt: skip


def test_a_statement_taken_back_is_recorded_with_the_deadline_that_follows() -> None:
    site = History(at="10:00", policy=TWO_HOURS).log().removed(1).after("1h").take_back(1)
    assert site.recorded() == [
        e.StatementTakenBack(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=ANN, policy=TWO_HOURS.digest, incident=1,
            state_from="removed", state_to="open", text="the wrong incident", fresh_hour=True,
            contact_due=NOON,
        )
    ]  # fmt: skip
    site.contact(1).removed(1).take_back(1)
    assert site.recorded() == [
        e.StatementTakenBack(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=ANN, policy=TWO_HOURS.digest, incident=1,
            state_from="removed", state_to="notified", text="the wrong incident", removal_due=LATE,
        ),
        e.TaskOpened(
            occurred_at=ELEVEN, recorded_at=ELEVEN, by=ANN, policy=TWO_HOURS.digest, task=1,
            task_kind="review", incidents=(1,),
        ),
    ]  # fmt: skip
