"""The message: an address is read in one way or not at all, and what Retry-After asks for."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.outbound import message
from incidents.outbound.faults import ForbiddenTargetError
from incidents.outbound.message import MAX_RETRY_AFTER, retry_after

READ = [
    ("https://hooks.example", ("https", "hooks.example", 443, "/"), "hooks.example"),
    ("HTTPS://Hooks.Example:443/A?b=C#d", ("https", "hooks.example", 443, "/A?b=C"), None),
    ("https://hooks.example?b=c", ("https", "hooks.example", 443, "/?b=c"), None),
    ("https://hooks.example:/x", ("https", "hooks.example", 443, "/x"), "hooks.example"),
    ("https://hooks.example./x", ("https", "hooks.example", 443, "/x"), "hooks.example"),
    ("https://hooks.example:8443/x", ("https", "hooks.example", 8443, "/x"), "hooks.example:8443"),
    ("http://hooks.example/x", ("http", "hooks.example", 80, "/x"), "hooks.example"),
    ("https://例子.测试/x", ("https", "xn--fsqu00a.xn--0zwm56d", 443, "/x"), None),
    ("https://XN--FSQU00A.xn--0zwm56d/x", ("https", "xn--fsqu00a.xn--0zwm56d", 443, "/x"), None),
    ("https://hooks。example/x", ("https", "hooks.example", 443, "/x"), None),
    ("https://8.8.8.8/x", ("https", "8.8.8.8", 443, "/x"), "8.8.8.8"),
    ("https://[2400:3200:0::1]:8443/", ("https", "2400:3200::1", 8443, "/"), "[2400:3200::1]:8443"),
    ("https://[2400:3200::1]/", ("https", "2400:3200::1", 443, "/"), "[2400:3200::1]"),
    ("https://hooks.example/a@b:c", ("https", "hooks.example", 443, "/a@b:c"), None),
]
UNREADABLE = [
    ("", "begin with"),
    ("hooks.example/x", "begin with"),
    ("//hooks.example/x", "begin with"),
    ("ftp://hooks.example/", "begin with"),
    ("file:///etc/passwd", "begin with"),
    ("gopher://hooks.example/", "begin with"),
    ("javascript:alert(1)", "begin with"),
    ("https:hooks.example", "begin with"),
    ("https:/hooks.example", "begin with"),
    (" https://hooks.example/", "a space"),
    ("https://hooks.example/ x", "a space"),
    ("https://hooks.example/\r\nHost: x", "U+000D"),
    ("https://hooks\t.example/", "U+0009"),
    ("https://hooks.example/\x00", "U+0000"),
    ("https://hooks\u200b.example/", "U+200B"),
    ("https://hooks\u00ad.example/", "U+00AD"),
    ("https://hooks.example\\@127.0.0.1/", "backslash"),
    ("https:\\\\hooks.example/", "backslash"),
    ("https://hooks.example@127.0.0.1/", "an @"),
    ("https://user:word@hooks.example/", "an @"),
    ("https://@hooks.example/", "an @"),
    ("https:///x", "no host"),
    ("https://:443/x", "no host"),
    ("https://?x", "no host"),
    ("https://./x", "empty part"),
    ("https://hooks..example/", "empty part"),
    ("https://.hooks.example/", "empty part"),
    ("https://hooks.example../", "empty part"),
    ("https://hooks.example:0/", "port 0"),
    ("https://hooks.example:65536/", "port 65536"),
    ("https://hooks.example:99999/", "port 99999"),
    ("https://hooks.example:443:443/", "not a host and port"),
    ("https://hooks.example:+443/", "not a host and port"),
    ("https://hooks.example:４４３/", "not a host and port"),
    ("https://hooks.example:x/", "not a host and port"),
    ("https://::1/", "not a host and port"),
    ("https://[::1/", "not a host and port"),
    ("https://[::1]x/", "not a host and port"),
    ("https://x[::1]/", "not a host and port"),
    ("https://[::1]:x/", "not a host and port"),
    ("https://[v1.x]/", "not an IPv6 address"),
    ("https://[127.0.0.1]/", "not an IPv6 address"),
    ("https://[]/", "not an IPv6 address"),
    ("https://[fe80::1%25eth0]/", "zone"),
    ("https://[fe80::1%eth0]/", "zone"),
    ("https://%31%32%37.0.0.1/", "percent-encoded"),
    ("https://hooks%2eexample/", "percent-encoded"),
    ("https://2130706433/", "valid"),
    ("https://017700000001/", "valid"),
    ("https://0x7f000001/", "four plain numbers"),
    ("https://0X7F000001/", "four plain numbers"),
    ("https://0x/", "four plain numbers"),
    ("https://0x7f.1/", "valid"),
    ("https://127.0x1/", "four plain numbers"),
    ("https://hooks.0x1/", "four plain numbers"),
    ("https://127.1/", "valid"),
    ("https://0177.0.0.1/", "valid"),
    ("https://127.0.0.01/", "valid"),
    ("https://127.0.0.1./", "valid"),
    ("https://1.2.3.4.5/", "valid"),
    ("https://256.0.0.1/", "valid"),
    ("https://１２７.0.0.1/", "valid"),
    ("https://①②⑦.⓪.⓪.①/", "ends in a number"),
    ("https://127。0。0。①/", "ends in a number"),
    ("https://hooks.example/路径", "ASCII"),
    ("https://-hooks.example/", "a hyphen"),
    ("https://xn--zz--/", "IDNA"),
    ("https://xn--/", "IDNA"),
    ("https://a!b.example/", "hyphens alone"),
    ("https://*.example/", "*"),
    (f"https://{'a' * 64}.example/", "63"),
    (f"https://hooks.example/{'x' * 2_048}", "2,048"),
]


@pytest.mark.parametrize(("url", "parts", "authority"), READ)
def test_an_address_has_one_normal_form(
    url: str, parts: tuple[str, str, int, str], authority: str | None
) -> None:
    found = message.read_target(url)
    assert (found.scheme, found.host, found.port, found.path) == parts
    assert authority is None or found.authority == authority


@pytest.mark.parametrize(("url", "because"), UNREADABLE)
def test_an_address_that_could_be_read_in_two_ways_is_refused(url: str, because: str) -> None:
    with pytest.raises(ForbiddenTargetError) as refused:
        message.read_target(url)
    assert because in refused.value.message
    assert refused.value.problem == "forbidden_target"


@pytest.mark.parametrize(
    "url",
    [
        "https://operator-1:whisper@hooks.example/?token=whisper",
        "https://operator-1@hooks.example:whisper/?token=whisper",
        "https://hooks.example:whisper/?token=whisper",
        "https://hooks.example/ ?token=whisper",
        "https://0x7f.example.0x1/?token=whisper",
    ],
)
def test_a_refusal_tells_neither_a_user_name_nor_a_query(url: str) -> None:
    with pytest.raises(ForbiddenTargetError) as refused:
        message.read_target(url)
    assert "whisper" not in refused.value.message
    assert "operator-1" not in refused.value.message


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_is_read_or_refused_and_what_is_read_stays_the_same(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}/x", f"https://hooks.example/{text}"):
        try:
            found = message.read_target(url)
        except ForbiddenTargetError:
            continue
        again = message.read_target(f"{found.scheme}://{found.authority}{found.path}")
        assert again == found
        assert found.host.isascii()
        assert found.path.isascii()
        assert found.path.startswith("/")


NOW = datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (" 120 ", timedelta(seconds=120)),
        ("86400", timedelta(hours=24)),
        ("86401", timedelta(hours=24)),
        ("9" * 5_000, timedelta(hours=24)),
        ("0" * 5_000 + "7", timedelta(seconds=7)),
        ("Sun, 01 Mar 2026 10:02:00 GMT", timedelta(minutes=2)),
        ("Sunday, 01-Mar-26 10:02:00 GMT", timedelta(minutes=2)),
        ("Sun Mar  1 10:02:00 2026", timedelta(minutes=2)),
        ("Fri, 31 Dec 2999 23:59:59 GMT", timedelta(hours=24)),
        ("0", None),
        ("Sun, 01 Mar 2026 10:00:00 GMT", None),
        ("Sun, 01 Mar 2026 09:00:00 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("²", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Sun, 99 Mar 2026 10:02:00 GMT", None),
        ("Sun, 01 Mar 99999 10:02:00 GMT", None),
        ("Sun, 01 Mar 2026 10:02:00 +9999999999", None),
    ],
)
def test_both_forms_are_read_and_nonsense_asks_for_nothing(
    value: str | None, wait: timedelta | None
) -> None:
    assert retry_after(value, NOW) == wait


def test_a_date_is_compared_with_now_in_whatever_zone_now_is_written() -> None:
    now = NOW.astimezone(timezone(timedelta(hours=8)))
    assert retry_after("Sun, 01 Mar 2026 10:02:00 GMT", now) == timedelta(minutes=2)


@given(st.text() | st.from_regex(r"\w{3}, \d{2} \w{3} \d{2,5} \d{2}:\d{2}:\d{2} ?\w{0,4}"))
def test_whatever_is_written_there_the_wait_is_none_or_at_most_a_day(value: str) -> None:
    wait = retry_after(value, NOW)
    assert wait is None or timedelta() < wait <= MAX_RETRY_AFTER
