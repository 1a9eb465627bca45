"""Fixtures of the tests of the daemon."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from freezegun import freeze_time

from incidents.app import App
from incidents.settings import sources
from tests.conftest import WriteSettings
from tests.daemon.alarm_rig import START, Watch

Said = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def app(db_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """The app of a daemon, by this machine's own clock."""
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    found = App(sources.load(db=db_url))
    yield found
    found.close()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """The lines that the log has got since this was last asked."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture
def watch(
    db_url: str, write_settings: WriteSettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watch]:
    write_settings('[report]\nwithin = ""\n')
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    with freeze_time(START, ignore=["_pytest"]) as frozen:
        found = Watch(App(sources.load(db=db_url)), frozen).at(START)
        yield found
        found.app.close()
