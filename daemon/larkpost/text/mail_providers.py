"""Rules of large mail providers: which spellings reach one mailbox, and which are large.

Only limits use this, so a wrong rule may delay a stranger by an hour, and loses no message. The
sources are the providers' own help pages of 2025, by title.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """Domains of a provider, and its rules for the part before the ``@``.

    ``domains`` is a pattern. ``mailbox_domain`` is set if the same name is the same mailbox at all
    of them. ``tags`` are the characters after which a tag begins, ``ignored`` those that are
    ignored, and ``alike`` those that are the same as a hyphen. With ``subdomains``, mail to
    ``anything@name.domain`` reaches ``name@domain``.
    """

    domains: re.Pattern[str]
    mailbox_domain: str = ""
    tags: str = "+"
    ignored: str = ""
    alike: str = ""
    subdomains: bool = False


def _domains(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


# Any other host: Postfix and Exchange Online support a tag after "+" (RFC 5233); for a host that
# does not, this rule does no harm.
ANY = Provider(_domains(""))

PROVIDERS = (
    # Gmail Help, "Dots don't matter in Gmail addresses" and "Create task-specific email addresses";
    # Google Account Help on gmail.com and googlemail.com. Google Workspace does distinguish dots.
    Provider(_domains(r"gmail\.com|googlemail\.com"), "gmail.com", ignored="."),
    # Yahoo Help, "Create disposable email addresses": base name, hyphen, keyword. A Yahoo ID itself
    # has no hyphen.
    Provider(
        _domains(r"yahoo\.(?:com?\.)?[a-z]{2,3}|ymail\.com|rocketmail\.com|myyahoo\.com"), tags="+-"
    ),
    # Fastmail Help, "Plus addressing and subdomain addressing".
    Provider(
        _domains(r"fastmail\.[a-z.]{2,6}|messagingengine\.com|sent\.com|pobox\.com"),
        subdomains=True,
    ),
    # Proton Support, "Addresses and aliases": dots, hyphens and underscores of a name do not count,
    # and a name belongs to one account at all of its domains.
    Provider(
        _domains(r"proton\.me|protonmail\.(?:com|ch)|pm\.me"), "proton.me", ignored=".-_"
    ),
    # Apple Support, "About iCloud Mail addresses": older accounts have all three.
    Provider(_domains(r"icloud\.com|me\.com|mac\.com"), "icloud.com"),
    # Yandex Help, "Mailbox addresses": all domains of Yandex are one mailbox; a dot is a hyphen.
    Provider(
        _domains(r"ya\.ru|narod\.ru|yandex\.(?:com\.)?[a-z]{2,3}"), "yandex.ru", alike="."
    ),
)  # fmt: skip

# Domains with so many mailboxes that many messages per hour are normal.
_LARGE = re.compile(
    r"(?:gmail|yahoo|ymail|outlook|hotmail|live|msn|icloud|aol|proton|yandex|fastmail|gmx|web|mail"
    r"|qq|163|126|naver|t-online|orange|free|libero|comcast|zoho)"
    r"\.(?:com?\.)?(?:com|net|me|[a-z]{2})"
)


def provider_of(domain: str) -> Provider:
    """Return the rules of a domain in lower-case ASCII; ``ANY`` for an unknown one."""
    for one in PROVIDERS:
        if one.domains.fullmatch(domain):
            return one
    return ANY


def is_large(domain: str) -> bool:
    """Whether a domain, in lower-case ASCII, has so many mailboxes that its limit is higher."""
    return _LARGE.fullmatch(domain) is not None
