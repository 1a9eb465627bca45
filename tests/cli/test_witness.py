"""`incidents audit witness` on the command line: the key is made once, and shown to nobody."""

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from incidents.cli import main
from incidents.errors import DONE, FAILED, MISUSED
from incidents.tlog.keys import COSIGNATURE_V1, SigningKey, VerifierKey
from incidents.witness.ledger import Ledger

Run = Callable[..., tuple[int, str, str]]

# Where nobody can listen: what should have been refused does not serve instead of failing a test.
NOWHERE = ("--host", "a b")

LOG = str(SigningKey.generate("desk.example/log").verifier)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `incidents audit witness …`, without a database; its status and what it wrote."""
    monkeypatch.setenv("INCIDENTS_DB", "postgresql://nobody@127.0.0.1:1/none")

    def witness(*words: str | Path) -> tuple[int, str, str]:
        status = main(["audit", "witness", *map(str, words)])
        return status, *capsys.readouterr()

    return witness


@pytest.fixture
def file(run: Run, tmp_path: Path) -> Path:
    """The key of a witness, which was made a moment ago."""
    run("--new-key", "witness.example", "--key", tmp_path / "witness.key")
    return tmp_path / "witness.key"


def test_a_new_key_is_for_its_owner_alone_and_prints_the_verifier_key(
    run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "witness.key"

    status, out, err = run("--new-key", "witness.example/w1", "--key", file)

    assert status == DONE
    key = SigningKey.parse(file.read_text())
    assert out == f"{key.verifier}\n"
    assert VerifierKey.parse(out.strip()).algorithm == COSIGNATURE_V1
    assert key.verifier.name == "witness.example/w1"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "PRIVATE" not in out + err
    Ledger(tmp_path / "witness.key.db").check_key(key.verifier)


def test_no_key_is_ever_overwritten(run: Run, file: Path, tmp_path: Path) -> None:
    before = file.read_text()

    status, out, err = run("--new-key", "witness.example", "--key", file)

    assert (status, out) == (MISUSED, "")
    assert "already exists" in err
    assert file.read_text() == before
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert run("--new-key", "witness.example", "--key", tmp_path / "dangling")[0] == MISUSED
    assert not (tmp_path / "nowhere").exists()


def test_a_new_key_may_take_over_the_memory_of_an_old_one(run: Run, tmp_path: Path) -> None:
    store = tmp_path / "seen.db"
    for name in ("old.key", "new.key"):
        assert (
            run("--new-key", "witness.example", "--key", tmp_path / name, "--store", store)[0] == 0
        )
    for name in ("old.key", "new.key"):
        Ledger(store).check_key(SigningKey.parse((tmp_path / name).read_text()).verifier)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n"])
def test_a_name_that_no_key_can_have_is_refused_and_nothing_is_made(
    run: Run, tmp_path: Path, name: str
) -> None:
    status, _, err = run("--new-key", name, "--key", tmp_path / "witness.key")
    assert status == FAILED
    assert "a key's name" in err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told(run: Run, tmp_path: Path) -> None:
    status, _, err = run("--new-key", "witness.example", "--key", tmp_path / "none" / "witness.key")
    assert status == FAILED
    assert "none/witness.key" in err


def test_a_key_that_others_may_read_is_not_used(run: Run, file: Path) -> None:
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        status, _, err = run("--key", file, "--log", LOG, *NOWHERE)
        assert status == FAILED
        assert f"chmod 600 {file}" in err


def test_which_of_a_logs_keys_is_the_newer_is_told_at_the_start(run: Run, file: Path) -> None:
    newer = str(SigningKey.generate("desk.example/log").verifier)
    other = str(SigningKey.generate("other.example/log").verifier)
    words = [word for key in (LOG, other, newer) for word in ("--log", key)]

    _, _, err = run("--key", file, *words, *NOWHERE)

    assert f"once {newer} has signed, checkpoints signed by {LOG} are refused" in err
    assert other not in err


def test_the_key_of_a_log_or_no_key_at_all_is_refused_without_being_shown(
    run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "log.key"
    private = SigningKey.generate("desk.example/log").private_text()
    for text, because in (
        (private, "give the key of a witness"),
        (private[:-9], "the private key is not a usable key"),
        ("", "the private key is not a usable key"),
        ("\x00\xff", "the private key is not a usable key"),
    ):
        file.write_text(text)
        file.chmod(0o600)
        status, out, err = run("--key", file, "--log", LOG, *NOWHERE)
        assert (status, out) in ((FAILED, ""), (MISUSED, ""))
        assert because in err
        assert private[-30:-10] not in err
    assert run("--key", tmp_path / "gone.key", "--log", LOG, *NOWHERE)[0] == FAILED


def test_the_log_is_named_by_a_verifier_key(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "witness.key"
    _, vkey, _ = run("--new-key", "witness.example", "--key", file)
    for log, because in (
        ("desk.example", "hexadecimal"),
        (vkey.strip(), "give the key of a log"),
        (SigningKey.generate("desk.example").private_text(), "it is private"),
    ):
        status, _, err = run("--key", file, "--log", log, *NOWHERE)
        assert status == MISUSED
        assert because in err
        assert log[-20:] not in err or log == vkey.strip() or log == "desk.example"


def test_what_is_missing_or_does_not_go_together_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "witness.key"
    assert "--key" in run("--log", LOG)[2]
    run("--new-key", "witness.example", "--key", file)
    status, _, err = run("--key", file)
    assert (status, "--log" in err) == (MISUSED, True)
    both = run("--new-key", "witness.example", "--key", tmp_path / "other.key", "--log", LOG)
    assert both[0] == MISUSED
    assert run("--key", file, "--log", LOG, "--port", "65536")[0] == MISUSED


def test_an_address_that_is_none_is_told(run: Run, file: Path) -> None:
    for host in ("192.0.2.1", "a b", "x" * 100, "\udc80"):
        status, _, err = run("--key", file, "--log", LOG, "--port", "0", "--host", host)
        assert status == FAILED, err
        assert "cannot listen on" in err


def test_a_library_that_is_not_installed_is_named_with_the_way_to_it(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    status, _, err = run("--key", file, "--log", LOG, *NOWHERE)
    assert (status, "pip install 'incidents[witness]'" in err) == (FAILED, True)
