"""The record: a duty that numbers, signs, publishes and has witnessed, each without the others."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text

from incidents import clock
from incidents.app import App
from incidents.audit.log import sequencer, signed_files, signers_lock, signing
from incidents.audit.log import (
    witnesses as witnessing,
)
from incidents.audit.log.signing_key import KeyRing
from incidents.daemon.record import Record, WitnessRequests, once
from incidents.desk import Envelope
from incidents.machine import commands
from incidents.store.database.engine import reading, writing
from incidents.store.log import checkpoints, leaves
from incidents.store.log.checkpoints import FAILED, REFUSED, STAYS, SigningState
from incidents.testing import rehearsal
from incidents.tlog import note
from incidents.tlog.keys import COSIGNATURE_V1, SigningKey
from tests.acceptance.daemons import daemon
from tests.conftest import WriteSettings
from tests.daemon.conftest import Said
from tests.log_key import NAME, make_key
from tests.patience import until

START = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def config(tmp_path: Path, write_settings: WriteSettings) -> Path:
    """The settings file: the log is published in a folder of this test."""
    return write_settings(f'[audit]\nkey = "{tmp_path}/audit.key"\npublish = "{tmp_path}/public"\n')


def add(app: App, *sites: str) -> None:
    add = commands.AddSite(by="operator-1")
    app.desk.submit([Envelope(site=site, command=add) for site in sites])


def sizes(app: App) -> tuple[int, int]:
    """How many entries are numbered, and how many signed."""
    with reading(app.engine) as connection:
        last = checkpoints.last(connection)
        return leaves.head(connection).size, 0 if last is None else last.size


class Monotonic:
    """Real time, as a test tells it."""

    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


def test_a_round_numbers_signs_and_publishes(app: App, tmp_path: Path) -> None:
    make_key(app, tmp_path / "audit.key")
    add(app, "one.example", "two.example")

    Record(app).run()

    assert sizes(app) == (3, 3)
    assert (tmp_path / "public" / "checkpoint").read_text().startswith(f"{NAME}\n3\n")


def test_without_a_key_all_is_numbered_and_it_is_said_once(app: App, said: Said) -> None:
    monotonic = Monotonic()
    record = Record(app, monotonic=monotonic)
    for n in range(3):
        add(app, f"site-{n}.example")
        record.run()
        monotonic.s += 1

    assert sizes(app) == (3, 0)
    [line] = said()
    assert line["event"] == "the log is numbered but not signed here"
    assert "audit key new" in line["reason"]


def test_a_key_that_comes_later_is_used_and_it_is_said(
    app: App, tmp_path: Path, said: Said
) -> None:
    monotonic = Monotonic()
    record = Record(app, monotonic=monotonic)
    record.run()
    make_key(app, tmp_path / "audit.key")
    monotonic.s += 1
    record.run()

    assert sizes(app) == (1, 1)
    assert said()[-1]["event"] == "the log is signed here"


def test_what_cannot_be_signed_is_numbered_all_the_same_and_told_once(
    app: App, tmp_path: Path, said: Said
) -> None:
    make_key(app, tmp_path / "audit.key")
    (tmp_path / "audit.key").chmod(0o644)
    monotonic = Monotonic()
    record = Record(app, monotonic=monotonic)
    for n in range(4):
        add(app, f"site-{n}.example")
        record.run()
        monotonic.s += 60

    assert sizes(app) == (5, 0)
    [line] = said()
    assert line["event"] == "the log is not signed"
    assert "chmod 600" in line["reason"]
    (tmp_path / "audit.key").chmod(0o600)
    record.run()
    assert sizes(app) == (5, 5)
    assert said()[-1]["event"] == "no longer: the log is not signed"


def test_what_cannot_be_published_is_signed_all_the_same(
    app: App, tmp_path: Path, said: Said
) -> None:
    make_key(app, tmp_path / "audit.key")
    (tmp_path / "public").write_text("no folder")

    Record(app).run()

    assert sizes(app) == (1, 1)
    assert said()[-1]["event"] == "the log is not published"


def test_a_round_that_fails_waits_longer_each_time_and_is_told_once(
    app: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    tried: list[float] = []
    monotonic = Monotonic()

    def fail(*_: object) -> int:
        tried.append(monotonic.s)
        raise RuntimeError("what it says may hold somebody's data")

    monkeypatch.setattr(sequencer, "number_all", fail)
    record = Record(app, monotonic=monotonic)
    for _ in range(400):
        record.run()
        monotonic.s += 0.25

    waits = [later - earlier for earlier, later in pairwise(tried)]
    assert 4 <= len(tried) < 20
    assert max(waits) > 8
    [line] = said()
    assert line["event"] == "the entries are not numbered"
    assert line["reason"] == "a fault in this program: RuntimeError"


def test_nothing_is_begun_once_it_is_stopped(app: App) -> None:
    add(app, "one.example")

    Record(app, stopped=lambda: True).run()

    assert sizes(app) == (0, 0)


def test_each_hour_it_looks_for_entries_that_were_passed_over(app: App, said: Said) -> None:
    monotonic = Monotonic()
    record = Record(app, say=lambda *_, **__: None, monotonic=monotonic)
    record.run()
    add(app, "one.example")
    with writing(app.engine) as connection:
        connection.execute(text("UPDATE log_head SET floor = 1000"))
    monotonic.s += 3_599
    record.run()
    assert sizes(app) == (0, 0)
    monotonic.s += 1
    record.run()

    assert sizes(app) == (1, 0)
    [line] = said()
    assert (line["event"], line["count"], line["level"]) == (
        "found and numbered entries without a number", 1, "error",
    )  # fmt: skip


def test_once_says_nothing_where_there_is_no_key(app: App, said: Said) -> None:
    add(app, "one.example")

    once(app)

    assert sizes(app) == (1, 0)
    assert said() == []


def test_once_signs_what_is_new_though_the_last_checkpoint_was_a_moment_ago(
    app: App, tmp_path: Path
) -> None:
    make_key(app, tmp_path / "audit.key")
    with rehearsal(START):
        once(app)
        add(app, "one.example")
        once(app)

    assert sizes(app) == (2, 2)


def test_while_somebody_else_holds_the_lock_entries_are_numbered_and_then_it_is_told(
    app: App, tmp_path: Path, said: Said
) -> None:
    monotonic = Monotonic()
    record = Record(app, monotonic=monotonic)
    with rehearsal(START) as time:
        make_key(app, tmp_path / "audit.key")
        with signers_lock.held(tmp_path / "audit.key"):
            for n in range(6):
                add(app, f"site-{n}.example")
                record.run()
                assert sizes(app) == (n + 2, 0)
                lines = said()
                assert len(lines) == (1 if n == 5 else 0)
                monotonic.s += 1
            assert f"process {os.getpid()} on " in lines[0]["reason"]
            assert signs(app) == (None, None)
            time.later(seconds=61)
            monotonic.s += 60
            record.run()
            assert signs(app).how == FAILED
        monotonic.s += 60
        record.run()

    assert sizes(app) == (7, 7)
    assert signs(app) == (STAYS, None)


def test_who_holds_the_lock_later_is_waited_for_as_long(
    app: App, tmp_path: Path, said: Said
) -> None:
    record = Record(app, monotonic=(monotonic := Monotonic()))
    with rehearsal(START) as time:
        make_key(app, tmp_path / "audit.key")
        for n in range(3):
            add(app, f"site-{n}.example")
            with signers_lock.held(tmp_path / "audit.key"):
                record.run()
            record.run()
            assert sizes(app) == (n + 2, n + 2)
            assert said() == []
            monotonic.s += 4
            time.later(seconds=4)


def test_a_signing_that_is_refused_is_kept_until_one_is_not(
    app: App, tmp_path: Path, said: Said
) -> None:
    make_key(app, tmp_path / "audit.key")
    once(app)
    assert signs(app) == (None, None)
    add(app, "one.example")
    [file] = tmp_path.glob("audit.key.signed-*")
    signed = file.read_text()
    file.write_text(signed.replace(NAME, "other.example"))

    once(app)

    assert signs(app).how == REFUSED
    file.write_text(signed)
    once(app)
    assert signs(app) == (None, None)


def test_on_a_quiet_desk_a_signer_looks_now_and_then_whether_what_it_signed_is_there(
    app: App, tmp_path: Path, said: Said
) -> None:
    make_key(app, tmp_path / "audit.key")
    record = Record(app, monotonic=(monotonic := Monotonic()))
    with rehearsal(START) as time:
        record.run()
        [file] = tmp_path.glob("audit.key.signed-*")
        signed = file.read_text()
        record.run()
        file.write_text(signed.replace(f"{NAME}\n1\n", f"{NAME}\n9\n"))
        time.later(seconds=30)
        monotonic.s += 30

        record.run()

        assert signs(app) == (REFUSED, clock.now())
        [line] = said()
        assert line["event"] == "the log is not signed"
        assert "9 entries were signed, but the log has 1" in line["reason"]
        file.write_text(signed)
        monotonic.s += 30
        record.run()
    assert signs(app) == (STAYS, None)
    assert said()[-1]["event"] == "no longer: the log is not signed"


def test_a_quiet_machine_where_the_log_is_not_signed_has_nothing_to_look_for(
    app: App, other: KeyRing, tmp_path: Path, said: Said
) -> None:
    [file] = tmp_path.glob("audit.key.signed-*")
    file.write_text(file.read_text().replace(f"{NAME}\n1\n", f"{NAME}\n9\n"))
    with rehearsal(START):
        once(app)

    assert (signs(app), said()) == ((STAYS, None), [])


# ── where another one signs ──────────────────────────────────────────────────────────────────────


@pytest.fixture
def other(app: App, tmp_path: Path) -> KeyRing:
    """What signs, as a daemon that stays; this machine has a copy of its folder."""
    found = KeyRing(tmp_path / "other" / "audit.key")
    found.file.parent.mkdir()
    make_key(app, found.file)
    with rehearsal(START):
        sign_by(app, found)
    shutil.copytree(found.file.parent, tmp_path, dirs_exist_ok=True)
    return found


def sign_by(app: App, ring: KeyRing) -> None:
    sequencer.number_all(app.engine)
    assert signing.sign(app.engine, ring, clock.now(), at_once=True, is_daemon=True).made


def test_a_machine_with_a_copy_of_the_key_fails_when_nobody_signs_for_a_minute(
    app: App, other: KeyRing, said: Said
) -> None:
    with rehearsal(START) as time:
        time.later(hours=2)
        once(app)
        add(app, "one.example")
        time.later(seconds=60)
        once(app)
        assert (signs(app), said()) == ((STAYS, None), [])

        time.later(seconds=1)
        once(app)

        assert signs(app) == (FAILED, clock.now())
        [line] = said()
        assert line["event"] == "the log is not signed"
        assert "incidents recover --sign-here --reason R" in line["reason"]
        sign_by(app, other)
        assert signs(app) == (STAYS, None)


def test_one_without_the_key_stays_quiet(
    app: App, other: KeyRing, tmp_path: Path, said: Said
) -> None:
    (tmp_path / "audit.key").unlink()
    with rehearsal(START) as time:
        add(app, "one.example")
        time.later(hours=1)

        once(app)

    assert (signs(app), said()) == ((STAYS, None), [])


def test_unless_it_knows_that_something_signed_is_missing(
    app: App, other: KeyRing, tmp_path: Path, said: Said
) -> None:
    (tmp_path / "audit.key").unlink()
    key = SigningKey.generate(NAME)
    signed = str(note.sign_note(f"{NAME}\n9\n{'A' * 43}=\n", key))
    signed_files.save(tmp_path / "audit.key", signed, [key.verifier])
    with rehearsal(START) as time:
        add(app, "one.example")
        once(app)
        assert (signs(app), said()) == ((STAYS, None), [])
        time.later(seconds=61)

        once(app)

        assert signs(app) == (REFUSED, clock.now())
    [line] = said()
    assert "9 entries were signed, but the log has 2" in line["reason"]


def test_a_key_that_cannot_be_read_is_no_trouble_while_another_machine_signs(
    app: App, other: KeyRing, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "audit.key").chmod(0o644)
    kept = calls(monkeypatch, checkpoints, "record_signing_failure", "record_signing_recovery")
    monotonic = Monotonic()
    record = Record(app, monotonic=monotonic)
    with rehearsal(START) as time:
        for n in range(4):
            time.later(seconds=30)
            monotonic.s += 30
            add(app, f"site-{n}.example")
            record.run()
            sign_by(app, other)
            record.run()

    assert kept == []
    assert [line["event"] for line in said()] == ["the log is numbered but not signed here"]


def test_nor_while_another_one_signs_in_the_same_place(
    app: App, other: KeyRing, config: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(f'[audit]\nkey = "{other.file}"\n')
    kept = calls(monkeypatch, checkpoints, "record_signing_failure", "record_signing_recovery")
    record = Record(app, monotonic=(monotonic := Monotonic()))
    with rehearsal(START) as time:
        for n in range(4):
            time.later(seconds=30)
            monotonic.s += 30
            add(app, f"site-{n}.example")
            other.file.chmod(0o644)
            record.run()
            other.file.chmod(0o600)
            sign_by(app, other)

    assert kept == []
    assert [line["event"] for line in said()] == ["the log is not signed"]


def test_trouble_is_written_once_and_not_over_a_refusal(
    app: App, other: KeyRing, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(f'[audit]\nkey = "{other.file}"\n')
    other.file.chmod(0o644)
    kept = calls(monkeypatch, checkpoints, "record_signing_failure")
    record = Record(app, monotonic=(monotonic := Monotonic()))
    with rehearsal(START) as time:
        add(app, "one.example")
        for _ in range(3):
            time.later(seconds=61)
            monotonic.s += 61
            record.run()
        assert (kept, signs(app).how) == (["record_signing_failure"], FAILED)
        with writing(app.engine) as connection:
            checkpoints.record_signing_failure(connection, REFUSED, clock.now())
        time.later(seconds=61)
        monotonic.s += 61
        record.run()

    assert signs(app).how == REFUSED


def test_a_failure_that_is_kept_a_moment_too_late_ends_though_nothing_is_to_be_signed(
    app: App, other: KeyRing, config: Path
) -> None:
    config.write_text(f'[audit]\nkey = "{other.file}"\n')
    record = Record(app, monotonic=(monotonic := Monotonic()))
    with rehearsal(START) as time:
        add(app, "one.example")
        other.file.chmod(0o644)
        time.later(seconds=61)
        record.run()
        assert signs(app).how == FAILED
        other.file.chmod(0o600)
        sign_by(app, other)
        with writing(app.engine) as connection:
            checkpoints.record_signing_failure(connection, FAILED, clock.now())

        monotonic.s += 61
        record.run()

    assert signs(app) == (STAYS, None)


def calls(monkeypatch: pytest.MonkeyPatch, module: ModuleType, *names: str) -> list[str]:
    """Which of these were called, from now on."""
    found: list[str] = []
    for name in names:
        real = getattr(module, name)

        def call(*given: object, name: str = name, real: Any = real, **options: object) -> object:
            found.append(name)
            return real(*given, **options)

        monkeypatch.setattr(module, name, call)
    return found


def signs(app: App) -> SigningState:
    with reading(app.engine) as connection:
        return checkpoints.signing_state(connection)


# ── witnesses ────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def a_witness(key: SigningKey, status: Callable[[], int] = lambda: 200) -> Iterator[str]:
    """A real server that countersigns whatever it is sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            signed = note.parse(body[body.index("\n\n") + 2 :])
            answer = f"{note.cosign(key, signed.text, int(time.time()))}\n".encode()
            self.send_response(status())
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def name_witnesses(config: Path, *witnesses: tuple[str, SigningKey]) -> None:
    listed = ", ".join(f'{{ url = "{url}", key = "{key.verifier}" }}' for url, key in witnesses)
    config.write_text(f"{config.read_text()}witnesses = [{listed}]\n")


