"""The lane to reporters: one mail about one or more reports, as an answer to the first of them."""

from __future__ import annotations

from dataclasses import replace

from incidents.enforcement.port import Failed, Outcome
from incidents.notices import notice_settings
from incidents.notices.facts import ReporterFacts
from incidents.notices.lanes import App
from incidents.notices.letter import Answered, Recipient, TimeBudget
from incidents.notices.notice_settings import ReporterSettings
from incidents.notices.templating import TemplateError


class ReporterLane:
    """The lane to reporters; `state` and the like of other lanes are not theirs."""

    def __init__(self, settings: ReporterSettings) -> None:
        self._wording, self._channel = settings.wording, settings.channel

    def send(
        self, kind: str, facts: ReporterFacts, to: str, *, token: str, message_id: str | None
    ) -> Outcome:
        """Make one attempt to send the mail of that kind to the address.

        `token`: see `values.report_token`. `message_id`: that of the report. Of what the report
        says, the mail has nothing: a forger would send it to others through us.
        """
        try:
            letter = self._wording.letter(f"report_{kind}", facts, f"{facts.reference}.{kind}")
        except TemplateError as error:
            return Failed(problem="template_wrong", detail=error.message)
        if self._channel.is_own(to):
            return Failed(problem="own_address", detail="the address is this desk's own")
        letter = replace(letter, subject=f"{letter.subject} {token}", answers=Answered(message_id))
        return self._channel.send(letter, Recipient(mail=(to,)), within_s=TimeBudget().share(1))


def reporter_lane(app: App, languages: tuple[str, ...]) -> ReporterLane:
    """The lane from the settings; raises the errors of `notice_settings.reporter_settings`."""
    return ReporterLane(notice_settings.reporter_settings(app.settings.zone, languages))
