"""A link half by hand at vision's end of the pipe."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from edge import wire
from edge.errors import PeerGone
from edge.vision.link_port import LinkPort
from tests.link.rig import Log


class Link:
    """A link half by hand."""

    def __init__(self, path: Path) -> None:
        self.pipe = wire.connect(path)
        self.heard = Log()
        self.gone = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def wait(self, *messages: wire.Message) -> list[wire.Message]:
        return self.heard.wait(lambda items: all(each in items for each in messages), str(messages))

    def published(self) -> list[str]:
        return [each.event_id for each in self.heard.all() if isinstance(each, wire.Publish)]

    def _run(self) -> None:
        try:
            while True:
                self.heard.add(self.pipe.receive())
        except PeerGone:
            self.gone.set()


class Rig:
    """A port, and links that come and go."""

    def __init__(self, folder: Path, uids: tuple[int, ...] = (os.getuid(),)) -> None:
        self.path = folder / "pipe.sock"
        self.committed = Log()
        self._listener = wire.listen(self.path)
        self.port = LinkPort(self._listener, uids, self.committed.add)
        self.port.start()
        self.links: list[Link] = []

    def connect(self) -> Link:
        link = Link(self.path)
        self.links.append(link)
        link.heard.wait(lambda items: any(isinstance(each, wire.StateChanged) for each in items), "greeting")
        return link

    def close(self) -> None:
        self.port.stop()
        for link in self.links:
            link.pipe.close()
        self._listener.close()
