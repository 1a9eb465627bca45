"""The hostile words: what somebody may type, paste or pipe in place of what is asked for."""

import os
import random
from collections.abc import Callable, Sequence

MAGENTA = "\x1b[35m"
"""A colour that the program never uses: where it shows, somebody else's words have painted it."""

CONTROLS = (
    f"{MAGENTA}red", "\x1b]0;title\x07", "\x1b[2J\x1b[H", "\x9b35m", "\x1b]8;;http://a.test\x1b\\a",
    "\x07\x08\x08\x7f", "over\rwritten", "a\x0bb\x0cc", "\x85\x90\x9c", "two\nlines", "a\tb",
    "\0", "a\0b", "\x1b", "\x0e\x0f", "\x1bP1$q\x1b\\", "\x1b[?1049h",
)  # fmt: skip
INVISIBLE = (
    "\u202egnitirw", "a\u2066b\u2069", "\u200b", "a\ufeffb", "\u2028", "a\u2029b", "\u200fa",
    "\u061c", "\U000e0041\U000e007f", "\u00ad", "\u180e", "zero\u200d\u200cwidth", "\u3164",
)  # fmt: skip
SURROGATES = ("\udcff\udcfe", "a\udc80", "\ud800", "\udfff.example", "\ud83d", "http://\udcff/")
TEMPLATES = (
    "%s%n%d%x", "%(site)s", "{}", "{site}", "{0.__class__}", "{what!r:>999999}", "{", "}{",
    "$(exit 7)", "`exit 7`", "'; DROP TABLE sites; --", "[bold]a[/bold]", "[/]", "[link=a]b",
    "<script>", "=1+1", "@a", "\\x1b[35m", "\\", "'", '"', "a'b\"c", "\\u0000",
)  # fmt: skip
DASHES = (
    "", " ", "-", "--", "---", "-x", "--no-such", "--db", "--as=", "-o", "-qqqq", "--json=1",
    "--format", "-h", "--version", "--=", "-=", "--help=a", "@file", "–at", "-\u202e", "--key=",
)  # fmt: skip
NAMES = (
    "bücher.example", "网站.example", "xn--bcher-kva.example", "xn--", "xn--a", "xn--999999b",
    "xn--" + "a" * 70, "מילה.example", "مثال.example", "a\u0300.example", "faß.example",
    "İ.example", "a。example", "☃.example", "a..b", ".a", "a.", "-a.example", "a_b.example",
    "a" * 64 + ".example", ("a" * 60 + ".") * 5 + "example", "http://a.example/", "a.example:80",
    "a@a.example", "*.example", "[::1]", "::1", "fe80::1%eth0", "127.0.0.1", "1.2.3", "999.1.1.1",
    "٣.example", "a/b", "..", "A.EXAMPLE", "clock", "CLOCK", "é" * 63, "xn--网站.example",
)  # fmt: skip
NUMBERS = (
    "-1", "0", "1e999", "nan", "-inf", "9" * 20, "9" * 5_000, "0x10", "١٢", "²", "1_000", "+1",
    "1-1", "0-0", "-1-1", "1-1-1", "1-t1", "1-t0", "1-t" + "9" * 30, "9" * 30 + "-1",
    "9223372036854775808-1", "2147483648-1", "1-2147483648", "1-9223372036854775807-1",
    "1-disputed",
    "1-reinstatement", "٣-٣", "1-1-1-1", "1 - 1", "01-01", "1-" + "9" * 5_000, "1.5", "0.0000001",
)  # fmt: skip
TIMES = (
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "0000-00-00", "2999-12-31 23:59",
    "1969-12-31 23:59", "24:00", "23:60", "02:50:61", "2026-02-30 10:00", "2026-03-08 02:30",
    "2026-11-01 01:30", "2026-03-01T02:50:00+99:99", "02:50:00." + "9" * 18, "9" * 99 + ":00",
    "00:00", "2026-03-01T02:50:00-23:59", "now", "2026-W01-1", "٠٢:٥٠", "02:50Z", "-02:50",
    "2026-03-01T02:50:00.999999999Z", "1970-01-01 00:00", "99999-01-01T00:00:00Z",
    "0m", "-1h", "9" * 30 + "h", "1h1h", "999999999d", "60", "1.5h", "0.000s",
)  # fmt: skip
ZONES = (
    "../../etc/passwd", "/etc/localtime", "UTC0", "Asia", "Factory", "localtime", "posixrules",
    "America/Chicago", "Australia/Lord_Howe", "EST5EDT", "\0", "Asia/Shanghai\0", "A" * 300,
)  # fmt: skip
DATABASES = (
    "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:////dev/null", "sqlite:///no/such/a",
    "sqlite:///.", "sqlite:///new.db", "sqlite:///new.db?mode=ro", "sqlite:///a\0b", "mysql://a/b",
    "postgresql://", "postgresql://[", "postgresql://a:secret@127.0.0.1:1/b", "not a url",
    "postgresql://127.0.0.1:99999/a", "sqlite+aiosqlite:///a", "://", "sqlite:///broken.toml",
    f"postgresql:///a?host=/no/such&application_name={MAGENTA}", "postgresql://a:b:c@d:e/f",
    "sqlite:///\udcff", f"sqlite:///{MAGENTA}.db", "sqlite:///" + "a" * 300, "sqlite:///\u202ea",
)  # fmt: skip
PATHS = (
    "/dev/null", "/dev/full", "/dev/zero", "/", "/no/such/file", ".", "..", "", "folder", "loop",
    "/proc/self/mem", "a" * 300, f"{MAGENTA}.toml", "no\nsuch.toml", "\u202egpj.exe", "\0", "a\0b",
    "\udcff", "~", "~nobody/a", "https://a.example/b", "-", "a" * 5_000, "/dev/stdin", "/dev/tty",
)  # fmt: skip
PLACES = (
    "-", "new.svg", "new.jsonl", "folder", "folder/new", "/dev/null", "/dev/full", "/no/such/new",
    f"{MAGENTA}.svg", "a\0.svg", "\udcff.svg", "\u202e.svg", "a" * 254 + ".svg", ".", "", "loop",
    "..svg", "a" * 230 + ".svg", "new\nline",
)  # fmt: skip
"""Where output may go: each is in the room, or is no place at all."""

