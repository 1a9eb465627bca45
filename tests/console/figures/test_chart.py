"""The charts: what is seen is what the table has, for everybody, whatever things are called."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from incidents.console.figures.chart import Chart, Series
from incidents.console.figures.columns import PATTERNS

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</title><script>alert(1)</script>&\"'"


def chart(*series: Sequence[int], names: Sequence[str] = (), labels: Sequence[str] = ()) -> Chart:
    own = [Series(names[n] if names else f"s{n}", counts) for n, counts in enumerate(series)]
    days = labels or [f"03-{n + 1:02}" for n in range(len(series[0]) if series else 0)]
    return Chart(
        key="v", title="By day", told="Told.", counted="things", across="day", labels=days,
        series=own,
    )  # fmt: skip


def drawn(found: Chart) -> ET.Element:
    """Read as XML, with the name that HTML gives it by itself."""
    text = str(found.svg).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return ET.fromstring(text)


def bars(found: Chart) -> list[ET.Element]:
    return [bar for bar in drawn(found).iter(f"{SVG}rect") if bar.get("class") == "bar"]


def test_a_screen_reader_is_told_title_and_description() -> None:
    svg = drawn(chart([1, 2]))
    assert svg.get("role") == "group"
    assert (svg.get("aria-labelledby"), svg.get("aria-describedby")) == ("v-t", "v-d")
    assert [svg.find(f"{SVG}{tag}").text for tag in ("title", "desc")] == ["By day", "Told."]  # type: ignore[union-attr]  # they are there


def test_a_bar_is_as_high_as_its_number_and_none_is_drawn_for_nothing() -> None:
    low, high = bars(chart([50, 0, 100]))
    assert float(high.get("height", 0)) == 2 * float(low.get("height", 0))
    assert float(high.get("y", 0)) + float(high.get("height", 0)) == float(low.get("y", 0)) + float(
        low.get("height", 0)
    )


def test_series_stand_on_each_other_and_reach_no_further_than_the_picture() -> None:
    lower, upper = bars(chart([3], [5]))
    assert float(upper.get("y", 0)) + float(upper.get("height", 0)) == float(lower.get("y", 0))
    assert float(upper.get("y", 0)) > 0


def test_one_among_thousands_is_still_seen() -> None:
    assert float(bars(chart([1, 100_000]))[0].get("height", 0)) >= 2


def test_each_series_has_a_pattern_of_its_own_without_any_colour() -> None:
    svg = drawn(chart(*[[1]] * PATTERNS))
    patterns = list(svg.iter(f"{SVG}pattern"))
    marks = {
        ET.tostring(pattern).split(b"/>", 1)[1].replace(b"</ns0:pattern>", b"")
        for pattern in patterns
    }
    assert len(marks) == len(patterns) == PATTERNS
    assert "style" not in str(chart([1]).svg)


def test_a_hostile_name_stays_text() -> None:
    found = chart([1], [2], names=[HOSTILE, "b"], labels=[HOSTILE])
    assert "<script" not in str(found.svg)
    assert drawn(found).find(f".//{SVG}script") is None
    [told] = bars(found)[0].iter(f"{SVG}title")
    assert HOSTILE in (told.text or "")


def test_the_table_has_every_number() -> None:
    found = chart([1, 2], [3, 4])
    assert found.rows == [("03-01", [1, 3]), ("03-02", [2, 4])]
    assert found.total == 10


def test_a_chart_of_nothing_is_a_chart() -> None:
    for empty in (chart(), chart([0] * 30)):
        assert bars(empty) == []
        assert empty.total == 0


def test_labels_are_so_few_that_they_can_be_read_and_the_last_is_among_them() -> None:
    texts = [each.text for each in drawn(chart([1] * 30)).iter(f"{SVG}text")]
    days = [text for text in texts if text and text.startswith("03-")]
    assert len(days) == 10
    assert "03-30" in days


def stops(found: Chart) -> list[ET.Element]:
    """What the keyboard can reach, from left to right and from below."""
    return [each for each in drawn(found).iter() if "stop" in (each.get("class") or "").split()]


def test_the_keyboard_reaches_a_chart_once_and_each_column_within_it() -> None:
    found = stops(chart([1, 0, 2], [1, 0, 3]))
    assert [each.get("tabindex") for each in found] == ["-1", "-1", "-1", "0", "-1"]
    assert [each.get("aria-label") for each in found] == [
        "03-01 · s0: 1", "03-01 · s1: 1", "03-02 · 0", "03-03 · s0: 2", "03-03 · s1: 3",
    ]  # fmt: skip


def test_a_bar_with_a_list_behind_it_is_a_link_and_says_its_number_without_a_script() -> None:
    own = Series("s", [2, 0, 1], ["/a", "/b", None])
    found = Chart(
        key="v", title="t", told="d", counted="c", across="x", labels=["m", "n", "o"], series=[own]
    )
    [link] = drawn(found).iter(f"{SVG}a")
    assert link.get("href") == "/a"
    assert [title.text for title in link.iter(f"{SVG}title")] == ["m · 2"]
    assert [own.link(n) for n in range(3)] == ["/a", None, None]
