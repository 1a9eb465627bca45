"""Reading a customer list, beside csv and pydantic reading and validating the same rows.

Measured: rows a second of a CSV file of 100,000 customers with 20 details each, one of them a
server in JSON, from the opened file to a `Customer`; a tenth of them with every check of the
details as well; and a process's memory at its peak with 10,000 and with 100,000 rows. The floor is
`csv.DictReader` and a pydantic model with the same lengths, choices, days and form of a name, which
leaves empty cells out; it finds no encoding and no delimiter, knows no Chinese words, and does not
look for control characters or for a site that stands there twice.

Not measured: XLSX, and what an import writes.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bench import workers
from bench.context import Context
from bench.trial import Contender, Figure, Role, Target, Trial

FLOOR, OURS, CHECKED = "csv and pydantic", "customer list", "customer list and checks"
PEAK = "peak memory"
UNIT = "rows/s"

_DAY = date(2026, 1, 1)


def trials(context: Context) -> Iterator[Trial]:
    """A file has no kind of database."""
    rows = context.of_size(tiny=300, small=100_000, full=100_000)
    files = {count: context.folder / f"{count}.csv" for count in (rows // 10, rows)}
    for count, file in files.items():
        _write(file, count)
    yield Trial(
        scenario="filing_import",
        database="CSV",
        title=f"{rows:,} rows",
        contenders=[
            _contender(FLOOR, "floor", _validated, files),
            _contender(OURS, "ours", _read, files),
            _contender(CHECKED, "ours", _checked, {rows // 10: files[rows // 10]}),
        ],
        targets=[
            Target(of=OURS, against=FLOOR, at_least=0.5),
            Target(of=_peak(OURS, rows), against=_peak(OURS, rows // 10), at_most=1.2),
        ],
    )


def _contender(
    name: str, role: Role, work: Callable[[Path], int], files: Mapping[int, Path]
) -> Contender:
    def once() -> list[Figure]:
        figures = []
        for rows, file in files.items():
            took_s, peak_mib = workers.alone(_measured, work, file, rows)
            figures.append(Figure(_peak(name, rows), peak_mib, "MiB"))
        return [Figure(name, rows / took_s, UNIT), *figures]

    return Contender(name=name, role=role, run=once)


def _peak(name: str, rows: int) -> str:
    return f"{name}, {PEAK}, {rows:,} rows"


def _measured(work: Callable[[Path], int], file: Path, rows: int) -> tuple[float, float]:
    """Seconds, and MiB at the peak; what is imported is imported before."""
    with_one = file.with_name("one.csv")
    _write(with_one, 1)
    work(with_one)
    began = workers.moment()
    found = work(file)
    took_s = workers.moment() - began
    if found != rows:
        raise RuntimeError(f"{found:,} rows were read in place of {rows:,}")
    return took_s, _peak_mib()


def _validated(file: Path) -> int:
    """Reads and validates with the libraries alone."""
    from bench.filing_model import Filing

    with file.open(encoding="utf-8", newline="") as lines:
        found = 0
        for row in csv.DictReader(lines):
            Filing.model_validate({name: text for name, text in row.items() if text})
            found += 1
    return found


def _read(file: Path) -> int:
    from incidents.filing.lists import table_file
    from incidents.filing.lists.customer_list import CustomerList

    with table_file.open_table(str(file)) as table:
        return sum(not customer.problems for customer in CustomerList(table).customers())


def _checked(file: Path) -> int:
    from incidents.filing.checks import check
    from incidents.filing.lists import table_file
    from incidents.filing.lists.customer_list import CustomerList

    found, today = 0, datetime.now(UTC).date()
    with table_file.open_table(str(file)) as table:
        for customer in CustomerList(table).customers():
            check(customer.changes, today=today)
            found += not customer.problems
    return found


def _write(file: Path, rows: int) -> None:
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(_customer(0))
        writer.writerows(list(_customer(n).values()) for n in range(1, rows + 1))


def _customer(n: int) -> dict[str, str]:
    """A customer that nobody is: no two have a number, a name or an address in common."""
    opened = _DAY - timedelta(days=n % 3_000)
    ip = f"2001:db8::{n:x}"
    return {
        "site": f"shop-{n}.example",
        "subject_kind": "company",
        "subject_name": f"示例公司{n}",
        "subject_number": f"91{n:015d}X",
        "responsible_name": f"示例{n}",
        "responsible_phone": f"1350000{n % 10_000:04d}",
        "responsible_email": f"owner-{n}@mail.example",
        "home_url": f"https://shop-{n}.example/",
        "icp_number": f"京ICP备{n:08d}号",
        "icp_licence": "",
        "public_security_number": f"京公网安备 11010502{n:06d}号",
        "registrar": "示例注册商",
        "service_type": ("shop", "forum", "blog", "news")[n % 4],
        "level": "2" if n % 4 in (1, 2) else "3",
        "nature": "non_commercial",
        "hosting": "cloud_server",
        "access_method": "leased_virtual_space",
        "access_provider": "示例接入商",
        "ip": ip,
        "contract_ip": "",
        "opened_on": opened.isoformat(),
        "filed_on": (opened + timedelta(days=9)).isoformat(),
        "server.web-1": f'{{"city":"深圳","count":"1","ip":"{ip}","province":"广东"}}',
    }


def _peak_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell what memory a process has")
