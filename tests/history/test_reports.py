"""Reading a history: what is taken, and the one sentence for what is not."""

import codecs
import io
import sys
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from incidents.errors import FileError
from incidents.history import reports
from incidents.history.report import Report
from incidents.history.reports import History, TooManyReportsError
from incidents.history.rows import HistoryError
from tests.data import make_feed

DATA = Path(__file__).parent.parent / "data"
AT = datetime(2026, 3, 1, 2, 50, tzinfo=UTC)
PLAIN = "occurred_at,site\n2026-03-01T02:50:00Z,a.example\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history.csv"


def read(file: Path, content: str | bytes, zone: tzinfo = UTC) -> History:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return reports.load_history(str(file), zone=zone)


def test_of_a_history_that_is_too_long_the_rest_is_not_read() -> None:
    raw = io.BytesIO((PLAIN + "x,y\n" * 100_000).encode())
    with pytest.raises(TooManyReportsError, match="at most 3 reports"):
        reports.read_history(raw, "history", most=3)
    assert raw.tell() < 2**16


def only(found: History) -> Report:
    assert found.bad == []
    [report] = found.reports
    return report


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.rstrip("\n"),
        "\n\n" + PLAIN + "\n  \n",
        codecs.BOM_UTF8 + PLAIN.encode(),
        PLAIN.replace("occurred_at,site", " Occurred_At , SITE "),
        PLAIN.replace("a.example", ' "A.Example" '.strip()),
        "site,occurred_at\na.example,2026-03-01T10:50:00+08:00\n",
        "occurred_at,site,url,note\n2026-03-01 02:50,a.example,,\n",
        "# a comment of the feed\n" + PLAIN,
        '{"occurred_at": "2026-03-01T02:50:00Z", "site": "a.example"}',
        '\n{"site": "a.example", "occurred_at": "2026-03-01 02:50", "note": null, "url": ""}\r\n\n',
        codecs.BOM_UTF8 + b'{"occurred_at": "2026-03-01T02:50:00.0Z", "site": "a.example"}\n',
    ],
    ids=[
        "LF", "CRLF", "CR", "no end of the last line", "blank lines", "a byte order mark",
        "spelt otherwise", "quoted", "other order", "empty fields", "a comment above",
        "JSON Lines", "JSON Lines with nulls", "JSON Lines with a byte order mark",
    ],
)  # fmt: skip
def test_a_history_may_be_written_like_this(file: Path, content: str | bytes) -> None:
    report = only(read(file, content))
    assert (report.site, report.occurred_at) == ("a.example", AT)
    assert (report.url, report.note, report.contact) == (None, None, None)


def test_every_column_is_read_and_commas_and_line_ends_may_stand_in_quotes(file: Path) -> None:
    found = read(
        file,
        "occurred_at,site,url,category,note,contact,contact_at,removed_at\n"
        '2026-03-01T02:50:00Z,a.example,"HTTP://A.example/x,y","spam, plain",'
        '"he said ""no"",\nand 你好",reached,2026-03-01T03:00:00Z,2026-03-01T04:00:00.5Z\n',
    )
    assert only(found) == Report(
        line=2,
        site="a.example",
        occurred_at=AT,
        url="http://a.example/x,y",
        written="HTTP://A.example/x,y",
        category="spam, plain",
        note='he said "no",\nand 你好',
        contact="reached",
        contact_at=AT + timedelta(minutes=10),
        removed_at=AT + timedelta(minutes=70, milliseconds=500),
    )


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-03-01 02:50", UTC, AT),
        ("2026-03-01T10:50:00", ZoneInfo("Asia/Shanghai"), AT),
        ("2026-03-01 02:50:00Z", ZoneInfo("Asia/Shanghai"), AT),
        ("2026-02-28T20:50:00-06:00", timezone(timedelta(hours=3)), AT),
        ("2026-03-01T02:50:00.000001Z", UTC, AT + timedelta(microseconds=1)),
    ],
)
def test_a_time_without_an_offset_is_in_the_zone_of_the_file(
    file: Path, text: str, zone: tzinfo, expected: datetime
) -> None:
    assert (
        only(read(file, PLAIN.replace("2026-03-01T02:50:00Z", text), zone)).occurred_at == expected
    )


def test_reports_come_in_the_order_of_their_times_and_else_of_their_lines(file: Path) -> None:
    found = read(
        file,
        "occurred_at,site\n2026-03-02 00:00,b.example\n2026-03-01 00:00,a.example\n"
        "2026-03-02 00:00,a.example\n",
    )
    assert [(report.line, report.site) for report in found.reports] == [
        (3, "a.example"), (2, "b.example"), (4, "a.example"),
    ]  # fmt: skip


