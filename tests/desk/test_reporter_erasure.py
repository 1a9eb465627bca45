"""The erasure of a reporter: the address goes, the record and its proofs stay."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from sqlalchemy import select

from incidents.desk import answers
from incidents.desk.erasure import Erasure, erase
from incidents.desk.erasure_request import TooYoungError
from incidents.desk.inbox import snapshots
from incidents.desk.inbox.reporter_erasure import (
    ReporterErasureRequest,
    ReporterErasureResult,
    ReporterErasures,
)
from incidents.desk.inbox.snapshots import Taken
from incidents.machine import commands as c
from incidents.machine.commands import StateRemoved
from incidents.record import evidence, streams
from incidents.settings.retention import Retention
from incidents.store.database.engine import reading, writing
from incidents.store.erasable import Scope
from incidents.store.inbox import answers as stored
from incidents.store.inbox.answers import Waiting
from incidents.store.inbox.reports import reporter_key
from incidents.store.schema.desk_tables import sealed
from incidents.views.inbox import reporters as views
from tests.desk.rehearsal import Rehearsal
from tests.desk.report_acts import dismiss, incoming, log, receive
from tests.desk.test_reporters import QIAN, ZHAO, mark, standing


def tell(day: Rehearsal, report: int, reporter: str) -> None:
    with reading(day.engine) as connection:
        key = reporter_key(connection, reporter)
    mail = Waiting(key, "receipt", report, "[]", 0, day.now, 1, day.now)
    day.desk.on_record(
        partial(
            answers.record, mail=mail, address=reporter, problem=None, by="daemon", login=None,
            clock=lambda: day.now,
        )
    )  # fmt: skip


@pytest.fixture
def asked(day: Rehearsal, tmp_path: Path) -> Callable[..., ReporterErasureResult]:
    """Erase the reporter, after two reports of theirs and one of another, of which one waits."""
    readings = [{"reporter": each, "answer_to": each, "text": each} for each in (ZHAO, ZHAO, QIAN)]
    receive(
        day,
        *(
            incoming(f"{n}" * 64, reporter=each["reporter"], reading=each)
            for n, each in enumerate(readings, start=1)
        ),
    )
    dismiss(day, 1, reason=f"{ZHAO} is a rival")
    dismiss(day, 3)
    for report, reporter in ((1, ZHAO), (3, QIAN)):
        tell(day, report, reporter)
    mark(day, ZHAO, "blocked", f"{ZHAO} lies")
    mark(day, QIAN, "trusted")
    with writing(day.engine) as connection:
        for reporter in (ZHAO, QIAN):
            key = reporter_key(connection, reporter)
            stored.put(connection, key, "dismissed", 1 if reporter == ZHAO else 3, day.now)

    def do(*, dry_run: bool = False, **confirm: Callable[[], None]) -> ReporterErasureResult:
        request = ReporterErasureRequest(reporter=ZHAO, reason="asked", by="wang")
        with freeze_time(day.now):
            of = ReporterErasures(
                desk=day.desk, engine=day.engine, folder=tmp_path, keep=Retention()
            )
            sure = confirm.get("confirm", lambda: None)
            return of.execute(request, day.now, dry_run=dry_run, confirm=sure)

    return do


def texts(day: Rehearsal) -> str:
    with reading(day.engine) as connection:
        return "\n".join(connection.scalars(select(sealed.c.value)))


@pytest.mark.both_databases
def test_the_address_goes_and_what_waits_and_the_record_stay(
    day: Rehearsal, asked: Callable[..., ReporterErasureResult]
) -> None:
    day.later(days=200)
    expected, done = asked(dry_run=True), asked()
    # The reading and the reason of r1, the address of the mail, and the words of the standing.
    assert (expected.words, done.words, done.waiting) == (4, 4, 1)
    assert texts(day).count(ZHAO) == texts(day).count("answer_to") * 3 - 3 == 3
    with reading(day.engine) as connection:
        [blocked] = [each for each in views.with_standing(connection) if not each["reporter"]]
    assert (blocked["standing"], blocked["reason"]) == ("blocked", None)
    assert standing(day, ZHAO) == "blocked"
    assert day.rows("SELECT report FROM waiting_answers") == [(3,)]
    assert len(day.rows("SELECT report FROM answers WHERE reporter IS NOT NULL")) == 1
    assert len(day.rows("SELECT report FROM answers")) == 2
    assert day.findings() == []
    assert asked().words == 0


def test_what_the_law_keeps_is_not_erased(
    day: Rehearsal, asked: Callable[..., ReporterErasureResult]
) -> None:
    day.later(days=183)
    with pytest.raises(TooYoungError):
        asked()
    assert texts(day).count(ZHAO) > 3


def test_nothing_is_erased_without_a_confirmation(
    day: Rehearsal, asked: Callable[..., ReporterErasureResult]
) -> None:
    def refuse() -> None:
        raise KeyboardInterrupt

    day.later(days=200)
    before = texts(day)
    with pytest.raises(KeyboardInterrupt):
        asked(confirm=refuse)
    assert texts(day) == before


def test_the_retention_keeps_the_words_of_a_standing_in_force_alone(
    day: Rehearsal, tmp_path: Path, asked: Callable[..., ReporterErasureResult]
) -> None:
    mark(day, QIAN, "none", "no longer")
    day.later(days=200)
    with freeze_time(day.now):
        erase(day.desk, day.engine, Erasure(scope=Scope(before=day.now), by="wang"), tmp_path)
    with reading(day.engine) as connection:
        assert [each["reporter"] for each in views.with_standing(connection)] == [ZHAO]
    assert "no longer" not in texts(day)
    assert day.rows("SELECT reporter FROM answers WHERE reporter IS NOT NULL") == []
    assert day.rows("SELECT report FROM waiting_answers") == []
    assert day.findings() == []


def look(
    day: Rehearsal, report: int, digest: str | None = None, screenshot: str | None = None
) -> None:
    page = Taken(
        url=f"http://shop.example/{report}?page", final="", status=200, digest=digest,
        screenshot=screenshot,
    )  # fmt: skip
    day.desk.on_record(
        partial(
            snapshots.record, report=report, taken=[page], by="daemon", login=None,
            clock=lambda: day.now,
        )
    )  # fmt: skip


def test_what_was_found_at_the_addresses_of_their_ended_reports_goes_too(
    day: Rehearsal, asked: Callable[..., ReporterErasureResult]
) -> None:
    for report in (1, 2, 3):
        look(day, report)
    day.later(days=200)
    assert asked().words == 5
    left = [report for report in (1, 2, 3) if f"/{report}?page" in texts(day)]
    # Their second one waits, and the third one is another's.
    assert left == [2, 3]
    assert day.findings() == []


@pytest.mark.both_databases
def test_a_page_stays_as_long_as_the_incident_of_its_report_is_unsettled(
    day: Rehearsal, tmp_path: Path, asked: Callable[..., ReporterErasureResult]
) -> None:
    digest, picture = (
        streams.keep(BytesIO(each), tmp_path, limit=100, first=0).digest
        for each in (b"<p>pills", b"a picture of pills")
    )
    kept = [evidence.kept(tmp_path, each) for each in (digest, picture)]
    for each in kept:
        assert each is not None
        os.utime(each, (day.now.timestamp(), day.now.timestamp()))
    day.add("a.example")
    log(day, 2)
    look(day, 2, digest, picture)
    day.later(days=200)

    def retain() -> None:
        with freeze_time(day.now):
            erase(day.desk, day.engine, Erasure(scope=Scope(before=day.now), by="wang"), tmp_path)

    # Neither the age nor their own request takes it from the desk.
    retain()
    assert asked().files == 0
    assert "/2?page" in texts(day)
    assert [each is not None and each.exists() for each in kept] == [True, True]

    day.give(StateRemoved(by="li", incident=1), "a.example")
    day.later(days=1)
    retain()
    assert "/2?page" not in texts(day)
    assert [each is not None and each.exists() for each in kept] == [False, False]
    assert day.findings() == []


def test_a_page_that_an_incident_needed_is_named_and_found_again(
    day: Rehearsal, tmp_path: Path, asked: Callable[..., ReporterErasureResult]
) -> None:
    digest, picture = (
        streams.keep(BytesIO(each), tmp_path, limit=100, first=0).digest
        for each in (b"<p>pills", b"a picture of pills")
    )
    day.add("a.example")
    log(day, 2)
    look(day, 2, digest, picture)
    day.later(days=200)
    assert asked().kept == [
        {"digest": each, "why": "incident", "incident": "1-1"} for each in sorted((digest, picture))
    ]
    assert "/2?page" in texts(day)
    day.give(StateRemoved(by="li", incident=1), "a.example")
    asked()
    assert "/2?page" not in texts(day)


@pytest.mark.both_databases
def test_what_was_too_young_the_first_time_is_found_again(
    day: Rehearsal, asked: Callable[..., ReporterErasureResult]
) -> None:
    day.later(days=100)
    tell(day, 2, ZHAO)
    with reading(day.engine) as connection:
        late = Waiting(reporter_key(connection, ZHAO), "ended", 1, "[]", 0, day.now, 1, day.now)
    day.desk.on_record(
        partial(
            answers.record, mail=late, address=ZHAO, problem=None, by="daemon", login=None,
            clock=lambda: day.now,
        )
    )  # fmt: skip
    day.later(days=100)
    first = asked()
    assert first.next is not None
    dismiss(day, 2)
    day.later(days=400)
    assert asked().words > 0
    assert ZHAO not in texts(day)
    assert day.rows("SELECT id FROM reports WHERE reporter IS NOT NULL") == [(3,)]
    assert len(day.rows("SELECT report FROM answers WHERE reporter IS NOT NULL")) == 1
    assert day.findings() == []


def test_the_files_that_stay_are_named_with_why(
    day: Rehearsal, asked: Callable[..., ReporterErasureResult], tmp_path: Path
) -> None:
    day.add("a.example")
    kept = []
    for content in (b"logged", b"waits", b"late"):
        file = tmp_path / "brought"
        file.write_bytes(content)
        kept.append(hashlib.sha256(content).hexdigest())
        evidence.keep(file, kept[-1], tmp_path)
    logged, waits, late = kept
    of_zhao: dict[str, Any] = {"reporter": ZHAO, "reading": {"reporter": ZHAO}}
    receive(day, incoming(logged, **of_zhao), incoming("7" * 64, kept=waits, **of_zhao))
    receive(day, incoming("8" * 64, kept=waits, **of_zhao))
    answer = log(day, 4)[0]
    day.give(c.Attach(by="li", incident=1, digest=logged, size=6, name="r4.eml"), answer.site)
    dismiss(day, 5)
    day.later(days=100)
    receive(day, incoming(late, **of_zhao))
    dismiss(day, 7)
    day.later(days=100)
    assert {(each["digest"], each["why"], each["incident"]) for each in asked().kept} == {
        (logged, "incident", "1-1"), (waits, "waiting", None), (late, "young", None),
    }  # fmt: skip
