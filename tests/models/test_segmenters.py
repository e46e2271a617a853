"""Segmenters of published layouts, of small widths and random weights, through the loader that opens the large ones."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoImageProcessor,
)

from inspector.errors import ModelFilesError, PromptError, UnsupportedModelError
from inspector.models import catalog
from inspector.models.fetching import wanted_files
from inspector.models.loading import load_segmenter
from inspector.models.segmenters.mask_former import with_synonyms
from inspector.models.segmenters.sam import Keeping, boxes, keep
from tests.models.small_segmenters import LABELS, PUBLISHED, segmenter_folders

__all__ = ["segmenter_folders"]

TEMPLATE = "a photo of the {}"


@pytest.fixture
def load(segmenter_folders: dict[str, Path]) -> Callable[[str], Any]:
    return lambda family: load_segmenter(catalog.register_local(segmenter_folders[family]))


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (48, 80, 3), np.uint8)


def test_clipseg_gives_a_mask_for_each_class_the_largest_of_its_synonyms(load: Any, image: np.ndarray) -> None:
    model = load("clipseg")
    found = model.segment(image, (("horse", "car"), ("grass",)), TEMPLATE)
    apart = model.segment(image, (("horse",), ("car",), ("grass",)), TEMPLATE)
    assert found.masks.shape == (2, 64, 64)
    assert found.masks.dtype == np.float32
    assert np.allclose(found.masks[0], np.maximum(apart.masks[0], apart.masks[1]), atol=1e-6)
    assert np.allclose(found.masks[1], apart.masks[2], atol=1e-6)
    assert not np.allclose(apart.masks[0], apart.masks[1], atol=1e-6)
    assert found.named is not None
    assert np.array_equal(found.named, np.eye(2))
    with pytest.raises(PromptError, match=r"reads 16 tokens and .* has more; shorten it"):
        model.segment(image, (("horse " * 20,),), TEMPLATE)


def test_clipseg_is_transformers_own(load: Any, segmenter_folders: dict[str, Path]) -> None:
    """Its own image processor and model, on a picture of the model's size, which nobody has to scale."""
    square = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    model = load("clipseg")
    processor = AutoImageProcessor.from_pretrained(segmenter_folders["clipseg"])
    pixels = processor(images=square, return_tensors="pt")["pixel_values"]
    ids = model._ids([TEMPLATE.replace("{}", "horse")])
    with torch.no_grad():
        expected = model.model(pixel_values=pixels, input_ids=ids).logits.reshape(64, 64).sigmoid()
    assert np.allclose(model.segment(square, (("horse",),), TEMPLATE).masks[0], expected, atol=1e-5)


@pytest.mark.parametrize("family", ["maskformer", "mask2former"])
def test_a_labels_probability_goes_to_the_class_that_means_it(load: Any, image: np.ndarray, family: str) -> None:
    model = load(family)
    assert [label[0] for label in model.labels] == ["sky", "car", "tree", "palm"]
    found = model.segment(image, (("sky",), ("autos",), ("tree", "palm tree")), TEMPLATE)
    assert found.masks.shape[0] == 5
    assert found.masks.shape[2] > found.masks.shape[1]
    assert found.named is not None
    every = model.segment(image, tuple((label.split(";")[0].split(",")[0],) for label in LABELS.values()), TEMPLATE)
    assert np.allclose(found.named[:, :2], every.named[:, :2])
    assert np.allclose(found.named[:, 2], every.named[:, 2] + every.named[:, 3], atol=1e-6)
    assert np.allclose(every.named.sum(1), 1, atol=1e-5)
    assert (every.sure < 1).all()  # what is left is nothing
    assert not model.segment(image, (("horse",),), TEMPLATE).named.any()


def test_a_label_means_what_its_synonyms_in_the_data_sets_vocabulary_do() -> None:
    labels = with_synonyms(["sofa", "windowpane", "road, route", "car;auto", "window frame"])
    assert labels[0] == ("sofa", "couch", "lounge")
    assert labels[1] == ("windowpane", "window")
    assert labels[2] == ("road", "route")
    assert labels[3][:2] == ("car", "auto")
    assert with_synonyms(["sofa", "couch"]) == (("sofa", "lounge"), ("couch",))


@pytest.mark.parametrize("family", ["maskformer", "mask2former"])
def test_its_scores_are_transformers_own(load: Any, segmenter_folders: dict[str, Path], family: str) -> None:
    """The same picture, of the model's size, by transformers' processor before and after."""
    picture = np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)
    model = load(family)
    processor = AutoImageProcessor.from_pretrained(segmenter_folders[family])
    with torch.no_grad():
        out = model.model(pixel_values=processor(images=picture, return_tensors="pt")["pixel_values"])
    (labels,) = processor.post_process_semantic_segmentation(out, [tuple(out.masks_queries_logits.shape[-2:])])
    found = model.segment(picture, tuple((word,) for word in ("sky", "car", "tree", "palm")), TEMPLATE)
    assert np.allclose(found.sure, 1 - out.class_queries_logits[0].softmax(-1)[:, -1], atol=1e-5)
    scores = np.einsum("q,qk,qhw->khw", found.sure, found.named, found.masks)
    assert (scores.argmax(0) == labels.numpy()).mean() > 0.99


