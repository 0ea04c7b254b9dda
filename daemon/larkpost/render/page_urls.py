"""The protocol of the URLs that renderers need; ``larkpost.urls`` has the builder."""

from __future__ import annotations

from typing import Protocol

from larkpost.domain import Edition, Reader
from larkpost.interfaces import FeedFormat


class PageUrls(Protocol):
    """Absolute URLs in ASCII; those that act for a reader carry a token in their path."""

    def ballot(self, edition: Edition) -> str:
        """Start every vote link of an edition: add ``/{position}/up`` or ``/{position}/down``."""
        ...

    def edition(self, edition: Edition) -> str:
        """Link to the edition in the browser."""
        ...

    def leave(self, reader: Reader) -> str:
        """Link to unsubscribe, by a page or by the POST of RFC 8058."""
        ...

    def page(self, reader: Reader) -> str:
        """Link to the reader's own page."""
        ...

    def confirm(self, reader: Reader) -> str:
        """Link to the page on which a new reader confirms the address."""
        ...

    def feed(self, reader: Reader, form: FeedFormat, /) -> str:
        """Link to the reader's feed."""
        ...

    def paper(self, uid: str) -> str:
        """Link to the page of a paper."""
        ...

    def front(self) -> str:
        """Link to the front page."""
        ...
