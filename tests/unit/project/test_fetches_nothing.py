"""Tests that only the polling of sources uses the network: no other module can fetch."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import larkpost

if TYPE_CHECKING:
    from collections.abc import Iterator

# What speaks HTTP, FTP or the like as a client. smtplib and sockets go where the settings say.
CLIENTS = (
    "urllib.request", "urllib.robotparser", "urllib3", "http.client", "http.cookiejar", "httpx",
    "httpx2", "httpcore", "requests", "aiohttp", "niquests", "pycurl", "ftplib", "xmlrpc.client",
    "websockets", "httpcore2",
)  # fmt: skip


def imported(source: str) -> Iterator[str]:
    """Name all that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def clients(source: str) -> list[str]:
    return [
        name
        for name in imported(source)
        if any(f"{name}.".startswith(f"{client}.") for client in CLIENTS)
    ]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import urllib.request", ["urllib.request"]),
        ("from urllib import request as r", ["urllib.request"]),
        ("from urllib.request import urlopen", ["urllib.request.urlopen"]),
        ("def f():\n    import httpx", ["httpx"]),
        ("from http.client import HTTPConnection", ["http.client.HTTPConnection"]),
        ("from urllib.parse import urlsplit\nimport http", []),
        ("from starlette.requests import Request", []),
    ],
)
def test_a_client_is_found_however_it_is_imported(source: str, found: list[str]) -> None:
    assert clients(source) == found


def test_only_the_fetch_package_imports_a_client() -> None:
    package = Path(larkpost.__file__).parent
    modules = [one for one in package.rglob("*.py") if one.parent != package / "fetch"]
    assert len(modules) > 100

    assert {str(one): clients(one.read_text("utf-8")) for one in modules} == {
        str(one): [] for one in modules
    }
