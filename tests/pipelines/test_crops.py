"""Crops of proposals: tight, filled with the mean colour, resized, and what CLIP calls them."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from inspector.models import load_clip
from inspector.pipelines.crops import crop, crop_opinions
from inspector.world import scene

TEXT = F.normalize(torch.eye(3), dim=-1)


def looking(seen: list[torch.Tensor]) -> Any:
    """A CLIP of 4 px whose embedding of a picture is its mean colour; what it looks at is added to `seen`."""

    def layers(pixels: torch.Tensor) -> Any:
        seen.append(pixels)
        return SimpleNamespace(tokens=(pixels.mean((-2, -1))[:, None],), grid=(1, 1))

    return SimpleNamespace(
        image_size=4,
        logit_scale=5.0,
        normalised=lambda image: torch.tensor(image).permute(2, 0, 1)[None].float() - 100,  # 100 is its mean colour
        layers=layers,
        head=lambda tokens, trunk, pooling: tokens[:, 0],
    )


def test_a_crop_is_the_masks_box_with_the_mean_colour_outside() -> None:
    pixels = torch.arange(1.0, 21.0).reshape(1, 1, 4, 5).expand(-1, 3, -1, -1)
    mask = torch.zeros(4, 5, dtype=torch.bool)
    mask[1, 1:3] = mask[2, 2] = True
    assert crop(pixels, mask, 2)[0, 0].tolist() == [[7, 8], [0, 13]]


def test_a_crop_of_any_shape_fills_clips_square() -> None:
    mask = torch.zeros(9, 9, dtype=torch.bool)
    mask[4, 1:8] = True
    assert crop(torch.ones(1, 3, 9, 9), mask, 4).shape == (1, 3, 4, 4)


def test_each_mask_is_called_by_what_is_inside_it() -> None:
    image = np.full((8, 8, 3), 100, np.uint8)
    image[:, :4, 0] = 200  # red on the left, blue on the right
    image[:, 4:, 2] = 200
    left = torch.zeros(2, 8, 8)
    left[0, :, :4] = left[1, :, 4:] = 1
    seen: list[torch.Tensor] = []
    opinions, some = crop_opinions(looking(seen), image, left, TEXT)
    assert some.tolist() == [True, True]
    assert opinions.argmax(1).tolist() == [0, 2]
    assert torch.allclose(opinions[0], (5 * TEXT[0]).softmax(-1))
    assert seen[0].shape == (2, 3, 4, 4)  # one pass for all crops


def test_a_mask_without_a_pixel_has_no_opinion_and_is_not_looked_at() -> None:
    seen: list[torch.Tensor] = []
    opinions, some = crop_opinions(looking(seen), np.zeros((8, 8, 3), np.uint8), torch.zeros(2, 4, 4), TEXT)
    assert some.tolist() == [False, False]
    assert torch.allclose(opinions, torch.full((2, 3), 1 / 3))
    assert not seen


@pytest.mark.parametrize("word", ["sky", "house"])
def test_clip_names_a_true_mask_of_a_drawn_scene(word: str) -> None:
    clip = load_clip("scenes-clip-plain")
    drawn = next(found for found in map(scene, range(504_300, 504_400)) if word in found.masks)
    words = ("sky", "house", "sheep", "grass")
    text = clip.text([f"a photo of {name}." for name in words])
    opinions, _ = crop_opinions(clip, drawn.image, torch.from_numpy(drawn.masks[word])[None].float(), text)
    assert words[int(opinions[0].argmax())] == word