def test_in_json_an_unknown_column_may_hold_anything(file: Path) -> None:
    row = '{"occurred_at": "2026-03-01 02:50", "site": "a.example", "score": 7.5, "tags": ["x"]}\n'
    found = read(file, row)
    assert (len(found.reports), found.bad, found.ignored) == (1, [], ("score", "tags"))
    dump = (
        '{"id": 1, "dateadded": "2026-03-01 02:50:00", "url": "http://a.example/", "url_status": 7}'
    )
    assert "url_status is 7; write it as a text" in read(file, dump).bad[0].detail


def test_an_unknown_column_is_ignored_and_named(file: Path) -> None:
    found = read(
        file, PLAIN.replace("site\n", "site,contact_att\n").replace("example\n", "example,x\n")
    )
    assert only(found).contact is None
    assert found.ignored == ("contact_att",)


ROW = "2026-03-01T02:50:00Z,a.example"
EMPTY = ",,,,"
BAD_ROWS = {
    "no time": ("yesterday,a.example" + EMPTY, "occurred_at is 'yesterday', which is no time"),
    "a bare time": ("02:50,a.example" + EMPTY, "occurred_at is '02:50', which is no time"),
    "a date alone": ("2026-03-01,a.example" + EMPTY, "'2026-03-01', which is no time"),
    "no such day": ("2026-02-30 02:50,a.example" + EMPTY, "no such time: '2026-02-30 02:50'"),
    "too long ago": ("1969-12-31 02:50,a.example" + EMPTY, "write a year from 1970 to 2999"),
    "too far ahead": ("9999-12-31 02:50,a.example" + EMPTY, "is in the future"),
    "no time at all": (",a.example" + EMPTY, "occurred_at is missing"),
    "no site": ("2026-03-01 02:50," + EMPTY, "site is missing"),
    "a URL for a site": ("2026-03-01 02:50,http://a.example/" + EMPTY, "site: 'http://a.exam"),
    "too few fields": ("2026-03-01 02:50", "it has 1 fields, but the header names 6"),
    "too many fields": (ROW + EMPTY + ",", "it has 7 fields, but the header names 6"),
    "no web address": (ROW + ",ftp://a.example/,,,", "url: 'ftp://a.example/' is not a web"),
    "an unknown outcome": (ROW + ",,maybe,,", "contact is 'maybe'; write one of reached, no-"),
    "a call without outcome": (ROW + ",,,2026-03-01T03:00:00Z,", "but contact is empty; write"),
    "a bad time of the call": (ROW + ",,reached,soon,", "contact_at is 'soon', which is no time"),
    "called before": (
        ROW + ",,reached,2026-03-01T02:49:59Z,",
        "contact_at is 2026-03-01T02:49:59Z, before the violation itself, 2026-03-01T02:50:00Z",
    ),
    "removed before": (ROW + ",,,,2026-02-01T02:50:00Z", "removed_at is 2026-02-01T02:50:00Z, bef"),
    "a quote in the middle": ('2026-03-01 02:50,"a"b' + EMPTY, "it is not CSV"),
}


