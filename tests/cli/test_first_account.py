"""The first account: `serve` offers to make it on a terminal, and says how elsewhere."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from incidents.cli import main
from incidents.errors import INTERRUPTED, REFUSED
from incidents.system import web_server
from tests.cli.terminal_session import Sitting, terminal_session

SERVE = (sys.executable, "-m", "incidents", "serve", "--port", "0")
PASSWORD = "the fox of the first shift"
NAME, NEW, AGAIN = "Name, such as admin-1: ", "New password for admin-1: ", "Repeat the password: "
COMMANDS = """\
No accounts yet: nobody can sign in. Make the first administrator:
next: incidents account add admin-1 --role administrator
next: incidents account password admin-1
"""


@pytest.fixture
def environment(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    own = {
        "INCIDENTS_DB": sqlite_url, "INCIDENTS_SERVE_KEY": str(tmp_path / "serve.key"),
        "XDG_CONFIG_HOME": str(tmp_path), "INCIDENTS_LANG": "en", "INCIDENTS_AS": "",
    }  # fmt: skip
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    return own


@pytest.fixture
def serving(environment: dict[str, str]) -> Iterator[Sitting]:
    """`incidents serve` on a terminal, at a database without accounts."""
    with terminal_session(environment, command=SERVE, size=(140, 40)) as sitting:
        sitting.hear(f"No accounts yet: nobody can sign in. {OFFER}\r\n{NAME}")
        yield sitting


OFFER = "Create the first administrator now, or press Enter to skip this."


def accounts(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["account", "list", "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def recorded(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The kinds of the entries about accounts."""
    capsys.readouterr()
    assert main(["audit", "export"]) == 0
    kinds = [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()]
    return [kind for kind in kinds if kind in ("account_made", "password_set")]


def serves_and_stops(sitting: Sitting) -> None:
    sitting.hear("console: http://127.0.0.1:")
    sitting.process.send_signal(signal.SIGTERM)
    assert sitting.ends() == 0


def test_who_starts_it_makes_the_first_administrator_by_the_usual_rules(
    serving: Sitting, capsys: pytest.CaptureFixture[str]
) -> None:
    for typed, answered in [
        ("Admin One", "'Admin One' cannot be a handle"),
        ("admin-1", NEW),
        ("too short", f"{NEW}\r\n{AGAIN}"),
        (
            "too short",
            f"this password has 9 characters: use 12 to 200, such as a sentence\r\n{NEW}",
        ),
        (PASSWORD, f"such as a sentence\r\n{NEW}\r\n{AGAIN}"),
        (f"{PASSWORD}!", f"the two passwords differ: nothing was changed\r\n{NEW}"),
        (PASSWORD, f"nothing was changed\r\n{NEW}\r\n{AGAIN}"),
        (PASSWORD, "Added admin-1: administrator."),
    ]:
        serving.press(f"{typed}\n")
        serving.hear(answered)
    serves_and_stops(serving)
    assert PASSWORD not in serving.display.history

    [made] = accounts(capsys)
    assert (made["handle"], made["role"]) == ("admin-1", "administrator")
    assert made["password_set_at"] is not None
    assert recorded(capsys) == ["account_made", "password_set"]
    # From now on only who signs in keeps accounts.
    assert (
        main(["account", "add", "operator-1", "--role", "operator", "--as", "admin-1"]) == REFUSED
    )
    assert main(["audit", "replay"]) == 0


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param([], marks=pytest.mark.long, id="at the name"),
        pytest.param(["admin-1"], marks=pytest.mark.long, id="at the password"),
        pytest.param(["admin-1", PASSWORD], id="at the second password"),
    ],
)
def test_who_breaks_off_has_made_nothing(
    serving: Sitting, capsys: pytest.CaptureFixture[str], typed: list[str]
) -> None:
    for text, asked in zip(typed, [NEW, AGAIN], strict=False):
        serving.press(f"{text}\n")
        serving.hear(asked)
    serving.press("\x03")
    assert serving.ends() == INTERRUPTED
    assert "Traceback" not in serving.display.history
    assert (accounts(capsys), recorded(capsys)) == ([], [])
    assert main(["audit", "replay"]) == 0


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param(["\n"], id="by Enter"),
        pytest.param(["\x04"], marks=pytest.mark.long, id="by the end of input"),
        pytest.param(["admin-1\n", "\x04"], marks=pytest.mark.long, id="at the password"),
    ],
)
def test_who_skips_it_is_told_the_commands_and_is_served(
    serving: Sitting, capsys: pytest.CaptureFixture[str], typed: list[str]
) -> None:
    for text, answered in zip(typed, [NEW, ""][-len(typed) :], strict=True):
        serving.press(text)
        serving.hear(answered)
    serving.hear(COMMANDS.replace("\n", "\r\n"))
    serves_and_stops(serving)
    assert accounts(capsys) == []


