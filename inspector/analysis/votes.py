"""Votes: labels of several methods as one, how many share it, and where they disagree."""

from collections.abc import Sequence

import cv2
import numpy as np

SIDE = 128  # cells of the longer side of the shares


def majority(labels: Sequence[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """int32 (h, w), the label with most votes at each pixel, and float32 (h, w), the share of methods against it.

    labels: int (h, w) each, from 0 to `count` - 1. Of labels with equally many votes the first class wins, and a class
    before the background, 0.
    """
    order = [*range(1, count), 0]
    most, winner = np.zeros(labels[0].shape, np.int32), np.zeros(labels[0].shape, np.int32)
    for label in order:
        votes = _votes(labels, label)
        winner[votes > most] = label
        np.maximum(most, votes, out=most)
    return winner, (1 - most / len(labels)).astype(np.float32)


def shares(labels: Sequence[np.ndarray], count: int, side: int = SIDE) -> np.ndarray:
    """float32 (class, gh, gw) in [0, 1]: the share of votes for each class, 1 to `count` - 1, averaged over cells."""
    height, width = labels[0].shape
    scale = min(1.0, side / max(height, width))
    size = tuple(max(1, round(length * scale)) for length in (width, height))
    found = []
    for label in range(1, count):
        share = (_votes(labels, label) / len(labels)).astype(np.float32)
        found.append(cv2.resize(share, size, interpolation=cv2.INTER_AREA))
    return np.stack(found)


def _votes(labels: Sequence[np.ndarray], label: int) -> np.ndarray:
    """int32 (h, w): how many give a pixel this label."""
    votes = np.zeros(labels[0].shape, np.int32)
    for one in labels:
        votes += one == label
    return votes
