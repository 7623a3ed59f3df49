"""Coverage-guided fuzz of everything that reads a watchlist: nothing but LfrError may come out.

    python -m venv FOLDER && FOLDER/bin/pip install -e . atheris==3.0.0      # atheris is not in the lock
    FOLDER/bin/python -m tests.fuzz.watchlist_fuzz READER CORPUS -max_total_time=300

READER: manifest, item, hashes, key, chunk, or any, which takes them in turn. CORPUS: a folder; the vectors are
put into it. Files are first read as they are; those that a hash or a signature protects are then read again with the
hash or the signature made to fit, since no fuzzer gets past either.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edge"]):
    from edge.errors import LfrError
    from edge.formats.categories import CATEGORIES
    from edge.formats.watchlists import WatchlistBase
    from edge.trust.chunks import ChunkPlace
    from edge.trust.content_key import unwrap_content_key
    from edge.trust.documents import canonical, document_sha256, parse_strict
    from edge.trust.manifest import PackFacts, open_manifest, read_hashes
    from edge.trust.orders import read_order
    from edge.trust.watchlist_log import begin_log, follow, read_item
    from edge.vision.fold import Epoch, apply_delta, open_base

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors import make_watchlist_vectors as made

GOOD = dict(made.GOOD)
ORDER = read_order(GOOD["order"])
PACK = PackFacts(made.PACK, made.DIMENSION, "operations")
MANIFEST = open_manifest(GOOD["manifest"], ORDER.watchlist.manifest_sha256, ORDER, 1, PACK)
EPOCH = Epoch(made.FLEET, MANIFEST, AESGCM(made.KEYS[1]), frozenset(CATEGORIES))
GALLERY = open_base(EPOCH, GOOD["hashes"], [file for word, file in made.GOOD if word == "chunk"])
STATE = begin_log(ORDER, MANIFEST)


def read_a_manifest(data: bytes) -> None:
    open_manifest(data, document_sha256(data), ORDER, 1, PACK)


def read_an_item(data: bytes) -> None:
    refused(lambda: read_item(data, ORDER))
    signed = parse_strict(data)
    if not isinstance(signed, dict):
        return
    again = canonical(made.document(signed.get("signed", signed), made.FIRST, made.SECOND))
    item = read_item(again, ORDER)
    follow(STATE, item, document_sha256(again), ORDER)
    if not isinstance(item, WatchlistBase):
        apply_delta(GALLERY, EPOCH, item, [data])


def read_the_hashes(data: bytes) -> None:
    read_hashes(data, MANIFEST.model_copy(update={"hashes_sha256": document_sha256(data)}))


def read_a_key(data: bytes) -> None:
    unwrap_content_key(data, made.VAN_SEAL, made.FLEET, made.DEPLOYMENT, 1, made.RECIPIENT)


def read_a_chunk(data: bytes) -> None:
    """What lies under a good seal: the fuzzer chooses the plaintext, and how many entries the manifest says."""
    entries, plain = 1 + (data[:1] or b"\0")[0] % 4, data[1:]
    manifest = MANIFEST.model_copy(update={"entries": entries, "entries_per_chunk": 4})
    place = ChunkPlace(made.FLEET, manifest, 0, 0, entries)
    epoch = Epoch(made.FLEET, manifest, EPOCH.cipher, EPOCH.categories)
    for chunk in (data, EPOCH.cipher.encrypt(place.nonce(), plain, place.context())):
        hashes = hashlib.sha256(chunk).digest()
        pinned = Epoch(
            epoch.fleet,
            manifest.model_copy(update={"hashes_sha256": document_sha256(hashes)}),
            epoch.cipher,
            epoch.categories,
        )
        refused(lambda pinned=pinned, hashes=hashes, chunk=chunk: open_base(pinned, hashes, [chunk]))


READERS: dict[str, Callable[[bytes], None]] = {
    "manifest": read_a_manifest,
    "item": read_an_item,
    "hashes": read_the_hashes,
    "key": read_a_key,
    "chunk": read_a_chunk,
}


def refused(read: Callable[[], object]) -> None:
    """LfrError is what a refusal is; whatever else comes out is a finding."""
    try:
        read()
    except LfrError:
        return


def put_seeds(folder: Path, reader: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    words = {"manifest": "manifest", "item": "item", "hashes": "hashes", "key": "key"}
    seeds = [made.planes(made.LISTED[:1]), made.planes(made.LISTED[:4])] if reader in ("chunk", "any") else []
    seeds = [bytes([count]) + plain for count, plain in zip((0, 3), seeds, strict=False)]
    for content in made.every_vector().values():
        for line in content.partition(b"\n\n")[2].splitlines():
            word, _, text = line.decode().partition(" ")
            if reader == "any" or words.get(reader) == word:
                seeds.append(made.base64.b64decode(text))
    for seed in seeds:
        (folder / hashlib.sha256(seed).hexdigest()[:24]).write_bytes(seed)


def main() -> None:
    reader, corpus = sys.argv[1], Path(sys.argv[2])
    if reader != "any" and reader not in READERS:
        sys.exit(f"{reader}: no such reader; one of {json.dumps([*READERS, 'any'])}")
    put_seeds(corpus, reader)
    chosen = list(READERS.values()) if reader == "any" else [READERS[reader]]

    def test_one_input(data: bytes) -> None:
        for read in chosen:
            refused(lambda read=read: read(data))

    atheris.Setup([sys.argv[0], *sys.argv[2:], "-max_len=4096"], test_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
