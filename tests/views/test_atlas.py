"""The atlas file: what goes in comes out, within what 8 bits keep, and what does not fit is announced."""

import json
import struct
from dataclasses import replace

import cv2
import numpy as np
import pytest

from inspector.errors import ChoiceError
from inspector.views import atlas
from inspector.views.atlas import MAGIC, Atlas, Axis, Block, Labels
from inspector.views.atlases import PICTURE, atlas_of, part, within
from inspector.views.color import COLORMAPS, lut
from tests.views import samples

AXES = (Axis("step", ("0", "1"), ("first", "last"), "slider"), Axis("arm", ("a", "b"), ("A", "B")))


def small(**changes) -> Atlas:
    """Two arms of two 2x3 maps over one picture."""
    maps = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    given = {
        "tab": "attention",
        "axes": AXES,
        "blocks": (Block({"arm": "a"}, ("step",), maps, "p"), Block({"arm": "b"}, ("step",), -maps, "p", signed=True)),
        "pictures": {"p": np.arange(48, dtype=np.uint8).reshape(4, 4, 3)},
    }
    return Atlas(**(given | changes))


def test_arrays_lie_where_the_header_says_at_multiples_of_eight():
    labels = Labels({"arm": "b"}, np.array([[0, 1, 1]]), np.array([[1, 2, 3], [255, 0, 16]], np.uint8), ("x", "y"), "p")
    mask = np.array([[True, False, False], [True, True, True], [False, True, False], [False, False, True]])
    data = atlas.pack(small(labels=(labels,), masks={"car": mask}, facts={"title": "“<b>”"}))
    assert data.startswith(MAGIC)
    (length,) = struct.unpack_from("<I", data, 8)
    start = 12 + length
    assert start % 8 == 0
    header = json.loads(data[12:start])
    assert header["facts"]["title"] == "“<b>”"
    picture = header["pictures"]["p"]
    png = np.frombuffer(data, np.uint8, picture["length"], start + picture["data"])
    assert np.array_equal(cv2.imdecode(png, cv2.IMREAD_COLOR)[..., ::-1], small().pictures["p"])
    (told,) = header["labels"]
    assert told["colors"] == ["#010203", "#ff0010"]
    assert np.frombuffer(data, np.uint8, 3, start + told["data"]).tolist() == [0, 1, 1]
    bits = np.frombuffer(data, np.uint8, 2, start + header["masks"]["car"]["data"])
    assert np.array_equal(np.unpackbits(bits, count=12, bitorder="little").reshape(4, 3).astype(bool), mask)
    for name in COLORMAPS:
        assert np.array_equal(np.frombuffer(data, np.uint8, 768, start + header["colormaps"][name]), lut(name).ravel())
    offsets = [block[key] for block in header["blocks"] for key in ("data", "low", "high")]
    assert all(offset % 8 == 0 for offset in (*offsets, picture["data"], told["data"]))


def test_maps_come_back_within_a_255th_of_each_maps_own_range():
    maps = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32) * np.array([1, 100, 1e-5])[:, None, None]
    axes = (Axis("class", ("a", "b", "c"), ("a", "b", "c")),)
    data = atlas.pack(Atlas("saliency", axes, (Block({}, ("class",), maps, "p"),), {}))
    back = atlas.maps_of(data, {})
    spans = np.ptp(maps, axis=(1, 2))
    assert (np.abs(back - maps).max((1, 2)) <= spans / 255 / 2 * 1.01).all()
    assert back.min((1, 2)) == pytest.approx(maps.min((1, 2)))
    assert back.max((1, 2)) == pytest.approx(maps.max((1, 2)))


def test_a_constant_map_stays_itself():
    quantised, low, high = atlas.quantise(np.full((2, 2), 3.5))
    assert not quantised.any()
    assert low == high == 3.5


