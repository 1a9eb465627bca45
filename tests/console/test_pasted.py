"""The pasted: which addresses are found in what people paste, and in which form."""

import pytest

from incidents import web_address
from incidents.console import pasted
from incidents.inputs import MAX_URLS


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
        ("https://shop.example/a\nhttps://shop.example/a#b", ["https://shop.example/a"]),
        ("https://中国.example/", ["https://xn--fiqs8s.example/"]),
        ("ftp://shop.example javascript:alert(1) shop.example", []),
        ("", []),
        ("see shop.example/login.", ["http://shop.example/login"]),
        ("请看www.shop.example/x，谢谢", ["http://www.shop.example/x"]),
        ("www.shop.example", ["http://www.shop.example/"]),
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
    found = pasted.find(text, known.intersection).urls
    assert [web_address.read(url) for url in found] == expected


def test_an_address_is_found_as_it_was_written_and_once() -> None:
    found = pasted.find("<https://Shop.Example/路> https://shop.example/%E8%B7%AF")
    assert (found.urls, found.hosts) == (("https://Shop.Example/路",), ("shop.example",))
    assert pasted.at_site(found.urls, "shop.example") == set(found.urls)


def test_what_cannot_be_kept_is_told_as_it_was_written() -> None:
    found = pasted.find("https://shop..example/ and https://shop.example:99999/")
    assert found.urls == ()
    assert found.unfit == ("https://shop..example/", "https://shop.example:99999/")


def test_of_too_many_the_first_are_kept_and_that_there_were_more_is_told() -> None:
    found = pasted.find(" ".join(f"https://shop.example/{n}" for n in range(MAX_URLS + 1)))
    assert len(found.urls) == MAX_URLS
    assert found.more


def test_the_host_of_most_addresses_comes_first() -> None:
    found = pasted.find("https://a.example/ https://b.example/1 https://b.example/2")
    assert found.hosts == ("b.example", "a.example")


def test_a_long_text_without_an_end_is_read_quickly() -> None:
    assert pasted.find("https://" * 100_000).urls == ()
    for part in ("a", "a.", "a-", "www.", "a[.]", "&amp;", "shop.example."):
        assert pasted.find(part * 100_000).urls == (), part


def test_addresses_of_other_sites_in_a_mail_are_not_the_sites() -> None:
    urls = ["https://shop.example/a", "https://www.shop.example/b", "https://notshop.example/c"]
    assert pasted.at_site(urls, " Shop.Example ") == set(urls[:2])
    assert pasted.at_site(["https://xn--fiqs8s.example/"], "中国.example") != set()
    assert pasted.at_site(urls, "no name at all") == set()
