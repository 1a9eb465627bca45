"""Faults: an error, a SIGKILL or a lost connection at any call of any act; a seeded sample."""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents import clock
from tests.acceptance.daemons import environment
from tests.databases import PostgresqlDatabases
from tests.fire import fault_connections, fault_record, faults
from tests.fire.fault_actions import BY_NAME, ONE
from tests.fire.fault_calls import KILL, Call, Fault, calls_in
from tests.fire.fault_record import Clean, Record
from tests.fire.fault_wire import TO_SERVER, Cut
from tests.fire.faults import Way
from tests.nursery import Outcome, run

FORKED = Way()
# Each fault of each act is the long run's: scripts/fire faults fault_connections.
OFTEN = ("first use", "log the third", "attach", "report receive", "activate", "daemon --once")


def rarely(value: object) -> object:
    return pytest.param(value, marks=pytest.mark.long)


@pytest.fixture(scope="module")
def rig(memory: Path) -> faults.Rig:
    return faults.Rig(memory)


@pytest.fixture(scope="module")
def connections(
    tmp_path_factory: pytest.TempPathFactory, postgresql_databases: PostgresqlDatabases
) -> Iterator[fault_connections.Rig]:
    folder = tmp_path_factory.mktemp("connections")
    with fault_connections.rig(folder, postgresql_databases) as made:
        yield made


@pytest.mark.parametrize("name", OFTEN)
def test_an_act_that_meets_a_fault_is_done_whole_or_not_at_all_and_can_be_repeated(
    rig: faults.Rig, name: str
) -> None:
    figures = faults.sample(rig, BY_NAME[name], FORKED, random.Random(f"1 {name}"), 1)

    assert figures["faults"] + figures["missed"] == 1


@pytest.mark.parametrize("kind", [KILL, rarely("EIO")])
def test_a_fault_at_each_sync_of_a_log_is_survived(rig: faults.Rig, kind: str) -> None:
    act = BY_NAME["log the third"]
    clean, calls = rig.clean(act, FORKED)
    syncs = [call for call in calls if call.name == "fdatasync"]

    hit = [rig.fault(act, FORKED, clean, Fault(call, kind))["faults"] for call in syncs]

    assert len(syncs) >= 3
    assert all(hit)


@pytest.mark.parametrize("how", ["before", rarely("within")])
def test_a_connection_that_ends_at_the_commit_leaves_no_doubt_after_a_repetition(
    connections: fault_connections.Rig, how: str
) -> None:
    act = BY_NAME["log"]
    clean, messages = connections.clean(act)
    # The last word of the server before the client takes its leave: the commit is done.
    goodbye = [m for m in messages if m.direction == TO_SERVER][-1]
    answers = [m for m in messages if m.direction != TO_SERVER][-12:]

    figures = [
        connections.cut(act, clean, Cut(how, message))
        for message in [goodbye, answers[0], answers[-1]]
    ]

    assert sum(figure["done"] for figure in figures) >= 1, "the commit was done, unacknowledged"


# The answer that cannot be written.


def incidents(url: str, *words: str, out: int | None = None, err: int | None = None) -> Outcome:
    line = [*words, "--as", ONE]
    return run(line, env=environment(url), out=out, err=err, to_the_end=True)


@pytest.fixture
def full() -> Iterator[int]:
    """What takes nothing."""
    with Path("/dev/full").open("wb", buffering=0) as file:
        yield file.fileno()


@pytest.mark.parametrize("json_asked", [True, False], ids=["json", "for people"])
def test_an_act_whose_answer_finds_a_full_disk_is_done_and_answers_when_it_is_repeated(
    sqlite_url: str, full: int, json_asked: bool
) -> None:
    line = ["site", "add", "a.example", "--key", "1", *(["--json"] if json_asked else [])]
    lost = incidents(sqlite_url, *line, out=full)
    again = incidents(sqlite_url, *line)

    assert lost.status == 1
    fault_record.assert_clear(lost.stderr, sentences=["its result could not be shown"])
    assert "No space left on device" in lost.stderr
    assert again.status == 0
    assert "a.example" in again.stdout


