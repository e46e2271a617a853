"""What people have on disk: transformers' CLIP, single files, wrong folders, impossible settings."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel

from inspector.errors import ModelFilesError, UnknownModelError, UnsupportedModelError
from inspector.models import catalog
from inspector.models.loading import load_clip, load_diffusion
from inspector.models.tokenizer import open_tokenizer
from inspector.results import read_model_name
from tests.models.conftest import CONTEXT

CONFIG = "open_clip_config.json"


@pytest.fixture
def transformers_folder(tokenizer_folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder as openai/clip-vit-base-patch16 is laid out: make(hidden_act=..., max_shard_size=...)."""

    def make(hidden_act: str = "quick_gelu", max_shard_size: str = "9MB", **more: Any) -> Path:
        torch.manual_seed(1)
        shared = {"num_hidden_layers": 2, "hidden_act": hidden_act, **more}
        text = {"vocab_size": open_tokenizer(tokenizer_folder).vocab_size, "max_position_embeddings": CONTEXT}
        text |= {"hidden_size": 16, "intermediate_size": 48, "num_attention_heads": 2, "eos_token_id": 536}
        vision = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "image_size": 32}
        config = CLIPConfig(
            text_config={**shared, **text}, vision_config={**shared, **vision, "patch_size": 8}, projection_dim=12
        )
        model = CLIPModel(config).eval()
        for parameter in model.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)  # else norms are 1 and biases 0
        folder = tmp_path / f"clip-{hidden_act}"
        model.save_pretrained(folder, max_shard_size=max_shard_size)
        for file in tokenizer_folder.iterdir():
            shutil.copyfile(file, folder / file.name)
        (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.4] * 3, "image_std": [0.3] * 3}))
        return folder

    return make


@pytest.mark.parametrize(
    "asked", [{}, {"hidden_act": "gelu"}, {"max_shard_size": "20KB"}, {"layer_norm_eps": 1e-3}], ids=str
)
def test_transformers_clip_gives_transformers_numbers(transformers_folder: Any, asked: dict[str, Any]) -> None:
    folder = transformers_folder(**asked)
    ours, theirs = load_clip(catalog.choose(str(folder), "clip")), CLIPModel.from_pretrained(folder).eval()
    assert (len(list(folder.glob("*.safetensors"))) > 1) == ("max_shard_size" in asked)
    texts = ["a horse", "green grass"]
    ids = ours._tokenizer(texts)  # type: ignore[attr-defined]
    with torch.no_grad():
        expected = theirs.get_text_features(input_ids=ids).pooler_output
        np.testing.assert_allclose(ours.text(texts, unit=False), expected, atol=1e-5)
        image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        pixels = ours.pixels(image)
        np.testing.assert_allclose(pixels[0, 0, 0, 0], (image[0, 0, 0] / 255 - 0.4) / 0.3, rtol=1e-5)
        expected = theirs.get_image_features(pixel_values=pixels).pooler_output
        trunk = ours.trunk(pixels)
        np.testing.assert_allclose(ours.head(ours.last_block(trunk.tokens), trunk, "class"), expected, atol=1e-5)
    assert ours.logit_scale == pytest.approx(float(theirs.logit_scale.detach().exp()))


