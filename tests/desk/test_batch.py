"""The desk's handling of a batch: order, refusals, due acts first, written results."""

import json
from dataclasses import fields, replace
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

import pytest

from incidents.clock import now
from incidents.contract.action import personal_fields
from incidents.desk import Answer, Desk, Envelope
from incidents.errors import InputError
from incidents.machine import commands as c
from incidents.machine import filing
from incidents.machine.policy import Policy
from incidents.machine.refusal import Refusal
from incidents.record.sealing import commitment
from incidents.store.cases import sites
from incidents.store.database.engine import writing
from incidents.values import web_address
from tests.databases import compares_clocks
from tests.desk.rehearsal import TEN, Rehearsal, rehearsal

ALL = [kind for kind in vars(c).values() if isinstance(kind, type) and issubclass(kind, c.Command)]


def _name(refusal: Refusal | None) -> str | None:
    return None if refusal is None else refusal.name


def test_an_incident_is_logged_and_answered_with_the_site_the_incident_and_the_events(
    day: Rehearsal,
) -> None:
    answer = day.give(c.Log(by="li", urls=("https://a.example/1",), category="2", note="seen"))
    assert (answer.site, answer.refusal, answer.repeated) == ("a.example", None, False)
    document, incident = answer.document, answer.incident_document
    assert answer.site_document["state"] == "active"
    assert incident == document["incidents"][0]
    assert {**incident, "note": None} == {
        "id": f"{answer.site_id}-1", "site": "a.example", "state": "open",
        "occurred_at": "2026-03-01T10:00:00Z", "recorded_at": "2026-03-01T10:00:00Z",
        "contact_due": "2026-03-01T11:00:00Z", "removal_due": None, "by": "li", "category": "2",
        "note": None, "urls": ["https://a.example/1"], "urls_written": [], "recurs": None,
        "corrections": 0,
        "contacts": [], "evidence": [], "notes": [], "reported_at": None, "removal_said_at": None,
        "links_revoked": 0,
    }  # fmt: skip
    assert [(event["seq"], event["kind"]) for event in document["events"]] == [
        (2, "incident_logged")
    ]
    json.dumps(document)


def test_an_address_is_on_record_as_it_was_written_beside_its_normal_form(day: Rehearsal) -> None:
    written = ["http://a.example/a b", "http://a.example/c", "http://li@a.example/\t\x1bz"]
    normal = ["http://a.example/a%20b", "http://a.example/c", "http://a.example/%1Bz"]
    kept = web_address.normalized(written)
    logged = c.Log(by="li", urls=kept.urls, written=kept.written)
    first = day.give(logged, key="k").incident_document
    assert (first["urls"], first["urls_written"]) == (normal, written)
    # The same address in its normal form is the same command, and under another key a second entry.
    assert day.give(replace(logged, written=()), key="k").repeated
    assert day.refused(c.Log(by="li", urls=(normal[2],))) == "double_entry"
    day.give(c.RecordContact(by="li", incident=1, outcome="reached"))
    again = day.give(c.Recur(by="li", incident=1)).incident_document
    assert (again["urls"], again["urls_written"]) == (normal, written)
    assert day.findings() == []


@pytest.mark.both_databases(long="postgresql")
def test_what_was_written_as_an_older_program_kept_it_is_a_double_entry(day: Rehearsal) -> None:
    day.give(c.Log(by="li", urls=("http://a.example/\u8def",)))
    kept = web_address.normalized(["http://a.example/\u8def"])
    assert kept.urls != kept.written
    assert day.refused(c.Log(by="li", urls=kept.urls, written=kept.written)) == "double_entry"


def test_a_site_is_named_by_its_name_or_its_id(day: Rehearsal) -> None:
    by_name = day.give(c.Log(by="li"))
    assert by_name.site_id is not None
    assert day.give(c.Log(by="li"), by_name.site_id).site == "a.example"


def test_an_unknown_site_is_refused_with_the_nearest_names(day: Rehearsal) -> None:
    answer = day.give(c.Log(by="li"), "aa.example")
    assert answer.refusal == Refusal(
        "unknown_site", {"site": "aa.example", "nearest": ("a.example",), "logs": True}
    )
    assert answer.document["events"] == []
    assert day.refused(c.Log(by="li"), "far-away.test") == "unknown_site"
    held = day.give(c.SetHold(by="li", reason="police"), "far-away.test").refusal
    assert held == Refusal("unknown_site", {"site": "far-away.test", "nearest": ()})


