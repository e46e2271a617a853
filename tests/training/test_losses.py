"""The training losses on numbers small enough to check by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from inspector.models.clip import SCENES_CLIP, build_clip
from inspector.models.diffusion import SCENES_UNET, build_unet
from inspector.training.alignment import WEIGHT, AlignedUnet, EncodedPictures
from inspector.training.autoencoder import decibels, reconstruction
from inspector.training.clip import ClipTraining, contrast
from inspector.training.diffusion import losses


class NoModel(nn.Module):
    """Stands in for the CLIP where a loss does not need one."""


def test_contrast_of_two_pairs_by_hand():
    logits = torch.tensor([[2.0, 0.0], [1.0, 3.0]])
    rows = [math.log(1 + math.exp(-2)), math.log(1 + math.exp(-2))]
    columns = [math.log(1 + math.exp(-1)), math.log(1 + math.exp(-3))]
    expected = (sum(rows) / 2 + sum(columns) / 2) / 2
    assert contrast(logits, torch.eye(2, dtype=torch.bool)).item() == pytest.approx(expected, abs=1e-6)


def test_equal_captions_are_both_right():
    same = torch.ones(2, 2, dtype=torch.bool)
    # With both captions right the best is half each: equal logits cost log 2 and nothing pulls them apart.
    logits = torch.zeros(2, 2, requires_grad=True)
    loss = contrast(logits, same)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2), abs=1e-6)
    assert torch.allclose(logits.grad, torch.zeros(2, 2), atol=1e-7)


def test_patch_loss_falls_when_present_words_have_their_own_patches():
    training = ClipTraining(NoModel())
    presence = torch.tensor([[1.0, 1.0, 0.0]])
    right = torch.tensor([[[1.0, -1, -1], [1, -1, -1], [-1, 1, -1], [-1, 1, -1]]])
    absent = torch.tensor([[[1.0, -1, -1], [1, -1, -1], [-1, -1, 1], [-1, -1, 1]]])
    crowded = torch.tensor([[[1.0, -1, -1]] * 4])
    losses = [training.patch_loss("patch", item, presence).item() for item in (right, absent, crowded)]
    assert losses[0] < losses[2] < losses[1]


def test_patch_loss_of_undecided_patches_by_hand():
    # Three words, equal similarities: each takes a third of every patch, logits are 0, the bias is -2.
    logit = -2 + (2 / 3) ** 3 * math.log(0.01 + 1 / 3)
    present, absent = math.log(1 + math.exp(-logit)), math.log(1 + math.exp(logit))
    loss = ClipTraining(NoModel()).patch_loss("patch", torch.zeros(1, 4, 3), torch.tensor([[1.0, 0.0, 0.0]]))
    assert loss.item() == pytest.approx((present + 2 * absent) / 3, abs=1e-5)


def test_reconstruction_by_hand():
    pixels = torch.zeros(1, 1, 2, 2)
    drawn = torch.tensor([[[[0.5, 0.0], [0.0, 0.0]]]])
    error, edges = reconstruction(drawn, pixels)
    assert error.item() == pytest.approx(0.125 + 4 * 0.0625)
    assert edges.item() == pytest.approx(0.25 + 0.25)  # one of two differences of .5, in each direction


def test_decibels_of_a_known_error():
    images = np.zeros((2, 4, 4, 3), np.uint8)
    drawn = images + np.array([1, 10], np.uint8)[:, None, None, None]
    assert decibels(drawn, images) == pytest.approx((48.1308 + 28.1308) / 2, abs=1e-3)


def test_noise_is_weighted_by_min_snr_and_features_are_aligned():
    class Answer(nn.Module):
        def __init__(self, answer):
            super().__init__()
            self.answer = answer

        def forward(self, noisy, timesteps, states):
            return self.answer, torch.tensor([0.0, 2.0]).view(1, 2, 1, 1).expand(2, 2, 2, 2)

    same = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1).expand(2, 2, 4, 4)
    clean = torch.zeros(2, 4, 4, 4)
    alphas = torch.tensor([0.9, 0.5])  # SNR 9 and 1: weights 5 / 9 and 1
    timesteps = torch.tensor([0, 1])
    torch.manual_seed(3)
    noise = torch.randn_like(clean)
    torch.manual_seed(3)
    loss, _ = losses(Answer(noise), clean, same, None, timesteps, alphas)
    assert loss.item() == 0
    torch.manual_seed(3)
    loss, _ = losses(Answer(noise + 1), clean, same, None, timesteps, alphas)
    assert loss.item() == pytest.approx((5 / 9 + 1) / 2, abs=1e-5)
    torch.manual_seed(3)
    loss, parts = losses(Answer(noise), clean, same.flip(1), None, timesteps, alphas)  # at right angles
    assert parts["apart"] == pytest.approx(1)
    assert loss.item() == pytest.approx(WEIGHT)


def test_pictures_are_encoded_once_and_kept(tmp_path):
    asked = []

    def encode(images):
        asked.append(images[:, 0, 0, 0].tolist())
        return torch.from_numpy(images[..., 0].astype(np.float32) / 2)

    images = np.arange(1, 5, dtype=np.uint8)[:, None, None, None].repeat(2, 1).repeat(2, 2)
    pictures = EncodedPictures(images, encode, tmp_path / "kept.npy", (2, 2), torch.device("cpu"))
    assert pictures.take(np.array([0, 2]))[:, 0, 0].tolist() == [0.5, 1.5]
    again = EncodedPictures(images, encode, tmp_path / "kept.npy", (2, 2), torch.device("cpu"))
    assert again.take(np.array([0, 1, 2]))[:, 1, 1].tolist() == [0.5, 1.0, 1.5]
    again.take(np.array([1, 0]))
    assert asked == [[1, 3], [2]]


def test_aligned_features_are_those_after_the_second_up_block_and_no_hook_stays():
    unet = build_unet(SCENES_UNET)
    model = AlignedUnet(unet, 128)
    seen = []
    hook = unet.up_blocks[1].register_forward_hook(lambda block, inputs, output: seen.append(output))
    predicted, projected = model(torch.randn(1, 4, 16, 16), torch.tensor([3]), torch.randn(1, 4, 128))
    hook.remove()
    assert predicted.shape == (1, 4, 16, 16)
    assert torch.equal(projected, model.projector(seen[0]))
    assert projected.shape == (1, 128, 8, 8)
    assert not unet.up_blocks[1]._forward_hooks


def test_patches_are_read_alone_in_their_own_place_and_in_the_class_tokens():
    torch.manual_seed(0)
    clip = build_clip(SCENES_CLIP).eval()
    pixels = torch.randn(1, 3, 256, 256)
    with torch.no_grad():
        found = ClipTraining(clip).eval().images(pixels)
        visual = clip.visual
        assert torch.allclose(found["class"], clip.encode_image(pixels), atol=1e-5)
        kept = []
        hook = visual.transformer.resblocks[-1].register_forward_pre_hook(lambda block, inputs: kept.append(inputs[0]))
        visual(pixels)
        hook.remove()
        block, place = visual.transformer.resblocks[-1], 7
        alone = torch.full((257, 257), -torch.inf)
        alone[:, 1 + place] = 0  # every token attends to this patch and to nothing else
        tokens = visual.ln_post(block(kept[0], attn_mask=alone)) @ visual.proj
    assert torch.allclose(found["patch"][:, place], tokens[:, 1 + place], atol=1e-5)
    assert torch.allclose(found["read"][:, place], tokens[:, 0], atol=1e-5)
    assert not torch.allclose(found["read"][:, place], found["class"], atol=1e-3)
