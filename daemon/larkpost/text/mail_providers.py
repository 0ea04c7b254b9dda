"""What is known of large mail providers: which spellings reach one mailbox, and who is large.

Only limits go by this, so that a rule too many costs a stranger an hour, and nobody a letter. The
sources are the providers' own help pages, by their titles, as they read in 2025.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """Domains of a provider and how it reads what stands before the ``@``.

    ``domains`` is a pattern. ``mailbox_domain`` is set where the same name is the same mailbox at
    all of them. ``tags`` are the characters after which a tag begins, ``ignored`` those that count
    for nothing, and ``alike`` those that stand for a hyphen. Where ``subdomains``, what is sent to
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


# Any other host: Postfix and Exchange Online take a tag after "+" (RFC 5233), and a host that does
# not loses nothing by being read so.
ANY = Provider(_domains(""))

PROVIDERS = (
    # Gmail Help, "Dots don't matter in Gmail addresses" and "Create task-specific email addresses";
    # Google Account Help on gmail.com and googlemail.com. Google Workspace does tell dots apart.
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

# Domains with so many mailboxes that the letters of a busy hour come to them by nature.
_LARGE = re.compile(
    r"(?:gmail|yahoo|ymail|outlook|hotmail|live|msn|icloud|aol|proton|yandex|fastmail|gmx|web|mail"
    r"|qq|163|126|naver|t-online|orange|free|libero|comcast|zoho)"
    r"\.(?:com?\.)?(?:com|net|me|[a-z]{2})"
)


def provider_of(domain: str) -> Provider:
    """Give what is known of a domain in small ASCII letters; ``ANY`` where that is nothing."""
    for one in PROVIDERS:
        if one.domains.fullmatch(domain):
            return one
    return ANY


def is_large(domain: str) -> bool:
    """Whether a domain, in small ASCII letters, has so many mailboxes that more letters are due."""
    return _LARGE.fullmatch(domain) is not None
