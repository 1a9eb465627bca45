"""The session language itself, run with a program that is made up."""

import json
import os
import pwd
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from tests.docs.session import (
    Command,
    Main,
    Missing,
    SessionFailedError,
    SessionSyntaxError,
    find,
    parse_session,
    read_sessions,
    run_session,
)

Run = Callable[..., None]

DOCUMENT: dict[str, Any] = {
    "site": {"state": "active", "rule": None, "held": False, "run": 2},
    "at": "2026-03-01T18:00:00+08:00",
    "events": [
        {"kind": "logged", "id": "7", "n": 1},
        {"kind": "closed", "id": "8", "n": 2},
        {"kind": "logged", "id": "9", "n": None},
    ],
}


def answer(document: object) -> Main:
    def main(arguments: list[str]) -> int:
        print(json.dumps(document))  # noqa: T201 - it stands in for a program that prints
        return 0

    return main


SHOW: Main = answer(DOCUMENT)


@pytest.fixture(scope="module")
def _frozen() -> Iterator[None]:
    """Time stands still from the first session to the last: to stop it is what costs most."""
    with freeze_time("2026-01-01"):
        yield


@pytest.fixture
def run(_frozen: None, tmp_path: Path) -> Run:
    def run_text(text: str, main: Main = SHOW, **environment: str) -> None:
        run_session(parse_session(text), main, tmp_path, environment)

    return run_text


@pytest.mark.parametrize(
    "expectation",
    [
        'site.state == "active"',
        'site.state != "closed"',
        'site.state contains "ACT"',
        'site.state lacks "closed"',
        "site.rule == null",
        "site.held == false",
        "site.held != 0",
        "site.run == 2",
        'at == "2026-03-01T10:00:00Z"',
        'at == "2026-03-01T10:00:00.000000Z"',
        'at != "2026-03-01T10:00:00.000001Z"',
        'events[0].kind == "logged"',
        'events[-1].id == "9"',
        'events[*].kind == ["logged", "closed", "logged"]',
        'events[*].kind contains "closed"',
        'events[*].kind lacks "close"',
        'events[kind=closed][0].id == "8"',
        "count events == 3",
        "count events[kind=logged] == 2",
        "count events[n=2] == 1",
        "count events[n=null] == 1",
        "count events[kind=opened] == 0",
        "count events != 2",
        'stdout contains "closed"',
        'output contains "closed"',
        'stderr == ""',
    ],
)
def test_an_expectation_that_holds(run: Run, expectation: str) -> None:
    run(f"@ 2026-03-01T10:00:00Z\n$ incidents show\n? {expectation}")


@pytest.mark.parametrize(
    "expectation",
    [
        'site.state == "closed"',
        'site.state != "active"',
        "site.held == 0",
        "site.held == null",
        'at == "2026-03-01T10:00:01Z"',
        "count events == 2",
        'events[kind=opened][0].id == "8"',
        "events[3].n == 1",
        "site.nothing == null",
        'site.nothing != "something"',
        'events.kind == "logged"',
        "site[0] == 1",
        'site[*] contains "x"',
        'events[*].nothing contains "x"',
        "stdout lacks 7",
        'stderr contains "x"',
    ],
)
def test_an_expectation_that_fails(run: Run, expectation: str) -> None:
    with pytest.raises(SessionFailedError, match="line 3: "):
        run(f"@ 2026-03-01T10:00:00Z\n$ incidents show\n? {expectation}")


def test_a_failure_tells_the_session_the_line_and_what_was_printed(run: Run) -> None:
    with pytest.raises(SessionFailedError) as failure:
        run('@ 2026-03-01T10:00:00Z\n\n$ incidents show\n? site.run == 3\n? site.state == "x"')
    told = str(failure.value)
    assert "session, line 4: ? site.run == 3\nfound 2" in told
    assert '"state": "active"' in told


