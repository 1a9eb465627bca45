"""The language that is wanted: the first that is ours of what was asked, set, or the locale's."""

import pytest

from incidents.values.language_tag import wanted


@pytest.mark.parametrize(
    ("asked", "set_", "locale", "tag"),
    [
        ("en", "zh", "zh_CN.UTF-8", "en"),
        (None, "zh", "C.UTF-8", "zh_CN"),
        ("fr", None, "zh_CN.UTF-8", "zh_CN"),
        ("fr", "fr", "fr_FR.UTF-8", "en"),
        (None, None, "", "en"),
    ],
)
def test_the_first_of_them_that_is_ours_is_wanted(
    asked: str | None, set_: str | None, locale: str, tag: str
) -> None:
    environ = {"LANG": locale} | ({"INCIDENTS_LANG": set_} if set_ else {})
    assert wanted(asked, environ) == tag
