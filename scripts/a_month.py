"""A month at the desk and a morning after it, around the demonstration's day.

It is what the console's pictures show, on the sample data of `incidents demo`. The clock is
simulated (see incidents.testing).
"""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path

from incidents.app import App
from incidents.cli import main
from incidents.demo import sample
from incidents.demo.scenario import END
from incidents.settings import sources
from incidents.testing import rehearsal
from scripts import a_day

_SETTINGS = '[acts]\nadapter = "panel"\n[acts.panel]\ntype = "exec"\ncommand = ["/bin/true"]\n'


def play(folder: Path) -> None:
    """Play the demonstration's day, the month before it and the morning after it in `folder`.

    The record is then the one that INCIDENTS_DB names.
    """
    (folder / "config.toml").write_text(_SETTINGS, encoding="utf-8")
    os.environ["INCIDENTS_CONFIG"] = str(folder / "config.toml")
    for step in a_day.play(folder, terminal=False):
        assert step.status == 0, step
    with rehearsal(END - timedelta(minutes=30)), redirect_stdout(io.StringIO()):
        assert main(["police", "done", "1-1"]) == 0
    app = App(sources.load())
    try:
        # The pictures must not show this machine's names.
        sample.play(app.engine, END, "operator-1", more=False)
    finally:
        app.close()
