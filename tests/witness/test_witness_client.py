"""The client of the witnesses: against a real witness, and against servers that lie or are slow."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from incidents.audit.log import stamp
from incidents.audit.log.witnesses import SplitViewError, Witness, WitnessError, fetch
from incidents.errors import InputError
from incidents.tlog import note
from incidents.tlog.keys import COSIGNATURE_V1, SigningKey
from incidents.tlog.note import CheckpointError, NoteError, Signature
from incidents.witness import rules
from incidents.witness.rules import Submission
from tests.outbound.rig import LOOPBACK, Handler, receiver
from tests.patience import PATIENCE_S
from tests.witness.rig import Log, Running

LOG = Log()
KEY = SigningKey.generate("witness.example", COSIGNATURE_V1)

Answer = tuple[int, dict[str, str], bytes]


def ask(of: Witness, n: int, seen: int, log: Log = LOG) -> Signature:
    """Have the log's checkpoint of `n` entries countersigned."""
    return fetch(of, bytes(log.note(n)), lambda old: list(log.prove(old, n)), seen=seen)


# With a real witness


def test_a_checkpoint_is_countersigned_and_its_cosignature_verified(
    running: Running, log: Log
) -> None:
    own = Witness(running.url, running.key)
    for n, seen in ((5, 0), (9, 5), (9, 9), (12, 9)):
        signature = ask(own, n, seen, log)
        assert signature.key_hash == running.key.key_hash
        assert note.verify_cosignature(running.key, log.note(n).text, signature.blob)
        assert running.ledger.seen(log.origin).size == n


def test_who_does_not_know_what_the_witness_has_seen_is_told_and_proves_from_there(
    running: Running, log: Log
) -> None:
    own = Witness(running.url, running.key)
    ask(own, 5, 0, log)
    for n, thought in ((6, 0), (7, 1), (8, 3), (9, 6), (10, 10), (11, 20)):
        ask(own, n, thought, log)
        assert running.ledger.seen(log.origin).size == n


def test_a_witness_that_has_seen_nothing_is_sent_no_proof(running: Running, log: Log) -> None:
    ask(Witness(running.url + "/", running.key), 8, 5, log)
    assert running.ledger.seen(log.origin).size == 8


def test_an_answer_that_was_lost_is_asked_for_again(running: Running, log: Log) -> None:
    running.post(bytes(log.submission(0, 5)))
    signature = ask(Witness(running.url, running.key), 5, 0, log)
    assert note.verify_cosignature(running.key, log.note(5).text, signature.blob)


def test_a_checkpoint_older_than_what_the_witness_has_seen_is_not_countersigned(
    running: Running, log: Log
) -> None:
    own = Witness(running.url, running.key)
    ask(own, 9, 0, log)
    for seen in (0, 5, 9):
        with pytest.raises(WitnessError, match="seen 9 entries already") as refused:
            ask(own, 5, seen, log)
        assert not isinstance(refused.value, SplitViewError)


def test_a_log_that_was_rewritten_is_told_so_in_capitals(running: Running, log: Log) -> None:
    own = Witness(running.url, running.key)
    ask(own, 5, 0, log)
    for n, seen in ((5, 5), (5, 0), (9, 5), (9, 0)):
        with pytest.raises(SplitViewError, match=r"REWRITTEN.* another tree of 5 entries"):
            ask(own, n, seen, log.rewritten_from(2))
    ask(own, 9, 5, log)


def test_a_log_that_the_witness_does_not_know_is_told_so(running: Running, log: Log) -> None:
    other = Log(origin="other.example", key=SigningKey.generate("other.example"))
    with pytest.raises(WitnessError, match=r"answers 404.*'other.example' is not known"):
        ask(Witness(running.url, running.key), 5, 0, other)
    forged = Log(origin=log.origin, key=SigningKey.generate(log.origin))
    with pytest.raises(WitnessError, match="answers 403"):
        ask(Witness(running.url, running.key), 5, 0, forged)


def test_a_cosignature_of_another_key_than_the_witnesss_is_none(running: Running, log: Log) -> None:
    with pytest.raises(WitnessError, match="worth nothing"):
        ask(Witness(running.url, KEY.verifier), 5, 0, log)


# With servers of other kinds


@contextmanager
def server(answer: Callable[[Submission], Answer]) -> Iterator[Witness]:
    """A witness that answers as it is told."""

    def give(handler: Handler) -> None:
        assert handler.path == "/prefix/add-checkpoint"
        status, headers, text = answer(rules.parse_submission(handler.body))
        handler.answer(status, text, **headers)

    with receiver(give) as there:
        yield Witness(f"http://{LOOPBACK}:{there.port}/prefix", KEY.verifier)


def signed(asked: Submission, key: SigningKey = KEY, at: int = 1_700_000_000) -> bytes:
    return _cosigned_text(asked.note.text, key, at)


def _cosigned_text(text: str, key: SigningKey = KEY, at: int = 1_700_000_000) -> bytes:
    return f"{note.cosign(key, text, at)}\n".encode()


def conflict(size: object) -> Answer:
    return 409, {"Content_Type": "text/x.tlog.size"}, f"{size}\n".encode()


def test_signatures_of_unknown_keys_in_the_answer_are_ignored() -> None:
    other = SigningKey.generate("other.example", COSIGNATURE_V1)
    with server(lambda asked: (200, {}, signed(asked, other) + signed(asked))) as own:
        assert ask(own, 5, 0).name == "witness.example"


