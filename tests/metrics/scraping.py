"""A scrape over HTTP, as a Prometheus makes it; and promtool, which judges what came of it."""

import http.client
import subprocess
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.patience import PATIENCE_S

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Answer:
    """The answer of an endpoint."""

    status: int
    kind: str
    text: str

    @property
    def samples(self) -> list[Sample]:
        """All samples, in the text format."""
        families = text_string_to_metric_families(self.text)
        return [sample for family in families for sample in family.samples]

    def value(self, name: str, **labels: str) -> float | None:
        """One sample's; the prefix is left out."""
        full = f"incidents_{name}"
        found = [s.value for s in self.samples if s.name == full and s.labels == labels]
        return found[0] if found else None


def scrape(
    port: int, path: str = "/metrics", *, method: str = "GET", accept: str | None = None
) -> Answer:
    """Ask for the metrics."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, headers={} if accept is None else {"Accept": accept})
        response = connection.getresponse()
        body = response.read().decode()
        return Answer(response.status, response.headers["Content-Type"] or "", body)
    finally:
        connection.close()


def promtool(
    *words: str, stdin: str | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Prometheus's own linter."""
    return subprocess.run(
        ["promtool", *words],
        input=stdin,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
