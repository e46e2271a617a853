"""A LoRA: its changes are what the formula says, whoever named them, and the model with it is a model of its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from inspector.cli import main
from inspector.errors import ChoiceError, ModelFilesError, UnknownModelError
from inspector.models import catalog, loading
from inspector.models.checksums import file_fingerprint
from inspector.models.loading import load_diffusion, loaded
from inspector.settings import settings
from tests.models.small_families import small_folder
from tests.models.small_lora import write_lora

RANK, ALPHA = 2, 3.0
QUERY = "mid_block.attentions.0.transformer_blocks.0.attn2.to_q"
OUT = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0"
LINEAR = "up_blocks.1.attentions.0.transformer_blocks.0.ff.net.0.proj"
CONVOLUTION, POINTWISE = "mid_block.resnets.0.conv1", "mid_block.attentions.0.proj_in"
TEXT = "encoder.layers.1.self_attn.v_proj"
UNET = (QUERY, OUT, LINEAR, CONVOLUTION, POINTWISE)
Matrices = dict[str, tuple[torch.Tensor, torch.Tensor]]


@pytest.fixture
def base(diffusion_folder: Path) -> str:
    return catalog.register_local(diffusion_folder)


@pytest.fixture
def matrices(base: str) -> Matrices:
    """Layer -> (up, down), as those who train them save them: convolutions keep their kernel in `down`."""
    model: Any = load_diffusion(base)
    torch.manual_seed(3)
    found = {}
    for name in (*UNET, TEXT):
        weight = (model.text_encoder if name == TEXT else model.unet).get_submodule(name).weight
        up = torch.randn(weight.shape[0], RANK, *(1,) * (weight.ndim - 2))
        found[name] = up, torch.randn(RANK, *weight.shape[1:])
    return found


def as_peft(name: str) -> tuple[str, str, str]:
    part = "text_encoder.text_model" if name == TEXT else "unet"
    return f"{part}.{name}.lora_B.weight", f"{part}.{name}.lora_A.weight", f"{part}.{name}.alpha"


def as_diffusers(name: str) -> tuple[str, str, str]:
    if name == TEXT:
        begin = f"text_encoder.text_model.{name}.lora_linear_layer"
    elif ".attn" in name:
        attention, _, layer = name.partition(".to_")
        begin = f"unet.{attention}.processor.to_{layer.removesuffix('.0')}_lora"
    else:
        begin = f"unet.{name}.lora"
    return f"{begin}.up.weight", f"{begin}.down.weight", f"{begin.removesuffix('.lora')}.alpha"


def as_kohya(name: str) -> tuple[str, str, str]:
    begin = ("lora_te_text_model_" if name == TEXT else "lora_unet_") + name.replace(".", "_")
    return f"{begin}.lora_up.weight", f"{begin}.lora_down.weight", f"{begin}.alpha"


def written(file: Path, matrices: Matrices, names: Callable[[str], tuple[str, str, str]]) -> Path:
    state = {}
    for layer, (up, down) in matrices.items():
        for name, value in zip(names(layer), (up, down, torch.tensor(ALPHA)), strict=True):
            state[name] = value.contiguous()
    save_file(state, file)
    return file


@pytest.mark.parametrize("names", [as_peft, as_diffusers, as_kohya])
@pytest.mark.parametrize("scale", [1.0, -0.5])
def test_the_weights_are_those_of_the_formula(
    base: str, matrices: Matrices, tmp_path: Path, names: Any, scale: float
) -> None:
    name = catalog.register_lora(base, written(tmp_path / "style.safetensors", matrices, names), scale)
    plain, changed = load_diffusion(base), load_diffusion(name)
    for part in ("unet", "text_encoder"):
        own: Any = getattr(plain, part).state_dict()
        other = getattr(changed, part).state_dict()
        expected = {f"{layer}.weight" for layer in matrices if (layer == TEXT) == (part == "text_encoder")}
        assert {key for key, value in own.items() if not torch.equal(value, other[key])} == expected
        for key in expected:
            up, down = matrices[key.removesuffix(".weight")]
            change = torch.einsum("or,ri->oi", up.flatten(1), down.flatten(1)) * (scale * ALPHA / RANK)
            torch.testing.assert_close(other[key], own[key] + change.view_as(own[key]))


def test_each_scale_is_a_model_of_its_own_with_its_revision(base: str, matrices: Matrices, tmp_path: Path) -> None:
    file = written(tmp_path / "style.safetensors", matrices, as_peft)
    one, half = (catalog.register_lora(base, file, scale) for scale in (1, 0.5))
    assert (one, half) == (f"{base}+style@1", f"{base}+style@0.5")
    revisions = [load_diffusion(name).revision for name in (base, one, half)]
    assert revisions[1:] == [f"{revisions[0]}+{file_fingerprint(file)}*{scale}" for scale in ("1", "0.5")]
    assert set(loaded()) == {base, one, half}
    assert catalog.register_lora(base, file, 0.5) == half
    (tmp_path / "other").mkdir()
    assert catalog.register_lora(base, written(tmp_path / "other" / file.name, matrices, as_kohya), 0.5) == (
        f"{base}+style-2@0.5"
    )


def test_what_cannot_be_applied_is_one_sentence(base: str, matrices: Matrices, tmp_path: Path) -> None:
    file = written(tmp_path / "style.safetensors", matrices, as_peft)
    with pytest.raises(ChoiceError, match="lora_scale is 99"):
        catalog.register_lora(base, file, 99)
    with pytest.raises(UnknownModelError, match="There is no file 'gone'; give a LoRA"):
        catalog.register_lora(base, "gone")
    (tmp_path / "style.pt").touch()
    with pytest.raises(ModelFilesError, match="is pickled"):
        catalog.register_lora(base, tmp_path / "style.pt")
    up, down = matrices[QUERY]
    wrong: dict[str, tuple[dict[str, torch.Tensor], str]] = {
        "empty": ({"x": up}, "holds no LoRA"),
        "other": ({"unet.gone.to_q.lora_A.weight": down, "unet.gone.to_q.lora_B.weight": up}, "changes unet_gone_to_q"),
        "half": ({as_peft(QUERY)[1]: down}, "holds half of unet_mid_block"),
        "wide": ({as_peft(QUERY)[0]: up, as_peft(QUERY)[1]: down.repeat(1, 2)}, r"by \(16, 2\) and \(2, 32\)"),
        "nan": ({as_peft(QUERY)[0]: up * torch.nan, as_peft(QUERY)[1]: down}, "weights that are no numbers"),
    }
    for name, (state, said) in wrong.items():
        save_file(state, tmp_path / f"{name}.safetensors")
        with pytest.raises(ModelFilesError, match=said):
            load_diffusion(catalog.register_lora(base, tmp_path / f"{name}.safetensors"))


def test_the_command_line_takes_it_and_tells_it(
    diffusion_folder: Path, base: str, matrices: Matrices, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "style.safetensors", matrices, as_peft)
    asked = ["attention", "--prompt", "a horse", "--steps", "1", "--json", str(tmp_path / "told.json")]
    asked += ["--diffusion", str(diffusion_folder)]
    assert main([*asked, "--lora", str(file), "--lora-scale", "0.1"]) == 0
    models = json.loads((tmp_path / "told.json").read_text())["provenance"]["models"]
    assert list(models) == [f"{base}+style@0.1"]
    assert models[f"{base}+style@0.1"].endswith(f"+{file_fingerprint(file)}*0.1")
    assert main([*asked, "--lora-scale", "0.1"]) == 2
    assert "--lora-scale is of a LoRA; give --lora too" in capsys.readouterr().err


def test_a_lora_is_offered_with_the_models_that_it_fits(diffusion_folder: Path, base: str, tmp_path: Path) -> None:
    other = catalog.register_local(small_folder("sdxl", tmp_path))
    (tmp_path / "wide").mkdir()
    own = catalog.offer_lora(write_lora(diffusion_folder, tmp_path / "style.safetensors"))
    wide = catalog.offer_lora(write_lora(Path(catalog.spec(other).source), tmp_path / "wide" / "style.safetensors"))
    assert (own, wide) == ("style", "style-2")
    assert (catalog.loras(base), catalog.loras(other)) == (("style",), ("style-2",))
    assert catalog.loras("sdxl") == catalog.loras("flux-dev") == catalog.loras("scenes-clip") == ()
    assert catalog.loras() == ("style", "style-2")
    before = catalog.names("diffusion")
    name = catalog.with_lora(base, "style", 0.25)
    assert (name, catalog.with_lora(base, "")) == (f"{base}+style@0.25", base)
    assert catalog.spec(name).lora == (str(tmp_path / "style.safetensors"), 0.25)
    assert catalog.names("diffusion") == before  # however many scales are asked for
    with pytest.raises(UnknownModelError, match=r"There is no LoRA 'style-2' for .* here; choose style, or leave it"):
        catalog.with_lora(base, "style-2")
    with pytest.raises(UnknownModelError, match="leave it out"):
        catalog.with_lora("sdxl", "style")
    for wrong in (f"{base}+style@11", f"{base}+gone@1", "scenes-clip+style@1", "gone+style@1"):
        with pytest.raises(UnknownModelError, match="There is no"):
            catalog.spec(wrong)
    with pytest.raises(ChoiceError, match="lora_scale is 11"):
        catalog.with_lora(base, "style", 11)


def test_a_lora_changes_weights_that_are_offloaded(
    base: str, diffusion_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once they are, they lie elsewhere than where the layers are looked for."""
    name = catalog.register_lora(base, write_lora(diffusion_folder, tmp_path / "style.safetensors"))
    latents, pictures = torch.zeros(1, 4, 8, 8), []
    for offload in ("0", "1"):
        monkeypatch.setenv("INSPECTOR_OFFLOAD", offload)
        settings.cache_clear()
        loading._loaded.clear()
        model = load_diffusion(name)
        pictures.append(model.predict(latents, 300, model.encode_prompts(["a horse"])))
    assert torch.equal(*pictures)
