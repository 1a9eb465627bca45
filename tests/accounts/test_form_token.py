"""The token of a form (CSRF): on each page other bytes, and the same to the server."""

from incidents.accounts import secrets


def test_each_page_has_the_token_in_other_bytes_that_mean_the_same() -> None:
    token = secrets.form_token("session", "csrf")
    pages = {secrets.masked(token) for _ in range(3)}
    assert len(pages) == 3
    assert {secrets.unmasked(page) for page in pages} == {token}
    assert all(token not in page for page in pages)


def test_what_has_no_mask_is_itself_and_nothing_is_too_odd_to_read() -> None:
    token = secrets.form_token("session", "csrf")
    assert secrets.unmasked(token) == token
    for odd in ("", "no token", "ab", "é" * 64, "0" * 1_000):
        assert secrets.unmasked(odd) == odd
