"""Mail addresses: syntax, domains that take no mail, and those that are thrown away."""

import pytest
from disposable_email_domains import blocklist

from incidents.filing.finding import Finding
from incidents.filing.people import check_mail

THROWN_AWAY = min(blocklist)
# No country has the code zz (ISO 3166-1 keeps it free), so nobody has these names.


def mail_finding(text: str) -> Finding:
    (found,) = check_mail({"responsible_email": text})
    return found


@pytest.mark.parametrize(
    "text", ["desk@desk.zz", " desk@desk.zz ", "desk+1@mail.desk.zz",
             "网站@desk.zz", "desk@DESK.ZZ"],
)  # fmt: skip
def test_an_address_that_can_be_is_ok(text: str) -> None:
    found = mail_finding(text)
    assert (found.verdict, found.code, found.false) == ("ok", "mail_ok", False)
    assert found.facts["domain"].endswith("desk.zz")


@pytest.mark.parametrize(
    "text", ["", "desk", "@", "desk@", "@desk.zz", "a@b", "a b@desk.zz",
             "a@b@desk.zz", "desk@[192.0.2.1]", "desk@-x.zz", "x" * 400 + "@a.zz"],
)  # fmt: skip
def test_what_is_no_address_is_false(text: str) -> None:
    found = mail_finding(text)
    assert (found.verdict, found.code, found.false) == ("wrong", "mail_unreadable", True)


@pytest.mark.parametrize(
    "text", ["a@example.com", "a@mail.EXAMPLE.org", "a@x.example", "a@x.test", "a@x.invalid",
             "a@localhost", "a@x.local", "a@example.com."],
)  # fmt: skip
def test_a_reserved_domain_takes_no_mail(text: str) -> None:
    found = mail_finding(text)
    assert (found.verdict, found.code, found.false) == ("wrong", "mail_reserved", True)


def test_a_domain_that_only_ends_like_a_reserved_one_is_none() -> None:
    assert mail_finding("a@example.zz").code == "mail_ok"
    assert mail_finding("a@contest.zz").code == "mail_ok"


@pytest.mark.parametrize("domain", [THROWN_AWAY, f"mail.{THROWN_AWAY}", THROWN_AWAY.upper()])
def test_a_disposable_address_is_suspect(domain: str) -> None:
    found = mail_finding(f"a@{domain}")
    assert (found.verdict, found.code, found.false) == ("suspect", "mail_disposable", True)


def test_no_finding_repeats_whose_address_it_is() -> None:
    for text in ("somebody@desk.zz", "somebody@example.com", "somebody"):
        assert "somebody" not in str(mail_finding(text).facts)
