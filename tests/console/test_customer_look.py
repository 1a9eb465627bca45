"""The look of the customer's page: colours that everybody can read, words that may be one's own."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from incidents.console.customer import customer_page
from incidents.console.customer.customer_page import CustomerPage
from incidents.console.customer.customer_view import CustomerView
from incidents.notices import samples
from incidents.notices.letter import DeskContact
from incidents.notices.templating import TemplateError
from incidents.notices.wording import Wording
from tests.console.customers import Parts, unmarked
from tests.notices.lane import SHANGHAI, WORDING

CSS = customer_page._CSS
SIGHTS = list(customer_page._samples())
TEXTS = [
    ("ink", "paper"), ("ink", "card"), ("ink", "warn"), ("ink", "done"), ("soft", "paper"),
    ("soft", "card"), ("blue", "paper"), ("blue", "card"), ("blue", "warn"), ("bad", "card"),
    ("on-blue", "blue"),
]  # fmt: skip
EDGES = [("edge", "paper"), ("edge", "card"), ("warn-line", "paper"), ("done-line", "paper")]


def _colours(scheme: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    return found | (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark)) if scheme == "dark" else {}
    )


def _luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_edges_have_the_contrast_that_wcag_aa_asks_for(scheme: str) -> None:
    colours = _colours(scheme)
    assert len(colours) == 13
    assert [pair for pair in TEXTS if _contrast(*(colours[c] for c in pair)) < 4.5] == []
    assert [pair for pair in EDGES if _contrast(*(colours[c] for c in pair)) < 3] == []


def test_every_colour_is_one_of_those() -> None:
    rest = re.sub(r":root \{.*?\}", "", CSS, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgb|hsl", rest) == []


@pytest.mark.parametrize("view", SIGHTS)
def test_it_can_be_written_whatever_the_incident_is(view: CustomerView) -> None:
    text = CustomerPage(WORDING, samples.OFFICE).of(view).decode()
    assert "None" not in text
    for untidy in ("{{", "{%", "。。", "；。", "( ", "()", "（）"):
        assert untidy not in text.partition("</style>")[2], untidy
    parts = Parts.of(text)
    assert [name for name, _ in parts.tags if name in ("h1", "title", "main")] == [
        "title", "main", "h1",
    ]  # fmt: skip
    ids = [attributes["id"] for _, attributes in parts.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [a["href"] or "" for a in parts.all("a")]
    assert {target[1:] for target in targets if target.startswith("#")} <= set(ids)
    assert (parts.all("form") == []) == (view.is_settled or view.said_at is not None)


def test_a_desk_that_has_no_phone_is_written_to() -> None:
    office = DeskContact(name="示例主机", mail="desk@host.example")
    page = CustomerPage(Wording(office, SHANGHAI), office)
    page.check()
    text = page.of(SIGHTS[0]).decode()
    assert "tel:" not in text
    assert "请与我们联系" in text


def test_the_desks_own_templates_are_used_here_too(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en/_rules.txt.jinja").write_text("Our rules:\n- be <b>nice</b>")
    (tmp_path / "en/_customer_next.txt.jinja").write_text("Act\n\nCall {{ office.phone }} now.")
    page = CustomerPage(Wording(samples.OFFICE, SHANGHAI, folder=tmp_path), samples.OFFICE)
    text = page.of(replace(SIGHTS[1], site_state="active")).decode()
    for told in ("Our rules</summary>", "be &lt;b&gt;nice&lt;/b&gt;", "Call +86 10 5555 0100 now."):
        assert told in unmarked(text)
    assert 'Call <a class="call" href="tel:+861055550100">+86 10 5555 0100</a> now.' in text


def test_a_template_of_theirs_that_is_wrong_is_named_before_anybody_sees_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "zh_CN").mkdir()
    (tmp_path / "zh_CN/_customer_said.txt.jinja").write_text("{% if answer %}\n{{ nobody }}")
    page = CustomerPage(Wording(samples.OFFICE, SHANGHAI, folder=tmp_path), samples.OFFICE)
    with pytest.raises(TemplateError, match=r"zh_CN/_customer_said.txt.jinja is wrong"):
        page.check()
