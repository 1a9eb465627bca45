"""The long run: seeded chunks, each a line in a log, that go on where they were left."""

import json
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.fire import long_run
from tests.fire.long_run import FAILED, Kind, run


@pytest.fixture(autouse=True)
def _folders_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def ten(seed: int, folder: Path) -> Counter[str]:
    return Counter({"kills": 10, f"seed {seed}": 1})


def kind(log: Path, *, chunk: long_run.Chunk = ten, name: str = "kills") -> Kind:
    return Kind(name, "kills", chunk, log)


def seeds(log: Path) -> list[int]:
    return [line["seed"] for line in long_run.read(log)]


def test_a_run_ends_when_so_much_stands_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"

    assert run([kind(log)], seed=1, until=25) == 0

    assert seeds(log) == [1, 2, 3]
    assert kind(log).done()["kills"] == 30


def test_a_run_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    run([kind(log)], seed=7, chunks=2)
    with log.open("a") as file:
        file.write('{"kind": "kills", "seed": 9, "figures": {"ki')

    run([kind(log)], seed=7, until=30)

    assert kind(log).done()["kills"] == 30
    assert kind(log).next_seed(7) == 10


def test_kinds_take_turns_and_may_share_a_log(tmp_path: Path) -> None:
    log = tmp_path / "log"

    run([kind(log), kind(log, name="clocks")], seed=1, chunks=2)

    told = [(line["kind"], line["seed"]) for line in long_run.read(log)]
    assert told == [("kills", 1), ("clocks", 1), ("kills", 2), ("clocks", 2)]


def test_a_chunk_that_fails_ends_the_run_keeps_its_folder_and_is_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"

    def fail(seed: int, folder: Path) -> Counter[str]:
        (folder / "evidence").write_text("a ledger")
        raise AssertionError(f"seed {seed}: an act was lost")

    assert run([kind(log, chunk=fail)], seed=3, until=10) == FAILED

    [line] = long_run.read(log)
    assert "an act was lost" in line["failed"]
    assert Path(line["folder"], "evidence").exists()
    assert "an act was lost" in capsys.readouterr().err
    assert kind(log).next_seed(3) == 3
    assert kind(log).done() == Counter()


def test_an_interrupted_chunk_leaves_no_folder_and_no_line(tmp_path: Path) -> None:
    log, folders = tmp_path / "log", list[Path]()

    def interrupt(_: int, folder: Path) -> Counter[str]:
        folders.append(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([kind(log, chunk=interrupt)], seed=1, chunks=1)

    assert not log.exists()
    assert not folders[0].exists()


def test_no_chunk_begins_when_the_time_is_up(tmp_path: Path) -> None:
    log = tmp_path / "log"

    assert run([kind(log)], seed=1, for_s=0) == 0

    assert not log.exists()


def test_the_status_tells_how_much_was_really_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    run([kind(log)], seed=1, chunks=3)
    with log.open("a") as file:
        failed = {"kind": "kills", "seed": 4, "failed": "lost", "took_s": 1.0, "began_at": "later"}
        file.write(json.dumps(failed) + "\n")

    said = list(long_run.status([log]))

    assert said[0].startswith("kills: 3 chunks")
    assert said[0].endswith("; 1 failed")
    assert "            30 kills" in said


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1_800), ("2h", 7_200)])
def test_a_time_is_written_with_its_unit(
    text: str, seconds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = list[float]()

    def note(_: object, *, for_s: float, **_options: object) -> int:
        given.append(for_s)
        return 0

    monkeypatch.setattr(long_run, "run", note)
    monkeypatch.setattr(long_run.Kind, "of", lambda name, log: kind(tmp_path / "log"))

    assert long_run.main(["kills", "--for", text]) == 0
    assert given == [seconds]


def test_a_kind_whose_module_is_not_there_breaks_only_its_own_run(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no tests"):
        Kind.of("nothing_of_that_name")

    assert Kind.of("kills", tmp_path / "log").unit == "kills"


def test_what_was_measured_is_kept_and_its_median_and_longest_are_told(tmp_path: Path) -> None:
    def slower_and_slower(seed: int, folder: Path) -> Counter[str]:
        seconds = {"seconds": {"to the next act": seed / 2}}
        (folder / long_run.MEASURED).write_text(json.dumps(seconds))
        return ten(seed, folder)

    log = tmp_path / "log"
    run([kind(log, chunk=slower_and_slower)], seed=1, chunks=3)

    assert long_run.read(log)[0]["measured"] == {"seconds": {"to the next act": 0.5}}
    told = [" ".join(line.split()) for line in long_run.status([log])]
    assert "1.00 s median, 1.50 s longest of 3: to the next act" in told
