"""A web server for tests, on a free port of this machine, that can be told to misbehave."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Conduct = Literal["proper", "no ranges", "wrong range", "closes early", "too much", "too much, unannounced", "silent"]


@dataclass
class WebServer:
    """files: path below the root to content. requests: (path, Range header or nothing), in order."""

    files: dict[str, bytes]
    conduct: Conduct = "proper"
    redirect_to: str | None = None
    url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def serving(files: dict[str, bytes], conduct: Conduct = "proper") -> Iterator[WebServer]:
    """A server, until the end of the block."""
    state = WebServer(files, conduct)

    class Handler(_Handler):
        server_state = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/packs"
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    server_state: WebServer

    def do_GET(self) -> None:
        state = self.server_state
        wanted = self.headers.get("Range", "")
        state.requests.append((self.path, wanted))
        content = state.files.get(self.path.removeprefix("/packs/"))
        if state.redirect_to is not None:
            self.send_response(302)
            self.send_header("Location", state.redirect_to)
            self.end_headers()
        elif content is None:
            self.send_error(404)
        elif state.conduct == "silent":
            state.released.wait(30)
        else:
            self._send(content, wanted)

    def _send(self, content: bytes, wanted: str) -> None:
        conduct = self.server_state.conduct
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and conduct != "no ranges" else 0
        if start >= len(content):
            self.send_error(416)
            return
        body = content[start:]
        if conduct.startswith("too much"):
            body += b"x" * 1000
        self.send_response(206 if start else 200)
        if start:
            shown = start - 1 if conduct == "wrong range" else start
            self.send_header("Content-Range", f"bytes {shown}-{len(content) - 1}/{len(content)}")
        if conduct != "too much, unannounced":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if conduct == "closes early" else body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
