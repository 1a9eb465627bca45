"""The files for nginx as values: what is written is read again, and no name is configuration."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from incidents import clock
from incidents.enforcement.nginx import folder as nginx_page
from incidents.enforcement.nginx import map as nginx_host
from incidents.enforcement.nginx import map as nginx_map
from incidents.enforcement.nginx import server as nginx_config
from incidents.enforcement.nginx.map import DamagedMapError, HostNames, SiteState
from incidents.enforcement.nginx.server import Layout
from incidents.enforcement.port import Order
from tests.enforcement.nginx_rig import UNTIL, T, order

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGES = {"suspended": nginx_page.page("suspended"), "closed": nginx_page.page("closed")}
SHAPE = Layout(
    hosts=HostNames(aliases={}).of,
    pages={"suspended": PAGES["suspended"], "closed": PAGES["closed"]},
    zone=clock.zone("Asia/Shanghai"),
)

names = st.from_regex(re.compile(nginx_host.NAME, re.ASCII), fullmatch=True).filter(
    nginx_host.is_host
)
times = st.timedeltas(timedelta(), timedelta(days=365_000)).map(EPOCH.__add__)
standings = st.builds(
    SiteState,
    site=names,
    state=st.sampled_from(["active", "suspended", "closed"]),
    seq=st.integers(0, 2**63 - 1),
    ordered_at=times,
    written_at=times,
    until=st.none() | times,
)
maps = st.lists(standings, max_size=8).map(lambda found: {one.site: one for one in found})


def after(*orders: Order, now: datetime = T) -> dict[str, SiteState]:
    return nginx_map.with_states({}, [nginx_map.state_after(one, now) for one in orders])


def block(text: str, variable: str) -> list[str]:
    """The lines of the map that gives this variable its value, without the first one."""
    found = re.search(rf"^map \S+ \${variable} {{\n(.*?)^}}$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return [line.strip() for line in found[1].splitlines()][1:]


# ── written and read ─────────────────────────────────────────────────────────────────────────────


@given(known=maps)
def test_what_is_written_is_read_again(known: dict[str, SiteState]) -> None:
    assert nginx_map.read(nginx_config.http_file(known, SHAPE)) == known


def test_a_page_that_looks_like_a_line_of_the_map_is_none() -> None:
    line = next(nginx_map.lines(after(order(site="other.example"))))
    page = f"{line}\n{line}\r\n\n# site nonsense\n"
    layout = replace(SHAPE, pages={"suspended": page, "closed": page})
    known = after(order())
    assert nginx_map.read(nginx_config.http_file(known, layout)) == known


LINE = "# site shop.example closed seq 1 ordered 2026-03-01T11:00:00Z written 2026-03-01T11:00:00Z"


@pytest.mark.parametrize(
    "line",
    [
        "# site shop.example",
        f"{LINE} # why",
        LINE.replace("seq 1", "seq x"),
        LINE.replace("closed", "held"),
        LINE.replace("2026-03", "2026-13"),
        LINE.replace("shop.example", "a;b"),
        LINE.replace("shop.example", "1:2"),
    ],
)
def test_a_line_that_somebody_else_has_written_is_refused_with_its_number(line: str) -> None:
    assert list(nginx_map.read(LINE)) == ["shop.example"]
    with pytest.raises(DamagedMapError, match="line 3 cannot be read"):
        nginx_map.read(f"# Written by incidents\n\n{line}\n")


@given(known=maps, other=maps)
def test_two_files_have_one_generation_only_if_they_are_one(
    known: dict[str, SiteState], other: dict[str, SiteState]
) -> None:
    one, two = nginx_config.http_file(known, SHAPE), nginx_config.http_file(other, SHAPE)
    assert nginx_config.generation(one) is not None
    assert (nginx_config.generation(one) == nginx_config.generation(two)) == (one == two)


def test_the_generation_stands_within_the_first_lines() -> None:
    text = nginx_config.http_file(after(order()), SHAPE)
    assert nginx_config.generation(text[:300]) == nginx_config.generation(text)


# ── names ────────────────────────────────────────────────────────────────────────────────────────

HOSTILE_NAMES = (
    "",
    "a;b",
    "a b",
    "a\nb",
    "a.example\n",
    "a.example\n# site b.example closed",
    'a"; return 200; #',
    "a}",
    "{",
    "$host",
    "${host}",
    "~.*",
    "~^a",
    "\\a",
    "*.example",
    ".example",
    "a.example.",
    "A.example",
    "-a.example",
    "a'b",
    "a#b",
    "a/b",
    "bücher.example",
    "ａ.example",
    "a" * 254,
    "fe80::1%eth0",
    "fe80::1%;}evil",
    "2001:DB8::1",
    "2001:db8:0:0::1",
    "::1;",
    "[::1]",
    ":",
    "1:2",
    "shop.example:80",
    "٣.example",
)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_might_be_configuration_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"not a host|parts expected"):
        nginx_host.host_of(name)
    assert not nginx_host.is_host(name)


@given(name=st.text() | st.from_regex(r"[a-z0-9.:\[\]%-]+"))
@example(name="a\n")
def test_a_name_is_made_of_what_is_allowed_or_refused(name: str) -> None:
    allowed = re.fullmatch(r"[a-z0-9._:-]+", name, re.ASCII) is not None
    assert allowed or not nginx_host.is_host(name)
    if not allowed:
        with pytest.raises(ValueError, match=r"not a host|parts expected"):
            nginx_map.state_after(order(site=name), T)


@given(name=names)
@example(name="a" * 253)
@example(name="default")
@example(name="2001:db8::1")
def test_a_name_is_one_word_in_quotes(name: str) -> None:
    assert re.fullmatch(
        r'"(?:~\^|\\\\)?[a-z0-9._\\:\[\]-]+\$?"', nginx_host.map_key(nginx_host.host_of(name))
    )


def test_www_is_put_before_names_alone() -> None:
    of = HostNames(www=True, aliases={"a.example": ["b.example"]}).of
    assert list(of("a.example")) == ["a.example", "www.a.example", "b.example"]
    assert list(of("www.a.example")) == ["www.a.example"]
    assert list(of("192.0.2.1")) == ["192.0.2.1"]
    assert list(of("2001:db8::1")) == ["[2001:db8::1]"]
    assert list(HostNames(aliases={}).of("a.example")) == ["a.example"]


# ── what stands, and what is written of it ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "state", "until"),
    [("suspend", "suspended", UNTIL), ("close", "closed", None), ("reopen", "active", None)],
)
def test_an_order_says_how_a_site_stands(kind: str, state: str, until: datetime | None) -> None:
    told = nginx_map.state_after(order(kind), T)
    assert (told.state, told.until, told.seq) == (state, until, 1)


def test_the_later_order_of_a_site_stands_in_whatever_order_they_come() -> None:
    orders = [order("suspend", 1), order("reopen", 2), order("close", 3)]
    for told in (orders, orders[::-1], [orders[2], orders[0], orders[1]]):
        assert after(*told)["shop.example"].state == "closed"


def test_an_order_of_a_restored_database_is_new_although_its_number_is_not() -> None:
    known = after(order("reopen", 900))
    restored = replace(order("close", 12), ordered_at=T + timedelta(days=1))
    told = nginx_map.state_after(restored, T)
    assert not nginx_map.is_stale(known, told)
    assert nginx_map.with_states(known, [told])["shop.example"].state == "closed"


def test_an_order_of_a_later_epoch_is_new_though_it_was_ordered_earlier() -> None:
    """What was ordered after it is of a history whose end is lost."""
    known = after(replace(order("reopen", 900), ordered_at=T + timedelta(days=1)))
    again = replace(order("close", 12), ordered_at=T, seq=332 * 10**12 + 12)
    waited = nginx_map.state_after(again, T)
    assert not nginx_map.is_stale(known, waited)
    assert nginx_map.is_stale(
        {waited.site: waited}, nginx_map.state_after(order("reopen", 901), T + timedelta(days=2))
    )


def test_the_same_order_again_changes_nothing_not_even_when_it_was_written() -> None:
    known = after(order())
    again = nginx_map.state_after(order(), T + timedelta(hours=5))
    assert nginx_map.with_states(known, [again]) == known


def test_what_was_reopened_is_forgotten_after_seven_days_and_nothing_else_is() -> None:
    known = after(
        order("reopen", site="a.example"), order(site="b.example"), order("close", site="c.example")
    )
    week = timedelta(days=7)
    assert nginx_map.without_expired(known, T + week) == known
    later = nginx_map.without_expired(known, T + week + timedelta(seconds=1))
    assert sorted(later) == ["b.example", "c.example"]


def test_only_hosts_that_are_down_stand_in_the_maps() -> None:
    known = after(
        order(site="a.example"),
        order(site="b.example", until=None),
        order("close", site="c.example"),
        order("reopen", site="d.example"),
    )
    text = nginx_config.http_file(known, SHAPE)
    assert block(text, "incidents_state") == [
        '"a.example" suspended;', '"b.example" suspended;', '"c.example" closed;',
    ]  # fmt: skip
    assert block(text, "incidents_retry_after") == ['"a.example" "Sun, 01 Mar 2026 23:00:00 GMT";']
    assert block(text, "incidents_reopens") == ['"a.example" "2026-03-02 07:00 (UTC+08:00)";']


def lines_of_shared_host(orders: Iterable[Order]) -> tuple[list[str], list[str]]:
    both = HostNames(aliases={"a.example": ["same.example"], "b.example": ["same.example"]})
    text = nginx_config.http_file(after(*orders), replace(SHAPE, hosts=both.of))
    states, retries = block(text, "incidents_state"), block(text, "incidents_retry_after")
    return [line for line in states if "same" in line], [line for line in retries if "same" in line]


def test_a_host_of_two_sites_stands_as_the_stricter_one() -> None:
    later = UNTIL + timedelta(hours=1)
    date = '"same.example" "Mon, 02 Mar 2026 00:00:00 GMT";'
    suspended, closed = ['"same.example" suspended;'], ['"same.example" closed;']
    a, b = "a.example", "b.example"
    for one, two in ((a, b), (b, a)):
        assert lines_of_shared_host([order(site=one), order("close", site=two)]) == (closed, [])
        assert lines_of_shared_host([order(site=one), order("reopen", site=two)])[0] == suspended
        assert lines_of_shared_host([order(site=one), order(site=two, until=later)]) == (
            suspended, [date],
        )  # fmt: skip
        assert lines_of_shared_host([order(site=one), order(site=two, until=None)]) == (
            suspended,
            [],
        )


@pytest.mark.parametrize(
    ("moment", "date", "shown"),
    [
        (UNTIL, "Sun, 01 Mar 2026 23:00:00 GMT", "2026-03-02 07:00 (UTC+08:00)"),
        (
            UNTIL + timedelta(microseconds=1),
            "Sun, 01 Mar 2026 23:00:01 GMT",
            "2026-03-02 07:01 (UTC+08:00)",
        ),
        (
            UNTIL + timedelta(seconds=59, microseconds=999_999),
            "Sun, 01 Mar 2026 23:01:00 GMT",
            "2026-03-02 07:01 (UTC+08:00)",
        ),
        (
            datetime(2026, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
            "Fri, 01 Jan 2027 00:00:00 GMT",
            "2027-01-01 08:00 (UTC+08:00)",
        ),
    ],
)
def test_nobody_is_told_to_come_back_too_early(moment: datetime, date: str, shown: str) -> None:
    assert nginx_config.http_date(moment) == date
    assert nginx_page.shown_time(moment, clock.zone("Asia/Shanghai")) == shown


def test_the_time_is_shown_in_any_zone() -> None:
    assert nginx_page.shown_time(UNTIL, UTC) == "2026-03-01 23:00 (UTC+00:00)"
    assert nginx_page.shown_time(UNTIL, clock.zone("America/St_Johns")) == (
        "2026-03-01 19:30 (UTC-03:30)"
    )


# ── pages ────────────────────────────────────────────────────────────────────────────────────────


def test_the_pages_speak_both_languages_and_run_nothing() -> None:
    for page, chinese, english in (
        (PAGES["suspended"], "本网站已暂停访问", "This site is suspended"),
        (PAGES["closed"], "本网站已关闭", "This site is closed"),
    ):
        assert f"<h1>{chinese}</h1>" in page
        assert f"<h1>{english}</h1>" in page
        assert '<meta charset="utf-8">' in page
        assert not re.search(r"<script|javascript:|\son\w+=|https?:|//", page)
    assert nginx_page.MARK in PAGES["suspended"]
    assert nginx_page.MARK not in PAGES["closed"]


@pytest.mark.parametrize("content", [b"x" * 65_537, b"\xff\xfe", b"a\0b"])
def test_a_file_that_is_no_page_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"not a page|codec"):
        nginx_page.page("closed", file)


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=4_000))
@example(text="🏮" * 1_500)
@example(text='"' * 3_000)
def test_no_word_of_the_configuration_is_longer_than_nginx_takes(text: str) -> None:
    layout = replace(SHAPE, pages={"suspended": text, "closed": nginx_page.MARK.join([text] * 3)})
    words = re.findall(r'"(?:[^"\\]|\\.)*"', nginx_config.http_file({}, layout))
    assert all(len(word.encode()) < 4_090 for word in words)
