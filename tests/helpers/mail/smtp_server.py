"""A mail server for tests that misbehaves on command."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

PASSWORD = "open sesame"


class Fault(Enum):
    """The action of the server instead of a reply."""

    CUT = "closes the connection"
    HANG = "says nothing until it is stopped"
    TRICKLE = "answers a byte every tenth of a second"


Answer = str | bytes | Fault | None  # None is the usual reply; bytes are sent unchanged
Script = Mapping[str, Sequence[Answer] | Callable[[str], Answer]]


@dataclass(frozen=True)
class Arrived:
    """A message whose final dot arrived; ``answered`` if it got a 250."""

    sender: str
    recipient: str
    content: bytes
    answered: bool


@dataclass
class Talk:
    """One connection."""

    sock: socket.socket
    heard: bytearray = field(default_factory=bytearray)
    sender: str = ""
    recipient: str = ""

    def line(self) -> str | None:
        while b"\r\n" not in self.heard:
            if not (data := self.sock.recv(65536)):
                return None
            self.heard += data
        line, _, rest = bytes(self.heard).partition(b"\r\n")
        self.heard[:] = rest
        return line.decode()

    def content(self, most: int | None) -> bytes | None:
        """Read up to the dot and undo dot-stuffing; None if ``most`` bytes or EOF came first."""
        searched = 0
        while True:
            # Check first: a short message and its dot may arrive together.
            if most is not None and len(self.heard) >= most:
                return None
            if self.heard.startswith(b".\r\n") or self.heard.find(b"\r\n.\r\n", searched) >= 0:
                break
            searched = max(0, len(self.heard) - 4)
            # Read no more than this: later bytes stay unread, however early they arrive.
            room = 4096 if most is None else most - len(self.heard)
            if not (data := self.sock.recv(room)):
                return None
            self.heard += data
        body, _, rest = (b"\r\n" + bytes(self.heard)).partition(b"\r\n.\r\n")
        self.heard[:] = rest
        return (body + b"\r\n").replace(b"\r\n.", b"\r\n")[2:]


class SmtpServer:
    """Listens on a free port of loopback while in a ``with`` block.

    ``script`` has the replies per verb: a sequence has one for each time that the verb comes; a
    function is called with the whole line. The verbs are those of SMTP, and BANNER, BODY (within a
    message, after ``body_limit`` bytes) and DOT (after it). The server accepts PASSWORD from any
    user; a ``lenient`` one accepts DATA without a recipient.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        extensions: Sequence[str] = ("8BITMIME", "ENHANCEDSTATUSCODES"),
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        body_limit: int = 100,
        lenient: bool = False,
    ) -> None:
        self._script = dict(script or {})
        self._used: dict[str, int] = defaultdict(int)
        self._extensions = extensions
        self._starttls = starttls
        self._tls = tls
        self._body_limit = body_limit
        self._lenient = lenient
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._talks: list[Talk] = []
        self.commands: list[str] = []
        self.arrived: list[Arrived] = []
        self.connections = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for talk in self._talks:
            with contextlib.suppress(OSError):
                talk.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    @property
    def taken(self) -> list[Arrived]:
        """The messages that got the reply 250."""
        return [message for message in self.arrived if message.answered]

    def verbs(self) -> list[str]:
        return [command.split(" ")[0].partition(":")[0].upper() for command in self.commands]

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                sock, _ = self._listener.accept()
                sock.settimeout(20)
                # Otherwise replies to pipelined commands wait 40 ms for each other.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                talk = Talk(sock)
                self._talks.append(talk)
                self._spawn(self._serve, talk)

    def _serve(self, talk: Talk) -> None:
        try:
            # These tests cause reset connections and failed handshakes.
            with contextlib.suppress(OSError):
                if self._tls:
                    talk.sock = self._tls.wrap_socket(talk.sock, server_side=True)
                for _ in self._conversation(talk):
                    if self._over.is_set():
                        break
        finally:
            talk.sock.close()

    def _conversation(self, talk: Talk) -> Iterator[None]:
        going = self._answer(talk, "BANNER", "", "220 post office")
        while going and (line := talk.line()) is not None:
            self.commands.append(line)
            verb = line.split(" ")[0].partition(":")[0].upper()
            going = self._react(talk, verb, line)
            yield

    def _react(self, talk: Talk, verb: str, line: str) -> bool:
        match verb:
            case "EHLO":
                offered = [*self._extensions]
                if self._starttls and not isinstance(talk.sock, ssl.SSLSocket):
                    offered.append("STARTTLS")
                words = ["post office", *offered]
                marks = ["-"] * len(offered) + [" "]
                usual = "\r\n".join(f"250{m}{w}" for m, w in zip(marks, words, strict=True))
                return self._answer(talk, verb, line, usual)
            case "STARTTLS":
                return self._start_tls(talk, line)
            case "AUTH":
                return self._login(talk, line)
            case "MAIL":
                talk.sender = line.partition("<")[2].partition(">")[0]
                talk.recipient = ""
            case "RCPT":
                return self._recipient(talk, line)
            case "DATA":
                return self._data(talk, line)
            case "QUIT":
                self._answer(talk, verb, line, "221 2.0.0 bye")
                return False
        return self._answer(talk, verb, line, "250 2.0.0 ok")

    def _start_tls(self, talk: Talk, line: str) -> bool:
        if not self._answer(talk, "STARTTLS", line, "220 2.0.0 go ahead"):
            return False
        if self._starttls:
            talk.sock = self._starttls.wrap_socket(talk.sock, server_side=True)
        return True

    def _login(self, talk: Talk, line: str) -> bool:
        words = line.split(" ")
        if words[1].upper() == "PLAIN":
            password = b64decode(words[2]).decode().split("\0")[2]
        else:
            self._send(talk, "334 VXNlcm5hbWU6")
            talk.line()
            self._send(talk, "334 UGFzc3dvcmQ6")
            password = b64decode(talk.line() or "").decode()
        good = password == PASSWORD
        usual = "235 2.7.0 welcome" if good else "535 5.7.8 wrong password"
        return self._answer(talk, "AUTH", line, usual)

    def _recipient(self, talk: Talk, line: str) -> bool:
        answer = self._next("RCPT", line)
        if answer is None:
            talk.recipient = line.partition("<")[2].partition(">")[0]
        return self._do(talk, answer, "250 2.1.5 ok")

    def _data(self, talk: Talk, line: str) -> bool:
        if not talk.recipient and not self._lenient:
            return self._answer(talk, "DATA", line, "554 5.5.1 no valid recipients")
        answer = self._next("DATA", line)
        if not self._do(talk, answer, "354 go on"):
            return False
        if answer is not None and not str(answer).startswith("354"):
            return True
        fault = self._next("BODY", talk.recipient)
        content = talk.content(self._body_limit if fault else None)
        if content is None:
            if fault:
                self._do(talk, fault, "")
            # After a reply within the message, read the rest.
            return not isinstance(fault, Fault) and talk.content(None) is not None
        answer = self._next("DOT", talk.recipient)
        with self._lock:
            message = Arrived(talk.sender, talk.recipient, content, answer is None)
            self.arrived.append(message)
        return self._do(talk, answer, "250 2.0.0 taken")

    def _next(self, verb: str, line: str) -> Answer:
        with self._lock:
            planned = self._script.get(verb, ())
            if callable(planned):
                return planned(line)
            turn = self._used[verb]
            self._used[verb] += 1
            return planned[turn] if turn < len(planned) else None

    def _answer(self, talk: Talk, verb: str, line: str, usual: str) -> bool:
        return self._do(talk, self._next(verb, line), usual)

    def _do(self, talk: Talk, answer: Answer, usual: str) -> bool:
        """Send a reply; returns False if the connection is over."""
        match answer:
            case Fault.CUT:
                return False
            case Fault.HANG:
                self._over.wait(20)
                return False
            case Fault.TRICKLE:
                for message in usual * 20:
                    if self._over.wait(0.1):
                        return False
                    talk.sock.sendall(message.encode())
                return False
            case bytes():
                talk.sock.sendall(answer)
                return True
            case _:
                said = usual if answer is None else str(answer)
                self._send(talk, said)
                return not said.startswith("421")

    def _send(self, talk: Talk, text: str) -> None:
        talk.sock.sendall(text.encode() + b"\r\n")


def free_port() -> int:
    """Find a port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def always(answer: Answer) -> Callable[[str], Answer]:
    """Return a script item: the same reply each time."""
    return lambda _line: answer


def when(text: str, answer: Answer) -> Callable[[str], Answer]:
    """Return a script item: this reply to lines with ``text``, the usual one to others."""
    return lambda line: answer if text in line else None