MILLION = 1_000_000
_REPEATED = ("a", "é", "-", " ", "a.", "1-", "xn--", "\u202e", "网", "\x1b[35m", "9", "{", "%s",
             "[", "0", "\n", "\0", "/", "'", "http://a.example/")  # fmt: skip


def _long(chance: random.Random) -> str:
    unit = chance.choice(_REPEATED)
    begun = chance.choice(("", "", "http://a.example/", "a", "--", "sqlite:///", "1-t", "2026-"))
    return begun + unit * (chance.choice((300, 5_000, MILLION, MILLION)) // len(unit))


def _noise(chance: random.Random) -> str:
    places = ((0, 0x80), (0x80, 0x300), (0x590, 0x700), (0x2000, 0x2070), (0xD800, 0xE000),
              (0xFE00, 0x10000), (0x1F300, 0x1F700), (0xE0000, 0xE0080), (0, 0x110000))  # fmt: skip
    length = chance.choice((1, 3, 8, 40))
    return "".join(chr(chance.randrange(*chance.choice(places))) for _ in range(length))


_GROUPS: tuple[Sequence[str], ...] = (
    CONTROLS, INVISIBLE, SURROGATES, TEMPLATES, DASHES, NAMES, NUMBERS, TIMES, ZONES, DATABASES,
    PATHS,
)  # fmt: skip
_DRAWN: tuple[Callable[[random.Random], str], ...] = (_long, _noise)


def word(chance: random.Random) -> str:
    """Any hostile word; it never names a file outside the room that could be written."""
    if chance.random() < 0.2:
        drawn = chance.choice(_DRAWN)(chance)
        return drawn.lstrip("/~")
    return chance.choice(chance.choice(_GROUPS))


def soft(chance: random.Random) -> str:
    """A text that is likely to be kept on record, and to be shown to somebody later."""
    return chance.choice((
        *INVISIBLE, *TEMPLATES, "two\nlines", "a\tb", "网" * 4_000, "מילה", "a\u0300\u0301" * 30,
        "next: incidents site uphold a.example", "x" * 4_000, "\u202e" * 100, "\U0001f468\u200d",
    ))  # fmt: skip


def variables(chance: random.Random) -> dict[str, str]:
    """One of the program's variables, with something in it that it cannot want."""
    name = chance.choice(("AS", "DB", "ZONE", "CONFIG", "EVIDENCE", "EVIDENCE_LIMIT", "CLOCK"))
    if name == "CONFIG":
        value = chance.choice(("huge-number.toml", "deep.toml", "escapes.toml", "bytes.jsonl", "."))
    elif name == "EVIDENCE":
        value = chance.choice(("/dev/null", "/proc/no", "loop", "empty", "evidence"))
    else:
        value = chance.choice((*CONTROLS, *INVISIBLE, *NUMBERS, *ZONES, *DATABASES, *TEMPLATES))
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return {}
    return {f"INCIDENTS_{name}": value.replace("\0", "")}
