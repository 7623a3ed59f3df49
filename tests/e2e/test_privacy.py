"""What a deployment leaves on disk, in logs and with the broker: hunted for templates, pictures and names."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.drivers.litert import choose_runtime
from edge.trust.chunks import FULL_SCALE
from edge.trust.packs import VerifiedPack
from edge.vision.enrol import FacePath, read_photograph
from tests.e2e.deploying import Deployed, cast, deploy
from tests.reference import reference_dir

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

JPEG_START = b"\xff\xd8\xff"
JPEG_START_BASE64 = b"/9j/"
CANARY_VALUES = 16
"""So many successive values of a template are looked for: chance does not repeat them."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, street_pack_dir: Path) -> tuple[Deployed, Path]:
    """A deployment with alerts, all of whose files are kept."""
    folder = tmp_path_factory.mktemp("private")
    people = cast(folder / "cast", street_pack_dir, reference_dir("faces", "lfw", "images"), 8, 8, 0, seed=5)
    given = ("--camera", "street", "--people", people / "street", "--watchlist", people / "watchlist")
    done = deploy(folder / "out", street_pack_dir, *given, "--pace", "fast", "--alerted-min", "0.1", "--keep")
    assert done.code == 0, done.output
    assert done.alerts
    return done, people / "watchlist"


def files_of_van_and_broker(done: Deployed) -> Iterator[tuple[Path, bytes]]:
    work = done.out / "site"
    for place in (work / "van" / "state", work / "broker", work / "log" / "van.log"):
        for path in [place] if place.is_file() else place.rglob("*"):
            if path.is_file():
                yield path, path.read_bytes()


def templates_as_bytes(watchlist: Path, pack: VerifiedPack) -> Iterator[bytes]:
    faces = FacePath(pack, choose_runtime("auto", threads=1))
    for photograph in sorted(watchlist.iterdir()):
        vector = faces.template_of_photograph(read_photograph(photograph)).vector[:CANARY_VALUES]
        yield vector.astype("<f4").tobytes()
        yield vector.astype("<f8").tobytes()
        yield np.round(vector * FULL_SCALE).astype("<i2").tobytes()


def test_no_template_of_an_entry_is_on_the_vans_or_the_brokers_disk(
    kept: tuple[Deployed, Path], street_pack: VerifiedPack
) -> None:
    done, watchlist = kept
    canaries = list(templates_as_bytes(watchlist, street_pack))
    for path, content in files_of_van_and_broker(done):
        assert not any(canary in content for canary in canaries), path


def test_no_picture_and_no_name_is_on_the_vans_or_the_brokers_disk(kept: tuple[Deployed, Path]) -> None:
    done, watchlist = kept
    names = [path.stem.encode() for path in watchlist.iterdir()]
    looked_at = 0
    for path, content in files_of_van_and_broker(done):
        looked_at += 1
        assert JPEG_START not in content, path
        assert JPEG_START_BASE64 not in content or path.suffix == ".pem", path
        assert not any(name in content for name in names), path
    assert looked_at > 4


def test_settled_rows_leave_the_outbox(kept: tuple[Deployed, Path]) -> None:
    done, _ = kept
    database = sqlite3.connect(done.out / "site" / "van" / "state" / "link" / "outbox.sqlite")
    assert database.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    database.close()


def test_logs_hold_ids_and_counts_only(kept: tuple[Deployed, Path]) -> None:
    done, _ = kept
    log = (done.out / "site" / "log" / "van.log").read_text(encoding="utf-8")
    for alert in done.alerts:
        assert alert["event_id"] in log
        assert alert["entry_id"] not in log
        assert f"{alert['similarity']:.4f}" not in log


def test_nothing_of_the_van_stays_when_nobody_asks_to_keep_it(tmp_path: Path, street_pack_dir: Path) -> None:
    watchlist = tmp_path / "list"
    watchlist.mkdir()
    shutil.copy(reference_dir("faces", "lfw", "images") / "AJ_Cook" / "AJ_Cook_0001.jpg", watchlist / "cook.jpg")
    clip = reference_dir("footage", "classroom.gif")
    done = deploy(tmp_path / "out", street_pack_dir, "--camera", clip, "--watchlist", watchlist, "--pace", "fast")
    assert done.code == 0, done.output
    assert sorted(path.name for path in (done.out / "site").iterdir()) == ["log"]
