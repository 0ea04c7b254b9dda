"""Signs and verifies tokens, which tie a link to a reader and make forged links useless."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.signer import SigningAlgorithm

from larkpost.errors import DamagedKey, InvalidToken, SettingsError
from larkpost.safe_files import create_once, make_folder, move_aside

if TYPE_CHECKING:
    from larkpost.token_routes import Purpose

KEY_BYTES = 32
_KEY = re.compile(rf"(?:[0-9A-Fa-f]{{2}}){{{KEY_BYTES},}}")
_LOST = "restore it from a backup; only if there is none, run larkpost init --new-key"
_DAMAGED = (
    "restore the key from a backup; only if there is none, run larkpost init --new-key, which"
    " renames the damaged file and creates a new key"
)
MAC_BYTES = 16  # 128 bits: OWASP ASVS 5.0, 11.5.1; short enough for a List-Unsubscribe header


class Tokens:
    """Signs and verifies tokens; the first key signs, all keys verify, so keys can be rotated.

    A token is ``payload.mac`` in URL-safe base64 without padding. The payload is one byte that
    names the key, then the numbers; the MAC is HMAC-SHA256, cut to 128 bits, under a key derived
    from the secret and the purpose, so that a token is invalid for any other purpose.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or min(map(len, keys)) < KEY_BYTES:
            raise ValueError(f"tokens need a key, of {KEY_BYTES} bytes or more")
        self._key_id = _key_id(keys[0])
        self._keys: dict[int, list[bytes]] = {}
        for key in reversed(keys):  # itsdangerous signs with the last key
            self._keys.setdefault(_key_id(key), []).append(key)

    def sign(self, purpose: Purpose, *numbers: int) -> str:
        """Make a token for these numbers, each 0 or more; about 35 characters."""
        payload = base64_encode(bytes([self._key_id]) + b"".join(map(_pack, numbers)))
        return self._signer(purpose, self._key_id).sign(payload).decode("ascii")

    def verify(self, purpose: Purpose, token: str) -> tuple[int, ...]:
        """Return the signed numbers; raises InvalidToken, the same for every kind of fault."""
        try:
            text = token.encode("ascii")
            key_id = base64_decode(text[:2])[0]
            payload = self._signer(purpose, key_id).unsign(text)
        except (UnicodeEncodeError, BadData, LookupError) as error:
            raise _refusal() from error
        mac = text.rpartition(b".")[2]
        # Base64 has several spellings of the same bytes; only ours is accepted.
        if base64_encode(base64_decode(mac)) != mac:
            raise _refusal()
        return _unpack(base64_decode(payload)[1:])

    def hash_text(self, text: str) -> str:
        """Hash a text so that guessing it needs the key; 64 hexadecimal digits."""
        key = self._keys[self._key_id][-1]
        return hmac.digest(key, b"larkpost.hash" + text.encode(), "sha256").hex()

    def _signer(self, purpose: Purpose, key_id: int) -> Signer:
        return Signer(
            self._keys[key_id],
            salt=f"larkpost.{purpose}",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
            algorithm=_ShortMac(),
        )


class _ShortMac(SigningAlgorithm):
    """HMAC-SHA256 cut to its first 128 bits, as RFC 2104 section 5 allows."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")[:MAC_BYTES]


def make_key(path: Path) -> None:
    """Write a new key to ``path``, readable by its owner only; an existing key stays."""
    if path.exists():  # a read-only disk is no problem then
        return
    make_folder(path.parent)
    with suppress(FileExistsError):  # two processes that start at once agree on one key
        create_once(path, f"{secrets.token_hex(KEY_BYTES)}\n".encode("ascii"))


def read_keys(path: Path) -> list[bytes]:
    """Read a key file: one key per line in hexadecimal, newest first.

    To rotate, put a new line at the top; links signed with older lines stay valid as long as those
    lines stay. Raises DamagedKey if it contains no key, and SettingsError if it cannot be read, or
    if everybody on the machine can read it.
    """
    try:
        if not path.is_file():  # a folder, a pipe that nobody writes into, a link to nothing
            raise _damage_error(path, "it is no file" if path.exists() else "it is not there")
        if path.stat().st_mode & stat.S_IRWXO:
            raise SettingsError(
                f"the key file {path} can be read by every user of this machine",
                hint=f"run chmod 600 {path}; mount a file system without permissions (vfat, exFAT)"
                " with umask=077",
            )
        lines = path.read_text("ascii", errors="replace").split()
    except OSError as error:
        raise SettingsError(
            f"the key file {path} cannot be read: {error.strerror}",
            hint="check its owner and permissions, and those of its folder",
        ) from error
    if not lines or not all(map(_KEY.fullmatch, lines)):
        what = "one of its lines is no key" if lines else "it holds no key"
        raise _damage_error(path, f"{what} of {KEY_BYTES * 2} hexadecimal digits or more")
    return [bytes.fromhex(line) for line in lines]


def move_damaged_key(path: Path, now: datetime) -> Path | None:
    """Move a damaged key file aside; returns its new path, None if nothing is wrong.

    It stays in the same folder, named by the time, because it may be repairable. Raises
    SettingsError as ``read_keys`` does, except for the damage.
    """
    if not os.path.lexists(path):
        return None
    try:
        read_keys(path)
    except DamagedKey:
        place = path.with_name(f"{path.name}.damaged-{now:%Y%m%dT%H%M%S%f}")
        move_aside(path, place)
        return place
    return None


def missing_key(path: Path, database: str) -> SettingsError:
    """Make the error for a database with content whose key is missing."""
    return SettingsError(
        f"the key file {path} is missing, and {database} has readers or papers: a new key"
        " would break all links in emails, feeds and bookmarks, including unsubscribe links",
        hint=_LOST,
    )


def _damage_error(path: Path, what: str) -> DamagedKey:
    return DamagedKey(f"the key file {path} is damaged: {what}", hint=_DAMAGED)


def _refusal() -> InvalidToken:
    return InvalidToken(
        "this link is not valid",
        hint="copy the whole link again from the newest email or feed entry",
    )


def _key_id(key: bytes) -> int:
    return hashlib.sha256(b"larkpost.key-id" + key).digest()[0]


def _pack(number: int) -> bytes:
    """Encode as LEB128: seven bits per byte, lowest first; the high bit means that more follow."""
    if number < 0:
        raise ValueError(f"{number} is below zero: tokens hold numbers from 0 up")
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _unpack(body: bytes) -> tuple[int, ...]:
    numbers: list[int] = []
    number = shift = 0
    for byte in body:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    return tuple(numbers)
