"""HAProxy: one address for a cluster, behind which the leader is, as Patroni tells it."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import Template

from tests.fire.cluster_programs import program
from tests.nursery import ROOT
from tests.patience import until

ADDRESS = "127.0.0.1:5000"
_EXAMPLE = ROOT / "docs/examples/haproxy.cfg"
_NAMES = ("one", "two", "three")


@contextmanager
def haproxy(hosts: Sequence[str], folder: Path) -> Iterator[None]:
    """Run it where the thread is, with the documented configuration, for those three hosts."""
    settings = folder / "haproxy.cfg"
    named = dict(zip(_NAMES, hosts, strict=True))
    settings.write_text(Template(_EXAMPLE.read_text()).substitute(named))
    with (folder / "haproxy.log").open("w") as log:
        process = subprocess.Popen(
            [program("haproxy"), "-db", "-f", str(settings)], stdout=log, stderr=log
        )
    try:
        until(_answers, "HAProxy answers")
        yield
    finally:
        process.kill()
        process.wait()


def _answers() -> bool:
    host, _, port = ADDRESS.partition(":")
    try:
        socket.create_connection((host, int(port))).close()
    except OSError:
        return False
    return True