def test_the_clock_stands_moves_on_and_steps_back(run: Run) -> None:
    seen = []

    def main(arguments: list[str]) -> int:
        seen.append((datetime.now(UTC), time.time()))
        return 0

    run(
        """
@ 2026-03-01T18:00:00+08:00
$ incidents a
$ incidents a
@ +1h30m
$ incidents a
@ +1d1s
$ incidents a
@ 2026-02-01T00:00:00Z
$ incidents a
        """.replace("        ", ""),
        main,
    )
    expected = [
        datetime(2026, 3, 1, 10, tzinfo=UTC),
        datetime(2026, 3, 1, 10, tzinfo=UTC),
        datetime(2026, 3, 1, 11, 30, tzinfo=UTC),
        datetime(2026, 3, 2, 11, 30, 1, tzinfo=UTC),
        datetime(2026, 2, 1, tzinfo=UTC),
    ]
    assert seen == [(at, at.timestamp()) for at in expected]


def test_a_command_gets_its_words_its_environment_and_nothing_to_read(run: Run) -> None:
    seen = []

    def main(arguments: list[str]) -> int:
        names = ("INCIDENTS_AS", "INCIDENTS_ZONE", "LOGNAME")
        seen.append((arguments, [os.environ.get(name) for name in names]))
        assert not sys.stdin.isatty()
        assert sys.stdin.read() == ""
        return 0

    run(
        "@ 2026-03-01T10:00:00Z\n"
        '$ incidents void 1 --reason "two words"\n'
        "$ INCIDENTS_AS=operator-2 INCIDENTS_ZONE= LOGNAME=clerk incidents log shop.example\n"
        "$ incidents queue",
        main,
        INCIDENTS_ZONE="UTC",
        LOGNAME="somebody",
    )
    assert seen == [
        (["void", "1", "--reason", "two words"], ["operator-1", "UTC", "somebody"]),
        (["log", "shop.example"], ["operator-2", None, "clerk"]),
        (["queue"], ["operator-1", "UTC", "somebody"]),
    ]
    assert "INCIDENTS_AS" not in os.environ


def test_an_exit_status_is_expected_and_is_0_if_nothing_is_said(run: Run) -> None:
    def main(arguments: list[str]) -> int:
        return int(arguments[0])

    run("@ 2026-03-01T10:00:00Z\n$ incidents 0\n$ incidents 3\nexit 3\n$ incidents 4\nexit 4", main)
    with pytest.raises(SessionFailedError, match="exit status 3, expected 0"):
        run("@ 2026-03-01T10:00:00Z\n$ incidents 3", main)
    with pytest.raises(SessionFailedError, match="exit status 0, expected 3"):
        run("@ 2026-03-01T10:00:00Z\n$ incidents 0\nexit 3", main)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_refusal_is_read_from_among_the_log_lines_of_stderr(run: Run, indent: int | None) -> None:
    def main(arguments: list[str]) -> int:
        refused = {"refused": {"name": "future", "message": "not yet"}}
        print('{"event": "a warning"}\n{ not JSON', file=sys.stderr)  # noqa: T201
        print(json.dumps(refused, indent=indent), file=sys.stderr)  # noqa: T201
        return 3

    run(
        "@ 2026-03-01T10:00:00Z\n$ incidents log\nexit 3\n"
        '? refused.name == "future"\n? stderr contains "not yet"\n? stdout == ""',
        main,
    )


def test_bytes_may_be_printed_too(run: Run) -> None:
    def main(arguments: list[str]) -> int:
        sys.stdout.write('["')
        sys.stdout.buffer.write("备案".encode())
        sys.stdout.write('"]\n')
        return 0

    run('@ 2026-03-01T10:00:00Z\n$ incidents show\n? stdout contains "备案"', main)


def test_a_value_is_kept_for_later_commands_paths_and_expectations(run: Run) -> None:
    seen = []

    def main(arguments: list[str]) -> int:
        seen.append(arguments)
        return answer(DOCUMENT)(arguments)

    run(
        "@ 2026-03-01T10:00:00Z\n$ incidents log\n= first := events[0].id\n= two := site.run\n"
        "$ incidents show {first} {two}\n"
        '? events[id={first}][0].kind == "logged"\n? events[0].id == {first}\n? site.run == {two}',
        main,
    )
    assert seen == [["log"], ["show", "7", "2"]]


def test_the_login_name_is_known_from_the_start(run: Run) -> None:
    login = pwd.getpwuid(os.getuid()).pw_name
    run("@ 2026-03-01T10:00:00Z\n$ incidents why\n? by == {login}", answer({"by": login}))


