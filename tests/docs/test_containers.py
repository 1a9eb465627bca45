"""The files for containers: what they say is what the program, its settings and Compose take."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest

from incidents.cli.admin.service import DEFAULT_PORT
from incidents.cli.root import root
from tests.docs.pages import ROOT

EXAMPLES = ROOT / "docs/examples"
CONTAINERFILE = EXAMPLES / "Containerfile"
COMPOSE = EXAMPLES / "compose.yaml"
PAGE = ROOT / "docs/how-to/run-in-containers.md"
SETTINGS = ROOT / "docs/reference/settings.md"
# libpq's own, and those of the image of PostgreSQL.
OTHERS = {"PGPASSFILE", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE", "PATH", "HOME"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file as Compose itself reads it, by its own schema."""
    done = subprocess.run(
        ["docker-compose", "--file", COMPOSE, "config", "--format", "json"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def check_command(words: list[str]) -> None:
    """Parse the command as the program does, and run nothing; raises what click refuses."""
    command: click.Command = root
    context = command.make_context("incidents", list(words), resilient_parsing=False)
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, words
        command = found
        context = command.make_context(name, rest, parent=context)


def instructions(kind: str) -> list[str]:
    """What the Containerfile says by that instruction."""
    text = CONTAINERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(rf"^{kind} +(.*)$", text, re.MULTILINE)


def test_compose_starts_the_desk_after_its_schema_and_its_database(compose: dict[str, Any]) -> None:
    services = compose["services"]
    after = {
        name: {on: how["condition"] for on, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    assert after == {
        "postgres": {},
        "schema": {"postgres": "service_healthy"},
        "serve": {"schema": "service_completed_successfully"},
        "daemon": {"schema": "service_completed_successfully"},
    }
    # What somebody waits for must have something to be asked by; serve has that of its image.
    assert all("test" in services[name]["healthcheck"] for name in ("postgres", "daemon"))
    assert services["schema"]["healthcheck"] == {"disable": True}


def test_each_command_of_a_service_is_one_of_the_program(compose: dict[str, Any]) -> None:
    commands = {name: service["command"] for name, service in compose["services"].items()
                if service["image"] == "incidents"}  # fmt: skip
    assert [" ".join(commands[name][:2]) for name in ("schema", "serve", "daemon")] == [
        "db upgrade", "serve --host", "daemon",
    ]  # fmt: skip
    cmd, program, *asked = compose["services"]["daemon"]["healthcheck"]["test"]
    assert (cmd, program) == ("CMD", "incidents")
    for words in (*commands.values(), asked, *map(json.loads, instructions("CMD"))):
        check_command(words)
    with pytest.raises(click.UsageError):
        check_command(["serve", "--hosts", "0.0.0.0"])


def test_each_variable_is_a_setting_of_the_program(compose: dict[str, Any]) -> None:
    known = set(re.findall(r"\bINCIDENTS_\w+\b", SETTINGS.read_text(encoding="utf-8"))) | OTHERS
    named = {name for service in compose["services"].values() for name in service["environment"]}
    named |= {word.partition("=")[0] for line in instructions("ENV") for word in shlex.split(line)}
    assert "INCIDENTS_DB" in named
    assert named - known == set()


def test_no_password_is_in_the_file_and_only_this_machine_reaches_the_server(
    compose: dict[str, Any],
) -> None:
    values = [
        str(value) for service in compose["services"].values()
        for value in service["environment"].values()
    ]  # fmt: skip
    assert not [value for value in values if re.search(r":[^/@]+@", value)]
    assert {name: Path(each["file"]).name for name, each in compose["secrets"].items()} == {
        "pgpass": "pgpass", "postgres_password": "postgres_password",
    }  # fmt: skip
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert [(port["host_ip"], port["target"]) for port in ports] == [("127.0.0.1", DEFAULT_PORT)]
    page = PAGE.read_text(encoding="utf-8")
    for file in ("pgpass", "postgres_password"):
        assert f">{file}" in page
        assert f" {file}\n" in page


def test_the_image_runs_as_a_user_of_its_own_on_the_port_and_with_the_pins_of_the_program() -> None:
    [user], [port], [volume] = map(instructions, ("USER", "EXPOSE", "VOLUME"))
    assert (user, int(port), volume) == ("incidents", DEFAULT_PORT, "/var/lib/incidents")
    [health] = instructions("HEALTHCHECK")
    assert f"http://127.0.0.1:{DEFAULT_PORT}/readyz" in health
    installs = [run for run in instructions("RUN") if "pip install" in run]
    assert all("--require-hashes" in run or "--no-index" in run for run in installs)
    assert len(installs) == 2
    [uid] = re.findall(r"--uid (\d+)", CONTAINERFILE.read_text(encoding="utf-8"))
    assert f"chown {uid} pgpass" in PAGE.read_text(encoding="utf-8")
