"""The receiver in the documentation: the code that others copy does what the page promises."""

import importlib.util
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from incidents.enforcement import webhook
from incidents.enforcement.port import Delivered
from incidents.settings.options import Options
from tests.enforcement.orders import ORDER as SUSPEND
from tests.enforcement.orders import problem
from tests.outbound.rig import LOOPBACK

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "webhook_receiver.py"
SECRET, OLD_SECRET = "whsec_" + "QUJD" * 8, "whsec_" + "REVG" * 8
REOPEN = replace(SUSPEND, id="12-o46", kind="reopen", seq=46)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """What the panel's failure looks like stands in no test's output."""


class Panel:
    """A program that notes what it is called with, and fails while `broken` is there."""

    def __init__(self, folder: Path) -> None:
        self.broken = folder / "broken"
        self._notes = folder / "notes"
        program = folder / "panel"
        program.write_text(
            f'#!/bin/sh\ntest ! -e {self.broken} || exit 1\necho "$*" >> {self._notes}\n'
        )
        program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """What it was called with, in order."""
        return self._notes.read_text().splitlines() if self._notes.exists() else []


@pytest.fixture
def panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Panel:
    """The program on the path, in a folder of its own, with the receiver's secret."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    return Panel(tmp_path)


@contextmanager
def _running(**settings: object) -> Iterator[webhook.Webhook]:
    spec = importlib.util.spec_from_file_location("webhook_receiver", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    example.Receiver.log_message = lambda *_: None
    with _Quiet((LOOPBACK, 0), example.Receiver) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        url = f"http://{LOOPBACK}:{server.server_address[1]}/"
        table = {"url": url, "secret": SECRET, "allow": [LOOPBACK], "timeout": "5s", **settings}
        hook = webhook.make("panel", Options("[acts.panel]", table))
        yield hook
        hook.close()
        server.shutdown()


def test_the_example_has_at_most_forty_lines() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 40


def test_an_order_is_carried_out_and_one_that_comes_twice_only_once(panel: Panel) -> None:
    with _running() as hook:
        assert [hook.deliver(SUSPEND), hook.deliver(SUSPEND)] == [Delivered()] * 2
    assert panel.calls == ["suspend shop.example"]


def test_a_suspension_that_arrives_behind_its_reopening_is_left_alone(panel: Panel) -> None:
    """An attempt of a process that was stopped for a while."""
    with _running() as hook:
        hook.deliver(SUSPEND)
        hook.deliver(REOPEN)
        assert hook.deliver(SUSPEND) == Delivered()
    assert panel.calls == ["suspend shop.example", "reopen shop.example"]


def test_seq_is_compared_as_a_number_and_for_each_site_alone(panel: Panel) -> None:
    with _running() as hook:
        hook.deliver(replace(SUSPEND, seq=9))
        hook.deliver(replace(REOPEN, seq=10))
        hook.deliver(replace(SUSPEND, site="other.example", site_id=13, seq=2))
    assert panel.calls == ["suspend shop.example", "reopen shop.example", "suspend other.example"]


def test_an_order_that_fails_is_not_taken_for_done(panel: Panel) -> None:
    with _running() as hook:
        panel.broken.touch()
        assert problem(hook.deliver(SUSPEND)).startswith("Retry ")
        panel.broken.unlink()
        assert hook.deliver(SUSPEND) == Delivered()
    assert panel.calls == ["suspend shop.example"]


def test_what_is_signed_with_another_secret_is_not_carried_out(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _running(secret=OLD_SECRET) as hook:
        outcome = hook.deliver(SUSPEND)
    assert problem(outcome) == "Retry http_401"
    assert panel.calls == []


def test_while_secrets_change_over_the_old_one_still_verifies(panel: Panel) -> None:
    with _running(secret=OLD_SECRET, previous_secret=SECRET) as hook:
        assert hook.deliver(SUSPEND) == Delivered()
    assert panel.calls == ["suspend shop.example"]


def test_what_is_meant_for_the_customer_suspends_nothing(panel: Panel) -> None:
    with _running() as hook:
        hook.deliver(replace(SUSPEND, id="12-o47.notice", lane="notice", seq=47))
        assert panel.calls == []
        hook.deliver(REOPEN)
    assert panel.calls == ["reopen shop.example"]
