"""The time that a text mentions is a guess, and never that of something else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from incidents.inbox import readers, seen_time
from incidents.inbox.reading import Endpoint, Reading
from incidents.inbox.source import Source

RECEIVED = datetime(2026, 12, 1, 8, tzinfo=UTC)
SEEN = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
HEAD = "From: zhao@user.example\nDate: Tue, 1 Dec 2026 15:30:00 +0800\nSubject: phishing\n\n"
SENT = datetime(2026, 12, 1, 7, 30, tzinfo=UTC)
LOG_LINE = '192.0.2.9 - - [01/Dec/2026:10:00:00 +0800] "GET /a HTTP/1.1" 200 5\n'
FORWARD = (
    "---------- Forwarded message ---------\nFrom: Qian <qian@user.example>\n"
    "Date: Mon, 30 Nov 2026 at 23:00\nSubject: look\nTo: <zhao@user.example>\n\n"
)


def read(text: str, head: str = HEAD) -> Reading:
    source = Source(f"{head}{text}".encode(), received_at=RECEIVED)
    return readers.read(source)


@pytest.mark.parametrize(
    "text",
    [
        "I saw http://shop.example/a at 2026-12-01T10:00:00+08:00 today.",
        "It was there on 2026-12-01 02:00:00.123 UTC and still is.",
        "I saw it on Tue, 01 Dec 2026 02:00:00 +0000, for the first time.",
        "We saw it on 1 December 2026 at 10:00.",
        "Seen on December 1, 2026 at 10:00 here.",
        LOG_LINE,
        "Dec  1 10:00:00 2026 web1 sshd[12]: Failed password for root from 192.0.2.9 port 5",
        "2026 Dec  1 10:00:00 web1 sshd[12]: Failed password for root from 192.0.2.9 port 5",
        "2026/12/01 10:00:00 [error] 12#0: *1 open() failed, client: 192.0.2.9",
        "您好，2026年12月1日 10:00（北京时间）发现该网站。",
        "我于北京时间2026年12月1日10时00分发现该网站。",
        "我于 2026 年 12 月 1 日上午 10 点发现该网站。",
        "我在2026-12-01 10:00:00看到该网站。",
        "We saw it on 01.12.2026 at home, 01.12.2026 10:00:00.",
        "Seen 01.12.2026, 05:00 (МСК).",
        "Seen Dec 1, 2026 10:00:00 AM.",
        "Seen on 2026-12-01 2:00 a.m. UTC.",
        "確認日時は2026年12月1日 11時00分（JST）です。",
        "2026-12-01 11:00:00 KST에 확인했습니다.",
        "Seen at 2026-11-30 21:00:00 EST.",
        "Seen on 1 Dec 2026 11:00:00 JST.",
        "2026年12月1日(星期二) 10:00 发现该网站。",
        "Seen 2026-12-01, 10:00 and still there.",
        "Seen 2026-12-01 at 02:00 UTC.",
        "Seen 01-Dec-2026 02:00:00 UTC.",
        "Seen Tuesday, December 1, 2026 2:00 AM (UTC).",
        "Seen 12/01/2026 02:00:00 AM UTC.",
        "Festgestellt am 01.12.2026 um 03:00 Uhr (MEZ).",
        "Times are in UTC.\n2026-12-01 02:00:00 GET /a",
        "ASN | IP | Timestamp (UTC)\n64500 | 192.0.2.1 | 2026-12-01 02:00:00",
        "Timezone: +0100\nSeen 2026-12-01 03:00.",
        "时区：UTC+9\n2026年12月1日 11:00 发现该网站。",
    ],
)
def test_a_time_in_a_sentence_or_a_log_is_read_as_a_guess(text: str) -> None:
    found = read(f"{text}\nhttp://shop.example/a\n")
    assert found.seen_at == SEEN
    assert "seen_at" in found.guessed


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("Dec 1, 2026 12:05 AM UTC", 0), ("Dec 1, 2026 12:05 PM UTC", 12),
        ("2026-12-01 12:05 am UTC", 0), ("2026-12-01 01:05 pm UTC", 13),
        ("01.12.2026 13:05 UTC", 13),
    ],
)  # fmt: skip
def test_a_clock_may_have_twelve_hours(text: str, hour: int) -> None:
    assert seen_time.read(text) == (datetime(2026, 12, 1, hour, 5, tzinfo=UTC), True)


def test_a_mail_is_from_no_time_after_it_came_in() -> None:
    late = HEAD.replace("2026 15:30", "2099 15:30")
    assert read("http://shop.example/a\n", late).seen_at == RECEIVED


@pytest.mark.parametrize(
    "text",
    [
        "It may come back on 2027-01-01 10:00.",
        "Time: 2027-01-01 10:00:00 UTC",
        "The clock said 1970-01-01 00:00:00.",
        "The domain was registered on 2019-03-04 05:06:07.",
        "Creation Date: 2019-03-04T05:06:07Z",
        "Seen on 11/12/2026 10:00, in the one order of the month or the other.",
        "version 2026.12.01.10:00 of 198.51.100.1",
    ],
)
def test_what_is_in_the_future_or_about_something_else_is_no_time_of_the_report(text: str) -> None:
    assert read(f"{text}\nhttp://shop.example/a\n").seen_at == SENT


def test_a_time_that_is_stated_with_its_zone_comes_before_all_and_is_sure() -> None:
    found = read(f"2026-11-01 10:00:00 x\n发现时间：2026年12月1日 10:00（北京时间）\n{LOG_LINE}")
    assert (found.seen_at, "seen_at" in found.guessed) == (SEEN, False)


def test_the_first_line_of_a_log_comes_before_the_times_in_sentences() -> None:
    later = LOG_LINE.replace("10:00:00", "11:00:00")
    assert read(f"I answer your mail of 2026-11-20 10:00.\n{later}{LOG_LINE}").seen_at == SEEN


@pytest.mark.parametrize(
    "quoted",
    [
        FORWARD,
        "On Mon, 30 Nov 2026 at 23:00, Qian <qian@user.example> wrote:\n> ",
        "发件人: 钱 <qian@user.example>\n发送时间: 2026年11月30日 23:00\n主题: 举报\n\n",
    ],
)
def test_the_date_of_a_quoted_mail_counts_only_if_nothing_better_is_there(quoted: str) -> None:
    assert read(f"{quoted}Seen at 2026-12-01 10:00.\nhttp://shop.example/a\n").seen_at == SEEN
    found = read(f"{quoted}Look: http://shop.example/a\n")
    assert found.seen_at == datetime(2026, 11, 30, 15, tzinfo=UTC)
    assert "seen_at" in found.guessed


def test_an_address_on_a_line_of_a_log_has_the_time_of_that_line() -> None:
    later = LOG_LINE.replace("10:00:00", "11:00:00")
    found = read(f"{LOG_LINE}{later.replace('.9', '.8')}{later}Also 192.0.2.7.\n")
    assert found.endpoints == (
        Endpoint("192.0.2.9", None, SEEN),
        Endpoint("192.0.2.8", None, datetime(2026, 12, 1, 3, tzinfo=UTC)),
        Endpoint("192.0.2.7"),
    )
