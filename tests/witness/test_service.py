"""The witness as it runs: a real process, asked over HTTP on the loopback."""

import http.client
import json
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from incidents import clock
from incidents.tlog import note
from incidents.tlog.keys import SigningKey
from incidents.tlog.note import Note, Signature
from incidents.witness import rules, service
from incidents.witness.ledger import Ledger
from incidents.witness.rules import Seen
from incidents.witness.service import MAX_BODY_BYTES
from tests.patience import PATIENCE_S
from tests.witness import rig
from tests.witness.rig import ORIGIN, Log, Running, witness

LOG = Log()


def assert_countersigned(running: Running, answer: tuple[int, str, str], log: Log, n: int) -> None:
    status, content_type, body = answer
    assert (status, content_type) == (200, "text/plain; charset=utf-8"), body
    assert body.startswith("— ")
    assert body.endswith("\n")
    whole = note.parse(str(log.note(n)) + body)
    assert note.verified_keys(whole, [log.key.verifier, running.key]) == [
        log.key.verifier,
        running.key,
    ]


def test_a_log_that_grows_is_countersigned_step_by_step(running: Running, log: Log) -> None:
    for old, new in ((0, 1), (1, 5), (5, 5), (5, 12), (12, 300)):
        answer = running.post(bytes(log.submission(old, new)))
        assert_countersigned(running, answer, log, new)
        assert running.ledger.seen(log.origin) == Seen(new, log.root(new))


def test_the_cosignature_has_the_time_at_which_it_was_made(running: Running, log: Log) -> None:
    before = int(clock.now().timestamp())
    _, _, body = running.post(bytes(log.submission(0, 5)))
    made = note.time_of_cosignature(Signature.parse(body.strip("\n")))
    assert before <= made <= clock.now().timestamp()


def test_extension_lines_are_countersigned_with_the_rest(running: Running, log: Log) -> None:
    extended = log.note(5, "an extension line")
    status, _, body = running.post(bytes(rules.submission_of(extended, 0, ())))
    assert status == 200
    assert note.verified_keys(note.parse(str(extended) + body), [running.key]) == [running.key]


def test_a_stale_size_is_answered_409_with_the_size_in_its_own_content_type(
    running: Running, log: Log
) -> None:
    assert running.post(bytes(log.submission(3, 5))) == (409, "text/x.tlog.size", "0\n")
    running.post(bytes(log.submission(0, 5)))
    for old in (0, 4, 6):
        answer = running.post(bytes(log.submission(old, 9)))
        assert answer == (409, "text/x.tlog.size", "5\n")
    assert running.ledger.seen(log.origin).size == 5


def test_an_unknown_log_is_answered_404(running: Running) -> None:
    other = Log(origin="other.example", key=SigningKey.generate("other.example"))
    status, content_type, body = running.post(bytes(other.submission(0, 5)))
    assert (status, content_type) == (404, "text/plain; charset=utf-8")
    assert "'other.example' is not known" in body


def test_a_bad_signature_is_answered_403(running: Running, log: Log) -> None:
    forged = Log(origin=log.origin, key=SigningKey.generate(log.origin))
    assert running.post(bytes(forged.submission(0, 5)))[0] == 403
    wrong = Note(log.note(5).text, log.note(6).signatures)
    assert running.post(bytes(rules.submission_of(wrong, 0, ())))[0] == 403
    assert running.ledger.seen(log.origin).size == 0


def test_an_old_key_after_a_new_one_is_answered_403_and_nothing_is_signed(tmp_path: Path) -> None:
    old, new = Log(), Log(key=SigningKey.generate(ORIGIN))
    key = rig.new_key(tmp_path)
    logs = service.logs_of([old.key.verifier, new.key.verifier])
    running = service.Witness(key, logs, Ledger(tmp_path / "witness.key.db"))
    rotation = note.sign_note(old.note(5).text, old.key, new.key)

    answers = [
        running.add_checkpoint(bytes(asked))
        for asked in (
            old.submission(0, 3), rules.submission_of(rotation, 3, old.prove(3, 5)),
            old.submission(5, 8), new.submission(5, 8),
        )
    ]  # fmt: skip

    assert [answer.status for answer in answers] == [200, 200, 403, 200]
    assert str(new.key.verifier) in answers[2].body
    assert "— " not in answers[2].body


