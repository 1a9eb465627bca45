"""Makes feed.csv: a synthetic feed in the shape of a URLhaus dump, the same at each run.

    python tests/data/make_feed.py > tests/data/feed.csv

Every name in it is reserved (RFC 2606) and leads nowhere. Most hosts are seen now and then; some
show a burst of reports on one finding; a few show three findings within 24 hours.
"""

import csv
import random
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TextIO

SEED = 20260105
FIRST = datetime(2026, 1, 5, 2, 50, 7)  # noqa: DTZ001 - a dump writes UTC without a zone
HEADER = "id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter"
PATHS = ("bin.sh", "i", "update/setup.exe", "wp-content/a.php?id={n}", "img/{n}.jpg", "a b,{n}")
WORDS = ("shop", "forum", "blog", "video", "mail", "cloud", "game", "news")


def reports() -> Iterator[tuple[datetime, str]]:
    """The times and hosts of the reports."""
    draw = random.Random(SEED)

    def at(days: float) -> datetime:
        return FIRST + timedelta(seconds=int(days * 86_400))

    for n in range(58):
        host = f"{WORDS[n % len(WORDS)]}-{n + 1}.example"
        for _ in range(draw.randint(1, 3)):
            yield at(draw.uniform(0, 75)), host
    # A burst on one finding: many reports, a few minutes apart.
    for n in range(9):
        host, begin = f"burst-{n + 1}.example", at(draw.uniform(3, 70))
        for minute in range(draw.randint(3, 8)):
            yield begin + timedelta(minutes=5 * minute, seconds=minute % 2), host
    # Three findings within 24 hours, the last of them on the very second; and a second too late.
    for host, last in (("edge-in.example", 86_400), ("edge-out.example", 86_401)):
        begin = at(draw.uniform(10, 60))
        for second in (0, 40_000, last):
            yield begin + timedelta(seconds=second), host
    for n in range(4):
        begin = at(draw.uniform(3, 70))
        for hour in (0, 5, 11, 23, 40):
            yield begin + timedelta(hours=hour), f"repeat-{n + 1}.example"


def write(to: TextIO) -> None:
    """The dump, newest first as such dumps are."""
    print(HEADER, file=to)
    rows = csv.writer(to, quoting=csv.QUOTE_ALL, lineterminator="\n")
    found = sorted(reports())
    for number, (moment, host) in reversed(list(enumerate(found, start=1))):
        when = moment.isoformat(sep=" ")
        port = ":8080" if number % 3 == 0 else ""
        path = PATHS[number % len(PATHS)].format(n=number).replace(" ", "%20")
        rows.writerow([
            str(9_000_000 + number), when, f"http://{host}{port}/{path}", "online", when,
            "malware_download", "elf,mips", f"https://feed.example/url/{number}/",
            f"reporter-{number % 4 + 1}",
        ])  # fmt: skip


if __name__ == "__main__":
    write(sys.stdout)
