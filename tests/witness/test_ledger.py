"""The ledger: what was seen is compared and stored in one step, and is never made anew."""

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import pytest

from incidents.tlog import note
from incidents.tlog.keys import COSIGNATURE_V1, SigningKey, VerifierKey
from incidents.witness import ledger as ledgers
from incidents.witness import rules
from incidents.witness.ledger import Ledger, LedgerError
from incidents.witness.rules import Refusal, Seen, Submission
from tests.patience import PATIENCE_S
from tests.witness.rig import ORIGIN, Log

KEY = SigningKey.generate("witness.example", COSIGNATURE_V1).verifier
LOG = Log()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "seen ?#%.db"


@pytest.fixture
def ledger(file: Path) -> Ledger:
    made = Ledger(file)
    made.register_key(KEY)
    return made


def rows(file: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


def test_what_was_countersigned_is_remembered_with_its_note(ledger: Ledger, file: Path) -> None:
    assert ledger.compare_and_store(LOG.submission(0, 5)) is None
    assert ledger.compare_and_store(LOG.submission(5, 9)) is None
    assert ledger.seen(ORIGIN) == Seen(9, LOG.root(9))
    assert Ledger(file).seen(ORIGIN) == Seen(9, LOG.root(9))
    assert rows(file, "seen") == [(ORIGIN, 9, LOG.root(9), str(LOG.note(9)))]


def test_logs_are_remembered_apart(ledger: Ledger) -> None:
    other = Log("other", "other.example", SigningKey.generate("other.example"))
    ledger.compare_and_store(LOG.submission(0, 5))
    ledger.compare_and_store(other.submission(0, 3))
    assert ledger.seen(ORIGIN).size == 5
    assert ledger.seen("other.example") == Seen(3, other.root(3))


def test_what_is_refused_changes_nothing(ledger: Ledger, file: Path) -> None:
    ledger.compare_and_store(LOG.submission(0, 5))
    before = rows(file, "seen")
    for asked in (
        LOG.submission(3, 9),
        LOG.submission(0, 9),
        LOG.rewritten_from(2).submission(5, 9),
        LOG.rewritten_from(2).submission(5, 5),
        LOG.submission(0, 3),
    ):
        assert ledger.compare_and_store(asked) is not None
        assert rows(file, "seen") == before


def test_a_judge_that_fails_leaves_all_as_it_was_and_no_lock(ledger: Ledger) -> None:
    ledger.compare_and_store(LOG.submission(0, 5))

    def fails(_submission: Submission, _seen: Seen) -> Refusal | None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ledger.compare_and_store(LOG.submission(5, 9), fails)
    assert ledger.seen(ORIGIN).size == 5
    assert ledger.compare_and_store(LOG.submission(5, 9)) is None


def test_nobody_stores_between_another_ones_look_and_its_store(ledger: Ledger, file: Path) -> None:
    ledger.compare_and_store(LOG.submission(0, 5))
    looked, others = threading.Event(), []

    def slow(submission: Submission, seen: Seen) -> Refusal | None:
        looked.set()
        with (
            closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as third,
            pytest.raises(sqlite3.OperationalError, match="database is locked"),
        ):
            third.execute("BEGIN IMMEDIATE")
        return rules.check_consistency(submission, seen)

    def also() -> None:
        looked.wait(PATIENCE_S)
        others.append(ledger.compare_and_store(LOG.submission(5, 12)))

    other = threading.Thread(target=also)
    other.start()
    assert ledger.compare_and_store(LOG.submission(5, 9), slow) is None
    other.join(PATIENCE_S)
    [refusal] = others
    assert refusal is not None
    assert refusal.seen == 9
    assert ledger.seen(ORIGIN) == Seen(9, LOG.root(9))


def test_of_many_who_ask_at_once_exactly_one_is_stored(ledger: Ledger) -> None:
    ledger.compare_and_store(LOG.submission(0, 5))
    start, sizes = threading.Barrier(8), range(6, 14)

    def ask(size: int) -> Refusal | None:
        start.wait(PATIENCE_S)
        return ledger.compare_and_store(LOG.submission(5, size))

    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(sizes, pool.map(ask, sizes), strict=True))
    [winner] = [size for size, refusal in answers.items() if refusal is None]
    assert {refusal.seen for refusal in answers.values() if refusal} == {winner}
    assert ledger.seen(ORIGIN) == Seen(winner, LOG.root(winner))