def test_a_log_that_rewrites_its_history_is_refused_and_what_was_seen_stays(
    tmp_path: Path,
) -> None:
    rewritten = LOG.rewritten_from(2)
    with witness(tmp_path, LOG) as running:
        running.post(bytes(LOG.submission(0, 5)))
        assert running.post(bytes(rewritten.submission(5, 9)))[0] == 422
        assert running.post(bytes(rewritten.submission(5, 5)))[0] == 409
        assert running.post(bytes(rewritten.submission(0, 9)))[0] == 409
        assert running.post(bytes(rules.submission_of(LOG.note(4), 5, ())))[0] == 400
        assert running.post(bytes(LOG.submission(4, 4)))[0] == 409
        assert running.ledger.seen(ORIGIN) == Seen(5, LOG.root(5))
        assert_countersigned(running, running.post(bytes(LOG.submission(5, 9))), LOG, 9)
    lines = [json.loads(line) for line in running.log.read_text().splitlines()]
    assert [line["refusal"] for line in lines if "refusal" in line] == [
        422, 409, 409, 409,
    ]  # fmt: skip


def test_a_body_that_is_no_submission_is_answered_400(running: Running, log: Log) -> None:
    right = bytes(log.submission(0, 5))
    bodies = [
        b"",
        b"old 0\n",
        b"\xff\xfe\n\n",
        b"old 0\n\nnot a note\n",
        right[:-1],
        right.replace(b"old 0", b"old 00"),
        right.replace(b"\n5\n", b"\n05\n"),
        right.replace(b"\n", b"\r\n"),
    ]
    for body in bodies:
        assert running.post(body)[0] == 400, body
    assert running.ledger.seen(log.origin).size == 0
    assert running.post(right)[0] == 200


def test_there_is_nothing_else_to_ask(running: Running) -> None:
    for path in ("/", "/add-checkpoint/", "/x/add-checkpoint", "/docs"):
        assert rig.request(running.url, "GET", path)[0] == 404
        assert rig.request(running.url, "POST", path)[0] == 404
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        assert rig.request(running.url, method, "/add-checkpoint")[0] == 405


def test_a_connection_is_kept_for_the_next_request(running: Running, log: Log) -> None:
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=PATIENCE_S)
    connection.connect()
    opened = connection.sock
    for old, new, status in ((0, 5, 200), (5, 9, 200), (4, 9, 409), (9, 12, 200)):
        connection.request("POST", "/add-checkpoint", bytes(log.submission(old, new)))
        answer = connection.getresponse()
        assert answer.status == status
        answer.read()
        assert connection.sock is opened
    connection.close()


def test_a_body_that_is_too_long_is_refused_before_it_is_read_whole(
    running: Running, log: Log
) -> None:
    host, port = urlsplit(running.url).hostname, urlsplit(running.url).port
    with socket.create_connection((host, port), timeout=PATIENCE_S) as client:
        client.sendall(
            b"POST /add-checkpoint HTTP/1.1\r\nHost: witness.example\r\n"
            b"Content-Length: 10000000000\r\n\r\n" + b"x" * (MAX_BODY_BYTES + 1)
        )
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert running.post(bytes(log.submission(0, 5)))[0] == 200


def test_a_body_of_256_kib_is_the_longest(running: Running) -> None:
    assert running.post(b"x" * MAX_BODY_BYTES)[0] == 400
    assert running.post(b"x" * (MAX_BODY_BYTES + 1))[0] == 413


def test_a_submission_of_nearly_the_longest_is_read(running: Running, log: Log) -> None:
    many = tuple(Signature(f"stranger-{n}.example", b"abcd", bytes(1_500)) for n in range(99))
    own = log.note(5)
    body = bytes(rules.submission_of(Note(own.text, (*own.signatures, *many)), 0, ()))
    assert MAX_BODY_BYTES * 3 // 4 < len(body) <= MAX_BODY_BYTES
    assert running.post(body)[0] == 200


