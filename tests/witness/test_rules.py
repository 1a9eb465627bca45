"""The rules: each sentence of C2SP tlog-witness that says what a witness answers."""

from http import HTTPStatus

import pytest

from incidents.tlog import note
from incidents.tlog.keys import COSIGNATURE_V1, SigningKey, VerifierKey
from incidents.tlog.note import Checkpoint, Note, Signature
from incidents.tlog.tree import EMPTY_ROOT
from incidents.witness import rules
from incidents.witness.rules import NOTHING, Logs, Seen
from tests.witness.rig import ORIGIN, Log

LOG = Log()
LOGS: Logs = {ORIGIN: [LOG.key.verifier]}


def seen(size: int) -> Seen:
    return Seen(size, LOG.root(size))


# Who is heard


def test_a_checkpoint_that_the_log_has_signed_is_heard() -> None:
    assert rules.check_signature(LOG.submission(0, 5), LOGS) is None


def test_an_unknown_origin_is_answered_404() -> None:
    other = Log(origin="other.example", key=SigningKey.generate("other.example"))
    assert _status(rules.check_signature(other.submission(0, 5), LOGS)) == HTTPStatus.NOT_FOUND


def test_a_known_origin_that_a_strange_key_has_signed_is_answered_403() -> None:
    for key in (SigningKey.generate(ORIGIN), SigningKey.generate("other.example")):
        assert (
            _status(rules.check_signature(Log(key=key).submission(0, 5), LOGS))
            == HTTPStatus.FORBIDDEN
        )


def test_a_wrong_signature_of_the_logs_key_is_answered_403() -> None:
    text = LOG.note(5).text
    wrong = Signature(ORIGIN, LOG.key.verifier.key_hash, bytes(64))
    asked = rules.submission_of(Note(text, (wrong,)), 0, ())
    assert _status(rules.check_signature(asked, LOGS)) == HTTPStatus.FORBIDDEN


def test_a_signature_of_another_checkpoint_is_answered_403() -> None:
    asked = rules.submission_of(Note(LOG.note(5).text, LOG.note(4).signatures), 0, ())
    assert _status(rules.check_signature(asked, LOGS)) == HTTPStatus.FORBIDDEN


def test_signatures_of_unknown_keys_are_ignored() -> None:
    stranger = Signature("stranger.example", b"abcd", bytes(64))
    own = LOG.note(5)
    for signatures in ((stranger, *own.signatures), (*own.signatures, stranger)):
        asked = rules.submission_of(Note(own.text, signatures), 0, ())
        assert rules.check_signature(asked, LOGS) is None
    only = rules.submission_of(Note(own.text, (stranger,)), 0, ())
    assert _status(rules.check_signature(only, LOGS)) == HTTPStatus.FORBIDDEN


def test_each_of_the_keys_that_a_log_has_is_trusted() -> None:
    new = SigningKey.generate(ORIGIN)
    both: Logs = {ORIGIN: [LOG.key.verifier, new.verifier]}
    assert rules.check_signature(Log(key=new).submission(0, 5), both) is None
    assert rules.check_signature(LOG.submission(0, 5), both) is None
    handover = note.sign_note(LOG.note(5).text, LOG.key, new)
    assert rules.check_signature(rules.submission_of(handover, 0, ()), both) is None


def test_the_key_of_one_log_signs_for_no_other() -> None:
    other = SigningKey.generate("other.example")
    logs: Logs = {ORIGIN: [LOG.key.verifier], "other.example": [other.verifier]}
    assert (
        _status(rules.check_signature(Log(key=other).submission(0, 5), logs))
        == HTTPStatus.FORBIDDEN
    )


def test_a_witnesss_own_key_under_the_logs_name_signs_for_no_log() -> None:
    key = SigningKey.generate(ORIGIN, COSIGNATURE_V1)
    same = VerifierKey(ORIGIN, LOG.key.verifier.algorithm, key.verifier.public)
    raw = Signature(ORIGIN, key.verifier.key_hash, key.sign(LOG.note(5).text.encode()))
    asked = rules.submission_of(Note(LOG.note(5).text, (raw,)), 0, ())
    assert _status(rules.check_signature(asked, {ORIGIN: [same]})) == HTTPStatus.FORBIDDEN


def test_an_old_size_over_the_new_one_is_answered_400() -> None:
    asked = rules.submission_of(LOG.note(5), 6, ())
    assert _status(rules.check_signature(asked, LOGS)) == HTTPStatus.BAD_REQUEST


def test_who_is_not_trusted_learns_nothing_of_sizes() -> None:
    asked = rules.submission_of(Log(key=SigningKey.generate(ORIGIN)).note(5), 6, ())
    refusal = rules.check_signature(asked, LOGS)
    assert _status(refusal) == HTTPStatus.FORBIDDEN
    assert refusal is not None
    assert refusal.seen is None