def test_each_commit_is_on_disk_before_it_is_told(ledger: Ledger) -> None:
    with ledger._connection() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (3,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


STORE = """
import sys
from pathlib import Path
from incidents.witness import rules
from incidents.witness.ledger import Ledger
from incidents.tlog.keys import VerifierKey
asked, known = rules.parse_submission(sys.stdin.buffer.read()), [VerifierKey.parse(sys.argv[2])]
assert Ledger(Path(sys.argv[1])).compare_and_store(asked, known=known) is None
sys.stdout.write("stored")
"""


CALLS = ("pwrite64", "fdatasync,fsync", "unlink")
DAILY = (("fdatasync,fsync", "signal=SIGKILL"), ("unlink", "error=EIO"))


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        pytest.param(call, fault, marks=[] if (call, fault) in DAILY else pytest.mark.long)
        for call in CALLS
        for fault in ("signal=SIGKILL", "error=EIO", "error=ENOSPC")
    ],
)
def test_a_fault_at_each_write_leaves_the_old_or_the_new_and_nothing_is_told_too_early(
    ledger: Ledger, file: Path, call: str, fault: str
) -> None:
    ledger.compare_and_store(LOG.submission(0, 5))
    before = file.read_bytes()
    failed = 0
    for nth in range(1, 50):
        file.write_bytes(before)
        told = _stored_under(file, call, f"{fault}:when={nth}")
        seen = ledger.seen(ORIGIN)
        assert seen in (Seen(5, LOG.root(5)), Seen(9, LOG.root(9)))
        if told:
            assert seen.size == 9
            break
        failed += 1
        assert ledger.compare_and_store(LOG.submission(seen.size, 12)) is None
    assert told, "it never gets through"
    assert failed > 0, "no fault was ever met"


def _stored_under(file: Path, call: str, fault: str) -> bool:
    """Whether a process that stores 9 entries, while that fault is injected, says it has."""
    words = ["strace", "-f", "-qq", "-e", f"trace={call}", "-e", f"inject={call}:{fault}",
             sys.executable, "-c", STORE, str(file), str(LOG.key.verifier)]  # fmt: skip
    done = subprocess.run(
        words,
        input=bytes(LOG.submission(5, 9)),
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode == 0) == (done.stdout == b"stored"), done.stderr
    return done.stdout == b"stored"


# The keys of a log

NEW = Log(key=SigningKey.generate(ORIGIN))
BOTH = [LOG.key.verifier, NEW.key.verifier]


def handed_over(old: int, new: int) -> Submission:
    """The checkpoint that both keys sign."""
    return rules.submission_of(
        note.sign_note(LOG.note(new).text, LOG.key, NEW.key), old, LOG.prove(old, new)
    )


@pytest.mark.parametrize("handover", [True, False], ids=["handed over", "lost"])
def test_once_a_newer_key_has_signed_an_older_one_is_refused_and_changes_nothing(
    ledger: Ledger, file: Path, handover: bool
) -> None:
    assert ledger.compare_and_store(LOG.submission(0, 5), known=BOTH) is None
    assert ledger.compare_and_store(LOG.submission(5, 6), known=BOTH) is None
    change = handed_over(6, 9) if handover else NEW.submission(6, 9)
    assert ledger.compare_and_store(change, known=BOTH) is None
    before = rows(file, "seen"), rows(file, "heard")

    refusal = ledger.compare_and_store(LOG.submission(9, 12), known=BOTH)

    assert refusal is not None
    assert (refusal.status, refusal.seen) == (HTTPStatus.FORBIDDEN, None)
    assert "a newer key of this log has signed" in refusal.why
    assert (rows(file, "seen"), rows(file, "heard")) == before
    # What both have signed may come again; and the new one needs no other.
    assert ledger.compare_and_store(handed_over(9, 9), known=BOTH) is None
    assert ledger.compare_and_store(NEW.submission(9, 12), known=BOTH) is None
    assert ledger.compare_and_store(LOG.submission(12, 13), known=BOTH) is not None


def test_an_older_key_that_was_never_heard_of_is_none_the_less_older(ledger: Ledger) -> None:
    ledger.compare_and_store(NEW.submission(0, 5), known=BOTH)
    assert ledger.compare_and_store(LOG.submission(5, 9), known=BOTH) is not None


def test_what_is_refused_for_another_reason_retires_nobody(ledger: Ledger) -> None:
    ledger.compare_and_store(LOG.submission(0, 5), known=BOTH)
    assert ledger.compare_and_store(NEW.submission(3, 9), known=BOTH) is not None
    assert ledger.compare_and_store(LOG.submission(5, 9), known=BOTH) is None


