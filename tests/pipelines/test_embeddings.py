"""Textual inversion: the picture is that of diffusers' own loader to the bit; a word of several vectors is one word."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from inspector.cli import main
from inspector.errors import ChoiceError, ModelFilesError, UnknownModelError
from inspector.models import catalog, load_diffusion
from inspector.models.checksums import file_fingerprint
from inspector.models.protocols import DiffusionModel
from inspector.pipelines import attention
from inspector.results import GENERATION, AttentionRequest
from inspector.ui.rewriting import with_word
from inspector.ui.session import fingerprint
from inspector.views.recipes import as_command, as_python
from tests.models.small_embedding import write_embedding
from tests.pipelines.families import of_diffusers, picture_of, usual

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers on numpy 2
PROMPT = "a <cat> on the grass"
Opened = Callable[[str], DiffusionModel]
Folders = Callable[[str], Path]
WIDTHS = {
    "stable-diffusion-1.5": {"<cat>": 16},
    "stable-diffusion-2.1": {"<cat>": 16},
    "sdxl": {"clip_l": 16, "clip_g": 24},
}


def published(folder: Path, request: AttentionRequest, file: Path) -> np.ndarray:
    """The picture of diffusers' own pipeline with what its own loader reads of the file."""
    pipeline = of_diffusers(folder, safety_checker=None)
    state = load_file(file)
    if "clip_l" in state:
        pipeline.load_textual_inversion(state["clip_l"], token="<cat>")
        towers = {"text_encoder": pipeline.text_encoder_2, "tokenizer": pipeline.tokenizer_2}
        pipeline.load_textual_inversion(state["clip_g"], token="<cat>", **towers)
    else:
        pipeline.load_textual_inversion(str(file.parent), weight_name=file.name, token="<cat>")
    return picture_of(pipeline, request)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("name", "scheduler"), [("stable-diffusion-1.5", "pndm"), ("sdxl", "euler")])
def test_the_picture_is_diffusers_own_to_the_bit(
    name: str, scheduler: str, count: int, opened: Opened, folders: Folders, tmp_path: Path
) -> None:
    plain = opened(name)
    file = write_embedding(tmp_path / "cat.safetensors", WIDTHS[name], count)
    request = usual(plain, prompt=PROMPT, arms=(GENERATION,), scheduler=scheduler)
    changed = replace(request, model=catalog.register_embedding(plain.spec.name, file, "<cat>"))
    without, result = attention.run(request), attention.run(changed)
    assert np.array_equal(result.images[GENERATION], published(folders(name), request, file))
    assert not np.array_equal(result.images[GENERATION], without.images[GENERATION])
    assert fingerprint(changed) != fingerprint(request)
    (told,) = result.provenance.models.items()
    assert told == (f"{plain.spec.name}+cat=<cat>", f"{plain.revision}+{file_fingerprint(file)}=<cat>")
    again = replace(request, prompt="a horse")  # whose picture no word of the file is in
    pictures = [attention.run(replace(again, model=model)).images for model in (request.model, changed.model)]
    assert np.array_equal(pictures[0][GENERATION], pictures[1][GENERATION])


def test_a_word_of_several_vectors_is_one_word_with_their_mean(opened: Opened, tmp_path: Path) -> None:
    plain = opened("stable-diffusion-1.5")
    file = write_embedding(tmp_path / "cat.safetensors", {"emb_params": 16}, 3)
    name = catalog.register_embedding(plain.spec.name, file, "<cat>")
    read = load_diffusion(name).tokenize(PROMPT)
    assert [token.text for token in read.tokens[1:6]] == ["a", *["<cat>"] * 3, "on"]
    assert {(token.start, token.stop) for token in read.tokens[2:5]} == {(2, 7)}
    assert [PROMPT[token.start : token.stop] for token in read.tokens[5:-1]] == [
        token.text for token in read.tokens[5:-1]
    ]
    result = attention.run(usual(load_diffusion(name), prompt=PROMPT, arms=(GENERATION,)))
    assert result.token_indices("cat") == result.token_indices("<cat>") == (2, 3, 4)
    one, each = (result.select(arm=GENERATION, token=token) for token in ("cat", None))
    np.testing.assert_allclose(one, each[..., 2:5, :, :].mean(-3), rtol=1e-3)
    assert with_word(result, "<cat>", "horse").prompt == "a horse on the grass"
    assert load_diffusion(name).tokenize("<cat>_1 on").tokens[1].text == "<cat>_1"  # which is a token by itself


