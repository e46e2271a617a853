"""Requests and results of odd values: each is made, or refused in one sentence."""

import json
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inspector.errors import ClassesError, ImageError, InputError, InspectorError, PromptError, RecordingError
from inspector.results import (
    AttentionRequest,
    ClustersRequest,
    Provenance,
    SaliencyRequest,
    Segment,
    SegmentationRequest,
    Token,
    check_number,
    check_text,
    parse_classes,
)
from tests.views import samples

IMAGE = samples.image()
ODD_VALUES = (
    None, True, 5, -1, 0.5, float("nan"), float("inf"), 10**400, 10**5000, "", "\ud800", "x" * 10**5, b"car", [], {},
    (), [[]], [5], [None], ["a", 5], ["car", ["x", ["y"]]], [b"a"], {"a": 1}, np.zeros(3), np.array("a"), object,
    [10**400], range(3), Provenance({}, "cpu", "float32", {}, 1.0),
)  # fmt: skip
FIELDS = {
    SaliencyRequest: ({"image": IMAGE, "classes": "car"}, ("background", "template", "pooling", "threshold", "side")),
    AttentionRequest: (
        {"prompt": "a horse"},
        ("steps", "guidance_scale", "seed", "noise_timestep", "scheduler", "heads", "size", "edit"),
    ),
    ClustersRequest: ({"image": IMAGE}, ("k", "preset", "timestep", "prompt", "seed", "restarts")),
    SegmentationRequest: (
        {"image": IMAGE, "classes": "car"},
        (
            *("method", "background", "template", "timestep", "seed", "side", "clip", "diffusion"),
            *("background_rule", "background_power", "merging", "head", "seen_weight", "unseen_weight"),
            "background_words",
            "segmenter",
        ),
    ),
}
EVERYWHERE = ("image", "classes", "prompt", "model", "masks", "scene")


@pytest.mark.parametrize("kind", FIELDS)
def test_a_request_of_odd_values_is_a_request_or_a_sentence(kind: Any) -> None:
    usual, names = FIELDS[kind]
    known = [name for name in (*names, *EVERYWHERE) if name in kind.__dataclass_fields__]
    told: dict[str, list[str]] = {name: [] for name in known}
    for name in known:
        for value in ODD_VALUES:
            try:
                kind(**{**usual, name: value})
            except InputError as error:
                told[name].append(str(error))
    for sentences in told.values():
        assert sentences
        assert all(len(text.encode("utf-8")) < 300 and "\n" not in text for text in sentences)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (["car", ["x"]], (("car",), ("x",))),
        (["trees/palms", ("a/b", "c")], (("trees", "palms"), ("a/b", "c"))),
        ("car\nsky, sea/lake", (("car",), ("sky",), ("sea", "lake"))),
    ],
)
def test_classes_are_texts_or_lists_of_texts(given_: Any, expected: Any) -> None:
    assert parse_classes(given_) == expected


@pytest.mark.parametrize(
    "value", [None, 5, {}, [], [[]], [["a", ["b"]]], [5], ["a", None], b"car", [b"car"], ["\udfff"]]
)
def test_classes_that_are_none(value: Any) -> None:
    with pytest.raises(ClassesError):
        parse_classes(value)


def test_a_bad_value_is_quoted_in_a_few_characters() -> None:
    for value, shown in (
        (10**400, "a number of 401 digits"),
        (10**5000, "a number of 5001 digits"),
        (123, "123"),
        (True, "True"),
        ([10**5000] * 10**6, "[a number of 5001 digits, a number of..."),
    ):
        with pytest.raises(InputError) as caught:
            check_number("k", value, 200, 300, whole=True)
        assert str(caught.value) == f"k is {shown}; use a whole number from 200 to 300."
    with pytest.raises(InputError) as caught:
        check_text("model", ["x" * 10**6])
    assert len(str(caught.value)) < 80
    with pytest.raises(InputError, match=r"holds characters that are no Unicode text; type it again"):
        check_text("model", "scenes-\ud800")


def test_every_sentence_can_be_sent_and_printed() -> None:
    for kind in (InspectorError, InputError, PromptError):
        assert str(kind("half \ud800 a pair")) == "half \\ud800 a pair"
        assert json.dumps(str(kind("“quoted” 馬"))).encode("utf-8")
        assert str(kind("“quoted” 馬")) == "“quoted” 馬"
    assert str(InspectorError()) == ""


@pytest.mark.parametrize("masks", [5, ["car"], {"car": 5}, {"car": "x"}, {5: IMAGE[..., 0]}, {"\ud800": IMAGE[..., 0]}])
def test_masks_are_arrays_with_a_word_each(masks: Any) -> None:
    for given_ in (lambda: SaliencyRequest(IMAGE, "car", masks=masks), lambda: AttentionRequest("car", masks=masks)):
        with pytest.raises(InputError):
            given_()
    with pytest.raises(ImageError, match="513 masks given; at most 512"):
        AttentionRequest("car", masks={str(number): np.ones((2, 2), bool) for number in range(513)})


def test_results_check_themselves() -> None:
    with pytest.raises(InputError, match=r"grid_signed is float64 \(2, 4, 6\); float32 \(2, n, n\) is expected"):
        samples.saliency(grid_signed=np.zeros((2, 4, 6)))
    with pytest.raises(RecordingError, match="the model's weights may be damaged"):
        samples.segmentation(grid_scores=np.full((2, 4, 6), np.inf, np.float32))
    with pytest.raises(InputError, match=r"request is .*; a ClustersRequest is expected"):
        samples.clusters(request=samples.saliency().request)
    with pytest.raises(InputError, match=r"agreement is float32 \(6, 4\); float32 \(4, 6\) is expected"):
        samples.clusters(agreement=np.ones((6, 4), np.float32))
    with pytest.raises(InputError, match=r"labels is int32 \(2, 2\); int32 \(64, 96\) is expected"):
        samples.segmentation(labels=np.zeros((2, 2), np.int32))
    own = samples.attention()
    with pytest.raises(InputError, match=r"images has .*'generation'.* is expected"):
        samples.attention(images={"generation": own.images["generation"]})
    with pytest.raises(InputError, match="steps of generation has 4 parts"):
        samples.attention(request=replace(own.request, steps=2), steps={**own.steps, "generation": (4, 3, 2, 1)})
    with pytest.raises(InputError, match="stop is 1; use a whole number from 2"):
        Token(1, "a", 2, 1)
    with pytest.raises(InputError, match="box_xyxy has 3 numbers"):
        Segment("car", 1, 0.5, 0.5, (0, 0, 1))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="device is 5; give a text"):
        Provenance({}, 5, "float32", {}, 1.0)  # type: ignore[arg-type]


def test_large_arrays_are_looked_at_in_parts() -> None:
    """What is found out of 200 MB takes no other 200."""
    own = samples.clusters()
    features = np.zeros((25_000, 64, 64), np.float16)
    grids = {
        name: np.zeros((64, 64, *getattr(own, name).shape[2:]), getattr(own, name).dtype)
        for name in ("grid_labels", "grid_pca", "agreement")
    }
    with pytest.raises(InputError, match="features is float16"):
        samples.clusters(features=features, **grids, baselines={})
    features = features[:4000]
    tracemalloc.start()
    samples.clusters(features=features, **grids, baselines={}, metrics=())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < features.nbytes / 100
    features[-1, -1, -1] = np.nan
    with pytest.raises(RecordingError):
        samples.clusters(features=features, **grids, baselines={}, metrics=())
