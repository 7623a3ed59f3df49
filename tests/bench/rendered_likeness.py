"""How well two public networks see rendered people: EER between identities, and how many faces are found. By hand.

    .venv/bin/python tests/bench/rendered_likeness.py --people 200 --pictures 4

Undegraded pictures, yaw to 35 degrees, other looks and lights. Intel's face-reidentification-retail-0095 compares all
pairs, aligned by the true landmarks; YuNet looks for the faces in pictures of 640 x 480. Needs the reference models
beside the project.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "hw-sim")]

from hwsim.street.rendered.head.head import build_head  # noqa: E402
from hwsim.street.rendered.head.identity import Identity, sample_identity  # noqa: E402
from hwsim.street.rendered.head.lens import Pose  # noqa: E402
from hwsim.street.rendered.head.look import sample_look  # noqa: E402
from hwsim.street.rendered.head.portrait import FacePicture, render_face  # noqa: E402
from hwsim.street.rendered.light import sample_light  # noqa: E402

from edge.drivers.litert import choose_runtime  # noqa: E402
from edge.vision.align import similarity_transform  # noqa: E402
from edge.vision.yunet import YuNetDecoder  # noqa: E402

MODELS = ROOT.parent / "shared" / "models"
ALIGNED_PX = 128
# PROVENANCE of the model: its five landmarks, times 128.
TEMPLATE = ALIGNED_PX * np.array(
    [(0.31556875, 0.46157414), (0.68262292, 0.46157414), (0.50026250, 0.64050536), (0.34947188, 0.82469196),
     (0.65343645, 0.82469196)], np.float32,
)  # fmt: skip
YAW_DEG, PITCH_DEG, ROLL_SD_DEG = 35.0, 10.0, 4.0
SCENE_PX = (640, 480)
FACES_PX = (16.0, 24.0, 48.0, 110.0)
BOOTSTRAPS = 400


def picture_of(
    identity: Identity, rng: np.random.Generator, size_px: tuple[int, int], face_px: float, supersampling: int = 2
) -> FacePicture:
    pose = Pose(
        rng.uniform(-YAW_DEG, YAW_DEG),
        rng.uniform(-PITCH_DEG, PITCH_DEG),
        ROLL_SD_DEG * rng.normal(),
        rng.uniform(80, 500),
    )
    background = np.full((size_px[1], size_px[0], 3), rng.uniform(0.05, 0.6), np.float32)
    return render_face(
        identity, sample_look(identity, rng), pose, sample_light(rng), *size_px,
        face_width_px=face_px, background=background, bust_seed=int(rng.integers(1000)), supersampling=supersampling,
    )  # fmt: skip


def templates_of(people: list[Identity], pictures: int) -> NDArray[np.float64]:
    """Unit templates, float64 (people, pictures, 256)."""
    network = choose_runtime("auto", 1).load(
        (MODELS / "embedder" / "face-reidentification-retail-0095_float32.tflite").read_bytes(), "0095"
    )
    out = []
    for identity in people:
        rng = np.random.default_rng([identity.seed, 11])
        for _ in range(pictures):
            picture = picture_of(identity, rng, (160, 160), 92.0)
            matrix = similarity_transform(picture.landmarks_px, TEMPLATE)
            aligned = cv2.warpAffine(
                picture.encoded(), matrix, (ALIGNED_PX, ALIGNED_PX), borderMode=cv2.BORDER_REPLICATE
            )
            out.append(np.asarray(network.run(aligned[None].astype(np.float32))[0], np.float64).ravel())
    templates = np.asarray(out).reshape(len(people), pictures, -1)
    return np.asarray(templates / np.linalg.norm(templates, axis=2, keepdims=True))


def equal_error_rate(mated: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    thresholds = np.sort(np.concatenate([mated, others]))
    missed = np.searchsorted(np.sort(mated), thresholds, "left") / len(mated)
    false = 1 - np.searchsorted(np.sort(others), thresholds, "left") / len(others)
    at = int(np.argmin(np.abs(missed - false)))
    return float((missed[at] + false[at]) / 2)


def scores_among(
    templates: NDArray[np.float64], chosen: NDArray[np.intp], alike: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Similarities of pairs of one person, and of two (of those `alike` only); a person drawn twice is never two."""
    pictures = templates.shape[1]
    flat = templates[chosen].reshape(-1, templates.shape[2])
    similarity = flat @ flat.T
    person = np.repeat(chosen, pictures)
    draw = np.repeat(np.arange(len(chosen)), pictures)
    upper = np.triu(np.ones(similarity.shape, bool), 1)
    two = upper & (person[:, None] != person)
    if alike is not None:
        two &= alike[np.ix_(person, person)]
    return similarity[upper & (draw[:, None] == draw)], similarity[two]


def found_share(people: list[Identity], face_px: float) -> float:
    """The share of faces that YuNet finds at .5, where its box overlaps ours by half of their union."""
    network = choose_runtime("auto", 1).load(
        (MODELS / "detector" / "yunet_n_480x640_float32.tflite").read_bytes(), "yunet"
    )
    decoder = YuNetDecoder(*SCENE_PX, network.outputs)
    found = 0
    ious = []
    for identity in people:
        picture = picture_of(
            identity, np.random.default_rng([identity.seed, 12]), SCENE_PX, face_px, 3 if face_px < 30 else 1
        )
        boxes, _, _ = decoder.decode(network.run(picture.encoded()[None].astype(np.float32)), 0.5)
        best = max((overlap((b[0], b[1], b[0] + b[2], b[1] + b[3]), picture.box_px) for b in boxes), default=0.0)
        found += best >= 0.5
        ious.append(best)
    return found / len(people)


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(wide, 0.0) * max(high, 0.0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=150)
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--faces", type=int, default=60, help="people for the detector; 0 leaves it out")
    args = parser.parse_args()
    if not MODELS.exists():
        print(f"skipped: the reference models are not at {MODELS}")
        return
    cv2.setNumThreads(1)
    people = [sample_identity(args.first_seed + k) for k in range(args.people)]
    began_s = time.monotonic()
    templates = templates_of(people, args.pictures)
    print(f"{templates.shape[0]} people, {templates.shape[1]} pictures each, in {time.monotonic() - began_s:.1f} s")
    everyone = np.arange(len(people))
    mated, others = scores_among(templates, everyone)
    rng = np.random.default_rng(1)
    again = [equal_error_rate(*scores_among(templates, rng.choice(everyone, len(everyone)))) for _ in range(BOOTSTRAPS)]
    low, high = np.quantile(again, (0.025, 0.975))
    print(f"EER {equal_error_rate(mated, others):.3f} (95 % over people: {low:.3f} to {high:.3f})")
    alike = np.array([[a.sex == b.sex and a.tone_band == b.tone_band for b in people] for a in people])
    _, close = scores_among(templates, everyone, alike)
    print(f"EER {equal_error_rate(mated, close):.3f} against the {len(close)} pairs of one sex and tone band")
    print(f"{len(mated)} mated pairs, mean {mated.mean():.3f}; {len(others)} others, mean {others.mean():.3f}")
    build_head.cache_clear()
    for face_px in FACES_PX if args.faces else ():
        print(
            f"YuNet finds {found_share(people[: args.faces], face_px):.2f} of {args.faces} faces {face_px:.0f} px wide"
        )


if __name__ == "__main__":
    main()