@pytest.mark.parametrize("known", [BOTH[1:], BOTH])
def test_a_key_that_is_named_no_longer_is_missed_only_if_it_was_the_newer(
    ledger: Ledger, known: list[VerifierKey]
) -> None:
    ledger.compare_and_store(LOG.submission(0, 5), known=BOTH[:1])
    ledger.compare_and_store(handed_over(5, 9), known=BOTH)

    assert ledger.compare_and_store(LOG.submission(9, 12), known=BOTH[:1]) is not None
    assert ledger.compare_and_store(NEW.submission(9, 12), known=known) is None


def test_keys_that_were_named_in_the_wrong_order_are_put_right_by_naming_them_again(
    ledger: Ledger,
) -> None:
    wrong = BOTH[::-1]
    ledger.compare_and_store(LOG.submission(0, 5), known=wrong)
    ledger.compare_and_store(handed_over(5, 9), known=wrong)
    assert ledger.compare_and_store(NEW.submission(9, 12), known=wrong) is not None

    assert ledger.compare_and_store(NEW.submission(9, 12), known=BOTH) is None
    assert ledger.compare_and_store(LOG.submission(12, 13), known=BOTH) is not None


def test_a_memory_from_before_knows_by_its_last_note_which_keys_have_signed(file: Path) -> None:
    old = Ledger(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(ledgers._TABLES)
        connection.execute("INSERT INTO keys VALUES (?)", (str(KEY),))
        connection.execute(
            "INSERT INTO seen VALUES (?, ?, ?, ?)", (ORIGIN, 9, LOG.root(9), str(NEW.note(9)))
        )
        connection.commit()

    old.check_key(KEY)

    assert old.compare_and_store(LOG.submission(9, 12), known=BOTH) is not None
    assert old.compare_and_store(NEW.submission(9, 12), known=BOTH) is None
    old.check_key(KEY)


# Two trees of one size


def test_two_signed_trees_of_one_size_are_kept_side_by_side(ledger: Ledger, file: Path) -> None:
    ledger.compare_and_store(LOG.submission(0, 5))
    rewritten = LOG.rewritten_from(2)
    for old in (5, 5, 0):
        assert ledger.compare_and_store(rewritten.submission(old, 5)) is not None
    assert rows(file, "contradictions") == [
        (ORIGIN, 5, rewritten.root(5), str(rewritten.note(5)), str(LOG.note(5)))
    ]


def test_of_contradictions_so_many_are_kept_and_no_more(
    ledger: Ledger, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "MAX_CONTRADICTIONS", 3)
    ledger.compare_and_store(LOG.submission(0, 1))
    for n in range(5):
        ledger.compare_and_store(Log(f"other {n}", key=LOG.key).submission(1, 1))
    assert len(rows(file, "contradictions")) == 3


# The file


def test_the_memory_of_a_key_is_good_for_that_key(ledger: Ledger) -> None:
    ledger.check_key(KEY)


def test_without_its_memory_a_key_does_not_sign(tmp_path: Path) -> None:
    file = tmp_path / "gone.db"
    with pytest.raises(LedgerError, match="it is missing"):
        Ledger(file).check_key(KEY)
    assert not file.exists()


def test_the_memory_of_another_key_is_refused(ledger: Ledger) -> None:
    other = SigningKey.generate("witness.example", COSIGNATURE_V1).verifier
    with pytest.raises(LedgerError, match="another key"):
        ledger.check_key(other)
    ledger.register_key(other)
    ledger.check_key(other)
    ledger.check_key(KEY)


def test_a_new_key_that_takes_over_remembers_what_the_old_one_has_seen(ledger: Ledger) -> None:
    ledger.compare_and_store(LOG.submission(0, 5))
    ledger.register_key(SigningKey.generate("witness.example", COSIGNATURE_V1).verifier)
    assert ledger.seen(ORIGIN).size == 5


def test_a_memory_that_vanishes_while_the_witness_runs_is_not_made_anew(
    ledger: Ledger, file: Path
) -> None:
    ledger.compare_and_store(LOG.submission(0, 5))
    file.unlink()
    with pytest.raises(LedgerError):
        ledger.compare_and_store(LOG.submission(0, 9))
    assert not file.exists()


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "desk.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE sites (id INTEGER)")
        connection.commit()
    for act in (Ledger(file).register_key, Ledger(file).check_key):
        with pytest.raises(LedgerError, match="not of this program"):
            act(KEY)
    (tmp_path / "text.db").write_text("no database at all" * 100)
    with pytest.raises(LedgerError):
        Ledger(tmp_path / "text.db").register_key(KEY)
