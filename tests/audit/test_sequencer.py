"""The sequencer: every entry gets one number, whatever the order in which it was committed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from sqlalchemy import Connection, Engine, func, insert, select, text, update

from incidents.audit.log import sequencer
from incidents.audit.log.sequencer import raise_floor
from incidents.store.database import engine as engines
from incidents.store.database.engine import reading, writing
from incidents.store.log import leaves
from incidents.store.log.leaves import Head, Snapshot
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import leaves as numbers
from incidents.store.schema.log_tables import log_head, tiles
from incidents.tlog.proof import root_at
from incidents.tlog.tiles import tiles_of
from incidents.tlog.tree import Frontier
from tests.tlog.trees import root_of

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
SITE = 7


@pytest.fixture
def engine(db_url: str) -> Iterator[Engine]:
    made = engines.create(db_url)
    yield made
    made.dispose()


@pytest.fixture
def server(postgresql_url: str) -> Iterator[Engine]:
    made = engines.create(postgresql_url)
    yield made
    made.dispose()


def put(connection: Connection, *seqs: int) -> None:
    """Entries of one site, as the desk writes them."""
    rows = [
        {
            "site_id": SITE,
            "site_seq": seq,
            "recorded_at": START + timedelta(seconds=seq),
            "body": f"entry {seq}",
            "leaf_hash": sha256(b"\0entry %d" % seq).digest(),
        }
        for seq in seqs
    ]
    connection.execute(insert(entries), rows)


def add(engine: Engine, *seqs: int) -> None:
    with writing(engine) as connection:
        put(connection, *seqs)


def numbered(engine: Engine) -> list[int]:
    """The entries' own numbers in the order of the log."""
    with reading(engine) as connection:
        joined = numbers.join(entries, entries.c.id == numbers.c.entry_id)
        found = select(numbers.c.leaf_index, entries.c.site_seq).select_from(joined)
        rows = connection.execute(found.order_by(numbers.c.leaf_index)).all()
    assert [row[0] for row in rows] == list(range(len(rows)))
    return [row[1] for row in rows]


def head(engine: Engine) -> Head:
    with reading(engine) as connection:
        return leaves.head(connection)


def assert_whole(engine: Engine) -> None:
    """The head, the tiles and the leaves are one tree."""
    with reading(engine) as connection:
        of = leaves.head(connection)
        joined = numbers.join(entries, entries.c.id == numbers.c.entry_id)
        found = select(entries.c.leaf_hash).select_from(joined).order_by(numbers.c.leaf_index)
        root = root_of(connection.scalars(found))
        assert connection.scalar(select(func.count()).select_from(numbers)) == of.size
        assert Frontier.from_bytes(of.size, of.frontier).root() == root
        assert root_at(sequencer.nodes(connection, of.size), of.size) == root
        stored = {(row.level, row.n): len(row.hashes) for row in connection.execute(select(tiles))}
    assert stored == {(tile.level, tile.n): 32 * tile.width for tile in tiles_of(of.size)}


@pytest.mark.both_databases
def test_entries_are_numbered_in_their_order_and_make_a_tree(engine: Engine) -> None:
    add(engine, *range(1, 601))

    assert sequencer.number_all(engine) == 600

    assert numbered(engine) == list(range(1, 601))
    assert_whole(engine)


def test_a_log_without_entries_has_no_leaves(engine: Engine) -> None:
    assert sequencer.number_all(engine) == 0
    of = head(engine)
    assert (of.size, of.frontier, of.floor) == (0, b"", 0)
    assert_whole(engine)


@pytest.mark.parametrize(("limit", "n"), [(1, 30), (3, 260), (255, 520), (256, 520), (257, 520)])
def test_what_is_numbered_in_batches_of_any_size_is_the_same_tree(
    engine: Engine, limit: int, n: int
) -> None:
    add(engine, *range(1, n + 1))

    assert sequencer.number_all(engine, limit=limit) == n

    assert numbered(engine) == list(range(1, n + 1))
    assert_whole(engine)


