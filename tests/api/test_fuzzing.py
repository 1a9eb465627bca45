"""The fuzzing: what the description allows, and what it does not, never makes a fault."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from incidents import clock
from incidents.accounts.identity import Identity
from incidents.api import parameters
from incidents.api.limits import AsyncBatcher
from tests.api.desk import fill
from tests.api.rig import BASE, Rig

_CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_headers_conformance, response_schema_conformance,
]  # fmt: skip
_KNOWN = {
    "site": ["shop.example", "closed.example", "held.example"],
    "incident": ["1-1"], "contact": ["1-1-1"], "item": ["1-1", "2-t1"], "order": ["2-o3", "3-o2"],
    "notice": ["closed", "alarm"],
}  # fmt: skip
schemathesis.openapi.format(
    parameters.FORMAT, st.sampled_from(["Asia/Shanghai", "UTC", "Mars/Base"])
)


class _Anybody(Identity):
    """An administrator and a supervisor in one, who has just proved who they are."""

    def denial(self, act: str, now: Any) -> None:
        """Nothing."""


@pytest.mark.long
def test_no_request_makes_a_fault_or_is_answered_otherwise_than_described(
    api: Rig, tmp_path: Path
) -> None:
    fill(api)
    api.keep_evidence_in(tmp_path, limit=1_000)
    anybody = _Anybody(handle="both", role="supervisor", proved_at=clock.now())
    api.asgi_app.state.token_batch = AsyncBatcher(lambda secrets: [anybody for _ in secrets])
    schema = schemathesis.openapi.from_asgi("/openapi.json", api.asgi_app)
    asked = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            asked += _ask(found.ok(), mode)
    assert asked > 400


def _ask(operation: Any, mode: GenerationMode) -> int:
    """How often that operation was asked."""
    asked = 0

    @settings(
        max_examples=3, derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def ask(case: Any, data: st.DataObject) -> None:
        nonlocal asked
        for name in case.path_parameters or {}:
            if name in _KNOWN and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(_KNOWN[name]))
        case.call_and_validate(
            base_url=BASE, headers={"Authorization": "Bearer any"}, checks=_CHECKS
        )
        asked += 1

    # What takes no words at all cannot be asked with wrong ones.
    with suppress(Unsatisfiable):
        ask()
    return asked
