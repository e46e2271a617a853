"""Attribution: how much of a loss is due to noise, to decoding and encoding, to 8 bits, and to another t.

A part is the difference between the scores of two passes with everything else equal, picture, word, noise, layer and,
except for the part "another t", the t of the pass. The parts of a chain lead from its first pass to its last, so that
they add up to the whole, which is the difference between these two. Bands are those of the differences, word by word
and picture by picture: a picture that is easy for both takes no part in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inspector.evaluation.verdict_columns import Cell, Columns
from inspector.results import AGAIN, DECODED, GENERATION, LATENT, MEAN_OF_SEEDS, NOISE_ONCE, NOISELESS

DEFINITIONS = {
    "given": (
        "whole: the score without noise at the lowest t less that of one noise at t; another t: without noise at the "
        "lowest t less without noise at t; noise that stays: without noise at t less the mean of seeds at t; noise "
        "that averages out: the mean of seeds at t less one noise at t"
    ),
    "again": (
        "whole: as above; still lost: without noise at the lowest t less what was noised once at t and denoised again "
        "with guidance, at its last step; brought back: denoised again less one noise at t"
    ),
    "matched": (
        "whole: generation at t, which agrees with itself by 1, less one noise of the 8-bit picture at t; noise: 1 "
        "less the exact latents with one noise; decode and encode: the exact latents less the decoded and encoded ones "
        "with its noise; 8 bits: these less the 8-bit picture with it"
    ),
    "last": (
        "the same against generation's last step, as in the paper's figure; another t: 1 less generation at t; noise: "
        "generation at t less the exact latents with one noise at t"
    ),
}


@dataclass(frozen=True)
class Chain:
    """first: the pass whose score is the whole's upper end. links: (part, the pass that it leads to), in order."""

    first: Cell
    links: Sequence[tuple[str, Cell]]


def given_chain(lowest: int, timestep: int) -> Chain:
    """From no noise at the lowest t to one noise at t, on given pictures."""
    return Chain(
        (NOISELESS, lowest),
        (
            ("another t", (NOISELESS, timestep)),
            ("noise that stays", (MEAN_OF_SEEDS, timestep)),
            ("noise that averages out", (NOISE_ONCE, timestep)),
        ),
    )


def again_chain(lowest: int, timestep: int) -> Chain:
    """The same whole, by way of denoising again."""
    links = (("still lost", (AGAIN, timestep)), ("brought back", (NOISE_ONCE, timestep)))
    return Chain((NOISELESS, lowest), links)


def matched_chain(timestep: int) -> Chain:
    """From generation at t to the noised 8-bit picture at t."""
    return Chain((GENERATION, timestep), _links(timestep))


def last_chain(last: int, timestep: int) -> Chain:
    """From generation's last step to the noised 8-bit picture at t."""
    return Chain((GENERATION, last), (("another t", (GENERATION, timestep)), *_links(timestep)))


def _links(timestep: int) -> tuple[tuple[str, Cell], ...]:
    return (
        ("noise", (LATENT, timestep)),
        ("decode and encode", (DECODED, timestep)),
        ("8 bits", (NOISE_ONCE, timestep)),
    )


def attribute(columns: Columns, chain: Chain, label: str, metric: str) -> dict[str, Any]:
    """{whole, parts: {name: ...}}, each {mean, ci95, count}, over the samples that every pass of the chain scores."""
    cells = [chain.first, *(cell for _, cell in chain.links)]
    found = np.stack([columns.column(cell, label, metric) for cell in cells])  # (pass, sample)
    found[:, ~np.isfinite(found).all(0)] = np.nan
    lost = found[:-1] - found[1:]
    parts = {name: columns.band(values) for (name, _), values in zip(chain.links, lost, strict=True)}
    return {"whole": columns.band(found[0] - found[-1]), "parts": parts}


def attributions(
    columns: Columns, chains: Sequence[tuple[int, Chain]], metric: str, labels: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """A row {timestep, layer, metric, whole, parts} per t and label; chains: (t, its chain)."""
    return [
        {"timestep": timestep, "layer": label, "metric": metric, **attribute(columns, chain, label, metric)}
        for timestep, chain in chains
        for label in (columns.labels if labels is None else labels)
    ]
