"""The adapter `exec`, with real programs: what reaches them, and what comes of how they end."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from incidents.enforcement import process, program
from incidents.enforcement.port import Delivered, Failed, Outcome, Retry
from incidents.enforcement.program import Program
from incidents.errors import SettingError, UnknownSettingError
from incidents.settings.options import Options
from tests.enforcement.orders import ORDER, detail, problem
from tests.patience import PATIENCE_S, until

GUIDE = Path(__file__).parents[2] / "docs/how-to/carry-out-with-a-program.md"
HOSTILE = (
    "$(touch x)",
    "`touch x`",
    "; rm -rf . ; touch x",
    "| touch x",
    "&& touch x",
    "> x",
    "'; touch x; '",
    '"; touch x; "',
    "--help",
    "-rf",
    "\nsecond line\ntouch x",
    "\r\n\0\x1b[2J",
    "違規信息 🏮 \u202eevil",
    "\ud800",
    '{"kind": "reopen"}',
    '\\", "kind": "reopen", "x": "\\',
    "x" * 4_000,
)
REPORT = """
import json, os, sys
told = {
    "argv": sys.argv[1:], "stdin": sys.stdin.read(), "environ": dict(os.environ),
    "fds": os.listdir("/proc/self/fd"), "leads": os.getsid(0) == os.getpid(), "folder": os.getcwd(),
}
open("report", "w").write(json.dumps(told))
"""


def adapter(folder: Path, *command: str, **settings: Any) -> Program:
    table = {"command": list(command), "folder": str(folder), **settings}
    made = program.make("panel", Options("[acts.panel]", table))
    assert isinstance(made, Program)
    return made


def shell(folder: Path, script: str, **settings: Any) -> Program:
    return adapter(folder, "sh", "-c", script, **settings)


def reporter(folder: Path, *words: str, **settings: Any) -> Program:
    """A program that writes down all that it is given."""
    (folder / "report.py").write_text(REPORT)
    return adapter(folder, sys.executable, str(folder / "report.py"), *words, **settings)


def report(folder: Path) -> Any:
    return json.loads((folder / "report").read_text())


def impatient(made: Program, seconds: float = 0.5) -> Program:
    return replace(made, timeout=timedelta(seconds=seconds))


def is_at_work(pid: int) -> bool:
    """Whether the process runs; one that has ended and that nobody has reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def is_gone(pid: int) -> bool:
    return not is_at_work(pid)


def held() -> tuple[int, str]:
    """How many descriptors this process has open, and which children nobody has reaped."""
    children = (file.read_text() for file in Path("/proc/self/task").glob("*/children"))
    return sum(1 for _ in Path("/proc/self/fd").iterdir()), " ".join(children)


# ── what reaches the program ─────────────────────────────────────────────────────────────────────


def test_the_order_comes_as_one_line_of_json_with_the_attempt(tmp_path: Path) -> None:
    assert reporter(tmp_path).deliver(ORDER) == Delivered()

    given = report(tmp_path)["stdin"]
    assert given.endswith("}\n")
    assert given.count("\n") == 1
    assert json.loads(given) == {
        "id": "12-o45",
        "kind": "suspend",
        "site": "shop.example",
        "site_id": "12",
        "seq": "45",
        "ordered_at": "2026-03-01T02:50:00.000005Z",
        "rule": "unreachable",
        "incident": "12-3",
        "suspension": "12-s1",
        "until": "2026-03-01T14:50:00Z",
        "attempt": 3,
    }


@pytest.mark.parametrize("word", HOSTILE)
def test_whatever_an_order_says_reaches_the_program_as_data(word: str, tmp_path: Path) -> None:
    order = replace(ORDER, site=word, rule=word, incident=word, suspension=word, task=word)

    assert reporter(tmp_path, "carry-out", "--loud").deliver(order) == Delivered()

    told = report(tmp_path)
    assert told["argv"] == ["carry-out", "--loud"]
    assert json.loads(told["stdin"]) == order.document() | {"attempt": 3}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["report", "report.py"]


