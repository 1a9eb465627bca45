"""The notices' settings: what [notices] and [alarms] may say, and what is complained of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from incidents.errors import IncidentsError, SettingError
from incidents.notices import lanes, notice_settings
from incidents.notices.chat import Chat
from incidents.notices.letter import Recipient
from incidents.notices.samples import OFFICE, of
from incidents.notices.smtp import Mail
from incidents.notices.templating import TemplateError
from incidents.settings.sources import load
from tests.notices.lane import SHANGHAI

WHOLE = """
[notices]
channels = ["mail", "sms"]
languages = ["en", "zh_CN"]
desk_name = "示例主机"
desk_phone = "+86 10 5555 0100"
desk_mail = "desk@host.example"

[notices.mail]
type = "smtp"
host = "mail.host.example"
port = 2525
security = "starttls"
user = "desk"
password_file = "{folder}/password"
sender = "desk@host.example"
reply_to = "Answers <answers@host.example>"
list_id = "notices.host.example"
timeout = "5s"

[notices.sms]
type = "chat"
urls = ["json://gateway.example/{{phone}}"]

[notices.wecom]
type = "chat"
url = "wecombot://0123456789abcdef"

[alarms]
channels = ["wecom", "mail", "pager"]
languages = ["zh_CN"]

[alarms.wecom]
quiet = "23:00-07:00"

[alarms.mail]
to = ["desk@host.example", "boss@host.example"]

[alarms.pager]
type = "chat"
urls = ["json://pager.example/"]
"""

NOTICES = """
[notices]
channels = ["mail"]
desk_name = "示例主机"
desk_mail = "desk@host.example"
[notices.mail]
type = "smtp"
host = "mail.host.example"
sender = "desk@host.example"
"""
ALARMS = (
    NOTICES
    + """
[alarms]
channels = ["mail"]
[alarms.mail]
to = "desk@host.example"
"""
)

Environ = Callable[[str], dict[str, str]]

# Apprise puts something in the place of a module that Python 3.13 no longer has, by importing it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def said(written: Environ, tmp_path: Path) -> Environ:
    """The environment of a run whose settings file says so, with a password's file beside it."""
    (tmp_path / "password").write_text("right\n")
    return written


def test_all_that_can_be_said_is_understood(said: Environ, tmp_path: Path) -> None:
    environ = said(WHOLE.format(folder=tmp_path))
    found = notice_settings.customer_settings(SHANGHAI, environ)
    mail, sms = found.channels
    assert isinstance(mail, Mail)
    assert isinstance(sms, Chat)
    server, heading = mail._server, mail._headers
    assert (server.host, server.port, server.security) == ("mail.host.example", 2525, "starttls")
    assert (server.user, server.password, server.timeout_s) == ("desk", "right", 5.0)
    assert "right" not in repr(server)
    assert (heading.sender.spec, heading.sender.name) == ("desk@host.example", "示例主机")
    assert heading.reply_to is not None
    assert (heading.reply_to.spec, heading.reply_to.name) == ("answers@host.example", "Answers")
    assert heading.list_id == "notices.host.example"
    assert found.wording.languages == ("en", "zh_CN")


def test_the_desk_is_told_by_channels_of_the_notices_and_by_its_own(
    said: Environ, tmp_path: Path
) -> None:
    found = notice_settings.desk_settings(SHANGHAI, said(WHOLE.format(folder=tmp_path)))
    wecom, mail, pager = found.outlets
    assert [outlet.channel.name for outlet in found.outlets] == ["wecom", "mail", "pager"]
    assert wecom.quiet is not None
    assert (wecom.quiet.begin.hour, wecom.quiet.end.hour, wecom.quiet.zone) == (23, 7, SHANGHAI)
    assert mail.to == Recipient(mail=("desk@host.example", "boss@host.example"))
    assert (mail.quiet, pager.quiet) == (None, None)
    assert found.wording.languages == ("zh_CN",)


