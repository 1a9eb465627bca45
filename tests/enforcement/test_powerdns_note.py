"""Whatever happens to a name that is down, what it had comes back, and nothing of ours stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.enforcement.powerdns import note as powerdns_note
from incidents.enforcement.powerdns import records as powerdns_records
from incidents.enforcement.powerdns.note import ConflictError, Hold, Note, UnreadableNoteError
from incidents.enforcement.powerdns.records import (
    TAKEN,
    Comment,
    Record,
    RecordSet,
    changes,
    leading,
)

NAME, SITE = "shop.example.", "shop.example"
DAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
NOTICES = (
    {"A": frozenset({"198.51.100.7"})},
    {"A": frozenset({"198.51.100.8", "198.51.100.9"}), "AAAA": frozenset({"2001:db8::7"})},
    {"AAAA": frozenset({"2001:db8::7"})},
)
OURS = frozenset().union(*(each for notice in NOTICES for each in notice.values()))


def rrset(kind: str, *contents: str, ttl: int = 300) -> RecordSet:
    return RecordSet(NAME, kind, ttl, tuple(Record(content) for content in contents))


def hold(kind: str = "suspend", seq: int = 1) -> Hold:
    return Hold(order=f"1-o{seq}", kind=kind, ordered_at=DAY + timedelta(hours=seq), seq=seq)


class Name:
    """A name in PowerDNS as far as it matters here: its records, its notes, and no CNAME beside
    anything. `expected` is what others have put there, by type, and must find again; who leaves
    nothing of ours there has taken the name over, and finds what there was then.
    """

    def __init__(self, found: dict[str, RecordSet]) -> None:
        self.found = dict(found)
        self.before: dict[str, RecordSet] | None = dict(found)
        self.expected: dict[str, RecordSet] = {}
        self.metadata: dict[str, list[str]] = {}
        self.seq = 0

    @property
    def note(self) -> Note | None:
        return powerdns_note.read(NAME, self.metadata)

    def patch(self, asked: list[dict[str, Any]]) -> None:
        for change in asked:
            if change["changetype"] == "DELETE":
                del self.found[change["type"]]
            else:
                assert change["records"]
                self.found[change["type"]] = powerdns_records.read(change)
            assert "CNAME" not in self.found or len(self.found) == 1

    def take_over(self) -> None:
        if self.found and not any(each.served & OURS for each in self.found.values()):
            self.expected = {t: each for t, each in self.expected.items() if t in self.found}

    def take_down(self, put: powerdns_note.Addresses, *, is_killed: bool) -> None:
        self.take_over()
        self.seq += 1
        note = (self.note or powerdns_note.new(NAME)).taken_down(self.found, put)
        note = note.with_hold(SITE, hold(seq=self.seq))
        assert not any(each.served & OURS for each in note.kept.values())
        self.metadata[powerdns_note.new_kind(NAME)] = [note.text()]
        assert self.note == note
        if is_killed:
            return
        sets = {t: rrset(t, *sorted(put[t])) for t in put}
        self.patch(changes(self.found, sets))
        assert note.is_in_force(self.found)
        for kind in powerdns_note.older(NAME, self.metadata, note):
            del self.metadata[kind]

    def put_back(self, *, is_killed: bool) -> None:
        note = self.note
        if note is None:
            return
        self.take_over()
        if self.found and not any(map(note.is_ours, self.found.values())):
            self.before, self.expected = dict(self.found), {}
        wanted = note.put_back(self.found)
        self.patch(changes(self.found, wanted))
        assert not any(each.served & OURS for each in self.found.values())
        for each in self.expected.values():
            assert self.found[each.type].served == each.served
        if self.before is not None:
            assert self.found == self.before
        if not is_killed:
            for kind in powerdns_note.older(NAME, self.metadata, None):
                del self.metadata[kind]
            assert self.note is None
            self.before, self.expected = dict(self.found), {}

    def edit(self, kind: str, theirs: RecordSet | None) -> None:
        """Somebody else's change, for which they make room."""
        self.before = None
        if theirs is None:
            self.found.pop(kind, None)
            self.expected.pop(kind, None)
            return
        if kind == "CNAME" or "CNAME" in self.found:
            self.found = {}
        if kind == "CNAME" or "CNAME" in self.expected:
            self.expected = {}
        self.found[kind] = self.expected[kind] = theirs


_CONTENTS = {
    "A": ["192.0.2.1", "192.0.2.2"],
    "AAAA": ["2001:db8:1::1"],
    "ALIAS": ["origin.example."],
    "HTTPS": ["1 . alpn=h3"],
}
_SETS = st.one_of(
    st.dictionaries(st.sampled_from(sorted(_CONTENTS)), st.integers(60, 61), max_size=4).map(
        lambda ttls: {t: rrset(t, *_CONTENTS[t], ttl=ttl) for t, ttl in ttls.items()}
    ),
    st.just({"CNAME": rrset("CNAME", "origin.example.")}),
)
_EDITS = st.tuples(
    st.just("edit"),
    st.one_of(
        st.sampled_from(sorted(_CONTENTS)).map(lambda t: (t, rrset(t, _CONTENTS[t][0], ttl=9))),
        st.just(("CNAME", rrset("CNAME", "theirs.example."))),
        st.sampled_from([*_CONTENTS, "CNAME"]).map(lambda t: (t, None)),
    ),
)
_DOWNS = st.tuples(st.just("down"), st.sampled_from(NOTICES), st.booleans())
_BACKS = st.tuples(st.just("back"), st.booleans())


