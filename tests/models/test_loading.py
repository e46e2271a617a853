"""Loading: once, bounded, and every failure one sentence that ends in what to do."""

import dataclasses
import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from inspector.errors import ModelFilesError, ModelMemoryError, UnknownModelError, UnsupportedModelError
from inspector.models import catalog, loading, placement
from inspector.models.loading import load_clip, load_diffusion, loaded, unload
from inspector.settings import settings

CLIP_WEIGHTS = "open_clip_model.safetensors"
UNET_WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_a_model_is_loaded_once_and_tells_its_progress(clip_folder: Path) -> None:
    name, told = catalog.register_local(clip_folder), []
    first = load_clip(name, lambda text, share: told.append((text, share)))
    assert load_clip(name) is first
    assert told == [(f"Opening {clip_folder.name} (local folder)", 1.0)]
    assert loaded() == (name,)


def test_two_threads_get_one_object(clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, builds, build = catalog.register_local(clip_folder), [], loading._build

    def slow(*args: Any) -> Any:
        builds.append(args)
        time.sleep(0.1)
        return build(*args)

    monkeypatch.setattr(loading, "_build", slow)
    got: list[Any] = []
    threads = [threading.Thread(target=lambda: got.append(load_clip(name))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1
    assert len(got) == 4
    assert all(item is got[0] for item in got)


def test_a_slow_fetch_does_not_keep_others_waiting(clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, fetching, done = catalog.register_local(clip_folder), threading.Event(), threading.Event()

    def never(spec: Any, report: Any) -> Any:
        fetching.set()
        assert done.wait(20)
        raise ModelFilesError("gone")

    monkeypatch.setattr(loading.fetching, "prepare", never)
    failed: list[Exception] = []

    def ask() -> None:
        try:
            load_clip("laion-vit-b-16")
        except ModelFilesError as error:
            failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert fetching.wait(20)
    assert load_clip(name).spec.name == name  # while the other is still being fetched
    done.set()
    thread.join()
    assert len(failed) == 1


def test_the_one_used_longest_ago_goes_first(
    make_clip: Callable[..., Path], clip_folder: Path, diffusion_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECTOR_MODELS", "2")
    settings.cache_clear()
    one, two = (catalog.register_local(folder) for folder in (clip_folder, make_clip()))
    three = catalog.register_local(diffusion_folder)
    first = load_clip(one)
    load_clip(two)
    load_clip(one)
    load_diffusion(three)
    assert loaded() == (one, three)
    assert load_clip(one) is first
    unload(one)
    assert loaded() == (three,)
    assert load_clip(one) is not first


def test_the_settings_choose_device_and_dtype(clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECTOR_DTYPE", "bfloat16")
    settings.cache_clear()
    model = load_clip(catalog.register_local(clip_folder))
    assert (model.device, model.dtype) == (torch.device("cpu"), torch.bfloat16)


def test_the_revision_follows_the_weights(clip_folder: Path, tmp_path: Path) -> None:
    folder = copied(clip_folder, tmp_path)
    first = load_clip(catalog.register_local(clip_folder)).revision
    name = catalog.register_local(folder)
    assert load_clip(name).revision == first
    state = load_file(folder / CLIP_WEIGHTS)
    state["logit_scale"] += 1
    save_file(state, folder / CLIP_WEIGHTS)
    unload()
    assert load_clip(name).revision != first
    assert len(first) == 12


def test_an_unknown_name_is_refused_before_anything_is_read() -> None:
    with pytest.raises(UnknownModelError, match="no diffusion model named '/etc'"):
        load_diffusion("/etc")


def test_missing_embedded_weights_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "ASSETS", tmp_path)
    with pytest.raises(ModelFilesError, match="scenes-clip is missing; get the whole repository"):
        load_clip()


@pytest.mark.parametrize(
    "file",
    [
        "unet/config.json",
        UNET_WEIGHTS,
        "vae/diffusion_pytorch_model.safetensors",
        "text_encoder/model.safetensors",
        "tokenizer/tokenizer_config.json",
        "scheduler/scheduler_config.json",
    ],
)
def test_a_missing_file_is_named(diffusion_folder: Path, tmp_path: Path, file: str) -> None:
    folder = copied(diffusion_folder, tmp_path)
    (folder / file).unlink()
    with pytest.raises(ModelFilesError, match=f"{Path(file).name}.*download it again"):
        load_diffusion(catalog.register_local(folder))


def test_a_missing_shard_is_named(diffusion_folder: Path, tmp_path: Path) -> None:
    folder = copied(diffusion_folder, tmp_path)
    state = load_file(folder / UNET_WEIGHTS)
    (folder / UNET_WEIGHTS).unlink()
    index = {"metadata": {}, "weight_map": dict.fromkeys(state, "diffusion_pytorch_model-00001-of-00002.safetensors")}
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelFilesError, match=r"diffusion_pytorch_model-00001-of-00002.safetensors is missing"):
        load_diffusion(catalog.register_local(folder))


def test_the_half_precision_variant_is_found(diffusion_folder: Path, tmp_path: Path) -> None:
    folder = copied(diffusion_folder, tmp_path)
    for file in folder.rglob("*.safetensors"):
        file.rename(file.with_name(file.name.replace(".safetensors", ".fp16.safetensors")))
    whole = load_diffusion(catalog.register_local(diffusion_folder)).unet.state_dict()
    variant = load_diffusion(catalog.register_local(folder)).unet.state_dict()
    assert all(torch.equal(value, variant[name]) for name, value in whole.items())


@pytest.mark.parametrize(("file", "pickle"), [(CLIP_WEIGHTS, "open_clip_pytorch_model.bin"), (CLIP_WEIGHTS, "m.pt")])
def test_pickled_clip_weights_are_never_opened(clip_folder: Path, tmp_path: Path, file: str, pickle: str) -> None:
    folder = copied(clip_folder, tmp_path)
    (folder / file).rename(folder / pickle)
    with pytest.raises(ModelFilesError, match=f"only pickled weights .{pickle}.*save them as safetensors"):
        load_clip(catalog.register_local(folder))


def test_pickled_pipeline_weights_are_never_opened(diffusion_folder: Path, tmp_path: Path) -> None:
    folder = copied(diffusion_folder, tmp_path)
    (folder / UNET_WEIGHTS).rename(folder / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(ModelFilesError, match=r"only pickled weights .diffusion_pytorch_model.bin"):
        load_diffusion(catalog.register_local(folder))


def test_missing_clip_weights_are_never_left_random(clip_folder: Path, tmp_path: Path) -> None:
    folder = copied(clip_folder, tmp_path)
    state = load_file(folder / CLIP_WEIGHTS)
    del state["visual.proj"], state["visual.ln_post.weight"]
    save_file(state, folder / CLIP_WEIGHTS)
    with pytest.raises(ModelFilesError, match=r"lacks the weights visual.ln_post.weight and 1 more"):
        load_clip(catalog.register_local(folder))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (UNET_WEIGHTS, "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"),
        ("vae/diffusion_pytorch_model.safetensors", "decoder.conv_out.bias"),
        ("text_encoder/model.safetensors", "final_layer_norm.weight"),
    ],
)
def test_missing_pipeline_weights_are_never_left_random(
    diffusion_folder: Path, tmp_path: Path, file: str, name: str
) -> None:
    folder = copied(diffusion_folder, tmp_path)
    state = load_file(folder / file)
    key = next(key for key in state if key.endswith(name))
    del state[key]
    save_file(state, folder / file, metadata={"format": "pt"})
    with pytest.raises(ModelFilesError, match=f"lacks the weights .*{name}"):
        load_diffusion(catalog.register_local(folder))


def test_weights_of_another_shape_are_refused(clip_folder: Path, diffusion_folder: Path, tmp_path: Path) -> None:
    folder = copied(clip_folder, tmp_path)
    state = load_file(folder / CLIP_WEIGHTS)
    state["visual.positional_embedding"] = torch.zeros(5, 32)  # open_clip's own loader would stretch it
    save_file(state, folder / CLIP_WEIGHTS)
    with pytest.raises(ModelFilesError, match=r"positional_embedding is \(5, 32\), the model has \(17, 32\)"):
        load_clip(catalog.register_local(folder))
    folder = Path(shutil.copytree(diffusion_folder, tmp_path / "sd"))
    for part, name in (("unet", "conv_in.weight"), ("text_encoder", "position_embedding.weight")):
        file = next((folder / part).glob("*.safetensors"))
        state = load_file(file)
        key = next(key for key in state if key.endswith(name))
        save_file({**state, key: torch.zeros(3, 3)}, file, metadata={"format": "pt"})
        with pytest.raises(ModelFilesError, match=f"{part} does not fit its config.json"):
            load_diffusion(catalog.register_local(folder))
        save_file(state, file, metadata={"format": "pt"})


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"<html>" * 9])
def test_damaged_weights_are_named(
    clip_folder: Path, diffusion_folder: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    folder = copied(clip_folder, tmp_path)
    (folder / CLIP_WEIGHTS).write_bytes(damage((folder / CLIP_WEIGHTS).read_bytes()))
    with pytest.raises(ModelFilesError, match=f"{CLIP_WEIGHTS} is damaged.*download it again"):
        load_clip(catalog.register_local(folder))
    folder = Path(shutil.copytree(diffusion_folder, tmp_path / "sd"))
    (folder / UNET_WEIGHTS).write_bytes(damage((folder / UNET_WEIGHTS).read_bytes()))
    with pytest.raises(ModelFilesError, match=r"diffusion_pytorch_model.safetensors is damaged.*download it again"):
        load_diffusion(catalog.register_local(folder))


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_damaged_configuration_is_named(diffusion_folder: Path, tmp_path: Path, text: str) -> None:
    folder = copied(diffusion_folder, tmp_path)
    (folder / "vae" / "config.json").write_text(text)
    with pytest.raises(ModelFilesError, match=r"vae/config.json is damaged"):
        load_diffusion(catalog.register_local(folder))


def test_too_little_memory_is_said_before_loading(clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "free_gb", lambda device: 0.3)
    with pytest.raises(ModelMemoryError, match=r"needs about 0.5 GB of memory and 0.3 GB are free on cpu.*scenes-clip"):
        load_clip(catalog.register_local(clip_folder))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_running_out_of_memory_while_loading_is_one_sentence(
    diffusion_folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*args: Any) -> None:
        raise error

    monkeypatch.setitem(loading.OPENERS, "diffusion", full)
    with pytest.raises(ModelMemoryError, match=r"does not fit into the memory of cpu; close other programs.*or use"):
        load_diffusion(catalog.register_local(diffusion_folder))


def test_a_failure_leaves_the_others_usable(clip_folder: Path, tmp_path: Path) -> None:
    good = catalog.register_local(clip_folder)
    model = load_clip(good)
    folder = copied(clip_folder, tmp_path)
    (folder / CLIP_WEIGHTS).unlink()
    bad = catalog.register_local(folder)
    for _ in range(2):
        with pytest.raises(ModelFilesError, match=f"has no {CLIP_WEIGHTS}"):
            load_clip(bad)
    assert load_clip(good) is model


def test_opening_prints_nothing(diffusion_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_diffusion(catalog.register_local(diffusion_folder))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (UNET_WEIGHTS, "mid_block.attentions.0.transformer_blocks.0.attn2.to_q.weight"),
        ("vae/diffusion_pytorch_model.safetensors", "decoder.conv_out.bias"),
        ("text_encoder/model.safetensors", "final_layer_norm.weight"),
    ],
)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_named_when_opening(
    diffusion_folder: Path, tmp_path: Path, file: str, name: str, value: float
) -> None:
    folder = copied(diffusion_folder, tmp_path)
    state = load_file(folder / file)
    key = next(key for key in state if key.endswith(name))
    state[key].view(-1)[3 % state[key].numel()] = value
    save_file(state, folder / file, metadata={"format": "pt"})
    said = f"{Path(file).parent} holds weights that are no numbers, in .*{name}; download it again"
    with pytest.raises(ModelFilesError, match=said):
        load_diffusion(catalog.register_local(folder))


def test_so_are_a_clips_and_those_too_large_for_half_precision(
    clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(clip_folder, tmp_path)
    state = load_file(folder / CLIP_WEIGHTS)
    state["visual.proj"][2, 3] = 1e6
    save_file(state, folder / CLIP_WEIGHTS)
    name = catalog.register_local(folder)
    load_clip(name)
    unload()
    monkeypatch.setenv("INSPECTOR_DTYPE", "float16")
    settings.cache_clear()
    with pytest.raises(ModelFilesError, match=r"or too large for float16, in visual.proj; .*INSPECTOR_DTYPE=float32"):
        load_clip(name)


def test_none_is_forgotten_for_one_that_is_then_refused(
    make_clip: Callable[..., Path], clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECTOR_MODELS", "1")
    settings.cache_clear()
    kept = catalog.register_local(clip_folder)
    model = load_clip(kept)
    folder = copied(make_clip(), tmp_path)
    broken = (folder / CLIP_WEIGHTS).read_bytes()
    (folder / CLIP_WEIGHTS).write_bytes(broken[:-4])
    name = catalog.register_local(folder)
    with pytest.raises(ModelFilesError, match="is damaged"):
        load_clip(name)
    (folder / CLIP_WEIGHTS).write_bytes(broken)
    monkeypatch.setattr(placement, "free_gb", lambda device: 0.2)
    with pytest.raises(ModelMemoryError, match=r"needs about 0.5 GB"):
        load_clip(catalog.register_local(folder))
    assert load_clip(kept) is model
    monkeypatch.setattr(placement, "free_gb", lambda device: 9.0)
    load_clip(name)
    assert loaded() == (name,)


def test_models_are_forgotten_for_their_memory_before_the_new_one_is_built(
    make_clip: Callable[..., Path], clip_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, taken = [catalog.register_local(folder) for folder in (clip_folder, make_clip())], [0.0]
    specs = {name: dataclasses.replace(catalog.spec(name), parameters=1_000_000_000) for name in names}
    monkeypatch.setattr(catalog, "_LOCAL", specs)
    monkeypatch.setattr(placement, "free_gb", lambda device: 5.0 - 4 * len(loaded()))
    build = loading._build

    def watched(*args: Any) -> Any:
        taken.append(4.0 * (len(loaded()) + 1))
        return build(*args)

    monkeypatch.setattr(loading, "_build", watched)
    for name in names:
        load_clip(name)
    assert loaded() == (names[1],)
    assert taken == [0.0, 4.0, 4.0]


def test_nothing_is_hashed_before_a_refusal(clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "fingerprint", lambda *_: pytest.fail("hashed"))
    folder = copied(clip_folder, tmp_path)
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["model_cfg"]["vision_cfg"]["timm_model_name"] = "vit"
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(UnsupportedModelError, match="a timm image tower"):
        load_clip(catalog.register_local(folder))
    monkeypatch.setattr(placement, "free_gb", lambda device: 0.1)
    with pytest.raises(ModelMemoryError):
        load_clip(catalog.register_local(clip_folder))


@pytest.mark.parametrize(
    ("file", "setting", "value", "said"),
    [
        ("scheduler/scheduler_config.json", "beta_start", "x", "beta_start 'x'; write a number from 1e-09 to 1"),
        ("scheduler/scheduler_config.json", "beta_schedule", "cubic", "beta_schedule 'cubic'; write one of linear"),
        ("scheduler/scheduler_config.json", "num_train_timesteps", -1, "num_train_timesteps '-1'; write a whole"),
        ("unet/config.json", "sample_size", None, "sample_size 'None'; write a whole number from 1 to 4096 or a list"),
        ("unet/config.json", "block_out_channels", [8, "8"], "block_out_channels .*; write a list, each a whole"),
        ("unet/config.json", "cross_attention_dim", 24, r"unet does not fit its config.json \(.*to_k.weight .*24\)"),
        ("unet/config.json", "down_block_types", ["No"] * 4, "unet does not fit its config.json; use the files of one"),
        ("vae/config.json", "down_block_types", ["DownEncoderBlock2D"], "vae does not fit its config.json"),
        ("vae/config.json", "scaling_factor", float("nan"), "scaling_factor 'nan'; write a number"),
        ("text_encoder/config.json", "hidden_act", "sigh", "text_encoder does not fit its config.json; use the files"),
        ("text_encoder/config.json", "vocab_size", -3, "vocab_size '-3'; write a whole number"),
    ],
)
def test_settings_of_a_pipeline_that_cannot_be_are_named(
    diffusion_folder: Path, tmp_path: Path, file: str, setting: str, value: Any, said: str
) -> None:
    folder = copied(diffusion_folder, tmp_path)
    config = json.loads((folder / file).read_text()) | {setting: value}
    (folder / file).write_text(json.dumps(config))
    with pytest.raises(ModelFilesError, match=said) as caught:
        load_diffusion(catalog.register_local(folder))
    assert "\n" not in str(caught.value)
    assert "ignore_mismatched_sizes" not in str(caught.value)
