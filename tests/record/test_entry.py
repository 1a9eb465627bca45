"""An entry is its event, exactly and in canonical bytes."""

import json
from collections import defaultdict
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from incidents.machine import events, filing
from incidents.machine.events import Event, Reason
from incidents.machine.policy import DOCUMENTED
from incidents.record import own_events
from incidents.record.entry import (
    MAX_BYTES,
    EntryTooLargeError,
    UnreadableEntryError,
    decode,
    encode,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBERS = st.integers(1, 10**6)
TIMES = st.integers(10**9, 10**17).map(lambda n: EPOCH + timedelta(microseconds=n))
SECONDS = st.integers(0, 10**8).map(lambda n: timedelta(seconds=n))
DETAILS = st.dictionaries(
    st.sampled_from((*filing.FIELDS, "server.a", "server.a-b", "document.2")), TEXT, max_size=5
).map(lambda details: tuple(sorted(details.items())))
KINDS = [*events.KINDS.values(), *own_events.KINDS.values()]


def _values(hint: Any, name: str) -> st.SearchStrategy[Any]:
    known: dict[Any, st.SearchStrategy[Any]] = {
        int: NUMBERS
        if name in ("incident", "contact", "task", "suspension", "order")
        else st.integers(0, 9),
        str: st.sampled_from(("12", "t3", "disputed")) if name == "item" else TEXT,
        bool: st.booleans(),
        datetime: TIMES,
        timedelta: SECONDS,
        tuple[int, ...]: st.lists(NUMBERS, max_size=5).map(tuple),
        tuple[str, ...]: st.lists(TEXT, max_size=5).map(tuple),
        tuple[tuple[str, str], ...]: DETAILS,
    }
    if hint in known:
        return known[hint]
    if hint == Reason | None:
        return st.none() | _of(Reason)
    (inner,) = (kind for kind in known if hint == kind | None)
    if (inner, name) == (str, "contact"):
        return st.none() | st.sampled_from(("reached", "no-answer"))
    number = NUMBERS if name in ("incident", "recurs", "suspension") else None
    return st.none() | (number if inner is int and number is not None else _values(inner, name))


def _of(kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(
        kind, **{field.name: _values(hints[field.name], field.name) for field in fields(kind)}
    )


@given(st.one_of([_of(kind) for kind in KINDS]), NUMBERS, NUMBERS, st.none() | TEXT)
def test_an_entry_reads_back_as_the_event_that_it_was_made_of(
    event: Event, site_id: int, seq: int, login: str | None
) -> None:
    site = getattr(event, "site", "a.example")
    header, read = decode(encode(event, site, site_id, seq, login))
    assert read == event
    assert (header.site, header.site_id, header.site_seq, header.login) == (
        site, site_id, seq, login,
    )  # fmt: skip


@given(st.one_of([_of(kind) for kind in KINDS]), NUMBERS, NUMBERS, st.none() | TEXT)
def test_an_entry_is_canonical_json_to_the_byte(
    event: Event, site_id: int, seq: int, login: str | None
) -> None:
    text = encode(event, "a.example", site_id, seq, login)
    assert rfc8785.dumps(json.loads(text)) == text.encode()


# ── golden entries ───────────────────────────────────────────────────────────────────────────────

GOLDEN = Path(__file__).parent / "golden_entries.jsonl"
TEN = datetime(2026, 3, 1, 10, tzinfo=UTC)
_FILLED: dict[Any, Any] = {
    int: 7,
    str: 'say "赌博" \\ \n\x1f\x7f\u2028 é 𝒳',
    bool: True,
    datetime: TEN + timedelta(microseconds=5),
    timedelta: timedelta(days=1, seconds=1),
    tuple[int, ...]: (1, 20, 300),
    tuple[str, ...]: ("https://a.example/1", 'https://b.example/?q="2"'),
    tuple[tuple[str, str], ...]: (
        ("document.a-1", '{"kind":"other"}'), ("icp_number", "京ICP备12345678号-1"), ("level", ""),
    ),
}  # fmt: skip
_BARE: dict[Any, Any] = {
    int: 0, str: "", bool: False, datetime: TEN, timedelta: timedelta(0),
    tuple[int, ...]: (), tuple[str, ...]: (), tuple[tuple[str, str], ...]: (),
}  # fmt: skip

# Left out where there is nothing in it, as in every entry of before.
_CAME_LATER = {"written", "kept", "lost", "tells", "answers", "stays_open"}


def _example(kind: Any, *, filled: bool) -> Any:
    """An event with something in every field, or with as little as there can be."""
    values, hints = _FILLED if filled else _BARE, get_type_hints(kind)
    made: dict[str, Any] = {}
    for field in fields(kind):
        hint = hints[field.name]
        if field.name in _CAME_LATER:
            continue
        if hint == Reason | None:
            made[field.name] = _example(Reason, filled=True) if filled else None
        elif field.name == "item":
            made[field.name] = "t3" if filled else "12"
        elif hint in values:
            made[field.name] = values[hint]
        else:
            (inner,) = (each for each in values if hint == each | None)
            made[field.name] = values[inner] if filled else None
    return kind(**made)


def _golden() -> dict[str, list[str]]:
    """The lines by the kind of event."""
    found = defaultdict(list)
    for line in GOLDEN.read_text(encoding="utf-8").removesuffix("\n").split("\n"):
        found[json.loads(line)["kind"]].append(line)
    return found


def test_there_is_an_entry_of_each_kind_from_the_beginning() -> None:
    assert _golden().keys() == {kind.kind for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=[kind.kind for kind in KINDS])
def test_an_event_is_written_as_it_was_in_the_beginning(kind: type[Event]) -> None:
    """What was proved of an entry once holds for ever: its bytes never change.

    There are two of each kind, as they were written on the day that version 1 was.
    """
    for golden, filled in zip(_golden()[kind.kind], (True, False), strict=True):
        event = _example(kind, filled=filled)
        site = getattr(event, "site", "a.example")
        login = "desk1" if event.reason is not None else None
        assert encode(event, site, 12, 34, login) == golden
        assert decode(golden)[1] == event


# ── one entry ────────────────────────────────────────────────────────────────────────────────────


def _lapsed(**changes: Any) -> events.ClockLapsed:
    known: dict[str, Any] = {
        "occurred_at": datetime(2026, 3, 1, 11, tzinfo=UTC),
        "recorded_at": datetime(2026, 3, 1, 11, 0, 0, 5, tzinfo=UTC),
        "by": "clock",
        "policy": DOCUMENTED.digest,
        "incident": 3,
        "state_from": "open",
        "state_to": "unreached",
        "reason": Reason(rule="unreachable", incidents=(3,), within=timedelta(hours=1)),
    }
    return events.ClockLapsed(**known | changes)


def test_an_entry_is_readable_on_its_own() -> None:
    """Public ids, RFC 3339 in UTC, the rule beside its reason, and nothing that says nothing."""
    assert json.loads(encode(_lapsed(), "a.example", 12, 4, None)) == {
        "v": 1,
        "site": "a.example",
        "site_id": "12",
        "site_seq": "4",
        "kind": "clock_lapsed",
        "occurred_at": "2026-03-01T11:00:00Z",
        "recorded_at": "2026-03-01T11:00:00.000005Z",
        "actor": "clock",
        "policy": DOCUMENTED.digest,
        "rule": "unreachable",
        "reason": {"incidents": ["12-3"], "within_s": 3600},
        "data": {"incident": "12-3", "state_from": "open", "state_to": "unreached"},
    }


def test_an_entry_stays_below_64_kib_or_is_refused_by_name() -> None:
    reason = Reason(rule="repeat", incidents=tuple(range(1, 9_000)))
    with pytest.raises(EntryTooLargeError, match=r"clock_lapsed of a\.example would have"):
        encode(_lapsed(reason=reason), "a.example", 12, 4, None)
    fits = Reason(rule="repeat", incidents=tuple(range(1, 5_000)))
    assert len(encode(_lapsed(reason=fits), "a.example", 12, 4, None).encode()) <= MAX_BYTES


def test_a_long_entry_is_measured_in_bytes() -> None:
    with pytest.raises(EntryTooLargeError):
        encode(_lapsed(by="李" * 22_000), "a.example", 12, 4, None)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"v":2}', '{"v":1,"site":"a","site_id":"1","site_seq":"1"}', '{"v":1']
)
def test_what_the_desk_has_not_written_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(UnreadableEntryError, match="Not an entry of this desk"):
        decode(text)


def test_an_unknown_kind_and_an_unknown_time_are_refused() -> None:
    good = json.loads(encode(_lapsed(), "a.example", 12, 4, None))
    breaks: list[dict[str, Any]] = [{"kind": "sold"}, {"occurred_at": "yesterday"}, {"data": []}]
    for broken in breaks:
        with pytest.raises(UnreadableEntryError):
            decode(json.dumps(good | broken))


# ── canonical or not at all ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"v":1', '"v":1.0'),
        ('"v":1', '"v":true'),
        ('"v":1}', '"v":1} '),
        ('"v":1}', '"v":1}{}'),
        ('{"actor"', ' {"actor"'),
        ('"actor":"clock"', '"actor":"\\u0063lock"'),
        ('"actor":"clock"', '"actor":"clock","actor":"clock"'),
        ('"actor":"clock"', '"actor":5'),
        ('"actor":"clock"', '"actor":null'),
        ('"site_seq":"4"', '"site_seq":"04"'),
        ('"site_seq":"4"', '"site_seq":"٤"'),
        ('"site_seq":"4"', '"site_seq":4'),
        ('"incident":"12-3"', '"incident":"13-3"'),
        ('"incident":"12-3"', '"incident":"12-03"'),
        ('"incident":"12-3"', '"incident":"12-t3"'),
        ('"state_to":"unreached"', '"state_to":"unreached","stranger":1'),
        ('"state_to":"unreached"', '"state_to":"unreached","suspension":null'),
        (
            '"state_from":"open","state_to":"unreached"',
            '"state_to":"unreached","state_from":"open"',
        ),
        ('"within_s":3600', '"within_s":3600.5'),
        ('"within_s":3600', '"within_s":true'),
        ('"within_s":3600', '"counted":true,"within_s":3600'),
        ('"incidents":["12-3"]', '"incidents":[]'),
        ("11:00:00Z", "11:00:00+00:00"),
        ("11:00:00Z", "19:00:00+08:00"),
        ("11:00:00Z", "11:00:00"),
        ("11:00:00Z", "11:00:00.000000Z"),
        ("11:00:00Z", "11:00Z"),
        ("2026-03-01T11:00:00Z", "2026-W09-7T11:00:00Z"),
    ],
)
def test_what_says_the_same_in_other_bytes_is_refused(old: str, new: str) -> None:
    good = encode(_lapsed(), "a.example", 12, 4, None)
    assert good.count(old) == 1
    with pytest.raises(UnreadableEntryError):
        decode(good.replace(old, new))


@pytest.mark.parametrize("changes", [{"by": 5}, {"suspension": "x", "by": None}, {"run": 1.5}])
def test_a_value_of_another_type_is_never_written(changes: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        encode(_lapsed(**changes), "a.example", 12, 4, None)
