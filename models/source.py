"""Where a pack's weights come from: a folder, or a web server. Nothing here is trusted; hashes are checked after.

A source writes into a partial file of ours and never past the size its manifest states.
"""

from __future__ import annotations

import http.client
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from edge.errors import DownloadFailed, InstallFailed
from edge.formats.pack import PackFile

STALL_TIMEOUT_S = 30.0
_CHUNK_BYTES = 64 * 1024
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")

_WEB_HANDLERS = (
    urllib.request.ProxyHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPRedirectHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPErrorProcessor,
    urllib.request.UnknownHandler,
)
"""urllib's own, without those for ftp:, file: and data:, to which a server might redirect."""

Report = Callable[[int], None]
"""Told how many bytes of the file are here, after each chunk."""


class Source(Protocol):
    """A place that holds the files of a pack under the paths its manifest calls `source`."""

    def fetch(self, file: PackFile, out: BinaryIO, report: Report) -> None:
        """Bring a file into `out`, at most size_bytes of it; what a broken-off transfer left there may be kept.

        Raises: DownloadFailed when it is not there, cut short or too long; InstallFailed when it cannot be
        written.
        """


class NoSource:
    """No --from was given: well where nothing is missing, else a word on what to type."""

    def __init__(self, command: str) -> None:
        self._command = command

    def fetch(self, file: PackFile, out: BinaryIO, report: Report) -> None:
        """Raises: DownloadFailed."""
        raise DownloadFailed(f"{file.name}: not installed, or altered; say where the weights are: {self._command}")


class FolderSource:
    """A folder on this machine, or a stick."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, file: PackFile, out: BinaryIO, report: Report) -> None:
        """See Source."""
        path = self._folder / file.origin
        try:
            with path.open("rb") as stream:
                _copy(stream, out, 0, file, str(path), report)
        except (DownloadFailed, InstallFailed):
            raise
        except FileNotFoundError:
            raise DownloadFailed(f"{path}: not there; --from needs the folder below which {file.origin} lies") from None
        except OSError as error:
            raise DownloadFailed(f"{path}: cannot be read: {error.strerror or error}") from error


class UrlSource:
    """A web server: http or https, wherever it redirects. A broken-off download goes on where it stopped."""

    def __init__(self, base_url: str, timeout_s: float = STALL_TIMEOUT_S) -> None:
        """timeout_s: the longest silence of the server. Raises: DownloadFailed for anything but http(s)."""
        parts = urllib.parse.urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise DownloadFailed(f"{base_url}: need a folder, or an address that begins with https:// or http://")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise DownloadFailed(
                f"{parts.scheme}://{parts.hostname}: the address may hold no user, password, query or fragment"
            )
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._opener = urllib.request.OpenerDirector()
        for handler in _WEB_HANDLERS:
            self._opener.add_handler(handler())

    def fetch(self, file: PackFile, out: BinaryIO, report: Report) -> None:
        """See Source."""
        url = f"{self._base_url}/{urllib.parse.quote(file.origin)}"
        have = out.seek(0, os.SEEK_END)
        try:
            with self._open(url, have if have < file.size_bytes else 0) as response:
                start = _start_of(response, have, url)
                _copy(response, out, start, file, url, report)
                if response.length:
                    raise DownloadFailed(
                        f"{url}: the connection closed {response.length} bytes early; what has come is kept: "
                        "run the same command again"
                    )
        except (DownloadFailed, InstallFailed):
            raise
        except urllib.error.HTTPError as error:
            error.close()
            raise DownloadFailed(f"{url}: the server answers {error.code} {error.reason}, need 200") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise DownloadFailed(f"{url}: {reason}; what has come is kept: run the same command again") from error

    def _open(self, url: str, have: int) -> http.client.HTTPResponse:
        headers = {"User-Agent": "lfr-models", "Accept-Encoding": "identity"}
        resume = {"Range": f"bytes={have}-"} if have else {}
        try:
            request = urllib.request.Request(url, headers=headers | resume)
            return cast(http.client.HTTPResponse, self._opener.open(request, timeout=self._timeout_s))
        except urllib.error.HTTPError as error:
            if not have or error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            error.close()
            return self._open(url, 0)


class UpstreamSource:
    """Where their makers publish the files of a recipe: each at an address of its own."""

    def __init__(self, without_network: str) -> None:
        """without_network: the command that takes them from elsewhere."""
        self._without_network = without_network

    def fetch(self, file: PackFile, out: BinaryIO, report: Report) -> None:
        """See Source; file: an UpstreamFile of a recipe."""
        base, _, name = getattr(file, "url", "").rpartition("/")
        try:
            UrlSource(base).fetch(file.model_copy(update={"source": name}), out, report)
        except DownloadFailed as error:
            raise DownloadFailed(f"{error}; from elsewhere: {self._without_network}") from error


def open_source(place: str) -> Source:
    """A source for what was given to --from. Raises: DownloadFailed."""
    if "://" in place:
        return UrlSource(place)
    folder = Path(place).expanduser()
    if not folder.is_dir():
        raise DownloadFailed(f"{place}: no such folder; --from needs a folder or a URL")
    return FolderSource(folder)


def _start_of(response: http.client.HTTPResponse, have: int, url: str) -> int:
    """Where in the file the body begins: a server that cannot resume sends the whole."""
    if response.status == http.HTTPStatus.OK:
        return 0
    stated = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status != http.HTTPStatus.PARTIAL_CONTENT or stated is None or int(stated[1]) != have:
        raise DownloadFailed(
            f"{url}: asked for the bytes from {have}, the server answers {response.status} with "
            f"{response.headers.get('Content-Range')!r}"
        )
    return have


def _copy(
    stream: BinaryIO | http.client.HTTPResponse,
    out: BinaryIO,
    start: int,
    file: PackFile,
    where: str,
    report: Report,
) -> None:
    """Write a stream at `start`. Raises: DownloadFailed when it is longer than stated; InstallFailed."""
    done = start
    _write(out, b"", start)
    while chunk := stream.read(min(_CHUNK_BYTES, file.size_bytes - done + 1)):
        if done + len(chunk) > file.size_bytes:
            _write(out, b"", 0)
            raise DownloadFailed(f"{where}: more than the {file.size_bytes} bytes that the manifest states; refused")
        _write(out, chunk, done)
        done += len(chunk)
        report(done)


def _write(out: BinaryIO, chunk: bytes, position: int) -> None:
    """Write at a position, and let nothing stand after it. Raises: InstallFailed."""
    try:
        out.seek(position)
        out.write(chunk)
        out.truncate()
    except OSError as error:
        raise InstallFailed(f"{out.name}: cannot be written: {error.strerror or error}") from error
