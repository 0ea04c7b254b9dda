"""The operator's paste page: shows the papers in a text, and ingests it on request."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - ``date`` is a field of the form
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from larkpost.db import read_dumps
from larkpost.errors import UnreadableDump, UsageError
from larkpost.ingest.ingest import ingest
from larkpost.ingest.preview import DumpPreview, preview
from larkpost.text.normalize import shorten
from larkpost.web.auth import check_admin
from larkpost.web.bookmarklet import bookmarklet
from larkpost.web.forms import read, text
from larkpost.web.site import LARGEST_UPLOAD, SiteContext, in_words

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


PASTED = "pasted text"  # its name among the dumps
# Both forms send the content, so what is shown must fit into the second one as well: a text beside
# its SHA-256, a file in base64, which is longer by a third.
LARGEST_TEXT = LARGEST_UPLOAD - 8 * 1024  # bytes, a line end counts as two
LARGEST_FILE = 3_000_000  # bytes
LONGEST_NAME = 200  # characters of a file's name
MOST_SHOWN = 20  # rejected records
# Only this page keeps its opener, which sends it the text.
KEEPS_OPENER = {"Cross-Origin-Opener-Policy": "unsafe-none"}


@dataclass(frozen=True, slots=True)
class PastedDump:
    """The pasted text or chosen file: its bytes, its name, and the ``day`` typed beside it.

    ``text`` is the content of the field, ``None`` for a file.
    """

    content: bytes
    name: str
    text: str | None
    day: Date | None


def paste(site: SiteContext, request: Request, form: FormData) -> Response:
    """Answer ``/admin/{token}/paste``: GET shows the form, POST shows its papers, or ingests them.

    Nothing is stored unless the form says ``take`` and its SHA-256 matches its content.
    """
    check_admin(site, request)
    if request.method != "POST":
        response = _page(site, script=True)
        response.headers.update(KEEPS_OPENER)
        return response
    try:
        pasted = _read_pasted(form)
    except UsageError as error:
        return _page(site, 400, problem=in_words(error), typed=text(form, "text"))
    if len(pasted.content) + pasted.content.count(b"\n") > LARGEST_TEXT and pasted.text is not None:
        problem = "This text is too long to paste. Put it into the inbox folder as a file."
        return _page(site, 413, problem=problem)
    if len(pasted.content) > LARGEST_FILE and pasted.text is None:
        return _page(
            site,
            413,
            problem="A file here may have 3 MB at most. Put it into the inbox folder instead.",
        )
    try:
        return _answer(site, form, pasted, site.clock())
    except UnreadableDump as error:
        return _page(site, 400, problem=in_words(error), typed=pasted.text or "")


def open_paste(site: SiteContext, _request: Request, _form: FormData) -> Response:
    """Answer ``/paste``, which forwards to the operator's page if this browser knows its link.

    The bookmarklet opens it. Its script finds the link that the paste page left in the browser's
    storage, which only pages of our origin can read.
    """
    if not site.program.settings.web.admin_link_version:
        raise HTTPException(404)
    response = site.pages.page("paste_open.html", script=True)
    response.headers.update(KEEPS_OPENER)
    return response


def _answer(site: SiteContext, form: FormData, pasted: PastedDump, now: datetime) -> Response:
    """Show the pasted text, or ingest it if it was shown before."""
    program = site.program
    found = preview(
        program.dump_formats, BytesIO(pasted.content), name=pasted.name, date=pasted.day, now=now
    )
    if text(form, "action") != "take":
        return _show(site, pasted, found)
    if text(form, "digest") != found.digest:
        problem = (
            "The text has changed since it was shown, so nothing was added. Please check it again."
        )
        return _show(site, pasted, found, 409, problem)
    report = ingest(
        program.store, program.dump_formats, None, stream=BytesIO(pasted.content),
        name=pasted.name, date=pasted.day, now=now,
    )  # fmt: skip
    return _page(site, report=report)


def _show(
    site: SiteContext, pasted: PastedDump, found: DumpPreview, status: int = 200, problem: str = ""
) -> Response:
    with site.program.store.read() as connection:
        before = read_dumps.by_digest(connection, found.digest)
    return _page(
        site,
        status,
        problem=problem,
        preview=found,
        before=before,
        typed=pasted.text or "",
        file_name=pasted.name if pasted.text is None else "",
        encoded=b64encode(pasted.content).decode() if pasted.text is None else "",
        day=pasted.day,
    )


def _read_pasted(form: FormData) -> PastedDump:
    """Read the field, else the chosen file, else the one that was chosen before.

    Browsers send each line end as CR LF (HTML standard, 4.10.21.3), and put U+FFFD for NUL, which
    no page can show. Raises UsageError.
    """
    typed = text(form, "day").strip()
    day = read("day", Date.fromisoformat, typed) if typed else None
    written = text(form, "text").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    if written.strip():
        return PastedDump(written.encode(), PASTED, written, day)
    file = form.get("file")
    if isinstance(file, UploadFile) and (content := file.file.read()):
        return PastedDump(content, shorten(file.filename or "", LONGEST_NAME) or PASTED, None, day)
    try:
        content = b64decode(text(form, "encoded"), validate=True)
    except (binascii.Error, ValueError):
        raise UsageError("the file did not arrive completely", hint="choose it again") from None
    if not content:
        raise UsageError("nothing was pasted, and no file was chosen")
    return PastedDump(content, shorten(text(form, "name"), LONGEST_NAME) or PASTED, None, day)


def _page(
    site: SiteContext, status: int = 200, *, script: bool = False, **facts: object
) -> Response:
    links, version = site.program.links, site.program.settings.web.admin_link_version
    usual: dict[str, object] = dict.fromkeys(("preview", "before", "report", "day"))
    usual |= dict.fromkeys(("problem", "typed", "file_name", "encoded"), "")
    return site.pages.page(
        "paste.html",
        status,
        script=script,
        **usual | facts,
        fresh=script,
        most_shown=MOST_SHOWN,
        largest=LARGEST_TEXT,
        bookmarklet=bookmarklet(links.open_paste(), site.pages.origin),
        path=site.pages.path(links.paste(version)),
        admin_path=site.pages.path(links.admin(version)),
    )
