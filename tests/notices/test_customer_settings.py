"""The customer's settings: which links they give, and what is complained of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from incidents.errors import IncidentsError
from incidents.notices import customer_link
from incidents.notices.customer_link import ExpiredLink, InvalidLink, Links, ValidLink
from incidents.notices.letter import DeskContact
from tests.notices.lane import NOON, order

SECRET, BEFORE = "0123456789abcdef" * 2, "fedcba9876543210" * 2
LINKS = Links(base_url="https://desk.host.example", secrets=(SECRET,))
ADDRESS = 'base_url = "https://desk.host.example"\n'
WHOLE = f'{ADDRESS}secret = "{SECRET}"\n'

Written = Callable[[str], dict[str, str]]


def test_without_the_section_there_is_no_link(written: Written) -> None:
    assert customer_link.load_links(written("")) is None
    assert customer_link.load_notice_link(written("")) is None


def test_who_needs_it_is_told_what_is_missing(written: Written) -> None:
    with pytest.raises(IncidentsError, match=r"config.toml has no section \[customer\]. Add"):
        customer_link.required_links(written(""))


def test_a_link_holds_for_two_weeks_unless_it_is_said_otherwise(written: Written) -> None:
    found = customer_link.required_links(written(f"[customer]\n{WHOLE}"))
    assert found == LINKS
    assert found.valid_for == timedelta(days=14)
    found = customer_link.required_links(written(f'[customer]\n{WHOLE}valid_for = "36h"\n'))
    assert found.valid_for == timedelta(hours=36)


def test_secrets_stand_in_files_or_variables_and_the_newest_one_signs(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    monkeypatch.setenv("BEFORE", BEFORE)
    said = f'secret_file = "{tmp_path}/secret"\nprevious_secret_env = "BEFORE"\n'
    found = customer_link.required_links(written(f"[customer]\n{ADDRESS}{said}"))
    assert found.secrets == (SECRET, BEFORE)
    token = found.address((1, 1), NOON).rpartition("/")[2]
    assert replace(found, secrets=(SECRET,)).read(token, NOON) == ValidLink((1, 1))
    assert replace(found, secrets=(BEFORE,)).read(token, NOON) == InvalidLink()


@pytest.mark.parametrize(
    "address",
    ["https://desk.host.example", "https://host.example:8443/desk/", "http://127.0.0.1:7390",
     "http://localhost/", "http://[::1]:7390", "https://xn--fsqu00a.example"],
)  # fmt: skip
def test_the_page_may_be_anywhere_over_tls_or_on_this_machine(
    address: str, written: Written
) -> None:
    said = f'[customer]\nbase_url = "{address}"\nsecret = "{SECRET}"\n'
    link = customer_link.required_links(written(said)).address((12, 3), NOON)
    assert link.startswith(address.rstrip("/") + "/c/12-3.")


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (f'secret = "{SECRET}"', "has no base_url"),
        (ADDRESS, "has no secret, but it must be set, or secret_file or secret_env"),
        (f'{ADDRESS}secret = "{SECRET[:31]}"', "secret = '…', but it must be 32 characters"),
        (f'{WHOLE}previous_secret = "short"', "previous_secret = '…', but it must be 32"),
        (f'{ADDRESS}secret_file = "{{folder}}/weak"', "/weak must be 32"),
        (f'{ADDRESS}secret_file = "{{folder}}/none"', "/none', but it must be a file"),
        (f'{WHOLE}valid_for = "23h"', "valid_for = '23h'"),
        (f'{WHOLE}valid_for = "91d"', "valid_for = '91d'"),
        (f'{WHOLE}valid = "14d"', "unknown setting 'valid'; choose from base_url, previous"),
        *(
            (f'base_url = "{address}"\nsecret = "{SECRET}"', f"base_url = '{address}', but")
            for address in (
                "http://desk.host.example", "desk.host.example", "ftp://desk.host.example",
                "https://", "https://desk@host.example", "https://host.example/?a=b",
                "https://host.example/#x", "https://host.example/a b", "https://桌.example",
                "https://host.example:99999", "https://host.example/<x",
            )
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_no_secret_is_shown(
    said: str, complaint: str, written: Written, tmp_path: Path
) -> None:
    (tmp_path / "weak").write_text("too short")
    environ = written(f"[customer]\n{said.format(folder=tmp_path)}\n")
    with pytest.raises(IncidentsError) as complained:
        customer_link.load_links(environ)
    assert complaint in complained.value.message
    assert SECRET[:31] not in complained.value.message
    assert "short" not in complained.value.message


def test_whom_the_customer_deals_with_is_said_by_the_notices(written: Written) -> None:
    said = '[notices]\ndesk_name = "示例主机"\ndesk_phone = "+86 10 5555 0100"\n'
    found = customer_link.office(written(said))
    assert found == DeskContact(name="示例主机", phone="+86 10 5555 0100", mail=None)


@pytest.mark.parametrize(
    ("said", "key"), [("", "desk_name"), ('desk_name = "示例主机"', "desk_phone")]
)
def test_a_page_that_names_nobody_to_call_is_not_shown(
    said: str, key: str, written: Written
) -> None:
    with pytest.raises(IncidentsError, match=rf"\[notices\].* has no {key}"):
        customer_link.office(written(f"[notices]\n{said}\n"))


def test_a_notice_has_the_same_link_each_time_that_it_is_sent() -> None:
    given = order("notify", incident="12-3")
    link = LINKS.of_order(given, now=lambda: NOON)
    assert link is not None
    assert link == LINKS.of_order(replace(given, attempt=7), now=lambda: NOON + timedelta(days=2))
    token = link.rpartition("/")[2]
    assert LINKS.read(token, NOON + timedelta(days=14)) == ValidLink((12, 3))
    assert LINKS.read(token, NOON + timedelta(days=14, seconds=1)) == ExpiredLink((12, 3))


def test_a_notice_that_is_tried_again_after_a_revocation_has_a_link_that_still_holds() -> None:
    link = LINKS.of_order(order("notify", incident="12-3"), 2, now=lambda: NOON)
    assert link is not None
    assert LINKS.read(link.rpartition("/")[2], NOON + timedelta(days=14)) == ValidLink((12, 3), 2)


def test_a_notice_about_no_one_incident_has_no_link() -> None:
    assert LINKS.of_order(order("reopen", suspension="1"), now=lambda: NOON) is None
    assert LINKS.of_order(order("close", rule="repeat"), now=lambda: NOON) is None


def test_a_notice_that_is_sent_too_late_has_no_link_that_leads_nowhere() -> None:
    given = order("notify", incident="12-3")
    assert LINKS.of_order(given, now=lambda: NOON + timedelta(days=14)) is not None
    assert LINKS.of_order(given, now=lambda: NOON + timedelta(days=14, seconds=1)) is None