def test_what_a_witness_has_signed_is_kept_and_published(
    app: App, config: Path, tmp_path: Path
) -> None:
    key = SigningKey.generate("witness.example", COSIGNATURE_V1)
    make_key(app, tmp_path / "audit.key")
    with a_witness(key) as url:
        name_witnesses(config, (url, key))
        once(app)

    published = note.parse((tmp_path / "public" / "checkpoint").read_text())
    assert note.verified_keys(published, [key.verifier]) == [key.verifier]
    with reading(app.engine) as connection:
        last = checkpoints.last_cosigned(connection, str(key.verifier))
    assert last is not None
    assert last[0].size == 1


def test_a_witness_that_is_away_holds_up_neither_the_log_nor_another_witness(
    app: App, config: Path, tmp_path: Path
) -> None:
    away, there = (SigningKey.generate(f"{n}.example", COSIGNATURE_V1) for n in ("a", "b"))
    make_key(app, tmp_path / "audit.key")
    stop = Event()
    with a_witness(there) as url:
        name_witnesses(config, ("http://127.0.0.1:9", away), (url, there))
        record = Record(app)
        record.run()
        assert sizes(app) == (1, 1)
        WitnessRequests(app, record, stop).start()
        until(lambda: _witnessed(app) == [str(there.verifier)], "the other has signed")
        stop.set()


def test_a_witness_is_asked_again_only_for_what_is_new(
    app: App, config: Path, tmp_path: Path
) -> None:
    key = SigningKey.generate("witness.example", COSIGNATURE_V1)
    make_key(app, tmp_path / "audit.key")
    with a_witness(key) as url:
        name_witnesses(config, (url, key))
        record = Record(app)
        [witness] = record.settings.witnesses
        assert witnessing.cosign_last(app.engine, witness) is None
        record.run()
        assert witnessing.cosign_last(app.engine, witness)
        assert witnessing.cosign_last(app.engine, witness) is None


def _witnessed(app: App) -> list[str]:
    with reading(app.engine) as connection:
        return checkpoints.witnesses(connection)


# ── a real daemon ────────────────────────────────────────────────────────────────────────────────


def test_a_real_daemon_signs_what_the_desk_writes(app: App, db_url: str, tmp_path: Path) -> None:
    make_key(app, tmp_path / "audit.key")
    with daemon(db_url, tmp_path) as running:
        until(lambda: sizes(app)[1] == 1, "what was there is signed")
        add(app, "one.example")
        until(lambda: sizes(app)[1] == 2, "what is new is signed")
        assert running.stop() == 0, running.text()
