"""What is no entry in its place is refused by both verifiers, however it came there."""

from pathlib import Path

import pytest

from tests.audit import auditor, bundles, verifying
from tests.audit.bundles import LOG, Desk


def _lines(desk: Desk, folder: Path, *lines: bytes) -> str:
    """What the script says of a record of these lines, and with it the program."""
    bundles.rewrite(bundles.whole(Desk(lines, desk.policies)), folder)
    assert verifying.wrong(folder)
    return auditor.wrong(folder)[0]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b'"v":1', b'"v":1,"v":1', "canonical"),
        (b'{"actor"', b'{ "actor"', "canonical"),
        (b'{"actor":"li",', b'{"actor":"l\\u0069",', "canonical"),
        (b'"actor":"li","data"', b'"actor":"l\\/i","data"', "canonical"),
        (b'"v":1}', b'"v":1} ', "canonical"),
        (b'"v":1}', b'"v":1}\r', "canonical"),
        (b'"v":1}', b'"a":1,"v":1}', "canonical"),
        (b'"v":1', b'"v":1.0', "no JSON"),
        (b'"v":1', b'"v":1e0', "no JSON"),
        (b'"v":1', b'"v":NaN', "no JSON"),
        (b'"v":1', b'"v":-Infinity', "no JSON"),
        (b'"v":1', b'"v":-0', "canonical"),
        (b'"v":1', b'"v":9007199254740992', "no JSON"),
        (b'"v":1', b'"v":' + b"9" * 5_000, "no JSON"),
        (b'"v":1', b'"v":' + b"[" * 20_000, "no JSON"),
        (b'"v":1', b'"v":"\xff"', "no JSON"),
        (b'"v":1', b'"v":"\\ud800"', "canonical"),
        (b'"v":1', b'"v":2', "version 1"),
        (b'"v":1', b'"v":true', "version 1"),
        (b'"v":1', '"v":1,"é":1'.encode(), "ASCII"),
        (b'"data":{', '"data":{"":{"é":1},'.encode(), "ASCII"),
        (b'"actor":"li"', b'"actor":null', "its actor"),
        (b'"kind":"incident_logged",', b"", "its kind"),
        (b'"site_id":"1"', b'"site_id":1', "its site_id"),
        (b'"site_id":"1"', b'"site_id":"01"', "no number"),
        (b'"site_seq":"2"', b'"site_seq":"-2"', "no number"),
        (b'"site_seq":"2"', b'"site_seq":"3"', "number 2 of 'a.example' was due"),
        (b'"site_seq":"2"', b'"site_seq":"1"', "number 2 of 'a.example' was due"),
        (b'"site":"a.example"', b'"site":"b.example"', "cannot be called"),
        (b'"site":"a.example"', b'"site":""', "cannot be called"),
        (b'"site_id":"1","site_seq":"2"', b'"site_id":"2","site_seq":"1"', "cannot be called"),
        (b'"site_id":"1"', b'"site_id":"0"', "cannot be called"),
        (b'"policy":"sha256:c', b'"policy":"sha256:C', "no digest"),
        (b':00Z","policy"', b':00","policy"', "no time"),
        (b':00Z","policy"', b':00.0Z","policy"', "no time"),
        (b':00Z","policy"', b':00.000000Z","policy"', "no time"),
        (b':00Z","policy"', b':60Z","policy"', "no time"),
        (b'"recorded_at":"2026-03', b'"recorded_at":"2026-13', "no time"),
        (b'"recorded_at":"2026-03', b'"recorded_at":"2026-02', "before the one before it"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_entry_in_its_place_is_refused_also_with_a_right_tree(
    desk: Desk, old: bytes, new: bytes, what: str, tmp_path: Path
) -> None:
    entry = desk.entries[2]
    assert entry.count(old) == 1
    found = _lines(desk, tmp_path, desk.entries[0], entry.replace(old, new))
    assert found.startswith("entries.jsonl, line 2: ")
    assert what in found


def test_a_fraction_of_a_second_is_later_than_none(desk: Desk, tmp_path: Path) -> None:
    entries = [
        bundles.edited(desk.entries[2], site_seq=str(n), recorded_at=f"2026-03-01T10:00:{at}Z")
        for n, at in enumerate(("00", "00.000001", "00.100000", "01"), 1)
    ]
    assert _lines(desk, tmp_path / "a", *entries).endswith("no entry names this policy")
    entries[1:3] = [bundles.edited(entries[n], site_seq=str(3 - n + 1)) for n in (2, 1)]
    assert "before the one before it" in _lines(desk, tmp_path / "b", *entries)


def test_an_entry_of_65_535_bytes_is_the_largest(desk: Desk, tmp_path: Path) -> None:
    def entry(size: int) -> bytes:
        short = bundles.edited(desk.entries[0], data={"x": ""})
        return bundles.edited(desk.entries[0], data={"x": "x" * (size - len(short))})

    made = bundles.key_made(desk.entries[0], 1, LOG)
    files = bundles.whole(bundles.named(desk, [entry(65_535), made]))
    folder = bundles.write(files, tmp_path / "b")
    assert auditor.wrong(folder) == verifying.wrong(folder) == []
    for data in (entry(65_536) + b"\n", entry(65_535)):
        files["entries.jsonl"] = data
        bundles.rewrite(bundles.listed_again(files), folder)
        assert auditor.wrong(folder)[0] == (
            "entries.jsonl, line 1: it has no end, or more than 65535 bytes"
        )
        assert verifying.wrong(folder)
