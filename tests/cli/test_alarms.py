"""The alarms on the command line: what is alarming now, and a trial of the channels."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.app import App
from incidents.cli import main
from incidents.daemon import alarm_duty
from incidents.settings import sources
from incidents.store import monitoring
from incidents.store.database.engine import writing
from incidents.store.log import lineage
from tests.cli.conftest import Cli
from tests.conftest import WriteSettings
from tests.notices.mail_server import HOST, Mailbox, body, server


@pytest.fixture
def desk(cli: Cli, clock: FrozenDateTimeFactory) -> Cli:
    """An incident with eight minutes left; `daemon --once` was there a moment ago."""
    cli("site", "add", "a.example")
    cli("log", "a.example")
    clock.tick(timedelta(minutes=52))
    cli("daemon", "--once")
    return cli


def test_what_is_alarming_is_listed_with_what_to_type(desk: Cli) -> None:
    answer = desk("alarms")

    assert answer.status == 1
    [row] = (line.split("\t") for line in answer.out.splitlines())
    assert row == [
        "clock_about_to_lapse:1-1",
        "a.example: the contact deadline of 1-1 is in 8 min",
        "not sent",
        "incidents contact 1-1 reached",
    ]


def test_only_an_alarm_that_nobody_has_sent_for_five_minutes_waits_for_a_channel(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    nobody = "no alarms are sent: no channel is set ([alarms] channels in the settings)"
    clock.tick(timedelta(minutes=2, seconds=59))
    assert nobody not in desk("alarms").err, "a daemon that has one may be about to send it"
    clock.tick(timedelta(seconds=1))
    assert nobody in desk("alarms").err

    app = App(sources.load())
    with writing(app.engine) as connection:
        now = datetime.now(UTC)
        key, kind = "clock_about_to_lapse:1-1", "clock_about_to_lapse"
        raised = monitoring.new_alarms(key, kind, "1-1", now)
        monitoring.add_alarms(connection, [raised])
        claimed = monitoring.claim_alarms(connection, raised, now=now, lease=timedelta(seconds=9))
        assert claimed is not None
        monitoring.record_alarm_sent(connection, claimed, now)
    app.close()

    told = desk("alarms")
    assert "sent 0 s ago" in told.out
    assert nobody not in told.err
    clock.tick(timedelta(minutes=5))
    assert nobody not in desk("alarms").err


def test_where_nothing_is_alarming_cron_gets_no_mail(desk: Cli) -> None:
    desk("contact", "1-1", "reached")

    answer = desk("alarms")

    assert (answer.status, answer.out, answer.err) == (0, "", "")
    assert desk("alarms", "--json").json == []


def test_that_nothing_is_carried_out_is_listed_with_what_the_desk_is_not_told(desk: Cli) -> None:
    app = App(sources.load())
    with writing(app.engine) as connection:
        lineage.halt(connection, datetime.now(UTC), lineage.LOST_AGAIN)
    app.close()

    answer = desk("alarms")

    first, second = (line.split("\t") for line in answer.out.splitlines())
    assert first == [
        "halted:all",
        (
            "no orders are being carried out until someone runs incidents recover: the database"
            " lost its latest entries a second time: another copy may use the same key (detected"
            " 0 s ago)"
        ),
        "not sent",
        "incidents daemon status",
    ]
    assert second[0] == "clock_about_to_lapse:1-1"
    assert (
        "Alarms from before the halt are not sent until someone runs incidents recover"
        in answer.err
    )


def test_programs_get_documents_and_pipes_get_keys(desk: Cli) -> None:
    answer = desk("alarms", "--json")
    assert answer.status == 1
    [found] = answer.json
    assert found["key"] == "clock_about_to_lapse:1-1"
    assert (found["kind"], found["subject"], found["site"]) == (
        "clock_about_to_lapse", "1-1", "a.example",
    )  # fmt: skip
    assert found["due"] == "2026-03-02T05:00:00Z"
    assert (found["raised_at"], found["told_at"], found["attempts_to_tell"]) == (None, None, 0)
    assert desk("alarms", "-q").out == "clock_about_to_lapse:1-1\n"
    assert desk("alarms", "--format", "csv").out.startswith("key,kind,subject,site,")


def test_each_kind_is_told_in_words(desk: Cli, clock: FrozenDateTimeFactory) -> None:
    desk("log", "a.example", "--again")
    desk("log", "a.example", "--again")
    desk("void", "1-1", "--reason", "slip")
    clock.tick(timedelta(hours=25))

    told = dict(line.split("\t")[:2] for line in desk("alarms").out.splitlines())

    assert told == {
        "daemon_silent:all": "no daemon is enforcing the deadlines, last seen 1 d 1 h ago",
        "closure_disputed:1": (
            "a.example: closure disputed; the reason for it no longer holds (R1, repeat)"
        ),
        "report_due:1-2:overdue-1": "a.example: report 1-2 to the police, 1 h overdue",
        "report_due:1-3:overdue-1": "a.example: report 1-3 to the police, 1 h overdue",
    }


def test_with_no_daemon_ever_it_says_so(cli: Cli) -> None:
    answer = cli("alarms")

    assert answer.status == 1
    assert "daemon_silent:all\tno daemon is enforcing the deadlines\tnot sent\t" in answer.out


# The trial, and what is told in truth: through a real server, which needs a real clock.


@contextmanager
def mail(file: Path) -> Iterator[Mailbox]:
    mailbox = Mailbox()
    with server(mailbox) as port:
        channels = "\n".join(
            f"""
            [notices.{name}]
            type = "smtp"
            host = "{HOST}"
            port = {port}
            security = "none"
            sender = "desk@host.example"
            timeout = "2s"
            [alarms.{name}]
            to = ["{name}@host.example"]
            {quiet}
            """
            for name, quiet in (("day", 'quiet = "00:00-23:59"'), ("night", ""))
        )
        file.write_text(
            '[notices]\ndesk_name = "Example Hosting"\ndesk_phone = "+86 10 5555 0100"\n'
            f'{channels}\n[alarms]\nchannels = ["day", "night"]\n'
        )
        yield mailbox


@pytest.fixture
def config(db_url: str, write_settings: WriteSettings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file of a desk; there is no daemon."""
    monkeypatch.setenv("INCIDENTS_DB", db_url)
    return write_settings("")


