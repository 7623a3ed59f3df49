"""A van's process for the residue test: opens a list, applies its log, and says what of two templates is in memory.

Standard input: JSON with the list's files and, for an entry that is taken off and one that stays, ten numbers of its
template as int16 and as float32, each byte XORed with 0x5A, so that this process never holds them but in the list.
"""

from __future__ import annotations

import gc
import json
import sys
from base64 import b64decode

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from edge.formats.categories import CATEGORIES
from edge.trust.content_key import unwrap_content_key
from edge.trust.documents import document_sha256
from edge.trust.manifest import PackFacts, open_manifest
from edge.trust.orders import read_order
from edge.trust.watchlist_log import begin_log, follow, read_item
from edge.vision.fold import Epoch, apply_delta, open_base
from edge.vision.gallery_holder import GalleryHolder

MASK = 0x5A
SCANNED_BYTES = 1 << 20


def count(masked: list[bytes]) -> list[int]:
    """How often each pattern is in this process's writable memory, this function's own buffers left out."""
    scanned = np.zeros(SCANNED_BYTES + 64, np.uint8)
    turned = np.zeros_like(scanned)
    own = [(each.ctypes.data, each.ctypes.data + each.nbytes) for each in (scanned, turned)]
    hits = [0] * len(masked)
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for first, last in [_edges(line) for line in maps if " rw" in line]:
            for start in range(first, last, SCANNED_BYTES):
                length = min(SCANNED_BYTES + 63, last - start)
                memory.seek(start)
                memory.readinto(scanned[:length])
                for begin, end in own:
                    scanned[max(0, begin - start) : max(0, end - start)] = 0
                np.bitwise_xor(scanned, MASK, out=turned)
                found = memoryview(turned[:length])
                # A hit that reaches into the next piece is counted here, one that begins there is counted there.
                for at, pattern in enumerate(masked):
                    hits[at] += _beginning_below(found, pattern, SCANNED_BYTES)
    return hits


def _beginning_below(data: memoryview, pattern: bytes, limit: int) -> int:
    values, first = np.frombuffer(data, np.uint8), pattern[0]
    starts = np.flatnonzero(values[:limit] == first)
    for offset, byte in enumerate(pattern):
        starts = starts[starts + offset < len(values)]
        starts = starts[values[starts + offset] == byte]
    return len(starts)


def _edges(line: str) -> tuple[int, int]:
    first, last = line.split()[0].split("-")
    return int(first, 16), int(last, 16)


def main() -> None:
    given = json.load(sys.stdin)
    files = {name: [b64decode(each) for each in texts] for name, texts in given["files"].items()}
    masked = [bytes.fromhex(text) for text in given["masked"]]
    order = read_order(files["order"][0])
    pinned = order.watchlist.manifest_sha256
    manifest = open_manifest(
        files["manifest"][0], pinned, order, 1, PackFacts(order.pack_sha256, given["dimension"], "operations")
    )
    key = X25519PrivateKey.from_private_bytes(files["private"][0])
    cipher = unwrap_content_key(files["key"][0], key, order.fleet, order.deployment, 1, given["recipient"])
    epoch = Epoch(order.fleet, manifest, cipher, frozenset(CATEGORIES))
    holder = GalleryHolder(open_base(epoch, files["hashes"][0], files["chunks"]))
    told = [count(masked)]
    item = read_item(files["item"][0], order)
    state = begin_log(order, manifest)
    follow(state, item, document_sha256(files["item"][0]), order)
    holder.swap(apply_delta(holder.gallery, epoch, item, []))  # type: ignore[arg-type]
    gc.collect()
    told.append(count(masked))
    holder.wipe()
    told.append(count(masked))
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
