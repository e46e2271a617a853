"""What stands on the other side of the softmax, and what a class with synonyms is made of."""

import pytest
import torch

from inspector.analysis.vocabulary import embed_classes, embed_words, other_words
from inspector.errors import PromptError
from tests.toy_clip import ToyClip


def test_background_words_that_are_asked_for_are_dropped():
    background = ("ground", "Tree", "building", "sky", "wall")
    assert other_words(background, (("trees", "palms"), ("car",), ("tower", "building"))) == ("ground", "sky", "wall")


def test_a_class_is_the_mean_of_its_synonyms():
    model = ToyClip()
    found = embed_classes(model, (("trees", "palms"), ("car",)), "a photo of {}.")
    trees, palms, car = model.text(["a photo of trees.", "a photo of palms.", "a photo of car."])
    mean = (trees + palms) / (trees + palms).norm()
    torch.testing.assert_close(found, torch.stack([mean, car]))


def test_a_template_that_the_model_does_not_read_to_its_end_names_what_is_cut():
    with pytest.raises(
        PromptError, match="toy-clip does not read the end of the template with 'car': “of a car”; short"
    ):
        embed_words(ToyClip(), ["car"], "x" * 100 + "of a {}")
    assert len(embed_words(ToyClip(), ["car", "bus"], "a {}")) == 2
