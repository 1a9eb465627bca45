"""The bundle and the report on the command line, under a key that the program itself has made."""

from datetime import timedelta
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from tests.audit import auditor, bundles
from tests.cli.conftest import Cli

CANARY = "canary"


@pytest.fixture
def unsigned(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Two sites with a violation each; the log has no key."""
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    for site in ("shop.example", f"{CANARY}.example"):
        assert cli("site", "add", site, "--phone", f"+86 {site}").status == 0
        assert cli("log", site, "--note", f"seen on {site}").status == 0
    return cli


@pytest.fixture
def signed(unsigned: Cli) -> Cli:
    """The same, with a key and a checkpoint."""
    assert unsigned("audit", "key", "new", "desk.example/log").status == 0
    assert unsigned("audit", "checkpoint").status == 0
    return unsigned


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A folder that is not there yet, in one that is empty."""
    (tmp_path / "exported").mkdir()
    return tmp_path / "exported" / "bundle"


def _bundle(cli: Cli, target: Path, *more: str) -> str:
    answer = cli("audit", "export", "--format", "bundle", "-o", str(target), *more)
    assert (answer.status, answer.out) == (0, ""), answer.err
    return answer.err


def test_the_whole_record_is_exported_and_verified_by_others(signed: Cli, target: Path) -> None:
    assert _bundle(signed, target) == "wrote 5 entries from a log of 5\n"
    key = signed("audit", "key", "show", "-q").out.strip()
    done = auditor.run(target, "--key", key)
    assert done.returncode == 0, done.stdout
    lines = (target / "entries.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines == signed("audit", "export").out.splitlines()


def test_the_checkpoint_that_was_printed_is_that_of_the_bundle(signed: Cli, target: Path) -> None:
    printed = signed("audit", "checkpoint").out
    _bundle(signed, target)
    assert (target / "checkpoint").read_text(encoding="utf-8") == printed


def test_a_site_s_case_is_exported_without_anybody_else_s(signed: Cli, target: Path) -> None:
    told = _bundle(signed, target, "--site", "shop.example", "--with-words")
    assert told == "wrote 3 entries from a log of 5\n"
    files = bundles.read(target)
    shown = b"".join(files.values())
    assert "seen on shop.example" in files["report.html"].decode()
    assert CANARY.encode() not in shown
    assert auditor.run(target).returncode == 0


def test_an_archive_is_written_and_its_name_decides(signed: Cli, target: Path) -> None:
    archive = target.with_name("case.tar.zst")
    _bundle(signed, archive, "--site", "shop.example")
    assert archive.read_bytes().startswith(b"\x28\xb5\x2f\xfd")
    assert auditor.run(archive).returncode == 0


def test_after_a_rotation_whoever_knows_the_first_key_comes_to_the_new_one(
    signed: Cli, target: Path, clock: FrozenDateTimeFactory
) -> None:
    first = signed("audit", "key", "show", "-q").out.strip()
    clock.tick(timedelta(minutes=5))
    rotated = signed("audit", "key", "rotate", "--reason", "each year")
    assert rotated.status == 0, rotated.err
    assert signed("audit", "checkpoint").status == 0
    assert "handed over to none" not in _bundle(signed, target)
    new, old = signed("audit", "key", "show", "-q").out.split()
    assert old == first != new
    assert (target / "log.vkey").read_text(encoding="utf-8").split() == [old, new]
    for key in (old, new):
        assert auditor.wrong(target, keys=[key]) == []


def test_what_no_checkpoint_covers_yet_is_told_on_standard_error(signed: Cli, target: Path) -> None:
    assert signed("contact", "1-1", "no-answer").status == 0
    told = _bundle(signed, target)
    written, left_out = told.splitlines()
    assert written == "wrote 5 entries from a log of 5"
    assert left_out == (
        "left out 1 entry: no checkpoint covers it yet. To sign a checkpoint,"
        " run: incidents audit checkpoint"
    )


# ── refused ──────────────────────────────────────────────────────────────────────────────────────


def test_without_a_checkpoint_the_way_to_one_is_told(unsigned: Cli, target: Path) -> None:
    answer = unsigned("audit", "export", "--format", "bundle", "-o", str(target))
    assert answer.status == 3
    assert answer.err == (
        "incidents: the log is not signed yet: make a key on the machine that keeps the log,"
        " then sign\nnext: incidents audit key new\nnext: incidents audit checkpoint"
        "  # with accounts, a supervisor, an auditor or an administrator\n"
    )
    assert unsigned("audit", "report", "shop.example").status == 3
    assert not target.exists()


def test_an_empty_selection_is_refused(signed: Cli, target: Path) -> None:
    given = ("--since", "2026-03-03 12:00")
    answer = signed("audit", "export", "--format", "bundle", "-o", str(target), *given)
    assert answer.status == 3
    assert "no checkpoint covers any entry of this selection" in answer.err
    assert list(target.parent.iterdir()) == []


def test_a_target_that_is_there_is_not_touched(signed: Cli, target: Path) -> None:
    target.mkdir()
    (target / "last-month").write_text("kept")
    answer = signed("audit", "export", "--format", "bundle", "-o", str(target))
    assert answer.status == 2
    assert f"{target} already exists: name a new folder" in answer.err
    assert [file.name for file in target.iterdir()] == ["last-month"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ("--format", "bundle"),
            "a bundle cannot go to standard output: name a new folder or FILE.tar.zst",
        ),
        (("--format", "bundle", "-o", "-"), "a bundle cannot go to standard output"),
        (("--format", "bundle", "-o", "b", "--with-words"), "--with-words needs --site"),
        (("--with-words",), "--with-words works only with --format bundle and --site"),
        (
            ("--format", "bundle", "-o", "b.zip"),
            "cannot be a bundle: name a folder, or a file that ends in",
        ),
        (
            ("--format", "bundle", "-o", "b", "--since", "12:00", "--until", "11:00"),
            "not before --until",
        ),
        (("--format", "parquet"), "'parquet' is not one of 'jsonl', 'csv', 'bundle'"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    signed: Cli, given: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = signed("audit", "export", *given)
    assert answer.status == 2
    assert said in answer.err


@pytest.mark.parametrize("name", ["nowhere/bundle", "audit.key/bundle"])
def test_what_cannot_be_written_is_said_in_one_sentence(
    signed: Cli, tmp_path: Path, name: str
) -> None:
    answer = signed("audit", "export", "--format", "bundle", "-o", str(tmp_path / name))
    assert answer.status == 1
    assert len(answer.err.splitlines()) == 1
    assert "cannot be written" in answer.err


# ── the report ───────────────────────────────────────────────────────────────────────────────────


def test_the_report_alone_is_the_page_of_the_bundle(
    signed: Cli, target: Path, tmp_path: Path
) -> None:
    _bundle(signed, target, "--site", "shop.example")
    answer = signed("audit", "report", "shop.example", "-o", str(tmp_path / "case.html"))
    assert (answer.status, answer.out, answer.err) == (0, "", "")
    page = (tmp_path / "case.html").read_text(encoding="utf-8")
    assert page == (target / "report.html").read_text(encoding="utf-8")
    assert signed("audit", "report", "shop.example").out == page
    assert "Asia/Shanghai" in page
    assert "seen on shop.example" not in page
    assert "seen on shop.example" in signed("audit", "report", "shop.example", "--with-words").out


# ── no personal text ─────────────────────────────────────────────────────────────────────────────


def test_a_site_that_was_reinstated_has_a_report_and_a_bundle(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "key"))
    cli("site", "add", "a.example")
    false = ("--field", "phone", "--evidence", "rang out", "--confirm", "a.example")
    assert cli("site", "false-info", "a.example", *false).status == 0
    assert cli("site", "reinstate", "a.example", "--reason", "right by now").status == 0
    assert cli("site", "approve", "a.example", "--as", "wang").status == 0
    cli("audit", "key", "new", "log.example/desk")
    cli("audit", "checkpoint")

    bundle = str(tmp_path / "case")
    made = cli("audit", "export", "--format", "bundle", "--site", "a.example", "-o", bundle)

    assert made.status == 0, made.err
    assert "Reinstated by wang" in (tmp_path / "case/report.html").read_text()
    assert cli("audit", "verify", bundle).status == 0
