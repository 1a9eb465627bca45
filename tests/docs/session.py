"""The session language: read the sessions of a page, and run one.

A session is a list of commands, the times at which they are typed, and the answers they must give.
docs/reference/sessions/README.md describes the language; this file is all that understands it.
"""

import io
import json
import os
import pwd
import re
import shlex
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from freezegun import freeze_time

Main = Callable[[list[str]], int]

PROGRAM = "incidents"
PERSON = "operator-1"

_HEADING = re.compile(r"## (?P<name>[A-Z]\d?\.\d+[a-z]?)\s*")
_OUTPUTS = ("stdout", "stderr", "output")
_DURATION = re.compile(r"\+(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_EXPECTATION = re.compile(
    r"(?P<count>count\s+)?(?P<path>\S+)\s+(?P<operator>==|!=|contains|lacks)\s+(?P<expected>.+)"
)
_KEEP = re.compile(r"(?P<name>[a-z_][a-z0-9_]*)\s+:=\s+(?P<path>\S+)")
_ASSIGNMENT = re.compile(r"(?P<name>[A-Z_][A-Z0-9_]*)=(?P<value>.*)", re.DOTALL)
_VARIABLE = re.compile(r"\{(?P<name>[a-z_][a-z0-9_]*)\}")
_PATH = re.compile(r"\.?(?P<key>[A-Za-z_]\w*)|\[(?P<index>[^\]]+)\]")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")


class SessionSyntaxError(ValueError):
    """A line that the session language does not know."""


class SessionFailedError(AssertionError):
    """A session did not go as it is written."""


@dataclass(frozen=True, slots=True)
class SetClock:
    """`@ 2026-03-01T10:00:00Z`: from here on, the clock stands at this time."""

    line: int
    at: datetime


@dataclass(frozen=True, slots=True)
class MoveClock:
    """`@ +1h30m`: the clock stands this much later."""

    line: int
    by: timedelta


@dataclass(frozen=True, slots=True)
class WriteFile:
    """`% policy.toml` and the indented lines below it."""

    line: int
    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Command:
    """`$ NAME=value incidents …`, and the exit status that it must have."""

    line: int
    text: str
    environment: Mapping[str, str]
    arguments: tuple[str, ...]
    status: int = 0


@dataclass(frozen=True, slots=True)
class Expect:
    """`? site.state == "suspended"`, about what the last command printed."""

    line: int
    text: str
    path: str
    operator: str
    expected: str
    counted: bool


@dataclass(frozen=True, slots=True)
class Keep:
    """`= first := incident.id`: what `{first}` means from here on."""

    line: int
    name: str
    path: str


Step = SetClock | MoveClock | WriteFile | Command | Expect | Keep


@dataclass(frozen=True, slots=True)
class Session:
    """One block of a page, under its heading: the number of the clause it proves."""

    name: str
    steps: tuple[Step, ...]


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def read_sessions(text: str) -> Iterator[Session]:
    """Read a page's sessions. Raises SessionSyntaxError, with the line's number on the page."""
    lines = text.splitlines()
    headings = [number for number, line in enumerate(lines) if _HEADING.fullmatch(line)]
    for start, end in pairwise([*headings, len(lines)]):
        heading = _HEADING.fullmatch(lines[start])
        assert heading is not None
        fences = [number for number in range(start, end) if lines[number].startswith("```")]
        if len(fences) != 2 or lines[fences[0]] != "```console":
            raise SessionSyntaxError(f"line {start + 1}: {heading['name']} needs one console block")
        block = "\n".join(lines[fences[0] + 1 : fences[1]])
        yield parse_session(block, heading["name"], fences[0] + 2)


def parse_session(text: str, name: str = "session", first_line: int = 1) -> Session:
    """Read one block. Raises SessionSyntaxError."""
    steps: list[Step] = []
    lines = list(enumerate(text.splitlines(), first_line))
    while lines:
        number, line = lines.pop(0)
        if line.startswith("%"):
            content = _take_indented(lines)
            steps.append(WriteFile(number, line.removeprefix("%").strip(), content))
        elif line.startswith("exit "):
            _expect_status(steps, number, line)
        elif line.strip() and not line.startswith("#"):
            steps.append(_parse_line(number, line))
    _check_that_the_clock_is_set_first(steps, first_line)
    return Session(name, tuple(steps))


def _take_indented(lines: list[tuple[int, str]]) -> str:
    taken = []
    while lines and (lines[0][1].startswith(" ") or not lines[0][1].strip()):
        taken.append(lines.pop(0)[1])
    return textwrap.dedent("\n".join(taken)).strip() + "\n"


def _expect_status(steps: list[Step], number: int, line: str) -> None:
    command = steps[-1] if steps else None
    if not isinstance(command, Command):
        raise SessionSyntaxError(f"line {number}: an exit status follows its command: {line!r}")
    status = int(line.removeprefix("exit "))
    steps[-1] = Command(command.line, command.text, command.environment, command.arguments, status)


