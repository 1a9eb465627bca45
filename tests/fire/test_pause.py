"""A daemon that was stopped for a while and goes on (a laptop's lid, a debugger, a full host)."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from incidents import clock
from tests.acceptance.daemons import count_in, daemon, engine_of, log_on
from tests.patience import until

LONGER_THAN_A_WAIT_S = 0.7
"""The daemon waits half a second for a signal to stop, and then looks at the clock."""


@pytest.mark.both_databases(long="postgresql")
def test_a_daemon_that_was_paused_goes_on(db_url: str, tmp_path: Path) -> None:
    with daemon(db_url, tmp_path) as running, engine_of(db_url) as engine:
        running.says("started")
        os.killpg(running.process.pid, signal.SIGSTOP)
        time.sleep(LONGER_THAN_A_WAIT_S)
        os.killpg(running.process.pid, signal.SIGCONT)

        log_on(engine, ["late.example"], clock.now() - timedelta(hours=2))

        def is_over() -> bool:
            return count_in(engine, "suspended") == 1 or running.process.poll() is not None

        until(is_over, "the site is suspended")
        assert running.process.poll() is None, running.text()
