"""Which layers a choice means, and how much each counts."""

import pytest

from inspector.errors import ChoiceError
from inspector.results import blocks, chosen_layers
from inspector.results.layers import parse_mixture

SIZES = {
    "down_blocks.0.attentions.0.attn2": (32, 32),
    "down_blocks.1.attentions.0.attn2": (16, 16),
    "mid_block.attentions.0.attn2": (4, 4),
    "up_blocks.1.attentions.0.attn2": (16, 16),
    "up_blocks.1.attentions.1.attn2": (16, 16),
    "up_blocks.3.attentions.0.attn2": (32, 32),
}
NAMES = list(SIZES)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (None, dict.fromkeys(NAMES, 1 / 6)),
        ("mean", dict.fromkeys(NAMES, 1 / 6)),
        (NAMES[2], {NAMES[2]: 1}),
        (32, {NAMES[0]: 1 / 2, NAMES[5]: 1 / 2}),
        ("resolution 16", dict.fromkeys([NAMES[1], NAMES[3], NAMES[4]], 1 / 3)),
        ("up_blocks", dict.fromkeys(NAMES[3:], 1 / 3)),
        ("up_blocks.1", dict.fromkeys(NAMES[3:5], 1 / 2)),
        ("32: 1, 16: 3", {NAMES[0]: 1 / 8, NAMES[5]: 1 / 8, **dict.fromkeys([NAMES[1], NAMES[3], NAMES[4]], 1 / 4)}),
        ("4:.5,32:0", {NAMES[2]: 1}),
    ],
)
def test_weights_of_a_choice(layer: str | int | None, expected: dict[str, float]) -> None:
    assert chosen_layers(SIZES, layer) == pytest.approx(expected)


@pytest.mark.parametrize("layer", ["up", "up_blocks.", "up_blocks.9", "", 7, "resolution 7", "64: 1", "32: 1, 32: 2"])
def test_what_there_is_not_is_refused(layer: str | int) -> None:
    with pytest.raises(ChoiceError):
        chosen_layers(SIZES, layer)


@pytest.mark.parametrize("text", ["32:", "32: 0", "32: -1", "32: nan", "32; 16", ":", "32: 1,", "a: 1", "32: ."])
def test_weights_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ChoiceError, match=r"weights of the layers are .*; "):
        parse_mixture(text)


def test_blocks_that_are_more_than_a_layer_and_less_than_all() -> None:
    assert blocks(NAMES) == ("down_blocks", "up_blocks", "up_blocks.1")
    assert blocks(["up_blocks.0.a", "up_blocks.0.b"]) == ()
