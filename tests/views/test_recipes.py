"""Recipes: the script and the command make the very request they were written for, and so the same arrays."""

import ast
import inspect
import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inspector import results, world
from inspector.cli import edits, main
from inspector.cli.options import option
from inspector.cli.report import MODELS, REQUESTS, TABS
from inspector.errors import Cancelled
from inspector.models.catalog import register_local
from inspector.results import AttentionRequest, ClustersRequest, Edit, SaliencyRequest, SegmentationRequest
from inspector.settings import ASSETS
from inspector.views import recipes
from inspector.views.archive import ENTRY, load_result, take_apart
from inspector.views.export import write_result
from inspector.views.recipes import Request, as_command, as_python
from tests.views import samples

SEED = 504_307
SCENE = world.scene(SEED)
DRAWN: dict[str, Any] = {"image": SCENE.image, "masks": SCENE.masks, "scene": SEED}
UPLOAD = np.random.default_rng(0).integers(0, 256, (70, 100, 3), np.uint8)

# Every field with a value other than its default, but for the picture's and the models'.
EVERY: dict[str, dict[str, Any]] = {
    "saliency": {
        "classes": "car, trees/palms",
        "background": "ground, old road",
        "template": "a drawing of {}",
        "pooling": "class",
        "threshold": 0.1 + 0.2,
        "side": 96,
    },
    "attention": {
        "prompt": "a horse on the grass",
        "steps": 2,
        "guidance_scale": 4 / 3,
        "arms": "noise once, inversion",
        "seeds": 2,
        "noise_timesteps": "301, 101",
        "seed": 3,
        "scheduler": "dpm++",
        "noise_timestep": None,
        "size": 96,
        "heads": True,
        "queries": True,
        "self_attention": True,
        "kept_steps": "every",
        "probes": "dog, brown cow",
        "reading": "output",
    },
    "clusters": {"k": 3, "preset": "B", "timestep": 7, "prompt": "a horse", "seed": 2, "restarts": 3},
    "segmentation": {
        "classes": "car, trees/palms",
        "method": "attention",
        "background": 1e-5,
        "template": "{}!",
        "timestep": 0,
        "seed": 2**31 - 1,
        "side": 96,
        "background_rule": "power",
        "background_power": 1.5,
        "merging": 0.05,
        "seen_weight": 0.25,
        "unseen_weight": 1.0,
        "background_words": "ground, land",
    },
}
OTHERS = {  # models than the usual ones
    "clip": "laion-vit-b-16",
    "diffusion": "stable-diffusion-1.4",
    "segmenter": "sam-vit-base",
    "head": "odise-no-unet",
}
TEXTS = [
    "it's a \"horse\" on 'the' grass",
    "Größe, 馬, 🐎, a\u0301, a\u202eb, \xa0and",
    "--seed 3",
    "-",
    "$HOME `id` $(id) \\ ! * ~ ; & | > #x",
    "# no comment",
    "scene:1",
    "100 % {} {0} %s",
    "two\nlines",
    "\"\"\" + '''",
]


def kind_of(tab: str) -> Any:
    return getattr(results, REQUESTS[tab])


def parts(found: Any) -> dict[str, Any]:
    """A request or result as its arrays and, under `ENTRY`, the text of all the rest."""
    arrays = take_apart(found)
    text = str(arrays.pop(ENTRY))
    return {ENTRY: text} | {name: (array.dtype, array.shape, array.tobytes()) for name, array in arrays.items()}


def outcome(result: Any) -> dict[str, Any]:
    """As `parts`, without how long it took."""
    return parts(replace(result, provenance=replace(result.provenance, seconds=0.0)))


def executed(script: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(script, "recipe.py", "exec"), names)
    return names


def argv(command: str) -> list[str]:
    """The arguments of `python -m inspector`."""
    words = shlex.split(command, comments=True)
    assert words[:3] == ["python", "-m", "inspector"]
    return words[3:]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the recipes run: beside picture.png."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(UPLOAD).save("picture.png")
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """The request that a script or a command hands to its pipeline, which does not run."""
    caught: list[Any] = []

    def catch(request: Any) -> None:
        caught.append(request)
        raise Cancelled("Enough is known.")

    for tab in TABS:
        pipeline = import_module(f"inspector.pipelines.{tab}")
        for name in ("run", "stream"):
            monkeypatch.setattr(pipeline, name, catch)

    def asked(recipe: str) -> Any:
        caught.clear()
        if recipe.splitlines()[-1].startswith("print("):
            with pytest.raises(Cancelled):
                executed(recipe)
        else:
            main(argv(recipe))
        (request,) = caught
        return request

    return asked


