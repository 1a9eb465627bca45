"""The mailbox that a daemon takes in: nothing is lost, nothing comes in twice, no flag matters."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from incidents.app import App
from incidents.daemon import part, settings_check
from incidents.daemon.inbox import imap_duty
from incidents.daemon.inbox.imap_duty import ImapIntake
from incidents.errors import DatabaseError
from incidents.inbox import imap, mailbox_errors
from incidents.inbox.imap import Mailbox
from incidents.inbox.mailbox_errors import ImapLibraryError, MailboxError, MailServerError
from incidents.record import evidence
from incidents.store.inbox import reports as store
from incidents.store.schema.report_tables import reports
from tests.acceptance.daemons import daemon, environment
from tests.conftest import WriteSettings
from tests.daemon.conftest import Said
from tests.dovecot import Dovecot, dovecot
from tests.patience import PATIENCE_S, until

MAIL = b"From: a@user.example\r\nSubject: phishing %d\r\n\r\nhttp://shop.example/%d\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture(autouse=True)
def _evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCIDENTS_EVIDENCE", str(tmp_path / "evidence"))


@pytest.fixture
def mailbox(server: Dovecot, write_settings: WriteSettings) -> Dovecot:
    """The mailbox of the settings, which is empty."""
    server.empty()
    write_settings(server.settings())
    return server


@pytest.fixture
def intake(app: App) -> Iterator[ImapIntake]:
    found = ImapIntake(app)
    yield found
    found.close()


def mail(n: int) -> bytes:
    return MAIL % (n, n)


def kept(app: App) -> list[tuple[int, str]]:
    with app.reading() as connection:
        rows = connection.execute(select(reports.c.id, reports.c.channel).order_by(reports.c.id))
        return [(row.id, row.channel) for row in rows]


def are_kept(app: App, count: int) -> bool:
    return len(kept(app)) == count


def is_so_many(found: list[str], count: int) -> bool:
    return len(found) == count


def received(intake: ImapIntake, app: App, count: int) -> bool:
    """Whether so many mails are on record, after one more attempt."""
    with suppress(MailboxError):
        intake.receive()
    return len(kept(app)) == count


def never() -> bool:
    return False


@contextmanager
def running(app: App) -> Iterator[None]:
    """The duty in a thread of its own, called again and again as the scheduler does."""
    stop = threading.Event()
    intake = ImapIntake(app, stopped=stop.is_set)

    def work() -> None:
        while not stop.wait(0.02):
            intake.run()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@pytest.mark.both_databases
def test_each_mail_is_received_whatever_its_flags_and_moves_with_them(
    app: App, mailbox: Dovecot, intake: ImapIntake, said: Said
) -> None:
    mailbox.deliver(mail(1))
    mailbox.deliver(mail(2), flags=[rb"\Seen", rb"\Flagged"])
    mailbox.deliver(mail(3), flags=[rb"\Deleted"])

    intake.receive()

    assert kept(app) == [(1, "imap"), (2, "imap"), (3, "imap")]
    assert mailbox.mails() == []
    assert mailbox.mails("Taken") == [
        (mail(1), []), (mail(2), ["\\Flagged", "\\Seen"]), (mail(3), ["\\Deleted"]),
    ]  # fmt: skip
    assert [(line["event"], line["count"]) for line in said()] == [("reports were received", 3)]
    intake.receive()
    assert len(kept(app)) == 3


def test_the_bytes_are_kept_as_the_server_has_them(
    app: App, mailbox: Dovecot, intake: ImapIntake, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    monkeypatch.setattr(imap, "PIECE", 1_000)
    whole = mail(1) + bytes(range(1, 256)) * 20
    mailbox.deliver(whole)

    intake.receive()

    with app.reading() as connection:
        found = connection.execute(select(reports)).one()
    file = evidence.kept(app.settings.evidence, found.digest)
    assert file is not None
    [(served, _)] = mailbox.mails("Taken")
    assert file.read_bytes() == served
    assert found.size == len(served) > 4 * imap.PIECE


@pytest.mark.parametrize("size", [0, 1], ids=["of whole pieces", "with a rest"])
def test_a_mail_is_fetched_piece_by_piece_and_never_whole_in_memory(
    mailbox: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(imap, "PIECE", 10_000)
    whole = b"Subject: long\r\n\r\n" + b"x" * (70_000 - 17 + size)
    mailbox.deliver(whole)
    account = imap.account()
    assert account is not None
    box = Mailbox(account)
    pieces: list[int] = []
    with (tmp_path / "mail").open("wb") as file:
        write = file.write

        class Watched:
            def write(self, piece: bytes) -> None:
                pieces.append(len(piece))
                write(piece)

        [uid] = box.first(box.select())
        is_whole = box.fetch(uid, Watched(), never)  # type: ignore[arg-type]  # it is only written
    box.close()

    assert is_whole
    assert (tmp_path / "mail").read_bytes() == whole
    assert max(pieces) == 10_000


def test_a_mail_that_is_on_record_but_was_not_moved_is_not_received_twice(
    app: App, mailbox: Dovecot, intake: ImapIntake, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    mailbox.deliver(mail(1))

    def fail(*_: object) -> None:
        raise MailServerError(host="imap.example", detail="OVERQUOTA")

    with monkeypatch.context() as patch:
        patch.setattr(Mailbox, "take", fail)
        intake.run()
    assert len(kept(app)) == len(mailbox.mails()) == 1
    assert "refused a command (OVERQUOTA)" in said()[0]["reason"]

    intake.receive()

    assert len(kept(app)) == len(mailbox.mails("Taken")) == 1


def test_a_daemon_killed_between_the_record_and_the_move_leaves_one_report(
    app: App, mailbox: Dovecot, db_url: str, tmp_path: Path
) -> None:
    mailbox.deliver(mail(1))
    killed = (
        "import os, signal\n"
        "from incidents.inbox.imap import Mailbox\n"
        "Mailbox.take = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from incidents.cli import main\n"
        'main(["daemon"])\n'
    )
    env = environment(db_url, {"INCIDENTS_DAEMON_PROCESSES": "one"})
    with (tmp_path / "killed.log").open("wb") as log:
        done = subprocess.run(
            [sys.executable, "-c", killed], env=env, stdout=log, stderr=log, timeout=PATIENCE_S,
            check=False,
        )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, (tmp_path / "killed.log").read_text()
    assert len(kept(app)) == len(mailbox.mails()) == 1

    with daemon(db_url, tmp_path, env={"INCIDENTS_DAEMON_PROCESSES": "one"}) as again:
        until(lambda: mailbox.mails("Taken") and not mailbox.mails(), "the mail is moved")
        assert again.stop() == 0

    assert kept(app) == [(1, "imap")]


def test_a_mail_stays_until_it_is_on_record(
    app: App, mailbox: Dovecot, intake: ImapIntake, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    mailbox.deliver(mail(1))

    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("the disk fails")

    with monkeypatch.context() as patch:
        patch.setattr("incidents.desk.inbox.receiving.receive", fail)
        intake.run()
    assert [line["event"] for line in said()] == ["reports are not received by IMAP"]
    assert (len(kept(app)), len(mailbox.mails())) == (0, 1)

    intake.receive()

    assert kept(app) == [(1, "imap")]


def test_a_mail_that_arrives_during_idle_is_on_record_without_polling(
    app: App, mailbox: Dovecot, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    waits: list[str] = []
    wait = Mailbox.wait

    def noted(self: Mailbox, stopped: Callable[[], bool]) -> None:
        waits.append("begun")
        wait(self, stopped)
        waits.append("over")

    monkeypatch.setattr(Mailbox, "wait", noted)
    with running(app):
        for n in range(1, 4):
            until(partial(is_so_many, waits, 2 * n - 1), "it waits")
            mailbox.deliver(mail(n))
            until(partial(are_kept, app, n), "the mail is on record")
        until(partial(is_so_many, waits, 7), "it waits again")

    assert len(mailbox.mails("Taken")) == 3


def test_a_mail_that_arrives_just_before_idle_ends_the_wait(mailbox: Dovecot) -> None:
    account = imap.account()
    assert account is not None
    box = Mailbox(account)
    looks = 0

    def looked() -> bool:
        nonlocal looks
        looks += 1
        return looks > 100

    for n in range(5):
        assert box.select() == n
        mailbox.deliver(mail(n))
        box.wait(looked)
        assert box.select() == n + 1
    box.close()

    assert looks < 100


def test_idle_is_begun_again_long_before_a_server_would_end_it(
    mailbox: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert imap.IDLE_S < 29 * 60
    monkeypatch.setattr(imap, "IDLE_S", 0.01)
    account = imap.account()
    assert account is not None
    box = Mailbox(account)
    for n in range(3):
        assert box.select() == n
        box.wait(never)
        mailbox.deliver(mail(n))
    box.close()


def test_a_server_that_is_stopped_and_started_again_is_found_again(
    app: App, mailbox: Dovecot, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "FIRST_S", 0.01)
    with running(app):
        mailbox.deliver(mail(1))
        until(lambda: len(kept(app)) == 1, "the first mail is on record")
        mailbox.stop()
        lines: list[dict[str, Any]] = []

        def are_said(count: int) -> bool:
            lines.extend(said())
            return len(lines) >= count

        until(partial(are_said, 2), "the daemon says that it is gone")
        mailbox.start()
        mailbox.deliver(mail(2))
        until(lambda: len(kept(app)) == 2, "the second mail is on record")

        def is_said_to_be_back() -> bool:
            lines.extend(said())
            return any(line["event"].startswith("no longer") for line in lines)

        until(is_said_to_be_back, "and that it is back")

    assert "127.0.0.1" in lines[1]["reason"]
    assert {line["event"] for line in lines} == {
        "reports were received", "reports are not received by IMAP",
        "no longer: reports are not received by IMAP",
    }  # fmt: skip


def test_a_server_without_idle_and_move_is_polled(
    app: App, write_settings: WriteSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "POLL_S", 0.1)
    opened: list[Mailbox] = []

    def noted(*given: Any) -> Mailbox:
        opened.append(Mailbox(*given))
        return opened[-1]

    monkeypatch.setattr(imap_duty, "Mailbox", noted)
    with dovecot(without=("IDLE", "MOVE")) as bare:
        write_settings(bare.settings())
        with running(app):
            for n in (1, 2):
                bare.deliver(mail(n), flags=[rb"\Seen"])
                until(partial(are_kept, app, n), "the mail is on record")
            until(lambda: not bare.mails(), "all are moved")
        assert bare.mails("Taken") == [(mail(1), ["\\Seen"]), (mail(2), ["\\Seen"])]
    assert len(opened) == 1


def test_a_server_that_cannot_move_at_all_is_refused_before_a_mail_is_read(
    app: App, write_settings: WriteSettings, said: Said
) -> None:
    with dovecot(without=("MOVE", "UIDPLUS")) as bare:
        write_settings(bare.settings())
        bare.deliver(mail(1))
        ImapIntake(app).run()
    assert "neither MOVE nor UIDPLUS" in said()[0]["reason"]
    assert kept(app) == []


def test_a_mail_that_somebody_else_deletes_is_left_out(mailbox: Dovecot, tmp_path: Path) -> None:
    mailbox.deliver(mail(1), mail(2))
    account = imap.account()
    assert account is not None
    box = Mailbox(account)
    one, other = box.first(box.select())
    with mailbox.client("INBOX") as client:
        client.delete_messages([one])
        client.expunge()
    with (tmp_path / "mail").open("wb") as file:
        assert not box.fetch(one, file, never)
        assert box.fetch(other, file, never)
    box.take([one, other])
    box.close()
    assert [raw for raw, _ in mailbox.mails("Taken")] == [mail(2)]


def test_a_mail_that_is_deleted_between_two_pieces_is_left_out(
    mailbox: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "PIECE", 10)
    mailbox.deliver(mail(1))
    account = imap.account()
    assert account is not None
    box = Mailbox(account)
    [uid] = box.first(box.select())
    looks = 0

    def delete_meanwhile() -> bool:
        nonlocal looks
        looks += 1
        if looks == 3:
            with mailbox.client("INBOX") as client:
                client.delete_messages([uid])
                client.expunge()
        return False

    with (tmp_path / "mail").open("wb") as file:
        assert not box.fetch(uid, file, delete_meanwhile)
    box.close()


@pytest.mark.parametrize("deleted", [True, False])
def test_a_mail_that_ends_too_early_is_whole_unless_it_is_being_deleted(
    mailbox: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deleted: bool
) -> None:
    mailbox.deliver(mail(1))
    account = imap.account()
    assert account is not None
    box = Mailbox(account)
    [uid] = box.first(box.select())
    if deleted:
        with mailbox.client("INBOX") as client:
            client.delete_messages([uid])
            client.expunge()
    # Other servers than this one answer so.
    monkeypatch.setattr(Mailbox, "_piece", lambda *_: (b"Subject", 100))
    with (tmp_path / "mail").open("wb") as file:
        assert box.fetch(uid, file, never) is not deleted
    box.close()


def test_a_folder_that_is_made_anew_counts_its_mails_from_one_again(
    app: App, mailbox: Dovecot, intake: ImapIntake, write_settings: WriteSettings, said: Said
) -> None:
    write_settings(mailbox.settings(folder="Abuse"))
    for n in (1, 2):
        with mailbox.client() as client:
            client.create_folder("Abuse")
            assert client.folder_status("Abuse", ["UIDNEXT"]) == {b"UIDNEXT": 1}
        mailbox.deliver(mail(n), folder="Abuse")
        # The server ends the connection when the open folder is deleted.
        until(partial(received, intake, app, n), "the mail is on record")
        with mailbox.client() as client:
            client.delete_folder("Abuse")


def test_a_mail_that_the_server_cannot_read_does_not_hold_up_others(
    app: App, mailbox: Dovecot, intake: ImapIntake, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    mailbox.deliver(mail(1), mail(2))
    piece = Mailbox._piece
    first: list[int] = []

    def broken(self: Mailbox, uid: int, begin: int) -> tuple[bytes, int]:
        first.append(uid)
        if uid == first[0]:
            raise MailServerError(host="imap.example", detail="SERVERBUG")
        return piece(self, uid, begin)

    with monkeypatch.context() as patch:
        patch.setattr(Mailbox, "_piece", broken)
        intake.run()
    assert len(kept(app)) == len(mailbox.mails()) == 1
    assert "cannot read 1 mails of the folder 'INBOX' (SERVERBUG)" in said()[1]["reason"]

    intake.receive()

    assert len(kept(app)) == 2


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a wrong password": ({"password_file": None, "password": "wrong"},
                         "refused the login (AUTHENTICATIONFAILED): check user and password"),
    "an unknown host": ({"host": "imap.invalid", "security": "tls"}, "does not resolve"),
    "an unknown certificate": ({"security": "starttls"},
                               "is not trusted (self-signed certificate): in [inbox.imap]"),
    "no TLS there": ({"security": "tls"}, "check security and port in [inbox.imap]"),
    "no such folder": ({"folder": "Abuse"}, "does not open the folder 'Abuse' (NONEXISTENT)"),
    "a folder that cannot be made": ({"taken": "a/../b"}, "does not create the folder 'a/../b'"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_logged_once_with_the_way_out(
    app: App, mailbox: Dovecot, write_settings: WriteSettings, said: Said, fault: str
) -> None:
    given, expected = FAULTS[fault]
    lines = mailbox.settings(**given).splitlines()
    write_settings("\n".join(line for line in lines if not line.endswith("= null")))
    mailbox.deliver(mail(1))
    intake = ImapIntake(app)

    for _ in range(3):
        intake.run()

    [line] = [line for line in said() if "reason" in line]
    assert line["event"] == "reports are not received by IMAP"
    assert expected in line["reason"]
    assert len(mailbox.mails()) == 1


def test_a_port_on_which_nobody_listens_is_named(
    app: App, write_settings: WriteSettings, server: Dovecot, said: Said
) -> None:
    write_settings(server.settings(port=1))
    ImapIntake(app).run()
    assert "at port 1 (Connection refused): check host, port and security" in said()[0]["reason"]


def test_after_a_refused_login_the_waits_grow_longer_than_after_other_faults() -> None:
    refused = mailbox_errors.MailboxLoginError(host="imap.example", detail="AUTHENTICATIONFAILED")
    gone = mailbox_errors.MailHostError(host="imap.example")
    assert imap_duty._longest_s(refused) > 5 * imap_duty._longest_s(gone)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_encrypted_connection_is_used_if_its_authority_is_known(
    app: App, mailbox: Dovecot, write_settings: WriteSettings, intake: ImapIntake, said: Said,
    security: str,
) -> None:  # fmt: skip
    port = mailbox.tls_port if security == "tls" else mailbox.port
    write_settings(
        mailbox.settings(
            host="localhost", security=security, port=port, ca_file=str(mailbox.trusted)
        )
    )
    mailbox.deliver(mail(1))

    intake.receive()

    assert kept(app) == [(1, "imap")]


def test_a_changed_setting_counts_without_a_restart(
    app: App, mailbox: Dovecot, write_settings: WriteSettings, intake: ImapIntake, said: Said
) -> None:
    intake.receive()
    write_settings(mailbox.settings(taken="Reports/Taken"))
    mailbox.deliver(mail(1))
    intake.receive()
    assert [raw for raw, _ in mailbox.mails("Reports/Taken")] == [mail(1)]
    write_settings("")
    mailbox.deliver(mail(2))
    intake.receive()
    assert len(mailbox.mails()) == 1


def test_while_another_daemon_fetches_this_one_does_not(
    postgresql_url: str, mailbox: Dovecot, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    from incidents.settings import sources

    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    app = App(sources.load(db=postgresql_url))
    intake = ImapIntake(app)
    mailbox.deliver(mail(1))
    with app.engine.connect() as other, other.begin():
        assert store.lock_fetching(other)
        intake.run()
        assert kept(app) == []
    intake.receive()
    assert kept(app) == [(1, "imap")]
    intake.close()
    app.close()


def test_the_program_says_its_name_before_it_opens_a_folder(
    app: App, mailbox: Dovecot, intake: ImapIntake
) -> None:
    intake.receive()
    own = [each for each in mailbox.heard() if 'ID ("name" "incidents")' in each]
    assert own
    assert all(each.index("ID (") < each.index("SELECT") for each in own)


def test_once_takes_what_is_there_and_ends(app: App, mailbox: Dovecot, said: Said) -> None:
    mailbox.deliver(mail(1), mail(2))
    imap_duty.once(app)
    assert len(kept(app)) == 2


def test_once_says_what_is_wrong(app: App, mailbox: Dovecot, write_settings: WriteSettings) -> None:
    write_settings(mailbox.settings(user="nobody"))
    with pytest.raises(mailbox_errors.MailboxLoginError, match=r"\(AUTHENTICATIONFAILED\)"):
        imap_duty.once(app)


def test_a_missing_library_is_named_before_the_daemon_starts(
    app: App, mailbox: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "find_spec", lambda _: None)
    with pytest.raises(ImapLibraryError, match=r"IMAPClient is not installed: .*inbox"):
        settings_check.check(app)


def test_a_daemon_that_waits_in_idle_stops_at_once(
    mailbox: Dovecot, db_url: str, tmp_path: Path, app: App
) -> None:
    with daemon(db_url, tmp_path) as found:
        mailbox.deliver(mail(1))
        until(lambda: len(kept(app)) == 1, "the mail is on record")
        until(lambda: len(mailbox.mails("Taken")) == 1, "the mail is moved")
        assert found.stop() == 0
        assert not found.lines("a process did not stop: it is killed")
