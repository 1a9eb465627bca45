"""Punycode is what Python's own codec says, for any label that is not ASCII."""

from hypothesis import assume, given
from hypothesis import strategies as st

from incidents.values import site_name

_LETTERS = st.one_of(
    st.sampled_from("abz09-é\x80\x81例子\u0301\U0010ffff"),
    st.characters(exclude_categories=["Cs"]),
)


@given(st.text(_LETTERS, max_size=40))
def test_a_label_is_written_as_the_codec_writes_it(label: str) -> None:
    assume(not label.isascii())
    assert site_name.to_punycode(label) == label.encode("punycode").decode()
