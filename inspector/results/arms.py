"""The arms of a comparison of cross-attention (paper, Fig. 3): what each was made of, and which of them a request asks.

Same prompt, conditional branch and layers in all. One noise is added at one or more t, the same for all arms.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from inspector.errors import ChoiceError
from inspector.results.checks import check_choice, check_number
from inspector.results.quoting import quoted

GENERATION: Final = "generation"  # x_t as it was, under guidance
LATENT: Final = "latent noised"  # the finished latents themselves, with noise added once
DECODED: Final = "decoded noised"  # decoded and encoded, with no 8 bits between, then noise
NOISE_ONCE: Final = "noise once"  # through the 8-bit picture, as a real one comes, then noise: what ODISE does
MEAN_OF_SEEDS: Final = "mean of seeds"  # of NOISE_ONCE over several noises
SPREAD_OF_SEEDS: Final = "spread of seeds"  # their standard deviation
INVERSION: Final = "inversion"  # DDIM inversion of the 8-bit picture
NOISELESS: Final = "without noise"  # NOISE_ONCE without its noise, so that t alone acts
AGAIN: Final = "denoised again"  # from x_t of NOISE_ONCE down to 0, under guidance
ARMS = (GENERATION, LATENT, DECODED, NOISE_ONCE, MEAN_OF_SEEDS, SPREAD_OF_SEEDS, INVERSION, NOISELESS, AGAIN)
GENERATED_ONLY = (GENERATION, LATENT, DECODED)  # a picture from elsewhere has no such latents
OVER_SEEDS = (MEAN_OF_SEEDS, SPREAD_OF_SEEDS)
EVERY = "every"  # for timesteps: each of the generation's
MOST_SEEDS = 16


def read_arms(value: Any, generated: bool, seeds: int) -> tuple[str, ...]:
    """The names of arms from a tuple or a text with commas, in the order of ARMS; none asks the usual ones.

    Those are, of several seeds, also their mean and spread. A generated picture always has `generation`, which makes
    it. Raises ChoiceError for a name that is none, one that a given picture cannot have, and one over seeds where there
    is one seed.
    """
    names = _items("arms", value)
    for name in names:
        check_choice("arm", name, ARMS)
        if name in GENERATED_ONLY and not generated:
            raise ChoiceError(f"A given picture has no arm {name!r}, which needs the latents of a generation.")
        if name in OVER_SEEDS and seeds < 2:
            raise ChoiceError(f"The arm {name!r} is over several noises and seeds is {seeds}; use 2 or more.")
    usual = (NOISE_ONCE, *OVER_SEEDS) if seeds > 1 else (NOISE_ONCE,)
    chosen = {*(names or usual), *((GENERATION,) if generated else ())}
    return tuple(name for name in ARMS if name in chosen)


def read_timesteps(value: Any) -> tuple[int, ...] | tuple[str]:
    """Several t, high noise first, from a tuple or a text with commas; (EVERY,) for each of the generation's.

    Raises ChoiceError for a t that is none.
    """
    items = _items("noise_timesteps", value)
    if items == (EVERY,):
        return (EVERY,)
    numbers = [int(item) if isinstance(item, str) and re.fullmatch(r"\d{1,9}", item) else item for item in items]
    for number in numbers:
        if isinstance(number, str):
            raise ChoiceError(f'noise_timesteps has {quoted(number)}; give numbers from 0 to 999, or "{EVERY}" alone.')
        check_number("noise_timesteps", number, 0, 999, whole=True)
    return tuple(sorted(set(map(int, numbers)), reverse=True))


def seed_arm(seed: int) -> str:
    """The arm of another noise than the request's own seed's."""
    return f"{NOISE_ONCE}, seed {seed}"


def recorded_arms(arms: Sequence[str], seed: int, seeds: int) -> tuple[str, ...]:
    """The arms that a result has: those that were asked, and with several seeds each noise by itself after the first.

    The single noises are there where `noise once` is asked.
    """
    others = tuple(seed_arm(seed + number) for number in range(1, seeds))
    return tuple(name for arm in arms for name in ((arm, *others) if arm == NOISE_ONCE else (arm,)))


def _items(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, tuple | list):
        raise ChoiceError(f"{name} is {quoted(value)}; give a text with commas, or a list.")
    items = (item.strip() if isinstance(item, str) else item for item in value)
    return tuple(item for item in items if item != "")
