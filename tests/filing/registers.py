"""Random registers of filings: possible contents of a desk, in kept forms."""

from random import Random

from hypothesis import strategies as st

from incidents.filing import form
from incidents.filing.lists import customer_value
from incidents.machine.filing import DAYS, FIRST_DAY, MAX_DOCUMENT, MAX_OPEN, OPEN_FIELDS
from incidents.store.schema.types import canonical

Register = list[tuple[str, dict[str, str]]]

_labels = st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}", fullmatch=True)
_days = st.dates(min_value=FIRST_DAY).map(lambda day: day.isoformat())
_ips = st.lists(st.ip_addresses().map(str), min_size=1, max_size=2).map(" ".join).filter(
    lambda text: len(text) <= MAX_OPEN
)  # fmt: skip
# The two that no XML can hold are no characters.
_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
_STARTS = st.sampled_from(["", "", "", "=", "+", "-", "@", "'", "''=", '"', "＝", "0", "_x0041_"])


def texts(more: str, limit: int) -> st.SearchStrategy[str]:
    """Texts, some of which a spreadsheet would take for a formula."""
    words = st.text(_CHARACTERS | st.sampled_from(f",;\"'示例{more}"), max_size=12)
    return st.builds(lambda start, rest: (start + rest).strip()[:limit].strip(), _STARTS, words)


def _value(field: form.Field) -> st.SearchStrategy[str]:
    if field.choices:
        return st.sampled_from([choice.code for choice in field.choices])
    if field.key in DAYS:
        return _days
    if field.key in customer_value.IPS:
        return _ips
    return texts("", MAX_OPEN) if field.key in OPEN_FIELDS else texts("\n\t", 4_000)


def _item(parts: dict[str, st.SearchStrategy[str]]) -> st.SearchStrategy[str]:
    kept = st.fixed_dictionaries({}, optional=parts)
    return kept.map(lambda found: canonical({key: text for key, text in found.items() if text}))


_digits = st.integers(1, 10**9).map(str)
_servers = _item({
    "ip": _ips, "province": st.sampled_from(["广东", "北京", "内蒙古"]),
    "city": st.sampled_from(["深圳", "北京", "青岛"]), "place": texts("\n", 40), "count": _digits,
})  # fmt: skip
_documents = _item({
    "kind": _value(form.DOCUMENT_FIELDS[0]), "size": _digits, "expires_on": _days,
    "digest": st.from_regex("[0-9a-f]{64}", fullmatch=True),
}).filter(lambda text: len(text) <= MAX_DOCUMENT)  # fmt: skip


@st.composite
def _stock(draw: st.DrawFn) -> dict[str, list[str]]:
    """The values from which a register's details are drawn, by their keys."""
    few, some = draw(st.lists(texts("", MAX_OPEN), min_size=5, max_size=5)), draw(
        st.lists(texts("\n\t", 4_000), min_size=8, max_size=8)
    )  # fmt: skip
    days, ips = draw(st.lists(_days, min_size=4)), draw(st.lists(_ips, min_size=3))
    stock = {"server.": draw(st.lists(_servers, min_size=3))}
    stock["document."] = draw(st.lists(_documents, min_size=3))
    stock["label"] = draw(st.lists(_labels, min_size=4))
    for key, field in form.FIELD_OF.items():
        words = few if key in OPEN_FIELDS else some
        words = days if key in DAYS else ips if key in customer_value.IPS else words
        stock[key] = [choice.code for choice in field.choices] or words
    return stock


def _details(stock: dict[str, list[str]], dice: Random) -> dict[str, str]:
    """The details of one filing, in the order in which a case holds them."""
    keys = dice.sample(form.KEYS, dice.randrange(len(form.KEYS)))
    found = {key: dice.choice(stock[key]) for key in keys}
    for prefix in ("server.", "document."):
        for label in dice.sample(stock["label"], dice.randrange(4)):
            found[f"{prefix}{label}"] = dice.choice(stock[prefix])
    return {key: text for key, text in sorted(found.items()) if text}


@st.composite
def registers(draw: st.DrawFn, size: int) -> Register:
    """Filings, each of a site of its own, with details drawn from a shared stock."""
    stock, dice = draw(_stock()), Random(draw(st.integers(0, 2**64)))
    return [(f"shop-{n}.example", _details(stock, dice)) for n in range(size)]
