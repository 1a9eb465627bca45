"""What may show child abuse: how it is recognised, and who may get its bytes."""

from __future__ import annotations

from itertools import product

import pytest

from incidents.contract.sealed_content import Decision, decide, is_sealed


@pytest.mark.parametrize(
    "category",
    [
        "child_abuse", "CSAM", "csem", "content-csam", "child-sexual-abuse", "Child Porn",
        "childabuse", "儿童色情", "涉嫌未成年人色情", "儿童性侵害", "猥亵儿童",
        "sexual abuse of minors", "child_sex_abuse",
    ],
)  # fmt: skip
def test_a_category_of_child_abuse_is_sealed_however_it_is_written(category: str) -> None:
    assert is_sealed(None, "phishing", category)


@pytest.mark.parametrize("category", [None, "", "pornography", "violence", "childcare", "abuse"])
def test_no_other_category_is(category: str | None) -> None:
    assert not is_sealed(category)


def test_who_may_get_the_bytes() -> None:
    # (sealed, may reveal, may open, gives a reason)
    table: dict[tuple[bool, bool, bool, bool], Decision] = {
        (False, False, False, False): "no_right", (False, False, False, True): "no_right",
        (False, False, True, False): "no_right", (False, False, True, True): "no_right",
        (False, True, False, False): "allowed", (False, True, False, True): "allowed",
        (False, True, True, False): "allowed", (False, True, True, True): "allowed",
        (True, False, False, False): "no_right", (True, False, False, True): "no_right",
        (True, True, False, False): "sealed", (True, True, False, True): "sealed",
        (True, False, True, False): "reason_missing", (True, False, True, True): "allowed",
        (True, True, True, False): "reason_missing", (True, True, True, True): "allowed",
    }  # fmt: skip
    for sealed, reveal, may_open, reasoned in product((False, True), repeat=4):
        row = sealed, reveal, may_open, reasoned
        found = decide(
            sealed=sealed, may_reveal=reveal, may_open=may_open, reason="x" if reasoned else None
        )
        assert found == table[row], row
