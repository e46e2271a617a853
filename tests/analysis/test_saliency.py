"""Grad-CAM against a plain loop of one backward pass per class, and the ends of its range."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from inspector.analysis import last_block
from inspector.analysis.saliency import gradcam
from inspector.errors import ClassesError, UnsupportedModelError
from tests.toy_clip import ToyClip

WORDS = ("car", "horse", "tree", "sea")
BACKGROUND = ("ground", "land", "wall")


def photo(height: int = 40, width: int = 72) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def by_loop(model, trunk, text, background, pooling):
    """Grad-CAM as the papers write it: run the block itself, one backward pass per class."""
    kept = {}

    def keep(_module, _inputs, output):
        kept["y"] = output
        output.retain_grad()

    maps, probabilities = [], []
    for index in range(len(text)):
        handle = model.last_block.ln_1.register_forward_hook(keep)
        try:
            out = model.last_block(trunk.tokens)
        finally:
            handle.remove()
        image = F.normalize(model.head(out, trunk, pooling), dim=-1)
        logits = model.logit_scale * image @ torch.cat([text, background]).T
        probability = logits.softmax(-1)[0, index]
        gradient = torch.autograd.grad(probability, kept["y"])[0][0, trunk.prefix :]
        activation = kept["y"][0, trunk.prefix :]
        maps.append((activation * gradient.mean(0)).sum(-1).reshape(trunk.grid))
        probabilities.append(probability)
    return torch.stack(maps).detach(), torch.stack(probabilities).detach()


@pytest.mark.parametrize("pooling", ["class", "mean"])
@pytest.mark.parametrize(
    "options",
    [{}, {"registers": 3}, {"quick_gelu": True}, {"ls_init_value": 0.5}],
    ids=lambda item: next(iter(item), "plain"),
)
def test_batched_gradient_equals_a_loop_over_classes(pooling, options, monkeypatch):
    monkeypatch.setattr("inspector.analysis.memory.BUDGET", 1)  # one class per chunk, then all at once
    model = ToyClip(**options)
    trunk = model.trunk(model.pixels(photo()))
    assert trunk.grid == (6, 11)
    text, background = model.text(WORDS), model.text(BACKGROUND)
    maps, probabilities = by_loop(model, trunk, text, background, pooling)
    one_by_one = gradcam(model, trunk, text, background, pooling)
    monkeypatch.undo()
    together = gradcam(model, trunk, text, background, pooling)
    for result in (one_by_one, together):
        torch.testing.assert_close(result.signed, maps, atol=1e-12, rtol=1e-12)
        torch.testing.assert_close(result.probabilities, probabilities, atol=1e-12, rtol=1e-12)
    assert (maps < 0).any()
    assert (maps > 0).any()
    assert float(together.probabilities.sum()) + together.background_probability == pytest.approx(1)


def test_the_block_taken_apart_is_the_block():
    model = ToyClip(ls_init_value=0.3)
    tokens = model.trunk(model.pixels(photo())).tokens
    block = model.last_block
    query, key, value = last_block.split_heads(block, last_block.project(block, block.ln_1(tokens)))
    attended = last_block.merge_heads(block, last_block.scores(query, key).softmax(-1) @ value)
    torch.testing.assert_close(last_block.finish(block, tokens, attended), block(tokens), atol=1e-12, rtol=1e-12)


def test_a_certain_class_keeps_its_map():
    """At probability 1 to the last digit the shape of the map is still that of log-probability."""
    model = ToyClip()
    trunk = model.trunk(model.pixels(photo()))
    text, background = model.text(WORDS), model.text(BACKGROUND)
    sure = int(gradcam(model, trunk, text, background).scores.argmax())
    soft = gradcam(model, trunk, text[[sure]], background[:1]).signed
    model.logit_scale = 400.0
    hard = gradcam(model, trunk, text[[sure]], background[:1])
    assert float(hard.probabilities[0]) == 1.0
    torch.testing.assert_close(hard.signed / hard.signed.abs().max(), soft / soft.abs().max(), atol=1e-9, rtol=1e-9)


def test_half_precision_keeps_the_gradient_of_an_improbable_class():
    exact, rough = ToyClip(), ToyClip(dtype=torch.bfloat16)
    maps = []
    for model in (exact, rough):
        trunk = exact.trunk(exact.pixels(photo()))
        trunk = type(trunk)(trunk.tokens.to(model.dtype), trunk.grid, trunk.prefix)
        model.logit_scale = 60.0
        result = gradcam(model, trunk, exact.text(WORDS), exact.text(BACKGROUND))
        index = int(result.probabilities.argmin())
        assert float(result.probabilities[index]) < 1e-8
        maps.append(result.signed[index] / result.signed[index].abs().max())
    assert torch.corrcoef(torch.stack([item.flatten().double() for item in maps]))[0, 1] > 0.98


def test_no_gradient_is_left_on_the_model():
    model = ToyClip()
    trunk = model.trunk(model.pixels(photo()))
    with torch.no_grad():
        gradcam(model, trunk, model.text(WORDS), model.text(BACKGROUND))
    assert all(parameter.grad is None for parameter in model.visual.parameters())
    assert not model.last_block.ln_1._forward_hooks


def test_one_class_alone_is_refused():
    model = ToyClip()
    trunk = model.trunk(model.pixels(photo()))
    with pytest.raises(ClassesError, match="add a class or a background word"):
        gradcam(model, trunk, model.text(["car"]), model.text([]))


def test_unknown_pooling_and_other_blocks_are_refused_by_name():
    model = ToyClip()
    trunk = model.trunk(model.pixels(photo()))
    texts = model.text(WORDS)
    model.poolings = ("class",)
    with pytest.raises(UnsupportedModelError, match="toy-clip has no 'mean' pooling; choose 'class'"):
        gradcam(model, trunk, texts, texts[:0], "mean")
    model.last_block = torch.nn.TransformerEncoderLayer(24, 2)
    with pytest.raises(UnsupportedModelError, match="TransformerEncoderLayer without ln_1"):
        gradcam(model, trunk, texts, texts[:0], "class")