def test_words_of_the_settings_are_read_by_no_shell(tmp_path: Path) -> None:
    words = ["$HOME", "a b", "*", "; touch x", "'"]
    assert reporter(tmp_path, *words).deliver(ORDER) == Delivered()
    assert report(tmp_path)["argv"] == words


def test_nothing_of_the_daemons_environment_reaches_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_DB", "postgresql://desk:secret@127.0.0.1/desk")
    monkeypatch.setenv("PATH", f"/elsewhere:{os.environ['PATH']}")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/elsewhere")

    reporter(tmp_path, environment={"API_HOST": "panel.example"}).deliver(ORDER)

    assert report(tmp_path)["environ"] == {
        "PATH": process.PATH,
        "LANG": "C.UTF-8",
        "HOME": "/",
        "API_HOST": "panel.example",
    }


def test_the_program_stands_in_the_folder_and_in_a_session_of_its_own(tmp_path: Path) -> None:
    read, write = os.pipe()
    try:
        os.set_inheritable(write, True)
        reporter(tmp_path).deliver(ORDER)
    finally:
        os.close(read)
        os.close(write)

    told = report(tmp_path)
    assert (told["folder"], told["leads"]) == (str(tmp_path), True)
    # The fourth is the listing's own.
    assert len(told["fds"]) == 4
    assert {"0", "1", "2"} < set(told["fds"])


def test_without_a_folder_it_stands_at_the_root(tmp_path: Path) -> None:
    table = {"command": ["sh", "-c", 'test "$PWD" = /']}
    assert program.make("panel", Options("[acts.panel]", table)).deliver(ORDER) == Delivered()


# ── what comes of how it ends ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("exit 0", Delivered()),
        ("exit 64", Failed(problem="exit_64")),
        ("exit 65", Failed(problem="exit_65")),
        ("exit 77", Failed(problem="exit_77")),
        ("exit 78", Failed(problem="exit_78")),
        ("exit 69", Retry(problem="exit_69")),
        ("exit 75", Retry(problem="exit_75")),
        ("exit 1", Retry(problem="exit_1")),
        ("exit 255", Retry(problem="exit_255")),
        ("kill -TERM $$", Retry(problem="signal_15", detail="it was killed by SIGTERM")),
        ("kill -KILL $$", Retry(problem="signal_9", detail="it was killed by SIGKILL")),
        ("kill -40 $$", Retry(problem="signal_40", detail="it was killed by signal 40")),
    ],
)
def test_how_a_program_ends_says_what_came_of_the_order(
    script: str, outcome: Outcome, tmp_path: Path
) -> None:
    assert shell(tmp_path, script).deliver(ORDER) == outcome


