"""The hostile files: what may lie where a policy, a history or a scenario is expected."""

import random
from pathlib import Path

_DEEP = 200_000
_ROW = '{"occurred_at": "2026-03-01T02:50:00Z", "site": "a.example"'

FILES: dict[str, bytes] = {
    "empty": b"",
    "policy.toml": b'[repeat]\ncount = 3\nwithin = "24h"\n',
    "other.toml": b'[unreachable]\nwithin = "2h"\n[refusal]\nremoval_within = "3d"\n',
    "broken.toml": b"[repeat\ncount = = 3",
    "types.toml": b'[repeat]\ncount = "3"\nwithin = 24\n[unreachable]\nsuspend_for = [[[]]]\n',
    "huge-number.toml": b"[repeat]\ncount = " + b"9" * 5_000 + b"\n",
    "huge-count.toml": b"[repeat]\ncount = 999999999999999999999999\n",
    "negative.toml": b'[repeat]\ncount = -3\nwithin = "-24h"\n',
    "huge-duration.toml": b'[repeat]\nwithin = "99999999999999999999d"\n',
    "date.toml": b"[repeat]\ncount = 2026-03-01\nwithin = 02:50:00\n",
    "deep.toml": b"a = " + b"[" * 5_000 + b"]" * 5_000,
    "deep-table.toml": b"[" + b"a." * 20_000 + b"a]\nb = 1\n",
    "escapes.toml": b'["\\u001b[35m\\u202e"]\n"\\u0000" = "\\u0007"\n',
    "nan.toml": b"[repeat]\ncount = nan\n",
    "scenario.toml": b'[[scenario]]\nname = "\\u001b[35m\\u202e"\n[[scenario.step]]\nat = 1\n',
    "scenarios.toml": b"[[scenario]]\n" * 10_000,
    "utf-16.toml": '[repeat]\ncount = 3\nwithin = "24h"\n'.encode("utf-16"),
    "latin-1.csv": "occurred_at,site\n2026-03-01 02:50,b\u00fccher.example\n".encode("latin-1"),
    "bom.csv": "\ufeffoccurred_at,site\n2026-03-01 02:50,a.example\n".encode(),
    "utf-16.csv": "occurred_at,site\n2026-03-01 02:50,a.example\n".encode("utf-16"),
    "nul.csv": b"occurred_at,site\n2026-03-01 02:50,a\0.example\n\0\0\0",
    "quote.csv": b'occurred_at,site,note\n2026-03-01 02:50,a.example,"never closed\n'
    + b"x\n" * 999,
    "field.csv": b"occurred_at,site,note\n2026-03-01 02:50,a.example," + b"x" * 1_000_000 + b"\n",
    "columns.csv": b",".join([b"a"] * 50_000) + b"\n",
    "twice.csv": b"occurred_at,site,site\n2026-03-01 02:50,a.example,b.example\n",
    "escapes.csv": "occurred_at,site,note,\x1b[35m\n2026-03-01 02:50,\x1b[35m,\u202e,a\n".encode(),
    "controls.csv": "occurred_at,site,note\n\x1b[35m,a.example,\u202e\n\u202e,b.example\n".encode(),
    "formula.csv": b"occurred_at,site,note\n2026-03-01 02:50,a.example,=1+1\n",
    "return.csv": b"occurred_at,site\r2026-03-01 02:50,a.example\r",
    "dates.csv": b"occurred_at,site\n9999-12-31 23:59,a.example\n0001-01-01 00:00,a.example\n",
    "good.csv": "occurred_at,site,url,category,note\n2026-03-01 02:50,a.example,,\u202ea,{site}\n"
    "2026-03-01 02:51,网站.example,http://网站.example/,%s,[/]\n".encode(),
    "good.jsonl": f'{_ROW}, "note": "\\u202e\\u200b two"}}\n'.encode(),
    "deep.jsonl": f'{_ROW}, "note": '.encode() + b"[" * _DEEP + b"]" * _DEEP + b"}\n",
    "deep-object.jsonl": b'{"a":' * _DEEP + b"1" + b"}" * _DEEP + b"\n",
    "surrogate.jsonl": f'{_ROW}, "note": "\\ud800"}}\n'.encode(),
    "surrogate-site.jsonl": b'{"occurred_at": "2026-03-01T02:50:00Z", "site": "\\udcff"}\n',
    "nul.jsonl": f'{_ROW}, "note": "a\\u0000b", "category": "\\u001b[35m"}}\n'.encode(),
    "numbers.jsonl": f'{_ROW}, "note": 1e999, "url": NaN, "category": {"9" * 5_000}}}\n'.encode(),
    "types.jsonl": b'{"occurred_at": {}, "site": []}\n[]\nnull\n1\n"a"\n{}\ntrue\n',
    "keys.jsonl": f'{_ROW}, "\\u001b[35m\\u202e": 1, "site": "b.example", "": ""}}\n'.encode(),
    "line.jsonl": f'{_ROW}, "note": "'.encode() + b"x" * 5_000_000 + b'"}\n',
    "bytes.jsonl": bytes(range(256)) * 40,
    "broken.jsonl": f"{_ROW}\n{_ROW}}}garbage\n".encode(),
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4,
}
"""The contents of the files, by name; the extension says what each pretends to be."""


def lay_out(folder: Path) -> None:
    """Put the files into `folder`, with a folder and a link that leads nowhere."""
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")


def piped(chance: random.Random) -> bytes:
    """The standard input: a file, noise, a confirmation, or nothing."""
    draw = chance.random()
    if draw < 0.5:
        return b""
    if draw < 0.8:
        return chance.choice(list(FILES.values()))
    return chance.choice((
        b"a.example\n", b"\x1b[35m\n", b"y\n", b"q", b"\xff\xfe\n", b"\0\n", b"\n", b"a" * 3_000,
        b"\xe2\x80\xae\n",
    ))  # fmt: skip
