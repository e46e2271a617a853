"""Every format read from a tiny data set in its layout: names, keys, labels by hand, and what is wrong with a mask."""

import pickle

import numpy as np
import pytest

from inspector.errors import ChoiceError, ImageError, InputError
from inspector.evaluation.datasets import FORMATS, VOID, read_dataset
from inspector.evaluation.datasets import coco as coco_module
from inspector.evaluation.datasets.masks import read_mask, to_labels
from tests.evaluation.datasets import making


def ends(labels: np.ndarray) -> tuple[int, int]:
    """The labels of the left and the right half."""
    assert labels.dtype == np.int32
    left, right = np.unique(labels[1:, : making.WIDTH // 2]), np.unique(labels[1:, making.WIDTH // 2 :])
    assert left.size == right.size == 1
    return int(left[0]), int(right[0])


@pytest.mark.parametrize(
    ("make", "name", "size", "expected"),
    [
        (making.voc, "voc", None, {"p0": (0, 1), "p1": (VOID, 20)}),
        (making.voc, "voc", 20, {"p0": (VOID, 0), "p1": (VOID, 19)}),
        (lambda root: making.context(root, 59), "context", None, {"p0": (0, 58), "p1": (58, VOID)}),
        (lambda root: making.context(root, 459), "context", 459, {"p0": (0, 458), "p1": (458, VOID)}),
        (making.ade, "ade", None, {"ADE_val_00000001": (VOID, 149)}),
        (making.ade_full, "ade", 847, {"ADE_val_00000001": (846, VOID)}),
        (making.coco, "coco", None, {"000000000001": (0, 131)}),
        (making.coco_stuff, "coco", 171, {"000000000001": (80, VOID)}),
        (making.folder, "folder", None, {"p0": (0, 1), "p1": (0, 2), "p2": (0, 1)}),
    ],
)
def test_a_format_is_read(tmp_path, make, name, size, expected):
    make(tmp_path)
    dataset = read_dataset(name, tmp_path, size)
    found = {sample.key: ends(sample.labels) for sample in dataset}
    assert found == expected
    assert all(sample.image.is_file() for sample in dataset)
    assert max(max(pair) for pair in found.values()) < len(dataset.names)
    again = pickle.loads(pickle.dumps(dataset))  # as workers get it
    assert ends(again.decode(again.entries[0])) == expected[again.entries[0].key]


def test_background_is_a_class_of_voc_with_21_and_void_with_20(tmp_path):
    making.voc(tmp_path)
    assert read_dataset("voc", tmp_path).names[:2] == (("background",), ("aeroplane",))
    assert read_dataset("voc", tmp_path, 20).names[0] == ("aeroplane",)


def test_odises_layout_of_context_is_read_too(tmp_path):
    making.picture(tmp_path / "images/validation/p.jpg")
    making.mask(tmp_path / "annotations_ctx59/validation/p.png", making.halves(3, 255))
    (sample,) = read_dataset("context", tmp_path)
    assert ends(sample.labels) == (3, VOID)


def test_pixels_without_a_segment_are_void(tmp_path):
    making.coco(tmp_path)
    (sample,) = read_dataset("coco", tmp_path)
    assert (sample.labels[0] == VOID).all()


def test_categories_of_coco_are_as_many_as_their_names():
    assert len(coco_module.PANOPTIC) == 133
    assert len(coco_module.STUFF) == 171
    assert coco_module.PANOPTIC[90] == coco_module.STUFF[90] == 79  # toothbrush, the last thing


def test_255_is_a_class_of_a_folder_that_has_so_many(tmp_path):
    making.picture(tmp_path / "images/p.png")
    making.mask(tmp_path / "masks/p.png", making.halves(255, 65535, np.uint16))
    (tmp_path / "classes.txt").write_text("".join(f"class {number}\n" for number in range(300)), "utf-8")
    (sample,) = read_dataset("folder", tmp_path)
    assert ends(sample.labels) == (255, VOID)


def test_reading_is_lazy(tmp_path):
    making.folder(tmp_path, 2)
    (tmp_path / "masks/p1.png").write_bytes(b"no picture")
    samples = iter(read_dataset("folder", tmp_path))
    assert next(samples).key == "p0"
    with pytest.raises(ImageError, match=r"'p1.png' is not a picture"):
        next(samples)


def test_a_value_below_the_first_class_is_wrong_and_not_void():
    """0 in a mask that starts at 1 becomes -1, which is what void is."""
    with pytest.raises(ImageError, match=r"'m.png' holds 0 in 1 pixels; 1 to 2, and 9 for void, are expected"):
        to_labels(np.array([[0, 1, 9]]), 2, (9,), 1, "m.png")
    assert to_labels(np.array([[2, 1, 9]]), 2, (9,), 1, "m.png").tolist() == [[1, 0, VOID]]


def test_a_mask_of_colours_is_refused(tmp_path):
    making.picture(tmp_path / "m.png")
    with pytest.raises(ImageError, match="is RGB; save one whole number a pixel"):
        read_mask(tmp_path / "m.png")


def test_a_panoptic_mask_with_an_unlisted_segment_is_refused(tmp_path):
    making.coco(tmp_path)
    dataset = read_dataset("coco", tmp_path)
    entry = dataset.entries[0]
    del entry.segments[7]  # type: ignore[attr-defined]
    with pytest.raises(ImageError, match=r"the segments 7, which"):
        dataset.decode(entry)


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_folder_says_what_it_lacks(tmp_path, name):
    with pytest.raises(InputError, match=r"has no folder .* as --root"):
        read_dataset(name, tmp_path)


def test_what_is_no_data_set_is_told(tmp_path):
    with pytest.raises(InputError, match="There is no folder"):
        read_dataset("voc", tmp_path / "nowhere")
    with pytest.raises(ChoiceError, match="use 21 or 20"):
        read_dataset("voc", tmp_path, 59)
    with pytest.raises(ChoiceError, match=r"classes.txt says"):
        read_dataset("folder", tmp_path, 5)
    with pytest.raises(ChoiceError, match="voc, context, ade"):
        read_dataset("cityscapes", tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    (tmp_path / "classes.txt").write_text("cat\n", "utf-8")
    with pytest.raises(ChoiceError, match="has no picture"):
        read_dataset("folder", tmp_path)