# What is consistent


@pytest.mark.parametrize("new", [0, 1, 2, 5, 8])
def test_the_first_checkpoint_is_countersigned_from_size_0_without_a_proof(new: int) -> None:
    assert rules.check_consistency(LOG.submission(0, new), NOTHING) is None


def test_every_larger_tree_with_its_proof_is_countersigned() -> None:
    for old in range(1, 17):
        for new in range(old, 18):
            assert rules.check_consistency(LOG.submission(old, new), seen(old)) is None


@pytest.mark.parametrize("old", [0, 1, 4, 6, 7])
def test_an_old_size_that_was_not_seen_last_is_answered_409_with_the_size_that_was(
    old: int,
) -> None:
    refusal = rules.check_consistency(LOG.submission(old, 7), seen(5))
    assert refusal is not None
    assert (refusal.status, refusal.seen) == (HTTPStatus.CONFLICT, 5)


def test_an_old_size_of_a_log_that_was_never_seen_is_answered_409_with_0() -> None:
    refusal = rules.check_consistency(LOG.submission(3, 7), NOTHING)
    assert refusal is not None
    assert (refusal.status, refusal.seen) == (HTTPStatus.CONFLICT, 0)


def test_a_stale_size_is_told_before_the_proof_is_looked_at() -> None:
    asked = rules.submission_of(LOG.note(7), 4, (bytes(32),) * 9)
    assert _status(rules.check_consistency(asked, seen(5))) == HTTPStatus.CONFLICT


def test_a_proof_from_size_0_must_be_empty_or_is_answered_422() -> None:
    asked = rules.submission_of(LOG.note(5), 0, (LOG.leaf(0),))
    assert _status(rules.check_consistency(asked, NOTHING)) == HTTPStatus.UNPROCESSABLE_ENTITY


def test_a_wrong_proof_is_answered_422() -> None:
    right = LOG.prove(5, 11)
    wrong = [
        (),
        right[:-1],
        (*right, bytes(32)),
        tuple(reversed(right)),
        (bytes(32), *right[1:]),
        LOG.prove(5, 12),
        LOG.prove(4, 11),
    ]
    for hashes in wrong:
        asked = rules.submission_of(LOG.note(11), 5, hashes)
        assert _status(rules.check_consistency(asked, seen(5))) == HTTPStatus.UNPROCESSABLE_ENTITY
    assert rules.check_consistency(rules.submission_of(LOG.note(11), 5, right), seen(5)) is None


def test_a_log_that_has_rewritten_what_was_seen_is_answered_422_whatever_it_proves() -> None:
    for start in range(5):
        rewritten = LOG.rewritten_from(start)
        for new in (6, 7, 11):
            asked = rewritten.submission(5, new)
            assert (
                _status(rules.check_consistency(asked, seen(5))) == HTTPStatus.UNPROCESSABLE_ENTITY
            )


def test_the_same_tree_again_is_countersigned_again() -> None:
    assert rules.check_consistency(LOG.submission(5, 5), seen(5)) is None


def test_the_same_size_with_another_root_is_answered_409() -> None:
    refusal = rules.check_consistency(LOG.rewritten_from(3).submission(5, 5), seen(5))
    assert refusal is not None
    assert (refusal.status, refusal.seen) == (HTTPStatus.CONFLICT, 5)
    assert "another root" in refusal.why


def test_the_same_tree_with_a_proof_is_answered_422() -> None:
    asked = rules.submission_of(LOG.note(5), 5, (LOG.root(5),))
    assert _status(rules.check_consistency(asked, seen(5))) == HTTPStatus.UNPROCESSABLE_ENTITY


def test_an_empty_tree_has_the_root_of_no_leaves_or_is_answered_409() -> None:
    empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert LOG.note(0).text == empty.text
    wrong = note.sign_note(Checkpoint(ORIGIN, 0, bytes(32)).text, LOG.key)
    refusal = rules.check_consistency(rules.submission_of(wrong, 0, ()), NOTHING)
    assert _status(refusal) == HTTPStatus.CONFLICT


def test_a_smaller_tree_is_never_countersigned() -> None:
    for old in range(1, 9):
        for new in range(old):
            for told in range(new + 1):
                asked = rules.submission_of(LOG.note(new), told, LOG.prove(told, new))
                assert _status(rules.check_consistency(asked, seen(old))) == HTTPStatus.CONFLICT


def _status(refusal: rules.Refusal | None) -> HTTPStatus | None:
    return None if refusal is None else refusal.status
