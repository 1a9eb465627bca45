"""A canary: somebody's number, address and name, put in wherever a command takes text.

They are in `sealed` alone, and after an erasure nowhere in the database's files.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import click
import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.cli.root import root
from tests.cli.conftest import NOON, Cli
from tests.conftest import WriteSettings

PHONE = "+86 10 5555 0177"
MAIL = "canary@birds.invalid"
# No district has a number that begins like that.
NUMBER = "990101199001019990"
NAME = "Kanarija Gelbvogel"
CANARY = (PHONE, MAIL, NUMBER, NAME)
SONG = " ".join(CANARY)
KEPT = timedelta(days=184, seconds=1)

Texts = set[tuple[str, str]]
"""Commands as they are typed, each with the name of one of its parameters."""

CODES: Texts = {
    # A code, which is written into the record as it is: what may be a number or an address is
    # refused (see below), and a name cannot be told from a word.
    ("log", "category"), ("site false-info", "field"), ("done", "outcome"),
    ("filing server", "label"), ("filing document", "label"), ("report log", "category"),
}  # fmt: skip
"""What takes text and cannot take the canary."""
NOT_KEPT: Texts = {
    ("db grants", "role"), ("db grants", "eraser"), ("queue", "category"), ("queue", "holder"),
}  # fmt: skip
"""What is printed or looked for, and written down nowhere."""


def _commands(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _commands(found, f"{path} {name}".strip())


def _taken() -> Texts:
    """Every parameter that takes people's own words; a key is the asker's, and no words."""
    return {
        (path, str(parameter.name))
        for path, command in _commands(root)
        for parameter in command.params
        if getattr(getattr(parameter.type, "func", None), "__qualname__", "").startswith("text.")
        and parameter.name != "key"
    }


class Singer:
    """Gives commands, and keeps in mind which words it has put the canary into."""

    def __init__(self, cli: Cli, clock: FrozenDateTimeFactory) -> None:
        self._cli = cli
        self._clock = clock
        self._parameters = {path: command.params for path, command in _commands(root)}
        self._given = 0
        self.sung: Texts = set()

    def __call__(self, *args: str, by: str = "li", key: bool = True) -> str:
        """What it answers; each act a minute after the one before, with a key of its own."""
        self._clock.tick(timedelta(minutes=1))
        self._given += 1
        keyed = ("--key", f"k{self._given}") if key else ()
        result = self._cli(*args, "--as", by, *keyed)
        assert result.status == 0, (args, result.err)
        self._remember(args)
        return result.out

    def _remember(self, args: tuple[str, ...]) -> None:
        begun = (" ".join(args[:n]) for n in (3, 2, 1))
        path = next(path for path in begun if path in self._parameters)
        given = dict(pairwise(args))
        for parameter in self._parameters[path]:
            if any(_birds_in(given[name]) for name in parameter.opts if name in given):
                self.sung.add((path, str(parameter.name)))


def _sing(sing: Singer, folder: Path) -> None:
    """A history in which each command that takes words is given once at least."""
    whom = ("--phone", PHONE, "--email", MAIL, "--person", NAME)
    note, reason = ("--note", SONG), ("--reason", SONG)
    sing("site", "add", "shop.example", *whom)
    sing("site", "edit", "shop.example", "--phone", f"{PHONE}1", "--email", f"x{MAIL}", "--person",
         f"{NAME} II")  # fmt: skip
    sing("filing", "set", "shop.example", f"responsible_name={SONG}", f"home_url={SONG}")
    sing("filing", "server", "shop.example", "main", "--place", SONG, "--city", SONG)
    sing("log", "shop.example", *note)
    sing("contact", "1-1", "no-answer", *note)
    sing("contact", "1-1", "reached", *note)
    sing("removed", "1-1", *note)
    sing("undo", "1-1", *reason)
    sing("recur", "1-1", *note)
    sing("void", "1-2", *reason)
    sing("undo", "1-1-1", *reason)
    file = folder / f"{SONG}.txt"
    file.write_text(SONG, encoding="utf-8")
    sing("attach", "1-1", str(file))
    sing("note", "1-1", SONG)
    sing("note", "1-1", SONG, "--to-customer")
    sing("police", "done", "1-1", "--ref", SONG)
    sing("removed", "1-1", *note)
    sing("site", "hold", "shop.example", *reason)
    sing("site", "hold", "shop.example", "--lift", *reason)
    sing("site", "false-info", "shop.example", "--field", "phone", "--evidence", SONG,
         "--confirm", "shop.example")  # fmt: skip
    sing("site", "reinstate", "shop.example", *reason)
    sing("decline", "shop.example", *reason, by="wang")

    sing("site", "add", "told.example", *whom)
    sing("log", "told.example", *note)
    sing("contact", "told.example", "reached", *note)
    sing("refused", "2-1", *note, "--confirm", "told.example")

    sing("site", "add", "often.example", *whom)
    for _ in range(4):
        sing("log", "often.example", "--again", *note)
    sing("void", "3-1", *reason)
    sing("orders", "cancel", "3-o2.notice", *reason)
    sing("void", "3-2", *reason)
    sing("site", "uphold", "often.example", *reason)
    for item in _tasks(sing):
        sing("done", item, *note)

    for name in ("one", "csam"):
        mail = folder / f"{name}.eml"
        mail.write_text(f"From: {MAIL}\nSubject: {name} {SONG}\n\n{SONG}\n", encoding="utf-8")
        sing("report", "receive", str(mail), key=False)
    sing("report", "log", "r1", "told.example", *note)
    sing("report", "dismiss", "r2", *reason)
    sing("report", "reopen", "r2", *reason)
    sing("report", "dismiss", "r2", *reason)
    sing("report", "source", "r2", "-o", str(folder / "r2.bin"), *reason, key=False)
    for standing in ("trusted", "none"):
        sing("report", "reporter", "mark", MAIL, standing, *reason, key=False)

    row = {"occurred_at": "2026-01-05T10:00:00Z", "site": "old.example", "note": SONG,
           "removed_at": "2026-01-05T11:00:00Z"}  # fmt: skip
    (folder / "history.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    sing("import", str(folder / "history.jsonl"), key=False)
    (folder / "four.toml").write_text("[repeat]\ncount = 4\n", encoding="utf-8")
    (folder / "two.toml").write_text("[closure]\ntwo_people = true\n", encoding="utf-8")
    (folder / "rules.toml").write_text("")
    sing("report", "rules", "activate", str(folder / "rules.toml"), *reason)
    sing("policy", "activate", str(folder / "two.toml"), *reason)
    sing("site", "add", "asked.example", *whom)
    sing("site", "false-info", "asked.example", "--field", "phone", "--evidence", SONG)
    sing("decline", "asked.example", *reason)
    sing("policy", "activate", str(folder / "four.toml"), *reason)
    sing("audit", "key", "new", "birds.example/log", key=False)
    sing("audit", "key", "rotate", *reason, key=False)
    sing("db", "rekey", *reason, key=False)
    sing("recover", *reason, key=False)


def _tasks(sing: Singer) -> list[str]:
    items = json.loads(sing("queue", "--json", key=False))["items"]
    tasks = [item["id"] for item in items if "-t" in item["id"]]
    assert tasks
    return tasks


@pytest.fixture
def sing(
    cli: Cli, clock: FrozenDateTimeFactory, tmp_path: Path, write_settings: WriteSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> Singer:  # fmt: skip
    """A desk at which the canary has been put in everywhere, but for the erasure itself."""
    monkeypatch.setenv("INCIDENTS_EVIDENCE", str(tmp_path / "evidence"))
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    write_settings('[retention]\nkeep = "184d"\n')
    singer = Singer(cli, clock)
    _sing(singer, tmp_path)
    return singer


def _erase_all(sing: Singer, cli: Cli, clock: FrozenDateTimeFactory, folder: Path) -> None:
    """Each site on demand, then by time what is the desk's own."""
    clock.move_to(NOON + KEPT + timedelta(days=1))
    for site in ("shop.example", "told.example", "often.example", "old.example", "asked.example"):
        sing("person", "erase", site, "--reason", SONG, "--confirm", site, key=False)
    (folder / "five.toml").write_text("[repeat]\ncount = 5\n", encoding="utf-8")
    assert cli("policy", "activate", str(folder / "five.toml"), "--reason", "agreed").status == 0
    clock.tick(KEPT + timedelta(days=1))
    answer = cli("retention", "run")
    assert answer.status == 0, answer.err


