"""The drawn world: a seed becomes a scene with exact masks and a caption."""

from inspector.world.captions import Caption, write_caption
from inspector.world.classes import (
    CLASS_IDS,
    CLASSES,
    COLOURS,
    EVALUATION_SEEDS,
    GROUNDS,
    PARTS,
    PLURALS,
    STUFF,
    SYNONYMS,
    THINGS,
    TRAINING_SEEDS,
    VERSION,
)
from inspector.world.scene import MAX_SIZE, MIN_SIZE, Instance, Scene, fingerprint, scene
from inspector.world.sheet import contact_sheet

__all__ = [
    "CLASSES", "CLASS_IDS", "COLOURS", "EVALUATION_SEEDS", "GROUNDS", "MAX_SIZE", "MIN_SIZE", "PARTS", "PLURALS",
    "STUFF", "SYNONYMS", "THINGS", "TRAINING_SEEDS", "VERSION", "Caption", "Instance", "Scene", "contact_sheet",
    "fingerprint", "scene", "write_caption",
]  # fmt: skip
