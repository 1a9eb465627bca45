"""Who may be answered: a person at one plain address, and no program, nobody, or ourselves."""

from __future__ import annotations

import pytest

from incidents.inbox import answerable, mail
from incidents.inbox.mail import Mail
from incidents.values import report_token

ZHAO = "zhao@user.example"


def of(*fields: str, sender: str = f"Zhao <{ZHAO}>") -> Mail:
    head = [f"From: {sender}", "To: abuse@host.example", *fields]
    return mail.read(("\r\n".join(head) + "\r\n\r\nhttp://shop.example/\r\n").encode())


@pytest.mark.parametrize("sender", [ZHAO, f"<{ZHAO}>", f'"a, b" <{ZHAO}>', f"{ZHAO} (Zhao)",
                                    "=?utf-8?b?6LW1?= <Zhao@User.Example>"])  # fmt: skip
def test_a_person_at_one_address_is_answered(sender: str) -> None:
    assert answerable.address_of(of(sender=sender)) == ZHAO


@pytest.mark.parametrize(
    "field",
    [
        "X-Auto-Response-Suppress: OOF, AutoReply",
        "Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated; owner=x",
        "Precedence: bulk", "Precedence: LIST", "Return-Path: <>", "List-Id: <abuse.user.example>",
        "List-Unsubscribe: <mailto:a@b.example>", "List-Post: NO",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
        # From whom the mail says that it was sent to.
        f"Cc: {ZHAO}", f"Delivered-To: {ZHAO}", f"From: {ZHAO}",
    ],
)  # fmt: skip
def test_a_mail_of_a_program_or_to_its_own_sender_is_not_answered(field: str) -> None:
    assert answerable.address_of(of(field)) is None


@pytest.mark.parametrize(
    "local",
    [
        "no-reply", "noreply", "NoReply", "do-not-reply", "donotreply", "abuse-noreply",
        "noreply+7", "mailer-daemon", "MAILER-DAEMON", "postmaster", "owner-list", "list-request",
        "bounces+7", "list-bounces", "root",
    ],
)  # fmt: skip
def test_nobody_is_not_answered(local: str) -> None:
    assert answerable.address_of(of(sender=f"{local}@user.example")) is None


@pytest.mark.parametrize(
    "local", ["replies", "abuse", "noreen", "security", "john.root", "rootbeer"]
)
def test_a_name_that_only_looks_a_little_like_nobody_is_answered(local: str) -> None:
    assert answerable.address_of(of(sender=f"{local}@user.example")) is not None


@pytest.mark.parametrize(
    "sender",
    [
        "Zhao <zhao@user.example>, Qian <qian@user.example>",
        "<zhao@user.example> <qian@user.example>",
        "zhao@user.example@evil.example",
        '"zhao qian"@user.example',
        "zhao qian@user.example",
        "zhao@user.example\r\nFrom: qian@user.example",
        "=?utf-8?q?zhao=40user=2Eexample=0D=0ABcc=3A?= <x@y>",
        "=?utf-8?q?zhao=40user=2Eexample?=",
        "zhao@[192.0.2.1]",
        "zhao@localhost",
        "zhao@user.example\0",
        "-zhao@-user.example",
        "zhào@user.example",
        "a" * 250 + "@user.example",
        "",
    ],
)
def test_what_is_not_just_one_plain_address_is_not_answered(sender: str) -> None:
    assert answerable.address_of(of(sender=sender)) is None


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("team@reports.user.example", "team@reports.user.example"),
        ("victim@else.example", ZHAO),
        ("a@user.example, victim@else.example", ZHAO),
        ("noreply@user.example", None),
    ],
)
def test_reply_to_counts_within_the_sender_s_own_organisation(
    asked: str, answered: str | None
) -> None:
    assert answerable.address_of(of(f"Reply-To: {asked}")) == answered


@pytest.mark.parametrize(
    ("results", "vouches"),
    [
        ("mx.host.example; dmarc=pass header.from=user.example", True),
        ("MX.host.example 1; spf=fail; dmarc=pass (p=none) header.from=user.example", True),
        ("mx.host.example; dkim=pass header.d=mail.user.example", True),
        ("mx.host.example; dkim=pass header.i=@user.example", True),
        ("mx.host.example; spf=pass smtp.mailfrom=bounce@user.example", True),
        ("mx.host.example; spf=pass smtp.mailfrom=else.example", False),
        ("mx.host.example; dkim=pass header.d=else.example", False),
        ("mx.host.example; dkim=fail header.d=user.example", False),
        ("mx.host.example; dmarc=fail (dmarc=pass header.from=user.example)", False),
        ("mx.host.example; none", False),
        ("; dmarc=pass header.from=user.example", False),
    ],
)
def test_a_server_vouches_for_the_sender_s_domain(results: str, vouches: bool) -> None:
    found = answerable.vouchers(of(f"Authentication-Results: {results}"))
    assert found == (("mx.host.example",) if vouches else ())


def test_the_upper_field_of_a_server_counts_alone() -> None:
    field = "Authentication-Results: mx.host.example; dmarc="
    upper, lower = f"{field}fail", f"{field}pass header.from=user.example"
    assert answerable.vouchers(of(upper, lower)) == ()
    assert answerable.vouchers(of(lower, upper)) == ("mx.host.example",)


def test_a_token_is_known_in_a_reply_and_cannot_be_made_without_the_key() -> None:
    made = report_token.token("key", 42)
    assert report_token.read("key", f"RE: Re: [x] We received it {made.upper()}") == 42
    folded = made.replace(" ", "\n ")
    assert report_token.read("key", folded) == 42
    other_code = made[:-2] + ("a" if made[-2] != "a" else "b") + "]"
    for forged in (made.replace("r42", "r43"), made[:-2] + "]", other_code, "[incidents r42]",
                   report_token.token("other", 42), f"[incidents r0-{'a' * 16}]"):  # fmt: skip
        assert report_token.read("key", forged) is None
