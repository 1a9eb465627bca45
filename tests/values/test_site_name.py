"""A site's name: what is taken, in which form it is kept, and what is refused with the way out."""

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from incidents.errors import BadSiteNameError
from incidents.values import ids, punycode, site_name


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Shop.Example", "shop.example"),
        (" shop.example ", "shop.example"),
        ("shop.example.", "shop.example"),
        ("a_b.example", "a_b.example"),
        ("localhost", "localhost"),
        ("例子.测试", "xn--fsqu00a.xn--0zwm56d"),
        ("例子。测试", "xn--fsqu00a.xn--0zwm56d"),
        ("faß.example", "xn--fa-hia.example"),
        ("ＡＢＣ.example", "abc.example"),
        ("XN--FSQU00A.example", "xn--fsqu00a.example"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8::0001", "2001:db8::1"),
        ("1-2.example", "1-2.example"),
        ("☃.example", "xn--n3h.example"),
        ("XN--N3H.example", "xn--n3h.example"),
        ("-shop-.example", "-shop-.example"),
        ("sh\u00adop.example", "shop.example"),
    ],
)
def test_a_name_is_kept_in_its_lower_cased_ascii_form(written: str, kept: str) -> None:
    assert site_name.read(written) == kept
    assert site_name.read(kept) == kept


@pytest.mark.parametrize(
    ("written", "because"),
    [
        ("", "empty"),
        ("https://shop.example/x", "--url"),
        ("//shop.example", "--url"),
        ("shop.example/x", "path"),
        ("shop.example?x", "path"),
        ("shop.example:8080", "port"),
        ("li@shop.example", "@"),
        ("*.shop.example", "*"),
        ("[2001:db8::1]", "brackets"),
        ("shop .example", "a space"),
        ("shop\x00.example", "U+0000"),
        ("shop.example\n", "U+000A"),
        ("shop\udc80.example", "U+DC80"),
        ("shop..example", "empty part"),
        ("sh!op.example", "hyphens"),
        ("é=.example", "hyphens"),
        ("é\u2488.example", "IDNA"),
        ("\u00ad.example", "empty part"),
        ("路" * 60 + ".example", "63"),
        ("12-3", "looks like the id"),
        ("12-3-1", "looks like the id"),
        ("12-t2", "looks like the id"),
        *((f"12-{item}", "looks like the id") for item in ids.NAMED),
        ("12", "IP address"),
        ("192.0.2.256", "IP address"),
        ("192.0.2.①", "IP address"),
        ("fe80::1%;}evil", "%"),
        ("fe80::1%eth0", "%"),
        ("2001:db8:::1", "IP address"),
        ("x" * 64 + ".example", "63"),
        (".".join(["x" * 60] * 5), "253"),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(written: str, because: str) -> None:
    with pytest.raises(BadSiteNameError) as refused:
        site_name.read(written)
    assert because in refused.value.message
    assert refused.value.name == "bad_site_name"


def test_a_name_of_253_octets_is_the_longest() -> None:
    longest = ".".join(["x" * 62] * 4) + "." + "y"
    assert len(longest) == 253
    assert site_name.read(longest) == longest


def test_a_very_long_input_is_not_repeated_in_full() -> None:
    with pytest.raises(BadSiteNameError) as refused:
        site_name.read("x" * 10_000)
    assert len(refused.value.message) < 300


def test_of_a_very_long_input_no_letter_is_looked_at() -> None:
    """A million letters of another script would take the processor for seconds."""
    with pytest.raises(BadSiteNameError, match="it has 1,202 characters, and at most 1,000"):
        site_name.read("例." * 600 + "cn")
    assert not site_name.matches_name("shop.example", "例." * 600)


@pytest.mark.parametrize(
    "part", ["路" * 64, "a" + "\u0301" * 900, "\u0301\u0316" * 200], ids=["letters", "one", "two"]
)
def test_a_part_that_can_only_be_too_long_is_neither_put_in_order_nor_encoded(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both take the square of its length."""
    encoded: list[str] = []
    monkeypatch.setattr("incidents.values.punycode.encode", encoded.append)
    with pytest.raises(
        BadSiteNameError, match=f"has {len(part)} characters; 63 octets are the most"
    ):
        site_name.read(f"{part}.example")
    assert encoded == []


def test_people_see_how_an_internationalised_name_is_written() -> None:
    assert site_name.shown("xn--fsqu00a.example") == "例子.example"
    assert site_name.in_full("xn--fsqu00a.example") == "例子.example (xn--fsqu00a.example)"
    assert site_name.shown("shop.example") == site_name.in_full("shop.example") == "shop.example"


@pytest.mark.parametrize(
    "written",
    ["例子.测试", "360手机.cn", "abc例子.cn", "ひらがな.jp", "カタカナ.jp", "한국.kr", "münchen.de",
     "straße.de", "пример.рф", "δοκιμή.gr", "shop_1.例子.测试"],
)  # fmt: skip
def test_a_name_of_one_script_or_of_those_that_browsers_mix_is_shown(written: str) -> None:
    assert site_name.shown(site_name.read(written)) == written


@pytest.mark.parametrize(
    "deceives",
    ["аррӏе.com", "раураӏ.com", "gооgle.com", "ɡoogle.com", "exạmple.com", "οοο.gr",
     "エ商.测试", "a一b.com", "google.comノ.cn", "例子・店.测试", "例ж.cn", "عربي.com", "٣٤.com",
     "😀.com"],
)  # fmt: skip
def test_a_name_that_passes_for_another_stays_in_its_a_labels(deceives: str) -> None:
    kept = site_name.read(deceives)
    assert "xn--" in kept
    assert site_name.shown(kept) == site_name.in_full(kept) == kept


@pytest.mark.parametrize(
    "text",
    ["xn--n3h.example", "xn--a.example", "xn--.example", "XN--FSQU00A.example", "xn--fsqu00a.",
     "http://xn--fsqu00a.example/", "li@xn--fsqu00a.example", "see xn--fsqu00a.example",
     "xn--80ak6aa92e.xn--fsqu00a"],
)  # fmt: skip
def test_what_is_no_kept_name_that_can_be_written_otherwise_comes_back_as_it_is(text: str) -> None:
    assert site_name.shown(text) == text


_LETTERS = st.one_of(
    st.sampled_from("abz09-é\x80\x81例子\u0301\U0010ffff"),
    st.characters(exclude_categories=["Cs"]),
)


@given(st.text(_LETTERS, min_size=1, max_size=20))
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_whoever_types_what_is_shown_names_that_site(label: str) -> None:
    try:
        kept = site_name.read(f"{label}.例子")
    except BadSiteNameError:
        reject()
    assert site_name.matches_name(kept, site_name.shown(kept))


@given(st.text(_LETTERS, max_size=40))
def test_a_label_is_written_as_the_codec_writes_it(label: str) -> None:
    assume(not label.isascii())
    assert punycode.encode(label) == label.encode("punycode").decode()