@pytest.mark.parametrize(
    "lie",
    [
        lambda asked: b"",
        lambda asked: b"thank you\n",
        lambda asked: b"\xff\n",
        lambda asked: signed(asked)[:-1],
        lambda asked: signed(asked).replace(b"\n", b"\r\n"),
        lambda asked: signed(asked) + b"more\n",
        lambda asked: b"\n" + signed(asked),
        lambda asked: b"more\n\n" + signed(asked),
        lambda asked: b"more\n\n" + _cosigned_text(asked.note.text + "\nmore\n"),
        lambda asked: signed(asked) + signed(asked, at=1),
        lambda asked: signed(rules.submission_of(LOG.note(4), 0, ())),
        lambda asked: signed(asked, SigningKey.generate("witness.example", COSIGNATURE_V1)),
        lambda asked: (
            f"{Signature('witness.example', KEY.verifier.key_hash, bytes(72))}\n".encode()
        ),
        lambda asked: f"{LOG.note(5).signatures[0]}\n".encode(),
    ],
)
def test_an_answer_without_a_true_cosignature_is_worth_nothing(
    lie: Callable[[Submission], bytes],
) -> None:
    with server(lambda asked: (200, {}, lie(asked))) as own, pytest.raises(WitnessError):
        ask(own, 5, 0)


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 400, 401, 404, 410, 429, 500, 503])
def test_any_other_status_is_a_refusal_with_its_words_and_no_redirect_is_followed(
    status: int,
) -> None:
    calls = []

    def answer(asked: Submission) -> Answer:
        calls.append(asked)
        return (
            status,
            {"Location": "/prefix/add-checkpoint"},
            signed(asked) if status < 400 else b"no",
        )

    with server(answer) as own, pytest.raises(WitnessError, match=f"it answers {status}"):
        ask(own, 5, 0)
    assert len(calls) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (409, {"Content_Type": "text/plain"}, b"5\n"),
        (409, {}, b"5\n"),
        conflict("05"),
        conflict("-1"),
        conflict("five"),
        conflict(""),
        conflict("9" * 40),
        (409, {"Content_Type": "text/x.tlog.size"}, b"\xff"),
    ],
)
def test_a_conflict_that_names_no_size_is_a_refusal(answer: Answer) -> None:
    with server(lambda _: answer) as own, pytest.raises(WitnessError, match="names no size"):
        ask(own, 5, 1)


def test_a_conflict_is_followed_by_the_proof_from_the_size_that_it_names() -> None:
    asked: list[Submission] = []

    def answer(submission: Submission) -> Answer:
        asked.append(submission)
        return (200, {}, signed(submission)) if submission.old == 3 else conflict(3)

    with server(answer) as own:
        ask(own, 9, 0)
    assert [one.old for one in asked] == [0, 3]
    assert [one.proof for one in asked] == [(), LOG.prove(3, 9)]
    assert {one.note for one in asked} == {LOG.note(9)}


def test_a_witness_that_names_another_size_each_time_is_not_asked_for_ever() -> None:
    sizes = iter(range(1, 100))
    with (
        server(lambda _: conflict(next(sizes))) as own,
        pytest.raises(WitnessError, match="each time"),
    ):
        ask(own, 90, 0)
    assert next(sizes) == 4


def test_a_422_after_a_proof_that_is_right_means_that_it_has_seen_another_log() -> None:
    with server(lambda _: (422, {}, b"bad proof\n")) as own:
        with pytest.raises(SplitViewError):
            ask(own, 9, 5)
        with pytest.raises(WitnessError, match="it answers 422"):
            ask(own, 9, 0)


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    endless = server(lambda _: (200, {}, b"x" * 10_000_000))
    with endless as own, pytest.raises(WitnessError, match="too long"):
        ask(own, 5, 0)


def test_a_witness_that_does_not_answer_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is held until the call is over, which only the wait's own end can end."""
    monkeypatch.setattr(stamp, "WITHIN_S", 0.2)
    done = threading.Event()

    def answer(asked: Submission) -> Answer:
        assert done.wait(PATIENCE_S)
        return 200, {}, signed(asked)

    with server(answer) as own:
        try:
            with pytest.raises(WitnessError):
                ask(own, 5, 0)
        finally:
            done.set()


def test_a_witness_that_is_not_there_is_told() -> None:
    with pytest.raises(
        WitnessError, match=r"witness.example at http://127.0.0.1:1 did not countersign"
    ):
        ask(Witness("http://127.0.0.1:1", KEY.verifier), 5, 0)
    for url in ("http://", "http://127.0.0.1:99999", "http://[::", "http://a b"):
        with pytest.raises(WitnessError):
            ask(Witness(url, KEY.verifier), 5, 0)


def test_proxies_of_the_environment_are_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with server(lambda asked: (200, {}, signed(asked))) as own:
        ask(own, 5, 0)


def test_a_witness_has_a_web_address_and_a_witnesss_key() -> None:
    for url in ("", "witness.example", "file:///etc/passwd", "ftp://witness.example"):
        with pytest.raises(InputError):
            Witness(url, KEY.verifier)
    with pytest.raises(InputError, match="a log's key"):
        Witness("https://witness.example", LOG.key.verifier)


def test_what_is_no_checkpoint_is_sent_to_nobody() -> None:
    with pytest.raises(NoteError):
        fetch(Witness("http://127.0.0.1:1", KEY.verifier), b"x", lambda _: [], seen=0)
    text = bytes(note.sign_note("hello\n", LOG.key))
    with pytest.raises(CheckpointError):
        fetch(Witness("http://127.0.0.1:1", KEY.verifier), text, lambda _: [], seen=0)


def test_a_library_that_is_not_installed_is_named_with_the_way_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "h11", None)
    for module in ("client", "sender", "connection"):
        monkeypatch.delitem(sys.modules, f"incidents.outbound.{module}", raising=False)
    with pytest.raises(stamp.NoClientError, match=r"^h11 is not installed.*'incidents\[witness\]'"):
        ask(Witness("http://127.0.0.1:1", KEY.verifier), 5, 0)