def _parse_line(number: int, line: str) -> Step:
    mark, _, rest = line.partition(" ")
    rest = rest.strip()
    if mark == "@":
        return _parse_clock(number, rest)
    if mark == "$":
        return _parse_command(number, rest)
    if mark == "?" and (found := _EXPECTATION.fullmatch(rest)):
        return Expect(
            number, rest, found["path"], found["operator"], found["expected"], bool(found["count"])
        )
    if mark == "=" and (found := _KEEP.fullmatch(rest)):
        return Keep(number, found["name"], found["path"])
    raise SessionSyntaxError(f"line {number}: not a line of a session: {line!r}")


def _parse_clock(number: int, text: str) -> SetClock | MoveClock:
    if (found := _DURATION.fullmatch(text)) and any(found.groups()):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        by = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return MoveClock(number, by)
    if _INSTANT.fullmatch(text):
        return SetClock(number, _instant(text))
    raise SessionSyntaxError(f"line {number}: neither a time nor a duration: {text!r}")


def _parse_command(number: int, text: str) -> Command:
    words = shlex.split(text)
    environment = {}
    while words and (found := _ASSIGNMENT.fullmatch(words[0])):
        environment[found["name"]] = found["value"]
        words.pop(0)
    if not words or words[0] != PROGRAM:
        raise SessionSyntaxError(f"line {number}: not a command of {PROGRAM}: {text!r}")
    return Command(number, text, environment, tuple(words[1:]))


def _check_that_the_clock_is_set_first(steps: Sequence[Step], first_line: int) -> None:
    acts = [step for step in steps if not isinstance(step, WriteFile)]
    if not acts or not isinstance(acts[0], SetClock):
        raise SessionSyntaxError(f"line {first_line}: a session begins with its clock")


# ── running ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Answer:
    """The output of one command, and the document in it."""

    status: int
    stdout: str
    stderr: str
    document: object

    @property
    def output(self) -> str:
        """All that a person would have seen."""
        return self.stdout + self.stderr


@dataclass(slots=True)
class _Run:
    main: Main
    folder: Path
    environment: Mapping[str, str]
    variables: dict[str, Any] = field(default_factory=lambda: {"login": _login_name()})
    answer: Answer | None = None


def run_session(session: Session, main: Main, folder: Path, environment: Mapping[str, str]) -> None:
    """Run it in `folder`, its clock frozen. Raises SessionFailedError at the first difference.

    `environment` is what each of its commands finds set, beside the person of a session.
    """
    run = _Run(main, folder, {"INCIDENTS_AS": PERSON, **environment})
    clock = next(step.at for step in session.steps if isinstance(step, SetClock))
    with chdir(folder), freeze_time(clock, tick=False) as frozen:
        for step in session.steps:
            if isinstance(step, SetClock | MoveClock):
                clock = step.at if isinstance(step, SetClock) else clock + step.by
                frozen.move_to(clock)
                continue
            if complaint := _take(run, step):
                raise SessionFailedError(_tell(session, step, complaint, run.answer))


def _login_name() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _take(run: _Run, step: WriteFile | Command | Expect | Keep) -> str | None:
    """Take one step; the answer says what is wrong."""
    match step:
        case WriteFile():
            (run.folder / step.name).write_text(step.content, encoding="utf-8")
            return None
        case Command():
            return _take_command(run, step)
        case Keep():
            found = _find(run, step.path)
            run.variables[step.name] = found
            return f"nothing to keep at {step.path}" if isinstance(found, Missing) else None
        case Expect():
            return _differs(run, step)


def _take_command(run: _Run, step: Command) -> str | None:
    arguments = [_fill(word, run.variables) for word in step.arguments]
    with _environment({**run.environment, **step.environment}), _captured() as (stdout, stderr):
        status = run.main(arguments)
    out, err = stdout.text(), stderr.text()
    run.answer = Answer(status, out, err, _document(out, err, status))
    if status != step.status:
        return f"exit status {status}, expected {step.status}"
    return None


def _differs(run: _Run, step: Expect) -> str | None:
    found = _find(run, step.path)
    expected = _value(step.expected, run.variables)
    if step.counted and isinstance(found, list):
        found = len(found)
    if isinstance(found, Missing):
        return f"nothing at {step.path}: {found.reason}"
    holds = {
        "==": lambda: _same(found, expected),
        "!=": lambda: not _same(found, expected),
        "contains": lambda: _contains(found, expected),
        "lacks": lambda: not _contains(found, expected),
    }[step.operator]()
    return None if holds else f"found {json.dumps(found, ensure_ascii=False)}"


