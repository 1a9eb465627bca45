"""A pgbouncer in front of the tests' PostgreSQL, with the configuration of the guide."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from configparser import RawConfigParser
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.databases import memory_folder
from tests.patience import until

GUIDE = Path(__file__).parents[1] / "docs" / "how-to" / "use-postgresql.md"
UNTRACKED, TRACKED = 0, 200
"""`max_prepared_statements`: off, and its default."""


@contextmanager
def pgbouncer(server_url: str, *, size: int, tracked: int) -> Iterator[str]:
    """Run one with a pool of `size` connections; yield the URL of the same database behind it."""
    server = make_url(server_url)
    # PostgreSQL's own user, since neither of the two runs as root.
    owner = os.stat(str(server.query["host"])).st_uid  # noqa: PTH116
    with tempfile.TemporaryDirectory(prefix="incidents-pgbouncer-", dir=memory_folder()) as made:
        folder = Path(made)
        settings = folder / "pgbouncer.ini"
        with settings.open("w") as file:
            _settings(server_url, folder, size=size, tracked=tracked).write(file)
        for path in (folder, settings):
            os.chown(path, owner, -1)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [_program(), str(settings)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                user=pwd.getpwuid(owner).pw_name if os.geteuid() == 0 else None,
            )  # fmt: skip
        url = f"postgresql:///{server.database}?host={folder}&port=6432&user=postgres"
        try:
            until(lambda: _answers(url), "pgbouncer answers")
            yield url
        finally:
            # At once: the other signals wait for all clients.
            process.send_signal(signal.SIGQUIT)
            process.wait()


def _settings(server_url: str, folder: Path, *, size: int, tracked: int) -> RawConfigParser:
    """The guide's, but for where the server is, and who comes in."""
    server = make_url(server_url)
    [block] = re.findall(r"```ini\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    settings = RawConfigParser()
    settings.read_string(block)
    settings["databases"] = {
        str(server.database): f"host={server.query['host']} user=postgres dbname={server.database}"
    }
    own = settings["pgbouncer"]
    del own["auth_file"]
    own.update({
        "listen_addr": "", "unix_socket_dir": str(folder), "auth_type": "any",
        "default_pool_size": str(size), "max_prepared_statements": str(tracked),
    })  # fmt: skip
    return settings


def _program() -> str:
    found = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert found is not None, "pgbouncer is not installed: scripts/_setup names what is needed"
    return found


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url):
            return True
    except psycopg.OperationalError:
        return False
