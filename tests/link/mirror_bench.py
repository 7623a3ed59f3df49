"""A mirror with everything around it in the test's hands: broker, disk, stick and clock."""

from __future__ import annotations

from pathlib import Path

from edge import wire
from edge.link.kept_files import KeptFiles
from edge.link.mirror import Mirror
from edge.link.rate import RateLimit
from edge.link.stick import Stick
from edge.wire import FetchFile
from tests.link.rig import FLEET, FakeClock

REPO = f"lfr/v1/{FLEET}/repo/"
TIMESTAMP = "metadata/timestamp.json"
CHUNK = "deployments/market/1/chunk-0001"


class MirrorBench:
    """Asks, answers as a broker, and keeps what vision is told."""

    def __init__(self, folder: Path, rate: int = 10**9, jitter_s: float = 0.0, stick: bool = False) -> None:
        self.clock = FakeClock()
        self.kept = KeptFiles(folder / "mirror")
        self.subscribed: list[str] = []
        self.unsubscribed: list[str] = []
        self.told: list[wire.Message] = []
        self.stick_folder = folder / "stick"
        self.mirror = Mirror(
            FLEET,
            self,
            self.told.append,
            self.kept,
            RateLimit(rate, self.clock),
            jitter_s,
            self.clock,
            Stick(self.stick_folder, "van-1") if stick else None,
        )

    def subscribe(self, topic: str) -> int | None:
        self.subscribed.append(topic.removeprefix(REPO))
        return len(self.subscribed)

    def unsubscribe(self, topic: str) -> None:
        self.unsubscribed.append(topic.removeprefix(REPO))

    def ask(self, request_id: int, name: str, fresh: bool = False) -> None:
        self.mirror.ask(FetchFile(request_id, name, fresh))

    def comes(self, name: str, payload: bytes) -> None:
        self.mirror.on_file(REPO + name, payload)

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.mirror.tick()

    def put_on_stick(self, name: str, data: bytes) -> None:
        path = self.stick_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
