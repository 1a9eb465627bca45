"""A web address: its normal form, and what is refused with the way out."""

import pytest

from incidents import web_address
from incidents.errors import BadUrlError


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("HTTP://Shop.Example:80/A?b=C#d", "http://shop.example/A?b=C"),
        ("https://shop.example:443", "https://shop.example/"),
        ("https://shop.example:8443/x", "https://shop.example:8443/x"),
        ("http://例子.测试/路径", "http://xn--fsqu00a.xn--0zwm56d/路径"),
        ("http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
        ("http://12-3/x", "http://12-3/x"),
    ],
)
def test_two_spellings_of_one_address_are_one_address(written: str, kept: str) -> None:
    assert web_address.read(written) == kept
    assert web_address.read(kept) == kept


@pytest.mark.parametrize(
    ("written", "because"),
    [
        ("", "empty"),
        ("shop.example/x", "http://"),
        ("ftp://shop.example/x", "http://"),
        ("javascript:alert(1)", "http://"),
        ("http:///x", "no host"),
        ("http://li:secret@shop.example/", "password"),
        ("http://shop.example:99999/", "port"),
        ("http://shop.example/a b", "a space"),
        ("http://shop.example/\n", "U+000A"),
        ("http://shop.example/\x00", "U+0000"),
        ("http://shop.example/\udcff", "U+DCFF"),
        ("http://[zz/", "cannot be read"),
        ("http://-x.example/", "of its host"),
        ("http://shop.example/" + "x" * 2_048, "2,048"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(written: str, because: str) -> None:
    with pytest.raises(BadUrlError) as refused:
        web_address.read(written)
    assert because in refused.value.message


def test_an_address_of_2048_characters_is_the_longest() -> None:
    longest = "http://shop.example/" + "x" * (2_048 - 20)
    assert web_address.read(longest) == longest
