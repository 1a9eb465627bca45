"""The settings of a mailbox: what [inbox.imap] may say, and what is complained of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from incidents.errors import IncidentsError
from incidents.settings import imap, inbox

LEAST = {"host": "imap.host.example", "user": "desk", "password": "secret"}


def read(**table: Any) -> imap.ImapAccount:
    given = {key: value for key, value in {**LEAST, **table}.items() if value is not None}
    found = imap.read({"imap": given})
    assert found is not None
    return found


def test_without_the_table_there_is_no_mailbox() -> None:
    assert imap.read({"maildir": "/var/mail/abuse"}) is None


def test_a_host_and_a_login_are_enough() -> None:
    found = read()
    assert (found.port, found.security, found.folder, found.taken, found.timeout_s) == (
        993, "tls", "INBOX", "Taken", 10.0,
    )  # fmt: skip
    assert found.tls is not None
    assert "secret" not in repr(found)


@pytest.mark.parametrize(("security", "port"), [("tls", 993), ("starttls", 143), ("none", 143)])
def test_the_port_is_the_usual_one_of_the_security(security: str, port: int) -> None:
    assert read(host="localhost", security=security).port == port
    assert read(host="localhost", security=security, port=2143).port == 2143


def test_the_password_may_be_in_a_file_or_in_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text("of the file\n")
    file.chmod(0o600)
    monkeypatch.setenv("MAILBOX", "of the variable")
    assert read(password=None, password_file=str(file)).password == "of the file"
    assert read(password=None, password_env="MAILBOX").password == "of the variable"


def test_only_a_daemon_reads_the_password() -> None:
    table = {"host": "imap.host.example", "user": "desk", "password_file": "/nowhere"}
    assert inbox.read({"imap": table}).maildir is None


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_a_password_is_sent_unencrypted_on_this_machine_alone(host: str) -> None:
    assert read(host=host, security="none").tls is None


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no host": ({"host": None}, "has no host"),
    "no user": ({"user": None}, "has no user"),
    "no password": ({"password": None}, "has no password"),
    "a password in the clear": (
        {"security": "none"}, "security = 'none', but it must be tls or starttls: only to this",
    ),
    "a misspelt security": ({"security": "ssl"}, "'ssl', but it must be tls or starttls or none"),
    "a port beyond": ({"port": 65_536}, "port = 65536"),
    "a number for a name": ({"folder": 1}, "folder = 1, but it must be a text"),
    "taken from where it goes": ({"taken": "INBOX"}, "taken = 'INBOX', but it must be another"),
    "one folder twice": ({"folder": "Abuse", "taken": "Abuse"}, "taken = 'Abuse'"),
    "a line break in a user": ({"user": "a\r\nb"}, "printable characters"),
    "a line break in a password": ({"password": "hid\nden"}, "printable characters"),
    "no certificates": ({"ca_file": "/nowhere"}, "ca_file = '/nowhere'"),
    "a long wait": ({"timeout": "1h"}, "from 1s to 15s"),
    "a misspelt key": ({"pasword": "x"}, "unknown setting 'pasword'"),
}  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_setting_is_named_with_its_value_and_the_way_out(fault: str) -> None:
    table, expected = WRONG[fault]
    with pytest.raises(IncidentsError) as raised:
        read(**table)
    assert expected in raised.value.message
    assert "[inbox.imap]" in raised.value.message
    assert "hid" not in raised.value.message
