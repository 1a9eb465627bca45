"""The picture: well-formed, accessible, on one scale for all policies."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from incidents.history import picture
from incidents.history.scales import Timescale, spanning
from incidents.history.simulate import SUSPENSION, Outcome, PolicyAction

START = datetime(2026, 1, 31, 20, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def outcome(name: str = "p", **days: str) -> Outcome:
    times = ((START + timedelta(days=int(day[1:])), what) for day, what in days.items())
    actions = [PolicyAction(at, "a.example", what) for at, what in times]
    return Outcome(policy=name, digest="sha256:0", sites=1, incidents=3, actions=actions)


def drawn(*outcomes: Outcome, days: float = 80) -> ET.Element:
    return ET.fromstring(picture.draw(outcomes, (START, START + timedelta(days=days)), UTC))


def bars(svg: ET.Element, kind: str) -> list[ET.Element]:
    return [rect for rect in svg.iter(f"{SVG}rect") if rect.get("class") == kind and len(rect)]


def test_each_bar_says_in_words_what_it_shows() -> None:
    svg = drawn(outcome(d0=SUSPENSION, d1="repeat", d2="repeat", d40="unreachable_run"))
    told = [bar.findtext(f"{SVG}title") for kind in (SUSPENSION, "repeat", "unreachable_run")
            for bar in bars(svg, kind)]  # fmt: skip
    assert told == [
        "2026-01: 1 suspended (R2)",
        "2026-02: 2 closed: R1 repeat",
        "2026-03: 1 closed: R3 unreachable run",
    ]


def test_each_act_is_put_in_its_bin_once(monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[datetime] = []
    bin_of = Timescale.bin_of

    def noted(scale: Timescale, at: datetime) -> int:
        moments.append(at)
        return bin_of(scale, at)

    monkeypatch.setattr(Timescale, "bin_of", noted)
    drawn(outcome(d0=SUSPENSION, d1="repeat"), outcome(d2="repeat"))
    assert len(moments) == 3


def test_the_numbers_stand_in_title_and_description_for_a_screen_reader() -> None:
    svg = drawn(outcome("mine.toml", d0=SUSPENSION, d1="repeat"), outcome("other"))
    assert svg.get("role") == "img"
    labels = (svg.get("aria-labelledby") or "").split()
    told = {element.get("id"): element.text for element in svg.iter() if element.get("id")}
    assert told["title"] == "Suspensions and closures, 2026-01 to 2026-04"
    assert labels == list(told)
    description = told["desc"] or ""
    assert (
        "Policy mine.toml: 1 site, 3 incidents, 1 suspension; closed: R1 repeat 1." in description
    )
    assert "Policy other: 1 site, 3 incidents, 0 suspensions; nothing closed." in description


def test_there_are_colours_for_the_dark_and_for_the_light() -> None:
    style = drawn(outcome()).findtext(f"{SVG}style") or ""
    light, _, dark = style.partition("@media (prefers-color-scheme:dark)")
    for kind in (SUSPENSION, "repeat", "unreachable_run", "refusal", "false_info", "paper", "base"):
        assert f".{kind}{{" in light
        assert f".{kind}{{" in dark


def test_two_policies_are_drawn_on_one_scale() -> None:
    few, many = outcome("few", d1="repeat"), outcome("many", d1="repeat", d2="repeat")
    one, other = bars(drawn(few, many), "repeat")
    assert float(other.get("height") or 0) == pytest.approx(2 * float(one.get("height") or 0))


def test_a_single_closure_among_hundreds_is_still_seen() -> None:
    many = outcome()
    many.actions = [PolicyAction(START, "a.example", "repeat")] * 900 + [
        PolicyAction(START + timedelta(days=40), "a.example", "repeat")
    ]
    assert float(bars(drawn(many), "repeat")[1].get("height") or 0) >= 2


def test_a_policy_s_name_cannot_break_the_picture() -> None:
    svg = drawn(outcome('<&>"' + "x" * 300))
    headings = [t.text for t in svg.iter(f"{SVG}text") if t.get("class") == "heading"]
    assert len(headings[0] or "") < 130


def test_a_history_without_reports_has_a_picture_too() -> None:
    assert "nothing closed" in picture.draw([outcome()], None, UTC)


def test_the_same_outcomes_make_the_same_picture() -> None:
    one, other = (picture.draw([outcome(d1="repeat")], (START, START), UTC) for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    ("days", "unit", "bins", "labels"),
    [
        (0, "day", 1, ["2026-01-31"]),
        (61, "day", 62, ["2026-01-31", "2026-02-08", "2026-02-16", "2026-02-24", "2026-03-04",
                         "2026-03-12", "2026-03-20", "2026-03-28"]),
        (62, "month", 4, ["2026-01", "2026-02", "2026-03", "2026-04"]),
        (365 * 3, "month", 37, ["2026", "2027", "2028", "2029"]),
        (365 * 30, "year", 31, ["2026", "2029", "2032", "2035", "2038", "2041", "2044", "2047",
                                "2050", "2053", "2056"]),
    ],
)  # fmt: skip
def test_bins_are_as_fine_as_can_be_read(
    days: int, unit: str, bins: int, labels: list[str]
) -> None:
    scale = spanning(START, START + timedelta(days=days), UTC)
    assert (scale.unit, len(scale.starts)) == (unit, bins)
    assert [label for _, label in scale.labels()] == labels


def test_months_are_those_of_the_reader_s_zone() -> None:
    shanghai = spanning(START, START + timedelta(days=80), ZoneInfo("Asia/Shanghai"))
    assert shanghai.name(shanghai.bin_of(START)) == "2026-02"
    utc = spanning(START, START + timedelta(days=80), UTC)
    assert utc.name(utc.bin_of(START)) == "2026-01"
