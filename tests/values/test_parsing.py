"""TOML that anybody sends: its size, and the parts of its keys, are bounded before it is parsed."""

from __future__ import annotations

import tomllib

import pytest

from incidents.values import parsing
from incidents.values.parsing import MAX_PARTS, TomlTextError

PARTS = ".".join("a" * MAX_PARTS)
TOO_MANY = f"{PARTS}.a"
QUOTED = " . ".join(["'a.b'", '"a\\".b"'] * MAX_PARTS)


@pytest.mark.parametrize(
    "text",
    [
        f"{TOO_MANY} = 1", f"[{TOO_MANY}]", f"[[{TOO_MANY}]]", f"a = {{ {TOO_MANY} = 1 }}",
        f"{QUOTED} = 1", f"a = 'x'\n\n[ {TOO_MANY} ]", f'a = """x"" """""\n{TOO_MANY} = 1',
        f"a = '''\n''''\n{TOO_MANY} = 1", f"a = 'it\"'\n{TOO_MANY} = 1 # \"",
        ".".join("a" * 16_000),
    ],
)  # fmt: skip
def test_a_key_of_too_many_parts_is_refused_wherever_it_stands(text: str) -> None:
    with pytest.raises(TomlTextError, match=f"has a key of more than {MAX_PARTS} parts in line"):
        parsing.read_toml(text, 100_000)


@pytest.mark.parametrize(
    "text",
    [
        f"{PARTS} = 1", f"[{PARTS}]\n{PARTS} = 1", f"# {TOO_MANY}", f"a = '{TOO_MANY}'",
        f'a = "{TOO_MANY}\\"{TOO_MANY}"', f'a = """\n{TOO_MANY}"\\"""\\\n{TOO_MANY}\n"""',
        f"a = '''\n{TOO_MANY}''{TOO_MANY}'''", f"a = ''\nb = '{TOO_MANY}'",
        "a = 'https://a.b.c.d.e.f.g.h.i.j.example/'", "a = 1.5\nb = 2026-03-01T10:00:00.5Z",
    ],
)  # fmt: skip
def test_dots_in_words_and_in_remarks_are_no_parts(text: str) -> None:
    assert parsing.read_toml(text, 1_000) == tomllib.loads(text)


def test_a_text_is_as_long_as_it_may_be_and_no_longer() -> None:
    assert parsing.read_toml("#" * 100, 100) == {}
    with pytest.raises(TomlTextError, match="has 101 characters, and 100 are the most"):
        parsing.read_toml("#" * 101, 100)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = " + "[" * 20_000, "it is nested too deeply"),
        ("a = " + "9" * 5_000, "a number in it is too long"),
        ("a = 1\nb", r"Expected '=' after a key in a key/value pair \(at end of document\)"),
    ],
)
def test_why_it_is_none_is_said_without_words_about_python(text: str, why: str) -> None:
    with pytest.raises(TomlTextError, match=f"^is not valid TOML: {why}$"):
        parsing.read_toml(text, 100_000)


@pytest.mark.parametrize("text", ['a = "', 'a = """x', "a = '", "a = '''", "[" * 20_000, "a = 1_"])
def test_what_is_no_toml_says_so(text: str) -> None:
    with pytest.raises(TomlTextError, match="is not valid TOML: "):
        parsing.read_toml(text, 100_000)