def test_nothing_can_be_kept_from_where_nothing_is(run: Run) -> None:
    with pytest.raises(SessionFailedError, match=r"nothing to keep at incident\.id"):
        run("@ 2026-03-01T10:00:00Z\n$ incidents log\n= first := incident.id")


def test_an_expectation_before_any_command_fails(run: Run) -> None:
    with pytest.raises(SessionFailedError, match="no command has run"):
        run("@ 2026-03-01T10:00:00Z\n? site.run == 2")


def test_an_answer_that_is_no_json_has_no_paths(run: Run) -> None:
    def main(arguments: list[str]) -> int:
        print("closed")  # noqa: T201
        return 0

    run('@ 2026-03-01T10:00:00Z\n$ incidents why\n? stdout == "closed\\n"', main)
    with pytest.raises(SessionFailedError, match="no JSON document"):
        run('@ 2026-03-01T10:00:00Z\n$ incidents why\n? site.state == "closed"', main)


def test_a_file_is_written_where_the_commands_run(run: Run) -> None:
    seen = []

    def main(arguments: list[str]) -> int:
        seen.append(Path(arguments[0]).read_text(encoding="utf-8"))
        return 0

    before = Path.cwd()
    run(
        "% policy.toml\n    [repeat]\n    count = 2\n\n    # three\n"
        "@ 2026-03-01T10:00:00Z\n# a remark\n$ incidents policy.toml",
        main,
    )
    assert seen == ["[repeat]\ncount = 2\n\n# three\n"]
    assert Path.cwd() == before


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("$ incidents log", "begins with its clock"),
        ("", "begins with its clock"),
        ("@ +1h\n$ incidents log", "begins with its clock"),
        ("@ tomorrow", "line 1: neither a time nor a duration"),
        ("@ +", "neither a time nor a duration"),
        ("@ 2026-03-01T10:00:00", "neither a time nor a duration"),
        ("@ 2026-03-01T10:00:00Z\n$ rm -r .", "line 2: not a command of incidents"),
        ("@ 2026-03-01T10:00:00Z\n? site.state = 3", "line 2: not a line of a session"),
        ("@ 2026-03-01T10:00:00Z\n= a = b", "not a line of a session"),
        ("@ 2026-03-01T10:00:00Z\nexit 3", "line 2: an exit status follows its command"),
        ("@ 2026-03-01T10:00:00Z\nlog", "not a line of a session"),
    ],
)
def test_a_line_that_is_none_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(SessionSyntaxError, match=complaint):
        parse_session(text)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("? site.run == two", "neither JSON nor something kept"),
        ("? site.run == {two}", "nothing has been kept as 'two'"),
        ("$ incidents show {two}", "nothing has been kept as 'two'"),
        ("? site-run == 2", "not a path"),
    ],
)
def test_a_line_that_cannot_be_understood_when_it_is_run(
    run: Run, line: str, complaint: str
) -> None:
    with pytest.raises(SessionSyntaxError, match=complaint):
        run(f"@ 2026-03-01T10:00:00Z\n$ incidents log\n{line}")


def test_a_path_that_leads_nowhere_says_where_it_ended() -> None:
    assert find(DOCUMENT, "site.nothing") == Missing(
        "no 'nothing' among ['held', 'rule', 'run', 'state']"
    )


PAGE = """
# Sessions of R1

## R1.1

A remark.

```console
@ 2026-03-01T10:00:00Z
$ incidents queue
exit 3
```

## How to read one

## R1.2a

```console
@ 2026-03-01T10:00:00Z
```
"""


def test_a_page_has_sessions_with_the_numbers_of_their_clauses() -> None:
    first, second = read_sessions(PAGE)
    assert [first.name, second.name] == ["R1.1", "R1.2a"]
    assert first.steps[1] == Command(10, "incidents queue", {}, ("queue",), 3)


def test_a_heading_without_one_block_is_refused() -> None:
    with pytest.raises(SessionSyntaxError, match=r"R1\.3 needs one console block"):
        list(read_sessions(PAGE + "\n## R1.3\n\nNothing here.\n"))
