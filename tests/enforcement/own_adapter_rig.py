"""The documentation's adapter as a package of somebody else's, and the control panel behind it."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.outbound.rig import LOOPBACK, Handler, receiver
from tests.patience import PATIENCE_S

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "own_adapter.py"
TOKEN = "s3cret"


def install(folder: Path) -> Path:
    """Make a folder for PYTHONPATH in which the example is installed, as `pip` leaves it."""
    package = folder / "own_panel-1.0.dist-info"
    package.mkdir(parents=True)
    shutil.copyfile(EXAMPLE, folder / EXAMPLE.name)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: own-panel\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[incidents.acts]\nown-panel = own_adapter:make\n")
    return folder


class Panel:
    """The state of its sites, and the orders received, in order.

    `status` is what it answers instead of obeying; while `frozen` is set nobody is answered; with
    `loses_answers` it obeys, and its answers are lost.
    """

    url = ""

    def __init__(self) -> None:
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

    def answer(self, handler: Handler) -> None:
        """Put a site into the ordered state, or report the state it is in."""
        own = handler.headers["Authorization"] == f"Bearer {TOKEN}"
        status = self.status if own else 401
        site = handler.path.rpartition("/")[2]
        if status is not None:
            busy = {"Retry_After": "90"} if status in (429, 503) else {}
            handler.answer(status, b"{}", **busy)
        elif handler.command == "GET":
            handler.answer(200, json.dumps({"state": self.states.get(site)}).encode())
        else:
            told = json.loads(handler.body)
            self.orders.append(told["order"])
            self.thaw.wait(PATIENCE_S)
            self.states[site] = told["state"]
            if self.loses_answers:
                handler.close_connection = True
            else:
                handler.answer(200, b"{}")


@contextmanager
def panel() -> Iterator[Panel]:
    """A running control panel on the loopback."""
    made = Panel()
    with receiver(made.answer) as there:
        made.url = f"http://{LOOPBACK}:{there.port}/api"
        try:
            yield made
        finally:
            made.thaw.set()
