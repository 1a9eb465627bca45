"""The command line: parse arguments, call the desk or a view, and render the result.

`main` is the entry point.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from incidents.cli.run import Run
from incidents.errors import (
    DONE,
    FAILED,
    INTERRUPTED,
    MISUSED,
    REFUSED,
    ActionRefusedError,
    DatabaseError,
    IncidentsError,
    RefusedError,
)
from incidents.system.terminal import guarded_stdout, shortened, visible_and_short, write_stderr

if TYPE_CHECKING:
    from incidents.contract.documents import Hint

_YOUNG = 50_000
"""The number of new values after which this program's garbage collector runs."""


def main(args: list[str] | None = None) -> int:
    """Run one command, by default the one in `sys.argv`, and return the exit status.

    `main` raises nothing: an error becomes one sentence on standard error.
    """
    if args is not None:
        return _run(args)
    # To look for garbage among what was imported, at the start and at the end of a process, took a
    # tenth of a command's time.
    gc.set_threshold(_YOUNG)
    try:
        return _run(sys.argv[1:])
    finally:
        gc.disable()


def _run(typed: list[str]) -> int:
    from incidents.system import umask

    # First of all, so that not even folders that a library makes are open to others.
    umask.set_private()
    from incidents.cli.root import told

    with told(typed) as root:
        run = Run()
        _escape_unencodable()
        try:
            status = root.main(typed, prog_name="incidents", standalone_mode=False, obj=run)
            run.note_rehearsal()
            run.note_replica()
            if sys.stdout is not None:
                with guarded_stdout():
                    sys.stdout.flush()
            return status if isinstance(status, int) else DONE
        except BrokenPipeError:
            return _after_broken_pipe()
        except (click.Abort, KeyboardInterrupt):
            return INTERRUPTED
        except click.ClickException as error:
            _write_usage_error(error)
            return MISUSED
        except IncidentsError as error:
            _write_error(run, error)
            if isinstance(error, DatabaseError) and error.name != "replica_read":
                run.note_replica()
            return error.exit_status
        except Exception as error:  # noqa: BLE001 - no traceback reaches a user
            return _write_unexpected_error(run, error)
        finally:
            run.note_renaming()
            run.close()
            _flush_stderr()


def _write_error(run: Run, error: IncidentsError) -> None:
    hints = _hints(error) if isinstance(error, RefusedError) else []
    if run.for_programs:
        from incidents.cli.output import json_text

        kind = "refused" if error.exit_status == REFUSED else "error"
        facts = {name: _plain(value) for name, value in error.facts.items()}
        answer: dict[str, object] = {
            "name": error.name, "message": shortened(error.message), "facts": facts
        }  # fmt: skip
        if isinstance(error, ActionRefusedError):
            # Deadlines due before the action took effect despite it.
            answer["events"] = error.events
        if hints:
            from incidents.contract.hints import commands

            answer |= {"hints": hints, "commands": commands(hints)}
        write_stderr(json_text({kind: answer}))
        return
    from incidents.cli import error_text

    write_stderr(visible_and_short(run.text("error", message=error_text.rendered(run, error))))
    if error.name in _OPTIONS:
        write_stderr(run.text("answer.next.option", option=_option(run, error.name)))
    for hint in hints:
        from incidents.cli.next_steps import next_line

        asked_by = error.facts.get("by") if error.name == "closure_asked" else None
        write_stderr(visible_and_short(next_line(run, hint, asked_by)))


_OPTIONS = {
    "before_incident": "--at T",
    "before_told": "--at T",
    "own_second": "--second HANDLE",
    "second_needed": "--second HANDLE",
}
"""The options to add to a refused command so that it can succeed, by the refusal's name."""


def _option(run: Run, refusal: str) -> str:
    from incidents.cli import chinese_help
    from incidents.locale.language import language

    name, _, word = _OPTIONS[refusal].partition(" ")
    is_chinese = run.language is language("zh_CN", "cli")
    return f"{name} {chinese_help.placeholder(name[2:], word) if is_chinese else word}"


def _hints(error: RefusedError) -> list[Hint]:
    """Return the hints that the server gave, or else the hints for the refusal's name."""
    from incidents.contract import hints, refusal_hints

    told: Mapping[str, Any] = getattr(error, "problem", {})
    return hints.understood(told) or refusal_hints.of_refusal(error.name, error.facts)


def _write_usage_error(error: click.ClickException) -> None:
    """Report wrong usage as click does, but shortened and without control characters.

    The message quotes the input, which can be of any length.
    """
    written = io.StringIO()
    error.show(file=written)
    write_stderr(visible_and_short(written.getvalue()), nl=False)


def _write_unexpected_error(run: Run, error: Exception) -> int:
    told = _database_error(run, error)
    if told is None:
        told = IncidentsError.coded(
            "unexpected",
            "unexpected error ({what}): this is a bug. Run the command again with"
            " INCIDENTS_DEBUG=1 to see where, and report it",
            what=type(error).__name__,
        )
    if os.environ.get("INCIDENTS_DEBUG"):
        import traceback

        traceback.print_exception(error)
    _write_error(run, told)
    return FAILED


def _database_error(run: Run, error: Exception) -> IncidentsError | None:
    """Return a database driver's error as one sentence; None for other errors."""
    exceptions = sys.modules.get("sqlalchemy.exc")
    if exceptions is None or not isinstance(error, exceptions.DBAPIError):
        return None
    from incidents.store.database import failures

    return DatabaseError(failures.explain(run.local.bare_engine, error))


def _plain(value: object) -> object:
    if value is None or isinstance(value, int | float | list):
        return value
    return shortened(str(value))


def _escape_unencodable() -> None:
    """Write characters that the encoding of the output lacks as escapes."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _flush_stderr() -> None:
    """Flush standard error; a failure, such as a full disk, does not change the exit status."""
    if sys.stderr is None:  # as Python has it when the stream is closed
        return
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _after_broken_pipe() -> int:
    """Prevent the interpreter from flushing output to a reader that has gone away."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = None  # what Python itself does without one
    return FAILED
