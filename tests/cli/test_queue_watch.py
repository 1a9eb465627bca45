"""The watch: the real program on a real terminal, at which somebody works through a shift."""

import signal
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import insert, select

from incidents import clock
from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.store.database import engine
from incidents.store.database.engine import reading, writing
from incidents.store.schema.tables import FAR, contacts, incidents, work
from tests.cli.terminal_session import WATCH, terminal_session

NUMBER, MASKED = "+86 10 5555 0100", "+86 10 •••• ••00"
IN_PYTHON = (sys.executable, "-c")


def environment(url: str) -> dict[str, str]:
    return {"INCIDENTS_DB": url, "INCIDENTS_AS": "li", "INCIDENTS_CLOCK": "own"}


def do(url: str, *acts: tuple[str, c.Command]) -> None:
    """Acts on sites, as somebody else does them beside the screen."""
    database = engine.create(url)
    envelopes = [Envelope(site=site, command=command) for site, command in acts]
    answers = Desk(database).submit(envelopes)
    database.dispose()
    assert [answer.refusal for answer in answers] == [None] * len(acts)


def log(site: str = "a.example") -> tuple[str, c.Command]:
    return site, c.Log(by="zhang", again=True)


def begin(url: str) -> Mapping[str, str]:
    """Two sites, a violation on each; the environment of who sits down."""
    for site, person in (("a.example", "王伟"), ("b.example", None)):
        do(url, (site, c.AddSite(by="zhang", phone=NUMBER, person=person)), log(site))
    return environment(url)


def on_record(url: str) -> tuple[list[tuple[str, str]], list[str]]:
    """The contacts, outcome and person, and the states of all incidents."""
    database = engine.create(url)
    with reading(database) as connection:
        rows = connection.execute(select(contacts.c.outcome, contacts.c.by).order_by(contacts.c.n))
        found = [(row.outcome, row.by) for row in rows]
        states = select(incidents.c.state).order_by(incidents.c.site_id, incidents.c.n)
        stand = list(connection.scalars(states))
    database.dispose()
    return found, stand


def test_a_call_is_worked_from_its_number_to_its_outcome(db_url: str) -> None:
    with terminal_session(begin(db_url)) as at:
        before = at.modes()
        assert NUMBER not in at.see("> 1-1", MASKED, "? help")
        do(db_url, log("b.example"))
        at.see("2-2")
        at.press("n")
        at.see(NUMBER)
        at.press("\r")
        at.see(f"Phone 王伟, {NUMBER}", "2   no answer")
        at.press("\r", "j")
        at.see("> 2-1", gone=[NUMBER])
        at.press("k", "2")
        at.see("1-1: nobody answered; does not stop the clock", gone=[NUMBER])
        assert on_record(db_url) == ([("no-answer", "li")], ["open", "open", "open"])
        at.press("1")
        at.see("If so, the clock of 1-1 stops. y/n")
        assert len(on_record(db_url)[0]) == 1
        at.press("y")
        at.see("1-1: reached the responsible person", "check removal")
        assert on_record(db_url) == (
            [("no-answer", "li"), ("reached", "li")], ["notified", "open", "open"]
        )  # fmt: skip
        at.press("r")
        at.see("1-1: content removed", gone=["> "])
        at.press("c", "q")
        assert at.ends() == 0
        at.is_left_as(before)
    assert on_record(db_url)[1] == ["removed", "open", "open"]


@pytest.mark.long
def test_the_keys_of_arrows_and_what_is_pasted(db_url: str) -> None:
    with terminal_session(begin(db_url)) as at:
        at.see("> 1-1")
        at.press("\x1b[B")
        at.see("> 2-1")
        at.press("\x1bOA")
        at.see("> 1-1")
        at.press("\x1b[200~010 5555 0122\r\x1b[201~")
        at.see("pasted text is ignored")
        at.press("?")
        at.see("show the full number of the selected")
        at.press("\x1b")
        at.see("> 1-1")
        at.press("q")
        assert at.ends() == 0
    assert on_record(db_url)[0] == []


