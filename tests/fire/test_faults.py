"""Faults: an error, a SIGKILL or a lost connection at any call of any act; a seeded sample."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents import clock
from tests.databases import memory_folder
from tests.fire import fault_connections, fault_record, faults
from tests.fire.fault_acts import ACTS, BY_NAME, ONE, Act
from tests.fire.fault_calls import ERRORS, KILL, Call, Fault, calls_in
from tests.fire.fault_connections import ON_SERVER
from tests.fire.fault_record import Clean, Record
from tests.fire.fault_server import Ended
from tests.fire.fault_wire import TO_SERVER, Cut
from tests.fire.faults import Way

FORKED, WITH_COMPANY = Way(), Way(company=True, json=False)
REAL = (("log", ERRORS[0]), ("log", KILL), ("attach", ERRORS[1]), ("daemon --once", KILL))
OVER_THE_WIRE = ("log the third", "contact of a site", "activate", "daemon --once", "import")


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[faults.Rig]:
    folder = tmp_path_factory.mktemp("faults")
    if (memory := memory_folder()) is not None:
        folder = memory / f"incidents-faults-{os.getpid()}"
        folder.mkdir()
    with faults.rig(folder) as made:
        yield made
    subprocess.run(["rm", "-r", folder], check=True)


@pytest.fixture(scope="module")
def connections(tmp_path_factory: pytest.TempPathFactory) -> Iterator[fault_connections.Rig]:
    with fault_connections.rig(tmp_path_factory.mktemp("connections")) as made:
        yield made


@pytest.mark.parametrize("act", ACTS, ids=[act.name for act in ACTS])
def test_an_act_that_meets_a_fault_is_done_whole_or_not_at_all_and_can_be_repeated(
    rig: faults.Rig, act: Act
) -> None:
    chance = random.Random(f"1 {act.name}")
    alone = faults.sample(rig, act, FORKED, chance, 2)
    together = faults.sample(rig, act, WITH_COMPANY, chance, 1)

    assert alone["faults"] + together["faults"] + alone["missed"] + together["missed"] == 3


@pytest.mark.parametrize("kind", [*ERRORS, KILL])
def test_a_fault_at_each_sync_of_a_log_is_survived(rig: faults.Rig, kind: str) -> None:
    act = BY_NAME["log the third"]
    clean, calls = rig.clean(act, FORKED)
    syncs = [call for call in calls if call.name == "fdatasync"]

    hit = [rig.fault(act, FORKED, clean, Fault(call, kind))["faults"] for call in syncs]

    assert len(syncs) >= 3
    assert all(hit)


@pytest.mark.parametrize(("name", "kind"), REAL)
def test_the_real_command_survives_a_fault(rig: faults.Rig, name: str, kind: str) -> None:
    way = Way(real=True)
    clean, calls = rig.clean(BY_NAME[name], way)
    chance = random.Random(f"2 {name}")
    files = [call for call in calls if call.target.startswith(faults.DATABASE)]

    figures = rig.fault(BY_NAME[name], way, clean, Fault(chance.choice(files), kind))

    assert figures["faults"] + figures["missed"] == 1


@pytest.mark.parametrize("name", OVER_THE_WIRE)
def test_an_act_whose_connection_ends_is_done_whole_or_not_at_all_and_can_be_repeated(
    connections: fault_connections.Rig, name: str
) -> None:
    chance = random.Random(f"3 {name}")

    figures = fault_connections.sample(connections, BY_NAME[name], chance, 2)

    assert BY_NAME[name] in ON_SERVER
    assert figures["cuts"] + figures["missed"] == 2


@pytest.mark.parametrize("how", ["before", "within"])
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


def test_a_backend_that_is_killed_takes_no_act_with_it(tmp_path: Path) -> None:
    with fault_connections.rig(tmp_path, durable=True) as made:
        act = BY_NAME["log"]
        clean, messages = made.clean(act)
        kills = fault_connections.kills_of(messages)
        figures = made.cut(act, clean, kills[len(kills) // 2])

    assert figures["cuts"] + figures["missed"] == 1


# The answer that cannot be written.


def incidents(url: str, *words: str, out: int) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("incidents"))
    return subprocess.run(
        [program, *words, "--as", ONE], env={**os.environ, "INCIDENTS_DB": url}, stdout=out,
        stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("json_asked", [True, False], ids=["json", "for people"])
def test_an_act_whose_answer_finds_a_full_disk_is_done_and_answers_when_it_is_repeated(
    db_url: str, tmp_path: Path, json_asked: bool
) -> None:
    line = ["site", "add", "a.example", "--key", "1", *(["--json"] if json_asked else [])]
    full = os.open("/dev/full", os.O_WRONLY)
    lost = incidents(db_url, *line, out=full)
    os.close(full)
    with (tmp_path / "answer").open("w") as answer:
        again = incidents(db_url, *line, out=answer.fileno())

    assert lost.returncode == 1
    fault_record.assert_clear(lost.stderr, sentences=["the answer cannot be written"])
    assert "No space left on device" in lost.stderr
    assert again.returncode == 0
    assert "a.example" in (tmp_path / "answer").read_text()


def test_an_act_whose_reader_has_gone_is_done_and_answers_when_it_is_repeated(
    db_url: str, tmp_path: Path
) -> None:
    line = ["site", "add", "a.example", "--key", "1", "--json"]
    reading, writing = os.pipe()
    os.close(reading)
    lost = incidents(db_url, *line, out=writing)
    os.close(writing)
    with (tmp_path / "answer").open("w") as answer:
        again = incidents(db_url, *line, out=answer.fileno())

    assert (lost.returncode, lost.stderr) == (1, "")
    assert again.returncode == 0
    events = json.loads((tmp_path / "answer").read_text())["events"]
    assert [event["kind"] for event in events] == ["site_added"]


def test_a_full_disk_under_standard_error_changes_neither_the_act_nor_its_status(
    db_url: str,
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)

    def status_of(*words: str) -> int:
        program = str(Path(sys.executable).with_name("incidents"))
        done = subprocess.run(
            [program, *words], env={**os.environ, "INCIDENTS_DB": db_url}, check=False,
            stdout=subprocess.DEVNULL, stderr=full,
        )  # fmt: skip
        return done.returncode

    added = status_of("site", "add", "a.example")
    # What the time was taken for is told before the act.
    logged = status_of("log", "a.example", "--at", clock.rfc3339(clock.now()))
    refused = status_of("removed", "1-9")
    misused = status_of("remove", "1-1")
    os.close(full)

    assert [added, logged, refused, misused] == [0, 0, 3, 2]


# The judge itself.


def entry(n: int, kind: str) -> str:
    return json.dumps(
        {"site": "a.example", "site_id": "1", "site_seq": str(n), "kind": kind, "actor": ONE}
    )


BEFORE = Record((entry(1, "site_added"),))
WHOLE = Record((*BEFORE.lines, entry(2, "incident_logged"), entry(3, "site_closed")))
CLEAN = Clean(ended=Ended(0, "{}", ""), steps=WHOLE.since(BEFORE), before=BEFORE)
LOG = BY_NAME["log"]


@pytest.mark.parametrize(
    ("ended", "record", "found"),
    [
        (Ended(0, '{"events": []}', ""), BEFORE, "acknowledged and lost"),
        (Ended(1, '{"events": []}', ""), BEFORE, "acknowledged and lost"),
        (Ended(-9, "", ""), Record(WHOLE.lines[:2]), "half of it was done"),
        (Ended(-9, "", ""), Record((*WHOLE.lines, entry(4, "site_held"))), "something else"),
        (Ended(-9, "", ""), Record((entry(1, "site_held"),)), "has changed"),
        (Ended(0, '{"events": [{"kind": "site_held"}]}', ""), WHOLE, "not the record"),
    ],
)
def test_the_judge_finds_what_is_lost_half_or_too_much(
    ended: Ended, record: Record, found: str
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
        "incidents: something unexpected went wrong (OSError)\n",
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
