"""Names the texts of a paper that come from a source that is no authority for papers."""

from __future__ import annotations

from enum import IntFlag


class Unverified(IntFlag):
    """Texts from a polled feed or a mail, which replace none of an authority's.

    Authorities are the operator's own dumps, arXiv and Hugging Face
    (``larkpost.fetch.authorities``).
    """

    NONE = 0
    TITLE = 1
    ABSTRACT = 2
    AUTHORS = 4
    ALL = 7
