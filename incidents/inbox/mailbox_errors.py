"""The errors of a mailbox on a mail server, each with what to look at in the settings."""

from __future__ import annotations

from incidents.errors import IncidentsError, LibraryError


class ImapLibraryError(LibraryError):
    """the settings have a table [inbox.imap], but IMAPClient is not installed"""

    extra = "inbox"


class MailboxError(IncidentsError):
    """{detail}"""


class MailHostError(MailboxError):
    """the name of the mail server, {host}, does not resolve: check host in [inbox.imap]"""


class MailboxUnreachableError(MailboxError):
    """cannot connect to the mail server {host} at port {port} ({detail}): check host, port and
    security in [inbox.imap], and whether the server is running"""


class MailCertificateError(MailboxError):
    """the certificate of the mail server {host} is not trusted ({detail}): in [inbox.imap], set
    host to the name in the certificate, or ca_file to the file of its authority"""


class MailboxTlsError(MailboxError):
    """no secure connection to the mail server {host} at port {port} ({detail}): check security and
    port in [inbox.imap]"""


class MailboxLoginError(MailboxError):
    """the mail server {host} refused the login ({detail}): check user and password in
    [inbox.imap]"""


class MailFolderError(MailboxError):
    """the mail server {host} does not open the folder {folder!r} ({detail}): check folder in
    [inbox.imap]"""


class TakenFolderError(MailboxError):
    """the mail server {host} does not create the folder {folder!r} ({detail}): in [inbox.imap], set
    taken to a folder that it has, such as INBOX.Taken"""


class CannotMoveError(MailboxError):
    """the mail server {host} has neither MOVE nor UIDPLUS, so mails cannot be moved there: have
    them delivered to a Maildir, and name it as maildir in [inbox]"""


class MailServerError(MailboxError):
    """the mail server {host} refused a command ({detail}): see its log"""


class UnreadMailsError(MailboxError):
    """the mail server {host} cannot read {count} mails of the folder {folder!r} ({detail}): see its
    log"""


class MailboxLostError(MailboxError):
    """the connection to the mail server {host} was lost ({detail})"""