@pytest.mark.long
def test_who_is_slower_than_somebody_else_changes_nothing(
    serving: Sitting, capsys: pytest.CaptureFixture[str]
) -> None:
    serving.press("admin-1\n")
    serving.hear(NEW)
    assert main(["account", "add", "viewer-1", "--role", "viewer"]) == 0
    serving.press(f"{PASSWORD}\n")
    serving.hear(AGAIN)
    serving.press(f"{PASSWORD}\n")
    serving.hear("Nothing changed: somebody else has just added the first account")
    serves_and_stops(serving)
    assert [each["handle"] for each in accounts(capsys)] == ["viewer-1"]


def test_without_a_terminal_it_tells_the_commands_which_then_are_needed_no_more(
    environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("incidents.log.adopt_library_logs", lambda: None)
    monkeypatch.setattr(web_server, "run", lambda *_, listening, **__: listening("http://[::1]:1"))
    assert main(["serve"]) == 0
    assert COMMANDS in capsys.readouterr().err
    add, password = (line.split()[2:] for line in COMMANDS.splitlines()[1:])
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    file.chmod(0o600)
    assert main(add) == 0
    assert main([*password, "--password-file", str(file)]) == 0
    capsys.readouterr()
    assert main(["serve"]) == 0
    assert "No accounts yet" not in capsys.readouterr().err


def test_accounts_without_a_password_are_named_with_what_to_do(
    environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("incidents.log.adopt_library_logs", lambda: None)
    monkeypatch.setattr(web_server, "run", lambda *_, listening, **__: listening("http://[::1]:1"))

    def told() -> str:
        capsys.readouterr()
        assert main(["serve"]) == 0
        return capsys.readouterr().err

    file = tmp_path / "password"
    file.write_text(PASSWORD)
    file.chmod(0o600)
    own = ["--as", "admin-1", "--own-password-file", str(file)]
    assert main(["account", "add", "admin-1", "--role", "administrator"]) == 0
    assert main(["account", "add", "panel-1", "--role", "integrator"]) == 0
    assert "No password yet, so they cannot sign in: admin-1. " in told(), "a program has a token"
    assert main(["account", "password", "admin-1", "--password-file", str(file)]) == 0
    assert "No password yet" not in told()
    for n in range(1, 8):
        handle = f"operator-{n}"
        assert main(["account", "add", handle, "--role", "operator", *own]) == 0
    assert main(["account", "invite", "operator-1", *own]) == 0
    assert main(["account", "disable", "operator-2", *own]) == 0
    said = told()
    assert "operator-3, operator-4, operator-5, operator-6, operator-7. Invite" in said
    assert "\nnext: incidents account invite operator-3\n" in said
    assert "\nnext: incidents account password operator-3\n" in said
    (tmp_path / "config.toml").write_text(
        '[oidc]\nissuer = "https://id.host.example"\nclient_id = "desk"\nclaim = "handle"\n'
        f'client_secret_file = "{file}"\n'
    )
    monkeypatch.setenv("INCIDENTS_CONFIG", str(tmp_path / "config.toml"))
    assert "No password yet" not in told(), "the provider signs them in"
