"""The readable text of a mail whose source was pasted, and of other text."""

from email.message import EmailMessage
from typing import Any

import pytest

from incidents.values.mail_text import readable

LONG = f"https://shop.example/{'a' * 90}?id=1&n=2"
PLAIN, MARKUP = f"看这里 {LONG} 谢谢\n", f'<a href="{LONG}">钓鱼</a>\n'


def _mail(**how: Any) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = "钓鱼"
    mail.set_content(PLAIN, **how)
    return mail


@pytest.mark.parametrize("cte", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_parts_of_a_mail_are_read_as_they_were_written(
    cte: str, charset: str, line_end: str
) -> None:
    mail = _mail(cte="quoted-printable", charset=charset)
    if cte != "8bit":
        mail.add_alternative(MARKUP, subtype="html", cte=cte, charset=charset)
    else:
        mail.add_alternative(MARKUP, subtype="html", cte="base64")
    mail.add_attachment(b"\x00" * 900, maintype="image", subtype="png")
    outer = EmailMessage()
    outer["Subject"] = "Fwd"
    outer.set_content("see below\n")
    outer.add_attachment(mail)
    text = readable(outer.as_string().replace("\n", line_end))
    for part in (PLAIN, MARKUP, "钓鱼", "Fwd", "see below"):
        assert part.strip() in text
    assert "AAAA" not in text


def test_what_stands_around_the_parts_is_read_too() -> None:
    mail = _mail(cte="quoted-printable")
    mail.add_alternative(MARKUP, subtype="html")
    told = readable(
        f"From li Mon Mar  2 12:00:00 2026\n{mail.as_string()}\nand https://b.example/\n"
    )
    assert "and https://b.example/" in told
    assert PLAIN.strip() in told


def test_a_mail_that_begins_at_a_boundary_or_ends_too_early_is_read() -> None:
    mail = _mail(cte="quoted-printable")
    mail.add_alternative(MARKUP, subtype="html", cte="base64")
    part = mail.as_string().partition("\n\n")[2]
    assert part.startswith("--")
    assert MARKUP.strip() in readable(part)
    assert LONG in readable(part[: part.rindex("\n--") - 2])


def test_a_body_without_its_headers_is_decoded_where_it_can_only_be_quoted_printable() -> None:
    body = _mail(cte="quoted-printable").get_payload()
    assert isinstance(body, str)
    assert readable(body) == PLAIN
    full = f"https://shop.example/{'a' * 54}=\nbbb\n"
    assert readable(full) == full.replace("=\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example/?x=3D",
        "http://a.example/?x=3D\nand http://a.example/?y=1 \n",
        "see http://a.example/?x=\nand more\n",
        "a=b, http://a.example/?x=3D and =\nmore",
        f"{'=' * 74}\n看 http://a.example/\n",
        "http://a.example/?id=12 and\nhttp://a.example/?" + "q" * 51 + "=\nhttp://b.example/",
        "http://a.example/?id=3D\n" + "q" * 99 + "\nhttp://a.example/?q=\n",
        "",
        "Content-Type: application/json\n\nhttp://a.example/",
        "Content-Type: message/rfc822\n\n" * 500 + "http://a.example/?x=3D",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert readable(text) == text


PRINTABLE = "Content-Transfer-Encoding: quoted-printable"


@pytest.mark.parametrize(
    ("head", "body", "told"),
    [
        (f'text/plain; charset="no-such"\n{PRINTABLE}', "=E7=9C=8B", "看"),
        (f'text/plain; charset="a\0b"\n{PRINTABLE}', "=E7=9C=8B", "看"),
        (f"text/plain\n{PRINTABLE}", "=BF=B4", "看"),
        (f"text/plain; charset=ascii\n{PRINTABLE}", "=FF", "\ufffd"),
        ("text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", "55yL5", "看"),
        ("text/plain\nSubject: =?utf-8?b?!?=", "\ud800", "?"),
    ],
)
def test_what_is_wrong_in_a_mail_is_read_as_far_as_it_goes(head: str, body: str, told: str) -> None:
    assert told in readable(f"Content-Type: {head}\n\n{body}")
