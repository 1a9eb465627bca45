"""The quota: how many acts a token, or an account in its sessions, may do in a minute."""

import pytest

from incidents.accounts.identity import Identity
from incidents.api.limits import Quota, TooManyActsError
from tests.api.rig import Rig

PROGRAM = Identity(handle="panel-1", role="integrator", token="t1")
OTHER = Identity(handle="panel-1", role="integrator", token="t2")
PERSON = Identity(handle="panel-1", role="integrator")


class Seconds:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def test_each_token_and_each_account_has_a_quota_of_its_own(seconds: Seconds) -> None:
    quota = Quota(2, seconds)
    for identity in (PROGRAM, OTHER, PERSON):
        quota.take(identity)
        quota.take(identity)
        with pytest.raises(TooManyActsError):
            quota.take(identity)


def test_who_has_any_left_may_do_a_batch_and_then_waits_as_long_as_is_told(
    seconds: Seconds,
) -> None:
    quota = Quota(60, seconds)
    quota.take(PROGRAM, 59)
    quota.take(PROGRAM, 100)
    with pytest.raises(TooManyActsError) as refused:
        quota.take(PROGRAM)
    assert refused.value.facts["wait_s"] == 100
    seconds.now = 99.9
    with pytest.raises(TooManyActsError):
        quota.take(PROGRAM)
    seconds.now = 100.0
    quota.take(PROGRAM)


def test_a_limit_of_none_refuses_nobody(seconds: Seconds) -> None:
    quota = Quota(0, seconds)
    quota.take(PROGRAM, 10**9)
    quota.take(PROGRAM)


def test_beyond_the_quota_nothing_is_done_and_the_answer_says_when_to_ask_again(api: Rig) -> None:
    api.app.state.quota = Quota(3)
    program = api.client("integrator")
    commands = [{"do": "site.add", "to": f"{n}.shop.example", "words": {}} for n in range(4)]
    assert program.post("/api/v1/batch", json={"commands": commands}).status_code == 200
    refused = program.post("/api/v1/sites", json={"site": "one-more.example"})
    assert (refused.status_code, refused.json()["type"][22:]) == (429, "too-many-acts")
    assert int(refused.headers["Retry-After"]) > 0
    assert program.get("/api/v1/sites/one-more.example").status_code == 404
