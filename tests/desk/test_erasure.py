"""Erasing: what goes when, what stays since it is needed, and that the record proves as before."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from sqlalchemy import delete, make_url, select, text, update

from incidents.audit.replay import Replay
from incidents.audit.rows import Finding
from incidents.desk import erasure
from incidents.desk.erasure import Erased, Erasure, erase, expect
from incidents.errors import DatabaseError, FileError
from incidents.machine import commands as c
from incidents.machine.command import AUDIENCES
from incidents.record import evidence
from incidents.record.entry import decode
from incidents.record.own_events import WordsErased
from incidents.store.database import access
from incidents.store.database.engine import create, reading
from incidents.store.erasable import Scope
from incidents.store.schema import desk_tables
from tests.audit.tampering import fill
from tests.desk.rehearsal import TEN, Rehearsal, rehearsal

KEEP = timedelta(days=184)


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    """A desk with two sites, and whom to call of each."""
    with rehearsal(db_url) as day:
        for site in ("a.example", "b.example"):
            day.give(c.AddSite(by="li", phone=f"010 5555 0100 of {site}"), site)
        yield day


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "evidence"


def _erase(day: Rehearsal, folder: Path, site: str | None = None, **more: Any) -> Erased:
    """Erase data older than 184 days: of one site, or the unneeded data of all."""
    ids: dict[str | None, int | None] = {None: None, "a.example": 1, "b.example": 2}
    scope = Scope(before=day.now - KEEP, site_id=ids[site])
    demand = Erasure(scope=scope, by="wang", login="desk1", site=site, reason="they asked")
    with freeze_time(day.now):
        expected = expect(day.engine, scope, folder)
        erased = erase(day.desk, day.engine, demand, folder, **more)
    # A dry run tells what will be; but of a run that is stopped.
    assert erased == expected or more
    return erased


def _values(day: Rehearsal) -> set[str]:
    with day.engine.connect() as connection:
        return set(connection.scalars(select(desk_tables.sealed.c.value)))


def _findings(day: Rehearsal) -> list[Finding]:
    with reading(day.engine) as connection:
        return list(Replay(connection).findings())


def _acts(day: Rehearsal) -> list[WordsErased]:
    bodies = day.rows("SELECT body FROM entries WHERE site_id = 0 ORDER BY site_seq")
    acts = [decode(str(body))[1] for (body,) in bodies]
    return [act for act in acts if isinstance(act, WordsErased)]


def _attach(day: Rehearsal, folder: Path, content: bytes, site: str, incident: int) -> Path:
    file = folder.parent / "shot.png"
    file.write_bytes(content)
    digest, size = evidence.measure(file, limit=1000)
    with freeze_time(day.now):
        kept = evidence.keep(file, digest, folder)
    day.give(c.Attach(by="li", incident=incident, digest=digest, size=size, name="shot.png"), site)
    return kept


# ── by time ──────────────────────────────────────────────────────────────────────────────────────


def test_a_settled_incident_s_words_go_when_they_are_old_enough(
    day: Rehearsal, folder: Path
) -> None:
    day.give(c.Log(by="li", note="from the hotline"))
    day.give(c.VoidIncident(by="li", incident=1, reason="it was none"))
    day.now = TEN + KEEP
    assert _erase(day, folder) == Erased()
    day.later(microseconds=1)
    assert _erase(day, folder) == Erased(words=2)
    assert _values(day) == {
        "010 5555 0100 of a.example", "010 5555 0100 of b.example", "they asked",
    }  # fmt: skip
    assert _findings(day) == []


def test_the_words_about_an_incident_that_waits_stay_also_those_in_entries_alone(
    day: Rehearsal, folder: Path
) -> None:
    day.give(c.Log(by="li", note="from the hotline"))
    day.give(c.RecordContact(by="li", incident=1, outcome="reached", note="will do"))
    day.give(c.StateRemoved(by="li", incident=1, note="gone"))
    day.give(c.TakeBack(by="li", incident=1, reason="of another"))
    day.give(c.Log(by="li", note="a second one", again=True))
    day.give(c.VoidIncident(by="li", incident=2, reason="the same"))
    day.now = TEN + KEEP + timedelta(days=1)
    assert _erase(day, folder) == Erased(words=2)
    assert _values(day) >= {"from the hotline", "will do", "gone", "of another"}
    assert not {"a second one", "the same"} & _values(day)
    day.give(c.StateRemoved(by="li", incident=1))
    assert _erase(day, folder) == Erased(words=4)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_note_stays_while_its_incident_waits_and_goes_with_its_other_words(
    audience: str, day: Rehearsal, folder: Path
) -> None:
    day.give(c.Log(by="li", note="from the hotline"))
    day.give(c.AddNote(by="li", incident=1, audience=audience, text="calls back at noon"))
    day.now = TEN + KEEP + timedelta(days=1)
    assert _erase(day, folder) == Erased()
    day.give(c.StateRemoved(by="li", incident=1))
    assert _erase(day, folder) == Erased(words=2)
    assert "calls back at noon" not in _values(day)
    assert _findings(day) == []


def _file(day: Rehearsal, site: str = "a.example", **details: str) -> None:
    answer = day.give(c.ChangeFiling(by="li", details=tuple(details.items())), site)
    assert answer.refusal is None


def test_what_is_filed_stays_as_long_as_its_site_is_not_closed_or_its_closure_is_in_doubt(
    day: Rehearsal, folder: Path
) -> None:
    _file(day, responsible_name="Wang Wu", level="3", icp_number="京ICP备12345678号-1")
    _file(day, "b.example", **{"server.a": '{"city":"Li"}'})
    day.now = TEN + KEEP + timedelta(days=1)
    assert _erase(day, folder) == Erased()
    day.give(c.StateFalse(by="li", field="responsible_name", evidence="another's"))
    day.give(c.AskReinstatement(by="li", reason="it is his"))
    assert _erase(day, folder) == Erased()
    day.give(c.Decline(by="wang", reason="it is not"))
    assert _erase(day, folder) == Erased(words=2)
    assert {"Wang Wu", "010 5555 0100 of a.example"}.isdisjoint(_values(day))
    assert '{"city":"Li"}' in _values(day)
    filed = day.rows("SELECT key, value FROM filing_details WHERE site_id = 1")
    kept = {str(key): str(value) for key, value in filed}
    assert (kept["level"], kept["icp_number"]) == ("3", "京ICP备12345678号-1")
    assert kept["responsible_name"].startswith("sha256:")
    assert _findings(day) == []


def test_what_was_filed_before_and_what_was_taken_away_go_when_they_are_old_enough(
    day: Rehearsal, folder: Path
) -> None:
    _file(day, responsible_name="Wang Wu", responsible_phone="010 5555 0101", home_url="/me")
    _file(day, responsible_name="Li Si", home_url="")
    day.now = TEN + KEEP
    assert _erase(day, folder) == Erased()
    day.later(microseconds=1)
    assert _erase(day, folder) == Erased(words=2)
    assert _values(day) >= {"Li Si", "010 5555 0101"}
    assert _values(day).isdisjoint({"Wang Wu", "/me"})
    assert _findings(day) == []


def test_of_a_site_s_own_demand_its_filing_goes_too(day: Rehearsal, folder: Path) -> None:
    _file(day, responsible_name="Wang Wu")
    _file(day, "b.example", responsible_name="Li Si")
    day.now = TEN + KEEP + timedelta(days=1)
    assert _erase(day, folder, "a.example") == Erased(words=2)
    assert "Li Si" in _values(day)
    assert _findings(day) == []


def test_a_filed_detail_that_is_gone_without_a_record_is_found(day: Rehearsal) -> None:
    _file(day, responsible_name="Wang Wu", **{"server.a": '{"city":"Li"}'}, level="3")
    with day.engine.begin() as connection:
        connection.execution_options(incidents_writes=True)
        of_filing = desk_tables.sealed.c.value.in_(("Wang Wu", '{"city":"Li"}'))
        connection.execute(delete(desk_tables.sealed).where(of_filing))
    assert [finding.problem for finding in _findings(day)] == 2 * ["erased_without_record"]


def test_a_running_hold_and_a_request_keep_their_reasons(day: Rehearsal, folder: Path) -> None:
    day.give(c.SetHold(by="li", reason="by order 1"))
    day.give(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"), "b.example")
    day.give(c.AskReinstatement(by="li", reason="all is well"), "b.example")
    day.now = TEN + KEEP + timedelta(days=1)
    assert _erase(day, folder) == Erased(words=1)
    assert _values(day) >= {"by order 1", "all is well", "010 5555 0100 of b.example"}
    day.give(c.LiftHold(by="li", reason="order lifted"))
    day.give(c.Decline(by="wang", reason="not yet"), "b.example")
    assert _erase(day, folder) == Erased(words=3)
    assert _values(day) >= {"order lifted", "not yet", "010 5555 0100 of a.example"}
    assert "010 5555 0100 of b.example" not in _values(day)


def test_whom_to_call_goes_when_the_number_is_another_or_the_site_is_closed(
    day: Rehearsal, folder: Path
) -> None:
    day.give(c.EditSite(by="li", phone="010 5555 0199"))
    day.now = TEN + KEEP + timedelta(days=1)
    assert _erase(day, folder) == Erased(words=1)
    assert _values(day) >= {"010 5555 0199", "010 5555 0100 of b.example"}


def test_the_reason_of_the_active_policy_stays_and_of_one_before_it_goes(
    day: Rehearsal, folder: Path
) -> None:
    for n, reason in ((4, "agreed on Monday"), (5, "agreed on Tuesday")):
        day.desk.activate(f"[repeat]\ncount = {n}\n", by="li", login="desk1", reason=reason)
    day.now = TEN + KEEP + timedelta(days=1)
    assert _erase(day, folder) == Erased(words=1)
    assert "agreed on Tuesday" in _values(day)
    assert "agreed on Monday" not in _values(day)
    assert _findings(day) == []


def test_a_history_of_every_kind_erased_by_time_and_on_demand_replays_as_before(
    db_url: str, folder: Path
) -> None:
    with rehearsal(db_url) as day:
        fill(day)
        before = len(_values(day))
        day.later(days=184, hours=1)
        by_time = _erase(day, folder)
        assert 0 < by_time.words < before
        assert _findings(day) == []
        on_demand = _erase(day, folder, "a.example")
        assert on_demand.words > 0
        assert _findings(day) == []
        left = day.rows("SELECT count(*) FROM sealed WHERE site_id = 1")
        assert left == [(0,)]


# ── on somebody's demand ─────────────────────────────────────────────────────────────────────────


def test_on_demand_all_of_the_site_goes_that_is_old_enough_needed_or_not(
    day: Rehearsal, folder: Path
) -> None:
    day.give(c.Log(by="li", note="from the hotline"))
    day.now = TEN + KEEP + timedelta(days=1)
    day.give(c.RecordContact(by="li", incident=1, outcome="no-answer", note="rang out"))
    assert _erase(day, folder, "a.example") == Erased(words=2)
    assert _values(day) == {"rang out", "010 5555 0100 of b.example", "they asked"}
    assert _findings(day) == []
    # The desk goes on with it.
    assert day.give(c.EditSite(by="li", phone="010 5555 0199")).refusal is None
    assert day.give(c.StateRemoved(by="li", incident=1)).refusal is None
    assert _findings(day) == []


def test_it_is_on_record_with_the_reason_and_what_went(day: Rehearsal, folder: Path) -> None:
    day.now = TEN + KEEP + timedelta(days=1)
    _erase(day, folder, "a.example")
    [act] = _acts(day)
    assert (act.of, act.words, act.files, act.by) == ("a.example", 1, 0, "wang")
    assert act.before == day.now - KEEP
    with day.engine.connect() as connection:
        said = select(desk_tables.sealed.c.value).where(desk_tables.sealed.c.ref == act.text)
        assert connection.scalar(said) == "they asked"


def test_where_nothing_goes_nothing_is_put_on_record(day: Rehearsal, folder: Path) -> None:
    assert _erase(day, folder, "a.example") == Erased()
    assert _acts(day) == []


def test_many_values_go_in_several_transactions_each_on_record(
    day: Rehearsal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "WORDS_AT_ONCE", 2)
    for n in range(5):
        day.give(c.Log(by="li", note=f"note {n}", again=True))
    day.give(c.SetHold(by="li", reason="by order 1"), "b.example")
    day.now = TEN + KEEP + timedelta(days=1)
    assert _erase(day, folder, "a.example") == Erased(words=6)
    assert [act.words for act in _acts(day)] == [2, 2, 2]
    assert _findings(day) == []


def test_a_stop_is_honoured_between_two_batches_and_the_next_run_goes_on(
    day: Rehearsal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "WORDS_AT_ONCE", 2)
    day.give(c.Log(by="li", note="one"))
    day.give(c.RecordContact(by="li", incident=1, outcome="no-answer", note="two"))
    day.now = TEN + KEEP + timedelta(days=1)
    assert _erase(day, folder, "a.example", stopped=lambda: True) == Erased(words=2)
    assert _erase(day, folder, "a.example") == Erased(words=1)


def test_the_answers_kept_for_keys_go_with_it_and_those_of_others_stay(
    day: Rehearsal, folder: Path
) -> None:
    day.give(c.Log(by="li", note="one"), key="of-a")
    day.give(c.Log(by="li", note="one"), "b.example", key="of-b")
    day.now = TEN + KEEP + timedelta(days=1)
    day.give(c.Log(by="li", note="young", again=True), key="young")
    _erase(day, folder, "a.example")
    answered = "SELECT key FROM keys WHERE fingerprint <> '' ORDER BY key"
    assert day.rows(answered) == [("of-b",), ("young",)]
    _erase(day, folder)
    assert day.rows(answered) == [("young",)]


def test_two_who_erase_at_once_erase_each_value_once(
    day: Rehearsal, db_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "WORDS_AT_ONCE", 3)
    for n in range(20):
        day.give(c.Log(by="li", note=f"note {n}", again=True))
    day.now = TEN + KEEP + timedelta(days=1)
    demand = Erasure(scope=Scope(before=day.now - KEEP, site_id=1), by="wang", site="a.example")

    def take(_: int) -> int:
        with rehearsal(db_url, day.now) as own:
            return erase(own.desk, own.engine, demand, folder).words

    with freeze_time(day.now), ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(take, range(2))) == 21
    assert sum(act.words for act in _acts(day)) == 21
    assert _findings(day) == []


# ── what is gone otherwise ───────────────────────────────────────────────────────────────────────


def test_a_value_that_is_gone_without_a_record_is_found(day: Rehearsal, folder: Path) -> None:
    day.give(c.Log(by="li", note="from the hotline"))
    day.now = TEN + KEEP + timedelta(days=1)
    _erase(day, folder, "a.example")
    day.give(c.Log(by="li", note="young", again=True))
    with day.engine.begin() as connection:
        gone = connection.scalars(
            delete(desk_tables.sealed)
            .where(desk_tables.sealed.c.value.in_(["young", "010 5555 0100 of b.example"]))
            .returning(desk_tables.sealed.c.site_id)
        ).all()
    assert sorted(gone) == [1, 2]
    found = _findings(day)
    assert [(f.site, f.table, f.problem) for f in found] == [
        ("a.example", "sealed", "erased_without_record"),
        ("b.example", "sealed", "erased_without_record"),
    ]
    assert [f.found for f in found] == ["entry 1-5 refers to it", "entry 2-1 refers to it"]


def test_a_time_of_sealing_that_somebody_has_put_back_excuses_nothing(
    day: Rehearsal, folder: Path
) -> None:
    day.later(days=1)
    day.give(c.Log(by="li", note="from the hotline"))
    day.give(c.StateRemoved(by="li", incident=1))
    with day.engine.begin() as connection:
        connection.execute(
            update(desk_tables.sealed)
            .values(sealed_at=TEN)
            .where(desk_tables.sealed.c.site_id == 1)
        )
    day.now = TEN + KEEP + timedelta(hours=1)
    _erase(day, folder, "a.example")
    assert [f.problem for f in _findings(day)] == ["erased_without_record"]


def test_one_who_reopens_an_incident_meanwhile_keeps_its_words(
    day: Rehearsal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.give(c.Log(by="li", note="from the hotline"))
    day.give(c.RecordContact(by="li", incident=1, outcome="reached"))
    day.give(c.StateRemoved(by="li", incident=1))
    day.now = TEN + KEEP + timedelta(days=1)
    real = day.desk.on_record
    turns = iter([lambda: day.give(c.TakeBack(by="li", incident=1, reason="slip"))])

    def meanwhile(act: Any) -> Any:
        # Between the look that found it needless and the transaction that erases it.
        next(turns)()
        return real(act)

    monkeypatch.setattr(day.desk, "on_record", meanwhile)
    with freeze_time(day.now):
        demand = Erasure(scope=Scope(before=day.now - KEEP), by="wang")
        assert erase(day.desk, day.engine, demand, folder) == Erased()
    assert "from the hotline" in _values(day)


# ── evidence ─────────────────────────────────────────────────────────────────────────────────────


def test_a_file_goes_when_all_that_it_was_attached_to_is_settled_and_old(
    day: Rehearsal, folder: Path
) -> None:
    for site in ("a.example", "b.example"):
        day.give(c.Log(by="li"), site)
        kept = _attach(day, folder, b"seen", site, 1)
    own = _attach(day, folder, b"seen otherwise", "a.example", 1)
    day.give(c.VoidIncident(by="li", incident=1, reason="none"))
    day.now = TEN + KEEP + timedelta(days=1)
    assert _erase(day, folder) == Erased(words=3, files=1)
    assert not own.exists()
    assert kept.exists()
    day.give(c.VoidIncident(by="li", incident=1, reason="none"), "b.example")
    assert _erase(day, folder) == Erased(words=1, files=1)
    assert not kept.exists()
    assert day.rows("SELECT count(*) FROM evidence") == [(3,)]
    assert [act.files for act in _acts(day)] == [1, 1]
    assert _findings(day) == []


def test_on_demand_a_site_s_own_files_go_and_what_another_has_too_stays(
    day: Rehearsal, folder: Path
) -> None:
    for site in ("a.example", "b.example"):
        day.give(c.Log(by="li"), site)
        shared = _attach(day, folder, b"seen", site, 1)
    own = _attach(day, folder, b"seen otherwise", "a.example", 1)
    day.now = TEN + KEEP + timedelta(days=1)
    young = _attach(day, folder, b"seen today", "a.example", 1)
    assert _erase(day, folder, "a.example") == Erased(words=3, files=1)
    assert [file.exists() for file in (own, shared, young)] == [False, True, True]


def test_after_a_crash_before_the_file_went_the_next_run_deletes_it(
    day: Rehearsal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.give(c.Log(by="li"))
    kept = _attach(day, folder, b"seen", "a.example", 1)
    day.give(c.VoidIncident(by="li", incident=1, reason="none"))
    day.now = TEN + KEEP + timedelta(days=1)

    def crash(*_: object) -> bool:
        raise FileError(file=kept, done="deleted", detail="no more power")

    with monkeypatch.context() as patched:
        patched.setattr(evidence, "delete", crash)
        with pytest.raises(FileError):
            _erase(day, folder)
    assert kept.exists()
    _erase(day, folder)
    assert not kept.exists()


def test_what_a_crash_left_half_written_goes_when_nobody_can_be_writing_it(
    day: Rehearsal, folder: Path
) -> None:
    left = folder / "ab" / ".new-left"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    os.utime(left, (TEN.timestamp(), TEN.timestamp()))
    day.now = TEN + timedelta(hours=23)
    _erase(day, folder)
    assert left.exists()
    day.now = TEN + timedelta(hours=24)
    _erase(day, folder)
    assert not left.exists()


def test_a_file_that_is_attached_again_at_this_moment_is_not_deleted(
    day: Rehearsal, folder: Path, tmp_path: Path
) -> None:
    day.give(c.Log(by="li"))
    kept = _attach(day, folder, b"seen", "a.example", 1)
    day.give(c.VoidIncident(by="li", incident=1, reason="none"))
    day.now = TEN + KEEP + timedelta(days=1)
    again = tmp_path / "again.png"
    again.write_bytes(b"seen")
    with freeze_time(day.now):
        # Its entry is on its way still.
        evidence.keep(again, kept.name, folder)
    assert _erase(day, folder).files == 0
    assert kept.exists()


# ── under PostgreSQL's rights ────────────────────────────────────────────────────────────────────


@pytest.fixture
def roles(postgresql_url: str) -> Iterator[dict[str, str]]:
    """The URLs of a role that runs the desk, and of one that may erase as well."""
    names = ("erasure_desk", "erasure_eraser")
    owner = create(postgresql_url)
    with owner.begin() as connection:
        for name in names:
            connection.execute(text(f"CREATE ROLE {name} LOGIN"))
        for statement in access.sql(*names):
            connection.execute(text(statement))
    url = make_url(postgresql_url)
    yield {
        name: url.update_query_dict({"user": name}).render_as_string(hide_password=False)
        for name in names
    }
    with owner.begin() as connection:
        for name in reversed(names):
            connection.execute(text(f"DROP OWNED BY {name}"))
            connection.execute(text(f"DROP ROLE {name}"))
    owner.dispose()


def test_the_desk_s_role_may_not_erase_and_the_eraser_s_may(
    roles: dict[str, str], folder: Path
) -> None:
    with rehearsal(roles["erasure_desk"]) as day:
        day.give(c.AddSite(by="li", phone="010 5555 0100"))
        day.give(c.Log(by="li", note="from the hotline"), key="k1")
        day.now = TEN + KEEP + timedelta(days=1)
        with pytest.raises(DatabaseError, match="permission denied for table sealed"):
            _erase(day, folder, "a.example")
        assert len(_values(day)) == 2
    with rehearsal(roles["erasure_eraser"], day.now) as day:
        assert _erase(day, folder, "a.example") == Erased(words=2)
        assert _values(day) == {"they asked"}
        assert _findings(day) == []
