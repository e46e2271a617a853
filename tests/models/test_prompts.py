"""Segment Anything asked by points and boxes: our adapter against transformers' own processor, and the embedded one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import SamConfig, SamImageProcessor, SamModel, SamProcessor

from inspector.errors import UnknownModelError, UnsupportedModelError
from inspector.models import catalog, load_promptable
from inspector.models.segmenters.small_sam import SCENES_SAM, build_sam, open_sam, save_sam, sines
from tests.models.small_segmenters import segmenter_folders

__all__ = ["segmenter_folders"]

POINTS = np.array([[20, 50], [30, 10], [3, 70]])  # y, x


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (48, 80, 3), np.uint8)


@pytest.fixture
def model(segmenter_folders: dict[str, Path]) -> Any:
    return load_promptable(catalog.register_local(segmenter_folders["sam"]))


def processed(folder: Path, image: np.ndarray, **prompts: Any) -> tuple[np.ndarray, np.ndarray]:
    """Masks (m, h, w) and IoU by transformers' own preparation, model and post-processing."""
    own = SamModel.from_pretrained(folder).eval()
    side = own.config.vision_config.image_size
    sizes = {"size": {"longest_edge": side}, "pad_size": {"height": side, "width": side}}
    processor = SamProcessor(SamImageProcessor.from_pretrained(folder, **sizes))
    inputs = processor(images=image, return_tensors="pt", **prompts)
    several = "input_boxes" in prompts or len(prompts.get("input_points", [[0]])[0]) > 1
    with torch.no_grad():
        out = own(**{k: v for k, v in inputs.items() if "sizes" not in k}, multimask_output=not several)
    (masks,) = processor.image_processor.post_process_masks(
        out.pred_masks, inputs["original_sizes"], inputs["reshaped_input_sizes"], pad_size=sizes["pad_size"]
    )
    return masks[0].numpy(), out.iou_scores[0, 0].numpy()


def same(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> None:
    order = np.argsort(-theirs[1].clip(0, 1), kind="stable")
    assert ours[0].shape == theirs[0].shape
    assert np.allclose(ours[1], theirs[1].clip(0, 1)[order], atol=1e-3)
    assert (ours[0] == theirs[0][order]).mean() > 0.98  # the picture is scaled by another kernel


def test_points_and_boxes_mean_what_they_mean_to_transformers_processor(
    model: Any, segmenter_folders: dict[str, Path], image: np.ndarray
) -> None:
    folder, embedding = segmenter_folders["sam"], model.embed(image)
    x, y = 50, 20
    same(model.ask(embedding, POINTS[:1]), processed(folder, image, input_points=[[[x, y]]], input_labels=[[1]]))
    flipped = POINTS[:, ::-1].tolist()
    same(
        model.ask(embedding, POINTS, np.array([1, 0, 1])),
        processed(folder, image, input_points=[flipped], input_labels=[[1, 0, 1]]),
    )
    box = [10, 5, 60, 40]
    same(model.ask(embedding, box_xyxy=np.array(box)), processed(folder, image, input_boxes=[[box]]))
    both = processed(folder, image, input_boxes=[[box]], input_points=[[[x, y]]], input_labels=[[1]])
    same(model.ask(embedding, POINTS[:1], np.array([1]), np.array(box)), both)


def test_one_point_gives_three_masks_the_surest_first_and_more_give_one(model: Any, image: np.ndarray) -> None:
    embedding = model.embed(image)
    masks, sure = model.ask(embedding, POINTS[:1])
    assert masks.shape == (3, 48, 80)
    assert masks.dtype == bool
    assert sure.dtype == np.float32
    assert list(sure) == sorted(sure, reverse=True)
    for given in ({"points_yx": POINTS}, {"box_xyxy": np.array([1, 2, 30, 40])}):
        masks, sure = model.ask(embedding, **given)
        assert masks.shape == (1, 48, 80)
        assert sure.shape == (1,)
    again = model.ask(embedding, POINTS, np.array([1, 1, 1]))
    assert np.array_equal(model.ask(embedding, POINTS)[1], again[1])  # points lie in the mask unless it is said


@pytest.mark.parametrize("shape", [(256, 256), (40, 300), (700, 90)])
def test_a_mask_has_its_pictures_size_whatever_the_models(model: Any, shape: tuple[int, int]) -> None:
    picture = np.zeros((*shape, 3), np.uint8)
    masks, _ = model.ask(model.embed(picture), np.array([[shape[0] - 1, shape[1] - 1]]))
    assert masks.shape == (3, *shape)


def test_the_published_configuration_is_asked_alike(tmp_path: Path) -> None:
    """At its own sizes with one layer: 1,024 px, 64 x 64 patches, masks of 256 px."""
    torch.manual_seed(0)
    save_sam(SamModel(SamConfig(vision_config={"num_hidden_layers": 1, "initializer_range": 0.02})), tmp_path)
    model = load_promptable(catalog.register_local(tmp_path))
    picture = np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)
    embedding = model.embed(picture)
    assert embedding.values.shape == (1, 256, 64, 64)
    assert model.ask(embedding, POINTS[:1])[0].shape == (3, 60, 100)


def test_a_segmenter_of_words_is_refused_before_it_is_fetched(segmenter_folders: dict[str, Path]) -> None:
    for name in ("clipseg", catalog.register_local(segmenter_folders["maskformer"])):
        with pytest.raises(
            UnsupportedModelError, match=r"takes no points and boxes; use one of scenes-sam, sam-vit-base"
        ):
            load_promptable(name)
    with pytest.raises(UnknownModelError, match="no segmenter model named 'scenes-clip'; choose one of scenes-sam"):
        load_promptable("scenes-clip")


def test_a_small_model_comes_back_as_it_was_written(tmp_path: Path) -> None:
    torch.manual_seed(0)
    built = build_sam()
    save_sam(built, tmp_path, torch.float32)
    opened = open_sam(tmp_path)
    assert all(torch.equal(value, opened.state_dict()[name]) for name, value in built.state_dict().items())
    frozen = [name for name, weight in opened.named_parameters() if not weight.requires_grad]
    assert frozen == ["shared_image_embedding.positional_embedding"]
    codes = built.shared_image_embedding.positional_embedding
    assert codes is built.prompt_encoder.shared_embedding.positional_embedding  # of the picture and of prompts
    assert 0.7 < float(codes.std()) < 1.3
    assert sum(weight.numel() for weight in built.parameters()) < 2_000_000
    assert SCENES_SAM["vision_config"]["image_size"] == SCENES_SAM["prompt_encoder_config"]["image_size"]


def test_places_are_told_apart_by_row_and_column() -> None:
    codes = sines(4, 6, 16)[0]
    assert codes.shape == (4, 6, 16)
    assert torch.equal(codes[2, 0, :8], codes[2, 5, :8])  # half of them by the row alone
    assert torch.equal(codes[0, 3, 8:], codes[3, 3, 8:])
    assert len({tuple(code.tolist()) for code in codes.flatten(0, 1)}) == 24