def test_sam_proposes_masks_of_the_pictures_shape(load: Any, image: np.ndarray) -> None:
    model = load("sam")
    model.keeping = Keeping(points=3, sure=-9, stable=-1, overlap=1)
    found = model.segment(image, (), TEMPLATE)
    assert found.named is None
    assert found.masks.shape[1:] == (38, 64)
    assert len(found.masks) == len(found.sure) > 0
    assert list(found.sure) == sorted(found.sure, reverse=True)
    model.keeping = Keeping(points=3, sure=2)
    assert model.segment(image, (), TEMPLATE).masks.shape[0] == 0


def test_sams_points_are_the_middles_of_cells(load: Any) -> None:
    model = load("sam")
    model.keeping = Keeping(points=2)
    assert model._grid((40, 80)).tolist() == [[20, 10], [20, 30], [60, 10], [60, 30]]


def squares() -> torch.Tensor:
    """Three masks: a square, the same one cell larger, and one elsewhere whose logits are weak."""
    logits = torch.full((4, 12, 12), -8.0)
    logits[0, 1:6, 1:6] = logits[1, 1:7, 1:6] = 8
    logits[2, 8:11, 7:12] = 0.5
    return logits


def test_of_two_masks_alike_the_surer_stays_and_weak_or_empty_ones_go() -> None:
    sure = torch.tensor([0.9, 0.95, 0.99, 0.99])
    assert keep(squares(), sure, Keeping()).tolist() == [1]
    assert keep(squares(), sure, Keeping(overlap=0.9)).tolist() == [1, 0]
    assert keep(squares(), sure, Keeping(stable=0)).tolist() == [2, 1]
    assert keep(squares(), sure, Keeping(sure=0.96)).tolist() == []
    assert boxes(squares()[:3] > 0).tolist() == [[1, 1, 6, 6], [1, 1, 6, 7], [7, 8, 12, 11]]


def test_a_folder_is_named_by_what_is_in_it_and_refused_otherwise(
    segmenter_folders: dict[str, Path], tmp_path: Path
) -> None:
    assert catalog.spec(catalog.register_local(segmenter_folders["sam"]), "segmenter").parameters > 0
    other = Path(shutil.copytree(segmenter_folders["sam"], tmp_path / "other"))
    (other / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelFilesError, match=r"holds a bert, which cannot be read; give a CLIP or a"):
        catalog.register_local(other)


def test_a_folder_of_pickles_or_of_other_weights_is_told(segmenter_folders: dict[str, Path], tmp_path: Path) -> None:
    pickled = Path(shutil.copytree(segmenter_folders["sam"], tmp_path / "pickled"))
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(ModelFilesError, match=r"holds only pickled weights"):
        load_segmenter(catalog.register_local(pickled))
    changed = Path(shutil.copytree(segmenter_folders["sam"], tmp_path / "changed"))
    config = json.loads((changed / "config.json").read_text("utf-8"))
    config["mask_decoder_config"]["iou_head_hidden_dim"] = 8
    (changed / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFilesError, match=r"does not fit its config.json"):
        load_segmenter(catalog.register_local(changed))


def test_another_architecture_under_the_same_roof_is_told(segmenter_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(segmenter_folders["sam"], tmp_path / "sam"))
    name = catalog.register_local(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(UnsupportedModelError, match=r"holds a bert; only clipseg, maskformer, mask2former, sam"):
        load_segmenter(name)


def test_of_a_repository_the_safetensors_are_fetched() -> None:
    names = ["README.md", "config.json", "model.safetensors", "preprocessor_config.json", "pytorch_model.bin",
             "vocab.json", "merges.txt", "tokenizer_config.json", "tf_model.h5"]  # fmt: skip
    assert set(wanted_files(catalog.spec("clipseg"), names)) == {
        "config.json", "model.safetensors", "preprocessor_config.json", "vocab.json", "merges.txt",
        "tokenizer_config.json",
    }  # fmt: skip
    with pytest.raises(ModelFilesError, match=r"has no model.safetensors .only pickled weights"):
        wanted_files(catalog.spec("sam-vit-base"), ["config.json", "preprocessor_config.json", "pytorch_model.bin"])


def test_the_catalog_counts_the_published_configurations() -> None:
    assert catalog.names("segmenter")[1:5] == tuple(PUBLISHED)  # after the embedded one
    for name, build in PUBLISHED.items():
        with torch.device("meta"):
            model = build()
        assert sum(parameter.numel() for parameter in model.parameters()) == catalog.spec(name).parameters
