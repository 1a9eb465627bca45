"""A log that is signed by hand: a real desk's entries, numbered, under keys that a test knows."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from incidents.audit import export as entry_export
from incidents.audit.export import Selection
from incidents.audit.log.sequencer import number_all
from incidents.audit.proof import bundle_writer
from incidents.audit.proof.bundle_writer import Order, Written
from incidents.desk import own_stream
from incidents.desk.activation import LogKey
from incidents.machine import commands as c
from incidents.record.own_events import WordsErased
from incidents.store.database.engine import reading, writing
from incidents.store.log import checkpoints, leaves
from incidents.store.log.checkpoints import Cosigned, Signed
from tests.audit import bundles
from tests.audit.bundles import LOG, Desk, Signer
from tests.audit.tampering import FOUR
from tests.desk.rehearsal import Rehearsal

CANARY = "canary"
"""In the name of a site, and of all that belongs to it, that an export must not show."""


def a_case(day: Rehearsal) -> None:
    """A site that is suspended, under another policy closed, and another site's acts in between."""
    put_key(day, LOG)
    day.add("shop.example")
    day.add(f"{CANARY}.example")
    day.give(c.Log(by="li", urls=("https://shop.example/1",), note="told by phone"), "shop.example")
    day.give(c.Log(by=f"{CANARY}-person", note=f"{CANARY} note"), f"{CANARY}.example")
    day.later(hours=1, microseconds=250)
    day.elapse()
    day.desk.activate(FOUR, by="li", login="desk1", reason="agreed with the board")
    day.later(hours=13)
    day.elapse()
    erase(day, f"{CANARY}.example")
    for _ in range(4):
        day.give(c.Log(by="张三", again=True, category="gambling"), "shop.example")
        day.give(c.Log(by="li", again=True), f"{CANARY}.example")
        day.later(minutes=5)


def erase(day: Rehearsal, site: str) -> None:
    """Record that a site's words were erased; none are."""

    def act(connection: Connection) -> None:
        place = own_stream.place(connection, lambda: day.now)
        own_stream.record(
            connection, place, WordsErased, "li", "desk1", before=day.now, words=0, files=0, of=site
        )

    day.desk.on_record(act)


def put_key(day: Rehearsal, new: Signer, previous: Signer | None = None) -> None:
    """Record that this key signs from now on."""
    replaced = None if previous is None else previous.vkey
    day.desk.make_log_key(LogKey(key=new.vkey, previous=replaced, by="li", login="desk1"))


def on_log(day: Rehearsal) -> Desk:
    """The entries in the order of the log."""
    with reading(day.engine) as connection:
        size = leaves.head(connection).size
        batches = entry_export.covered_entries(connection, Selection(), size, at_once=1_000)
        bodies = [body.encode() for batch in batches for _, body in batch]
    return bundles.on_record(day).with_entries(bodies)


def sign(day: Rehearsal, *keys: Signer, witnesses: Sequence[Signer] = ()) -> bytes:
    """Number and sign all entries; return the note, without the witnesses' signatures."""
    number_all(day.engine)
    entries = on_log(day).entries
    note = bundles.head(entries, *(keys or (LOG,)))
    signed = Signed(
        0, len(entries), bundles.root(bundles.leaves(entries)), note.decode(),
        (keys or (LOG,))[-1].vkey, day.now,
    )  # fmt: skip
    with writing(day.engine) as connection:
        last = checkpoints.last(connection)
        assert checkpoints.add(
            connection, signed, after=None if last is None else last.id, place="here"
        )
        made = checkpoints.last(connection)
        assert made is not None
        for witness in witnesses:
            line = witness.line(note.decode().partition("\n\n")[0] + "\n")
            checkpoints.cosign(connection, Cosigned(made.id, witness.vkey, line, day.now))
    return note


def export(day: Rehearsal, target: Path, order: Order | None = None) -> Written:
    """Write a bundle there."""
    with reading(day.engine) as connection:
        return bundle_writer.write(connection, target, order or Order())
