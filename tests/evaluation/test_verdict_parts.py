"""Parts of a loss: they add up, and their bands are those of differences."""

import itertools

import numpy as np
import pytest
import torch

from inspector.evaluation import verdict_parts as parts
from inspector.evaluation.verdict_columns import Columns
from inspector.evaluation.verdict_passes import Pass
from inspector.results import AGAIN, DECODED, GENERATION, LATENT, MEAN_OF_SEEDS, NOISE_ONCE, NOISELESS

LEVELS = np.array([0.9, 0.2, 0.7, 0.4, 0.8, 0.1])  # how easy each picture is, in every arm


def columns(**of_arms: float | np.ndarray) -> Columns:
    """One word a picture; name_t=loss: the arm scores the picture's level less the loss."""
    names = {
        "made": GENERATION,
        "latent": LATENT,
        "decoded": DECODED,
        "once": NOISE_ONCE,
        "mean": MEAN_OF_SEEDS,
        "less": NOISELESS,
        "again": AGAIN,
    }
    found = Columns(["mean"], ["ap"])
    found.sampled(["sea"] * 6, list(range(6)))
    for name, loss in of_arms.items():
        arm, timestep = name.split("_")
        scores = (LEVELS - loss)[:, None, None]
        found.add(Pass(names[arm], int(timestep), None, {}, torch.empty(0)), list(scores))
    return found


def test_parts_of_a_given_picture_by_hand() -> None:
    made = columns(less_1=0, less_301=0.01, mean_301=0.03, once_301=0.08, once_1=0.5)
    found = parts.attribute(made, parts.given_chain(1, 301), "mean", "ap")
    assert found["whole"]["mean"] == pytest.approx(0.08)
    assert {name: part["mean"] for name, part in found["parts"].items()} == pytest.approx(
        {"another t": 0.01, "noise that stays": 0.02, "noise that averages out": 0.05}
    )


def test_what_denoising_brings_back_by_hand() -> None:
    made = columns(less_1=0, again_301=0.02, once_301=0.08)
    found = parts.attribute(made, parts.again_chain(1, 301), "mean", "ap")
    assert {name: part["mean"] for name, part in found["parts"].items()} == pytest.approx(
        {"still lost": 0.02, "brought back": 0.06}
    )


def test_parts_of_a_generated_picture_by_hand() -> None:
    made = columns(made_1=0, made_301=0.1, latent_301=0.3, decoded_301=0.35, once_301=0.36)
    matched = parts.attribute(made, parts.matched_chain(301), "mean", "ap")["parts"]
    assert {name: part["mean"] for name, part in matched.items()} == pytest.approx(
        {"noise": 0.2, "decode and encode": 0.05, "8 bits": 0.01}
    )
    last = parts.attribute(made, parts.last_chain(1, 301), "mean", "ap")
    assert last["parts"]["another t"]["mean"] == pytest.approx(0.1)
    assert last["whole"]["mean"] == pytest.approx(0.36)


@pytest.mark.parametrize("chain", [parts.given_chain(1, 301), parts.matched_chain(301), parts.last_chain(1, 301)])
def test_parts_add_up_also_where_scores_are_missing(chain: parts.Chain) -> None:
    """A picture that one pass has no score for takes no part in any."""
    rng = np.random.default_rng(0)
    names = ("less_1", "less_301", "mean_301", "once_301", "made_1", "made_301", "latent_301", "decoded_301")
    losses = {name: rng.normal(0, 0.2, 6) for name in names}
    losses["once_301"][2] = np.nan
    losses["less_301"][4] = losses["latent_301"][4] = np.nan
    found = parts.attribute(columns(**losses), chain, "mean", "ap")
    assert sum(part["mean"] for part in found["parts"].values()) == pytest.approx(found["whole"]["mean"])
    assert {part["count"] for part in (found["whole"], *found["parts"].values())} == {4}


def test_bands_are_of_differences_picture_by_picture() -> None:
    """Every picture loses the same, so the band has no width though pictures differ by .8."""
    made = columns(less_1=0, less_301=0.01, mean_301=0.03, once_301=0.08)
    found = parts.attribute(made, parts.given_chain(1, 301), "mean", "ap")
    for band in (found["whole"], *found["parts"].values()):
        assert band["ci95"] == pytest.approx(0, abs=1e-9)
    apart = made.band(made.column((NOISELESS, 1), "mean", "ap"))["ci95"]
    assert apart > 0.1
    uneven = columns(less_1=0, less_301=0, mean_301=0, once_301=np.array([0, 0, 0, 0.6, 0, 0]))
    assert parts.attribute(uneven, parts.given_chain(1, 301), "mean", "ap")["whole"]["ci95"] > 0.1


def test_every_link_changes_one_thing() -> None:
    """Neighbours in a chain differ in the arm or in t, not in both, and every part is defined in words."""
    for name, chain in (("given", parts.given_chain(1, 301)), ("last", parts.last_chain(1, 301))):
        cells = [chain.first, *(cell for _, cell in chain.links)]
        for (arm, timestep), (other, later) in itertools.pairwise(cells):
            assert (arm == other) != (timestep == later)
        told = parts.DEFINITIONS[name] + parts.DEFINITIONS["matched"]
        assert all(part in told for part, _ in chain.links)
