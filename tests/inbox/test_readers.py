"""What a reader is sure of and what it guesses, and what the settings give to it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from email.utils import getaddresses
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from incidents.inbox import mail, readers, xarf_schemas
from incidents.inbox.readers.shadowserver import SCHEMA
from incidents.inbox.reading import Endpoint, Reading
from incidents.inbox.source import Source
from tests.inbox.test_samples import FOLDER

MAIL = "From: a@user.example\nDate: Sun, 1 Mar 2026 10:00:00 +0800\nSubject: phishing\n\n"


def read(text: str | bytes, name: str = "", **options: Any) -> Reading:
    raw = text.encode() if isinstance(text, str) else text
    return readers.read(Source(raw, name, options))


def test_what_a_person_writes_is_a_guess_and_what_a_format_states_is_not() -> None:
    assert read(MAIL + "http://shop.example/a 192.0.2.1\n").guessed == (
        "category", "urls", "hosts", "endpoints", "seen_at",
    )  # fmt: skip
    assert read((FOLDER / "arf-abuse.eml").read_bytes()).guessed == ()
    assert read((FOLDER / "arf-virus.eml").read_bytes()).guessed == ("urls", "hosts")
    assert read((FOLDER / "xarf-v3.json").read_bytes()).guessed == ()


def test_a_time_without_a_zone_is_in_that_of_the_mail_or_else_of_the_desk_and_is_a_guess() -> None:
    stated = "Time: 2026-03-01 09:00\n"
    found = read(MAIL + stated)
    assert found.seen_at == datetime(2026, 3, 1, 1, tzinfo=UTC)
    assert "seen_at" in found.guessed
    zone = timezone(timedelta(hours=5))
    assert read(stated, zone=zone).seen_at == datetime(2026, 3, 1, 4, tzinfo=UTC)
    assert "seen_at" not in read(MAIL + "Time: 2026-03-01T09:00:00+08:00\n").guessed


def test_a_name_without_a_scheme_is_a_mention_unless_it_is_defanged_or_labelled() -> None:
    found = read(MAIL + "Mr.Wang says that shop.example sells pills, as does pay[.]example.\n")
    assert found.hosts == ("pay.example",)
    assert found.mentions == ("mr.wang", "shop.example")
    assert read(MAIL + "Domain: shop.example\n").hosts == ("shop.example",)


def test_an_endpoint_has_the_port_and_the_time_that_the_report_names() -> None:
    found = read((FOLDER / "xarf-v4-phishing.json").read_bytes())
    at = datetime(2026, 2, 28, 14, 30, 25, tzinfo=UTC)
    assert found.endpoints == (Endpoint("192.0.2.5", 443, at),)


def test_a_version_that_its_schema_refuses_is_read_and_what_is_wrong_is_said() -> None:
    assert read((FOLDER / "xarf-v3.json").read_bytes()).invalid == ()
    assert read((FOLDER / "xarf-v4-phishing.json").read_bytes()).invalid == ()
    found = read((FOLDER / "xarf-version-1.json").read_bytes())
    assert found.invalid[0] == 'Version: "1" is not one of "3" or "3.0"'
    assert found.urls == ("https://shop.example/v1",)


XARF = json.loads((FOLDER / "xarf-v4-phishing.json").read_bytes())
KINDS = [
    ("content", "phishing"), ("connection", "login_attack"), ("infrastructure", "botnet"),
    ("messaging", "spam"), ("vulnerability", "cve"), ("content", "nothing"), (None, 1),
]  # fmt: skip
SCHEMAS = list(xarf_schemas._schemas("v4"))
OF_THE_OTHER_LIBRARY = Draft202012Validator(
    next(each for each in SCHEMAS if each["$id"].endswith("/xarf-v4-master.json")),
    registry=Registry().with_resources(
        (each["$id"], DRAFT202012.create_resource(each)) for each in SCHEMAS
    ),
)


@given(
    kind=st.sampled_from(KINDS),
    without=st.sets(st.sampled_from(sorted(XARF))),
    wrong=st.dictionaries(
        st.sampled_from([*XARF, "evidence", "cve_id"]),
        st.sampled_from([None, 1, True, "x", [], [{}], {}, {"org": 1}]),
        max_size=3,
    ),
)
def test_what_is_wrong_with_a_report_is_what_another_library_says(
    kind: tuple[Any, Any], without: set[str], wrong: dict[str, Any]
) -> None:
    report = {name: value for name, value in XARF.items() if name not in without}
    report |= {"category": kind[0], "type": kind[1], "xarf_version": "4.0.0", **wrong}
    errors = OF_THE_OTHER_LIBRARY.iter_errors(report)
    said = Counter("/".join(map(str, each.absolute_path)) or "report" for each in errors)
    found = Counter(each.split(": ")[0] for each in xarf_schemas.problems(report))
    assert found == said or (found <= said and found.total() == xarf_schemas.MAX_PROBLEMS)


def test_what_the_library_cannot_take_is_said_and_no_error() -> None:
    nested: dict[str, Any] = {}
    for _ in range(900):
        nested = {"a": nested}
    [deep] = xarf_schemas.problems({"xarf_version": "4.0.0", "evidence": nested})
    [half] = xarf_schemas.problems({"xarf_version": "4.0.0", "evidence": "\ud800"})
    assert (deep.partition(":")[0], half.partition(":")[0]) == ("report", "report")


@pytest.mark.parametrize(
    "field",
    [
        "a@user.example", "Zhao Yi <a.b@user.example>", "<a@user.example>", "a@user.example, b@x",
        '"Zhao, Yi" <a@user.example>', "Zhao (a) <a@user.example>", "a@user.example (Zhao)",
        "Zhao <a@user.example", "a@b@c.example", "<a@user.example> <b@user.example>", "Zhao", "",
        "Zhao\r\n <a@user.example>", "a..b@user.example", "group: a@user.example;",
    ],
)  # fmt: skip
def test_the_addresses_of_a_field_are_those_that_the_standard_library_reads(field: str) -> None:
    assert mail.addresses([field]) == [address for _, address in getaddresses([field])]


def test_no_schema_is_fetched() -> None:
    assert xarf_schemas.problems({"xarf_version": "4.0.0"})


def test_the_schema_that_the_settings_name_says_what_the_columns_of_a_table_are() -> None:
    schema = {
        "scan_own": {
            "file_name": "scan_own",
            "constant_fields": {"classification.type": "botnet"},
            "required_fields": [["time.source", "when"], ["source.ip", "culprit", "validate_ip"]],
            "optional_fields": [["source.port", "gate"], ["source.fqdn", "called"]],
        }
    }
    table = "when,culprit,gate,called,ip\n2026-03-01 02:00:00,192.0.2.9,99,own.example,\n"
    found = read(table, "2026-03-01-scan_own-a.csv", **{SCHEMA: schema})
    at = datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert found.format == "shadowserver"
    assert found.category == "botnet"
    assert found.endpoints == (Endpoint("192.0.2.9", 99, at),)
    assert found.hosts == ("own.example",)


def test_a_provider_adds_a_reader_of_its_own_which_is_asked_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def own(source: Source) -> Reading | None:
        return Reading(format="", hosts=("own.example",)) if b"OWN" in source.raw else None

    monkeypatch.setattr(EntryPoint, "load", lambda _: own)
    points = [EntryPoint("acme", "acme:read", readers.GROUP)]
    monkeypatch.setattr(readers, "entry_points", lambda group: points)
    readers._readers.cache_clear()
    try:
        found = read(MAIL + "OWN http://shop.example/\n")
        assert (found.format, found.hosts) == ("acme", ("own.example",))
        assert read(MAIL).format == "mail"
    finally:
        readers._readers.cache_clear()


@pytest.mark.parametrize(
    ("field", "is_automatic"),
    [
        ("Auto-Submitted: auto-generated", True), ("Auto-Submitted: no", False),
        ("Precedence: bulk", True), ("Return-Path: <>", True), ("List-Id: <x.example>", True),
        ("X-Other: y", False),
    ],
)  # fmt: skip
def test_a_mail_that_a_program_sent_is_known_as_such(field: str, is_automatic: bool) -> None:
    assert read(f"{field}\n{MAIL}").is_automatic is is_automatic


ARF = """From: {sender}@mail.example
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
Reported-Domain: shop.example
{more}