@pytest.mark.parametrize(
    ("make_it", "problem", "says"),
    [
        (lambda file: None, "not_found", "there is no program {file}"),
        (lambda file: file.write_text("exit 0"), "not_executable", "{file} may not be run"),
        (lambda file: file.mkdir(), "not_executable", "{file} may not be run"),
        (
            lambda file: (file.write_text("no magic"), file.chmod(0o755)),
            "not_started",
            "{file} cannot be started: Exec format error",
        ),
        (
            lambda file: (file.write_text("#!/none\n"), file.chmod(0o755)),
            "not_found",
            "there is no program {file}",
        ),
    ],
)
def test_a_program_that_cannot_be_started_is_tried_again_since_it_may_be_mended(
    make_it: Callable[[Path], object], problem: str, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "program"
    make_it(file)
    outcome = adapter(tmp_path, str(file)).deliver(ORDER)
    assert outcome == Retry(problem=problem, detail=says.format(file=file))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    outcome = adapter(gone, "true").deliver(ORDER)
    assert outcome == Retry(problem="no_folder", detail=f"there is no folder {gone}")


def test_what_could_not_be_started_is_missing_before_anything_is_run(tmp_path: Path) -> None:
    program = tmp_path / "program"
    assert adapter(tmp_path / "gone", "true").missing() == f"there is no folder {tmp_path}/gone"
    assert adapter(tmp_path, str(program)).missing() == f"there is no program {program}"
    assert adapter(tmp_path, "./program").missing() == "there is no program ./program"
    assert adapter(tmp_path, "program").missing() == "there is no program program"
    program.touch(0o644)
    assert adapter(tmp_path, "./program").missing() == "./program may not be run"
    program.chmod(0o755)
    for word in (str(program), "./program", "true"):
        assert adapter(tmp_path, word).missing() is None
    assert adapter(tmp_path, "program", environment={"PATH": str(tmp_path)}).missing() is None
    asked = adapter(tmp_path, "true", state_command=["none"])
    assert asked.missing() == "there is no program none"


def test_the_last_line_of_its_errors_is_what_the_desk_is_told(tmp_path: Path) -> None:
    script = (
        "echo first >&2; printf '\\033[31mthe panel \u202eis\\t away: 错误\\n\\n  \\n' >&2; exit 75"
    )
    outcome = shell(tmp_path, script).deliver(ORDER)
    assert outcome == Retry(problem="exit_75", detail="[31mthe panel is away: 错误")


def test_a_long_last_line_is_cut_and_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    script = "printf 'x%.0s' $(seq 3000) >&2; printf '\\377' >&2; exit 78"
    outcome = shell(tmp_path, script).deliver(ORDER)
    assert outcome == Failed(problem="exit_78", detail="x" * 200)


@pytest.mark.parametrize(
    ("script", "after"),
    [
        ("echo 'retry-after: 90'; exit 75", 90),
        ("echo 'Retry-After:7'; exit 75", 7),
        ("echo 'retry-after: 5'; echo 'retry-after: 6'; exit 75", 6),
        ("echo 'retry-after: 90'; exit 69", None),
        ("echo 'retry-after: soon'; exit 75", None),
        ("echo 'retry-after: -5'; exit 75", None),
        ("echo 'retry-after: 99999999999'; exit 75", None),
        ("echo 'retry-after: 90' >&2; exit 75", None),
    ],
)
def test_a_program_that_fails_for_now_may_say_for_how_long(
    script: str, after: int | None, tmp_path: Path
) -> None:
    outcome = shell(tmp_path, script).deliver(ORDER)
    assert isinstance(outcome, Retry)
    assert outcome.after == (None if after is None else timedelta(seconds=after))


# ── a program that does not behave ───────────────────────────────────────────────────────────────


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Callable[[int], list[int]]]:
    """Waits for the file `pids` to hold that many numbers; they are killed in the end."""

    def pids(n: int) -> list[int]:
        file = tmp_path / "pids"
        until(lambda: file.exists() and len(file.read_text().split()) == n, "all have begun")
        return [int(word) for word in file.read_text().split()]

    yield pids
    for word in (tmp_path / "pids").read_text().split():
        try:
            os.kill(int(word), signal.SIGKILL)
        except ProcessLookupError:
            continue


def test_at_its_time_a_program_is_killed_with_all_that_it_has_started(
    tmp_path: Path, family: Callable[[int], list[int]]
) -> None:
    deaf = "trap '' TERM; echo $$ >>pids; while :; do sleep 100; done"
    script = f'sh -c "$DEAF" & (sh -c "$DEAF" &) ; echo $$ >>pids; {deaf}'

    outcome = impatient(shell(tmp_path, script, environment={"DEAF": deaf})).deliver(ORDER)

    assert outcome == Retry(problem="timeout", detail="it was stopped after 0.5 s")
    for pid in family(4):
        until(partial(is_gone, pid), "it is killed")


def test_a_program_that_ends_when_it_is_told_to_is_given_the_time_to_tidy_up(
    tmp_path: Path,
) -> None:
    script = "trap 'touch tidy; exit 0' TERM; while :; do sleep 0.05; done"
    outcome = impatient(shell(tmp_path, script)).deliver(ORDER)
    assert outcome == Retry(problem="timeout", detail="it was stopped after 0.5 s")
    assert (tmp_path / "tidy").exists()


