"""Arguments that several commands of lfr-sim share, and the types they are read with."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from models.arguments import OWN_PACKS, PACKS_VARIABLE

SEED_MAX = (1 << 63) - 1


def add_pack(parser: argparse.ArgumentParser) -> None:
    """--pack and --packs: whose detector looks for the faces in photographs."""
    parser.add_argument(
        "--pack",
        metavar="NAME",
        help="the pack whose networks find and compare the faces (street; of drawn people bringup)",
    )
    parser.add_argument(
        "--packs",
        type=Path,
        default=Path(os.environ.get(PACKS_VARIABLE) or OWN_PACKS),
        metavar="FOLDER",
        help="where packs are",
    )


def add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="the same seed gives the same result (0)")


def seed(text: str) -> int:
    value = int(text)
    if not 0 <= value <= SEED_MAX:
        raise argparse.ArgumentTypeError(f"{text}: need 0 to {SEED_MAX}")
    return value


def count(text: str) -> int:
    """A whole number above 0."""
    value = int(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text}: need a whole number above 0")
    return value


def count_or_none(text: str) -> int:
    """A whole number, 0 or more."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text}: need 0 or more")
    return value
