"""The log's key on the command line."""

import socket
import stat
import sys
from pathlib import Path

import pytest

from incidents.audit.log.signing_key import NEXT_SUFFIX
from incidents.tlog.keys import COSIGNATURE_V1, SigningKey, VerifierKey
from tests.cli.conftest import Cli
from tests.conftest import WriteSettings

NAME = "log.example/incidents"
OF_A_LOG = SigningKey.generate(NAME).verifier
OF_A_WITNESS = SigningKey.generate("witness.example", COSIGNATURE_V1).verifier


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the key will be."""
    found = tmp_path / "keys" / "audit.key"
    found.parent.mkdir()
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(found))
    return found


def entries(cli: Cli) -> list[str]:
    return [line for line in cli("audit", "export").out.splitlines() if "log_key_made" in line]


def test_a_new_key_lies_in_a_file_of_ones_own_and_is_on_record(cli: Cli, file: Path) -> None:
    answer = cli("audit", "key", "new", NAME, "--json")

    assert (answer.status, answer.err) == (0, "")
    key = VerifierKey.parse(answer.json["key"])
    assert key.name == NAME
    assert answer.json["file"] == str(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SigningKey.parse(file.read_text()).verifier == key
    [entry] = entries(cli)
    assert f'"key":"{key}"' in entry
    assert '"actor":"li"' in entry


def test_the_private_key_is_never_shown(cli: Cli, file: Path) -> None:
    said = [cli("audit", "key", "new", NAME), cli("audit", "key", "show", "--json")]
    secrets = {_secret(file)}
    said.append(cli("audit", "key", "rotate", "--reason", "yearly"))
    said.append(cli("audit", "export"))
    secrets.add(_secret(file))

    for answer in said:
        assert not any(secret in answer.out + answer.err for secret in secrets)


def _secret(file: Path) -> str:
    """What follows on PRIVATE, KEY, the name and the key's id."""
    return file.read_text().strip().split("+", 4)[4]


def test_without_a_name_the_log_is_called_after_the_machine(cli: Cli, file: Path) -> None:
    key = VerifierKey.parse(cli("audit", "key", "new").out.strip())

    assert key.name == f"{socket.gethostname()}/incidents"


@pytest.mark.parametrize("name", ["two words", "a+b", ""])
def test_a_name_that_no_key_can_have_is_wrong_usage(cli: Cli, file: Path, name: str) -> None:
    answer = cli("audit", "key", "new", name)

    assert answer.status == 2
    assert not file.exists()


def test_a_second_first_key_is_refused_and_a_file_that_is_there_is_kept(
    cli: Cli, file: Path
) -> None:
    cli("audit", "key", "new", NAME)
    before = file.read_text()

    answer = cli("audit", "key", "new", NAME)

    assert answer.status == 3
    assert "audit key rotate" in answer.err
    assert file.read_text() == before
    assert len(entries(cli)) == 1


def test_a_key_that_cannot_be_written_is_not_on_record(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "no" / "folder" / "audit.key"))

    answer = cli("audit", "key", "new", NAME)

    assert answer.status == 1
    assert "cannot be written" in answer.err
    assert entries(cli) == []


def test_rotating_needs_a_reason_and_a_key(cli: Cli, file: Path) -> None:
    assert cli("audit", "key", "rotate").status == 2
    answer = cli("audit", "key", "rotate", "--reason", "yearly")
    assert answer.status == 3
    assert "audit key new" in answer.err