def test_further_words_stand_beside_each_other(opened: Opened, tmp_path: Path) -> None:
    plain = opened("stable-diffusion-1.5")
    cat = write_embedding(tmp_path / "cat.safetensors", {"<cat>": 16}, 2)
    dog = write_embedding(tmp_path / "dog.safetensors", {"emb_params": 16}, 1, seed=6)
    name = catalog.register_embedding(catalog.register_embedding(plain.spec.name, cat), dog)
    assert name == f"{plain.spec.name}+cat=<cat>+dog=dog"  # the file's own word, else its name
    assert load_diffusion(name).tokenize("dog and <cat>").tokens[1].text == "dog"
    request = usual(load_diffusion(name), prompt=PROMPT)
    command, script = as_command(request), as_python(request)
    assert "--embedding './cat.safetensors=<cat>' --embedding ./dog.safetensors=dog" in command
    assert "'./cat.safetensors', '<cat>'), './dog.safetensors', 'dog')," in script
    assert "import register_embedding, register_local" in script
    compile(script, "recipe", "exec")


def test_what_cannot_be_read_is_one_sentence(opened: Opened, tmp_path: Path) -> None:
    names = {name: opened(name).spec.name for name in ("stable-diffusion-1.5", "sdxl")}
    plain = names["stable-diffusion-1.5"]

    kinds = (ModelFilesError, ChoiceError, UnknownModelError)

    def refused(file: str, said: str, base: str = plain, word: str = "") -> None:
        with pytest.raises(kinds, match=said):
            catalog.register_embedding(base, tmp_path / file, word)

    write_embedding(tmp_path / "wide.safetensors", {"<cat>": 768})
    refused("wide.safetensors", "has vectors of 768 numbers, and the model's text encoder takes 16; give an embedding")
    write_embedding(tmp_path / "pair.safetensors", WIDTHS["sdxl"])
    refused("pair.safetensors", "is for 2 text encoders, and the model has 1")
    write_embedding(tmp_path / "one.safetensors", {"<cat>": 16})
    refused("one.safetensors", "is for one text encoder, and the model has 2", names["sdxl"])
    write_embedding(tmp_path / "many.safetensors", {"a": 16, "b": 16})
    refused("many.safetensors", "holds no embedding; give one as safetensors with one tensor")
    (tmp_path / "cat.pt").touch()
    refused("cat.pt", "is pickled.*save it as safetensors and give that: python -c")
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    refused("torn.safetensors", "is damaged or incomplete")
    refused("gone.safetensors", "There is no file .*; give an embedding as one file")
    refused("one.safetensors", "'a b' cannot be a word", word="a b")
    refused("one.safetensors", "There is no diffusion model named 'gone'", "gone")
    taken = catalog.register_embedding(plain, tmp_path / "one.safetensors", "horse</w>")
    with pytest.raises(ModelFilesError, match=r"The model has a token 'horse</w>' already; call .* otherwise, as FILE"):
        load_diffusion(taken)


def test_the_command_line_takes_it_and_tells_it(
    opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_embedding(tmp_path / "a=cat.safetensors", {"<cat>": 16})
    asked: list[Any] = ["attention", "--prompt", "a <dog>", "--steps", "1", "--json", tmp_path / "told.json"]
    asked += ["--diffusion", opened("stable-diffusion-1.5").spec.source, "--embedding"]
    assert main([*map(str, asked), f"{file}=<dog>"]) == 0
    assert "stable-diffusion-1.5+a-cat=<dog>" in (tmp_path / "told.json").read_text()
    assert main([*map(str, asked), str(file)]) == 0
    assert "stable-diffusion-1.5+a-cat-2=<cat>" in (tmp_path / "told.json").read_text()
    assert main([*map(str, asked), "gone=<dog>"]) == 2
    assert "There is no file 'gone'; give an embedding" in capsys.readouterr().err
