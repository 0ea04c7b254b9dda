"""Tests the link of the admin page: it is printed for users with access to the key file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.helpers.cli_helpers import Shell


def test_there_is_no_link_unless_the_page_is_wished_for(shell: Shell) -> None:
    done = shell("admin", code=2)

    assert "web.admin_link_version" in done.err


def test_another_number_makes_another_link(shell: Shell) -> None:
    shell("init")
    first, again, second = (
        shell.__class__(shell.folder, {"LARKPOST_WEB__ADMIN_LINK_VERSION": number})("admin").out
        for number in ("1", "1", "2")
    )

    assert first.startswith("http://127.0.0.1:8025/admin/")
    assert first == again
    assert first != second
