"""The documentation's adapter as a package of somebody else's, and the control panel behind it."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "own_adapter.py"
TOKEN = "s3cret"
LOOPBACK = "127.0.0.1"


def install(folder: Path) -> Path:
    """Makes a folder for PYTHONPATH in which the example is installed, as `pip` leaves it."""
    package = folder / "own_panel-1.0.dist-info"
    package.mkdir(parents=True)
    shutil.copyfile(EXAMPLE, folder / EXAMPLE.name)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: own-panel\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[incidents.acts]\nown-panel = own_adapter:make\n")
    return folder


class Panel:
    """How its sites stand, and the orders that came, in that order.

    `status` is what it answers instead of obeying; while `frozen` is set nobody is answered; with
    `loses_answers` it obeys, and its answers are lost.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://{LOOPBACK}:{port}/api"
        self.states: dict[str, str] = {}
        self.orders: list[str] = []
        self.status: int | None = None
        self.loses_answers = False
        self.thaw = threading.Event()
        self.thaw.set()

    def settings(self, **more: object) -> str:
        """The lines of a settings file by which orders go here."""
        told = {"type": "own-panel", "url": self.url, "token": TOKEN, **more}
        keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items())
        return f'[acts]\nadapter = "panel"\n[acts.panel]\n{keys}'


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    panel: Panel

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no error of the panel's."""


class _Handler(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        """Let a site stand as it is told to."""
        panel = self._panel()
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._is_welcome(panel):
            panel.orders.append(told["order"])
            panel.thaw.wait(60)
            panel.states[self.path.rpartition("/")[2]] = told["state"]
            if panel.loses_answers:
                self.connection.close()
                return
            self._answer(200, {})

    def do_GET(self) -> None:
        """Tell how a site stands."""
        panel = self._panel()
        if self._is_welcome(panel):
            self._answer(200, {"state": panel.states.get(self.path.rpartition("/")[2])})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _panel(self) -> Panel:
        assert isinstance(self.server, _Server)
        return self.server.panel

    def _is_welcome(self, panel: Panel) -> bool:
        own = self.headers["Authorization"] == f"Bearer {TOKEN}"
        status = panel.status if own else 401
        if status is not None:
            self._answer(status, {})
        return status is None

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status in (429, 503):
            self.send_header("Retry-After", "90")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def panel() -> Iterator[Panel]:
    """A running control panel on the loopback."""
    server = _Server((LOOPBACK, 0), _Handler)
    server.panel = Panel(int(server.server_address[1]))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.panel
    finally:
        server.panel.thaw.set()
        server.shutdown()
        server.server_close()
        thread.join()
