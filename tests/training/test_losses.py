"""The training losses on numbers small enough to check by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from inspector import world
from inspector.models import load_clip
from inspector.models.clip import SCENES_CLIP, build_clip
from inspector.models.diffusion import SCENES_UNET, build_unet, convert_text_tower
from inspector.models.parts import open_clip_part
from inspector.settings import ASSETS
from inspector.trace.hooks import capture
from inspector.trace.recorders import record
from inspector.training.alignment import (
    PLACED,
    PLACING_WEIGHT,
    SHARPNESS,
    WEIGHT,
    AlignedUnet,
    placing_loss,
    word_places,
)
from inspector.training.autoencoder import decibels, reconstruction
from inspector.training.clip import ClipTraining, contrast
from inspector.training.diffusion import TextStates, losses, word_embeddings
from inspector.training.encoded import EncodedPictures


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


def test_noise_is_weighted_by_min_snr_and_features_and_words_are_aligned():
    class Answer(nn.Module):
        """Sees the second axis everywhere; its one token attends to the left half more than to the right."""

        def __init__(self, answer, more=1.0):
            super().__init__()
            self.answer, self.more = answer, more

        def forward(self, noisy, timesteps, states):
            seen = torch.tensor([0.0, 2.0]).view(1, 2, 1, 1).expand(2, 2, 2, 2)
            left = torch.tensor([self.more, 1.0]).expand(2, 1, 2, 2) / 10
            return self.answer, seen, [left, left]

    same = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1).expand(2, 2, 4, 4)
    clean = torch.zeros(2, 4, 4, 4)
    alphas = torch.tensor([0.9, 0.5])  # SNR 9 and 1: weights 5 / 9 and 1
    timesteps, words, places = torch.tensor([0, 1]), torch.ones(2, 1, 1, dtype=bool), torch.ones(2, 1, 4, 4)
    torch.manual_seed(3)
    noise = torch.randn_like(clean)

    def found(model, patches):
        torch.manual_seed(3)
        loss, parts = losses(model, clean, patches, places, None, words, timesteps, alphas)
        return loss.item(), parts

    assert found(Answer(noise), same)[0] == pytest.approx(0, abs=1e-6)
    assert found(Answer(noise + 1), same)[0] == pytest.approx((5 / 9 + 1) / 2, abs=1e-5)
    loss, parts = found(Answer(noise, more=3.0), same)
    assert parts["unplaced"] == pytest.approx((math.log(0.5 / 0.75) + math.log(0.5 / 0.25)) / 2, abs=1e-5)
    assert loss == pytest.approx(PLACING_WEIGHT * parts["unplaced"], abs=1e-6)
    loss, parts = found(Answer(noise), same.flip(1))  # features at right angles
    assert parts["apart"] == pytest.approx(1)
    assert loss == pytest.approx(WEIGHT, abs=1e-6)


def test_words_are_taught_where_they_are_and_each_counts_alike():
    places = torch.zeros(1, 3, 4, 4)  # of three words the first is at one place, the second at all others
    places[:, 0, 0, 0] = 1
    places[:, 1] = 1 - places[:, 0]
    words = torch.zeros(1, 3, 5, dtype=bool)
    words[0, 0, 1], words[0, 1, 2:4] = True, True  # the third is not named, tokens 0 and 4 belong to no word
    maps = torch.zeros(1, 5, 4, 4)
    maps[:, 1] = 0.01 * places[:, 0]
    maps[:, 2] = 0.6 * places[:, 1]
    maps[:, [0, 4]] = 0.1  # what other tokens get does not matter, nor how much the words get
    assert placing_loss(maps, words, places).item() == pytest.approx(0, abs=1e-5)
    spread = maps.clone()
    spread[:, 1] = 0.01
    assert placing_loss(spread, words, places).item() == pytest.approx(math.log(16) / 2, abs=1e-4)
    spread = maps.clone()
    spread[:, 2:4] = 0.01
    assert placing_loss(spread, words, places).item() == pytest.approx(math.log(16 / 15) / 2, abs=1e-4)
    unseen = places.clone()
    unseen[:, 0] *= 0.25  # CLIP sees the first word in a quarter of a patch: half of the half that counts in full
    spread[:, 1] = 0.01
    expected = (0.5 * math.log(16) + math.log(16 / 15)) / 1.5
    assert placing_loss(spread, words, unseen).item() == pytest.approx(expected, abs=1e-4)
    assert placing_loss(maps, torch.zeros_like(words), places).item() == 0


def test_probabilities_of_class_words_at_patches_by_hand():
    patches = torch.tensor([[2.0, 0.0], [0.6, 0.8]]).T[None, :, None]  # two places of two channels
    texts = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    found = word_places(patches, texts)[0, :, 0]
    assert found.sum(0).tolist() == pytest.approx([1, 1])
    assert found[1, 1].item() == pytest.approx(1 / (1 + math.exp(SHARPNESS * (0.6 - 0.8))), abs=1e-5)
    assert found[0, 0].item() == pytest.approx(1, abs=1e-5)


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


def test_what_is_aligned_is_what_the_unet_computes_and_no_hook_stays():
    torch.manual_seed(0)
    unet = build_unet(SCENES_UNET)
    model = AlignedUnet(unet, 128)
    states, noisy, timesteps = torch.randn(2, 6, 128), torch.randn(2, 4, 16, 24), torch.tensor([3, 3])
    with capture(unet, ["up_blocks.1"], stop_after_last=False) as seen, record(unet, range(6), images=2) as recording:
        predicted, projected, found = model(noisy, timesteps, states)
    assert torch.equal(predicted, unet(noisy, timesteps, states).sample)
    assert torch.equal(projected, model.projector(seen["up_blocks.1"]))
    assert projected.shape == (2, 128, 8, 12)
    recorded = [maps[0] for layer, maps in recording.maps.items() if layer.startswith(PLACED)]
    assert len(recorded) == 10
    for maps, expected in zip(found, recorded, strict=True):
        assert np.allclose(maps.detach(), expected, atol=2e-3)
    assert not [hook for module in unet.modules() for hook in module._forward_hooks]


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


def test_states_know_which_tokens_are_class_words():
    folder = ASSETS / "models" / "scenes-clip"
    text = TextStates(convert_text_tower(open_clip_part(folder)), folder, torch.device("cpu"))
    captions = [world.Caption("a red (boat), horses", ((7, 11, "boat"), (14, 20, "horse")))] * 60
    states, words = text.states(captions, np.random.default_rng(0))
    told = text.tokenizer(captions[0].text).input_ids
    assert words.shape == (60, len(world.CLASSES), text.empty.shape[1])
    for word, written in (("boat", "boat"), ("horse", "horses")):
        marked = words[0, world.CLASSES.index(word), : len(told)]
        tokens = [token for token, own in zip(told, marked, strict=True) if own]
        assert "".join(text.tokenizer.convert_ids_to_tokens(tokens)).replace("</w>", "") == written
    assert words[0].sum() == len({*words[0].nonzero()[:, 1].tolist()})  # no token is of two words
    empty = ~words.any((1, 2))
    assert 0 < empty.sum() < 20
    assert torch.equal(states[empty][0], text.empty[0])
    end = len(told) - 1
    replaced = (states[:, end:] == text.empty[0, end:]).all((1, 2)) & ~empty
    assert 10 < replaced.sum() < 50  # of some the words alone are left
    assert torch.equal(states[replaced][0, :end], states[~replaced & ~empty][0, :end])


def test_the_plain_prompts_of_class_words_are_those_the_models_own_tower_embeds():
    folder = ASSETS / "models" / "scenes-clip"
    found = word_embeddings(open_clip_part(folder), folder, torch.device("cpu"))
    expected = load_clip("scenes-clip").text([f"a photo of a {word}." for word in world.CLASSES])
    assert torch.allclose(torch.nn.functional.normalize(found, dim=-1), expected.cpu().float(), atol=1e-4)
