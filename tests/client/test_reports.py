"""Reports over a server: the command line sends their bytes, and decides there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.rig import Rig
from tests.client.conftest import RemoteCli
from tests.inbox.test_samples import FOLDER

ARF, XARF = (FOLDER / name for name in ("arf-abuse.eml", "xarf-v3.json"))


@pytest.fixture
def over(api: Rig, over: RemoteCli, tmp_path: Path) -> RemoteCli:
    api.keep_evidence_in(tmp_path / "kept", limit=1 << 20)
    over.account("wang", "operator")
    over("site", "add", "shop.example", as_="wang")
    return over


def test_a_report_is_received_logged_and_another_one_joins(over: RemoteCli) -> None:
    received = over("report", "receive", str(ARF), str(XARF), as_="wang")
    assert received.out.splitlines() == [
        "r1: arf, about shop.example", "r2: xarf, about shop.example",
    ]  # fmt: skip
    again = over("report", "receive", str(ARF), as_="wang")
    assert "r1 was received before" in again.err
    logged = over("report", "log", "r1", "--json", as_="wang").json
    assert (logged["incident"]["id"], logged["report"]["state"]) == ("1-1", "logged")
    joined = over("report", "join", "r2", "1-1", "--json", as_="wang").json
    assert len(joined["incident"]["evidence"]) == 2
    assert over("report", "list", "-q", as_="wang").out == ""
    assert "incident: 1-1" in over("report", "show", "r2", as_="wang").out


def test_a_report_is_dismissed_once(over: RemoteCli) -> None:
    over("report", "receive", str(ARF), as_="wang")
    assert over("report", "dismiss", "r1", "--reason", "gone", as_="wang").out == "Dismissed r1.\n"
    again = over("report", "dismiss", "r1", "--reason", "gone", as_="wang")
    assert again.status == 3
    assert over("report", "show", "r9", as_="wang").status == 3


def test_what_the_server_does_not_keep_is_to_be_brought_again(over: RemoteCli) -> None:
    over.account("vera", "viewer")
    assert over("report", "receive", str(ARF), as_="vera").status == 75
