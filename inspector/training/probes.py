"""Localisation on a few held-out scenes while a model is trained, measured as `evaluate` does it.

The weights are written to a folder and opened as a user's own model would be, so that training and use cannot
differ. Masks are read here and only here, to report: none enters a loss. What people chose by such numbers is
written down in LOG.md.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from inspector import world
from inspector.evaluation import attention, saliency, segmentation
from inspector.models.catalog import register_local
from inspector.models.loading import unload

SCENES = 12
SEED = world.EVALUATION_SEEDS.stop - SCENES  # far from the scenes that `evaluate` begins with
TIMESTEPS = (100, 300)


def clip_localisation(folder: Path) -> Mapping[str, float]:
    """Grad-CAM's pointing over things for both poolings, and MaskCLIP's mIoU over the words present."""
    found = _measured(folder, lambda name: saliency.evaluate(SCENES, SEED, clip=name))
    labels = _measured(folder, lambda name: segmentation.evaluate(SCENES, SEED, clip=name, methods=("maskclip",)))
    return {
        "pointing_class": found["pointing_things"]["class, present"]["mean"],
        "pointing_mean": found["pointing_things"]["mean, present"]["mean"],
        "maskclip_miou": labels["present"]["miou"]["maskclip"]["mean"],
    }


def attention_localisation(folder: Path) -> Mapping[str, float]:
    """Mean AP over words of cross-attention at the best of all layers, averages and TIMESTEPS, and chance."""
    found = _measured(
        folder, lambda name: attention.evaluate(SCENES, SEED, diffusion=name, timesteps=TIMESTEPS, generated=0)
    )
    return {"attention_ap": max(cell["ap"] for cell in found["cells"]), "chance": found["all"]["chance"]["mean"]}


def _measured(folder: Path, measure: Callable[[str], Any]) -> Any:
    name = register_local(folder)
    try:
        return measure(name)
    finally:
        unload(name)
