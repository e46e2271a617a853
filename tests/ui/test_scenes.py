"""The drawn scenes of the page: held out, and showing what the figures need."""

import pytest

from inspector.ui import scenes
from inspector.views.images import read_image
from inspector.world import EVALUATION_SEEDS


def test_no_model_was_trained_on_what_is_offered() -> None:
    offered = {*scenes.GALLERY, scenes.STREET, scenes.HORSE, scenes.GOOD, scenes.POOR}
    assert all(seed in EVALUATION_SEEDS for seed in offered)
    assert len(set(scenes.GALLERY)) == len(scenes.GALLERY)


@pytest.mark.parametrize(
    ("seed", "words"),
    [(scenes.STREET, ("car", "building", "windows")), (scenes.HORSE, ("horse", "grass"))],
)
def test_the_figures_scenes_show_their_words(seed: int, words: tuple[str, ...]) -> None:
    masks = scenes.get(seed).masks
    assert all(masks[word].mean() > 0.01 for word in words)
    if seed == scenes.STREET:
        assert {"tree", "palm"} & set(masks)


def test_files_hold_the_scene_exactly() -> None:
    assert (read_image(scenes.file(scenes.STREET)) == scenes.get(scenes.STREET).image).all()


def test_the_gallery_names_every_picture() -> None:
    assert [caption for _, caption in scenes.gallery()] == [scenes.get(seed).caption for seed in scenes.GALLERY]