def test_what_is_no_atlas_or_has_no_such_place_is_refused():
    with pytest.raises(ChoiceError, match="no atlas"):
        atlas.header_of(b"PK not this")
    with pytest.raises(ChoiceError, match="no maps at"):
        atlas.maps_of(atlas.pack(small()), {"arm": "c"})
    with pytest.raises(ChoiceError, match="has no axis layer"):
        atlas.pack(small(blocks=(Block({"layer": "x"}, (), np.zeros((2, 2)), "p"),)))
    with pytest.raises(ChoiceError, match="Axis arm has no 'c'"):
        atlas.pack(small(blocks=(Block({"arm": "c"}, (), np.zeros((2, 2)), "p"),)))


def test_maps_over_the_budget_are_announced_and_come_one_by_one():
    made = within(small(), 12)
    first, second = json.loads(header_text(atlas.pack(made)))["blocks"]
    assert "data" in first
    assert "data" not in second
    assert second["at"] == {"arm": "b"}
    assert second["signed"]
    later = atlas.pack(part(small(), [{"arm": "b"}]))
    assert atlas.maps_of(later, {"arm": "b"})[1, 1, 2] == -11
    with pytest.raises(ChoiceError, match="no maps at"):
        part(small(), [{"arm": "z"}])
    assert all(block.maps is not None for block in within(small(), 24).blocks)


def header_text(data: bytes) -> bytes:
    (length,) = struct.unpack_from("<I", data, 8)
    return data[12 : 12 + length]


def test_writing_leaves_no_half_file(tmp_path):
    path = atlas.write(small(), tmp_path / "deep" / "a.atlas")
    assert path.read_bytes() == atlas.pack(small())
    assert [item.name for item in path.parent.iterdir()] == ["a.atlas"]


def test_saliency_has_both_maps_and_its_own_masks():
    result = samples.saliency()
    data = atlas.pack(atlas_of(result))
    header, _ = atlas.header_of(data)
    assert atlas.maps_of(data, {"map": "gradcam"}).min() >= 0
    assert np.allclose(
        atlas.maps_of(data, {"map": "signed"}), result.grid_signed, atol=np.ptp(result.grid_signed) / 255
    )
    assert header["facts"]["matches"]["names"] == {name: name for name in header["masks"] if name in result.names}
    assert header["facts"]["record"]["tab"] == "saliency"


def test_attention_has_every_layer_mean_word_and_step_of_both_arms():
    result = samples.attention()
    made = atlas_of(result)
    data = atlas.pack(made)
    assert made.facts["timesteps"] == {"generation": [900, 500, 100], "noise once": [100]}
    words = next(axis for axis in made.axes if axis.name == "word")
    for arm in result.arms:
        for layer in ("mean", *result.layers, str(result.resolutions[0])):
            found = atlas.maps_of(data, {"view": "word", "arm": arm, "layer": layer})
            wanted = int(layer) if layer.isdigit() else layer
            assert found.shape[:2] == (len(result.steps[arm]), len(words.values))
            for index, word in enumerate(words.values[:-2]):
                true = result.select(arm, layer=wanted, token=word)
                assert np.allclose(found[:, index], true, atol=np.ptp(true) / 255 + 1e-6)


def test_clusters_bring_features_whose_cosines_stay_within_two_hundredths():
    result = samples.clusters()
    header, start = atlas.header_of(data := atlas.pack(atlas_of(result)))
    channels, height, width = header["features"]["shape"]
    stored = np.frombuffer(data, np.int8, channels * height * width, start + header["features"]["data"])
    vectors = stored.reshape(-1, channels).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    y, x = 10.0, 20.0
    rows, columns = result.request.image.shape[:2]
    own = int(y * height / rows) * width + int(x * width / columns)
    found = (vectors @ vectors[own]).reshape(height, width)
    true = result.features.reshape(channels, -1).astype(np.float32)
    true /= np.linalg.norm(true, axis=0)
    assert np.allclose(found.ravel(), true.T @ true[:, own], atol=0.02)
    assert {label["at"]["view"] for label in header["labels"]} == {"clusters", *result.baselines}


