"""The pasted: which addresses are found in what people paste, and in which form."""

from email.message import EmailMessage

import pytest

from incidents.console.pages import pasted
from incidents.values import web_address
from incidents.values.inputs import MAX_URLS


def _urls(found: pasted.Found) -> tuple[str, ...]:
    return tuple(url for group in found.groups for url in group.urls)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://shop.example/a", ["http://shop.example/a"]),
        ("<https://Shop.Example/a>", ["https://shop.example/a"]),
        ("(see https://shop.example/a).", ["https://shop.example/a"]),
        ("https://shop.example/a_(b)", ["https://shop.example/a_(b)"]),
        ("（https://shop.example/a）。", ["https://shop.example/a"]),
        ("地址：https://shop.example/a，请删除", ["https://shop.example/a"]),
        ("hxxps://shop[.]example/a", ["https://shop.example/a"]),
        ("hXXp[:]//shop(.)example/", ["http://shop.example/"]),
        ('"https://shop.example/a?x=1&y=2"', ["https://shop.example/a?x=1&y=2"]),
        ("https://shop.example/a\nhttps://shop.example/a#", ["https://shop.example/a"]),
        ("https://中国.example/", ["https://xn--fiqs8s.example/"]),
        ("ftp://shop.example javascript:alert(1) shop.example", []),
        ("", []),
        ("see shop.example/login.", ["http://shop.example/login"]),
        ("请看www.shop.example/x，谢谢", ["http://www.shop.example/x"]),
        ("www.shop.example", ["http://www.shop.example/"]),
        ("举报ｈｔｔｐ：／／ｓｈｏｐ．ｅｘａｍｐｌｅ／ｘ。", ["http://shop.example/x"]),
        ("举报http://shop.example是赌博", ["http://shop.example/"]),
        (
            "shop[.]example:8080/a and shop[dot]example/b",
            ["http://shop.example:8080/a", "http://shop.example/b"],
        ),
        ("known.example, and unknown.example", ["http://known.example/"]),
        ("e.g. a file.pdf of Mr.Wang, i.e. v1.2/x; 3.5/5", []),
        ("li@shop.example li.wang@mail.shop.example/x mailto:li@www.shop.example", []),
        (
            "https://shop.example/a?next=www.other.example/b",
            ["https://shop.example/a?next=www.other.example/b"],
        ),
        ('<a href="https://shop.example/?a=1&amp;b=2">', ["https://shop.example/?a=1&b=2"]),
        ("&lt;https://shop.example/a&gt;", ["https://shop.example/a"]),
        ("https://shop.example/?a=1&copy=2", ["https://shop.example/?a=1&copy=2"]),
    ],
)
def test_addresses_are_found(text: str, expected: list[str]) -> None:
    known = {"known.example"}
    found = _urls(pasted.find(text, known.intersection))
    assert [web_address.read(url, bare=True) for url in found] == expected


def test_an_address_is_found_as_it_was_written_and_once() -> None:
    found = pasted.find("<https://Shop.Example/路> https://shop.example/%E8%B7%AF")
    assert (_urls(found), found.hosts) == (("https://Shop.Example/路",), ("shop.example",))
    assert pasted.at_site(_urls(found), "shop.example") == set(_urls(found))


def test_what_was_disarmed_or_has_no_scheme_stays_as_it_was_written() -> None:
    found = pasted.find("(hxxps://shop[.]example/a), hxxp://pay.example/b[.] shop.example/x_(1)")
    assert _urls(found) == (
        "hxxps://shop[.]example/a", "hxxp://pay.example/b", "shop.example/x_(1)",
    )  # fmt: skip
    assert pasted.at_site(_urls(found), "shop.example") == {_urls(found)[0], _urls(found)[2]}


def test_what_cannot_be_kept_is_told_as_it_was_written() -> None:
    found = pasted.find("https://shop..example/ and https://shop.example:99999/")
    assert _urls(found) == ()
    assert found.unfit == ("https://shop..example/", "https://shop.example:99999/")


def test_of_too_many_the_first_are_kept_and_that_there_were_more_is_told() -> None:
    found = pasted.find(" ".join(f"https://shop.example/{n}" for n in range(MAX_URLS + 1)))
    [group] = found.groups
    assert (len(group.urls), group.more, found.more) == (MAX_URLS, True, False)
    many = pasted.find(" ".join(f"https://s{n}.example/" for n in range(22)), set)
    assert (len(many.groups), many.more) == (20, True)
    many = pasted.find(" ".join(f"https://shop.example/{n}" for n in range(501)))
    assert many.more


def test_the_host_of_most_addresses_comes_first() -> None:
    found = pasted.find("https://a.example/ https://b.example/1 https://b.example/2")
    assert found.hosts == ("b.example", "a.example")


def test_a_long_text_without_an_end_is_read_quickly() -> None:
    assert _urls(pasted.find("https://" * 100_000)) == ()
    for part in ("a", "a.", "a-", "www.", "a[.]", "&amp;", "shop.example."):
        assert _urls(pasted.find(part * 100_000)) == (), part


def test_addresses_of_other_sites_in_a_mail_are_not_the_sites() -> None:
    urls = ["https://shop.example/a", "https://www.shop.example/b", "https://notshop.example/c"]
    assert pasted.at_site(urls, " Shop.Example ") == set(urls[:2])
    assert pasted.at_site(["https://xn--fiqs8s.example/"], "中国.example") != set()
    assert pasted.at_site(urls, "no name at all") == set()


def test_each_address_goes_to_the_nearest_site_above_it_and_those_of_none_come_last() -> None:
    sites = {"shop.example", "pay.shop.example", "forum.example"}
    text = (
        "https://x.example/1 https://a.pay.shop.example/2 https://shop.example/3 "
        "https://forum.example/4 https://www.shop.example/5 https://notshop.example/6"
    )
    found = pasted.find(text, sites.intersection)
    assert [(group.site, [url[-1] for url in group.urls]) for group in found.groups] == [
        ("pay.shop.example", ["2"]), ("shop.example", ["3", "5"]), ("forum.example", ["4"]),
        ("", ["1", "6"]),
    ]  # fmt: skip


def test_of_a_mail_no_half_of_an_address_is_found() -> None:
    mail = EmailMessage()
    mail["Subject"] = "phishing"
    whole = f"https://shop.example/{'a' * 90}?id=1"
    mail.set_content(f"看 {whole}\n", cte="quoted-printable")
    assert whole not in mail.as_string()
    assert _urls(pasted.find(mail.as_string())) == (whole,)


def test_what_may_be_cut_off_at_the_end_of_its_line_is_told() -> None:
    found = pasted.find("a=b https://shop.example/?x=\nmore https://shop.example/?y= z")
    assert found.cut == {"https://shop.example/?x="}
