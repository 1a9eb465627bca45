"""A password at a real terminal: it is asked for, not shown, and the terminal is left as it was."""

import sys

from tests.cli.conftest import Cli
from tests.cli.sitting import sitting

PASSWORD = "a horse and a battery"
PROGRAM = (sys.executable, "-m", "incidents")


def test_a_password_is_typed_twice_and_never_seen(cli: Cli, db_url: str) -> None:
    assert cli("account", "add", "admin-1", "--role", "administrator").status == 0
    command = (*PROGRAM, "account", "password", "admin-1")
    with sitting({"INCIDENTS_DB": db_url}, command=command) as at:
        before = at.modes()
        at.see("New password of admin-1:")
        at.press(*PASSWORD, "\r")
        at.see("The same again:")
        at.press(*PASSWORD, "\r")
        at.see("admin-1: administrator")
        assert at.ends() == 0
        assert at.modes() == before
        assert "battery" not in at.display.history
        assert "horse" not in at.display.text
