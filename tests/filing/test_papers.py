"""The papers of a filing: the access contract, and what expires, to the day."""

import json
from datetime import date

import pytest

from incidents.filing.checks.items import DOCUMENT_KINDS, check_documents

TODAY = date(2026, 3, 1)
CONTRACT = json.dumps({"kind": "access_contract", "digest": "0" * 64, "size": "1"})


def told(details: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(each.verdict, each.field, each.code) for each in check_documents(details, today=TODAY)]


@pytest.mark.parametrize(
    ("day", "verdict", "code"),
    [
        ("2026-02-28", "wrong", "document_expired"),
        # Its last day it holds to the end.
        ("2026-03-01", "suspect", "document_expires"),
        ("2026-03-31", "suspect", "document_expires"),
        ("2026-04-01", "ok", "document_holds"),
        ("2026-02-30", "wrong", "expiry_unreadable"),
        ("20260401", "wrong", "expiry_unreadable"),
        ("soon", "wrong", "expiry_unreadable"),
    ],
)
def test_a_document_is_to_be_renewed_within_30_days_of_its_end(
    day: str, verdict: str, code: str
) -> None:
    document = json.dumps({"kind": "idc_licence", "expires_on": day})
    assert told({"document.a": document}) == [(verdict, "document.a", code)]


def test_a_filed_site_has_its_access_contract_on_record() -> None:
    assert told({"filed_on": "2026-02-01"}) == [("wrong", "filed_on", "filed_without_contract")]
    assert told({"filed_on": "2026-02-01", "document.c": CONTRACT}) == [
        ("ok", "document.c", "contract_present")
    ]
    assert told({"opened_on": "2026-02-01"}) == []


@pytest.mark.parametrize("kind", DOCUMENT_KINDS)
def test_each_kind_of_document_is_known(kind: str) -> None:
    assert "document_kind_unknown" not in str(told({"document.a": json.dumps({"kind": kind})}))


def test_a_kind_that_is_none_of_them_is_a_warning() -> None:
    assert told({"document.a": json.dumps({"kind": "poem"})}) == [
        ("unknown", "document.a", "document_kind_unknown")
    ]


@pytest.mark.parametrize(
    "text", ["", "x", "[]", '"x"', '{"kind": 1}', "[" * 100_000, "1" * 5_000, '{"kind": null}']
)
@pytest.mark.parametrize("key", ["server.a", "document.a"])
def test_an_item_that_cannot_be_read_is_wrong(key: str, text: str) -> None:
    assert told({key: text}) == [("wrong", key, "item_unreadable")]