def without_masks(result):
    return replace(result, request=replace(result.request, masks={}), metrics={})


def test_segmentation_has_labels_truth_errors_and_scores():
    result = samples.segmentation()
    made = atlas_of(result)
    assert [dict(labels.at) for labels in made.labels] == [{"view": "labels"}, {"view": "truth"}, {"view": "errors"}]
    wrong = np.argwhere(made.labels[2].values == 2).tolist()
    assert wrong == [[0, 0]]  # the one pixel that was left to the background
    assert (made.labels[2].values == 1).sum() == 64 * 96 - 1
    whole = replace(result, request=replace(result.request, masks={"car": samples.left_half()}))
    assert (atlas_of(whole).labels[2].values[:, 48:] == 2).all()  # sky has no mask
    assert not [labels for labels in atlas_of(without_masks(result)).labels if labels.at["view"] == "errors"]
    assert made.labels[0].names == ("background", "car", "sky")
    assert np.allclose(atlas.maps_of(atlas.pack(made), {"view": "score"}), result.grid_scores, atol=0.8 / 255)
    assert set(made.pictures) == {PICTURE}


def test_what_a_head_proposed_is_there_exactly_and_as_maps_with_its_segments():
    result = samples.segmented_by_proposals()
    made = atlas_of(result)
    assert made.proposals is result.proposals
    assert made.axes[0].values == ("labels", "segments", "score", "uncertainty", "proposal", "truth", "errors")
    assert made.axes[2].values == ("1", "2", "3", "4", "5")
    (segments,) = (labels for labels in made.labels if labels.at["view"] == "segments")
    np.testing.assert_array_equal(segments.values, result.panoptic.ids)
    assert len(segments.names) == len(segments.colors) == 1 + len(result.panoptic.classes) > 1
    masks = atlas.maps_of(atlas.pack(made), {"view": "proposal"})
    np.testing.assert_allclose(masks, result.proposals.masks.astype(np.float32), atol=1 / 255)
    assert made.facts["ensemble"]["weights"] == [0.3, 0.7]
    assert atlas_of(samples.segmentation()).proposals is None


def test_uncertainty_is_a_map_of_every_method_but_of_all():
    views = [atlas_of(make()).axes[0].values for make in (samples.segmentation, samples.segmented_by_all)]
    assert ["uncertainty" in values for values in views] == [True, False]


def test_of_many_arms_as_many_are_seen_first_as_there_may_be_panels_single_noises_last():
    facts = atlas_of(samples.compared()).facts
    shown = [panel["arm"] for panel in facts["panels"]]
    assert shown == ["generation", "latent noised", "decoded noised", "noise once"]
    noises = ["noise once", "noise once, seed 1", "noise once, seed 2"]
    assert facts["compared"] == {"generation": "generation", "noises": noises, "spread": "spread of seeds"}
    assert [panel["arm"] for panel in atlas_of(samples.attention()).facts["panels"]] == ["generation", "noise once"]


def test_the_table_has_arms_as_rows_where_there_are_several_noises_and_t():
    assert atlas_of(samples.compared()).facts["rows"] == "arm"
    for usual in (samples.compared(1), samples.compared(3, (100,)), samples.attention()):
        assert atlas_of(usual).facts["rows"] == "layer"


def test_entropy_goes_to_the_page_as_it_was_measured():
    row = {"arm": "generation", "step": 2, "layer": "mean", "word": "horse", "ap": 0.9, "entropy": 0.5}
    (block,) = (
        one
        for one in atlas_of(samples.attention(metrics=(row,))).blocks
        if one.at == {"view": "word", "arm": "generation", "layer": "mean"}
    )
    np.testing.assert_array_equal(block.scores["horse"]["entropy"], [np.nan, np.nan, 0.5])
