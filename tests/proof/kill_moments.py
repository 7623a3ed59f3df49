"""kill -9 at random moments of receive, fold, swap and close: afterwards the old list or the new one, never a mixture,
and never plaintext on the disk.

    python -m tests.proof.kill_moments [--times 200] [--seed N]

Each time a whole vision half runs in a process of its own (real repository, seals and vault; camera and courier by
script): it opens a list of three, applies a delta that takes one off and puts one on, and closes. It is killed
somewhere on the way. Then its disk is searched, and it is started again and must finish.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edge import wire
from edge.exits import Exit
from edge.formats.names import INDEX
from edge.vision import app, overseer, pipeline
from edge.vision.gallery_holder import GalleryHolder
from tests.vision.made import picture, template_of
from tests.vision.made_van import DEPLOYMENT, MadeVan, PassersBy, entry_for

WALK = [picture((2, 10 + 5 * index, 30, 40)) for index in range(12)]
OLD = frozenset(entry_for(k).id for k in (1, 2, 3))
NEW = frozenset(entry_for(k).id for k in (2, 3, 4))
WAIT_S = 30.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    app.RETRY_WAIT_S, app.POLL_S, pipeline.POLL_S, overseer.REFRESH_LEAST_S = 0.02, 0.02, 0.02, 0.0
    chance = random.Random(options.seed)
    lasts_s = _undisturbed()
    print(f"a run lasts {lasts_s:.2f} s undisturbed")
    found: Counter[str] = Counter()
    for number in range(options.times):
        with tempfile.TemporaryDirectory(prefix="kill-") as folder:
            found[_one(Path(folder), chance.uniform(0, lasts_s * 1.1))] += 1
        if (number + 1) % 20 == 0:
            print(f"{number + 1} of {options.times}: {dict(found)}", flush=True)
    return 1 if found["mixture"] or found["plaintext"] or found["unfinished"] else 0


def _undisturbed() -> float:
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:
        van = MadeVan(Path(folder))
        stages = _stages(van)
        began_s = time.monotonic()
        child = _start(van, stages)
        os.waitpid(child, 0)
        return time.monotonic() - began_s


def _stages(van: MadeVan) -> list[dict[str, bytes]]:
    """What is published: the list, with its delta, with its close."""
    stages = [van.files()]
    van.fleet.change(DEPLOYMENT, removes=[entry_for(1).id], adds=[entry_for(4)])
    stages.append(van.fleet.files())
    van.fleet.close(DEPLOYMENT)
    stages.append(van.fleet.files())
    return stages


def _start(van: MadeVan, stages: list[dict[str, bytes]]) -> int:
    """A vision half in a process of its own, with a courier that brings one stage after the other."""
    child = os.fork()
    if child:
        return child
    try:
        link = van.link(stages[0])
        run = van.start(PassersBy(WALK, then="again"))
        link.wait_state("watching")
        link.say_changed(stages[1])
        threading.Event().wait(0.1)
        link.say_changed(stages[2])
        run.ended()
    finally:
        os._exit(0)


def _one(folder: Path, after_s: float) -> str:
    van = MadeVan(folder)
    stages = _stages(van)
    child = _start(van, stages)
    threading.Event().wait(after_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if _plaintext(van):
        return "plaintext"
    outcome = _start_again(van, stages)
    return "plaintext" if _plaintext(van) else outcome


def _start_again(van: MadeVan, stages: list[dict[str, bytes]]) -> str:
    """What the next start comes to: it must watch with a whole list and close, finish a close, or find it closed."""
    van.listener.close()  # As with the unit, another socket stands in the old one's place.
    van.listener = wire.listen(van.socket_path)
    link = van.link(stages[1])
    run = van.start(PassersBy(WALK, then="again"))
    until_s = time.monotonic() + WAIT_S
    while time.monotonic() < until_s:
        states = [message.state for message in link.of(wire.StateChanged)]
        if not run.running:
            return "close finished" if run.ended() == Exit.ENDED and "closing" in states else "unfinished"
        if "watching" in states:
            held = [each for each in gc.get_objects() if isinstance(each, GalleryHolder) and len(each)]
            listed = {each.gallery.entry_ids() for each in held}
            link.say_changed(stages[2])
            if run.ended() != Exit.ENDED:
                return "unfinished"
            return "went on" if listed and listed <= {OLD, NEW} else "mixture"
        asked = sum(isinstance(each, wire.FetchFile) and each.name == INDEX for each in link.heard.all())
        if asked >= 4 and link.files is not stages[2]:
            # It may have seen the close before it was killed, and then believes nothing older.
            link.say_changed(stages[2])
        elif asked >= 12:
            gone = run.stop() == Exit.ENDED and not van.vault().recipients & _recipients(van)
            return "was closed" if gone else "unfinished"
        threading.Event().wait(0.01)
    return "unfinished"


def _recipients(van: MadeVan) -> frozenset[str]:
    return frozenset(van.fleet.order_of(DEPLOYMENT).vans.values())


def _plaintext(van: MadeVan) -> bool:
    forms = [np.round(template_of(k) * 32767).astype("<i2").tobytes() for k in (1, 2, 3, 4)]
    forms += [template_of(k).tobytes() for k in (1, 2, 3, 4)] + [van.fleet.content_key_of(DEPLOYMENT)]
    return any(form in path.read_bytes() for path in _files(van.folder / "state") for form in forms)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
