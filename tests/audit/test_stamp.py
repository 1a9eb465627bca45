"""The time stamp: a real authority, made of `openssl ts`, behind a real HTTP server."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from incidents import clock
from incidents.audit.log import stamp
from incidents.audit.log.stamp import (
    Authority,
    BadStampError,
    ExchangeError,
    NoClientError,
    StampError,
)
from incidents.errors import InputError
from incidents.tlog import note
from incidents.tlog.keys import SigningKey
from incidents.tlog.note import Checkpoint, CheckpointError, Note, NoteError, Signature
from tests.audit.tsa import Tsa, server
from tests.outbound.rig import LOOPBACK, always, receiver
from tests.outbound.rig import Authority as WebAuthority

KEY = SigningKey.generate("desk.example/log")
SIGNED = note.sign_note(Checkpoint("desk.example/log", 5, bytes(32)).text, KEY)
OTHER = bytes(note.sign_note(Checkpoint("desk.example/log", 6, bytes(32)).text, KEY))


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Tsa:
    return Tsa(tmp_path_factory.mktemp("stamps") / "tsa")


@pytest.fixture(scope="module")
def response(tsa: Tsa) -> bytes:
    with tsa.serving() as authority:
        return stamp.fetch(authority, bytes(SIGNED))


def test_a_checkpoint_is_stamped_and_openssl_verifies_it(tsa: Tsa, response: bytes) -> None:
    assert tsa.verifies(response, SIGNED.text)
    assert not tsa.verifies(response, SIGNED.text + "x")


def test_a_stamp_says_when_it_was_made(tsa: Tsa, response: bytes) -> None:
    found = stamp.verify_response(response, bytes(SIGNED), tsa.roots)
    assert abs(found.at - clock.now()) < timedelta(minutes=10)
    assert found.at.utcoffset() == timedelta(0)
    assert found.serial > 0


def test_cosignatures_that_come_later_take_nothing_from_a_stamp(tsa: Tsa, response: bytes) -> None:
    more = Note(SIGNED.text, (*SIGNED.signatures, Signature("w.example", b"abcd", bytes(72))))
    assert stamp.verify_response(response, bytes(more), tsa.roots).serial > 0


def test_each_request_has_a_number_of_its_own_and_asks_for_sha_256(tsa: Tsa) -> None:
    with tsa.serving() as authority:
        for _ in range(2):
            stamp.fetch(authority, bytes(SIGNED))
    one, other = tsa.asked[-2:]
    assert one != other
    assert bytes.fromhex("0609608648016503040201") in one


def test_the_stamp_of_another_checkpoint_is_refused(tsa: Tsa, response: bytes) -> None:
    with pytest.raises(BadStampError, match="Mismatch"):
        stamp.verify_response(response, OTHER, tsa.roots)


def test_a_stamp_of_an_authority_that_is_not_trusted_is_refused(
    tsa: Tsa, tmp_path: Path, response: bytes
) -> None:
    other = Tsa(tmp_path / "other")
    with pytest.raises(BadStampError):
        stamp.verify_response(response, bytes(SIGNED), other.roots)
    with (
        server(lambda asked: (200, other.reply(asked)), tsa.roots) as authority,
        pytest.raises(StampError),
    ):
        stamp.fetch(authority, bytes(SIGNED))


def test_a_stamp_that_answers_another_request_is_refused(tsa: Tsa, response: bytes) -> None:
    with (
        server(lambda _: (200, response), tsa.roots) as authority,
        pytest.raises(StampError, match="Nonce"),
    ):
        stamp.fetch(authority, bytes(SIGNED))


def test_a_changed_byte_of_a_stamp_is_found_or_changes_nothing_that_it_says(
    tsa: Tsa, response: bytes
) -> None:
    """CMS protects neither its version numbers nor the name of the signature's algorithm."""
    said = stamp.verify_response(response, bytes(SIGNED), tsa.roots)
    unprotected = 0
    for i in range(len(response)):
        changed = response[:i] + bytes([response[i] ^ 1]) + response[i + 1 :]
        try:
            assert stamp.verify_response(changed, bytes(SIGNED), tsa.roots) == said
        except BadStampError:
            continue
        unprotected += 1
    assert unprotected <= 12


def test_what_is_no_response_is_refused(tsa: Tsa, response: bytes) -> None:
    for wrong in (b"", response[:-1], response + b"\0", b"<html>", response[4:]):
        with pytest.raises(BadStampError):
            stamp.verify_response(wrong, bytes(SIGNED), tsa.roots)


def test_a_request_that_is_turned_down_is_told(tsa: Tsa) -> None:
    # PKIStatusInfo of status 2, rejection, without a token.
    rejection = bytes.fromhex("30053003020102")
    with (
        server(lambda _: (200, rejection), tsa.roots) as authority,
        pytest.raises(StampError, match="not GRANTED"),
    ):
        stamp.fetch(authority, bytes(SIGNED))


@pytest.mark.parametrize("status", [204, 302, 400, 403, 404, 500, 503])
def test_any_other_status_is_no_stamp(tsa: Tsa, response: bytes, status: int) -> None:
    with (
        server(lambda _: (status, b"" if status == 204 else response), tsa.roots) as authority,
        pytest.raises(StampError, match=f"it answers {status}"),
    ):
        stamp.fetch(authority, bytes(SIGNED))


def test_an_answer_without_end_is_not_read_to_its_end(tsa: Tsa) -> None:
    with (
        server(lambda _: (200, bytes(10_000_000)), tsa.roots) as authority,
        pytest.raises(StampError, match="too long"),
    ):
        stamp.fetch(authority, bytes(SIGNED))


def test_an_authority_that_is_not_there_is_told(tsa: Tsa) -> None:
    for url in ("http://127.0.0.1:1", "http://", "http://[::"):
        with pytest.raises(StampError):
            stamp.fetch(Authority(url, tsa.roots), bytes(SIGNED))


def test_an_authority_has_a_web_address_and_roots(tsa: Tsa) -> None:
    for url in ("", "ftp://stamps.example", "/etc/passwd"):
        with pytest.raises(InputError, match="https://"):
            Authority(url, tsa.roots)
    for roots in (b"", b"no certificate"):
        with pytest.raises(InputError, match="no certificate"):
            Authority("https://stamps.example", roots)


def test_what_is_no_checkpoint_is_not_stamped(tsa: Tsa) -> None:
    authority = Authority("http://127.0.0.1:1", tsa.roots)
    with pytest.raises(NoteError):
        stamp.fetch(authority, b"hello\n")
    with pytest.raises(CheckpointError):
        stamp.fetch(authority, bytes(note.sign_note("hello\n", KEY)))


def test_a_library_that_is_not_installed_is_named_with_the_way_to_it(
    tsa: Tsa, response: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(NoClientError, match=r"^rfc3161_client is not installed"):
        stamp.fetch(Authority("http://127.0.0.1:1", tsa.roots), bytes(SIGNED))
    with pytest.raises(NoClientError, match=r"^rfc3161_client is not installed"):
        stamp.verify_response(response, bytes(SIGNED), tsa.roots)


def test_https_is_believed_by_an_authority_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = WebAuthority(tmp_path)
    with receiver(always(204), tls=authority.server(LOOPBACK)) as there:
        with (
            stamp.client_of(there.url) as client,
            pytest.raises(ExchangeError, match="certificate"),
        ):
            stamp.post(client, there.url, b"", {})
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        with stamp.client_of(there.url) as client:
            assert stamp.post(client, there.url, b"", {}).status == 204
