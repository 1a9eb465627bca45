"""The words: times, spans, states, and a sentence for every kind of event."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from incidents.event_words import SENTENCES, sentence
from incidents.machine.events import KINDS
from incidents.words import Teller, When, next_commands, span

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
WHEN = When(zone=ZoneInfo("Asia/Shanghai"), now=NOW)
TELLER = Teller(site="shop.example", site_id=1, when=WHEN)


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=45), "45 s"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=1, minutes=5), "1 h 5 min"),
        (timedelta(days=2, minutes=5), "2 d"),
        (timedelta(days=2, hours=3, minutes=5), "2 d 3 h"),
    ],
)
def test_a_span_is_told_in_its_largest_unit_and_the_next(length: timedelta, told: str) -> None:
    assert span(length) == told


def test_times_are_told_in_the_zone_with_seconds_only_where_there_are_any() -> None:
    assert WHEN(NOW) == "2026-03-01 10:00"
    assert WHEN("2026-03-01T02:00:30Z") == "2026-03-01 10:00:30"
    assert WHEN.until(NOW + timedelta(minutes=59)) == ("2026-03-01 10:59 Asia/Shanghai (in 59 min)")
    assert WHEN.left(NOW - timedelta(minutes=12)) == "12 min overdue"
    assert WHEN.ago(NOW - timedelta(minutes=12)) == "12 min ago"
    assert WHEN.ago(NOW + timedelta(minutes=12)) == "in 12 min"


def test_every_kind_of_event_has_a_sentence() -> None:
    assert set(KINDS) <= set(SENTENCES)


def test_an_event_of_an_unknown_kind_is_told_by_its_name() -> None:
    assert sentence(TELLER, {"kind": "site_painted"}) == "site_painted"


def _incident(state: str, **fields: Any) -> dict[str, Any]:
    return {"id": "1-3", "state": state, "contact_due": None, "removal_due": None, **fields}


@pytest.mark.parametrize(
    ("incident", "told"),
    [
        (_incident("open", contact_due="2026-03-01T03:00:00Z"), "by 2026-03-01 11:00"),
        (_incident("open"), "no clock runs for it"),
        (_incident("unreached"), "keep calling"),
        (_incident("notified"), "look whether the content is gone"),
        (_incident("notified", removal_due="2026-03-01T03:00:00Z"), "must be gone by"),
        (_incident("voided"), "1-3 is voided"),
    ],
)
def test_an_incident_is_told_with_what_it_waits_for(incident: dict[str, Any], told: str) -> None:
    assert told in TELLER.incident_state(incident)


def test_no_clock_is_told_on_a_closed_site() -> None:
    waiting = _incident("open", contact_due="2026-03-01T03:00:00Z")
    assert TELLER.incident_state(waiting, site_closed=True) == (
        "1-3 is open; no clock runs on a closed site"
    )


def _site(state: str, **fields: Any) -> dict[str, Any]:
    default = {"rule": None, "held": False, "disputed": False, "run": 0, "suspended_until": None}
    return {"state": state, **default, **fields}


@pytest.mark.parametrize(
    ("site", "told"),
    [
        (_site("active"), "shop.example is active"),
        (_site("active", run=2), "one more time may close it"),
        (_site("suspended", held=True), "held by order"),
        (_site("suspended", suspended_until="2026-03-01T15:00:00Z"), "until 2026-03-01 23:00"),
        (_site("closed", rule="repeat"), "closed (R1, repeat): no after-sales service, no refund"),
        (_site("closed", rule="refusal", disputed=True), "the closure is disputed"),
    ],
)
def test_a_site_is_told_with_its_rule_and_its_terms(site: dict[str, Any], told: str) -> None:
    assert told in TELLER.site_state(site)


def test_the_next_command_fits_the_state() -> None:
    active, closed = _site("active"), _site("closed", rule="repeat")
    assert "incidents contact 1-3 reached" in next_commands(_incident("open"), active)
    assert "incidents refused 1-3" in next_commands(_incident("notified"), active)
    assert next_commands(_incident("notified"), closed) == ["incidents removed 1-3"]
    assert next_commands(_incident("voided"), active) == []