def test_transformers_clip_with_the_vocabulary_of_its_own_files(transformers_folder: Any) -> None:
    folder = transformers_folder()
    ours = load_clip(catalog.choose(str(folder), "clip")).text(["a horse on the grass"])
    shutil.copytree(folder, folder.parent / "without")
    (folder.parent / "without" / "bpe.txt.gz").unlink()  # which open_clip alone reads
    other = load_clip(catalog.choose(str(folder.parent / "without"), "clip"))
    torch.testing.assert_close(other.text(["a horse on the grass"]), ours)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vision_config": {"hidden_act": "relu"}}, "has the activations relu and"),
        ({"vision_config": {"num_attention_heads": 0}}, "has settings that no CLIP has|head_width"),
        ({"vision_config": {"num_hidden_layers": 3}}, "lacks the weights visual.transformer.resblocks.2"),
        ({"vision_config": {"num_hidden_layers": -1}}, "has layers '-1'|settings that no CLIP has"),
        ({"text_config": {"vocab_size": "many"}}, "has settings that no CLIP has|vocab_size"),
        ({"projection_dim": None}, "has settings that no CLIP has|embed_dim"),
    ],
)
def test_settings_of_transformers_clip_that_cannot_be(transformers_folder: Any, change: Any, said: str) -> None:
    folder = transformers_folder()
    config = json.loads((folder / "config.json").read_text())
    for name, value in change.items():
        config[name] = {**config[name], **value} if isinstance(value, dict) else value
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises((ModelFilesError, UnsupportedModelError), match=said) as caught:
        load_clip(catalog.choose(str(folder), "clip"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("preprocess_cfg", None, ""),
        ("preprocess_cfg.mean", 0.5, ""),
        ("preprocess_cfg.mean", None, ""),
        ("preprocess_cfg", "x", "has preprocess_cfg 'x'; write an object"),
        ("preprocess_cfg.mean", [0.5, 0.5], "has mean .* write three numbers"),
        ("preprocess_cfg.mean", ["a", "b", "c"], "has mean .* write three numbers"),
        ("preprocess_cfg.mean", [math.nan] * 3, "has mean .* write three numbers"),
        ("preprocess_cfg.std", [0, 1, 1], "has std .* write numbers above 0"),
        ("preprocess_cfg.std", -1, "has std '-1'; write numbers above 0"),
        ("model_cfg", None, "no model_cfg with vision_cfg and text_cfg"),
        ("model_cfg.vision_cfg", "x", "no model_cfg with vision_cfg and text_cfg"),
        ("model_cfg.vision_cfg.layers", 100_000, "has layers '100000'; write a whole number from 1 to 256"),
        ("model_cfg.vision_cfg.layers", 3, "lacks the weights visual.transformer.resblocks.2"),
        ("model_cfg.vision_cfg.patch_size", 0, "has patch_size '0'"),
        ("model_cfg.vision_cfg.image_size", "big", "has image_size 'big'"),
        ("model_cfg.vision_cfg.head_width", 0, "has head_width '0'"),
        ("model_cfg.vision_cfg.mlp_ratio", math.nan, "has mlp_ratio 'nan'"),
        ("model_cfg.text_cfg.context_length", None, "has context_length 'None'"),
        ("model_cfg.text_cfg.heads", 3, "has settings open_clip cannot build"),
        ("model_cfg.embed_dim", True, "has embed_dim 'True'"),
        ("model_cfg.quick_gelu", "no", "has quick_gelu 'no'; write true or false"),
    ],
)
def test_every_setting_of_open_clips_configuration_is_one_that_can_be(
    clip_folder: Path, tmp_path: Path, place: str, value: Any, said: str
) -> None:
    folder = Path(shutil.copytree(clip_folder, tmp_path / "a folder with spaces, ü and 猫"))
    config = json.loads((folder / CONFIG).read_text())
    *above, last = place.split(".")
    target = config
    for name in above:
        target = target[name]
    target[last] = value
    (folder / CONFIG).write_text(json.dumps(config))
    name = catalog.choose(str(folder), "clip")
    if not said:
        model = load_clip(name)
        assert torch.isfinite(model.trunk(model.pixels(np.zeros((32, 32, 3), np.uint8))).tokens).all()
        return
    with pytest.raises(ModelFilesError, match=said) as caught:
        load_clip(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "", "\x00", "[" * 100_000])
@pytest.mark.parametrize("file", [CONFIG, "tokenizer_config.json"])
def test_torn_files_of_a_clip_are_named(clip_folder: Path, tmp_path: Path, file: str, text: str) -> None:
    folder = Path(shutil.copytree(clip_folder, tmp_path / "torn"))
    (folder / file).write_text(text)
    with pytest.raises(ModelFilesError, match=f"{file} is damaged"):
        load_clip(catalog.choose(str(folder), "clip"))


def test_merges_that_are_none_are_named(clip_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(clip_folder, tmp_path / "torn"))
    (folder / "bpe.txt.gz").write_bytes((folder / "bpe.txt.gz").read_bytes()[:40])
    with pytest.raises(ModelFilesError, match=r"bpe.txt.gz is damaged: it holds no merges"):
        load_clip(catalog.choose(str(folder), "clip"))


def test_the_architecture_is_told_before_the_pickle(clip_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(clip_folder, tmp_path / "resnet"))
    (folder / "open_clip_model.safetensors").rename(folder / "open_clip_pytorch_model.bin")
    config = json.loads((folder / CONFIG).read_text())
    config["model_cfg"]["vision_cfg"]["layers"] = [3, 4, 6, 3]
    (folder / CONFIG).write_text(json.dumps(config))
    with pytest.raises(UnsupportedModelError, match="a ResNet image tower"):
        load_clip(catalog.choose(str(folder), "clip"))


def test_a_pipeline_given_as_a_clip_says_what_takes_it(diffusion_folder: Path, clip_folder: Path) -> None:
    with pytest.raises(UnsupportedModelError, match=r"holds a diffusion model; give it by --diffusion, and a CLIP by"):
        catalog.choose(str(diffusion_folder), "clip")
    with pytest.raises(UnsupportedModelError, match=r"holds a CLIP; give it by --clip, and a diffusion model by"):
        catalog.choose(str(clip_folder), "diffusion")


def test_a_hub_name_is_the_catalogs_where_it_knows_it() -> None:
    assert catalog.choose("stable-diffusion-v1-5/stable-diffusion-v1-5", "diffusion") == "stable-diffusion-1.5"
    assert catalog.choose("laion/CLIP-ViT-B-16-laion2B-s34B-b88K", "clip") == "laion-vit-b-16"
    with pytest.raises(UnknownModelError, match=r"fetch it by `hf download some/model --local-dir DIR` and give DIR"):
        catalog.choose("some/model", "diffusion")


