"""Private files: secrets are read from their owner's files alone, wherever they are named."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from incidents.audit.log import signing_key
from incidents.cli import reauthentication
from incidents.errors import IncidentsError
from incidents.settings.options import Options
from incidents.settings.sources import load
from incidents.system import private_file
from tests.conftest import WriteSettings

SECRET = "correct horse battery staple"


def _as_a_setting(file: Path) -> str | None:
    return Options("[mail]", {"password_file": str(file)}).secret("password")


def _as_an_option(file: Path) -> str | None:
    return reauthentication.read_password(file, "Password: ")


def _as_a_key(file: Path) -> str | None:
    found = signing_key.read(file)
    return None if found is None else found.private_text()


READERS = [_as_a_setting, _as_an_option, _as_a_key]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_that_others_can_read_or_write_is_refused_with_the_way_out(
    read: Callable[[Path], str | None], mode: int, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    file.chmod(mode)

    with pytest.raises(IncidentsError) as refused:
        read(file)

    for told in (str(file), f"{mode:04o}", "chmod 600"):
        assert told in refused.value.message
    assert SECRET not in refused.value.message


@pytest.mark.parametrize("read", [_as_a_setting, _as_an_option])
def test_and_read_once_it_is_its_owners_alone(
    read: Callable[[Path], str | None], tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    file.chmod(0o400)

    assert read(file) == SECRET


def test_so_is_the_file_of_a_token(tmp_path: Path, write_settings: WriteSettings) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET)
    write_settings(f'server = "https://desk.example"\ntoken_file = "{file}"')
    assert load().token == SECRET

    file.chmod(0o644)

    with pytest.raises(IncidentsError, match=r"token_file = .*0644.*chmod 600"):
        load()


def test_the_pipe_of_a_shell_has_no_mode_that_matters(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, SECRET.encode())
    os.close(writing)
    try:
        os.fchmod(reading, 0o666)
        assert private_file.read(Path(f"/proc/self/fd/{reading}")) == SECRET.encode()
    finally:
        os.close(reading)


def test_systemd_hands_out_a_credential_by_an_access_control_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "panel.secret"
    file.write_text(SECRET)
    file.chmod(0o440)  # as the mask of such a list is shown
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert _as_a_setting(file) == SECRET


def test_more_than_any_secret_has_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="65,536"):
        private_file.read(Path("/dev/zero"))
