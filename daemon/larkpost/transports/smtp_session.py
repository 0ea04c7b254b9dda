"""The SMTP session: greeting, TLS and login, then message after message."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING

from larkpost.domain import Message
from larkpost.errors import Deferred, Refused, Unanswered
from larkpost.text.normalize import shorten
from larkpost.transports.smtp_connection import HungUp, SmtpConnection, Stopped
from larkpost.transports.smtp_envelope import seal
from larkpost.transports.smtp_replies import TOO_MANY, Reply, ReplyMeaning, SmtpStage, classify

if TYPE_CHECKING:
    from larkpost.settings.model import SmtpSettings

# The reply to the final dot may take longer than any other: with the default of one minute, the ten
# minutes of RFC 5321, 4.5.3.2.6. Giving up earlier causes duplicates.
PATIENCE_AT_THE_END = 10
ENOUGH_AT_THE_END = 600.0  # seconds
# A program that is to stop still waits this long for it: most servers reply in time, and a message
# in doubt is sent twice. The daemon has four seconds to finish its work.
GRACE_AT_THE_END = 3.0
DOT = b".\r\n"
# Wait before sending the dot, to notice a server that hung up during the message: twice as
# long as its last replies took, and so many seconds at most.
LONGEST_LOOK = 0.05
PARTING_SECONDS = 2.0
LOGIN_REST = 1800.0  # seconds between refused logins: many would lock the account

# "Authentication required", "encryption required" (RFC 4954, 6), "STARTTLS first" (RFC 3207, 4).
LOGIN_FIRST = frozenset({530, 538})
WANTS_LOGIN = "it wants TLS or a login first (smtp.security, smtp.username, smtp.password)"

HINTS = {
    SmtpStage.GREETING: "check smtp.host and smtp.port, and whether the server is running",
    SmtpStage.HELLO: "check smtp.host and smtp.port: is that a mail server for submission?",
    SmtpStage.STARTTLS: "smtp.host must be a name in the certificate; SSL_CERT_FILE can name a"
    " file of certificates to trust. Nothing was sent unencrypted",
    SmtpStage.LOGIN: "check smtp.security, smtp.username and smtp.password, then run `larkpost"
    " deliver`",
    SmtpStage.SENDER: "check mail.sender: the server must allow this address to send",
}


class CutOff(Exception):
    """The connection ended before the message was complete, so the server cannot have accepted it.

    ``of_recipient`` is true if the server ended it in reply to the recipient.
    """

    def __init__(self, message: str, *, of_recipient: bool = False) -> None:
        super().__init__(message)
        self.of_recipient = of_recipient


class Session:
    """A connection that is ready for messages; made by ``open_session``."""

    def __init__(
        self, smtp: SmtpSettings, line: SmtpConnection, extensions: dict[str, str]
    ) -> None:
        self._smtp = smtp
        self._line = line
        self._extensions = extensions
        self._tidy = True
        self._pace = 0.0  # seconds that the server took for its last replies
        self.messages = 0
        self.alive = True

    def hand_over(self, message: Message) -> None:
        """Return when the server accepted the message.

        Raises Deferred, Refused, Unanswered (the message was sent, the reply never came), and
        CutOff if the server ended the connection before that.
        """
        envelope = seal(message, self._extensions)
        self.messages += 1
        with self._before_last_byte():
            if not self._tidy:
                self._say([(SmtpStage.SENDER, b"RSET\r\n")])
            self._tidy = False
            self._say(envelope.commands)
            self._content(envelope.content)
        self._judge(SmtpStage.END, self._answer_to_the_dot())
        self._tidy = True

    def close(self) -> None:
        """Send QUIT if the server still listens, and close."""
        with suppress(OSError):
            if self.alive:
                self._line.write(b"QUIT\r\n", PARTING_SECONDS)
                self._line.reply(PARTING_SECONDS)
        self.alive = False
        self._line.close()

    @contextmanager
    def _before_last_byte(self) -> Iterator[None]:
        """Before the last byte is sent no server has the message, whatever fails."""
        try:
            yield
        except Stopped as error:
            self.alive = False
            raise _stop_error(self._smtp, error) from error
        except TimeoutError as error:
            self.alive = False
            raise Deferred(f"{name_of(self._smtp)}: {describe(error)}", cut=True) from error
        except OSError as error:
            self.alive = False
            raise CutOff(f"{name_of(self._smtp)}: {describe(error)}") from error

    def _say(self, commands: Sequence[tuple[SmtpStage, bytes]]) -> None:
        """Send the commands, pipelined if the server supports it (RFC 2920).

        Raises the meaning of the first refusal, even if the server hangs up after it.
        """
        began = monotonic()
        at_once = "PIPELINING" in self._extensions
        if at_once:
            self._line.write(b"".join(command for _, command in commands), self._smtp.timeout)
        refusals: list[tuple[SmtpStage, Reply]] = []
        try:
            self._hear(commands, refusals, at_once=at_once)
        except OSError:
            if not refusals:
                raise
            self._hang_up()
        if refusals:
            self._judge(*refusals[0])
        self._pace = monotonic() - began

    def _hear(
        self,
        commands: Sequence[tuple[SmtpStage, bytes]],
        refusals: list[tuple[SmtpStage, Reply]],
        *,
        at_once: bool,
    ) -> None:
        """Read the replies to the commands, sending those not sent yet; collects the refusals."""
        for stage, command in commands:
            if not at_once:
                self._line.write(command, self._smtp.timeout)
            reply = self._line.reply(self._smtp.timeout)
            if classify(reply.code, reply.enhanced, stage) is not ReplyMeaning.TAKEN:
                refusals.append((stage, reply))
                if reply.code == 421 or not at_once:
                    break
            elif refusals and stage is SmtpStage.CONTENT:
                # It waits for a message without a recipient. Leave before it can accept one.
                self._hang_up()

    def _content(self, content: bytes) -> None:
        """Send the message, and its dot only while the server is still listening.

        Before the dot the server cannot have the message, whatever happens; after it nobody can
        tell.
        """
        self._line.write(content[: -len(DOT)], self._smtp.timeout)
        if self._line.interrupts(min(2 * self._pace, LONGEST_LOOK)):
            reply = self._line.reply(self._smtp.timeout)
            self._hang_up()
            self._judge(SmtpStage.END, reply)
            raise CutOff(f"{name_of(self._smtp)} said {reply_text(reply, self._smtp)} too early")
        self._line.write(DOT, self._smtp.timeout)

    def _answer_to_the_dot(self) -> Reply:
        seconds = self._smtp.timeout
        try:
            return self._line.reply(
                max(seconds, min(seconds * PATIENCE_AT_THE_END, ENOUGH_AT_THE_END)),
                grace=GRACE_AT_THE_END,
            )
        except OSError as error:
            cut_before = self._was_cut_before_the_dot(error)
            self._hang_up()
            if cut_before:
                raise CutOff(
                    f"{name_of(self._smtp)} closed the connection before the end of the message:"
                    f" {describe(error)}"
                ) from error
            raise Unanswered(
                f"{name_of(self._smtp)} got the message, but did not answer: {describe(error)}"
            ) from error

    def _was_cut_before_the_dot(self, error: OSError) -> bool:
        """Return whether the server hung up without having read the dot, which was sent already.

        A connection is reset if data arrives that nobody will read (RFC 1122, 4.2.2.13: "to show
        that data was lost"), and the dot was the last of it. A connection that was closed properly
        was closed before the dot if the server's system never acknowledged the dot.
        """
        if isinstance(error, HungUp):
            return not self._line.is_acknowledged()
        return isinstance(error, ConnectionResetError | BrokenPipeError)

    def _judge(self, stage: SmtpStage, reply: Reply) -> None:
        """Raise the error for a reply, unless it means success."""
        verdict = classify(reply.code, reply.enhanced, stage)
        if verdict is ReplyMeaning.TAKEN:
            return
        message = _message(self._smtp, stage, reply)
        if reply.enhanced == TOO_MANY:  # messages over this connection
            self._hang_up()
            if self.messages > 1:
                raise CutOff(message)
        if reply.code == 421:
            self._hang_up()
            if stage is not SmtpStage.END:
                raise CutOff(message, of_recipient=stage is SmtpStage.RECIPIENT)
            raise Deferred(message, cut=True)
        match verdict:
            case ReplyMeaning.LATER | ReplyMeaning.TIRED:
                raise Deferred(message, tired=verdict is ReplyMeaning.TIRED)
            case ReplyMeaning.SERVER_FAULT:
                self._hang_up()
                raise Deferred(message, server_fault=True, hint=_hint(stage, reply))
            case _:
                raise Refused(
                    message,
                    nobody=verdict is ReplyMeaning.NOBODY,
                    unwelcome=verdict is ReplyMeaning.UNWELCOME,
                    of_content=stage is SmtpStage.END,
                    code=reply.enhanced,
                )

    def _hang_up(self) -> None:
        self.alive = False
        self._line.close()


def open_session(
    smtp: SmtpSettings, context: ssl.SSLContext, stopped: Callable[[], bool]
) -> Session:
    """Connect, greet, encrypt and log in as the settings say.

    Raises Deferred for all messages if any of it fails; nothing is tried with less security.
    """
    with _for_all_mail(smtp, SmtpStage.GREETING):
        line = SmtpConnection(smtp.host, smtp.port, smtp.timeout, stopped)
    try:
        return Session(smtp, line, _introduce(smtp, line, context))
    except BaseException:
        line.close()
        raise


def _introduce(smtp: SmtpSettings, line: SmtpConnection, context: ssl.SSLContext) -> dict[str, str]:
    if smtp.security == "tls":
        with _for_all_mail(smtp, SmtpStage.STARTTLS):
            line.encrypt(context, smtp.timeout)
    _ask(smtp, line, SmtpStage.GREETING)
    extensions = _hello(smtp, line)
    if smtp.security == "starttls":
        _start_tls(smtp, line, extensions, context)
        extensions = _hello(smtp, line)  # replies in the clear are discarded, RFC 3207
    if smtp.username:
        _login(smtp, line, extensions)
    return extensions


def _hello(smtp: SmtpSettings, line: SmtpConnection) -> dict[str, str]:
    """Send EHLO with our address, which needs no DNS; return the server's extensions."""
    reply = _ask(smtp, line, SmtpStage.HELLO, f"EHLO {line.literal}")
    words = [text.replace("=", " ", 1).split(None, 1) for text in reply.lines[1:] if text]
    return {word.upper(): "".join(rest) for word, *rest in words}


def _start_tls(
    smtp: SmtpSettings, line: SmtpConnection, extensions: dict[str, str], context: ssl.SSLContext
) -> None:
    if "STARTTLS" not in extensions:
        raise Deferred(
            f"{name_of(smtp)} does not offer STARTTLS, and nothing is sent unencrypted",
            hint="its port for TLS from the start is usually 465, with smtp.security = tls. "
            "If it did offer STARTTLS before, somebody on the way may be taking it out",
            server_fault=True,
        )
    _ask(smtp, line, SmtpStage.STARTTLS, "STARTTLS")
    with _for_all_mail(smtp, SmtpStage.STARTTLS):
        line.encrypt(context, smtp.timeout)


def _login(smtp: SmtpSettings, line: SmtpConnection, extensions: dict[str, str]) -> None:
    """Log in by PLAIN (RFC 4616) or LOGIN."""
    ways = extensions.get("AUTH", "").upper().split()
    password = smtp.password.get_secret_value()
    if "PLAIN" in ways:
        _ask(smtp, line, SmtpStage.LOGIN, "AUTH PLAIN " + _base64(f"\0{smtp.username}\0{password}"))
    elif "LOGIN" in ways:
        _ask(smtp, line, SmtpStage.LOGIN, "AUTH LOGIN")
        _ask(smtp, line, SmtpStage.LOGIN, _base64(smtp.username))
        _ask(smtp, line, SmtpStage.LOGIN, _base64(password))
    else:
        raise Deferred(
            f"{name_of(smtp)} offers none of the logins that Larkpost supports (PLAIN, LOGIN)",
            hint="many servers offer it under TLS only: look at smtp.security. "
            "If it needs none, leave smtp.username empty",
            server_fault=True,
        )


def _ask(smtp: SmtpSettings, line: SmtpConnection, stage: SmtpStage, command: str = "") -> Reply:
    """Send a command and return the reply, if it is positive; without a command, just read."""
    with _for_all_mail(smtp, stage):
        if command:
            line.write(f"{command}\r\n".encode(), smtp.timeout)
        reply = line.reply(smtp.timeout)
    if 200 <= reply.code < 300 or (reply.code == 334 and stage is SmtpStage.LOGIN):
        return reply
    raise Deferred(
        _message(smtp, stage, reply),
        hint=_hint(stage, reply) if reply.code >= 500 else "",
        server_fault=True,
        rest=LOGIN_REST if stage is SmtpStage.LOGIN and reply.code >= 500 else 0.0,
    )


@contextmanager
def _for_all_mail(smtp: SmtpSettings, stage: SmtpStage) -> Iterator[None]:
    try:
        yield
    except Stopped as error:
        raise _stop_error(smtp, error) from error
    except OSError as error:
        raise Deferred(
            f"{name_of(smtp)}, {stage}: {describe(error)}", hint=HINTS[stage], server_fault=True
        ) from error


def _stop_error(smtp: SmtpSettings, error: Stopped) -> Deferred:
    """Make the error for a stop before a message is out, which is not the server's fault."""
    return Deferred(f"{name_of(smtp)}: {describe(error)}", server_fault=True, stopped=True)


def _message(smtp: SmtpSettings, stage: SmtpStage, reply: Reply) -> str:
    wants = f": {WANTS_LOGIN}" if reply.code in LOGIN_FIRST and stage is not SmtpStage.LOGIN else ""
    return f"{name_of(smtp)} said {reply_text(reply, smtp)} {stage}{wants}"


def _hint(stage: SmtpStage, reply: Reply) -> str:
    """Return the hint: if a login is demanded, the sender is not at fault, whatever the stage."""
    return HINTS[SmtpStage.LOGIN] if reply.code in LOGIN_FIRST else HINTS.get(stage, "")


def name_of(smtp: SmtpSettings) -> str:
    """Return the server's name for people."""
    return f"{smtp.host}:{smtp.port}"


def describe(error: OSError) -> str:
    """Describe an error in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or error})"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return error.strerror or str(error)


def reply_text(reply: Reply, smtp: SmtpSettings) -> str:
    """Return the reply on one line, without an echo of the login."""
    text = str(reply)
    password = smtp.password.get_secret_value()
    plain = f"\0{smtp.username}\0{password}"
    for secret in filter(None, (password, password and _base64(password), _base64(plain))):
        text = text.replace(secret, "…")
    return shorten(text, 300)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")