def test_whoever_has_left_the_group_and_holds_the_pipes_holds_nobody_up(
    tmp_path: Path, family: Callable[[int], list[int]]
) -> None:
    script = "setsid sh -c 'echo $$ >>pids; exec sleep 3000' & wait; exec sleep 3000"
    assert problem(impatient(shell(tmp_path, script)).deliver(ORDER)) == "Retry timeout"
    assert is_at_work(family(1)[0])


def test_what_a_program_leaves_running_is_neither_waited_for_nor_killed(
    tmp_path: Path, family: Callable[[int], list[int]]
) -> None:
    # It holds the pipes, and writes into them for ever.
    script = "sh -c 'echo $$ >>pids; while :; do echo x; done' & until test -s pids; do :; done"
    assert shell(tmp_path, f"{script}; exit 0").deliver(ORDER) == Delivered()
    assert len(family(1)) == 1


@pytest.mark.parametrize("stream", [1, 2])
def test_a_program_that_writes_megabytes_is_read_to_its_end(stream: int) -> None:
    script = f"yes | head -c 20000000 >&{stream}; echo the end >&{stream}; exit 3"
    ended = process.run(["sh", "-c", script], timeout_s=PATIENCE_S)
    assert ended.problem == "exit_3"
    written = ended.stdout if stream == 1 else ended.stderr
    assert len(written) == process.MAX_OUTPUT_BYTES
    assert written.endswith(b"y\nthe end\n")


def test_what_lies_in_a_pipe_when_a_program_has_ended_is_read() -> None:
    script = """
import fcntl, os
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20)
os.write(1, b"y" * 900_000 + b"\\nthe end\\n")
"""
    pipe = subprocess.PIPE
    command = [sys.executable, "-ISc", script]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0) as started:
        until(partial(is_gone, started.pid), "it is killed")
        running = process._Running(started, b"")
        assert running.ends_by(time.monotonic() + PATIENCE_S)
        assert running.ended(None).lines[-1] == "the end"
        running.close()


@pytest.mark.parametrize("script", ["exit 0", "exec <&-; sleep 0.1", "head -c 5 >/dev/null"])
def test_a_program_that_never_reads_is_not_waited_for(script: str) -> None:
    ended = process.run(["sh", "-c", script], timeout_s=PATIENCE_S, given=b"x" * 4_000_000)
    assert (ended.problem, ended.status) == (None, 0)


def test_a_program_that_reads_slowly_gets_all_of_it() -> None:
    script = "sleep 0.2; cat | wc -c"
    ended = process.run(["sh", "-c", script], timeout_s=PATIENCE_S, given=b"x" * 4_000_000)
    assert ended.lines == ["4000000"]


def test_orders_of_many_threads_do_not_mix(tmp_path: Path) -> None:
    made = shell(tmp_path, 'read -r order; echo "$order" >&2; exit 75')
    orders = [
        replace(ORDER, id=f"{n}-o{seq}", site_id=n, seq=seq) for n in range(8) for seq in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        for given, outcome in zip(orders, pool.map(made.deliver, orders), strict=True):
            assert detail(outcome).startswith(f'{{"id": "{given.id}", "kind"')


def test_no_descriptor_and_no_process_is_left_over(tmp_path: Path) -> None:
    made = shell(tmp_path, "cat >/dev/null; exit 1")
    made.deliver(ORDER)
    before = held()
    for _ in range(20):
        made.deliver(ORDER)
        impatient(adapter(tmp_path, "sleep", "100"), 0.01).deliver(ORDER)
        adapter(tmp_path, "/none").deliver(ORDER)
    assert held() == before


# ── how a site stands ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ("echo active", "active"),
        ("echo suspended", "suspended"),
        ("echo '  closed  '", "closed"),
        ("echo SUSPENDED", None),
        ("echo active; echo closed", None),
        ("true", None),
        ("echo active; exit 1", None),
        ("echo active; kill -9 $$", None),
    ],
)
def test_a_program_may_tell_how_a_site_stands(
    script: str, state: str | None, tmp_path: Path
) -> None:
    made = adapter(tmp_path, "true", state_command=["sh", "-c", script])
    assert made.state("shop.example") == state


