"""A request is repeated after the answer of its key was deleted."""

from datetime import timedelta
from typing import Any

import pytest

from incidents import clock
from incidents.desk import expired_keys
from tests.api.desk import fill
from tests.api.rig import Rig

LOG = "/api/v1/sites/shop.example/incidents"
POLICY = {"toml": "[closure]\ntwo_people = true\n", "reason": "nobody alone"}


@pytest.mark.parametrize(
    ("path", "body", "refused"),
    [(LOG, {}, "key-reused"), ("/api/v1/policy/activate", POLICY, "key-spent")],
)
def test_what_was_done_long_ago_is_refused_instead_of_done_again(
    api: Rig, path: str, body: dict[str, Any], refused: str
) -> None:
    fill(api)
    supervisor, headers = api.person("supervisor"), {"Idempotency-Key": "k"}
    assert supervisor.post(path, json=body, headers=headers).is_success
    expired_keys.delete_expired(api.app.desk, api.app.engine, clock.now() + timedelta(days=1))

    again = supervisor.post(path, json=body, headers=headers)

    assert (again.status_code, again.json()["type"][22:]) == (422, refused)
    assert "key 'k' was used" in again.json()["detail"]
    assert "no longer stored" in again.json()["detail"]
