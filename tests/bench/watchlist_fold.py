"""What a large list costs a van: `python -m tests.bench.watchlist_fold`. Not part of the tests.

Each part runs in a process of its own. Fold: 100,000 entries of 256 numbers, as seconds over the seconds of AES-256-GCM
alone on the same bytes, and as peak memory over the templates' own bytes. Delta: 10 off and 10 on in 10,000, as bytes
over the list's, and as milliseconds to swap. Search: its times while ten deltas come in a second, over those while none
does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.trust.documents import sign
from edge.trust.watchlist_writer import SealedBase, WatchlistEntry
from edge.vision.fold import open_base
from edge.vision.gallery_holder import GalleryHolder
from tests.trust import made_lists as lists

DIMENSION = 256
DELTAS, PAUSE_S = 60, 0.1


def entries(first: int, count: int) -> list[WatchlistEntry]:
    vectors = np.random.default_rng(first).normal(0, 1, (count, DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [lists.entry(first + at, template=vector) for at, vector in enumerate(vectors.astype(np.float32))]


def base_of(count: int) -> SealedBase:
    return lists.base_of([], entries=entries(1, count))


def peak_bytes() -> int:
    """Of this process alone: getrusage(2) would begin with the peak of whoever started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def write(folder: Path, count: int) -> None:
    """A base's files, by a process whose memory is not measured."""
    base = base_of(count)
    files = {"manifest": base.manifest, "hashes": base.hashes, "secret": base.secret.content_key}
    files |= {f"chunk-{index:04d}": chunk for index, chunk in enumerate(base.chunks)}
    for name, data in files.items():
        (folder / name).write_bytes(data)


@dataclass(frozen=True)
class Fold:
    """What folding a base cost. times_alone: as long as AES-GCM on the same bytes; times_templates: as their memory."""

    entries: int
    dimension: int
    took_s: float
    times_alone: float
    grown_mib: float
    times_templates: float
    peak_mib: float

    def __str__(self) -> str:
        return (
            f"fold of {self.entries} entries: {self.took_s} s, {self.times_alone} times AES-GCM alone; "
            f"peak memory + {self.grown_mib} MiB, {self.times_templates} times the templates; "
            f"process at its peak {self.peak_mib} MiB"
        )


def fold(folder: Path) -> Fold:
    """Opens what `write` wrote, one file at a time."""
    from edge.formats.categories import CATEGORIES
    from edge.trust.manifest import read_manifest
    from edge.vision.fold import Epoch

    manifest = read_manifest((folder / "manifest").read_bytes())
    cipher = AESGCM((folder / "secret").read_bytes())
    epoch = Epoch(lists.FLEET, manifest, cipher, frozenset(CATEGORIES))
    paths = sorted(folder.glob("chunk-*"))
    before = peak_bytes()
    began = time.perf_counter()
    gallery = open_base(epoch, (folder / "hashes").read_bytes(), (path.read_bytes() for path in paths))
    took_s = time.perf_counter() - began
    grown = peak_bytes() - before
    own = len(gallery) * DIMENSION * 4
    chunks = [path.read_bytes() for path in paths]
    began = time.perf_counter()
    for chunk in chunks:
        cipher.encrypt(bytes(12), chunk, None)
    alone_s = time.perf_counter() - began
    return Fold(
        entries=len(gallery),
        dimension=DIMENSION,
        took_s=round(took_s, 2),
        times_alone=round(took_s / alone_s, 1),
        grown_mib=round(grown / 2**20, 1),
        times_templates=round(grown / own, 2),
        peak_mib=round(peak_bytes() / 2**20, 1),
    )


def delta() -> None:
    base = base_of(10_000)
    van = lists.open_list(base)
    holder = GalleryHolder(van.gallery)
    sealed = van.sealed(range(1, 11), entries(20_001, 10))
    item = sign(sealed.delta, lists.SIGNERS)
    began = time.perf_counter()
    new = van.take(item, sealed.adds)
    read_s = time.perf_counter() - began
    began = time.perf_counter()
    holder.swap(new)
    swap_s = time.perf_counter() - began
    whole = sum(map(len, base.chunks)) + len(base.hashes) + len(base.manifest)
    changed = len(item) + sum(map(len, sealed.adds))
    print(
        f"delta of 10 off and 10 on in 10,000: {changed} bytes, {changed / whole:.3%} of the list's {whole}; "
        f"{read_s * 1e3:.1f} ms to verify and apply, {swap_s * 1e3:.2f} ms to swap and overwrite"
    )


def search() -> None:
    van = lists.open_list(base_of(10_000))
    holder = GalleryHolder(van.gallery)
    probes = [each.template for each in entries(90_000, 50)]

    ahead, items, first = lists.open_list(van.base), [], 30_000
    for at in range(DELTAS):
        sealed = ahead.sealed(range(first - 10, first) if at else (), entries(first, 10))
        items.append((sign(sealed.delta, lists.SIGNERS), sealed.adds))
        ahead.take(*items[-1])
        first += 10

    def times(until: Callable[[], bool]) -> np.ndarray:
        taken = []
        while not until():
            began = time.perf_counter()
            result = holder.search(probes[len(taken) % len(probes)], 0.6)
            taken.append(time.perf_counter() - began)
            assert result.runner_up_similarity > 0, "a search met a list that is not whole"
        return np.array(taken) * 1e3

    times(_after(0.5))
    quiet = times(_after(DELTAS * PAUSE_S))
    busy: list[np.ndarray] = []
    reader = threading.Thread(target=lambda: busy.append(times(done.is_set)))
    done = threading.Event()
    reader.start()
    for item, adds in items:
        holder.swap(van.take(item, adds))
        done.wait(PAUSE_S)
    done.set()
    reader.join()
    ratios = (f"p{at} {np.percentile(busy[0], at) / np.percentile(quiet, at):.2f}" for at in (50, 99))
    print(
        f"search of 10,000 during {DELTAS} deltas: {len(busy[0])} searches, each of a whole list; "
        f"p99 {np.percentile(busy[0], 99):.2f} ms, longest {busy[0].max():.1f} ms; "
        f"times those without deltas: {', '.join(ratios)}; segments at the end {len(holder.gallery.segments)}"
    )


def _after(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() > end


def main() -> None:
    if sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]))
        return
    if sys.argv[1:2] == ["fold"]:
        found = fold(Path(sys.argv[2]))
        print(json.dumps(asdict(found)) if sys.argv[3:] == ["json"] else found)
        return
    with tempfile.TemporaryDirectory() as folder:
        for part in (["write", folder, "100000"], ["fold", folder]):
            subprocess.run([sys.executable, "-m", "tests.bench.watchlist_fold", *part], check=True)
    delta()
    search()


if __name__ == "__main__":
    main()