def test_of_two_unknown_sites_in_a_batch_only_one_is_compared_and_says_so(day: Rehearsal) -> None:
    wanted = [Envelope(site=each, command=c.Log(by="li")) for each in ("aa.example", "far.test")]
    assert [answer.refusal for answer in day.desk.submit(wanted)] == [
        Refusal("unknown_site", {"site": "aa.example", "nearest": ("a.example",), "logs": True}),
        Refusal(
            "unknown_site", {"site": "far.test", "nearest": (), "searched": False, "logs": True}
        ),
    ]


def test_a_name_is_compared_with_a_part_of_few_others_which_takes_the_cube_of_their_length(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    def close(name: str, names: list[str], **how: Any) -> list[str]:
        compared.extend([name, *names])
        return get_close_matches(name, names, **how)

    monkeypatch.setattr(sites, "get_close_matches", close)
    long = "{0}.{1}.{0}.example".format("ab" * 31, "{}")
    with writing(day.engine) as connection:
        sites.add(connection, [long.format(n) for n in range(30)])
    refusal = day.give(c.Log(by="li"), long.format("x")).refusal
    assert refusal is not None
    assert set(refusal.facts["nearest"]) <= {long.format(n) for n in range(30)}
    assert (len(refusal.facts["nearest"]), len(compared)) == (3, 21)
    assert {*map(len, compared)} == {100}


@pytest.mark.both_databases(long="postgresql")
@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (c.StateRemoved(by="li", incident=3), Refusal("unknown_incident", {"incident": "99-3"})),
        (c.CompleteTask(by="li", task=2), Refusal("unknown_task", {"task": "99-t2"})),
        (c.ClaimItem(by="li", item="t2"), Refusal("unknown_item", {"item": "99-t2"})),
        (
            c.RetryOrder(by="li", order=4, lane="notice"),
            Refusal("unknown_order", {"order": "99-o4.notice"}),
        ),
        (c.StateReported(by="li", incident=3), Refusal("unknown_incident", {"incident": "99-3"})),
        (
            c.AddNote(by="li", incident=3, audience="desk", text="seen"),
            Refusal("unknown_incident", {"incident": "99-3"}),
        ),
        (
            c.ChangeFiling(by="li", details=(("level", "3"),)),
            Refusal("unknown_site", {"site": "99", "nearest": ()}),
        ),
        (c.Log(by="li"), Refusal("unknown_site", {"site": "99", "nearest": ()})),
    ],
)
def test_what_belongs_to_no_site_is_refused_by_its_own_name(
    day: Rehearsal, command: c.Command, refusal: Refusal
) -> None:
    assert day.give(command, 99).refusal == refusal


def test_a_refused_command_refuses_only_itself(day: Rehearsal) -> None:
    answers = day.desk.submit(
        [
            Envelope(site="a.example", command=c.Log(by="li")),
            Envelope(site="a.example", command=c.StateRemoved(by="li", incident=9)),
            Envelope(site="nowhere.example", command=c.Log(by="li")),
            Envelope(site="b.example", command=c.Log(by="li", note="x" * 4_001)),
            Envelope(site="b.example", command=c.Log(by="li")),
        ]
    )
    assert [_name(answer.refusal) for answer in answers] == [
        None, "unknown_incident", "unknown_site", "text_too_long", None,
    ]  # fmt: skip
    assert day.rows("SELECT count(*) FROM incidents") == [(2,)]


def test_commands_of_a_batch_are_taken_in_their_order(day: Rehearsal) -> None:
    """The third of three incidents closes the site, and the fourth is moot."""
    answers = day.desk.submit([Envelope(site="a.example", command=c.Log(by="li"))] * 4)
    assert [answer.site_document["state"] for answer in answers] == [
        "active", "active", "closed", "closed",
    ]  # fmt: skip
    assert answers[3].incident_document["state"] == "moot"


def test_a_site_added_in_a_batch_is_known_to_what_follows_it(day: Rehearsal) -> None:
    answers = day.desk.submit(
        [
            Envelope(site="new.example", command=c.Log(by="li")),
            Envelope(site="new.example", command=c.AddSite(by="li", phone="010 5555 0100")),
            Envelope(site="new.example", command=c.Log(by="li")),
            Envelope(site="new.example", command=c.AddSite(by="li")),
        ]
    )
    assert [_name(answer.refusal) for answer in answers] == [
        "unknown_site", None, None, "site_exists",
    ]  # fmt: skip


