"""The hints after a server's refusal, which an operator follows word by word."""

from __future__ import annotations

import shlex

import pytest

from incidents.errors import DONE, REFUSED
from tests.client.conftest import RemoteCli

ACCOUNTS = ["account list", "token revoke 0123456789", "account sign-out 0123456789"]
LOG = ["audit checkpoint"]
DESK = [
    "show 9-9", "contact 1-9-zz reached", "acts show 9-o1", "done 1-t9", "refused 1-1", "log 12-zz",
    "log 7-eleven.example",
]  # fmt: skip


@pytest.mark.parametrize("line", [*ACCOUNTS, *LOG, *DESK])
def test_what_a_server_refuses_leads_to_nothing_that_it_refuses_an_operator_next(
    over: RemoteCli, line: str
) -> None:
    over.account("op-1", "operator")
    for done in ("site add shop.example", "log shop.example"):
        assert over(*done.split(), as_="op-1").status == DONE
    refused = over(*line.split(), as_="op-1")
    assert refused.status == REFUSED, refused.err
    for told in refused.err.splitlines():
        typed, _, who = told.removeprefix("next: incidents ").partition("  # ")
        if not told.startswith("next: incidents ") or any(map(str.isupper, typed.split())):
            continue
        answer = over(*shlex.split(typed), as_="op-1")
        assert answer.status == (REFUSED if who else DONE), (typed, answer.err)


def test_without_a_key_a_server_sends_nobody_to_make_one(over: RemoteCli) -> None:
    over.account("aud-1", "auditor")
    refused = over("audit", "checkpoint", as_="aud-1")
    assert refused.status == REFUSED
    assert "make a key on the machine that keeps the log, then sign" in refused.err
    assert "next:" not in refused.err
