"""The security.txt: whom somebody tells who has found a weakness."""

from __future__ import annotations

import pytest
from freezegun import freeze_time

from incidents.accounts import access_settings
from incidents.api.endpoints.watch import SECURITY_TXT
from incidents.errors import SettingError
from tests.api.rig import rig
from tests.conftest import WriteSettings


def test_who_finds_a_weakness_is_told_whom_to_write_to(
    db_url: str, write_settings: WriteSettings
) -> None:
    with rig(db_url) as unnamed:
        assert unnamed.nobody().get(SECURITY_TXT).status_code == 404
    write_settings(
        '[serve]\nsecurity_contact = ["mailto:security@host.example", "https://host.example/w"]\n'
    )
    with rig(db_url) as named, freeze_time("2026-03-01 10:00:00.5"):
        told = named.nobody().get(SECURITY_TXT)
        assert named.nobody().post(SECURITY_TXT).status_code == 405
    assert (told.status_code, told.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert told.text == (
        "Contact: mailto:security@host.example\r\nContact: https://host.example/w\r\n"
        "Expires: 2026-08-28T10:00:00Z\r\nPreferred-Languages: zh, en\r\n"
    )


@pytest.mark.parametrize("contact", [
    '"security@host.example"', '"http://host.example/"', '"mailto:a@b.example\\nExpires: x"', "7",
])  # fmt: skip
def test_whom_to_write_to_is_an_address_that_the_rfc_knows(
    contact: str, write_settings: WriteSettings
) -> None:
    write_settings(f"[serve]\nsecurity_contact = [{contact}]\n")
    with pytest.raises(SettingError, match="security_contact"):
        access_settings.serve()