def test_a_trial_goes_through_each_channel_whatever_the_hour(
    config: Path, capsys: pytest.CaptureFixture[str], clock: FrozenDateTimeFactory
) -> None:
    with mail(config) as mailbox:
        assert main(["alarms", "test"]) == 0
        told = capsys.readouterr().out.splitlines()
        clock.tick()
        assert main(["alarms", "test", "--json"]) == 0
        documents = json.loads(capsys.readouterr().out)

    assert told[0].startswith("day: accepted; alarms wait until ")
    assert told[1] == "night: accepted"
    assert [(each["channel"], each["took"], each["problem"]) for each in documents] == [
        ("day", True, None), ("night", True, None),
    ]  # fmt: skip
    assert documents[0]["quiet_until"] is not None
    assert documents[1]["quiet_until"] is None
    first, second, third, _ = mailbox.mails
    assert "测试" in first["Subject"]
    assert "No action is needed." in body(first, "plain")
    assert first["Message-ID"] == second["Message-ID"] != third["Message-ID"]


def test_a_channel_that_does_not_take_it_is_named_with_the_reason(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with mail(config) as mailbox:
        mailbox.to_recipients["night@host.example"] = "550 no such user"
        status = main(["alarms", "test"])

    first, second = capsys.readouterr().out.splitlines()
    assert status == 1
    assert first.startswith("day: accepted")
    assert second.startswith("night: NOT ACCEPTED, ")


def test_without_a_channel_a_trial_says_so(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alarms", "test"]) == 1
    assert "no channel is set ([alarms] channels in the settings)" in capsys.readouterr().err


def test_what_the_desk_was_told_is_shown_as_told(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with mail(config):
        # Nobody enforces the clock: what `daemon --once`, which does, never finds.
        open_app = App(sources.load())
        alarm_duty.once(open_app)
        open_app.close()
    capsys.readouterr()
    assert main(["alarms"]) == 1

    [row] = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert row[0] == "daemon_silent:all"
    assert row[2].startswith("sent ")
    assert row[2].endswith(" ago")


def test_daemon_once_tells_what_is_alarming(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["site", "add", "a.example"])
    for _ in range(3):
        main(["log", "a.example", "--again"])
    main(["void", "1-1", "--reason", "slip"])
    with mail(config) as mailbox:
        main(["daemon", "--once"])
        main(["daemon", "--once"])

    # The channel that has its quiet hours is left in peace.
    disputed = [mail for mail in mailbox.mails if "disputed" in mail["Subject"]]
    assert [mail["To"] for mail in disputed] == ["night@host.example"]
