"""The checks as a whole: a filing in which all is right, any text at all, and their words."""

import ast
import json
import sys
import unicodedata
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import incidents.filing
from incidents.filing.checks import NoFilingLibraryError, check, falsehoods
from incidents.filing.finding import (
    VERDICTS,
    Finding,
    finding_sentence,
    ok,
)
from incidents.filing.footer import record_link
from incidents.filing.lists import customer_value
from incidents.filing.lists.customer_value import UnreadableValueError
from incidents.locale.catalogue import phrases
from incidents.machine.filing import FIELDS
from tests.filing.numbers import company, person

TODAY = date(2026, 3, 1)
RIGHT = {
    "subject_kind": "company", "subject_number": company(), "responsible_number": person(),
    "responsible_phone": "010-5555 0100", "responsible_email": "desk@desk.zz",
    "access_phone": "95187", "nature": "commercial", "icp_number": "京ICP备12345678号-1",
    "icp_licence": "京ICP证150476号", "public_security_number": "京公网安备 11010502000001号",
    "office_code": "110000000000", "service_type": "shop", "level": "3", "hosting": "virtual_host",
    "ip": "192.0.2.1", "contract_ip": "192.0.2.1", "resolved_ip": "192.0.2.1",
    "reported_ip": "192.0.2.1", "opened_on": "2026-01-01", "filed_on": "2026-01-15",
    "approved_on": "2026-02-01", "shown_on": "2026-02-02",
    "server.web": json.dumps({"ip": "192.0.2.1", "province": "北京", "city": "北京"}),
    "document.contract": json.dumps({"kind": "access_contract", "expires_on": "2027-01-01"}),
}  # fmt: skip

KEYS = (*FIELDS, "server.a", "server.b", "document.a", "document.b")
TEXTS = (
    st.text()
    | st.sampled_from(sorted(RIGHT.values()))
    | st.from_regex(r"[0-9+() -]{1,20}", fullmatch=True)
    | st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True)
    | st.dictionaries(
        st.sampled_from(["kind", "province", "city", "ip", "expires_on"]), st.text()
    ).map(json.dumps)
)


def test_no_text_is_normalised_that_is_longer_than_any_detail_which_takes_the_square_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    longest: list[int] = []

    def normalize(_: str, text: str) -> str:
        longest.append(len(text))
        return text

    monkeypatch.setattr(unicodedata, "normalize", normalize)
    filed = {key: chr(0x301) * 4_000 for key in FIELDS} | {"subject_kind": "company"}
    assert any(each.false for each in check(filed, today=TODAY))
    record_link.read(f"https://{chr(0x301) * 2_000}/")
    for read in (customer_value.reader("level"), customer_value.reader("subject_kind")):
        with pytest.raises(UnreadableValueError):
            read(chr(0x301) * 4_000)
    assert max(longest) <= 256


def test_of_a_filing_in_which_all_is_right_every_finding_is_ok() -> None:
    found = check(RIGHT, today=TODAY)
    assert {each.verdict for each in found} == {"ok"}
    assert not any(each.false for each in found)


def test_of_a_site_of_which_nothing_is_filed_nothing_is_said() -> None:
    assert check({}, today=TODAY) == []


@given(st.dictionaries(st.sampled_from(KEYS), TEXTS))
def test_what_is_taken_for_false_is_what_all_checks_take_for_false(
    details: dict[str, str],
) -> None:
    found = check(details, today=TODAY)
    assert falsehoods(details, today=TODAY) == [each for each in found if each.false]


# An approved site without a number: the finding is about the number that is missing (F.18).
@example(details={"approved_on": "2026-01-01"})
@given(st.dictionaries(st.sampled_from(KEYS), TEXTS))
def test_any_text_under_any_key_is_judged_and_told(details: dict[str, str]) -> None:
    for found in check(details, today=TODAY):
        assert found.verdict in VERDICTS
        named = found.field == "contract_ip" or found.code == "number_not_filed"
        assert found.field in details or named
        assert found.source
        assert not (found.false and found.verdict not in {"suspect", "wrong"})
        assert "{" not in finding_sentence(Finding(
            verdict=found.verdict, field=found.field, code=found.code, source=found.source,
            facts=dict.fromkeys(found.facts, "x"),
        ))  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), TEXTS))
def test_the_same_details_yield_the_same_findings_in_whichever_order(
    details: dict[str, str],
) -> None:
    turned = dict(reversed(details.items()))
    assert check(turned, today=TODAY) == check(details, today=TODAY)


def test_each_code_has_a_sentence_and_no_sentence_is_left_over() -> None:
    of_pages = ("page_", "public_security_", "icon_", "link_", "icp_")
    own = {id_.partition("@")[0] for id_ in phrases("en", "filing")}
    told = {id_ for id_ in own if "." not in id_}
    assert {code for code in told - _codes() if not code.startswith(of_pages)} == set()
    assert _codes() <= told


def test_each_detail_has_a_name_within_a_sentence() -> None:
    assert [key for key in FIELDS if f"filed.{key}" not in phrases("en", "filing")] == []


def test_a_sentence_begins_with_a_capital_unless_a_key_stands_there() -> None:
    assert finding_sentence(ok("document.web", "document_holds", "x", day="2026-03-01")) == (
        "document.web is valid until the end of 2026-03-01."
    )
    assert finding_sentence(ok("responsible_email", "mail_ok", "x", domain="desk.zz")) == (
        "The responsible person's email address is a possible address at desk.zz."
    )


def test_a_library_that_is_not_installed_is_named_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "email_validator", None)
    with pytest.raises(
        NoFilingLibraryError, match=r"email_validator is not installed: .*\[filing\]"
    ):
        check({"responsible_email": "desk@desk.zz"}, today=TODAY)


def _codes() -> set[str]:
    """The codes that the modules make findings of: the second argument of each that makes one."""
    found: set[str] = set()
    # What is said of a page has tests of its own.
    for file in Path(incidents.filing.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id in VERDICTS and len(node.args) == 3:
                found |= _written(node.args[1])
    return found


def _written(code: ast.expr) -> set[str]:
    if isinstance(code, ast.Constant):
        return {str(code.value)}
    # The one that is put together tells which rule is kept.
    assert isinstance(code, ast.JoinedStr)
    return {f"addresses_{bind}" for bind in ("same", "contract", "inventory")}
