"""A CRM that takes its time: it answers every customer after so many seconds.

One thread for any number of requests, so that the vendor's own work does not weigh on
what is measured. It speaks just enough of HTTP for the engine's client.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_BODY = json.dumps({"data": {"id": "1", "name": "Pat", "email": "pat@example.com"}}).encode()
_REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: keep-alive\r\n\r\n%s" % (len(_BODY), _BODY)
)


@contextmanager
def slow_vendor(seconds: float) -> Iterator[str]:
    """Its base URL on this machine."""
    loop = asyncio.new_event_loop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(seconds)
                writer.write(_REPLY)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0, backlog=512))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/crm"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
