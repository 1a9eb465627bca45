"""The ledger keeps what its operator wrote down, however the operator ended."""

import os
from pathlib import Path

from tests.fire.checker import check
from tests.fire.ledger import Acknowledgement, Entry, Intent, LedgerFile, read
from tests.nursery import run

INTENT = Intent(
    key="k-1", site="shop.example", actor="operator-1", kind="hold_set", command={"type": "SetHold"}
)
ANSWER = Acknowledgement(
    key="k-1",
    entries=(Entry(site_id=3, site_seq=7, kind="hold_set", actor="operator-1"),),
)


def test_what_was_written_is_read_as_it_was(tmp_path: Path) -> None:
    with LedgerFile(tmp_path / "ledger") as ledger:
        ledger.intend(INTENT)
        ledger.acknowledge(ANSWER)

    found = read(tmp_path / "ledger")

    assert found.intents == {"k-1": INTENT}
    assert found.acknowledgements == {"k-1": [ANSWER]}
    assert found.unacknowledged == []


def test_an_act_without_an_answer_is_known_as_such(tmp_path: Path) -> None:
    with LedgerFile(tmp_path / "ledger") as ledger:
        ledger.intend(INTENT)

    with LedgerFile(tmp_path / "ledger") as successor:
        assert successor.ledger.unacknowledged == [INTENT]
        successor.intend(INTENT)
        successor.acknowledge(ANSWER)
        successor.intend(INTENT)

    found = read(tmp_path / "ledger")
    assert (found.cut_short, found.asked_again) == (1, 1)


def test_a_line_that_was_cut_short_is_as_if_it_had_not_been_written(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    with LedgerFile(file) as ledger:
        ledger.intend(INTENT)
        ledger.acknowledge(ANSWER)
    file.write_bytes(file.read_bytes()[:-9])

    with LedgerFile(file) as successor:
        assert successor.ledger.unacknowledged == [INTENT]
        successor.acknowledge(ANSWER)

    assert read(file).acknowledgements == {"k-1": [ANSWER]}


def test_what_a_failed_run_has_left_is_judged_again(tmp_path: Path) -> None:
    with LedgerFile(tmp_path / "ledger") as ledger:
        ledger.intend(INTENT)
        ledger.acknowledge(ANSWER)
    (tmp_path / "export").write_bytes(b"")

    files = [str(tmp_path / name) for name in ("export", "ledger")]
    done = run(files, module="tests.fire.checker", env=os.environ)

    assert done.status == 1
    assert done.stdout.splitlines() == check([], [read(tmp_path / "ledger")])
    assert "lost" in done.stdout
