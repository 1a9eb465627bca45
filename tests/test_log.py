"""The log: what is safe to say gets through, and nothing that people have typed."""

import io
import json
import logging

import pytest

from incidents import log


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_off_a_terminal_each_line_is_json_with_its_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.logger("desk").info("decided", site="shop.example", seq=7)
    [line] = _lines(capsys)
    assert line["event"] == "decided"
    assert line["logger"] == "desk"
    assert line["level"] == "info"
    assert line["site"] == "shop.example"
    assert line["seq"] == 7
    assert str(line["timestamp"]).endswith("Z")


def test_a_line_is_written_with_its_end_so_that_no_other_thread_gets_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writes: list[str] = []

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            writes.append(text)
            return len(text)

    monkeypatch.setattr("sys.stderr", Stream())
    log.logger("daemon").info("stopping", signal="SIGTERM")
    [whole] = writes
    assert whole.endswith("}\n")


def test_what_is_not_known_to_be_safe_is_withheld_and_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.logger("desk").warning("decided", note="Mr Wang is ill", phone="+86 10 5555 0100")
    captured = capsys.readouterr().err
    assert "Wang" not in captured
    assert "5555" not in captured
    assert json.loads(captured)["withheld"] == ["note", "phone"]


def test_a_reason_of_several_sentences_is_kept_to_its_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.logger("daemon").error("stopped", reason=f"{'x' * 700}; start it")
    [line] = _lines(capsys)
    assert str(line["reason"]).endswith("; start it")


def test_a_value_that_is_cut_off_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    log.logger("daemon").error("stopped", reason="x" * 1_001)
    [line] = _lines(capsys)
    assert line["reason"] == "x" * 999 + "…"


def test_an_exception_is_told_by_its_type_alone(capsys: pytest.CaptureFixture[str]) -> None:
    log.logger("desk").error("failed", error=ValueError("Mr Wang"))
    [line] = _lines(capsys)
    assert line["error"] == "ValueError"


def test_what_a_library_says_is_kept_without_what_it_was_filled_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        log.adopt_library_logs()
        logging.getLogger("some.library").error("bad row %s", "Mr Wang")
        logging.getLogger("some.library").info("chatter")
    finally:
        root.handlers[:], root.level = before, level
    [line] = _lines(capsys)
    assert line["event"] == "bad row %s"
    assert line["logger"] == "some.library"
    assert line["level"] == "error"


def test_on_a_terminal_it_is_for_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    log.logger("desk").info("decided", site="shop.example")
    line = capsys.readouterr().err
    assert "decided" in line
    assert "site=shop.example" in line
    assert "\x1b" not in line
