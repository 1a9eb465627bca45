"""What a reporter reads, over a real mail server: each thing once, and nothing of others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from incidents import clock
from incidents.app import App
from incidents.audit.replay import Replay
from incidents.daemon.inbox import answer_duty
from incidents.daemon.inbox.answer_duty import Mails
from incidents.inbox import answering
from incidents.machine import commands as c
from incidents.notices.smtp import Mail
from incidents.store.database.engine import plainly, reading
from incidents.store.inbox.reports import Report
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.report_tables import answers, waiting_answers
from incidents.values import report_token
from tests.conftest import WriteSettings
from tests.daemon.conftest import Said
from tests.daemon.reporter_rig import ZHAO, ReporterRig, mail
from tests.notices.mail_server import Mailbox, body, server


@pytest.fixture
def rig(
    app: App, tmp_path: Path, write_settings: WriteSettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ReporterRig]:
    monkeypatch.setenv("INCIDENTS_EVIDENCE", str(tmp_path / "evidence"))
    mailbox = Mailbox()
    real = clock.now
    # A frozen clock would stop the mail server.
    with server(mailbox) as port:
        found = ReporterRig(app, mailbox, port, tmp_path, write_settings)
        monkeypatch.setattr(clock, "now", lambda: real() + found.ahead[0])
        yield found


def problems(rig: ReporterRig) -> list[object]:
    with plainly(rig.app.engine), reading(rig.app.engine) as connection:
        return list(Replay(connection).findings())


def bodies(rig: ReporterRig) -> list[str]:
    with rig.app.reading() as connection:
        own = select(entries.c.body).where(entries.c.site_id == 0).order_by(entries.c.site_seq)
        return list(connection.scalars(own))


@pytest.mark.both_databases
def test_a_reporter_reads_receipt_outcome_and_end_and_nothing_of_the_customer(
    rig: ReporterRig,
) -> None:
    rig.wants()
    rig.do(c.AddSite(by="li", person="Customer Wang", phone="+86 10 5555 0123"))
    rig.receive(mail())
    [receipt] = rig.round()
    assert receipt["to"] == ZHAO
    assert re.fullmatch(
        r"We received your report r1 \[incidents r1-[a-z2-7]{16}\]", receipt["subject"]
    )
    assert (receipt["in-reply-to"], receipt["references"]) == ("<1@user.example>",) * 2
    assert receipt["auto-submitted"] == "auto-replied"
    assert rig.mailbox.got[0].mail_from in ("", "<>")
    assert rig.mailbox.got[0].rcpt_tos == [ZHAO]
    rig.log(1)
    [outcome] = rig.round()
    assert outcome["subject"].startswith("We act on your report r1 [")
    rig.do(c.RecordContact(by="li", incident=1, outcome="reached"))
    assert rig.round() == []
    rig.do(c.StateRemoved(by="li", incident=1))
    [end] = rig.round()
    assert end["subject"].startswith("Your report r1 is settled [")
    told = "\n".join(str(each) + body(each, "plain") + body(each, "html") for each in
                     (receipt, outcome, end))  # fmt: skip
    for secret in ("Wang", "5555 0123", "shop.example", "phishing", "1-1"):
        assert secret not in told
    assert rig.round() == []
    assert problems(rig) == []


def test_who_was_told_what_and_when_is_on_record_without_the_address(rig: ReporterRig) -> None:
    rig.wants()
    rig.receive(mail())
    rig.round()
    own = [each for each in bodies(rig) if '"kind":"reporter_answered"' in each]
    assert len(own) == 1
    assert '"letter":"receipt","more":0,"report":1' in own[0]
    assert not any("user.example" in each for each in bodies(rig))
    assert problems(rig) == []


@pytest.mark.parametrize(
    ("not_ours", "words"), [(False, "does not lead to any measure"), (True, "nothing that we host")]
)
def test_a_dismissed_reporter_is_not_told_the_desk_s_reason(
    rig: ReporterRig, not_ours: bool, words: str
) -> None:
    rig.wants("outcomes = true")
    rig.receive(mail())
    rig.dismiss(1, not_ours=not_ours)
    [told] = rig.round()
    assert words in body(told, "plain").replace("\n", " ")
    assert "secret-why" not in str(told) + body(told, "plain")


def test_a_reporter_reads_the_reason_that_the_desk_wants_them_to_read(rig: ReporterRig) -> None:
    rig.wants("outcomes = true")
    rig.receive(mail(), mail(id_="<2@user.example>"), mail(id_="<3@user.example>"))
    rig.explain(1, "The page <b>was</b> gone\nat noon.")
    rig.dismiss(2)
    rig.explain(3, "So was this one.")
    by_subject = {str(told["subject"]).split(" [")[0]: told for told in rig.round()}
    told = by_subject.pop("Result of your report r1")
    plain = body(told, "plain")
    assert "r1: The page <b>was</b> gone" in plain
    assert "r3: So was this one." in plain
    assert "secret-why" not in plain + body(told, "html")
    assert "&lt;b&gt;was" in body(told, "html")
    # What is for the desk alone stays inside, in a mail of its own.
    [other] = by_subject.values()
    assert "secret-why" not in str(other) + body(other, "plain")
    own = [each for each in bodies(rig) if '"kind":"report_dismissed"' in each]
    assert ['"tell_reporter":true' in each for each in own] == [True, False, True]
    assert problems(rig) == []


def test_a_reporter_of_several_sites_is_told_once_when_all_of_the_report_has_ended(
    rig: ReporterRig,
) -> None:
    rig.wants("outcomes = true")
    rig.do(c.AddSite(by="li"))
    rig.do(c.AddSite(by="li"), "two.example")
    rig.receive(mail())
    rig.log(1, names=("shop.example", "two.example"))
    assert rig.round() == []
    rig.log(1, "two.example", names=("shop.example", "two.example"))
    [acted] = rig.round()
    assert "we act on it" in body(acted, "plain")
    rig.do(c.StateRemoved(by="li", incident=1), "two.example")
    assert rig.round() == []
    rig.later(hours=2)
    rig.do(c.StateRemoved(by="li", incident=1))
    [ended] = rig.round()
    assert "is settled" in body(ended, "plain")
    assert problems(rig) == []


def test_a_reporter_is_told_what_came_of_a_report_whose_rest_was_dismissed(
    rig: ReporterRig,
) -> None:
    rig.wants("outcomes = true")
    rig.do(c.AddSite(by="li"))
    rig.receive(mail())
    rig.log(1, names=("shop.example", "two.example"))
    rig.dismiss(1, not_ours=True)
    [acted] = rig.round()
    assert "we act on it" in body(acted, "plain")
    rig.do(c.VoidIncident(by="li", incident=1, reason="no violation"))
    assert rig.round() == []


def test_without_the_settings_nobody_is_answered_and_later_not_for_what_was_before(
    rig: ReporterRig,
) -> None:
    rig.wants("")
    rig.receive(mail())
    assert rig.round() == []
    rig.wants("receipts = true")
    assert rig.round() == []
    rig.receive(mail(id_="<2@user.example>"))
    assert len(rig.round()) == 1
    rig.wants("")
    rig.receive(mail(id_="<3@user.example>"))
    rig.wants("receipts = true")
    assert rig.round() == []


def test_programs_nobody_and_ourselves_are_never_answered(rig: ReporterRig) -> None:
    rig.wants()
    senders = ("no-reply@user.example", "postmaster@user.example", "abuse@host.example",
               "a@b.example, c@d.example", "desk@host.example")  # fmt: skip
    rig.receive(
        mail("Auto-Submitted: auto-replied"), mail("Return-Path: <>"), mail("Precedence: bulk"),
        *(mail(sender=each) for each in senders), mail(id_="<last@user.example>"),
    )  # fmt: skip
    for report in range(1, 9):
        rig.dismiss(report)
    assert {each["to"] for each in rig.round()} == {ZHAO}
    assert [each.rcpt_tos for each in rig.mailbox.got] == [[ZHAO]]
    assert rig.mailbox.mails[0]["in-reply-to"] == "<last@user.example>"


def test_no_text_of_a_report_adds_a_header_or_a_recipient(rig: ReporterRig) -> None:
    rig.wants()
    texts: list[dict[str, str]] = [
        {"subject": "=?utf-8?q?a=0D=0ABcc=3A_victim=40user=2Eexample?="},
        {"subject": "a\r\n Bcc: victim@user.example"},
        {"sender": "=?utf-8?q?a=0D=0ABcc=3A_victim=40user=2Eexample?= <{}>"},
        {"sender": '"a\\\r\n Bcc: victim@user.example" <{}>'},
        {"id_": "<1@user.example>\r\n Bcc: victim@user.example"},
        {"id_": "<1@user.example> <2@user.example\r\n\tBcc:victim@user.example>"},
        {"id_": "=?utf-8?q?=3C1=40b=3E=0D=0ABcc=3A_victim=40user=2Eexample?="},
    ]
    to = [f"u{n}@user.example" for n in range(len(texts))]
    rig.receive(
        *(
            mail(**{**of, "sender": of.get("sender", "{}").format(each)})
            for of, each in zip(texts, to, strict=True)
        )
    )
    told = rig.round()
    assert [each.rcpt_tos for each in rig.mailbox.got] == [[each] for each in to]
    assert [each.get_all("to") for each in told] == [[each] for each in to]
    assert all(each["bcc"] is None for each in told)
    assert not any(b"victim" in each for each in rig.mailbox.raw)


def test_an_answer_goes_to_reply_to_within_the_same_organisation_alone(rig: ReporterRig) -> None:
    rig.wants()
    rig.receive(mail("Reply-To: team@reports.user.example"))
    rig.receive(mail("Reply-To: victim@else.example", id_="<2@user.example>", sender="a@b.example"))
    assert [each["to"] for each in rig.round()] == ["team@reports.user.example", "a@b.example"]


def test_an_arf_mail_of_a_person_or_a_program_that_says_nothing_else_is_answered(
    rig: ReporterRig,
) -> None:
    rig.wants()
    raw = (Path(__file__).parents[1] / "inbox/reports/arf-abuse.eml").read_bytes()
    rig.receive(raw)
    assert len(rig.round()) == 1


def test_with_a_server_that_checks_senders_only_whom_it_vouches_for_is_answered(
    rig: ReporterRig,
) -> None:
    rig.wants('receipts = true\nauthserv_id = "mx.host.example"')
    said = "Authentication-Results: mx.host.example; "
    rig.receive(
        mail(id_="<1@x>", sender="a@one.example"),
        mail(said + "dmarc=fail header.from=two.example", sender="a@two.example"),
        mail("Authentication-Results: else.example; dmarc=pass header.from=three.example",
             sender="a@three.example"),
        mail(said + "dkim=pass header.d=elsewhere.example", sender="a@four.example"),
        # The upper one is the server's own; the lower one was there when the mail came.
        mail(said + "dmarc=fail", said + "dmarc=pass header.from=five.example",
             sender="a@five.example"),
        mail(said + "spf=fail; dmarc=pass (p=none) header.from=six.example",
             sender="a@six.example"),
        mail(said + "dkim=pass header.d=mail.seven.example", sender="a@seven.example"),
    )  # fmt: skip
    assert [each["to"] for each in rig.round()] == ["a@six.example", "a@seven.example"]


def test_a_flood_of_one_reporter_leads_to_one_mail_an_hour(rig: ReporterRig) -> None:
    rig.wants()
    rig.receive(*(mail(id_=f"<{n}@user.example>") for n in range(120)))
    [first] = rig.round()
    assert "69 more" not in body(first, "plain")
    assert "and 70 more" in body(first, "plain").replace("\n", " ")
    rig.receive(*(mail(id_=f"<b{n}@user.example>") for n in range(3)))
    assert rig.round() == []
    rig.later(minutes=59)
    assert rig.round() == []
    rig.later(minutes=2)
    [second] = rig.round()
    assert "also about r122, r123." in body(second, "plain").replace("\n", " ")
    rig.later(hours=3)
    assert rig.round() == []
    assert problems(rig) == []


def test_a_flood_of_forged_reporters_leads_to_a_limited_number_of_mails(rig: ReporterRig) -> None:
    rig.wants("receipts = true\nanswers_per_hour = 5")
    rig.receive(*(mail(sender=f"u{n}@user.example", id_=None) for n in range(12)))
    assert len(rig.round()) == 5
    assert rig.round() == []
    rig.later(hours=1, minutes=1)
    assert len(rig.round()) == 5
    # What has waited for a day is not sent any more.
    rig.later(hours=25)
    assert rig.round() == []


@pytest.mark.parametrize("standing", ["muted", "blocked"])
def test_a_muted_or_blocked_reporter_gets_no_mail_not_even_one_that_waits(
    rig: ReporterRig, standing: str
) -> None:
    rig.wants()
    rig.mailbox.to_data = "451 later"
    rig.receive(mail())
    rig.round()
    rig.mark(ZHAO, standing)
    rig.mailbox.to_data = "250 OK"
    rig.later(minutes=10)
    rig.receive(mail(id_="<2@user.example>"))
    rig.dismiss(2)
    assert rig.round() == []
    rig.mark(ZHAO, "none")
    rig.receive(mail(id_="<3@user.example>"))
    assert len(rig.round()) == 1


def test_the_settings_can_answer_trusted_reporters_alone(rig: ReporterRig) -> None:
    rig.wants('receipts = true\nanswers_to = "trusted"')
    rig.mark(ZHAO, "trusted")
    rig.receive(mail(), mail(sender="qian@user.example", id_="<2@user.example>"))
    assert [each["to"] for each in rig.round()] == [ZHAO]


def test_a_reply_is_a_report_of_its_own_that_is_linked_and_not_answered(rig: ReporterRig) -> None:
    rig.wants()
    rig.receive(mail())
    [receipt] = rig.round()
    rig.receive(mail(subject=f"Re: {receipt['subject']}", id_="<2@user.example>"))
    rig.dismiss(2)
    assert rig.round() == []
    with rig.app.queries() as queries:
        first, second = queries.report(1), queries.report(2)
    assert (second["answers"], first["answered_by"]) == ("r1", ["r2"])
    assert problems(rig) == []


def test_a_forged_token_links_nothing(rig: ReporterRig) -> None:
    rig.wants()
    rig.receive(mail(id_=None))
    [receipt] = rig.round()
    right = receipt["subject"]
    code = right[-17:-1]
    forged = "a" * 16 if code != "a" * 16 else "b" * 16
    tokens = [f"[incidents r1-{forged}]", f"[incidents r2-{code}]", f"[incidents r999-{code}]",
              report_token.token("another key", 1)]  # fmt: skip
    rig.receive(*(mail(subject=each, id_=f"<{n}@x>") for n, each in enumerate(tokens)))
    with rig.app.queries() as queries:
        assert [queries.report(n)["answers"] for n in range(2, 6)] == [None] * 4


def test_two_desks_that_report_to_each_other_do_not_go_on_for_ever(rig: ReporterRig) -> None:
    rig.wants()
    rig.receive(mail())
    [receipt] = rig.round()
    # The other desk takes it in as a report, and the answer that it would be would come back.
    raw = rig.mailbox.raw[0].replace(b"From: Example Hosting <desk@host.example>",
                                     b"From: Other <desk@other.example>")  # fmt: skip
    rig.receive(b"Return-Path: <>\r\n" + raw, raw)
    for report in (2, 3):
        rig.dismiss(report)
    rig.later(hours=2)
    assert rig.round() == []
    assert receipt["auto-submitted"] == "auto-replied"


def test_a_mail_server_that_is_away_delays_the_mail_and_a_refusal_ends_it(
    rig: ReporterRig, said: Said
) -> None:
    rig.wants()
    rig.mailbox.to_data = "451 later"
    rig.receive(mail())
    assert rig.round() == []
    rig.later(minutes=1)
    rig.mailbox.to_data = "250 OK"
    assert len(rig.round()) == 1
    rig.mailbox.to_data = "550 no"
    rig.dismiss(1)
    assert rig.round() == []
    with rig.app.reading() as connection:
        rows = connection.execute(select(answers.c.letter, answers.c.problem)).all()
        assert connection.execute(select(waiting_answers)).all() == []
    assert sorted(map(tuple, rows)) == [("dismissed", "mail_refused"), ("receipt", None)]
    assert [line["event"] for line in said() if "answered" in line["event"]] == [
        "a reporter was not answered", "a reporter was answered", "a reporter was not answered",
    ]  # fmt: skip
    assert problems(rig) == []


def test_a_daemon_that_is_killed_between_the_mail_and_its_record_sends_the_same_mail_again(
    rig: ReporterRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with notices: a mailbox that knows the Message-ID shows one mail."""
    rig.wants()
    rig.receive(mail())
    with monkeypatch.context() as patch:
        patch.setattr(Mails, "_finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rig.round()
    assert rig.round() == []
    rig.later(seconds=answer_duty.LEASE.total_seconds() + 1)
    [again] = rig.round()
    first = rig.mailbox.mails[0]
    assert first["message-id"] == again["message-id"] == "<r1.receipt@host.example>"
    rig.later(hours=2)
    assert rig.round() == []
    assert problems(rig) == []


def test_reports_that_come_in_while_a_mail_is_sent_get_one_of_their_own(
    rig: ReporterRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.wants()
    rig.receive(mail())
    send = Mail.send

    def send_slowly(*of: object, **how: object) -> object:
        found = send(*of, **how)  # type: ignore[arg-type]
        if len(rig.mailbox.got) == 1:
            rig.receive(mail(id_="<2@user.example>"))
        return found

    monkeypatch.setattr(Mail, "send", send_slowly)
    assert len(rig.round()) == 1
    rig.round()
    rig.later(hours=1, minutes=1)
    [second] = rig.round()
    assert "r2" in second["subject"]


def test_an_api_report_of_a_program_is_answered_where_it_names_an_address(
    rig: ReporterRig,
) -> None:
    rig.wants()
    xarf = b"""{"Version": "2", "ReporterInfo": {"ReporterOrgEmail": "%s"},
        "Report": {"ReportType": "phishing", "SourceUrl": "http://shop.example/%d"}}"""
    rig.receive(xarf % (b"team@user.example", 1), channel="api")
    rig.receive(xarf % (b"team@else.example", 2), channel="console")
    rig.receive(xarf % (b"a@b.example\\r\\nBcc: c@d.example", 3), channel="api")
    assert [each["to"] for each in rig.round()] == ["team@user.example"]


def test_of_a_report_that_was_opened_again_no_mail_that_waits_is_sent(rig: ReporterRig) -> None:
    rig.wants("outcomes = true")
    rig.receive(mail(), mail(id_="<2@user.example>"), mail(id_="<3@user.example>"))
    rig.dismiss(3)
    assert len(rig.round()) == 1
    # These two wait for an hour.
    rig.dismiss(1)
    rig.dismiss(2)
    assert rig.round() == []
    rig.reopen(1)
    rig.later(hours=1)
    [told] = rig.round()
    assert told["subject"].startswith("Result of your report r2 [")
    assert "r1" not in body(told, "plain")
    rig.later(hours=2)
    assert rig.round() == []
    assert problems(rig) == []


def test_a_reason_that_was_to_be_told_is_not_followed_by_one_that_was_not(
    rig: ReporterRig,
) -> None:
    rig.wants("outcomes = true")
    rig.receive(mail(), mail(id_="<2@user.example>"))
    rig.explain(2, "It was gone.")
    assert len(rig.round()) == 1
    rig.explain(1, "It was gone, too.")
    assert rig.round() == []
    rig.reopen(1)
    rig.dismiss(1)
    rig.later(hours=1)
    [told] = rig.round()
    assert "secret-why" not in str(told) + body(told, "plain") + body(told, "html")
    assert "It was gone" not in body(told, "plain")


def test_a_reporter_who_was_told_reads_another_outcome_once_and_the_same_not_again(
    rig: ReporterRig,
) -> None:
    rig.wants("outcomes = true")
    rig.do(c.AddSite(by="li"))
    rig.receive(mail())
    rig.dismiss(1)
    [first] = rig.round()
    assert "replaces" not in body(first, "plain")
    [remark] = rig.reopen(1)["remarks"]
    assert (remark["name"], remark["facts"]["letter"]) == ("reporter_told", "dismissed")
    rig.dismiss(1)
    assert rig.round() == []
    rig.reopen(1)
    rig.log(1)
    [other] = rig.round()
    assert other["subject"].startswith("We act on your report r1 [")
    assert "This mail replaces what we wrote earlier about r1." in body(other, "plain")
    assert rig.round() == []
    assert problems(rig) == []


def test_a_reporter_is_told_of_the_end_of_the_incident_to_which_the_report_led_last(
    rig: ReporterRig,
) -> None:
    rig.wants("outcomes = true")
    rig.do(c.AddSite(by="li"))
    rig.receive(mail())
    rig.log(1)
    assert len(rig.round()) == 1
    rig.reopen(1)
    rig.log(1)
    assert rig.round() == []
    for n in (1, 2):
        rig.do(c.RecordContact(by="li", incident=n, outcome="reached"))
    rig.do(c.StateRemoved(by="li", incident=1))
    assert rig.round() == []
    rig.do(c.StateRemoved(by="li", incident=2))
    [end] = rig.round()
    assert end["subject"].startswith("Your report r1 is settled [")
    assert problems(rig) == []


def test_an_outcome_that_no_daemon_has_seen_before_the_report_was_opened_again_is_not_told(
    rig: ReporterRig,
) -> None:
    rig.wants("outcomes = true")
    rig.receive(mail())
    rig.explain(1, "It was gone.")
    rig.reopen(1)
    rig.dismiss(1, not_ours=True)
    [told] = rig.round()
    assert "nothing that we host" in body(told, "plain").replace("\n", " ")
    assert "It was gone" not in body(told, "plain")


def test_a_mail_about_the_end_of_an_incident_leaves_out_what_led_to_another_one_meanwhile(
    rig: ReporterRig,
) -> None:
    rig.wants("outcomes = true")
    rig.do(c.AddSite(by="li"))
    rig.receive(mail(), mail(id_="<2@user.example>"))
    rig.log(1)
    rig.join(2, 1)
    assert len(rig.round()) == 1
    rig.reopen(2)
    rig.log(2)
    rig.round()
    rig.do(c.RecordContact(by="li", incident=1, outcome="reached"))
    rig.do(c.StateRemoved(by="li", incident=1))
    [end] = rig.round()
    assert end["subject"].startswith("Your report r1 is settled [")
    assert "r2" not in body(end, "plain")
    assert problems(rig) == []


@pytest.mark.both_databases
def test_reports_that_waited_for_one_incident_and_led_to_others_are_each_told_of_their_own(
    rig: ReporterRig,
) -> None:
    rig.wants("outcomes = true")
    rig.do(c.AddSite(by="li"))
    rig.receive(mail(), mail(id_="<2@user.example>"))
    rig.log(1)
    rig.join(2, 1)
    assert len(rig.round()) == 1
    for report in (2, 1):
        rig.reopen(report)
        rig.log(report)
        assert rig.round() == []
    ends = []
    for n in (1, 2, 3):
        rig.later(hours=2)
        rig.do(c.RecordContact(by="li", incident=n, outcome="reached"))
        rig.do(c.StateRemoved(by="li", incident=n))
        ends.append([str(each["subject"]).split(" [")[0] for each in rig.round()])
    assert ends == [[], ["Your report r2 is settled"], ["Your report r1 is settled"]]
    # Later reporters are answered as well.
    rig.receive(mail(id_="<3@user.example>", sender="qian@user.example"))
    rig.dismiss(3)
    assert len(rig.round()) == 1
    assert problems(rig) == []


def test_a_mail_is_so_only_of_a_report_that_ended_as_it_says() -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    ended = Report(
        id=1, digest="d", kept=None, size=1, received_at=day, channel="imap", format="mail",
        unread=None, reading="r", same_id_as=None, state="dismissed",
    )  # fmt: skip
    assert answering.is_so("dismissed", ended, day)
    assert answering.is_so("receipt", ended._replace(state="new"), day)
    # The clock of the daemon is ahead of that of the desk, within its limit.
    assert not answering.is_so("dismissed", ended._replace(state="new", reopened_at=day), day)
    assert not answering.is_so("acted", ended, day)
    later = ended._replace(reopened_at=day + timedelta(seconds=1))
    assert not answering.is_so("dismissed", later, day)
