"""Where the metrics are served, as the settings file says."""

from pathlib import Path

import pytest

from incidents.errors import SettingError, UnknownSettingError
from incidents.metrics import service


def listen(folder: Path, text: str) -> tuple[str, int] | None:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return service.listen_address({"INCIDENTS_CONFIG": str(file)})


@pytest.mark.parametrize("text", ["", "[metrics]\n", "[audit]\n"])
def test_without_the_setting_nothing_is_served(text: str, tmp_path: Path) -> None:
    assert listen(tmp_path, text) is None


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("localhost:1", ("localhost", 1)),
        ("0.0.0.0:65535", ("0.0.0.0", 65535)),
        ("[::1]:9464", ("::1", 9464)),
        ("metrics.desk.example:9464", ("metrics.desk.example", 9464)),
    ],
)
def test_an_address_and_a_port_are_read(
    written: str, address: tuple[str, int], tmp_path: Path
) -> None:
    assert listen(tmp_path, f'[metrics]\nlisten = "{written}"\n') == address


@pytest.mark.parametrize(
    "written",
    [
        '"9464"', '":9464"', '"127.0.0.1"', '"127.0.0.1:"', '"127.0.0.1:0"', '"127.0.0.1:65536"',
        '"127.0.0.1:-1"', '"127.0.0.1:+1"', '"127.0.0.1:９"', '"127.0.0.1: 9464"', '"[::1:9464"',
        '"[]:9464"', '"127.0.0.1:09464000"', '""', "9464", "true", "[]",
    ],
)  # fmt: skip
def test_anything_else_is_named_with_what_it_must_be(written: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError) as caught:
        listen(tmp_path, f"[metrics]\nlisten = {written}\n")
    assert "[metrics] of the settings file says listen = " in caught.value.message


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownSettingError, match=r"unknown setting 'port'; choose from listen"):
        listen(tmp_path, "[metrics]\nport = 9464\n")