REQUESTS_TO_RUN: dict[str, Request] = {
    "saliency": SaliencyRequest(**DRAWN, classes="car, building/house", pooling="class"),
    "saliency of an upload": SaliencyRequest(UPLOAD, 'das Gebäude, it\'s a "car", $HOME', background=""),
    "attention": AttentionRequest("a horse, it's “grün”", steps=2, seed=5, noise_timestep=None),
    "attention in a scene": AttentionRequest("a car", **DRAWN, noise_timestep=50),
    "clusters": ClustersRequest(**DRAWN, k=3, restarts=2, prompt="-a \\ car"),
    "segmentation": SegmentationRequest(**DRAWN, classes="car, sky", method="attention", background=0.25),
}


@pytest.mark.parametrize("name", REQUESTS_TO_RUN)
def test_both_recipes_give_the_same_arrays(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    request = REQUESTS_TO_RUN[name]
    tab = name.split()[0]
    direct = outcome(import_module(f"inspector.pipelines.{tab}").run(request))
    assert outcome(executed(as_python(request))["result"]) == direct
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert main(argv(as_command(request))) == 0
    assert outcome(load_result(Path("out", tab))) == direct


@pytest.mark.parametrize("tab", TABS)
def test_every_field_and_every_option_is_known(tab: str) -> None:
    """So that a field or an option that is new cannot be forgotten here."""
    models = {name for name, _ in MODELS[tab].values()}
    assert models <= set(recipes.MODELS)
    options = set(import_module(f"inspector.cli.{tab}").FIELDS)
    assert options == set(EVERY[tab])
    named = {item.name for item in fields(kind_of(tab))}
    assert named == options | models | set(recipes.GIVEN) | (named & set(recipes.PARTS))


@pytest.mark.parametrize("source", ["drawn", "upload"])
@pytest.mark.parametrize("tab", TABS)
def test_every_field_arrives(tab: str, source: str, asked: Callable[[str], Any]) -> None:
    values = EVERY[tab] | {name: OTHERS[kind] for name, kind in MODELS[tab].values()}
    request = kind_of(tab)(**(DRAWN if source == "drawn" else {"image": UPLOAD}), **values)
    for item in fields(request):
        assert item.name not in values or getattr(request, item.name) != item.default
    command = as_command(request)
    for name in EVERY[tab]:
        assert option(name) in shlex.split(command)
    assert parts(asked(command)) == parts(request)
    assert parts(asked(as_python(request))) == parts(request)


@pytest.mark.parametrize("tab", TABS)
def test_defaults_are_left_out(tab: str, asked: Callable[[str], Any]) -> None:
    own = [item.name for item in fields(kind_of(tab)) if item.default is MISSING and item.name in EVERY[tab]]
    needed = {name: EVERY[tab][name] for name in own}
    request = kind_of(tab)(image=UPLOAD, **needed)
    picture = ["--image", "picture.png"] if tab == "attention" else ["picture.png"]
    wanted = [word for name, text in needed.items() for word in (option(name), text)]
    assert argv(as_command(request)) == [tab, *picture, *wanted, "--out", f"out/{tab}"]
    (call,) = (
        node.value
        for node in ast.parse(as_python(request)).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "request"
    )
    assert isinstance(call, ast.Call)
    assert {word.arg for word in call.keywords} == {"image", *needed}
    assert parts(asked(as_command(request))) == parts(asked(as_python(request))) == parts(request)


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_arrives_unchanged(text: str, asked: Callable[[str], Any]) -> None:
    for request in (
        AttentionRequest(text),
        ClustersRequest(UPLOAD, prompt=text),
        SaliencyRequest(UPLOAD, text, background=("a", re.sub("[,;]", " ", text))),
        SegmentationRequest(**DRAWN, classes=text, template=text.replace("{}", "") + "{}"),
    ):
        command = as_command(request)
        assert parts(asked(as_python(request))) == parts(request)
        assert parts(asked(command)) == parts(request)
        read = subprocess.run(["sh", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True)
        assert read.stdout.decode().split("\0")[3:-1] == argv(command)


def test_what_is_kept_of_another_prompt_arrives(asked: Callable[[str], Any]) -> None:
    assert set(edits.FIELDS) == {item.name for item in fields(Edit)}
    for edit in (
        Edit("a horse, it's", 0.5, 0.1 + 0.2, "cow: -2, red: 0.5"),
        Edit("a red cow", weights="@2:5: 2"),
        Edit("--x", 1.0, 0.0),
    ):
        request = AttentionRequest("a red cow", seed=3, edit=edit)
        assert parts(asked(as_command(request))) == parts(request)
        assert parts(asked(as_python(request))) == parts(request)
    assert argv(as_command(AttentionRequest("a cow", edit=Edit("a horse")))) == [
        "attention", "--prompt", "a cow", "--source", "a horse", "--out", "out/attention",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wanted",
    [
        AttentionRequest("a \x1b[2J\0 horse"),
        SaliencyRequest(UPLOAD, (("car, red", "a/b"),)),
        SaliencyRequest(UPLOAD, "car", background=("land, sea",)),
        SaliencyRequest(SCENE.image, "car", scene=SEED),
    ],
    ids=["control", "comma in a class", "comma in a word", "scene without masks"],
)
def test_what_only_a_script_can_say(wanted: Request, asked: Callable[[str], Any]) -> None:
    assert as_command(wanted) == ""
    assert parts(asked(as_python(wanted))) == parts(wanted)


@pytest.mark.parametrize(
    "given",
    [
        {"image": UPLOAD, "masks": {"it's": UPLOAD[..., 0] > 99}},
        {"image": world.scene(SEED, 128).image, "masks": world.scene(SEED, 128).masks, "scene": SEED},
        {"image": np.zeros((96, 1025, 3), np.uint8)},
    ],
    ids=["own masks", "a smaller scene", "larger than a file's"],
)
def test_pictures_that_nothing_makes_again_come_from_the_saved_result(
    given: dict[str, Any], folder: Path, asked: Callable[[str], Any]
) -> None:
    request = SaliencyRequest(**given, classes="it's, building")
    write_result(samples.saliency(request=request), folder)
    assert as_command(request) == ""
    assert parts(asked(as_python(request))) == parts(request)


def test_masks_of_a_generated_picture_come_from_the_saved_result(folder: Path, asked: Callable[[str], Any]) -> None:
    request = AttentionRequest("a horse", masks={"horse": samples.left_half(64, 64)})
    write_result(samples.attention(request=request), folder)
    assert as_command(request) == ""
    assert parts(asked(as_python(request))) == parts(request)


def test_numbers_of_numpy_are_written_as_numbers(asked: Callable[[str], Any]) -> None:
    request = SaliencyRequest(UPLOAD, "car", threshold=np.float64(0.25))
    assert "threshold=0.25," in as_python(request)
    assert asked(as_command(request)).threshold == 0.25


def test_a_lora_is_looked_for_beside_the_recipe() -> None:
    for base, told, code in (
        ("stable-diffusion-1.5", "stable-diffusion-1.5", "register_lora('stable-diffusion-1.5', "),
        ("local:my model", "'./my model'", "register_lora(register_local('./my model'), "),
    ):
        request = AttentionRequest("a horse", model=f"{base}+a style@0.8")
        script, command = as_python(request), as_command(request)
        assert f"model={code}'./a style.safetensors', 0.8)," in script
        assert "from inspector.models.catalog import " in script
        assert f"--diffusion {told} --lora './a style.safetensors' --lora-scale 0.8" in command
        compile(script, "recipe", "exec")


def test_a_local_model_is_looked_for_beside_the_recipe(folder: Path, asked: Callable[[str], Any]) -> None:
    """Even one whose folder has the name of a model of the catalog."""
    for name in ("scenes-clip", "scenes-diffusion"):
        (folder / name).symlink_to(ASSETS / "models" / name)
    clip, diffusion = register_local("./scenes-clip"), register_local("./scenes-diffusion")
    assert (clip, diffusion) == ("local:scenes-clip", "local:scenes-diffusion")
    (folder / "my-san").mkdir()
    (folder / "my-san" / "config.json").write_text('{"family": "san"}')
    head = register_local("./my-san")
    request = SegmentationRequest(UPLOAD, "car", method="san", clip=clip, diffusion=diffusion, head=head)
    for recipe in (as_command(request), as_python(request)):
        assert recipe.count("# A local model is a folder") == 1
        assert parts(asked(recipe)) == parts(request)


def test_no_name_of_a_model_ends_a_comment() -> None:
    request = ClustersRequest(UPLOAD, model="local:a\nimport os\n'#")
    imports = [node for node in ast.parse(as_python(request)).body if isinstance(node, ast.Import)]
    assert imports == []
    assert "./a\nimport os\n'#" in argv(as_command(request))


def test_a_scene_is_drawn_as_large_as_the_recipes_expect() -> None:
    assert inspect.signature(world.scene).parameters["size"].default == recipes.DRAWN_SIDE
