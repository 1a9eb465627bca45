"""The settings' health, with a test of each part, and the notices as they will look."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from incidents import clock
from incidents.audit.log import sequencer, signing
from incidents.audit.log.signing_key import KeyRing
from incidents.daemon import record
from incidents.notices import samples
from incidents.notices.facts import AlarmFacts, Facts
from incidents.notices.notice_types import LANGUAGES, NOTICES
from incidents.store import monitoring
from incidents.store.database.engine import writing
from incidents.tlog.keys import SigningKey
from tests.dovecot import dovecot
from tests.log_key import make_key
from tests.notices.mail_server import HOST, Mailbox
from tests.notices.mail_server import server as mail_server
from tests.served_desk import ConsoleDesk, Visitor, open_desk
from tests.witness.rig import Log, witness


def row(page: str, part: str) -> str:
    """The row of that part."""
    return page.partition(f"<tr><td>{part}")[2].partition("</tr>")[0]


@pytest.fixture
def faulty(db_url: str, tmp_path: Path) -> Iterator[ConsoleDesk]:
    """A desk whose settings a daemon would not take."""
    toml = '[alarms]\nchannels = ["nobody"]\n'
    with open_desk(db_url, tmp_path, toml, as_=ConsoleDesk) as opened:
        yield opened


def test_each_part_has_a_state_and_what_to_do(desk: ConsoleDesk) -> None:
    page = Visitor(desk, "supervisor").get("/admin/settings").text
    assert "OK" in row(page, "Database")
    assert "OK" in row(page, "Settings file")
    assert "Not set up" in row(page, "Log")
    assert "audit key new" in row(page, "Log")
    assert "Failed" in row(page, "Daemon"), "none has run"
    assert "Not set up" in row(page, "Witness")
    assert "Set up an adapter in [acts]" in row(page, "Adapter")
    assert "Attention" in row(page, "Alarm channels")
    assert "No alarm reaches anybody: set [alarms] channels." in row(page, "Alarm channels")


def test_that_no_channel_is_set_is_said_once_over_the_notices(desk: ConsoleDesk) -> None:
    page = Visitor(desk, "supervisor").get("/admin/notices").text
    told = re.findall(r'said unconfirmed">(\w+): no notices are sent, because (.*?) names', page)
    assert told == [("Customer", "[notices] channels"), ("Desk", "[alarms] channels")]
    assert page.count("names no channel") == 2


def test_a_log_that_is_not_signed_says_when_it_last_was(desk: ConsoleDesk, tmp_path: Path) -> None:
    make_key(desk.app, tmp_path / "audit.key")
    sequencer.number_all(desk.app.engine)
    signing.sign(desk.app.engine, KeyRing(tmp_path / "audit.key"), clock.now(), at_once=True)
    desk.violation("shop.example")
    desk.ahead += timedelta(minutes=5)
    told = row(Visitor(desk, "supervisor").get("/admin/settings").text, "Log")
    assert re.search(r"Last signed [^<]*\d\d:\d\d\. Entries not signed yet: \d+\.", told)


def test_settings_that_a_daemon_would_not_take_are_named(faulty: ConsoleDesk) -> None:
    wang = Visitor(faulty, "supervisor")
    page = wang.get("/admin/settings").text
    assert "Failed" in row(page, "Settings file")
    assert "the section [notices] of the settings file has no" in row(page, "Settings file")
    wang.post("/admin/settings/test/settings")
    assert 'class="said refused"' in wang.get("/admin/settings").text


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("database", "The database accepts actions"),
        ("settings", "All settings are right."),
        ("log", "The log has no signed checkpoint yet."),
        ("adapter", "The settings no longer name ."),
        ("channels", "Nothing is sent: [alarms] channels names no channel."),
    ],
)
def test_a_part_is_tested(desk: ConsoleDesk, part: str, said: str) -> None:
    wang = Visitor(desk, "supervisor")
    wang.post(f"/admin/settings/test/{part}")
    assert said in wang.get("/admin/settings").text


def trial(desk: ConsoleDesk, part: str, name: str) -> str:
    """What the test of that part says."""
    wang = Visitor(desk, "supervisor")
    page = wang.get("/admin/settings").text
    form = r'/test/(\w+)"[^>]*>(?:<input[^>]*>)*?<input[^>]*name="name" value="([^"]*)"'
    shown = re.findall(form, page)
    assert not name or (part, name) in shown, shown
    wang.post(f"/admin/settings/test/{part}", {"name": name})
    found = re.search(r'class="said (\w+)"[^>]*>([^<]*)', wang.get("/admin/settings").text)
    assert found is not None
    return f"{found[1]}: {html.unescape(found[2])}"


def test_a_daemon_is_tested_by_its_last_sign_of_life(desk: ConsoleDesk) -> None:
    with writing(desk.app.engine) as connection:
        now = clock.now()
        monitoring.beat(
            connection,
            monitoring.Heartbeat(daemon="h-1", host="h", pid=7, started_at=now, beat_at=now),
        )
    assert re.fullmatch(
        r"done: h-1 is running: last seen \d+ s ago\.", trial(desk, "daemon", "h-1")
    )
    desk.ahead += timedelta(minutes=2)
    assert trial(desk, "daemon", "h-1").startswith("refused: h-1 does not answer: last seen 12")
    with writing(desk.app.engine) as connection:
        monitoring.record_mark(connection, "h-1", "the mark cannot be read", clock.now())
    assert "has paused: the mark cannot be read" in trial(desk, "daemon", "h-1")
    with writing(desk.app.engine) as connection:
        monitoring.beat(
            connection,
            monitoring.Heartbeat(
                daemon="h-1", host="h", pid=7, started_at=clock.now(), beat_at=clock.now(),
                mailbox_unread="the server refused the login",
            ),
        )  # fmt: skip
    assert "receives no reports from the mailbox: the server refused the login" in trial(
        desk, "daemon", "h-1"
    )
    assert trial(desk, "daemon", "") == "refused: The settings no longer name . Reload the page."


def test_a_witness_is_asked_to_countersign_and_the_log_is_checked(
    desk: ConsoleDesk, tmp_path: Path
) -> None:
    desk.violation("shop.example")
    file = tmp_path / "audit.key"
    settings = tmp_path / "config.toml"
    settings.write_text(f'[audit]\nkey = "{file}"\n')
    make_key(desk.app, file)
    record.once(desk.app)
    [signing] = [SigningKey.parse(file.read_text())]
    with witness(tmp_path / "witness", Log(key=signing)) as running:
        named = f'witnesses = [{{ url = "{running.url}", key = "{running.key}" }}]\n'
        settings.write_text(settings.read_text() + named)
        name = running.key.name
        assert "Has never countersigned" in Visitor(desk, "supervisor").get("/admin/settings").text
        for _ in range(2):
            assert re.fullmatch(
                rf"done: {name} countersigned the log just now, at \d+ entries\.",
                trial(desk, "witness", name),
            )
        running.stop()
        assert trial(desk, "witness", name).startswith(f"refused: The witness {name} at http")
    assert trial(desk, "log", "").startswith("done: The last checkpoint covers ")


def test_an_adapter_is_asked_for_the_state_of_one_of_its_sites(
    desk: ConsoleDesk, tmp_path: Path
) -> None:
    program, state = tmp_path / "panel", tmp_path / "state"
    program.write_text(f"#!/bin/sh\ncat {state}\n")
    program.chmod(0o755)
    (tmp_path / "config.toml").write_text(
        '[acts]\nadapter = "panel"\n[acts.panel]\ntype = "exec"\n'
        f'command = ["{program}"]\nstate_command = ["{program}"]\n'
        '[[acts.group]]\nsites = ["*.other.example"]\nadapter = "more"\n'
        f'[acts.more]\ntype = "exec"\ncommand = ["{program}"]\n'
    )
    state.write_text("suspended\n")
    assert "No site of its own is registered yet" in trial(desk, "adapter", "panel")
    desk.violation("shop.example")
    desk.violation("a.other.example")
    assert trial(desk, "adapter", "panel") == (
        "done: panel answered: shop.example is suspended there."
    )
    assert "did not say the state of a.other.example" in trial(desk, "adapter", "more")
    state.write_text("who knows\n")
    assert trial(desk, "adapter", "panel").startswith("refused: panel did not say the state of")
    program.unlink()
    assert "cannot work here" in trial(desk, "adapter", "panel")


def test_the_alarm_channels_take_a_test_message(desk: ConsoleDesk, tmp_path: Path) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        (tmp_path / "config.toml").write_text(
            '[notices]\ndesk_name = "Example Hosting"\ndesk_phone = "+86 10 5555 0100"\n'
            f'[notices.day]\ntype = "smtp"\nhost = "{HOST}"\nport = {port}\n'
            'security = "none"\nsender = "desk@host.example"\n'
            '[alarms]\nchannels = ["day"]\n[alarms.day]\nto = ["day@host.example"]\n'
        )
        assert trial(desk, "channels", "") == "done: 1 channels accepted the test message."
        mailbox.to_recipients["day@host.example"] = "550 no such user"
        assert trial(desk, "channels", "").startswith("refused: Not accepted: day: ")
    assert len(mailbox.mails) == 1


def test_a_mailbox_is_opened_and_its_mails_are_counted(desk: ConsoleDesk, tmp_path: Path) -> None:
    settings = tmp_path / "config.toml"
    assert "Mailbox" not in Visitor(desk, "supervisor").get("/admin/settings").text
    with dovecot() as server:
        settings.write_text(server.settings())
        server.deliver(b"Subject: one\r\n\r\nphishing\r\n")
        expected = "done: 127.0.0.1 let the desk in: 1 mails wait to be received."
        assert trial(desk, "mailbox", "127.0.0.1") == expected
        assert server.mails() == [(b"Subject: one\r\n\r\nphishing\r\n", [])]
        settings.write_text(server.settings(folder="Abuse"))
        told = trial(desk, "mailbox", "127.0.0.1")
        assert told.startswith("refused: The mail server 127.0.0.1 does not open the folder")
        server.stop()
        told = trial(desk, "mailbox", "127.0.0.1")
        assert told.startswith("refused: Cannot connect to the mail server 127.0.0.1 at port ")
    settings.write_text("")
    assert trial(desk, "mailbox", "").startswith("refused: The settings no longer name")


def test_who_may_not_test_sees_neither_settings_nor_notices(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    paths = ("/admin/settings", "/admin/notices", "/admin/notices/closed")
    assert [li.get(path).status_code for path in paths] == [403] * 3
    assert li.post("/admin/settings/test/database").status_code == 403


def test_each_notice_is_shown_as_it_will_look_in_both_languages(desk: ConsoleDesk) -> None:
    wang = Visitor(desk, "supervisor")
    listed = wang.get("/admin/notices").text
    for notice in NOTICES:
        assert f'href="/admin/notices/{notice}"' in listed
        page = wang.get(f"/admin/notices/{notice}")
        assert (notice, page.status_code) == (notice, 200)
        for language in LANGUAGES:
            assert f'<p class="quote" lang="{language.replace("_", "-")}">' in page.text
    assert wang.get("/admin/notices/none").status_code == 404


def test_a_notice_is_named_in_the_language_of_the_reader(desk: ConsoleDesk) -> None:
    for language, name in (("en", "The site is held by order"), ("zh", "网站依令停用、直至解除时")):
        wang = Visitor(desk, "supervisor", language)
        assert f'href="/admin/notices/suspended_held">{name}' in wang.get("/admin/notices").text
        assert f"<title>{name}" in wang.get("/admin/notices/suspended_held").text


def test_the_sample_of_the_police_report_keeps_to_the_24_hours_that_it_quotes() -> None:
    alarm, closed = samples.of("alarm_report_due"), samples.of("closed")
    assert isinstance(alarm, AlarmFacts)
    assert isinstance(closed, Facts)
    [found] = [each for each in closed.findings if each.id == alarm.incident]
    assert alarm.due is not None
    assert alarm.due - found.recorded_at == timedelta(hours=24)
    assert alarm.at < alarm.due