def test_each_batch_leaves_a_whole_tree_behind_from_which_the_next_goes_on(engine: Engine) -> None:
    for begin in range(1, 701, 100):
        add(engine, *range(begin, begin + 100))
        assert sequencer.number_some(engine, 70).count == 70
        assert_whole(engine)
    assert sequencer.number_all(engine) == 700 - 7 * 70

    assert sorted(numbered(engine)) == list(range(1, 701))
    assert_whole(engine)


def test_a_sequencer_that_is_stopped_stops_between_two_batches(engine: Engine) -> None:
    add(engine, *range(1, 31))
    asked = iter([False, False, True])

    assert sequencer.number_all(engine, lambda: next(asked), limit=10) == 20

    assert numbered(engine) == list(range(1, 21))


@pytest.mark.both_databases
def test_a_batch_that_fails_leaves_nothing_behind(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(engine, *range(1, 31))
    sequencer.number_some(engine, 10)
    before = head(engine)

    def fail(*_: object) -> None:
        raise RuntimeError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(leaves, "keep", fail)
        with pytest.raises(RuntimeError):
            sequencer.number_some(engine, 10)

    assert head(engine) == before
    assert numbered(engine) == list(range(1, 11))
    assert sequencer.number_all(engine) == 20
    assert_whole(engine)


def test_an_id_that_was_rolled_back_leaves_no_gap_in_the_numbers(engine: Engine) -> None:
    add(engine, 1)
    with writing(engine) as connection:
        put(connection, 2)
        connection.rollback()
    add(engine, 3)

    sequencer.number_all(engine)

    assert numbered(engine) == [1, 3]
    assert_whole(engine)


def test_an_entry_that_is_committed_after_one_with_a_higher_id_is_not_lost(server: Engine) -> None:
    with server.connect() as slow, slow.begin():
        put(slow, 1)
        add(server, 2)
        assert sequencer.number_all(server) == 1
        assert sequencer.number_all(server) == 0
        add(server, 3)
        assert sequencer.number_all(server) == 1
    assert sequencer.number_all(server) == 1

    assert numbered(server) == [2, 3, 1]
    assert_whole(server)


def test_a_transaction_that_began_after_the_last_one_that_ended_is_waited_for(
    server: Engine,
) -> None:
    """To a snapshot it is one to come; its entry's id is lower all the same than one it shows."""
    with server.connect() as first, server.connect() as slow, first.begin(), slow.begin():
        first.execute(text("SELECT pg_current_xact_id()"))
        put(slow, 1)
        put(first, 2)
        first.commit()
        for _ in range(5):
            sequencer.number_all(server)
        assert numbered(server) == [2]
        with reading(server) as connection:
            lowest = connection.scalar(select(func.min(entries.c.id)))
        assert lowest is not None
        assert head(server).floor < lowest
        slow.commit()
    assert sequencer.number_all(server) == 1
    assert numbered(server) == [2, 1]


def test_the_floor_does_not_rise_above_what_a_transaction_has_still_to_commit(
    server: Engine,
) -> None:
    add(server, 1)
    sequencer.number_all(server)
    with server.connect() as slow, slow.begin():
        put(slow, 2)
        add(server, 3)
        for _ in range(5):
            sequencer.number_all(server)
        assert head(server).floor < 2
    sequencer.number_all(server)
    sequencer.number_all(server)

    assert numbered(server) == [1, 3, 2]
    assert head(server).floor == 3


def test_the_floor_rises_in_a_backlog_so_that_no_batch_looks_through_the_ones_before(
    engine: Engine,
) -> None:
    add(engine, *range(1, 101))
    floors = []
    for _ in range(10):
        sequencer.number_some(engine, 10)
        floors.append(head(engine).floor)

    assert floors == sorted(floors)
    assert floors[-1] >= 90


@pytest.mark.both_databases
def test_a_log_at_rest_is_not_written_to(engine: Engine) -> None:
    add(engine, *range(1, 11))
    for _ in range(4):
        sequencer.number_all(engine)
    before = _version(engine)

    for _ in range(4):
        sequencer.number_all(engine)

    assert head(engine).floor == 10
    assert _version(engine) == before


def _version(engine: Engine) -> object:
    """What changes with each write to the head."""
    with reading(engine) as connection:
        if engine.dialect.name == "sqlite":
            # The pool has one connection, which has done all there was to do.
            own = connection.connection.driver_connection
            assert own is not None
            return own.total_changes
        return connection.scalar(text("SELECT xmin FROM log_head"))


def test_a_restored_database_whose_transactions_are_counted_anew_goes_on(server: Engine) -> None:
    add(server, 1)
    sequencer.number_all(server)
    with writing(server) as connection:
        connection.execute(text("UPDATE log_head SET horizon = 900000000, next_floor = 1"))

    for seq in range(2, 6):
        add(server, seq)
        sequencer.number_all(server)
    for _ in range(3):
        sequencer.number_all(server)

    assert numbered(server) == [1, 2, 3, 4, 5]
    assert head(server).floor == 5


def test_while_another_numbers_a_sequencer_leaves_it_to_it(server: Engine) -> None:
    add(server, 1)
    with server.connect() as other, other.begin():
        assert leaves.lock(other)
        assert sequencer.number_all(server) == 0
    assert sequencer.number_all(server) == 1


@pytest.mark.both_databases
def test_several_sequencers_and_a_busy_desk_number_each_entry_once(engine: Engine) -> None:
    writers, each = 3, 40
    done: list[bool] = []

    def write(begin: int) -> None:
        for seq in range(begin, begin + each):
            add(engine, seq)

    def number() -> None:
        while not done:
            sequencer.number_some(engine, 7)

    with ThreadPoolExecutor(8) as pool:
        numbering = [pool.submit(number) for _ in range(3)]
        writing_ = [pool.submit(write, 1 + n * each) for n in range(writers)]
        for each_written in writing_:
            each_written.result()
        done.append(True)
        for each_numbered in numbering:
            each_numbered.result()
    sequencer.number_all(engine)

    assert sorted(numbered(engine)) == list(range(1, writers * each + 1))
    assert_whole(engine)


def test_what_lies_below_the_floor_without_a_number_is_found_by_the_look_everywhere(
    engine: Engine,
) -> None:
    add(engine, *range(1, 21))
    with writing(engine) as connection:
        connection.execute(update(log_head).values(floor=20))
    assert sequencer.number_all(engine) == 0

    assert sequencer.number_missed(engine) == 20

    assert numbered(engine) == list(range(1, 21))
    assert_whole(engine)
    assert sequencer.number_missed(engine) == 0
    assert head(engine).floor == 20


def test_the_floor_rises_when_all_that_could_still_commit_below_it_has_ended() -> None:
    begun = raise_floor(Head(0, b"", 0, None, None), Snapshot(9, 100, 105), None)
    assert (begun.floor, begun.next_floor, begun.horizon) == (0, 9, None)
    begun = begun._replace(horizon=105)

    assert raise_floor(begun, Snapshot(12, 104, 120), None) == begun

    done = raise_floor(begun, Snapshot(12, 105, 120), None)
    assert (done.floor, done.next_floor, done.horizon) == (9, 12, None)


def test_the_floor_never_rises_above_what_a_full_batch_has_come_to() -> None:
    begun = Head(0, b"", 0, 9, 105)

    assert raise_floor(begun, Snapshot(12, 105, 120), 4).floor == 4
    assert raise_floor(begun, Snapshot(12, 105, 120), 4).next_floor == 4


def test_the_floor_never_sinks() -> None:
    high = Head(0, b"", 50, 60, 105)

    assert raise_floor(high, Snapshot(3, 105, 120), None).floor == 50


def test_a_batch_reads_in_the_order_of_ids_and_no_further_than_to_its_limit(server: Engine) -> None:
    add(server, *range(1, 200))
    with server.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("ANALYZE entries"))
    with writing(server) as connection:
        assert leaves.lock(connection)
        wanted = str(leaves._FIRST.compile(server))
        wanted = wanted.replace("%(floor)s", "$1").replace("%(most)s", "$2")
        rows = connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN) {wanted}")
        plan = "\n".join(row[0] for row in rows)

    assert "Sort" not in plan
    assert "Bitmap" not in plan
    assert "Index Scan using pk_entries on entries" in plan
