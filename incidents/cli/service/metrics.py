"""The metrics on the command line: what the database tells, once, for a textfile or for a look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents.cli import output
from incidents.cli.options import looking
from incidents.errors import DONE, IncidentsError, InputError, LibraryError
from incidents.system import disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from incidents.cli.run import Run
    from incidents.locale.words import Document
    from incidents.metrics.samples import Samples


class NoMetricsLibraryError(LibraryError):
    """the metrics need a library that is not installed"""

    extra = "metrics"


@click.command()
@click.option(
    "-o", "--output", "target", metavar="FILE",
    help="Write them to FILE, whole or not at all: for the textfile collector of node_exporter.",
)  # fmt: skip
@looking
def metrics(run: Run, target: str | None) -> int:
    """Print what the database tells a Prometheus, once; see [metrics] for a daemon that serves it.

    If the database cannot be looked at, incidents_up is 0 and the exit status 1.
    """
    from incidents.metrics.look import always

    if run.remote is not None and target is None and run.for_programs:
        raise InputError("over a server the metrics come as text: leave the format out")
    _check_library()
    found: Samples | bytes = always(up=False)
    trouble = None
    try:
        found = _look(run) if run.remote is None else run.remote.metrics()
    except IncidentsError as error:
        trouble = error
    if target is None and run.for_programs and not isinstance(found, bytes):
        output.documents(run, _documents(found))
    else:
        from incidents.metrics import exposition

        text = found if isinstance(found, bytes) else exposition.text(found)
        # Numbers alone, which another user's node_exporter reads.
        output.write_file(target or output.STANDARD_OUTPUT, [text], disk.PUBLIC)
    if trouble is not None:
        raise trouble
    return DONE


def _look(run: Run) -> Samples:
    from incidents.metrics.look import look

    house = run.local
    with house.reading() as connection:
        return look(connection, house.now(connection))


def _check_library() -> None:
    from importlib.util import find_spec

    from incidents.metrics.service import LIBRARY

    if find_spec(LIBRARY) is None:
        raise NoMetricsLibraryError


def _documents(found: Samples) -> Iterator[Document]:
    from incidents.metrics.catalogue import BY_NAME

    for name, labels, value in found:
        named = dict(zip(BY_NAME[name].labels, labels, strict=True))
        yield {"metric": name, "labels": named, "value": value}
