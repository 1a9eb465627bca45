"""Which hosts are this machine alone."""

from __future__ import annotations

import pytest

from incidents.values.peer_address import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "::1%lo"])
def test_the_loopback_is_this_machine_alone(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", [None, "", "desk.host.example", "192.0.2.1", "::", "0.0.0.0"])
def test_any_other_host_is_not(host: str | None) -> None:
    assert not is_loopback(host)
