"""What colour and size alone tell of the drawn classes: the baselines that no model is needed for.

Unlike the models they have seen masks, those of training scenes: a method that does not beat them has
found nothing that the mean colour of a class does not give away.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from inspector import world

SCENES, SIZE = 256, 128


@dataclass(frozen=True)
class ClassColours:
    """Of the world's classes, in its order: colours float64 (class, 3), mean RGB; shares (class,) of all pixels."""

    colours: np.ndarray
    shares: np.ndarray

    def maps(self, image: np.ndarray, words: tuple[str, ...]) -> np.ndarray:
        """float32 (word, h, w) in [0, 1]: 1 minus the distance to each word's mean colour, of black to white."""
        means = self.colours[[world.CLASS_IDS[word] - 1 for word in words]]
        distances = [np.linalg.norm(image - mean, axis=-1) for mean in means]
        return (1 - np.stack(distances) / np.linalg.norm([255.0] * 3)).astype(np.float32)

    def largest(self, words: tuple[str, ...]) -> str:
        """The word that covers most of the training scenes."""
        return max(words, key=lambda word: self.shares[world.CLASS_IDS[word] - 1])


@lru_cache(maxsize=1)
def class_colours() -> ClassColours:
    """Learned from the labels of SCENES training scenes of SIZE pixels."""
    count = len(world.CLASSES) + 1
    sums, pixels = np.zeros((count, 3)), np.zeros(count)
    for seed in world.TRAINING_SEEDS[:SCENES]:
        scene = world.scene(seed, SIZE)
        labels = scene.labels.ravel()
        pixels += np.bincount(labels, minlength=count)
        for channel in range(3):
            sums[:, channel] += np.bincount(labels, scene.image[..., channel].ravel(), minlength=count)
    return ClassColours(sums[1:] / np.maximum(pixels[1:, None], 1), pixels[1:] / pixels.sum())