def test_after_a_rotation_the_new_key_is_shown_first_and_the_old_one_lies_aside(
    cli: Cli, file: Path
) -> None:
    old = cli("audit", "key", "new", NAME, "-q").out.strip()
    answer = cli("audit", "key", "rotate", "--reason", "yearly", "--json")

    new = answer.json["key"]
    assert answer.status == 0
    retired = answer.json["retired"]
    assert Path(retired).exists()
    assert cli("audit", "key", "show", "-q").out.split() == [new, old]
    shown = cli("audit", "key", "show", "--json").json
    assert [each["signs"] for each in shown] == [True, False]
    assert not file.with_name(file.name + NEXT_SUFFIX).exists()
    note = cli("audit", "checkpoint").out
    assert note.count("\n— ") == 2
    assert "yearly" not in "".join(entries(cli))
    told = cli("audit", "key", "rotate", "--reason", "yearly").err
    assert f"shred -u {file}.retired-" in told
    assert "audit status" in told


def test_a_key_that_is_lost_is_replaced_only_when_that_is_said(cli: Cli, file: Path) -> None:
    cli("audit", "key", "new", NAME)
    file.unlink()

    refused = cli("audit", "key", "rotate", "--reason", "lost")
    assert refused.status == 3
    assert "--lost" in refused.err
    assert cli("audit", "key", "rotate", "--reason", "lost", "--lost").status == 0

    assert cli("audit", "checkpoint").status == 0


def test_show_without_a_key_says_how_one_is_made(cli: Cli, file: Path) -> None:
    answer = cli("audit", "key", "show")

    assert (answer.status, answer.out) == (0, "")
    assert "audit key new" in answer.err


def test_a_command_signs_in_place_of_a_file(
    cli: Cli, file: Path, tmp_path: Path, write_settings: WriteSettings
) -> None:
    key = SigningKey.generate(NAME)
    program = tmp_path / "kms.py"
    program.write_text(
        f"import base64, sys\nsys.path.insert(0, {str(Path.cwd())!r})\n"
        "from incidents.tlog.keys import SigningKey\n"
        f"key = SigningKey.parse({key.private_text()!r})\n"
        "print(base64.b64encode(key.sign(sys.stdin.buffer.read())).decode())\n"
    )
    write_settings(f"[audit]\nkey_command = ['{sys.executable}', '{program}']\n")

    assert cli("audit", "key", "new", NAME).status == 2
    assert cli("audit", "key", "new", "--public", str(key.verifier)).status == 0

    assert cli("audit", "checkpoint").out.startswith(f"{NAME}\n1\n")
    assert not file.exists()


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("kye = 'x'", "unknown setting"),
        ("key = 3", "a text"),
        ("key_command = 'kms sign'", "a list of its words"),
        ("key_command = []", "a list of its words"),
        ("witnesses = 3", "tables, each headed [[audit.witnesses]]"),
        (
            "witnesses = [{ url = 'https://w.example' }]",
            "[audit] witnesses 1 of the settings file has no key",
        ),
        (
            "timestamps = { url = 'https://t.example' }",
            "[audit.timestamps] of the settings file has no roots",
        ),
        ("timestamps = { url = 'https://t.example', roots = '/no/such' }", "that can be read"),
        (
            "timestamps = { url = 'https://t.example', roots = '/dev/null' }",
            "roots = '/dev/null', but it must be a file of root certificates (the roots",
        ),
        (
            "timestamps = { url = 't.example', roots = '/dev/null' }",
            "url = 't.example', but it must be that of an authority (",
        ),
        (
            "witnesses = [{ url = 'https://w.example', key = 'x' }]",
            "key = '…', but it must be that of a witness (the key 'x'",
        ),
        (
            f"witnesses = [{{ url = 'https://w.example', key = '{OF_A_LOG}' }}]",
            f"key = '…', but it must be that of a witness ({OF_A_LOG} is a log's key",
        ),
        (
            f"witnesses = [{{ url = 'w.example', key = '{OF_A_WITNESS}' }}]",
            "url = 'w.example', but it must be that of a witness (",
        ),
    ],
)
def test_a_wrong_setting_is_named(
    cli: Cli, write_settings: WriteSettings, section: str, said: str
) -> None:
    write_settings(f"[audit]\n{section}\n")

    answer = cli("audit", "key", "new", NAME)

    assert answer.status == 1
    assert said in answer.err
