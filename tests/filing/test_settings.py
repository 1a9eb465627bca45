"""The filing's settings: what the section [filing] says, and what it cannot say."""

from datetime import timedelta

import pytest

from incidents.errors import SettingError, UnknownSettingError
from incidents.filing import settings
from incidents.outbound.faults import ForbiddenTargetError


def test_without_a_section_each_province_has_its_own_form() -> None:
    found = settings.read({})
    assert (found.icp_form, found.allow, found.recheck_within) == (
        "province",
        (),
        timedelta(days=7),
    )


def test_what_is_said_holds() -> None:
    found = settings.read(
        {"icp_form": "subject", "allow": ["web.internal"], "recheck_within": "1d"}
    )
    assert (found.icp_form, found.recheck_within) == ("subject", timedelta(days=1))
    assert found.guard().target("http://web.internal:81/").host == "web.internal"
    with pytest.raises(ForbiddenTargetError):
        found.guard().target("http://127.0.0.1/")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("icp_form", "both"),
        ("allow", [""]),
        ("allow", ["http://web.internal/"]),
        ("recheck_within", "1s"),
        ("recheck_within", 7),
    ],
)
def test_what_cannot_be_is_named(key: str, value: object) -> None:
    with pytest.raises(SettingError) as refused:
        settings.read({key: value})
    assert key in refused.value.message
    assert "[filing]" in refused.value.message


def test_a_key_that_is_none_is_named() -> None:
    with pytest.raises(UnknownSettingError, match="recheck_every"):
        settings.read({"recheck_every": "7d"})