@given(found=_SETS, acts=st.lists(st.one_of(_EDITS, _DOWNS, _BACKS), max_size=12))
def test_whoever_is_killed_and_whatever_others_change_nothing_is_lost_and_nothing_of_ours_stays(
    found: dict[str, RecordSet], acts: list[tuple[Any, ...]]
) -> None:
    name = Name(found)
    for act in acts:
        if act[0] == "edit":
            name.edit(*act[1])
        elif act[0] == "down":
            name.take_down(act[1], is_killed=act[2])
        else:
            name.put_back(is_killed=act[1])
    name.put_back(is_killed=False)
    assert name.metadata == {}


def test_a_note_is_read_as_it_was_written() -> None:
    odd = RecordSet(
        NAME,
        "LUA",
        60,
        (Record("A \"ifportup(443, {'192.0.2.1'})\""), Record('TXT "\\"中"', disabled=True)),
        (Comment("an 'old' \\ server", "operator-1", 1_700_000_000),),
    )
    note = replace(
        powerdns_note.new(NAME),
        number=7,
        kept={"LUA": odd},
        put=NOTICES[1],
        holds={SITE: hold("close", 3)},
    )
    text = note.text()
    assert text.isascii()
    again = powerdns_note.read(NAME, {powerdns_note.new_kind(NAME): [text]})
    assert again == note
    assert again is not None
    assert again.number == 7


def test_a_kind_has_room_in_every_backend_and_is_never_used_twice() -> None:
    kinds = {powerdns_note.new_kind(NAME) for _ in range(1000)}
    assert len(kinds) == 1000
    assert {len(kind) for kind in kinds} == {32}
    assert {kind.startswith("X-INCIDENTS-") for kind in kinds} == {True}


def test_of_several_notes_the_newest_counts_and_of_two_new_ones_all_holds() -> None:
    old = powerdns_note.new(NAME).taken_down({"A": rrset("A", "192.0.2.1")}, NOTICES[0])
    one = old.taken_down({}, NOTICES[0]).with_hold(SITE, hold(seq=2)).with_hold("both", hold(seq=5))
    two = (
        old.taken_down({}, NOTICES[2])
        .with_hold("www", hold("close", 3))
        .with_hold("both", hold(seq=4))
    )
    texts = {powerdns_note.new_kind(NAME): [each.text()] for each in (one, old, two)}
    note = powerdns_note.read(NAME, texts)
    assert note is not None
    assert set(note.holds) == {SITE, "www", "both"}
    assert note.holds["both"].seq == 5
    assert note.kept == old.kept
    assert set(note.put) == {"A", "AAAA"}
    outdated = powerdns_note.older(NAME, texts, note)
    assert [texts[kind] for kind in outdated] == [[old.text()]]


def test_a_note_of_another_name_under_the_same_digits_is_not_this_ones() -> None:
    other = replace(powerdns_note.new("other.example."), holds={SITE: hold()})
    metadata = {powerdns_note.new_kind(NAME): [other.text()], "X-OTHERS": ["text"]}
    assert powerdns_note.read(NAME, metadata) is None
    assert powerdns_note.older(NAME, metadata, None) == ()


@pytest.mark.parametrize("values", [[], ["{}"], ["", ""], ["{}", "{}"], ["null"], ["[1]"]])
def test_what_is_no_note_is_said_to_be_none(values: list[str]) -> None:
    with pytest.raises(UnreadableNoteError):
        powerdns_note.read(NAME, {powerdns_note.new_kind(NAME): values})


def test_a_cname_is_not_put_back_beside_what_is_not_an_address() -> None:
    note = powerdns_note.new(NAME).taken_down({"CNAME": rrset("CNAME", "x.example.")}, NOTICES[0])
    found = {"A": rrset("A", "198.51.100.7"), "TXT": rrset("TXT", '"hello"')}
    with pytest.raises(ConflictError):
        note.put_back(found)


@pytest.mark.parametrize("kind", TAKEN)
def test_each_type_that_leads_somewhere_is_taken_and_no_other(kind: str) -> None:
    found = {kind: rrset(kind, "x"), "MX": rrset("MX", "1 mail.example."), "NS": rrset("NS", "y.")}
    assert set(leading(found)) == {kind}
    asked = changes(found, {"A": rrset("A", "198.51.100.7")})
    assert {each["type"] for each in asked} == {kind, "A"}
    assert asked[0]["changetype"] == ("REPLACE" if kind == "A" else "DELETE")


def test_a_hold_of_a_later_epoch_is_after_all_of_the_one_before() -> None:
    """Also after one that was ordered later: that is of a history whose end is lost."""
    lost, waited = hold(seq=900), hold(seq=12)
    waited = replace(waited, seq=332 * 10**12 + 12)
    assert waited.is_after(lost)
    assert not lost.is_after(waited)
