"""A real mail server on the loopback: Dovecot with one mailbox, for tests of the IMAP channel."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imapclient import IMAPClient

from tests.databases import memory_folder
from tests.notices.mail_server import make_certificate
from tests.patience import PATIENCE_S, until

USER, PASSWORD = "desk@host.example", 'pass "word" 密码'

_CONFIG = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
rawlog_dir = {folder}/rawlog
protocols {{
  imap = yes
}}
listen = 127.0.0.1
{users}
first_valid_uid = 1
auth_allow_cleartext = yes
auth_failure_delay = 0s
ssl = yes
ssl_server_cert_file = {folder}/server.pem
ssl_server_key_file = {folder}/server.pem
mail_driver = maildir
mail_path = {folder}/mail
mailbox_list_index = no
passdb passwd-file {{
  passwd_file_path = {folder}/users
}}
userdb static {{
  fields {{
    home = {folder}/mail
  }}
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  {chroot}
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  {chroot}
}}
imap_capability {{
{capabilities}
}}
"""
# A master that runs as root gives up its rights for each connection; one that does not, cannot.
_AS_ROOT = "mail_uid = mail\nmail_gid = mail"
_ALONE = """\
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
"""
_STARTS = 5


class Dovecot:
    """A mail server in that folder; its ports stay the same when it is started again."""

    def __init__(self, folder: Path, without: Sequence[str] = ()) -> None:
        self.folder = folder
        self.trusted = make_certificate(folder, "localhost")
        self.port, self.tls_port = _free_ports()
        self._without = without
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}::::::\n")
        (folder / "users").chmod(0o644)
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)
        for name in ("mail", "rawlog"):
            (folder / name).mkdir()
            if os.geteuid() == 0:
                shutil.chown(folder / name, "mail", "mail")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        for _ in range(_STARTS):
            self._write_settings()
            with (self.folder / "stderr").open("wb") as errors:
                self._process = subprocess.Popen(
                    [_program(), "-F", "-c", str(self.folder / "dovecot.conf")],
                    stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, cwd="/",
                )  # fmt: skip
            until(lambda: not self._runs() or self._answers(), "dovecot answers")
            if self._runs():
                return
            # A port that was free a moment ago may be somebody else's by now.
            assert "in use" in self.log(), self.log()
            self.port, self.tls_port = _free_ports()
        raise AssertionError(self.log())

    def stop(self) -> None:
        """Stop it, with all its connections."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(PATIENCE_S)
            self._process = None

    def settings(self, **more: Any) -> str:
        """The table [inbox.imap] of a settings file, without TLS unless `more` says otherwise."""
        table = {
            "host": "127.0.0.1", "port": self.port, "security": "none", "user": USER,
            "password_file": str(self.folder / "password"), **more,
        }  # fmt: skip
        # A text, a list of texts and a number are written in TOML as they are in JSON.
        lines = (f"{key} = {json.dumps(value)}" for key, value in table.items())
        return "\n".join(("[inbox.imap]", *lines, ""))

    @contextmanager
    def client(self, folder: str | None = None) -> Iterator[IMAPClient]:
        """Another client of the mailbox, such as a person's; with the folder open, if named."""
        with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=PATIENCE_S) as found:
            found.plain_login(USER, PASSWORD)
            if folder is not None:
                found.select_folder(folder)
            yield found

    def deliver(self, *mails: bytes, flags: Sequence[bytes] = (), folder: str = "INBOX") -> None:
        """Put mails into the folder."""
        with self.client() as client:
            for mail in mails:
                client.append(folder, mail, flags)

    def mails(self, folder: str = "INBOX") -> list[tuple[bytes, list[str]]]:
        """The bytes of each mail in the folder, with its flags; none without such a folder."""
        with self.client() as client:
            if not client.folder_exists(folder):
                return []
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search("ALL"), ["BODY.PEEK[]", "FLAGS"])
            return [
                (each[b"BODY[]"], sorted(f.decode() for f in each[b"FLAGS"] if f != rb"\Recent"))
                for _, each in sorted(found.items())
            ]

    def empty(self) -> None:
        """Delete all mails, and all folders but INBOX."""
        with self.client("INBOX") as client:
            if found := client.search("ALL"):
                client.delete_messages(found)
                client.expunge()
            for _, _, name in client.list_folders():
                if name != "INBOX":
                    client.delete_folder(name)

    def heard(self) -> list[str]:
        """What each client has sent to it, after it had logged in."""
        return [file.read_text("latin-1") for file in (self.folder / "rawlog").glob("*.in")]

    def log(self) -> str:
        """What it has written so far."""
        files = (self.folder / name for name in ("stderr", "log"))
        return "".join(file.read_text() for file in files if file.exists())

    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as made:
                return made.recv(4) == b"* OK"
        except OSError:
            return False

    def _write_settings(self) -> None:
        is_root = os.geteuid() == 0
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        (self.folder / "dovecot.conf").write_text(
            _CONFIG.format(
                folder=self.folder, port=self.port, tls_port=self.tls_port,
                users=_AS_ROOT if is_root else _ALONE.format(user=user, group=group),
                chroot="" if is_root else "chroot =",
                capabilities="\n".join(f"  {name} = no" for name in self._without),
            )
        )  # fmt: skip


@contextmanager
def dovecot(without: Sequence[str] = ()) -> Iterator[Dovecot]:
    """Run one until the `with` block ends, `without` those capabilities."""
    with tempfile.TemporaryDirectory(prefix="incidents-dovecot-", dir=memory_folder()) as made:
        # Its processes, which are not root's, go through this folder.
        Path(made).chmod(0o755)
        found = Dovecot(Path(made), without)
        try:
            found.start()
            yield found
        finally:
            found.stop()


def _program() -> str:
    found = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin")
    assert found is not None, "dovecot is not installed: scripts/_setup names what is needed"
    return found


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as a, socket.create_server(("127.0.0.1", 0)) as b:
        return a.getsockname()[1], b.getsockname()[1]
