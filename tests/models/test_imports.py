"""Official checkpoints turned over: every name used or named, values unchanged, and one sentence where it fails."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from inspector.cli import main
from inspector.errors import ModelFilesError
from inspector.models.heads.full_odise import FullOdise
from inspector.models.heads.full_san import PUBLISHED_SAN, FullSan
from inspector.models.imported import open_imported, read_checkpoint, turn, write_imported
from inspector.models.imports import published_name
from inspector.models.published import PUBLISHED
from tests.models import published
from tests.models.published import SMALL_ODISE, SMALL_SAN

SMALL = {"odise": SMALL_ODISE, "san": SMALL_SAN}
NAMES = Path(__file__).parent / "published_names.json"  # family -> name -> shape, of the published sizes


@pytest.mark.parametrize("family", PUBLISHED)
def test_the_published_names_are_those_of_the_list(family: str) -> None:
    listed = {name: tuple(shape) for name, shape in json.loads(NAMES.read_text("utf-8"))[family].items()}
    assert published.shapes(family) == listed


def test_a_large_san_differs_by_its_clip_alone() -> None:
    base, large = published.shapes("san"), published.shapes("san", PUBLISHED_SAN[1024])
    assert base.keys() == large.keys()
    assert large["side_adapter_network.fusion_layers.layer_3.input_proj.1.weight"] == (240, 1024, 1, 1)
    assert large["side_adapter_network.mask_decoder.attn_mlp.layers.2.weight"] == (16 * 256, 256, 1, 1)
    differing = {name for name in base if base[name] != large[name]}
    assert {name.split(".")[1] for name in differing} == {
        "fusion_layers", "mask_decoder", "positional_embedding", "bg_embed",
    }  # fmt: skip


@pytest.mark.parametrize("family", PUBLISHED)
def test_what_is_written_opens_with_the_same_values(family: str, tmp_path: Path) -> None:
    state = published.checkpoint(family, SMALL[family])
    file = tmp_path / "official.pth"
    torch.save({"model": {**state, "criterion.empty_weight": torch.ones(3)}, "iteration": 9}, file)
    turned = turn(family, read_checkpoint(file), SMALL[family])
    assert set(turned.used) == set(state)
    assert turned.left_out == {"criterion.": (1, 3)}
    write_imported(turned, file, tmp_path / "head")
    head: Any = open_imported(tmp_path / "head")
    assert isinstance(head, FullOdise if family == "odise" else FullSan)
    assert head.sizes == SMALL[family]
    seen = set()
    for name, value in head.state_dict().items():
        source, change = published_name(PUBLISHED[family].table, name)
        seen.add(source)
        original = state[source]
        if change in ("query", "key", "value"):
            start = ("query", "key", "value").index(change) * len(value)
            original = original[start : start + len(value)]
        elif change == "grid":
            assert torch.equal(value[0, :, 1, 2], original[0, 1 * value.shape[3] + 2])
            original = original.mT.reshape(value.shape)
        assert torch.equal(value, original.reshape(value.shape))
    assert seen == set(state)


def test_the_folder_says_where_it_is_from_and_which_licences_bind(tmp_path: Path) -> None:
    file = tmp_path / "official.pth"
    torch.save(published.checkpoint("odise", SMALL_ODISE), file)
    write_imported(turn("odise", read_checkpoint(file), SMALL_ODISE), file, tmp_path / "head")
    config = json.loads((tmp_path / "head" / "config.json").read_text("utf-8"))
    assert config["source"] == "https://github.com/NVlabs/ODISE"
    assert config["licences"]["weights"].startswith("CC BY-NC-SA 4.0")
    assert config["licences"]["code"].startswith("NVIDIA Source Code License")
    assert (config["file"]["name"], len(config["file"]["sha256"])) == ("official.pth", 64)
    assert open_imported(tmp_path / "head").config == config


@pytest.mark.parametrize(
    ("family", "change", "sentence"),
    [
        (
            "odise",
            {"category_head.null_embed": None},
            r"The checkpoint lacks category_head.null_embed, which ODISE trained with labels .* has; give a file of .*",
        ),
        (
            "odise",
            {"sem_seg_head.predictor.query_feat.weight": None, "sem_seg_head.predictor.query_embed.weight": None},
            r"The checkpoint lacks sem_seg_head.predictor.query_embed.weight and 1 more, which .*",
        ),
        (
            "odise",
            {"sem_seg_head.predictor.query_feats.weight": torch.zeros(1)},
            r"The checkpoint holds sem_seg_head.predictor.query_feats.weight, which is no part of ODISE.*",
        ),
        (
            "odise",
            {"word_head.text_proj.weight": torch.zeros(1)},
            r"The checkpoint holds word_head.text_proj.weight, which is of ODISE trained with captions, .*",
        ),
        (
            "san",
            {"ov_classifier.bg_embed": torch.zeros(1, 13)},
            r"ov_classifier.bg_embed of the checkpoint is \(1, 13\), and of SAN .* \(1, 12\); give a file of .*",
        ),
    ],
)
def test_what_does_not_fit_is_one_sentence(family: str, change: Any, sentence: str) -> None:
    state = published.checkpoint(family, SMALL[family]) | change
    with pytest.raises(ModelFilesError, match=f"^{sentence}") as caught:
        turn(family, {name: value for name, value in state.items() if value is not None}, SMALL[family])
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_frozen_parts_are_left_out_by_prefix() -> None:
    frozen = {
        "clip_visual_extractor.conv1.weight": torch.zeros(2, 3),
        "clip_visual_extractor.resblocks.0.ln_1.weight": torch.zeros(4),
        "clip_rec_head.proj": torch.zeros(5),
        "ov_classifier.logit_scale": torch.zeros(()),
    }
    turned = turn("san", published.checkpoint("san", SMALL_SAN) | frozen, SMALL_SAN)
    assert turned.left_out == {"clip_visual_extractor.": (2, 10), "clip_rec_head.": (1, 5), "ov_classifier.": (1, 1)}


class Evil:
    """Opening a pickle of it with pickle itself runs code."""

    def __reduce__(self) -> Any:
        return (print, ("ran",))


def test_a_file_that_could_run_code_is_not_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "evil.pth"
    torch.save({"model": {"weight": torch.zeros(1)}, "more": Evil()}, file)
    assert main(["import", "odise", str(file), "--out", str(tmp_path / "head")]) == 2
    out, err = capsys.readouterr()
    assert "ran" not in out
    assert err.startswith(f"inspector: {file} is no file of weights alone: opening it could run code")
    assert err.count("\n") == 1
    assert not (tmp_path / "head").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"\x80\x02no pickle"])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "torn.pth"
    file.write_bytes(content)
    with pytest.raises(ModelFilesError, match=r"is damaged or no checkpoint|is no file of weights alone"):
        read_checkpoint(file)


def test_other_things_than_tensors_and_a_missing_file_are_told(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "odd.pth")
    with pytest.raises(ModelFilesError, match="holds no state dict of tensors"):
        read_checkpoint(tmp_path / "odd.pth")
    with pytest.raises(ModelFilesError, match="is missing; give the checkpoint's file"):
        read_checkpoint(tmp_path / "none.pth")


def test_a_folder_that_is_no_imported_head_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match=r"config.json is missing"):
        open_imported(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelFilesError, match="is of no imported head; make it by `python -m inspector import`"):
        open_imported(tmp_path)


def test_a_head_without_its_weights_or_with_others_is_told(tmp_path: Path) -> None:
    file = tmp_path / "official.pth"
    torch.save(published.checkpoint("san", SMALL_SAN), file)
    folder = tmp_path / "head"
    write_imported(turn("san", read_checkpoint(file), SMALL_SAN), file, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["sizes"]["queries"] += 1
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFilesError, match=r"does not fit config.json beside it; make both again"):
        open_imported(folder)
    (folder / "head.safetensors").unlink()
    with pytest.raises(ModelFilesError, match=r"is missing; make it again"):
        open_imported(folder)


@pytest.mark.slow
@pytest.mark.parametrize("family", PUBLISHED)
def test_the_command_takes_a_checkpoint_of_the_published_size(
    family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "official.pth"
    torch.save({"model": {name: torch.zeros(shape) for name, shape in published.shapes(family).items()}}, file)
    assert main(["import", family, str(file), "--out", str(tmp_path / "head")]) == 0
    told = capsys.readouterr().out
    assert {"odise": "28,067,009", "san": "8,370,866"}[family] in told
    assert PUBLISHED[family].weights in told
    assert open_imported(tmp_path / "head").sizes == PUBLISHED[family].sizes()
