"""The customer's link: what was signed is read, through its last second; nothing else is."""

import base64
import hashlib
import hmac
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.notices.customer_link import (
    MAX_TOKEN,
    ExpiredLink,
    InvalidLink,
    ValidLink,
    read_token,
    sign_token,
)

OLD, NEW, OTHER = "old " * 8, "new " * 8, "other " * 8
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
TOKEN = sign_token((12, 3), NOON, NEW)

incidents = st.tuples(st.integers(1, 10**18 - 1), st.integers(1, 10**9 - 1))
moments = st.timedeltas(timedelta(days=1), timedelta(days=365 * 1_000)).map(
    lambda length: datetime(1970, 1, 1, tzinfo=UTC) + length
)
times = st.integers(0, 10**9 - 1)
characters = st.sampled_from(string.printable + "é１\0\u200b")


@given(incidents, moments, st.text(st.characters(codec="utf-8"), min_size=1), times)
def test_what_is_signed_is_read_again(
    incident: tuple[int, int], expires: datetime, secret: str, revoked: int
) -> None:
    token = sign_token(incident, expires, secret, revoked)
    whole, secrets = expires.replace(microsecond=0), [secret]
    assert read_token(token, secrets, whole) == ValidLink(incident, revoked)
    assert read_token(token, secrets, whole + MICROSECOND) == ExpiredLink(incident)
    assert len(token) <= MAX_TOKEN
    assert set(token) <= set(string.ascii_lowercase + string.digits + "-.")


@given(incidents, moments, times, st.data())
def test_with_any_character_changed_it_is_forged(
    incident: tuple[int, int], expires: datetime, revoked: int, data: st.DataObject
) -> None:
    token = sign_token(incident, expires, NEW, revoked)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(characters.filter(lambda c: c != token[place]))
    assert (
        read_token(token[:place] + other + token[place + 1 :], [NEW, OLD], expires) == InvalidLink()
    )


def test_with_any_bit_flipped_it_is_forged() -> None:
    for bit in range(8 * len(TOKEN)):
        raw = bytearray(TOKEN.encode())
        raw[bit // 8] ^= 1 << bit % 8
        assert read_token(raw.decode("latin-1"), [NEW], NOON) == InvalidLink(), bit


@given(st.data())
def test_with_anything_taken_away_or_put_in_it_is_forged(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(TOKEN)))
    end = data.draw(st.integers(start, len(TOKEN)))
    put = data.draw(st.text(characters, max_size=5).filter(lambda t: t != TOKEN[start:end]))
    assert read_token(TOKEN[:start] + put + TOKEN[end:], [NEW], NOON) == InvalidLink()


@given(st.text())
def test_whatever_is_no_link_is_forged(text: str) -> None:
    assert read_token(text, [NEW, OLD], NOON) == InvalidLink()


@pytest.mark.parametrize("token", ["", "." * 79, "9" * 100_000, TOKEN + "\n", TOKEN.upper()])
def test_what_only_looks_like_one_is_forged(token: str) -> None:
    assert read_token(token, [NEW], NOON) == InvalidLink()


def test_the_claim_of_one_under_the_signature_of_another_is_forged() -> None:
    for other in (
        sign_token((12, 4), NOON, NEW), sign_token((12, 3), NOON + SECOND, NEW),
        sign_token((12, 3), NOON, NEW, 1),
    ):  # fmt: skip
        claim, which, mac = TOKEN.rsplit(".", 2)
        assert (
            read_token(f"{claim}.{which}.{other.rsplit('.', 1)[1]}", [NEW], NOON) == InvalidLink()
        )
        assert read_token(f"{other.rsplit('.', 2)[0]}.{which}.{mac}", [NEW], NOON) == InvalidLink()


def test_it_holds_through_its_last_second_in_any_zone() -> None:
    beijing = NOON.astimezone(tz=None)
    assert read_token(TOKEN, [NEW], beijing) == ValidLink((12, 3))
    assert read_token(TOKEN, [NEW], NOON - timedelta(days=99)) == ValidLink((12, 3))
    assert read_token(TOKEN, [NEW], NOON + MICROSECOND) == ExpiredLink((12, 3))
    assert read_token(
        sign_token((12, 3), NOON + SECOND - MICROSECOND, NEW), [NEW], NOON
    ) == ValidLink((12, 3))


def test_an_expired_link_of_another_secret_is_forged_and_says_nothing() -> None:
    assert read_token(TOKEN, [OLD], NOON + SECOND) == InvalidLink()


def test_while_secrets_are_exchanged_both_are_taken_and_then_the_old_one_is_not() -> None:
    before, after = sign_token((1, 1), NOON, OLD), sign_token((1, 1), NOON, NEW)
    assert (
        read_token(before, [NEW, OLD], NOON)
        == read_token(after, [NEW, OLD], NOON)
        == ValidLink((1, 1))
    )
    assert read_token(before, [NEW], NOON) == InvalidLink()
    assert read_token(before, [OTHER], NOON) == read_token(before, [], NOON) == InvalidLink()
    assert before.split(".")[2] != after.split(".")[2], "each names its secret"


def test_before_any_revocation_it_is_what_it_was_when_links_could_not_be_revoked() -> None:
    assert TOKEN == "12-3.69a50b40.c371.uh7i4ncmlzez7f7xhmddl2l2sz5izgs2"
    assert sign_token((12, 3), NOON, NEW, 7).startswith("12-3.69a50b40.r7.")


def test_it_is_signed_with_160_bits_over_words_of_its_own() -> None:
    claim, _, mac = TOKEN.rsplit(".", 2)
    assert len(mac) * 5 == 160
    asked = b"incidents customer link v1\n" + claim.encode()
    right = hmac.new(NEW.encode(), asked, hashlib.sha256).digest()[:20]
    assert base64.b32decode(mac.upper()) == right