def _birds_in(text: str) -> list[str]:
    return [bird for bird in CANARY if bird in text]


def _cells(url: str) -> Iterator[tuple[str, str]]:
    """All that the database holds, as text, each with its table."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.text_factory = lambda raw: raw.decode(errors="replace")
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in names.fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from ((table, str(cell)) for cell in row)


def _bytes(url: str) -> bytes:
    file = Path(url.removeprefix("sqlite:///"))
    return b"".join(path.read_bytes() for path in sorted(file.parent.glob(f"{file.name}*")))


def test_every_word_that_a_command_takes_has_had_the_canary(
    sing: Singer, cli: Cli, clock: FrozenDateTimeFactory, tmp_path: Path
) -> None:
    _erase_all(sing, cli, clock, tmp_path)
    assert _taken() - sing.sung == CODES | NOT_KEPT


def test_the_canary_is_in_sealed_alone(sing: Singer, db_url: str) -> None:
    found = {table for table, cell in _cells(db_url) if _birds_in(cell)}
    assert found == {"sealed"}


@pytest.mark.parametrize("given", [PHONE, MAIL, NUMBER])
def test_a_code_cannot_hold_it_nor_can_the_name_of_who_acts(cli: Cli, given: str) -> None:
    cli("site", "add", "shop.example")
    for act in (
        ("log", "shop.example", "--category", given),
        ("site", "false-info", "shop.example", "--field", given, "--evidence", "it is",
         "--confirm", "shop.example"),
        ("log", "shop.example", "--as", given),
    ):  # fmt: skip
        assert cli(*act).status == 3, act


def test_no_export_and_no_log_of_the_daemon_has_it(sing: Singer, cli: Cli, tmp_path: Path) -> None:
    for form in ("jsonl", "csv"):
        export = cli("audit", "export", "--format", form).out
        assert export.count("sha256:") > 50
        assert _birds_in(export) == []
    assert cli("audit", "checkpoint").status == 0
    for name, part in (("whole", ()), ("part", ("--site", "shop.example"))):
        folder = tmp_path / name
        bundle = cli("audit", "export", "--format", "bundle", *part, "-o", str(folder))
        assert bundle.status == 0, bundle.err
        files = [file for file in folder.rglob("*") if file.is_file()]
        assert len(files) > 5
        assert [
            file for file in files if _birds_in(file.read_bytes().decode(errors="replace"))
        ] == []
    once = cli("daemon", "--once", "--json")
    assert once.status == 0
    assert _birds_in(once.out + once.err) == []


def test_after_an_erasure_it_is_nowhere_and_all_proves_as_before(
    sing: Singer, cli: Cli, clock: FrozenDateTimeFactory, db_url: str, tmp_path: Path
) -> None:
    before = cli("audit", "export").out
    assert _birds_in(_bytes(db_url).decode(errors="replace")) == list(CANARY)
    kept = [path for path in (tmp_path / "evidence").rglob("*") if path.is_file()]
    assert len(kept) == 3
    # While somebody else has the file open, as a daemon has, its log is not cut by closing it.
    with closing(sqlite3.connect(db_url.removeprefix("sqlite:///"))) as daemon:
        daemon.execute("SELECT count(*) FROM sites").fetchall()
        _erase_all(sing, cli, clock, tmp_path)
        assert _birds_in(_bytes(db_url).decode(errors="replace")) == []
    assert [path for path in kept if path.exists()] == []
    assert cli("audit", "replay").status == 0
    assert cli("audit", "checkpoint").status == 0
    verified = cli("audit", "verify")
    assert verified.status == 0, verified.out
    assert cli("audit", "export").out.startswith(before)
    for look in (("show", "1-1"), ("site", "why", "shop.example"), ("policy", "history")):
        shown = cli(*look)
        assert shown.status == 0
        assert _birds_in(shown.out) == []
