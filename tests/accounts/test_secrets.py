"""Secrets: guessable passwords are refused at the only place where one is set."""

from __future__ import annotations

import re

import pytest

from incidents.accounts import secrets
from incidents.accounts.secrets import CONTEXT, GuessablePasswordError
from incidents.errors import SettingsFileError
from tests.conftest import WriteSettings
from tests.docs.pages import ROOT

HANDLE = "li.wang-2"

LEAKED = ("qwertyuiop123", "admin@123456", "5201314woaini", "CorrectHorseBatteryStaple")
PATTERNS = (
    "aaaaaaaaaaab",
    "abcabcabcabcabc",
    "zxcvbnm,./zxcvbnm,./",
    "Welcome2026!!",
    "20260301-20260302",
)
OF_THE_DESK = (
    "incidents2026!", "Supervisor-supervisor", "li.wang-2", "Li.Wang-2/wang.li", "abuse-desk-2026",
    "值班台值班台值班台值班台2026", "违规管理员的密码: 2026",
)  # fmt: skip


@pytest.mark.parametrize("password", [*LEAKED, *PATTERNS, *OF_THE_DESK])
def test_a_password_that_is_soon_guessed_is_refused_and_not_told(password: str) -> None:
    padded = password if len(password) >= secrets.MIN_CHARACTERS else password * 2
    with pytest.raises(GuessablePasswordError) as refused:
        secrets.hash_password(padded, HANDLE)
    assert "Use a sentence" in refused.value.message
    assert padded not in refused.value.message


@pytest.mark.parametrize("password", [
    "seven grey geese go north", "x7Kp2mQ9vLr4", "天黑之后第三只狐狸才会过河",
    "my abuse desk has seven grey geese", "seven grey geese go north" * 8,
])  # fmt: skip
def test_a_sentence_of_ones_own_is_taken(password: str) -> None:
    assert secrets.password_matches(password, secrets.hash_password(password, HANDLE))


def test_what_the_desk_is_called_in_the_settings_is_no_password(
    write_settings: WriteSettings,
) -> None:
    named = ("Grauhorn Kontor 2026", "grauhorn.example/2026")
    for password in named:
        secrets.hash_password(password, HANDLE)
    write_settings(
        '[notices]\ndesk_name = "Grauhorn Kontor"\n'
        '[customer]\nbase_url = "https://desk.grauhorn.example"\n'
    )
    for password in named:
        with pytest.raises(GuessablePasswordError):
            secrets.hash_password(password, HANDLE)
    write_settings("[notices\n")
    with pytest.raises(SettingsFileError):
        secrets.hash_password(named[0], HANDLE)


def test_the_words_of_a_desk_stand_on_the_page() -> None:
    page = (ROOT / "docs/how-to/accounts.md").read_text(encoding="utf-8")
    listed = re.sub(r"\s+", " ", page).partition("These are the handle")[2].partition(". ")[0]
    assert set(re.findall(r"\*(\w+)\*|([\u4e00-\u9fff]+)", listed)) == {
        ("", word) if ord(word[0]) > 127 else (word, "") for word in CONTEXT
    }


@pytest.mark.parametrize(("processes", "slots"), [(1, 4), (2, 2), (3, 1), (8, 1)])
def test_several_processes_share_the_memory_for_hashing(
    monkeypatch: pytest.MonkeyPatch, processes: int, slots: int
) -> None:
    monkeypatch.setattr(secrets, "_AT_ONCE", secrets._AT_ONCE)
    secrets.share_hashing(processes)
    taken = [secrets._AT_ONCE.acquire(blocking=False) for _ in range(slots + 1)]
    assert taken == [True] * slots + [False]