@pytest.mark.parametrize(("row", "sentence"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_named_with_its_line_and_value(file: Path, row: str, sentence: str) -> None:
    good = "2026-03-01T02:50:00Z,a.example,,,,"
    found = read(
        file, f"occurred_at,site,url,contact,contact_at,removed_at\n{good}\n{row}\n{good}\n"
    )
    assert [report.line for report in found.reports] == [2, 4]
    [bad] = found.bad
    assert bad.line == 3
    assert sentence in bad.detail
    with pytest.raises(HistoryError, match=r"line 3: .*--skip-bad") as refused:
        found.refuse_bad_lines()
    assert "\n" not in refused.value.message
    assert refused.value.exit_status == 1


def test_the_first_of_many_bad_rows_is_named_and_the_others_are_counted(file: Path) -> None:
    found = read(file, PLAIN + "x,a.example\ny,a.example\nz,a.example\n")
    with pytest.raises(HistoryError, match=r"line 3: occurred_at is 'x'.* and 2 more such lines"):
        found.refuse_bad_lines()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "'{' is not JSON (the error is at character 2)"),
        ("7", "'7' is not a JSON object"),
        ('{"occurred_at": 7, "site": "a.example"}', "occurred_at is 7; write it as a text"),
        ('{"occurred_at": "2026-03-01 02:50"}', "site is missing"),
        (r'{"occurred_at": "2026-03-01 02:50", "site": "\ud800"}', "half a character"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_bad_line_of_json_is_named_with_its_line_and_value(
    file: Path, line: str, sentence: str
) -> None:
    good = '{"occurred_at": "2026-03-01 02:50", "site": "a.example"}'
    found = read(file, f"{good}\n{line}\n{good}\n")
    assert [report.line for report in found.reports] == [1, 3]
    [bad] = found.bad
    assert bad.line == 2
    assert sentence in bad.detail
    assert len(bad.detail) < 250


def test_a_line_that_is_not_utf_8_is_a_bad_line_and_not_a_crash(file: Path) -> None:
    found = read(
        file, b"occurred_at,site,note\n2026-03-01 02:50,a.example,\xce\xa5\n"
        b"2026-03-01 02:50,a.example,\xc4\xe3\xba\xc3\n",
    )  # fmt: skip
    assert len(found.reports) == 1
    [bad] = found.bad
    assert (bad.line, "which is not UTF-8" in bad.detail) == (3, True)


def test_a_note_that_is_too_long_or_unspeakable_is_a_bad_row(file: Path) -> None:
    rows = (f"2026-03-01 02:50,a.example,{note}" for note in ("x" * 4_000, "x" * 4_001, "a\x1bb"))
    found = read(file, "occurred_at,site,note\n" + "\n".join(rows) + "\n")
    assert len(found.reports) == 1
    assert "4,001 characters, and 4,000 are the most" in found.bad[0].detail
    assert "U+001B" in found.bad[1].detail


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "it is empty"),
        ("\n \n", "it is empty"),
        ("# nothing but a comment\n", "it has no header"),
        ("date,site\n", "line 1: there is no column occurred_at; a history has occurred_at and"),
        ("\nwhat,ever\n1,2\n", "line 2: there is no column occurred_at and no site"),
        ("occurred_at,site,site\n", "line 1: the column site is there twice"),
        ('"occurred_at,site\n', "line 1: it is not CSV"),
        ("[\n{}]\n", "line 1: it is one JSON array; write JSON Lines"),
        (PLAIN.encode("utf-16"), "line 1: it is not UTF-8"),
    ],
)
def test_a_file_that_is_no_history_is_refused_in_one_sentence(
    file: Path, content: str | bytes, sentence: str
) -> None:
    with pytest.raises(HistoryError) as refused:
        read(file, content)
    assert sentence in refused.value.message
    assert refused.value.exit_status == 1


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest_in_silence(file: Path) -> None:
    found = read(file, PLAIN + '2026-03-01 02:50,"a.example\n' + PLAIN)
    assert len(found.reports) == 1
    assert (found.bad[0].line, "a quote is never closed" in found.bad[0].detail) == (3, True)


def test_a_header_alone_is_an_empty_history(file: Path) -> None:
    assert read(file, "occurred_at,site\n").reports == []


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read: No such file"):
        reports.load_history(str(tmp_path / "none.csv"))
    with pytest.raises(FileError, match="cannot be read: Is a directory"):
        reports.load_history(str(tmp_path))


def test_standard_input_is_read_and_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(PLAIN.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert len(reports.load_history("-").reports) == 1
    assert not stdin.buffer.closed


def test_in_a_urlhaus_dump_the_site_is_the_host_and_the_time_is_in_utc() -> None:
    found = reports.load_history(str(DATA / "feed.csv"), zone=ZoneInfo("Asia/Shanghai"))
    assert (found.bad, found.ignored, len(found.reports)) == ([], (), 195)
    last = found.reports[-1]
    assert last.line == 2
    assert last.url is not None
    assert last.url.startswith(f"http://{last.site}")
    assert all(":" not in report.site for report in found.reports)
    assert any(":8080/" in (report.url or "") for report in found.reports)
    times = (DATA / "feed.csv").read_text().splitlines()
    assert last.occurred_at.strftime("%Y-%m-%d %H:%M:%S") in times[1]


def test_a_urlhaus_dump_may_have_its_header_in_a_comment(file: Path) -> None:
    lines = (DATA / "feed.csv").read_text().splitlines(keepends=True)
    found = read(file, "####\n# a feed #\n#\n# " + "".join(lines))
    assert (len(found.reports), found.bad) == (195, [])
    assert found.reports[-1].line == 5


def test_the_feed_is_what_its_maker_makes() -> None:
    made = io.StringIO()
    make_feed.write(made)
    assert (DATA / "feed.csv").read_text() == made.getvalue()
