"""Damage to a SQLite file, as a disk, a copy or another program does it: each kind is one function.

They work on a file that `fill` has filled: tables and indexes of more than one page, values too
long for one, and pages that are free.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

PAGE = 4_096
_LEAF, _INTERIOR, _INDEX_LEAF = 13, 5, 10


def fill(file: Path) -> None:
    """Fill the database with something of each kind to damage."""
    with closing(sqlite3.connect(file)) as database:
        database.executemany(
            "INSERT INTO entries (id, site_id, site_seq, recorded_at, body, leaf_hash)"
            " VALUES (?1, 0, ?1, 1, ?2, zeroblob(32))",
            [(n, "x" * (300 if n % 50 else 15_000)) for n in range(1, 400)],
        )
        database.execute("CREATE TABLE gone (it TEXT)")
        database.executemany("INSERT INTO gone VALUES (?)", [("x" * 3_000,)] * 20)
        database.execute("DROP TABLE gone")
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class Pages(bytearray):
    """The bytes of a file, and what its pages are."""

    roots: dict[str, int]

    def number(self, at: int, size: int = 4) -> int:
        """The big-endian number there."""
        return int.from_bytes(self[at : at + size], "big")

    def set(self, at: int, value: int, size: int = 4) -> None:
        """Write a number there."""
        self[at : at + size] = value.to_bytes(size, "big")

    def zero(self, page: int) -> None:
        """Empty a page."""
        self[_at(page) : _at(page) + PAGE] = bytes(PAGE)

    def swap(self, one: int, other: int) -> None:
        """Put each of two pages in the place of the other."""
        first, second = (slice(_at(page), _at(page) + PAGE) for page in (one, other))
        self[first], self[second] = bytes(self[second]), bytes(self[first])

    def kind(self, page: int) -> int:
        """The kind of a b-tree page."""
        return self[_at(page)]

    def cells(self, page: int) -> list[int]:
        """The offsets of its cells in the file."""
        start = _at(page) + (12 if self.kind(page) in (2, _INTERIOR) else 8)
        count = self.number(_at(page) + 3, 2)
        return [_at(page) + self.number(start + 2 * n, 2) for n in range(count)]

    def children(self, page: int) -> list[int]:
        """The pages below an interior one, but for the last."""
        return [self.number(cell) for cell in self.cells(page)]

    def leaves(self, name: str) -> list[int]:
        """Some pages of a table or an index that have no others below them."""
        page = self.roots[name]
        while self.kind(page) in (2, _INTERIOR):
            below = self.children(page)
            if self.kind(below[0]) not in (2, _INTERIOR):
                return below
            page = below[0]
        return [page]

    def overflows(self) -> list[int]:
        """The pages on which the values of the table of entries go on."""
        found = []
        for leaf in self.leaves("entries"):
            for cell in self.cells(leaf):
                size, at = _varint(self, cell)
                if size > PAGE - 35:
                    _, at = _varint(self, at)
                    found.append(self.number(at + _local(size)))
        return found


def _varint(data: bytearray, at: int) -> tuple[int, int]:
    value = 0
    for n in range(9):
        byte = data[at + n]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n + 1
    raise AssertionError("no such number")


def _local(size: int) -> int:
    """The bytes of a long value that are on the page itself (fileformat2, 1.6)."""
    least = (PAGE - 12) * 32 // 255 - 23
    kept = least + (size - least) % (PAGE - 4)
    return kept if kept <= PAGE - 35 else least


def _at(page: int) -> int:
    return (page - 1) * PAGE


def of(file: Path) -> Pages:
    """The pages of a file that nobody has open."""
    pages = Pages(file.read_bytes())
    with closing(sqlite3.connect(file)) as database:
        pages.roots = dict(database.execute("SELECT name, rootpage FROM sqlite_schema"))
    return pages


def by_bytes(damage: Callable[[Pages], object]) -> Callable[[Path], None]:
    """Damage that is done to the bytes of a file."""

    def do(file: Path) -> None:
        pages = of(file)
        damage(pages)
        file.write_bytes(pages)

    return do


def by_sql(*statements: str, schema: bool = False) -> Callable[[Path], None]:
    """Damage that is done by statements, with nothing in their way."""

    def do(file: Path) -> None:
        for statement in statements:
            with closing(sqlite3.connect(file)) as database:
                database.execute("PRAGMA foreign_keys=OFF")
                database.execute("PRAGMA ignore_check_constraints=ON")
                database.execute(f"PRAGMA writable_schema={'ON' if schema else 'OFF'}")
                database.execute(statement)
                database.commit()

    return do


def _last(pages: Pages) -> int:
    return len(pages) // PAGE


def _trunk(pages: Pages) -> int:
    return pages.number(32)


def _cut(pages: Pages, size: int) -> None:
    del pages[-size:]


def _renamed(change: str, back: str) -> tuple[str, str]:
    """Two statements that take a constraint out of the schema, and put it back."""
    return (
        f"UPDATE sqlite_schema SET sql = replace(sql, {change}, {back})",
        f"UPDATE sqlite_schema SET sql = replace(sql, {back}, {change})",
    )


def _index(pages: Pages) -> int:
    return pages.leaves("uq_entries_site_id_site_seq")[0]


_NULLABLE, _NOT_NULL = _renamed("'site_seq INTEGER NOT NULL'", "'site_seq INTEGER /*    */'")
_ANY, _UNIQUE = _renamed("'CREATE UNIQUE INDEX uq_e'", "'CREATE INDEX uq_e'")

DAMAGE: dict[str, Callable[[Path], None]] = {
    "the last page is cut off": by_bytes(lambda p: _cut(p, PAGE)),
    "the file ends amid a page": by_bytes(lambda p: _cut(p, PAGE + 1_000)),
    "half of the file is gone": by_bytes(lambda p: _cut(p, len(p) // 2 // PAGE * PAGE)),
    "the first page of a table is empty": by_bytes(lambda p: p.zero(p.roots["sites"])),
    "an interior page is empty": by_bytes(lambda p: p.zero(p.roots["entries"])),
    "a page of rows is empty": by_bytes(lambda p: p.zero(p.leaves("entries")[2])),
    "a page of an index is empty": by_bytes(lambda p: p.zero(_index(p))),
    "a page of a long value is empty": by_bytes(lambda p: p.zero(p.overflows()[0])),
    "the list of free pages is empty": by_bytes(lambda p: p.zero(_trunk(p))),
    "two pages of rows are swapped": by_bytes(lambda p: p.swap(*p.leaves("entries")[1:3])),
    "rows and an index are swapped": by_bytes(lambda p: p.swap(p.leaves("entries")[1], _index(p))),
    "a page is of another kind": by_bytes(
        lambda p: p.set(_at(p.leaves("entries")[1]), _INDEX_LEAF, 1)
    ),
    "an interior page points behind the end": by_bytes(
        lambda p: p.set(p.cells(p.roots["entries"])[0], _last(p) + 9)
    ),
    "an interior page points at one page twice": by_bytes(
        lambda p: p.set(p.cells(p.roots["entries"])[0], p.children(p.roots["entries"])[1])
    ),
    "a long value goes on behind the end": by_bytes(
        lambda p: p.set(_at(p.overflows()[0]), _last(p) + 9)
    ),
    "a long value ends early": by_bytes(lambda p: p.set(_at(p.overflows()[0]), 0)),
    "a long value goes on in another one": by_bytes(
        lambda p: p.set(_at(p.overflows()[0]), p.overflows()[1])
    ),
    "fewer pages are free than are counted": by_bytes(lambda p: p.set(36, p.number(36) + 3)),
    "the list of free pages is behind the end": by_bytes(lambda p: p.set(32, _last(p) + 9)),
    "a page that is in use is free": by_bytes(
        lambda p: p.set(_at(_trunk(p)) + 8, p.leaves("entries")[1])
    ),
    "the file says that it is shorter": by_bytes(lambda p: p.set(28, _last(p) - 3)),
    "a row lies outside its page": by_bytes(
        lambda p: p.set(_at(p.leaves("entries")[1]) + 8, 0xFFFF, 2)
    ),
    "a page has more rows than it can": by_bytes(
        lambda p: p.set(_at(p.leaves("entries")[1]) + 3, 0x7FFF, 2)
    ),
    "an index misses a row": by_bytes(
        lambda p: p.set(_at(_index(p)) + 3, p.number(_at(_index(p)) + 3, 2) - 1, 2)
    ),
    "rows are out of order": by_bytes(lambda p: _turn_round(p, p.leaves("entries")[1])),
    "two tables share their pages": by_sql(
        "UPDATE sqlite_schema SET rootpage ="
        " (SELECT rootpage FROM sqlite_schema WHERE name = 'sealed') WHERE name = 'keys'",
        schema=True,
    ),
    "the schema cannot be read": by_sql(
        "UPDATE sqlite_schema SET sql = 'CREATE TABEL' WHERE name = 'keys'", schema=True
    ),
    "the schema is no text": by_bytes(lambda p: _overwrite(p, b"CREATE TABLE", b"CREATE TA\xec")),
    "a value that must be there is not": by_sql(
        _NULLABLE, "UPDATE entries SET site_seq = NULL WHERE id = 7", _NOT_NULL, schema=True
    ),
    "two rows are alike in what must be unique": by_sql(
        _ANY, "UPDATE entries SET site_seq = 8 WHERE id = 7", _UNIQUE, schema=True
    ),
    "a value breaks a rule of the table": by_sql("UPDATE desk SET id = 2"),
    "a row refers to one that is not there": by_sql("UPDATE desk SET policy = 'sha256:none'"),
}
"""The ways to damage a file, by name."""


def _overwrite(pages: Pages, what: bytes, by: bytes) -> None:
    at = pages.index(what)
    pages[at : at + len(by)] = by


def _turn_round(pages: Pages, leaf: int) -> None:
    first, second = _at(leaf) + 8, _at(leaf) + 10
    one, other = pages.number(first, 2), pages.number(second, 2)
    pages.set(first, other, 2)
    pages.set(second, one, 2)
