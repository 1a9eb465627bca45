"""The page of a form shows the filing in the order of the official form, and runs nothing."""

import re
from html import unescape

from incidents.filing import export, form

ON = "2026-03-01"


def page(details: dict[str, str], *findings: str) -> str:
    return export.form_page("shop.example", details, on=ON, findings=findings)


def texts(told: str) -> list[str]:
    """What stands between the tags, as people read it."""
    return [unescape(text).strip() for text in re.split("<[^>]*>", told) if text.strip()]


def rows(told: str) -> list[list[str]]:
    """The rows of the tables, each as its texts."""
    return [texts(row) for row in re.findall("(?s)<tr>.*?</tr>", told)]


def test_everything_that_is_filed_stands_in_the_order_of_the_form() -> None:
    details = {key: f"text of {key}" for key in form.KEYS}
    shown = [text for text in texts(page(details)) if text.startswith("text of ")]
    assert shown == [f"text of {key}" for key in form.KEYS]


def test_what_is_not_filed_is_shown_as_empty() -> None:
    found = rows(page({"subject_name": "示例公司"}))
    assert len(found) == len(form.KEYS)
    assert sum("未填写" in row for row in found) == len(form.KEYS) - 1


def test_a_choice_is_told_in_both_languages() -> None:
    [row] = [row for row in rows(page({"nature": "non_commercial"})) if "非经营性" in row]
    assert any("non-commercial" in text for text in row)


def test_servers_and_documents_stand_in_their_sections() -> None:
    shown = page({
        "server.web-1": '{"city":"深圳","ip":"192.0.2.1"}',
        "document.contract": '{"kind":"access_contract","size":"5"}',
    })  # fmt: skip
    assert re.findall("<h3>(.*?)</h3>", shown) == ["web-1", "contract"]
    assert shown.index("192.0.2.1") < shown.index("接入合同")


def test_a_section_without_items_says_that_there_are_none() -> None:
    assert page({}).count('<p class="empty">') == 2


def test_a_text_of_a_customer_is_text_and_nothing_of_the_page_runs_or_is_fetched() -> None:
    told = export.form_page(
        "shop.example", {"subject_name": "<script>alert(1)</script>\"'&"}, on=ON,
        findings=["<img src=x onerror=alert(1)>"],
    )  # fmt: skip
    assert "<script" not in told
    assert "<img" not in told
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;" in told
    assert "default-src 'none'; style-src 'unsafe-inline'" in told
    assert re.findall(r"(?:src|href|url\()", told.replace("src=x", "").replace("-src", "")) == []


def test_findings_stand_behind_the_form_where_there_are_some() -> None:
    assert '<section class="findings">' not in page({})
    assert "<li><bdi>The phone number cannot exist.</bdi></li>" in page(
        {}, "The phone number cannot exist."
    )


def test_the_page_is_made_for_a4_and_names_the_site_and_the_day() -> None:
    told = export.form_page("xn--fsq092h.example", {}, on=ON)
    assert "@page { size: A4;" in told
    assert "示例.example (xn--fsq092h.example)" in told
    assert ON in told
