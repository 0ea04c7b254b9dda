"""A uvicorn server in a thread, which answers before anybody connects."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.helpers.polling import until

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    import uvicorn


@contextmanager
def answering(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    """Run a server while in the block, from when it listens.

    ``larkpost.serve.listen`` only binds its socket: connections are refused until then.
    """
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        until(lambda: server.started)
        yield
    finally:
        server.should_exit = True
        thread.join()