@pytest.mark.parametrize(
    ("how", "status"),
    [
        pytest.param("\x03", 0, marks=pytest.mark.long),
        pytest.param(signal.SIGTERM, 128 + signal.SIGTERM, marks=pytest.mark.long),
        (signal.SIGHUP, 128 + signal.SIGHUP),
    ],
)
def test_the_terminal_is_put_back_however_it_ends(
    db_url: str, how: str | signal.Signals, status: int
) -> None:
    with terminal_session(environment(db_url)) as at:
        before = at.modes()
        assert "Nothing to do." in at.see("q quit")
        assert at.display.is_alternate
        assert not at.modes()[3] & (termios.ICANON | termios.ECHO)
        if isinstance(how, signal.Signals):
            at.process.send_signal(how)
        else:
            at.press(how)
        assert at.ends() == status
        at.is_left_as(before)


BREAKS = """
from incidents.cli import main; from incidents.cli.queue import frame as queue_frame
draw, left = queue_frame.frame, [2]
def breaks(*given):
    left[0] -= 1
    return draw(*given) if left[0] >= 0 else 1 / 0
queue_frame.frame = breaks
raise SystemExit(main(["queue", "--watch"]))
"""


def test_the_terminal_is_put_back_before_a_fault_is_told(db_url: str) -> None:
    with terminal_session(environment(db_url), command=[*IN_PYTHON, BREAKS]) as at:
        before = at.modes()
        assert at.ends() == 1
        at.is_left_as(before)
        assert "incidents: unexpected error (ZeroDivisionError)" in at.display.text
        assert "Traceback" not in at.display.text


HANGS = """
import os, time
from incidents.cli import main; from incidents.cli.queue import screen as queue_screen
def hangs(run, action):
    os.write(2, b"\\x07")
    time.sleep(600)
queue_screen.carry_out = hangs
raise SystemExit(main(["queue", "--watch"]))
"""


def test_an_act_that_hangs_is_told_and_can_be_broken_off(db_url: str) -> None:
    with terminal_session(begin(db_url), command=[*IN_PYTHON, HANGS]) as at:
        before = at.modes()
        at.see("> 1-1")
        at.press("2")
        at.see("no answer on 1-1 …")
        at.hear("\x07")
        at.press("\x03")
        assert at.ends() == 130
        at.is_left_as(before)
        assert (
            "interrupted: check in the queue, or with show, whether no answer on 1-1 was recorded"
            in at.display.text
        )


def test_it_is_stopped_and_brought_back_by_the_shell(db_url: str) -> None:
    shell = ("bash", "--norc", "--noprofile", "--noediting", "-i")
    given = {**begin(db_url), "PS1": "shell>", "HISTFILE": ""}
    with terminal_session(given, command=shell) as at:
        at.see("shell>")
        before = at.modes()
        at.press(" ".join([*WATCH, "\r"]))
        at.see("> 1-1")
        at.press("j")
        at.see("> 2-1")
        at.press("\x1a")
        at.see("Stopped", "shell>")
        at.is_left_as(before)
        at.press("bg\r")
        at.press("until jobs | grep Stopped; do sleep 0.1; done; echo $((20 + 1)) times\r")
        at.see("21 times")
        at.is_left_as(before)
        assert at.display.history.count("\x1b[?1049h") == 1
        at.press("fg\r")
        at.see("> 2-1")
        assert at.display.is_alternate
        at.press("3")
        at.see("2-1: wrong number")
        at.press("q")
        at.see("21 times", gone=["TASK"])
        at.is_left_as(before)
        at.press("exit\r")
        assert at.ends() == 0
    assert on_record(db_url)[0] == [("wrong-number", "li")]