def test_without_a_word_nobody_is_written_to_and_a_preview_still_reads(said: Environ) -> None:
    for text in ("", "[notices]\n[alarms]\n"):
        environ = said(text)
        assert notice_settings.customer_settings(SHANGHAI, environ).channels == ()
        assert notice_settings.desk_settings(SHANGHAI, environ).outlets == ()
        wording = notice_settings.wording(SHANGHAI, environ)
        assert OFFICE.name in wording.letter("closed", of("closed"), "12-o45").text
        assert wording.languages == ("zh_CN", "en")


def test_the_least_that_must_be_said(said: Environ) -> None:
    environ = said(ALARMS)
    [mail] = notice_settings.customer_settings(SHANGHAI, environ).channels
    assert isinstance(mail, Mail)
    assert (mail._server.port, mail._server.security) == (587, "starttls")
    assert len(notice_settings.desk_settings(SHANGHAI, environ).outlets) == 1


def test_a_preview_needs_no_channel_that_can_be_used(said: Environ) -> None:
    broken = NOTICES.replace('type = "smtp"', 'type = "pigeon"')
    assert notice_settings.wording(SHANGHAI, said(broken)).languages == ("zh_CN", "en")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["mail"]', '["post"]', "must be names of tables such as [notices.post]"),
        ('["mail"]', "7", "channels = 7, but it must be a list of texts"),
        ('desk_name = "示例主机"', "", "has no desk_name, but it must be set: it names"),
        ('desk_mail = "desk@host.example"', "", "has no desk_phone, but it must be set, or"),
        ("[notices.mail]", 'languages = ["fr"]\n[notices.mail]', "languages = ['fr'], but it must"),
        ("[notices.mail]", 'languages = ["en", "en"]\n[notices.mail]', "each once"),
        ("[notices.mail]", 'templates = "/nothing"\n[notices.mail]', "templates = '/nothing', but"),
        ("[notices.mail]", "colour = 1\n[notices.mail]", "has an unknown setting 'colour'"),
        ('type = "smtp"', "", "[notices.mail] of the settings file has no type, but it must"),
        ('type = "smtp"', 'type = "smtp"\ncolour = 1', "[notices.mail] of the settings file has"),
        ('host = "mail.host.example"', "", "has no host, but it must be there"),
        ('host = "mail', 'port = 0\nhost = "mail', "port = 0, but it must be a whole number from"),
        ('host = "mail', 'security = "ssl"\nhost = "mail', "must be starttls or tls or none"),
        ('host = "mail', 'timeout = "16s"\nhost = "mail', "timeout = '16s', but it must be"),
        ('host = "mail', 'ca_file = "/nothing"\nhost = "mail', "ca_file = '/nothing', but it must"),
        ('host = "mail', 'user = "desk"\nhost = "mail', "user = 'desk', but it must be set"),
        ('host = "mail', 'password = "kE7Q2w"\nhost = "mail', "together with password"),
        ('host = "mail', 'user = "a"\npassword = "密码"\nhost = "mail', "password = '…', but it m"),
        ('host = "mail', 'user = "a"\npassword = "b"\nsecurity = "none"\nhost = "mail',
         "security = 'none', but it must be starttls or tls: a password must not be sent"),
        ('sender = "desk@host.example"', "", "has no sender, but it must be set"),
        ('sender = "desk@host.example"', 'sender = "desk"', "sender = 'desk', but it must be an"),
        ('sender = "desk', 'reply_to = "a b@c"\nsender = "desk', "reply_to = 'a b@c', but it must"),
        ('sender = "desk', 'list_id = "a b"\nsender = "desk', "list_id = 'a b', but it must be a"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_what_it_must_be(
    old: str, new: str, message: str, said: Environ
) -> None:
    assert old in NOTICES
    _is_refused(notice_settings.customer_settings, said(NOTICES.replace(old, new, 1)), message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('to = "desk@host.example"', "", "[alarms.mail] of the settings file has no to"),
        ('to = "desk@host.example"', 'to = "desk"', "(it has no @)"),
        ('to = "desk', 'quiet = "23-7"\nto = "desk', "quiet = '23-7', but it must be hours such"),
        ('to = "desk', 'colour = 1\nto = "desk', "has an unknown setting 'colour'"),
        ("[alarms]", "[alarms]\ncolour = 1", "[alarms] of the settings file has an unknown"),
        ('channels = ["mail"]\n[alarms', 'channels = ["post"]\n[alarms',
         "such as [notices.post] or [alarms.post]"),
        ('to = "desk', 'type = "pigeon"\nto = "desk', "type = 'pigeon', but it must be smtp or"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_alarms_is_named_too(
    old: str, new: str, message: str, said: Environ
) -> None:
    assert old in ALARMS
    _is_refused(notice_settings.desk_settings, said(ALARMS.replace(old, new, 1)), message)


def test_a_table_that_nobody_names_is_read_too(said: Environ) -> None:
    _is_refused(
        notice_settings.customer_settings,
        said(NOTICES + '[notices.other]\ntype = "pigeon"\n'),
        "[notices.other] of the settings file says type = 'pigeon'",
    )


def test_a_template_that_is_wrong_is_found_before_anything_is_sent(
    said: Environ, tmp_path: Path
) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en/closed.txt.jinja").write_text("s\n\n{{ nobody }}\n")
    text = NOTICES.replace("[notices.mail]", f'templates = "{tmp_path}"\n[notices.mail]')
    with pytest.raises(TemplateError, match=r"en/closed\.txt\.jinja is wrong in line 3"):
        notice_settings.customer_settings(SHANGHAI, said(text))
    alone = ALARMS.replace('channels = ["mail"]\n', f'templates = "{tmp_path}"\n', 1)
    assert notice_settings.customer_settings(SHANGHAI, said(alone)).channels == ()
    with pytest.raises(TemplateError, match=r"en/closed\.txt\.jinja is wrong in line 3"):
        notice_settings.desk_settings(SHANGHAI, said(alone))


def test_without_apprise_it_is_said_what_to_install(
    said: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "apprise", None)
    text = NOTICES + '[notices.wecom]\ntype = "chat"\nurls = ["wecombot://0123456789abcdef"]\n'
    with pytest.raises(IncidentsError, match=r"pip install 'incidents\[chat\]'"):
        notice_settings.customer_settings(SHANGHAI, said(text))


def test_the_lanes_are_those_of_the_settings(said: Environ, tmp_path: Path) -> None:
    environ = said(WHOLE.format(folder=tmp_path))

    class StubApp:
        settings = load(environ={})

        def reading(self) -> Any:
            raise AssertionError

    assert [each.name for each in lanes.customer_lane(StubApp(), environ=environ)._channels] == [
        "mail", "sms",
    ]  # fmt: skip
    assert len(lanes.desk_lane(StubApp(), environ=environ)._outlets) == 3


def _is_refused(read: Callable[..., Any], environ: dict[str, str], message: str) -> None:
    with pytest.raises(IncidentsError) as raised:
        read(SHANGHAI, environ)
    assert message in raised.value.message
    assert "kE7Q2w" not in raised.value.message
    assert "密码" not in raised.value.message
    if isinstance(raised.value, SettingError):
        assert raised.value.facts["where"].startswith("the section [")


BOTH = {"notice": "[notices] channels", "desk": "[alarms] channels"}


@pytest.mark.parametrize(
    ("text", "unset"),
    [
        ("", BOTH),
        ('[notices]\nchannels = ["mail"]\n', {"desk": "[alarms] channels"}),
        ('[alarms]\nchannels = ["mail"]\n', {"notice": "[notices] channels"}),
        ("this is no TOML", {}),
        ("unknown = 1", {}),
    ],
)
def test_a_lane_without_a_channel_names_its_setting_where_the_file_can_be_read(
    tmp_path: Path, text: str, unset: dict[str, str]
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)

    assert notice_settings.lanes_without_channel({"INCIDENTS_CONFIG": str(file)}) == unset


def test_a_notice_in_a_lane_without_a_channel_names_the_setting() -> None:
    settings = {each["to"]: each.get("unset") for each in notice_settings.listed(BOTH)}

    assert settings == {
        "customer": BOTH["notice"],
        "desk": BOTH["desk"],
        "phone": None,
        "reporter": None,
    }
