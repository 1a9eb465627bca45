"""The message: whatever a name, a site or an address holds, no header is added and none breaks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.notices import message, samples
from incidents.notices.facts import Facts, Finding
from incidents.notices.letter import DeskContact, Letter
from incidents.notices.message import Address, BadAddressError, MailHeaders
from incidents.notices.wording import Wording
from tests.notices.mail_server import body, opened

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
HEADING = MailHeaders(sender=Address("desk", "host.example", "示例主机"))
TO = Address("zhang", "shop.example")
WORDING = Wording(samples.OFFICE, SHANGHAI)
HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
    "Content-Type", "Content-Language",
]  # fmt: skip

# Line ends of every kind, marks, quotes, halves of characters, what begins a header or an encoded
# word, and anything else.
# Each makes a whole mail.
EXAMPLES = max(10, settings().max_examples // 4)
NASTY = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="\r\n\x00\x0b\x0c\x1c\x1d\x85\u2028\u2029\u202e\ufeff'\"<>,;:@=?\\ \tAaé张😀"),
    st.sampled_from([
        "x\r\nBcc: victim@shop.example", "x\n\n<script>alert(1)</script>", "{{ 7*7 }}",
        "=?utf-8?q?=0d=0aBcc:_a@b.example?=", "=??Q?=0D0", "==?utf-8?b?DQpCY2M6?=",
        "张" * 4_000, "'\"" * 2_000, "a" * 4_000, "\ud800", "x\r\n.\r\nMAIL FROM:<a@b>",
    ]),
)  # fmt: skip


def _mail(
    letter: Letter, *to: Address, heading: MailHeaders = HEADING
) -> tuple[EmailMessage, bytes]:
    raw = message.compose(letter, to or (TO,), heading, NOW).as_bytes()
    return opened(raw), raw


def _letter(**facts: object) -> Letter:
    sample = samples.of("violation_found")
    assert isinstance(sample, Facts)
    return WORDING.letter("violation_found", replace(sample, **facts), "12-o45.notice")  # type: ignore[arg-type]  # whatever is tried


@settings(max_examples=EXAMPLES)
@given(name=NASTY, site=NASTY, person=NASTY, category=NASTY, desk=NASTY)
def test_nobody_s_text_adds_a_header_or_ends_one(
    name: str, site: str, person: str, category: str, desk: str
) -> None:
    finding = Finding(id="12-3", occurred_at=NOW, recorded_at=NOW, category=category, urls=(site,))
    letter = _letter(site=site, person=person, findings=(finding,))
    to = message.read_address("zhang@shop.example", name)
    heading = MailHeaders(
        sender=Address("desk", "host.example", message.read_address("a@b", desk).name)
    )
    mail, raw = _mail(letter, to, heading=heading)
    assert mail.keys() == HEADERS
    assert not mail.defects
    assert [each.addr_spec for each in mail["To"].addresses] == ["zhang@shop.example"]
    assert [each.addr_spec for each in mail["From"].addresses] == ["desk@host.example"]
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


@settings(max_examples=EXAMPLES)
@given(site=NASTY, person=NASTY)
def test_what_people_have_written_opens_as_it_was_told(site: str, person: str) -> None:
    letter = _letter(site=site, person=person)
    mail, _ = _mail(letter)
    # Where it folds, the email of Python 3.11 may drop a space between two encoded words.
    assert mail["Subject"].replace(" ", "") == letter.subject.replace(" ", "")
    assert body(mail, "plain").replace("\r\n", "\n") == letter.text
    assert body(mail, "html").replace("\r\n", "\n") == letter.html


@settings(max_examples=EXAMPLES)
@given(site=NASTY, person=NASTY, category=NASTY)
def test_what_people_have_written_is_escaped_on_the_page_and_opens_no_paragraph(
    site: str, person: str, category: str
) -> None:
    finding = Finding(id="12-3", occurred_at=NOW, recorded_at=NOW, category=category, urls=(site,))
    plain = _letter(site="s", person="p", findings=(replace(finding, category="c", urls=("u",)),))
    said = _letter(site=f"s{site}", person=f"p{person}", findings=(
        replace(finding, category=f"c{category}", urls=(f"u{site}",)),
    ))  # fmt: skip
    tags = [tag.split(">")[0] for tag in said.html.split("<")[1:]]
    assert tags == [tag.split(">")[0] for tag in plain.html.split("<")[1:]]
    assert said.text.count("\n") == plain.text.count("\n")


@given(text=NASTY)
def test_an_address_is_one_mailbox_or_none(text: str) -> None:
    for given_ in (text, f"a@{text}", f"{text}@shop.example"):
        try:
            found = message.read_address(given_)
        except BadAddressError:
            continue
        assert found.domain.isascii()
        assert found.spec.count("@") == 1
        assert found.spec.isprintable()
        assert " " not in found.spec
        mail, _ = _mail(_letter(), found, heading=HEADING)
        assert mail.keys() == HEADERS


@given(id_=NASTY, local=st.from_regex(r"[a-z]{1,20}", fullmatch=True))
def test_a_message_id_is_stable_and_one_word(id_: str, local: str) -> None:
    sender = Address(local, "host.example")
    found = message.message_id(f"12-o45{id_}", sender)
    assert found == message.message_id(f"12-o45{id_}", sender)
    assert found.startswith("<12-o45")
    assert found.endswith("@host.example>")
    assert found.isascii()
    assert found.isprintable()
    assert " " not in found
    assert found.count("@") == 1


def test_a_message_id_is_of_the_order_and_the_lane() -> None:
    assert message.message_id("12-o45.notice", TO) == "<12-o45.notice@shop.example>"
    assert message.message_id("alarm.order_dead.12-o45", TO) == (
        "<alarm.order_dead.12-o45@shop.example>"
    )


def test_a_long_domain_breaks_no_message_id() -> None:
    domain = ".".join(["a" * 60] * 4)
    heading = MailHeaders(sender=Address("desk", domain))
    mail, raw = _mail(_letter(), heading=heading)
    assert mail["Message-ID"] == f"<12-o45.notice@{domain}>"
    assert b"=?" not in raw[raw.index(b"Message-ID:") :].split(b"\r\n\r\n")[0].split(b"Auto-")[0]


def test_several_are_written_to_at_once() -> None:
    mail, _ = _mail(_letter(), Address("a", "host.example"), Address("b", "host.example"))
    assert mail["To"] == "a@host.example, b@host.example"


def test_an_address_with_a_name_is_read_as_people_write_it() -> None:
    found = message.read_named_address(' "示例主机 desk" <desk@host.example> ')
    assert found == Address("desk", "host.example", "示例主机 desk")
    assert message.read_named_address("desk@host.example") == Address("desk", "host.example")
    with pytest.raises(BadAddressError, match="before the @"):
        message.read_named_address("a <b> <c@host.example>")


def test_a_letter_in_one_language_says_so() -> None:
    sample = samples.of("closed")
    wording = Wording(DeskContact(name="Example"), SHANGHAI, languages=("en",))
    mail, _ = _mail(wording.letter("closed", sample, "12-o45.notice"))
    assert mail["Content-Language"] == "en"
    assert mail["Subject"] == "Site closed: shop.example (12-o45)"
    assert body(mail, "plain").isascii() is False  # the person's name
    assert "不予退款" not in body(mail, "plain")


def test_the_date_is_in_the_form_that_mail_has() -> None:
    raw = message.compose(_letter(), [TO], HEADING, NOW + timedelta(seconds=7)).as_bytes()
    assert b"\r\nDate: Mon, 02 Mar 2026 04:00:07 +0000\r\n" in raw
    old = message_from_bytes(raw, policy=policy.compat32)
    assert old["Subject"].startswith("=?utf-8?")