def test_of_two_who_race_to_store_exactly_one_wins_and_the_other_is_told_the_size(
    tmp_path: Path,
) -> None:
    """For each size both processes and all connections have the same ledger between them."""
    with witness(tmp_path, LOG) as one, witness(tmp_path, LOG) as other:
        one.post(bytes(LOG.submission(0, 1)))
        seen = 1
        for _ in range(4):
            bodies = {size: bytes(LOG.submission(seen, size)) for size in range(seen + 1, seen + 7)}
            answers = _at_once([one, other], bodies)
            [winner] = [size for size, (status, _, _) in answers.items() if status == 200]
            losers = {answer for size, answer in answers.items() if size != winner}
            assert losers == {(409, "text/x.tlog.size", f"{winner}\n")}
            seen = winner
            assert one.ledger.seen(ORIGIN) == Seen(seen, LOG.root(seen))


def _at_once(witnesses: list[Running], bodies: dict[int, bytes]) -> dict[int, tuple[int, str, str]]:
    start = threading.Barrier(len(bodies))

    def ask(size: int) -> tuple[int, str, str]:
        start.wait(PATIENCE_S)
        return witnesses[size % len(witnesses)].post(bodies[size])

    with ThreadPoolExecutor(len(bodies)) as pool:
        return dict(zip(bodies, pool.map(ask, bodies), strict=True))


def test_what_was_countersigned_before_a_kill_is_remembered_after_it(tmp_path: Path) -> None:
    """SIGKILL at any moment: whatever was answered with a cosignature is seen for ever."""
    answered = 0
    for _ in range(2):
        with witness(tmp_path, LOG) as running:
            stored = running.ledger.seen(ORIGIN)
            assert stored.size >= answered
            assert stored == Seen(stored.size, LOG.root(stored.size))
            answered = _until_killed(running, stored.size)
    with witness(tmp_path, LOG) as running:
        assert running.ledger.seen(ORIGIN).size >= answered
        stale = running.post(bytes(LOG.rewritten_from(0).submission(0, answered)))
        assert stale[0] == 409


def _until_killed(running: Running, seen: int) -> int:
    """The largest size that it has countersigned when it is killed, in the midst of its work."""
    size = seen + 1
    assert running.post(bytes(LOG.submission(seen, size)))[0] == 200
    killer = threading.Timer(0.2, running.process.send_signal, [signal.SIGKILL])
    killer.start()
    while True:
        try:
            answer = running.post(bytes(LOG.submission(size, size + 1)))
        except (OSError, http.client.HTTPException):
            killer.join()
            return size
        assert answer[0] == 200
        size += 1


@pytest.mark.parametrize(
    "by", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_it_stops_at_a_signal_and_is_done(tmp_path: Path, by: signal.Signals) -> None:
    with witness(tmp_path, LOG) as running:
        running.post(bytes(LOG.submission(0, 5)))
        assert running.stop(by) == 0
    said = [json.loads(line)["event"] for line in running.log.read_text().splitlines()]
    assert said == ["started", "stopped"]


def test_a_signal_right_after_it_listens_is_not_lost(tmp_path: Path) -> None:
    with witness(tmp_path, LOG) as running:
        assert running.stop() == 0


def test_without_its_store_it_does_not_start(tmp_path: Path) -> None:
    rig.new_key(tmp_path)
    (tmp_path / "witness.key.db").unlink()
    done = _run(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "it is missing" in done.stderr
    assert not (tmp_path / "witness.key.db").exists()


def test_a_store_that_vanishes_is_answered_500_and_nothing_is_signed(tmp_path: Path) -> None:
    with witness(tmp_path, LOG) as running:
        running.post(bytes(LOG.submission(0, 5)))
        (tmp_path / "witness.key.db").unlink()
        assert running.post(bytes(LOG.submission(0, 9)))[0] == 500
        assert not (tmp_path / "witness.key.db").exists()


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with witness(tmp_path, LOG) as running:
        port = str(urlsplit(running.url).port)
        done = _run(tmp_path, "--port", port)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr


def _run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = [*rig.command(folder, LOG), *more]
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