def test_a_site_whose_adding_is_refused_leaves_no_row(day: Rehearsal) -> None:
    answer = day.give(c.AddSite(by="li", phone="0" * 4_001), "new.example")
    assert _name(answer.refusal) == "text_too_long"
    assert day.rows("SELECT count(*) FROM sites") == [(2,)]


def test_what_is_due_is_done_first_even_when_the_command_is_refused(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    day.later(hours=1, microseconds=1)
    answer = day.give(c.StateRemoved(by="li", incident=9))
    assert _name(answer.refusal) == "unknown_incident"
    assert [event["kind"] for event in answer.document["events"]] == [
        "clock_lapsed", "site_suspended",
    ]  # fmt: skip
    assert day.rows("SELECT state FROM sites WHERE name = 'a.example'") == [("suspended",)]


def test_what_the_clock_did_has_no_login_and_what_a_person_did_has(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    day.later(hours=2)
    day.give(c.Log(by="wang"))
    bodies = [json.loads(str(body)) for (body,) in day.rows("SELECT body FROM entries ORDER BY id")]
    assert [(body["actor"], body.get("login")) for body in bodies[2:]] == [
        ("li", "desk1"), ("clock", None), ("clock", None), ("wang", "desk1"),
    ]  # fmt: skip


def test_entries_are_numbered_without_a_gap_site_by_site(day: Rehearsal) -> None:
    day.desk.submit([Envelope(site="a.example", command=c.Log(by="li"))] * 3)
    day.desk.submit([Envelope(site="b.example", command=c.Log(by="li"))] * 2)
    rows = day.rows("SELECT site_id, site_seq FROM entries ORDER BY site_id, site_seq")
    by_site: dict[object, list[object]] = {}
    for site, seq in rows:
        by_site.setdefault(site, []).append(seq)
    assert list(by_site.values()) == [[1, 2, 3, 4, 5, 6], [1, 2, 3]]


def test_each_order_has_a_key_of_its_own_and_names_nobody(day: Rehearsal) -> None:
    day.give(c.Log(by="li", note="Wang was rude"))
    day.later(hours=2)
    day.elapse()
    rows = day.rows("SELECT site_seq, n, kind, data FROM orders ORDER BY site_seq, n")
    assert [(row[0], row[1], row[2]) for row in rows] == [(2, 1, "notify"), (4, 1, "suspend")]
    assert json.loads(str(rows[1][3])) == {
        "site": "a.example", "site_id": "1", "rule": "unreachable", "incident": "1-1",
        "suspension": "1", "until": "2026-03-02T00:00:00Z",
    }  # fmt: skip


@pytest.mark.both_databases(long="postgresql")
def test_a_suspension_and_its_striking_in_one_transaction_are_never_ordered(
    day: Rehearsal,
) -> None:
    day.give(c.Log(by="li"))
    day.later(hours=2)
    told = c.RecordContact(by="li", incident=1, outcome="reached", at=TEN + timedelta(minutes=59))
    assert day.give(told).site_document["state"] == "active"
    assert day.rows("SELECT kind FROM orders") == [("notify",)]


def test_the_queue_has_one_row_for_each_thing_to_do(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    assert day.rows("SELECT item, kind, incident FROM work") == [("1", "call", 1)]
    day.give(c.RecordContact(by="li", incident=1, outcome="reached"))
    assert day.rows("SELECT item, kind FROM work") == [("1", "check_removal")]
    day.give(c.StateRemoved(by="li", incident=1))
    assert day.rows("SELECT item FROM work") == []


def test_a_dry_run_answers_the_same_and_leaves_no_trace(day: Rehearsal) -> None:
    before = day.rows("SELECT count(*) FROM entries")
    tried = day.give(c.Log(by="li", note="seen"), dry_run=True, key="k")
    assert day.rows("SELECT count(*) FROM entries") == before
    assert day.rows("SELECT count(*) FROM sealed") == [(0,)]
    assert day.rows("SELECT count(*) FROM keys") == [(0,)]
    done = day.give(c.Log(by="li", note="seen"), key="k")
    assert not done.repeated
    assert tried.document["events"][0] | {"note": 1} == done.document["events"][0] | {"note": 1}


def test_only_a_dry_run_is_decided_under_another_policy(day: Rehearsal) -> None:
    envelopes = [Envelope(site="a.example", command=c.Log(by="li"))]
    strict = Policy(repeat_count=1)
    (tried,) = day.desk.submit(envelopes, dry_run=True, policy=strict)
    assert tried.site_document["state"] == "closed"
    with pytest.raises(ValueError, match="only a dry run"):
        day.desk.submit(envelopes, policy=strict)


def test_a_batch_of_a_thousand_is_one_transaction_and_one_more_is_refused(day: Rehearsal) -> None:
    names = [f"s{n}.example" for n in range(1_000)]
    assert all(answer.refusal is None for answer in day.add(*names))
    logged = day.desk.submit([Envelope(site=n, command=c.Log(by="li")) for n in names])
    assert [answer.site for answer in logged] == names
    day.later(hours=2)
    assert len(day.elapse()) == 1_000
    with pytest.raises(InputError, match="1,001 commands, and 1,000 are the most"):
        day.add(*names, "one-more.example")
    assert day.desk.submit([]) == []


def test_a_clock_that_has_stepped_back_writes_nothing_before_its_predecessor(
    day: Rehearsal, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """And it says so in the log."""
    day.give(c.Log(by="li"))
    day.later(minutes=-30)
    answer = day.give(c.Log(by="li"))
    assert answer.incident_document["recorded_at"] == "2026-03-01T10:00:00Z"
    assert "clock_stepped_back" in capsys.readouterr().err + caplog.text


def test_a_clock_that_is_a_moment_behind_says_nothing(
    day: Rehearsal, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    day.give(c.Log(by="li"))
    day.later(seconds=-1)
    day.give(c.Log(by="li"))
    assert "clock_stepped_back" not in capsys.readouterr().err + caplog.text


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_text_that_no_database_keeps_is_refused(day: Rehearsal, text: str) -> None:
    for command in (c.Log(by="li", note=text), c.Log(by="li", category=text)):
        assert day.refused(command) == "bad_text"


@pytest.mark.both_databases(long="postgresql")
def test_a_code_holds_nobodys_number_or_address(day: Rehearsal) -> None:
    """It is written into the record as it is."""
    day.give(c.Log(by="li"))
    for command in (
        c.Log(by="li", category="+86 10 5555 0100"),
        c.StateFalse(by="li", field="owner@shop.example", evidence="rang"),
        c.CompleteTask(by="li", task=1, outcome="told 10 5555 0100"),
    ):
        assert day.refused(command) == "personal_code"
    assert day.give(c.Log(by="li", category="33号令 5(4) 赌博")).refusal is None


@pytest.mark.both_databases(long="postgresql")
def test_a_contact_has_one_of_the_known_outcomes(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    answer = day.give(c.RecordContact(by="li", incident=1, outcome="shrugged"))
    assert _name(answer.refusal) == "unknown_outcome"


@pytest.mark.both_databases(long="postgresql")
def test_addresses_have_limits(day: Rehearsal) -> None:
    many = tuple(f"https://a.example/{n}" for n in range(51))
    assert day.refused(c.Log(by="li", urls=many)) == "too_many_urls"
    long = "https://a.example/" + "x" * 12 * 2_048
    assert day.refused(c.Log(by="li", urls=(long,))) == "text_too_long"
    assert day.refused(c.Log(by="li", urls=many[:1], written=(long[:2_049],))) == "text_too_long"
    heavy = tuple("https://a.example/" + f"{n:02}" * 1_000 for n in range(50))
    assert day.refused(c.Log(by="li", urls=heavy)) == "urls_too_long"
    assert day.refused(c.Log(by="li", urls=heavy[:13], written=heavy[:13])) == "urls_too_long"
    assert day.give(c.Log(by="li", urls=heavy[:23])).refusal is None


def test_peoples_own_words_stand_nowhere_but_in_the_sealed_table(day: Rehearsal) -> None:
    secret = "Wang Wu, 010 5555 0142"
    day.give(c.AddSite(by="li", phone=secret, email=secret, person=secret), "c.example")
    day.give(c.Log(by="li", note=secret), "c.example", key="k1")
    told = c.RecordContact(by="li", incident=1, outcome="reached", note=secret)
    day.give(told, "c.example", key="k2")
    day.give(c.SetHold(by="li", reason=secret), "c.example", key="k3")
    day.give(c.StateFalse(by="li", field="phone", evidence=secret), "c.example", key="k4")
    day.give(c.AskReinstatement(by="li", reason=secret), "c.example", key="k5")
    for table in ("entries", "orders", "keys", "sites", "incidents", "contacts", "tasks", "work"):
        assert "5555 0142" not in repr(day.rows(f"SELECT * FROM {table}"))
    kept = day.rows("SELECT ref, salt, value FROM sealed")
    assert {value for _, _, value in kept} == {secret}
    assert len({salt for _, salt, _ in kept}) == len(kept)
    for ref, salt, value in kept:
        assert isinstance(salt, bytes)
        assert commitment(salt, str(value)) == ref


def test_what_is_filed_of_people_stands_nowhere_but_in_the_sealed_table(day: Rehearsal) -> None:
    secret = "Wang Wu, 010 5555 0142"
    sealed = (*filing.SEALED_FIELDS, "server.a")
    server = f'{{"place":"{secret}"}}'
    own = ((key, server if key == "server.a" else secret) for key in sealed)
    details = (*own, ("document.a", "{}"), ("level", "3"))
    assert day.give(c.ChangeFiling(by="li", details=details), key="k1").refusal is None
    day.give(c.RaiseSuspicion(field="server.a", finding="doubtful"))
    for table in ("entries", "orders", "keys", "sites", "filing_details", "tasks", "work"):
        assert "5555 0142" not in repr(day.rows(f"SELECT * FROM {table}"))
    filed = {str(key): value for key, value in day.rows("SELECT key, value FROM filing_details")}
    assert (filed.pop("document.a"), filed.pop("level")) == ("{}", "3")
    assert filed.keys() == set(sealed)
    kept = {ref: value for ref, _, value in day.rows("SELECT ref, salt, value FROM sealed")}
    assert {kept[ref] for ref in filed.values()} == {secret, server}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: str(kind.__name__))
def test_every_free_text_of_every_command_is_sealed(kind: type[c.Command]) -> None:
    free = {"note", "reason", "text", "phone", "email", "person", "name", "evidence"}
    assert {field.name for field in fields(kind)} & free == set(personal_fields(kind))


@pytest.mark.parametrize("ahead", [timedelta(seconds=1.8), timedelta(minutes=4)])
def test_a_fact_is_taken_up_to_the_time_of_the_machine_that_tells_it(
    postgresql_url: str, ahead: timedelta
) -> None:
    """It is on record as happening now by the database's clock, by which all is decided."""
    with rehearsal(compares_clocks(postgresql_url)) as day:
        desk = Desk(day.engine, clock=lambda: now() + ahead)

        def told(command: c.Command) -> Answer:
            (answer,) = desk.submit(
                [Envelope(site="a.example", command=command, key=command.__class__.__name__)]
            )
            return answer

        told(c.AddSite(by="li"))
        log = c.Log(by="li", at=now() + ahead)
        logged, again = told(log), told(log)
        told(c.RecordContact(by="li", incident=1, outcome="reached", at=now() + ahead))
        removed = told(c.StateRemoved(by="li", incident=1, at=now() + ahead))
        later = told(c.StateReported(by="li", incident=1, at=now() + ahead + timedelta(minutes=1)))

        assert (logged.refusal, removed.refusal) == (None, None)
        assert again.repeated
        assert all(each.occurred_at == each.recorded_at for each in logged.events)
        assert _name(later.refusal) == "future"
        assert day.findings() == []


@pytest.mark.parametrize(("way", "refusal"), [(1, "clock_ahead"), (-1, "clock_behind")])
def test_an_act_whose_clock_is_far_from_the_databases_is_refused_but_in_a_rehearsal(
    postgresql_url: str, way: int, refusal: str
) -> None:
    """So that one bad clock cannot poison a site's times."""

    def added(by_the_clock: timedelta, site: str) -> list[str | None]:
        desk = Desk(day.engine, clock=lambda: now() + way * by_the_clock)
        add = [Envelope(site=site, command=c.AddSite(by="li"))]
        return [_name(answer.refusal) for answer in desk.submit(add)]

    with rehearsal(postgresql_url) as day:
        assert added(timedelta(days=400), "rehearsed.example") == [None]
        compares_clocks(postgresql_url)
        assert added(timedelta(minutes=6), "a.example") == [refusal]
        assert added(timedelta(minutes=4), "a.example") == [None]
