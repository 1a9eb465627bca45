"""A web address: its normal form, what is kept of how it was written, and what is refused."""

import pytest

from incidents.errors import BadUrlError
from incidents.values import web_address


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("HTTP://Shop.Example:80/A?b=C#d", "http://shop.example/A?b=C"),
        ("https://shop.example:443", "https://shop.example/"),
        ("https://shop.example:8443/x", "https://shop.example:8443/x"),
        ("http://shop.example:/x", "http://shop.example/x"),
        (
            "http://例子.测试/路径",
            "http://xn--fsqu00a.xn--0zwm56d/%E8%B7%AF%E5%BE%84",
        ),
        ("http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
        ("http://12-3/x", "http://12-3/x"),
        ("http://shop.example/a b", "http://shop.example/a%20b"),
        (" \thttp://shop.example/a\nb\r\n", "http://shop.example/ab"),
        ("http://shop.example/\x1b[31m", "http://shop.example/%1B[31m"),
        ("http:\\\\shop.example\\a\\b?c\\d", "http://shop.example/a/b?c\\d"),
        ("http:///shop.example", "http://shop.example/"),
        ("https:shop.example", "https://shop.example/"),
        ("http://bank.example@shop.example/", "http://shop.example/"),
        ("http://li:sec@ret@shop.example:81/", "http://shop.example:81/"),
        ("http://shop.example/a/./b/../c/%2E%2e/d", "http://shop.example/a/d"),
        ("http://shop.example/../a/..", "http://shop.example/"),
        ('http://shop.example/%zz^`{}|<>"', "http://shop.example/%zz%5E%60%7B%7D|%3C%3E%22"),
        ("http://shop.example/?'<>\"^`{}é", "http://shop.example/?%27%3C%3E%22^`{}%C3%A9"),
        ("http://sh%6Fp.example./", "http://shop.example/"),
        ("http://shop\u00ad.exa\u200bmple/", "http://shop.example/"),
        ("http://ＳＨＯＰ。example/", "http://shop.example/"),
        ("http://☃.example/", "http://xn--n3h.example/"),
        ("http://xn--n3h.example/", "http://xn--n3h.example/"),
        ("http://-a-.b_.example/", "http://-a-.b_.example/"),
        ("http://a!$'b,=~*.example/", "http://a!$'b,=~*.example/"),
        ("http://*.example/", "http://*.example/"),
        ("http://shop.example/#/x", "http://shop.example/"),
        ("http://shop.example/?#", "http://shop.example/"),
        ("hxxps://shop[.]example/a[.]php", "https://shop.example/a.php"),
        ("hXXp[:]//shop(.)example:81", "http://shop.example:81/"),
        ("http://shop[dot]example/", "http://shop.example/"),
        ("http://shop.example/a[.]b(.)", "http://shop.example/a[.]b(.)"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://017700000001/", "http://127.0.0.1/"),
        ("http://192.0.2.①/", "http://192.0.2.1/"),
    ],
)
def test_two_spellings_of_one_address_are_one_address(written: str, kept: str) -> None:
    assert web_address.read(written) == kept
    assert web_address.read(kept) == kept


def test_no_long_host_is_put_in_order_which_takes_the_square_of_its_marks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ordered: list[str] = []
    monkeypatch.setattr(web_address, "normalize", lambda _, text: ordered.append(text))
    with pytest.raises(BadUrlError):
        web_address.read(f"http://{chr(0x301) * 1_500}/")
    assert ordered == []


@pytest.mark.parametrize(
    ("written", "because"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("shop.example/x", "http://"),
        ("ftp://shop.example/x", "http://"),
        ("javascript:alert(1)", "http://"),
        ("http:///", "no host"),
        ("http://li@/x", "no host"),
        ("http://shop.example:99999/", "port"),
        ("http://shop.example:1000000000000080/", "port"),
        ("http://shop.example:8o/", "port"),
        ("http://shop.example/\x00", "U+0000"),
        ("http://shop.example/\udcff", "U+DCFF"),
        ("http://a|b.example/", "of its host"),
        ("http://[zz/", "cannot be read"),
        ("http://[shop.example]/", "cannot be read"),
        ("http://[::g]/", "of its host"),
        ("http://sh%00op.example/", "of its host"),
        ("http://shop..example/", "of its host"),
        ("http://256.256.256.256/", "of its host"),
        ("http://192.0.2.08/", "of its host"),
        ("http://shop.example/" + "x" * 2_048, "2,048"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(written: str, because: str) -> None:
    with pytest.raises(BadUrlError) as refused:
        web_address.read(written)
    assert because in refused.value.message


def test_an_address_of_2048_characters_is_the_longest_whatever_becomes_of_them() -> None:
    longest = "http://shop.example/" + "路" * (2_048 - 20)
    assert web_address.read(longest) == "http://shop.example/" + "%E8%B7%AF" * (2_048 - 20)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("shop.example/x", "http://shop.example/x"),
        ("shop[.]example:8080", "http://shop.example:8080/"),
        ("li@shop.example/x", None),
        ("ftp://shop.example/", None),
        ("javascript:alert(1.2)", None),
        ("shop", None),
    ],
)
def test_one_without_a_scheme_is_taken_where_that_is_asked(written: str, kept: str | None) -> None:
    if kept is not None:
        assert web_address.read(written, bare=True) == kept
        return
    with pytest.raises(BadUrlError, match="http://"):
        web_address.read(written, bare=True)


def test_what_was_written_is_kept_beside_the_normal_form_where_it_is_another() -> None:
    given = ["http://shop.example/a b", "http://shop.example/c", "HTTP://shop.example/a%20b"]
    kept = web_address.normalized(given)
    assert kept.urls == ("http://shop.example/a%20b", "http://shop.example/c")
    assert kept.written == ("http://shop.example/a b", "")
    assert web_address.as_written(kept.urls, kept.written) == given[:2]
    assert web_address.normalized(given[1:2]).written == ()
