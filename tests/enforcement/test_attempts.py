"""The attempts: one that has come to its end stands in nobody's way."""

from concurrent.futures import Future
from threading import Event
from typing import Any

import pytest

from incidents.enforcement import attempts
from incidents.enforcement.attempts import Attempts
from tests.patience import PATIENCE_S


def test_what_has_ended_is_not_under_way_any_more_though_its_thread_still_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked_again = Event()

    class Slow(Future[Any]):
        """The thread that tells its result gets no further for a while."""

        def set_result(self, result: Any) -> None:
            super().set_result(result)
            asked_again.wait(PATIENCE_S)

    monkeypatch.setattr(attempts, "Future", Slow)
    one: Attempts[str] = Attempts(limit_s=PATIENCE_S, most=1, timed_out="late", busy="full")
    assert one.run(lambda _: "first") == "first"
    monkeypatch.setattr(attempts, "Future", Future)
    assert one.run(lambda _: "second") == "second"
    asked_again.set()