def test_what_is_no_model_says_what_it_is(diffusion_folder: Path, tmp_path: Path) -> None:
    said: dict[Path, str] = {}
    said[diffusion_folder / "unet"] = r"holds one part of a pipeline \(UNet2DConditionModel\); give the folder above it"
    for name, config in (("bert", {"model_type": "bert"}), ("control", {"_class_name": "ControlNetModel"})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(config))
        said[tmp_path / name] = "holds a (bert|ControlNetModel), which cannot be read; give a CLIP or a diffusion model"
    (tmp_path / "pickles").mkdir()
    (tmp_path / "pickles" / "model.ckpt").touch()
    said[tmp_path / "pickles"] = r"only pickled weights.*: python -c .*weights_only=True.*pickles/model.safetensors"
    (tmp_path / "above" / "inside").mkdir(parents=True)
    shutil.copyfile(diffusion_folder / "model_index.json", tmp_path / "above" / "inside" / "model_index.json")
    said[tmp_path / "above"] = r"holds neither .*; give .*above/inside\."
    for path, words in said.items():
        with pytest.raises(ModelFilesError, match=words):
            catalog.register_local(path)


@pytest.mark.parametrize("name", ["model.ckpt", "pytorch_model.bin", "ViT B/16.pt", "über.pth"])
def test_a_pickle_is_refused_with_the_line_that_converts_it(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    import shlex
    import subprocess
    import sys

    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    torch.save({"state_dict": {"weight": torch.arange(3.0)}, "epoch": 3}, file)
    with pytest.raises(ModelFilesError, match=r"is pickled, which can run code.* save it as safetensors") as caught:
        catalog.choose(str(file), "diffusion")
    command = str(caught.value).partition("give that: ")[2]
    words = [sys.executable, *shlex.split(command)[1:]]
    subprocess.run(words, check=True)
    found = load_file(file.with_suffix(".safetensors"))
    assert {name: value.tolist() for name, value in found.items()} == {"weight": [0.0, 1.0, 2.0]}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lora_unet_down_blocks_0_attn.lora_down.weight", "a LoRA, which changes a model"),
        ("unet.down_blocks.0.lora_A.weight", "a LoRA, which changes a model"),
        ("emb_params", "a textual inversion"),
        ("conv_in.weight", "one part of a pipeline; give the pipeline's folder"),
        ("visual.conv1.weight", "weights of a CLIP without its configuration"),
        ("double_blocks.0.weight", "the transformer of FLUX"),
        ("model.diffusion_model.joint_blocks.0.weight", "Stable Diffusion 3"),
        ("model.diffusion_model.input_blocks.0.0.weight", "a UNet without a text encoder"),
        ("x", "no weights of Stable Diffusion"),
    ],
)
def test_a_file_of_weights_that_is_no_whole_model_says_what_it_is(tmp_path: Path, name: str, said: str) -> None:
    save_file({name: torch.zeros(2, 2)}, tmp_path / "a file.safetensors")
    with pytest.raises((ModelFilesError, UnsupportedModelError), match=said):
        catalog.choose(str(tmp_path / "a file.safetensors"), "diffusion")


def test_a_repository_of_the_hubs_cache_is_taken_as_a_folder(diffusion_folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "models--org--name"
    shutil.copytree(diffusion_folder, place / "snapshots" / "abc")
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("abc")
    name = catalog.choose(str(place), "diffusion")
    assert name == "local:name"
    assert load_diffusion(name).image_size == 64
    link = tmp_path / "link"
    link.symlink_to(place / "snapshots" / "abc")
    assert catalog.choose(str(link), "diffusion") == name


def test_a_folder_that_is_called_as_a_model_with_a_lora_would_be_is_called_otherwise(
    diffusion_folder: Path, tmp_path: Path
) -> None:
    for given, name in {"model+style@0.8": "local:model-style-0.8", "c++ @ home": "local:c++ @ home"}.items():
        assert catalog.choose(str(shutil.copytree(diffusion_folder, tmp_path / given)), "diffusion") == name
        assert not read_model_name(name).changed


def test_other_variants_and_files_beside_are_not_counted(diffusion_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(diffusion_folder, tmp_path / "full"))
    alone = catalog.spec(catalog.register_local(diffusion_folder))
    for file in list(folder.rglob("*.safetensors")):
        state = {name: value.half() for name, value in load_file(file).items()}
        save_file(state, file.with_name(file.name.replace(".safetensors", ".fp16.safetensors")))
        save_file(state, file.with_name(file.name.replace(".safetensors", ".non_ema.safetensors")))
    shutil.copyfile(next(folder.glob("unet/*.safetensors")), folder / "v1-5-pruned.safetensors")
    spec = catalog.spec(catalog.register_local(folder))
    assert spec.parameters == alone.parameters == load_diffusion(alone.name).parameters
    assert load_diffusion(spec.name).revision == load_diffusion(alone.name).revision
