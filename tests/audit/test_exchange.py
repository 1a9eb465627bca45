"""The exchange: whom it believes; what it makes of answers is shown by the stamps and witnesses."""

from pathlib import Path

import pytest

from incidents.audit.log import stamp
from incidents.audit.log.stamp import ExchangeError
from tests.outbound.rig import LOOPBACK, Authority, always, receiver


def test_https_is_believed_by_an_authority_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    with receiver(always(204), tls=authority.server(LOOPBACK)) as there:
        with (
            stamp.client_of(there.url) as client,
            pytest.raises(ExchangeError, match="certificate"),
        ):
            stamp.post(client, there.url, b"", {})
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        with stamp.client_of(there.url) as client:
            assert stamp.post(client, there.url, b"", {}).status == 204
