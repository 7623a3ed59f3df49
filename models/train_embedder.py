"""Train the bring-up embedder on rendered faces: make the set, train, draw the curves."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from models.progress import counting_bar
from models.training import command
from models.training.embedder_trainee import RATE_MAX, EmbedderTrainee
from models.training.face_set import make_face_set, shown_how_often
from models.training.shards import read_shards

SEED, IDENTITIES, VIEWS, STEPS, BATCH = 7, 6_000, 16, 6_000, 128

_DESCRIPTION = """\
Train the embedder of the bring-up pack on rendered people, nobody else's. The set is made first, shard by shard; then
training goes on from the last checkpoint in --out, or begins. Cut off anywhere, the same command goes on."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = command.parser("train_embedder", _DESCRIPTION, SEED, STEPS, BATCH)
    parser.add_argument(
        "--identities", type=command.count, default=IDENTITIES, metavar="N", help=f"default: {IDENTITIES}"
    )
    parser.add_argument("--views", type=command.count, default=VIEWS, metavar="N", help=f"of each, default: {VIEWS}")
    parser.add_argument(
        "--even-out", action="store_true", help="show the groups of people that are found least twice as often"
    )
    return command.carry_out(parser, _train, argv)


def _train(options: argparse.Namespace) -> None:
    with counting_bar("shards of faces") as report:
        make_face_set(options.set, options.seed, options.identities, options.views, options.workers, report)
    if options.only_set:
        return
    device = command.prepare(options)
    faces = read_shards(options.set)
    often = shown_how_often(options.seed, options.identities) if options.even_out else None
    trainee = EmbedderTrainee(
        faces["images"],
        faces["identities"],
        options.seed,
        options.steps,
        options.batch,
        device,
        options.rate or RATE_MAX,
        often,
    )
    settings = {"faces": len(faces["images"])}
    if options.even_out:
        settings["even_out"] = True
    command.train(trainee, options, settings, "bring-up embedder")


if __name__ == "__main__":
    sys.exit(main())