def test_the_program_that_is_asked_gets_the_name_as_data(tmp_path: Path) -> None:
    made = adapter(tmp_path, "true", state_command=["sh", "-c", "cat >asked; echo active"])
    for word in HOSTILE:
        assert made.state(word) == "active"
        asked = json.loads((tmp_path / "asked").read_text())
        assert asked == {"kind": "state", "site": word}
    assert [each.name for each in tmp_path.iterdir()] == ["asked"]


def test_without_a_program_to_ask_nobody_knows(tmp_path: Path) -> None:
    assert adapter(tmp_path, "true").state("shop.example") is None


# ── the settings, and the guide ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "has no command, but it must be there"),
        ({"command": []}, "command = \\[\\], but it must be there"),
        ({"command": [""]}, "a list of texts"),
        ({"command": ["a\0b"]}, "without the character U\\+0000"),
        ({"command": 7}, "a list of texts"),
        ({"command": "/usr/bin/true"}, "must be a list of its words, such as "),
        ({"command": ["true"], "state_command": "true"}, "must be a list of its words"),
        ({"command": ["true"], "timeout": "19s"}, "a duration"),
        ({"command": ["true"], "timeout": 5}, 'a duration such as "10s", from 1s to 18s'),
        ({"command": ["true"], "folder": "here"}, "written from / on"),
        ({"command": ["true"], "environment": {"A=B": "x"}}, "names such as API_HOST"),
        ({"command": ["true"], "environment": {"A": "x\0"}}, "names such as API_HOST"),
        ({"command": ["true"], "environment": {"A": 5}}, "a table of texts"),
    ],
)
def test_a_bad_setting_is_named(table: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        program.make("panel", Options("[acts.panel]", table))


def test_an_unknown_setting_is_named_with_those_that_there_are() -> None:
    with pytest.raises(UnknownSettingError, match="unknown setting 'shell'; choose from"):
        program.make("panel", Options("[acts.panel]", {"command": ["true"], "shell": True}))


def guide_scripts() -> dict[str, str]:
    """The scripts of the guide, by the name that its first comment gives them."""
    blocks = re.findall(r"^```\w+\n(#!.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    found = {}
    for block in blocks:
        named = re.search(r"^# (\S+)$", block, re.MULTILINE)
        assert named is not None, block
        found[named[1]] = block
    return found


def test_the_script_of_the_guide_does_what_it_says(tmp_path: Path) -> None:
    [(name, script)] = guide_scripts().items()
    file = tmp_path / name
    file.write_text(script)
    file.chmod(0o755)
    sites = tmp_path / "sites"
    (sites / "shop.example").mkdir(parents=True)
    made = adapter(tmp_path, str(file), environment={"SITES": str(sites)})
    flag = sites / "shop.example" / "suspended"

    for order, stands in (("suspend", True), ("suspend", True), ("reopen", False), ("close", True)):
        assert made.deliver(replace(ORDER, kind=order)) == Delivered(), order
        assert flag.exists() == stands, order

    for word in ("../../etc", "$(touch x)", "unknown.example"):
        outcome = made.deliver(replace(ORDER, site=word))
        assert outcome == Failed(problem="exit_65", detail="no such site here")
    assert isinstance(made.deliver(replace(ORDER, kind="call")), Failed)
    assert sorted(each.name for each in tmp_path.iterdir()) == [name, "sites"]


def test_the_settings_of_the_guide_are_taken_and_each_is_described() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    found = re.search(r"^```toml\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    assert found is not None
    options = Options("[acts.panel]", tomllib.loads(found[1])["acts"]["panel"])
    assert options.text("type") == "exec"
    assert program.make("panel", options).name == "panel"
    described = set(re.findall(r"^\| `(\w+)` \| ", guide, re.MULTILINE))
    assert options._known - {"type"} == described