def _tell(session: Session, step: Step, complaint: str, answer: Answer | None) -> str:
    said = f"? {step.text}" if isinstance(step, Expect) else f"{step}"
    said = f"$ {step.text}" if isinstance(step, Command) else said
    printed = f"\nstdout:\n{answer.stdout}\nstderr:\n{answer.stderr}" if answer else ""
    return f"{session.name}, line {step.line}: {said}\n{complaint}{printed}"


class _Sink(io.TextIOWrapper):
    """A stream with a `buffer`, as a real standard output has."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        super().__init__(self._bytes, encoding="utf-8", newline="\n", write_through=True)

    def text(self) -> str:
        self.flush()
        return self._bytes.getvalue().decode("utf-8")


@contextmanager
def _captured() -> Iterator[tuple[_Sink, _Sink]]:
    """Catch what is printed. There is no terminal, and nothing to read."""
    stdin = io.TextIOWrapper(io.BytesIO(b""), encoding="utf-8")
    with (
        patch.object(sys, "stdin", stdin),
        redirect_stdout(_Sink()) as stdout,
        redirect_stderr(_Sink()) as stderr,
    ):
        yield stdout, stderr


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set these variables for a while; an empty one is taken away."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in values.items():
            if value:
                patched.setenv(name, value)
            else:
                patched.delenv(name, raising=False)
        yield


# ── documents, paths and values ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Missing:
    """The reason why a path leads nowhere."""

    reason: str


def _document(stdout: str, stderr: str, status: int) -> object:
    """The JSON that a command printed: its answer, or its refusal, which stands among the logs."""
    if status == 3:
        return next((found for found in _objects(stderr) if "refused" in found), None)
    try:
        return json.loads(stdout)
    except ValueError:
        return None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    for begin in re.finditer(r"^\{", text, re.MULTILINE):
        try:
            found, _ = decoder.raw_decode(text, begin.start())
        except ValueError:
            continue
        yield found


def _find(run: _Run, path: str) -> object:
    if run.answer is None:
        return Missing("no command has run")
    if path in _OUTPUTS:
        return getattr(run.answer, path)
    if run.answer.document is None:
        return Missing("the command printed no JSON document")
    return find(run.answer.document, _fill(path, run.variables))


def find(document: object, path: str) -> object:
    """Find the value at a path such as `events[kind=site_closed][0].rule`, or Missing."""
    found = document
    position = 0
    while position < len(path):
        part = _PATH.match(path, position)
        if part is None:
            raise SessionSyntaxError(f"not a path: {path!r}")
        index, key = part["index"], part["key"]
        if index == "*":
            return _find_in_each(found, path[part.end() :])
        found = _step_into(found, key) if key else _step_at(found, index)
        if isinstance(found, Missing):
            return found
        position = part.end()
    return found


def _find_in_each(found: object, path: str) -> object:
    if not isinstance(found, list):
        return Missing(f"not a list: {found!r}")
    each = [find(element, path) for element in found]
    return next((element for element in each if isinstance(element, Missing)), each)


def _step_into(found: object, key: str) -> object:
    if not isinstance(found, dict):
        return Missing(f"no object to look for {key!r} in: {found!r}")
    return found.get(key, Missing(f"no {key!r} among {sorted(found)}"))


def _step_at(found: object, index: str) -> object:
    if not isinstance(found, list):
        return Missing(f"not a list: {found!r}")
    key, is_filter, value = index.partition("=")
    if is_filter:
        return [one for one in found if isinstance(one, dict) and _as_word(one.get(key)) == value]
    try:
        return found[int(index)]
    except IndexError:
        return Missing(f"no [{index}] in a list of {len(found)}")


def _as_word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _fill(text: str, variables: Mapping[str, Any]) -> str:
    return _VARIABLE.sub(lambda found: _as_word(_known(found["name"], variables)), text)


def _value(text: str, variables: Mapping[str, Any]) -> object:
    """The right side of an expectation: JSON, or something kept."""
    if found := _VARIABLE.fullmatch(text):
        return _known(found["name"], variables)
    try:
        return json.loads(text)
    except ValueError as error:
        raise SessionSyntaxError(f"neither JSON nor something kept: {text!r}") from error


def _known(name: str, variables: Mapping[str, Any]) -> object:
    if name not in variables:
        raise SessionSyntaxError(f"nothing has been kept as {name!r}")
    return variables[name]


def _same(one: object, other: object) -> bool:
    """Equal as JSON is; two times are equal if they are one instant."""
    if isinstance(one, str) and isinstance(other, str):
        if _INSTANT.fullmatch(one) and _INSTANT.fullmatch(other):
            return _instant(one) == _instant(other)
        return one == other
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _contains(found: object, expected: object) -> bool:
    """A list by its elements, a text by its letters, small or capital."""
    if isinstance(found, list):
        return any(_same(element, expected) for element in found)
    return _as_word(expected).lower() in _as_word(found).lower()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
