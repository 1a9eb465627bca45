"""The root command: every command by name, and the module that has it.

A module is imported when its command is typed. The short helps stand here and in `act_helps`, so
that `--help` and the completion of a name import none of them, nor the contract.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from incidents import __version__
from incidents.cli.act_helps import ACT_HELPS
from incidents.cli.lazy_group import LazyGroup


def act(typed: str, target: str = "") -> tuple[str, str]:
    """Where the command of that act lies, and its short help, as the contract has it."""
    return target or f"incidents.cli.actions:{typed}", ACT_HELPS[typed]


COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "At the desk": {
        "queue": (
            "incidents.cli.queue.queue:queue",
            "What the desk must do now, most urgent first.",
        ),
        "claim": act("claim"),
        "hand-over": act("hand-over", "incidents.cli.queue.queue:hand_over"),
        "done": act("done"),
        "show": (
            "incidents.cli.show:show",
            "Show an incident, a task, an order or a site.",
        ),
        "alarms": (
            "incidents.cli.admin.monitoring:alarms",
            "What is alarming now; test: try the channels.",
        ),
        "police": ("incidents.cli.police:police", "Incidents to report to the police."),
    },
    "What has happened": {
        "log": act("log", "incidents.cli.incident:log"),
        "contact": act("contact"),
        "removed": act("removed"),
        "refused": act("refused"),
        "recur": act("recur"),
        "attach": act("attach", "incidents.cli.incident:attach"),
        "note": act("note", "incidents.cli.incident:note"),
    },
    "Corrections and decisions": {
        "undo": ("incidents.cli.undo:undo", "Void a contact, or withdraw removed or refused."),
        "void": act("void"),
        "approve": ("incidents.cli.second_person:approve", "Approve another person's request."),
        "decline": ("incidents.cli.second_person:decline", "Decline another person's request."),
    },
    "Keeping": {
        "site": ("incidents.cli.sites:site", "The sites: add, show, why, hold, reinstate …"),
        "filing": (
            "incidents.cli.filing:filing",
            "What site owners have filed: the register, its checks and terms.",
        ),
        "policy": ("incidents.cli.admin.policy:policy", "Show, test and activate the policy."),
        "orders": (
            "incidents.cli.orders:orders", "Orders: what is carried out, and what is not.",
        ),
        "audit": ("incidents.cli.audit.audit:audit", "Export, verify and replay the record."),
        "account": ("incidents.cli.admin.account:account", "Who may come in, and as what."),
        "token": ("incidents.cli.admin.sign_ins:token", "What programs come in with."),
        "notices": (
            "incidents.cli.admin.notices:notices",
            "What is written to customers and the desk.",
        ),
    },
    "Running": {
        "daemon": ("incidents.cli.admin.service:daemon", "Enforce the clock; --once for cron."),
        "serve": (
            "incidents.cli.admin.service:serve",
            "Serve the console, the API and the customers' page.",
        ),
        "db": ("incidents.cli.admin.db:db", "Upgrade, check and back up the database."),
        "metrics": (
            "incidents.cli.admin.monitoring:metrics",
            "Print what a Prometheus is told, once.",
        ),
    },
    "Rarely needed": {
        "link": (
            "incidents.cli.incident:link",
            "Print the link to the customer's page of an incident.",
        ),
        "revoke-links": act("revoke-links"),
        "import": act("import", "incidents.cli.admin.history_file:import_"),
        "simulate": ("incidents.cli.admin.trial:simulate", "Run a history through the policy."),
        "person": (
            "incidents.cli.admin.erasure:person",
            "Erase a person's data when the law lets it go.",
        ),
        "retention": (
            "incidents.cli.admin.erasure:retention",
            "Erase what has been kept long enough.",
        ),
        "recover": (
            "incidents.cli.audit.recover:recover",
            "Go on after the database has lost its end.",
        ),
        "completion": ("incidents.cli.params:completion", "Print a shell's completion."),
    },
}  # fmt: skip

RENAMED = {
    "void-contact": ("incidents.cli.actions:void-contact", "undo"),
    "take-back": ("incidents.cli.actions:take-back", "undo"),
    "release": ("incidents.cli.actions:release", "claim --release"),
    "duty": ("incidents.cli.police:list_", "police list"),
    "reported": ("incidents.cli.actions:reported", "police done"),
    "acts": ("incidents.cli.orders:orders", "orders"),
}
"""The older spellings, which work on and are not listed."""

_EPILOG = """\b
Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 not confirmed,
5 verification failed. Data on standard output, all else on standard error.
"""


@click.group(
    cls=LazyGroup,
    sections=COMMANDS,
    renamed=RENAMED,
    name="incidents",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="incidents %(version)s")
def root() -> None:
    """The system of record of a violation desk: log what was found, and the policy acts on time."""


@contextmanager
def told(args: Sequence[str]) -> Iterator[click.Group]:
    """The root command in the language of its reader, who has typed `args`."""
    names = ("INCIDENTS_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    if not any("zh" in word for word in (*map(os.environ.get, names), *args) if word):
        yield root
        return
    from incidents.cli import chinese_help

    assert isinstance(root, LazyGroup)
    with chinese_help.told(root, args) as in_its_language:
        yield in_its_language