def fill(url: str, count: int) -> None:
    """So many more items, as a bulk."""
    database = engine.create(url)
    row = {"site_id": 1, "kind": "review", "sort_due": FAR, "recorded_at": clock.now()}
    with writing(database) as connection:
        connection.execute(insert(work), [{**row, "item": f"t{n}"} for n in range(1, count + 1)])
    database.dispose()


def test_many_items_on_a_window_that_is_pulled_to_forty_columns(db_url: str) -> None:
    given = begin(db_url)
    fill(db_url, 1_000)
    last = sorted(f"1-t{n}" for n in range(1, 1_001))[197]
    with terminal_session(given, "--limit", "200", size=(120, 40)) as at:
        at.see("1,000 or more to do", "王伟", "WITH", "> 1-1")
        at.press("G")
        at.see(f"> {last}", "more items: list them with --limit N")
        for columns, rows in ((40, 12), (1, 1), (20, 4), (40, 12)):
            at.resize(columns, rows)
        text = at.see(f"> {last}", "review")
        assert "WITH" not in text
        # A window that has its old size again has lost what was in it all the same.
        at.resize(40, 12)
        at.process.send_signal(signal.SIGWINCH)
        at.see(f"> {last}", "review", "? help")
        at.press("g")
        at.see("> 1-1", "1-1 call: 王伟")
        at.press("q")
        assert at.ends() == 0


def test_a_person_of_one_s_own_choice_and_only_what_is_theirs(db_url: str) -> None:
    with terminal_session(begin(db_url), "--as", "zhao", "--mine", "--reveal") as at:
        at.see("Nothing to do.")
        do(db_url, ("b.example", c.ClaimItem(by="zhao", item="1")))
        at.see("2-1", NUMBER, gone=["1-1"])
        at.press("j", "u")
        at.see("2-1 released", "Nothing to do.")
        at.press("q")
        assert at.ends() == 0


@contextmanager
def gone(url: str) -> Iterator[None]:
    """A server that lets nobody into the database, as when it is started anew."""
    name = urlsplit(url).path.removeprefix("/")
    elsewhere = url.replace(f"/{name}?", "/postgres?")
    with psycopg.connect(elsewhere, autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                       [name])  # fmt: skip
        yield
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@pytest.mark.long
def test_a_database_that_goes_away_is_told_and_the_screen_stays(postgresql_url: str) -> None:
    with terminal_session(begin(postgresql_url)) as at:
        at.see("> 1-1")
        with gone(postgresql_url):
            at.see("cannot use the database", "This queue is from", "> 1-1")
            at.press("2")
            at.see("Not confirmed: no answer on 1-1.")
        at.see("> 1-1", gone=["This queue is from"])
        at.press("a")
        at.see("1-1: nobody answered")
        at.press("q")
        assert at.ends() == 0
    assert on_record(postgresql_url)[0] == [("no-answer", "li")]


@pytest.mark.long
def test_without_keys_it_refreshes_until_it_is_told_to_end(db_url: str) -> None:
    given = begin(db_url)
    shell = ("sh", "-c", f"exec {' '.join(WATCH)} < /dev/null")
    with terminal_session(given, command=shell) as at:
        at.see("> 1-1")
        do(db_url, ("a.example", c.RecordContact(by="li", incident=1, outcome="reached")))
        at.see("check removal")
        at.press("\x03")
        assert at.ends() == 0


@pytest.mark.long
def test_a_database_that_is_not_there_is_told_before_there_is_a_screen(tmp_path: object) -> None:
    with terminal_session(environment(f"sqlite:///{tmp_path}/nowhere/x.db")) as at:
        assert at.ends() == 1
        assert "cannot open the file" in at.display.text
        assert "\x1b[?1049h" not in at.display.history


def test_a_terminal_that_cannot_draw_is_told_so(db_url: str) -> None:
    with terminal_session({**environment(db_url), "TERM": "dumb"}) as at:
        assert at.ends() == 2
        assert "--watch needs a terminal" in at.display.text
