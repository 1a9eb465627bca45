"""SMTP: what a real server is given, and what each of its answers comes to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from incidents.enforcement.port import Delivered, Failed, Outcome, Retry, Skipped
from incidents.notices import smtp
from incidents.notices.letter import Letter, Recipient
from incidents.notices.samples import OFFICE, of
from incidents.notices.wording import Wording
from incidents.settings.options import Options
from tests.enforcement.orders import detail, problem
from tests.notices.mail_server import HOST, Mailbox, body, make_certificate, server
from tests.outbound.rig import talker
from tests.patience import PATIENCE_S

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
LETTER = Wording(OFFICE, ZoneInfo("Asia/Shanghai")).letter(
    "violation_found", of("violation_found"), "12-o45.notice"
)
TO = Recipient(mail=("zhang@shop.example",), name="张三")

# aiosmtpd says so of each server that wants a login, whatever it is told of TLS.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def _mail(port: int, **said: object) -> smtp.Mail:
    table = {"host": HOST, "port": port, "security": "none", "sender": "desk@host.example"} | said
    options = Options("[notices.mail]", table)
    made = smtp.make("mail", options, "示例主机")
    options.finish()
    made._now = lambda: NOW
    return made


def _sent(mailbox: Mailbox, letter: Letter = LETTER, to: Recipient = TO, **said: object) -> Outcome:
    with server(mailbox) as port:
        return _mail(port, **said).send(letter, to, within_s=PATIENCE_S)


# ── the mail ─────────────────────────────────────────────────────────────────────────────────────


def test_the_chinese_mail_opens_right(mailbox: Mailbox) -> None:
    assert _sent(mailbox) == Delivered()
    [mail] = mailbox.mails
    assert (
        mail["Subject"]
        == "违规信息通知：shop.example（编号 12-3） / Violation found: shop.example (12-3)"
    )
    assert str(mail["From"]) == "示例主机 <desk@host.example>"
    assert str(mail["To"]) == "张三 <zhang@shop.example>"
    assert mail["Date"].datetime == NOW
    assert mail["Content-Language"] == "zh-CN, en"
    assert mail.get_content_type() == "multipart/alternative"
    text, html = body(mail, "plain"), body(mail, "html")
    assert text.replace("\r\n", "\n") == LETTER.text
    assert html.replace("\r\n", "\n") == LETTER.html
    assert "我们在您负责的网站 shop.example 上发现违规信息，现通知如下。" in text
    assert "须在 2026-03-02 13:00（北京时间）前与网站负责人本人通话" in html


def test_no_line_of_a_mail_is_longer_or_higher_than_any_server_takes(mailbox: Mailbox) -> None:
    _sent(mailbox)
    [raw] = mailbox.raw
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert raw.count(b"\n") == raw.count(b"\r\n")


def test_the_envelope_names_the_bare_addresses_and_no_name_of_this_machine(
    mailbox: Mailbox,
) -> None:
    _sent(mailbox, sender="Desk <desk@host.example>")
    [envelope] = mailbox.got
    assert (envelope.mail_from, envelope.rcpt_tos) == ("desk@host.example", ["zhang@shop.example"])
    assert mailbox.greeted_by == ["host.example"]


def test_a_letter_that_is_sent_again_has_the_same_message_id_and_another_lane_another(
    mailbox: Mailbox,
) -> None:
    for _ in range(2):
        _sent(mailbox)
    _sent(mailbox, replace(LETTER, id="12-o45.desk"))
    ids = [mail["Message-ID"] for mail in mailbox.mails]
    assert ids == ["<12-o45.notice@host.example>"] * 2 + ["<12-o45.desk@host.example>"]


def test_nobody_s_absence_note_answers_it(mailbox: Mailbox) -> None:
    _sent(mailbox, reply_to="answers@host.example", list_id="notices.host.example")
    [mail] = mailbox.mails
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Reply-To"] == "answers@host.example"
    assert mail["List-Id"] == "<notices.host.example>"


def test_a_domain_with_other_letters_is_written_in_its_ascii_form(mailbox: Mailbox) -> None:
    assert _sent(mailbox, to=Recipient(mail=("zhang@例子.测试",))) == Delivered()
    [envelope] = mailbox.got
    assert envelope.rcpt_tos == ["zhang@xn--fsqu00a.xn--0zwm56d"]
    assert mailbox.mails[0]["To"] == "zhang@xn--fsqu00a.xn--0zwm56d"
    assert not any("SMTPUTF8" in option for option in envelope.mail_options)


def test_a_mailbox_with_other_letters_needs_smtputf8_and_gets_it(mailbox: Mailbox) -> None:
    assert _sent(mailbox, to=Recipient(mail=("张@shop.example",))) == Delivered()
    [envelope] = mailbox.got
    assert envelope.rcpt_tos == ["张@shop.example"]
    assert "SMTPUTF8" in " ".join(envelope.mail_options)
    assert "\r\nTo: 张@shop.example\r\n".encode() in mailbox.raw[0]


def test_a_mailbox_with_other_letters_is_refused_by_a_server_that_does_not_know_them(
    mailbox: Mailbox,
) -> None:
    with server(mailbox, enable_SMTPUTF8=False) as port:
        outcome = _mail(port).send(
            LETTER, Recipient(mail=("张@shop.example",)), within_s=PATIENCE_S
        )
    assert problem(outcome) == "Failed mail_refused"


def test_without_an_address_nothing_is_sent(mailbox: Mailbox) -> None:
    assert _sent(mailbox, to=Recipient()) == Skipped(why="no_address")
    assert mailbox.got == []


@pytest.mark.parametrize(
    "address",
    [
        "nobody", "a b@shop.example", "a@b@shop.example", "a@shop.example, b@shop.example",
        "a@shop.example\r\nBcc: c@shop.example", "a@[192.0.2.1]", "a@192.0.2.1", "@shop.example",
        "a@", "<a@shop.example>", '"a b"@shop.example', "a@shop..example", ".a@shop.example",
        f"{'a' * 65}@shop.example", f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 60}.example",
        "a@shop.example\x00", "a\u2028b@shop.example", "a\u202eb@shop.example", "",
    ],
)  # fmt: skip
def test_what_is_no_address_is_given_up_at_once_and_not_quoted(
    address: str, mailbox: Mailbox
) -> None:
    outcome = _sent(mailbox, to=Recipient(mail=(address,)))
    assert problem(outcome) == "Failed bad_address"
    assert "shop.example" not in detail(outcome)
    assert mailbox.got == []


# ── what the server answers ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("550 5.1.1 <zhang@shop.example> user unknown", Failed),
        ("551 not here", Failed),
        ("553 no such mailbox", Failed),
        ("450 4.2.1 greylisted", Retry),
        ("452 mailbox full", Retry),
        ("421 going away", Retry),
    ],
)
def test_the_answer_to_the_recipient_says_whether_it_is_final(
    answer: str, outcome: type[Outcome], mailbox: Mailbox
) -> None:
    mailbox.to_recipients["zhang@shop.example"] = answer
    found = _sent(mailbox)
    assert type(found) is outcome
    code = answer[:3]
    problem = "mail_refused" if outcome is Failed else f"smtp_{code}"
    assert (found.problem, found.detail) == (  # type: ignore[union-attr]  # of one of the two
        problem, f"the mail server answered {code} to the recipient",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "expected"), [("554 spam", "mail_refused"), ("451 later", "smtp_451")]
)
def test_the_answer_to_the_letter_says_whether_it_is_final(
    answer: str, expected: str, mailbox: Mailbox
) -> None:
    mailbox.to_data = answer
    found = _sent(mailbox)
    assert isinstance(found, Failed if expected == "mail_refused" else Retry)
    assert found.problem == expected


def test_a_sender_that_is_refused_is_tried_again_since_it_is_the_settings_that_are_wrong(
    mailbox: Mailbox,
) -> None:
    mailbox.to_sender = "550 not from here"
    assert problem(_sent(mailbox)) == "Retry mail_sender"


def test_what_one_of_several_recipients_gets_is_delivered(
    mailbox: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    mailbox.to_recipients["gone@host.example"] = "550 gone"
    to = Recipient(mail=("gone@host.example", "desk@host.example"))
    assert _sent(mailbox, to=to) == Delivered()
    assert mailbox.got[0].rcpt_tos == ["desk@host.example"]
    said = capsys.readouterr().err
    assert '"count": 1' in said
    assert "gone@host.example" not in said


def test_recipients_of_whom_one_may_still_be_reached_are_tried_again(mailbox: Mailbox) -> None:
    mailbox.to_recipients = {"a@host.example": "550 gone", "b@host.example": "450 later"}
    found = _sent(mailbox, to=Recipient(mail=("a@host.example", "b@host.example")))
    assert problem(found) == "Retry smtp_450"


# ── what is no answer ────────────────────────────────────────────────────────────────────────────


@contextmanager
def talking(*lines: bytes, hangs: bool = False, every: bytes = b"") -> Iterator[int]:
    """A server that says these lines, one to each that it is told, and then hangs, or drips."""

    def script(channel: socket.socket, over: threading.Event) -> None:
        for n, line in enumerate(lines):
            if n and not channel.recv(4_096):
                return
            channel.sendall(line)
        while hangs and not over.wait(0.05):
            channel.sendall(every)

    with talker(script) as there:
        yield there.port


@pytest.mark.parametrize(
    ("lines", "drip"),
    [
        ((), b""),
        ((b"220 mail.test\r\n",), b""),
        ((b"220 mail.test\r\n",), b"2"),
        ((b"220 mail.test\r\n", b"250 mail.test\r\n"), b""),
        ((b"220 mail.test\r\n", b"250-mail.test\r\n"), b"250-MORE\r\n"),
    ],
    ids=["says nothing", "greets and hangs", "drips", "hangs later", "never ends its answer"],
)
def test_a_server_that_hangs_or_drips_is_left_in_time(
    lines: tuple[bytes, ...], drip: bytes
) -> None:
    with talking(*lines, hangs=True, every=drip) as port:
        found = _mail(port, timeout="1s").send(LETTER, TO, within_s=PATIENCE_S)
    assert problem(found) == "Retry mail_timeout"


def test_the_time_of_an_attempt_is_kept_whatever_the_settings_say() -> None:
    # A server that is waited for longer would break the connection.
    with talking(hangs=True) as port:
        found = _mail(port, timeout="15s").send(LETTER, TO, within_s=0.5)
    assert problem(found) == "Retry mail_timeout"


def test_where_nobody_listens_it_is_tried_again() -> None:
    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
    found = _mail(port).send(LETTER, TO, within_s=PATIENCE_S)
    assert found == Retry(
        problem="mail_unreachable",
        detail=f"the mail server {HOST} refuses a connection to its port {port}",
    )


def test_a_name_that_leads_nowhere_is_tried_again() -> None:
    found = _mail(25, host="mail.invalid").send(LETTER, TO, within_s=PATIENCE_S)
    assert problem(found) == "Retry mail_unreachable"
    assert detail(found) == "the mail server's name, mail.invalid, does not resolve"


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [
        ((b"220 mail.test\r\n", b"250 mail.test\r\n", b""), "mail_unreachable", " broke"),
        ((b"554 no service here\r\n",), "smtp_554", "the mail server answered 554 to the greeting"),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), "mail_unreachable", ""),
    ],
    ids=["the connection breaks", "it greets with a refusal", "it is no mail server"],
)
def test_a_talk_that_comes_to_no_end_is_tried_again(
    lines: tuple[bytes, ...], code: str, said: str
) -> None:
    with talking(*lines) as port:
        found = _mail(port, timeout="5s").send(LETTER, TO, within_s=PATIENCE_S)
    assert problem(found) == f"Retry {code}"
    assert detail(found).endswith(said)


def test_a_mail_that_was_taken_is_delivered_however_the_talk_ends() -> None:
    answers = (b"220 mail.test\r\n", b"250 mail.test\r\n", b"250 OK\r\n", b"250 OK\r\n",
               b"354 go on\r\n", b"250 taken\r\n", b"500 what?\r\n")  # fmt: skip
    short = replace(LETTER, subject="s", text="t\n", html="<p>t</p>\n")
    with talking(*answers) as port:
        assert _mail(port).send(short, TO, within_s=PATIENCE_S) == Delivered()


# ── TLS and the login ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_login_goes_over_tls(security: str, mailbox: Mailbox, tmp_path: Path) -> None:
    trusted = make_certificate(tmp_path)
    said = {"security": security, "ca_file": str(trusted), "user": "desk", "password": "right"}
    login = {"authenticator": mailbox.log_in, "auth_required": True, "auth_require_tls": False}
    with server(mailbox, security, tmp_path, **login) as port:
        assert _mail(port, **said).send(LETTER, TO, within_s=PATIENCE_S) == Delivered()
    assert mailbox.logins == [("desk", "right")]
    # What listens behind TLS from the start hears nothing else.
    assert mailbox.over_tls == [security == "starttls"]


def test_a_wrong_password_is_tried_again_since_a_person_will_mend_it(
    mailbox: Mailbox, tmp_path: Path
) -> None:
    trusted = make_certificate(tmp_path)
    said = {"security": "starttls", "ca_file": str(trusted), "user": "desk", "password": "wrong"}
    with server(mailbox, "starttls", tmp_path, authenticator=mailbox.log_in) as port:
        found = _mail(port, **said).send(LETTER, TO, within_s=PATIENCE_S)
    assert found == Retry(problem="mail_login", detail="the mail server answered 535 to the login")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_trusts_ends_it_before_anything_is_said(
    security: str, mailbox: Mailbox, tmp_path: Path
) -> None:
    make_certificate(tmp_path)
    said = {"security": security, "user": "desk", "password": "right"}
    with server(mailbox, security, tmp_path, authenticator=mailbox.log_in) as port:
        found = _mail(port, **said).send(LETTER, TO, within_s=PATIENCE_S)
    assert found == Retry(problem="mail_tls", detail="the mail server's certificate is not trusted")
    assert mailbox.logins == []


def test_a_certificate_of_another_host_ends_it(mailbox: Mailbox, tmp_path: Path) -> None:
    trusted = make_certificate(tmp_path)
    with server(mailbox, "starttls", tmp_path) as port:
        mail = _mail(port, host="localhost", security="starttls", ca_file=str(trusted))
        found = mail.send(LETTER, TO, within_s=PATIENCE_S)
    assert problem(found) == "Retry mail_tls"


def test_a_server_without_starttls_gets_nothing(mailbox: Mailbox) -> None:
    with server(mailbox) as port:
        found = _mail(port, security="starttls").send(LETTER, TO, within_s=PATIENCE_S)
    assert problem(found) == "Retry mail_tls"
    assert mailbox.got == []


def test_several_threads_write_at_once(mailbox: Mailbox) -> None:
    with server(mailbox) as port:
        mail = _mail(port)
        letters = [replace(LETTER, id=f"12-o{n}.notice") for n in range(8)]
        with ThreadPoolExecutor(8) as pool:
            sent = pool.map(lambda letter: mail.send(letter, TO, within_s=PATIENCE_S), letters)
            outcomes = list(sent)
    assert outcomes == [Delivered()] * 8
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 8