def test_an_act_whose_reader_has_gone_is_done_and_answers_when_it_is_repeated(
    sqlite_url: str,
) -> None:
    line = ["site", "add", "a.example", "--key", "1", "--json"]
    reading, writing = os.pipe()
    os.close(reading)
    lost = incidents(sqlite_url, *line, out=writing)
    os.close(writing)
    again = incidents(sqlite_url, *line)

    assert (lost.status, lost.stderr) == (1, "")
    assert again.status == 0
    assert [event["kind"] for event in json.loads(again.stdout)["events"]] == ["site_added"]


def test_a_full_disk_under_standard_error_changes_neither_the_act_nor_its_status(
    sqlite_url: str, full: int
) -> None:
    # What the time was taken for is told before the act.
    now = clock.rfc3339(clock.now())
    lines = (
        ("site", "add", "a.example"), ("log", "a.example", "--at", now), ("removed", "1-9"),
        ("remove", "1-1"),
    )  # fmt: skip

    assert [incidents(sqlite_url, *line, err=full).status for line in lines] == [0, 0, 3, 2]


# The judge itself.


def entry(n: int, kind: str) -> str:
    return json.dumps(
        {"site": "a.example", "site_id": "1", "site_seq": str(n), "kind": kind, "actor": ONE}
    )


BEFORE = Record((entry(1, "site_added"),))
WHOLE = Record((*BEFORE.lines, entry(2, "incident_logged"), entry(3, "site_closed")))
CLEAN = Clean(ended=Outcome(0, b"{}", b""), steps=WHOLE.since(BEFORE), before=BEFORE)
LOG = BY_NAME["log"]


@pytest.mark.parametrize(
    ("ended", "record", "found"),
    [
        (Outcome(0, b'{"events": []}', b""), BEFORE, "acknowledged and lost"),
        (Outcome(1, b'{"events": []}', b""), BEFORE, "acknowledged and lost"),
        (Outcome(-9, b"", b""), Record(WHOLE.lines[:2]), "half of it was done"),
        (Outcome(-9, b"", b""), Record((*WHOLE.lines, entry(4, "site_held"))), "something else"),
        (Outcome(-9, b"", b""), Record((entry(1, "site_held"),)), "has changed"),
        (Outcome(0, b'{"events": [{"kind": "site_held"}]}', b""), WHOLE, "not the record"),
    ],
)
def test_the_judge_finds_what_is_lost_half_or_too_much(
    ended: Outcome, record: Record, found: str
) -> None:
    with pytest.raises(AssertionError, match=found):
        fault_record.whole_or_not_at_all(LOG, CLEAN, ended, record, as_json=True)


def test_the_judge_finds_a_gap() -> None:
    with pytest.raises(AssertionError, match="a gap"):
        Record((*BEFORE.lines, entry(3, "incident_logged"))).assert_dense()


@pytest.mark.parametrize(
    "stderr",
    [
        "",
        "incidents: it failed\nincidents: it failed\n",
        "Traceback (most recent call last):\nincidents: it failed\n",
        "error ignored terminating <psycopg.Pipeline [BAD]>\nincidents: it failed\n",
        "incidents: unexpected error (OSError)\n",
    ],
)
def test_the_judge_finds_what_is_not_one_clear_sentence(stderr: str) -> None:
    with pytest.raises(AssertionError, match="not"):
        fault_record.assert_clear(stderr)


def test_calls_are_counted_by_their_names_and_only_those_that_can_lose_something_are_taken() -> (
    None
):
    trace = (
        'openat(AT_FDCWD</>, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3</etc/passwd>\n'
        'openat(AT_FDCWD</>, "/d/a.db", O_RDWR|O_CREAT, 0644) = 3</d/a.db>\n'
        'pwrite64(3</elsewhere>, ""..., 24, 0) = 24\n'
        'pwrite64(3</d/a.db>, ""..., 24, 0) = -1 EIO (Input/output error) (INJECTED)\n'
        'write(2</o/err>, "", 0) = 0\n'
        'write(1</o/out>, ""..., 9) = 9\n'
        'unlink("/d/a.db-wal") = ?\n'
        "+++ killed by SIGKILL +++\n"
    )

    assert calls_in(trace, Path("/d")) == [
        Call("openat", 2, "a.db"),
        Call("pwrite64", 2, "a.db"),
        Call("write", 2, "standard output"),
        Call("unlink", 1, "a.db-wal"),
    ]
