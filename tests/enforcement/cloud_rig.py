"""Attempts under way, for the tests of every cloud."""

import threading
from datetime import timedelta

from incidents.enforcement.port import Retry
from tests.patience import until

SOON = timedelta(seconds=5)
ON_ITS_WAY = Retry(problem="node_changing", after=SOON, detail="the node is on its way")


def until_no_attempt_is_under_way() -> None:
    """Wait for the threads of all attempts to end."""
    until(
        lambda: all(each.name != "attempt" for each in threading.enumerate()),
        "no attempt is under way",
    )