--b
Content-Type: message/rfc822

From: s@shop.example

http://shop.example/win
--b--
"""


@pytest.mark.parametrize(
    ("kind", "more", "is_of_loop"),
    [
        ("abuse", "Source-IP: 192.0.2.1", True), ("opt-out", "", True), ("Not-Spam", "", True),
        ("abuse", "Reported-Uri: mailto:s@shop.example", True),
        ("abuse", "Reported-Uri: http://shop.example/win", False),
        ("fraud", "", False), ("virus", "", False), ("other", "", False),
    ],
)  # fmt: skip
def test_a_complaint_of_a_feedback_loop_about_a_mail_alone_is_not_answered(
    kind: str, more: str, is_of_loop: bool
) -> None:
    found = read(ARF.format(sender="fbl", kind=kind, more=more))
    assert found.format == "arf"
    assert (found.is_automatic, found.answer_to is None) == (is_of_loop, is_of_loop)


def test_who_forwards_a_complaint_of_a_feedback_loop_is_answered() -> None:
    inner = ARF.format(sender="fbl", kind="abuse", more="")
    outer = "From: zhao@user.example\nContent-Type: message/rfc822\n\n"
    found = read(outer + inner)
    assert found.format == "arf"
    assert (found.is_automatic, found.answer_to) == (False, "zhao@user.example")


def test_a_file_in_a_mail_is_known_by_its_digest() -> None:
    [found] = read((FOLDER / "screenshot.eml").read_bytes()).attachments
    assert (found.name, found.type, found.size) == ("shot.png", "image/png", 8)


def test_a_reading_can_be_written_as_json_whatever_is_in_it() -> None:
    for file in FOLDER.iterdir():
        found = readers.read(Source(file.read_bytes(), file.name)).document()
        assert json.loads(json.dumps(found)) == found
        json.dumps(found, ensure_ascii=False).encode()
