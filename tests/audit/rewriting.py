"""A desk's log rewritten behind its back, and the errors that a verification finds."""

from collections.abc import Callable

from sqlalchemy import Connection, ScalarSelect, delete, insert, select, update

from incidents.audit.jobs import Workers
from incidents.audit.proof import live_log, signed_check, verification
from incidents.audit.proof.signed_check import Held
from incidents.audit.proof.verdict import Verdict, VerifyOptions
from incidents.store.database.engine import reading
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import checkpoints, cosignatures, leaves, log_head, tiles
from incidents.tlog.keys import VerifierKey
from incidents.tlog.tiles import Edge
from incidents.tlog.tree import leaf_hash
from tests.audit import bundles
from tests.audit.bundles import LOG, Signer
from tests.audit.verifying import plain
from tests.desk.rehearsal import Rehearsal


def verdict(connection: Connection, asked: VerifyOptions | None = None) -> Verdict:
    alone = Workers(live_log.opened, None, connection, lambda _: None)
    return verification.by(alone, asked or VerifyOptions())


def findings(connection: Connection, asked: VerifyOptions | None = None) -> list[str]:
    return plain([str(flaw) for flaw in verdict(connection, asked).findings])


def seen(day: Rehearsal, asked: VerifyOptions | None = None) -> Verdict:
    """What a verification of the desk's log comes to."""
    with reading(day.engine) as connection:
        return verdict(connection, asked)


def key(signer: Signer) -> VerifierKey:
    return VerifierKey.parse(signer.vkey)


def held(note: bytes) -> Held:
    return signed_check.read(note, "held")


def entry_at(leaf: int) -> ScalarSelect[int]:
    """The id of the entry that has this number."""
    return select(leaves.c.entry_id).where(leaves.c.leaf_index == leaf).scalar_subquery()


def change_body(connection: Connection, leaf: int, change: Callable[[str], str]) -> None:
    """Change an entry, and nothing beside it."""
    where = entries.c.id == entry_at(leaf)
    body = connection.scalar(select(entries.c.body).where(where))
    assert body is not None
    assert change(body) != body
    connection.execute(update(entries).where(where).values(body=change(body)))


def rehash(connection: Connection) -> None:
    for id_, body in connection.execute(select(entries.c.id, entries.c.body)).all():
        hashed = leaf_hash(body.encode())
        connection.execute(update(entries).where(entries.c.id == id_).values(leaf_hash=hashed))


def rebuild(connection: Connection) -> list[bytes]:
    """Rebuild the tree over the present entries: hashes, tiles, head; return the entries."""
    rehash(connection)
    rows = connection.execute(
        select(entries.c.body, entries.c.leaf_hash)
        .join(leaves, leaves.c.entry_id == entries.c.id)
        .order_by(leaves.c.leaf_index)
    ).all()
    edge = Edge()
    grown = edge.append([bytes(hashed) for _, hashed in rows])
    connection.execute(delete(tiles))
    for level, n, blob in grown:
        connection.execute(insert(tiles).values(level=level, n=n, hashes=blob))
    connection.execute(update(log_head).values(size=edge.size, frontier=edge.frontier().to_bytes()))
    return [body.encode() for body, _ in rows]


def sign_again(connection: Connection, rewritten: list[bytes]) -> None:
    """Sign all checkpoints again with the right key."""
    connection.execute(delete(cosignatures))
    for id_, size in connection.execute(select(checkpoints.c.id, checkpoints.c.size)).all():
        some = rewritten[:size]
        root = bundles.root(bundles.leaves(some))
        note = bundles.head(some, LOG).decode()
        connection.execute(
            update(checkpoints).where(checkpoints.c.id == id_).values(root=root, note=note)
        )
