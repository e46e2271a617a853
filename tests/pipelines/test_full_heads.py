"""An imported ODISE head of random weights at work on small models of Stable Diffusion's layout."""

from dataclasses import replace
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from open_clip.tokenizer import SimpleTokenizer

from inspector.errors import UnsupportedModelError
from inspector.models import catalog
from inspector.models.clip_adapter import OpenClipAdapter
from inspector.models.configuration_parts import SD15_UNET, SD15_VAE
from inspector.models.heads.full_odise import FullOdise, OdiseSizes
from inspector.pipelines.full_heads import fitted, propose_full, pyramid
from inspector.trace.taps import autoencoder_taps, tap_shapes, unet_taps
from tests.models.published import SMALL_ODISE
from tests.toys import WIDTH, ToyDiffusion

CLASSES = (("horse", "pony"), ("grass",), ("sky",))


@pytest.fixture(scope="module")
def clip() -> OpenClipAdapter:
    """Two blocks of width 16 at 48 px, patches of 8; CLIP's own tokenizer."""
    torch.manual_seed(0)
    vision = {"image_size": 48, "patch_size": 8, "width": 16, "layers": 2, "head_width": 8}
    text = {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1}
    model = open_clip.CLIP(SMALL_ODISE.clip_embed, vision, text)
    statistics = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    return OpenClipAdapter(catalog.spec("openai-vit-b-16"), model, SimpleTokenizer(), statistics, "toy")


def sizes_of(diffusion: Any) -> OdiseSizes:
    """Small sizes of a head on a model."""
    taps = tap_shapes((*autoencoder_taps(diffusion), *unet_taps(diffusion)))
    return replace(SMALL_ODISE, taps=dict(taps), states=(diffusion.prompt_length, WIDTH), time=time_of(diffusion))


def time_of(diffusion: Any) -> int:
    return diffusion.unet.time_embedding.linear_2.out_features


@pytest.fixture(scope="module")
def diffusion() -> ToyDiffusion:
    return ToyDiffusion()


@pytest.fixture(scope="module")
def head(diffusion: ToyDiffusion) -> FullOdise:
    torch.manual_seed(0)
    return FullOdise(sizes_of(diffusion)).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (70, 140, 3), np.uint8)


def check(found: Any, queries: int, classes: int) -> None:
    """What every proposal holds."""
    assert found.head.shape == found.clip.shape == (queries, classes)
    assert found.head.sum(1) == pytest.approx(1, abs=1e-5)
    assert found.clip.sum(1) == pytest.approx(1, abs=1e-5)
    assert found.null.shape == (queries,)
    assert np.isfinite(found.masks).all()
    assert 0 <= found.masks.min() <= found.masks.max() <= 1


def test_proposals_of_a_long_picture_are_named_by_head_and_by_clip(head, clip, diffusion, image):
    found = propose_full(head, image, CLASSES, clip, diffusion, side=64)
    check(found, SMALL_ODISE.queries, 3)
    assert found.masks.shape == (SMALL_ODISE.queries, 64 // 4, 128 // 4)


def test_a_class_is_as_likely_as_its_likeliest_synonym(head, clip, diffusion, image):
    both = propose_full(head, image, CLASSES, clip, diffusion, side=64)
    once = [propose_full(head, image, ((word,), *CLASSES[1:]), clip, diffusion, side=64) for word in CLASSES[0]]
    for kind in ("head", "clip"):
        odds = [getattr(item, kind)[:, 0] / getattr(item, kind)[:, 1] for item in (both, *once)]
        assert odds[0] == pytest.approx(np.maximum(odds[1], odds[2]), rel=1e-4)


def test_the_head_is_told_the_bare_name_and_clip_the_template(head, clip, diffusion, image):
    plain = propose_full(head, image, CLASSES, clip, diffusion, side=64)
    other = propose_full(head, image, CLASSES, clip, diffusion, template="a sketch of one {}", side=64)
    assert np.array_equal(plain.head, other.head)
    assert not np.allclose(plain.clip, other.clip, atol=1e-6)


def test_tiles_are_read_one_by_one_and_meet(head, clip, diffusion):
    """A picture of two equal halves has two equal halves of features."""
    half = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    one = pyramid(head, half, clip, diffusion)
    two = pyramid(head, np.concatenate([half, half], 1), clip, diffusion)
    for level, pair in zip(one, two, strict=True):
        assert torch.equal(pair, torch.cat([level, level], -1))


@pytest.mark.parametrize(("shape", "size"), [((70, 140), (64, 128)), ((300, 200), (128, 64)), ((50, 1000), (64, 128))])
def test_sides_are_multiples_of_sixty_four(shape, size):
    assert fitted(np.zeros((*shape, 3), np.uint8), 64).shape[:2] == size


def test_models_that_the_head_was_not_trained_on_are_refused(head, clip, diffusion, image):
    small = FullOdise(replace(head.sizes, clip_embed=8))
    with pytest.raises(UnsupportedModelError, match="has embeddings of width 12, and the head was trained on 8"):
        propose_full(small, image, CLASSES, clip, diffusion, side=64)
    with pytest.raises(UnsupportedModelError, match="has other features than the head's"):
        propose_full(FullOdise(SMALL_ODISE), image, CLASSES, clip, diffusion, side=64)
    short = FullOdise(replace(head.sizes, states=(5, WIDTH)))
    with pytest.raises(UnsupportedModelError, match=r"reads texts of 16 tokens of width 12, .* on 5 of 12"):
        propose_full(short, image, CLASSES, clip, diffusion, side=64)


@pytest.mark.slow
def test_it_runs_on_stable_diffusions_own_configuration(clip):
    """Stable Diffusion 1.5's blocks and picture size, at a tenth of its widths."""
    torch.manual_seed(0)
    model = ToyDiffusion()
    widths = {"block_out_channels": (32, 64, 64, 64)}
    model.unet = UNet2DConditionModel(**{**SD15_UNET, **widths, "cross_attention_dim": WIDTH}).eval()
    model.vae = AutoencoderKL(**{**SD15_VAE, "block_out_channels": (32, 32, 64, 64)}).eval()
    model.image_size = 512
    sizes = sizes_of(model)
    assert sizes.taps.keys() == OdiseSizes().taps.keys()
    picture = np.random.default_rng(0).integers(0, 256, (480, 700, 3), np.uint8)
    head = FullOdise(sizes).eval().requires_grad_(False)
    found = propose_full(head, picture, CLASSES, clip, model, side=256)
    check(found, SMALL_ODISE.queries, 3)
    assert found.masks.shape[1:] == (256 // 4, 384 // 4)
