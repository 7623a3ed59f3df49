"""People of made-up templates: directions drawn at random, some of them near to one another."""

from __future__ import annotations

import numpy as np

from models.accuracy import Templates

SEED = 20_261_124


def made_people(people: int, each: int = 1, dimension: int = 24, noise: float = 0.3, seed: int = SEED) -> Templates:
    """Templates of `people` people, `each` of every one; strangers' similarities follow the sphere's own law."""
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    vectors = np.repeat(rng.standard_normal((people, dimension)), each, axis=0)
    vectors += noise * rng.standard_normal(vectors.shape) * (each > 1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Templates(vectors.astype(np.float32), tuple(f"p{i:05d}" for i in range(people) for _ in range(each)))
