"""The old disk: what a leader had that was killed, held against what went on without it.

It knows all that was acknowledged and signed before, so nothing else has to be believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet

from sqlalchemy import select

from incidents.app import App
from incidents.audit.log.loss import Loss
from incidents.store.log import checkpoints
from incidents.store.schema.desk_tables import entries, keys
from incidents.tlog import note
from incidents.tlog.tree import Frontier
from tests.fire.lost_tail_desk import Leaves, Signed, no_fork, numbered


def held_against(
    before: App,
    after: App,
    *,
    acts: AbstractSet[str],
    safe: AbstractSet[str],
    missing: Loss | None,
) -> Counter[str]:
    """The losses among the acknowledged `acts` with these keys; the standby had the `safe` ones.

    `missing` is the alarm about signed entries.

    Raises:
        AssertionError: if a key has signed two histories, an alarm was false, or one was not given.
    """
    signed: Signed = {}
    for app in (before, after):
        _add_signed(app, signed)
    no_fork(signed)
    had, common = numbered(before), _in_common(numbered(before), numbered(after))
    last = max([_last_signed(before), *_kept(missing, had)])
    assert (missing is not None) == (last > common), (missing, last, common)
    entries_lost, acts_lost = _entries(before) - _entries(after), acts - _acts(after)
    assert acts <= _acts(before), "the disk has not got what was acknowledged"
    assert not acts_lost & safe, "acts are lost of which the standby had heard"
    return Counter(
        {
            "entries lost": len(entries_lost), "acts lost": len(acts_lost), "keys": len(signed),
            "entries lost that were signed": max(0, last - common),
        }
    )  # fmt: skip


def _add_signed(app: App, signed: Signed) -> None:
    """The entries that each key has signed, by that database."""
    had = numbered(app)
    with app.reading() as connection:
        for each in checkpoints.every(connection):
            assert _root(had[: each.size]) == each.root, "a checkpoint of another log"
            for by in note.parse(each.note).signatures:
                name = f"{by.name}+{by.key_hash.hex()}"
                signed.setdefault(name, []).append(had[: each.size])


def _kept(missing: Loss | None, had: Leaves) -> list[int]:
    """The size of the kept checkpoint of the key that has signed the lost entries, if any."""
    if missing is None:
        return []
    kept = note.parse_checkpoint(note.parse(missing.kept.note).text)
    assert _root(had[: kept.size]) == kept.root, "a checkpoint of another log"
    return [kept.size]


def _root(leaves: Leaves) -> bytes:
    tree = Frontier()
    tree.extend(leaves)
    return tree.root()


def _last_signed(app: App) -> int:
    """The size of the last checkpoint."""
    with app.reading() as connection:
        last = checkpoints.last(connection)
    return 0 if last is None else last.size


def _in_common(one: Leaves, other: Leaves) -> int:
    """Count the entries that are the same from the beginning."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _entries(app: App) -> set[bytes]:
    with app.reading() as connection:
        return set(map(bytes, connection.scalars(select(entries.c.leaf_hash))))


def _acts(app: App) -> set[str]:
    """The keys of what was acknowledged."""
    with app.reading() as connection:
        return set(connection.scalars(select(keys.c.key)))
