"""How somebody looks at one moment: expression, gaze, this day's hair, glasses and hat. Identity stays the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hwsim.street.rendered.head.draws import Draws
from hwsim.street.rendered.head.eyes import Gaze
from hwsim.street.rendered.head.hairstyle import BeardStyle, HairStyle, sample_beard, sample_hairstyle
from hwsim.street.rendered.head.identity import Glasses, Identity, sample_glasses
from hwsim.street.rendered.head.warp import NEUTRAL, Expression
from hwsim.street.rendered.head.worn import Hat, sample_hat

NEW_CUT_SHARE, NEW_BEARD_SHARE, DYED_SHARE = 0.12, 0.12, 0.04
HAT_SHARE, TINTED_SHARE = 0.06, 0.04
_FORGOT_GLASSES, _BORROWED_GLASSES = 0.2, 0.03
_GAZES = ((1.0, 0.0, 0.0), (1.0, 0.28, 0.0), (0.88, -0.28, 0.0), (0.65, 0.0, -0.12), (0.15, 0.0, 0.0))
_GAZE_SHARES = (0.45, 0.2, 0.2, 0.12, 0.03)


@dataclass(frozen=True)
class Look:
    """`hair` is linear RGB."""

    expression: Expression
    gaze: Gaze
    hairstyle: HairStyle
    hair: tuple[float, float, float]
    beard: BeardStyle
    glasses: Glasses | None = None
    tinted: bool = False
    hat: Hat | None = None


def neutral_look(identity: Identity) -> Look:
    """As on an enrolment photograph: neutral, eyes open, own hair; no glasses, no hat."""
    red, green, blue = identity.complexion.hair.tolist()
    return Look(NEUTRAL, Gaze(), identity.hairstyle, (red, green, blue), identity.beard)


def sample_look(identity: Identity, rng: np.random.Generator) -> Look:
    """Some day's look: mostly the person's own hair, beard and glasses, now and then another's."""
    draws = Draws(rng)
    male = identity.sex == "male"
    age = (identity.age_years - 18) / 67
    look = neutral_look(identity)
    expression = Expression(
        smile=float(np.clip(draws.bell(0.1, 0.5), -0.5, 1.2)),
        jaw=max(0.0, draws.bell(-0.3, 0.45)),
        brows=float(np.clip(draws.bell(0.0, 0.45), -0.8, 1.1)),
        pout=float(np.clip(draws.bell(0.0, 0.3), -0.3, 0.8)),
    )
    hairstyle, beard, hair = look.hairstyle, look.beard, look.hair
    if draws.chance(NEW_CUT_SHARE):
        hairstyle = sample_hairstyle(draws, male, age, natural=identity.hairstyle)
    if male and draws.chance(NEW_BEARD_SHARE):
        beard = sample_beard(draws, male)
    if draws.chance(DYED_SHARE):
        red, green, blue = np.clip(np.asarray(hair) * draws.between(0.4, 2.5), 0.003, 0.6).tolist()
        hair = (red, green, blue)
    wears = (identity.wears_glasses and not draws.chance(_FORGOT_GLASSES)) or draws.chance(_BORROWED_GLASSES)
    glasses = identity.glasses if identity.wears_glasses else sample_glasses(draws)
    tinted = draws.chance(TINTED_SHARE)
    return replace(
        look,
        expression=expression,
        gaze=Gaze(*draws.pick(_GAZES, _GAZE_SHARES)),
        hairstyle=hairstyle,
        hair=hair,
        beard=beard,
        glasses=glasses if wears or tinted else None,
        tinted=tinted,
        hat=sample_hat(draws) if draws.chance(HAT_SHARE) else None,
    )
