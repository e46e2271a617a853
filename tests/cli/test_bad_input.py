"""Bad input: exit code 2 and one clear line on standard error, before any model is loaded."""

from pathlib import Path

import pytest

from inspector.cli import main
from inspector.models import loading
from tests.cli import bad_inputs

CAR = ["--classes", "car, building"]


@pytest.fixture
def nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, *_: object) -> None:
        raise AssertionError(f"{name} was loaded for an input that cannot work")

    monkeypatch.setattr(loading, "_load", load)  # what load_clip and load_diffusion, wherever imported, go through


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that are no usable pictures, and odd ones."""
    folder = tmp_path_factory.mktemp("bad")
    bad_inputs.make_files(folder)
    return folder


@pytest.mark.parametrize(("what", "code", "arguments"), bad_inputs.INPUTS, ids=[row[0] for row in bad_inputs.INPUTS])
def test_the_table_of_bad_inputs(what: str, code: int, arguments: list[str], folder: Path) -> None:
    found, said = bad_inputs.answer(arguments, folder)
    assert found == code, said
    assert "Traceback" not in said
    assert code == 0 or said.count("\n") == 0


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line said about arguments that are refused."""
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("inspector: ")
    assert "Traceback" not in shown.err
    return shown.err


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("notes.png", "not a picture"),
        ("empty.png", "empty"),
        ("truncated.png", "damaged or cut off"),
        ("dot.png", "1x1"),
        ("vast.png", "50,000,000 pixels"),
        ("missing.png", "no such file"),
        (".", "."),
    ],
)
@pytest.mark.usefixtures("nothing_is_loaded")
@pytest.mark.parametrize("command", [["saliency", *CAR], ["clusters"], ["segmentation", *CAR]], ids=lambda c: c[0])
def test_pictures_that_cannot_be_used(
    command: list[str], file: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused([command[0], str(folder / file), *command[1:]], capsys)


MANY = ", ".join(f"class {number}" for number in range(500))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["saliency", "scene:1"], "--classes"),
        (["saliency", "scene:1", "--classes", ""], "No classes given"),
        (["saliency", "scene:1", "--classes", " , /"], "No classes given"),
        (["saliency", "scene:1", "--classes", MANY], "500 classes given"),
        (["saliency", "scene:1", "--classes", "car, car"], "twice"),
        (["saliency", "scene:1", *CAR, "--template", "a photo"], "{}"),
        (["saliency", "scene:1", *CAR, "--pooling", "max"], "class, mean"),
        (["saliency", "scene:1", *CAR, "--threshold", "2"], "threshold is 2.0"),
        (["saliency", "scene:1", *CAR, "--threshold", "much"], "--threshold"),
        (["saliency", "scene:1", *CAR, "--clip", "ViT-Q-99"], "scenes-clip"),
        (["saliency", "scene:1", *CAR, "--clip", "scenes-diffusion"], "scenes-clip"),
        (["saliency", "scene:", *CAR], "scene:1"),
        (["saliency", "scene:one", *CAR], "scene:1"),
        (["saliency", "scene:99999999999999999999", *CAR], "seed"),
        (["segmentation", "scene:1"], "give either --classes or --vocabulary"),
        (["segmentation", "scene:1", *CAR, "--vocabulary", "voc-20"], "give either --classes or --vocabulary"),
        (["segmentation", "scene:1", *CAR, "--most", "3"], "give --vocabulary too"),
        (["segmentation", "scene:1", "--vocabulary", "voc-20", "--margin", "3"], "give --most too"),
        (["segmentation", "scene:1", "--vocabulary", "voc"], "use one of scenes, voc-20"),
        (["segmentation", "scene:1", "--vocabulary", "ade-150"], "add --most, and CLIP chooses"),
        (["segmentation", "scene:1", "--vocabulary", "ade-150", "--most", "0"], "most is 0"),
        (["attention"], "prompt is empty"),
        (["attention", "--prompt", "x" * 10_000], "10,000 characters"),
        (["attention", "--prompt", "a horse", "--token", "cow"], "'cow' is not in the prompt"),
        (["attention", "--prompt", "a horse", "--film", "out.avi"], "end it in .gif, .webm or .mp4"),
        (["attention", "--image", "scene:1", "--film", "out.gif"], "this result has none"),
        (["attention", "--image", "scene:1", "scene:2", "--film", "out.gif"], "--film is one file"),
        (["attention", "--prompt", "a horse", "--steps", "0"], "steps is 0"),
        (["attention", "--prompt", "a horse", "--layer", "mean"], "--layer is of --ask"),
        (["attention", "--prompt", "a horse", "--ask", "self", "--head", "1"], "--head is of --ask head"),
        (["attention", "--prompt", "a horse", "--ask", "self", "--region", "1,2,3"], "give a pixel"),
        (["attention", "--prompt", "a horse", "--ask", "against", "--rivals", "horse"], "two words"),
        (["attention", "--prompt", "a horse", "--ask", "probe"], "needs words"),
        (["attention", "--prompt", "a horse", "--ask", "word", "--beside", "scenes-diffusion-plain"], "--beside"),
        (["attention", "--prompt", "a horse", "--kept-steps", "all"], "kept_steps is 'all'; use one of last, every"),
        (["attention", "--prompt", "a horse", "--probes", "x" * 61], "61 characters"),
        (["attention", "--prompt", "a horse", "--steps", "1000"], "steps is 1000"),
        (["attention", "--prompt", "a horse", "--noise-timestep", "1000"], "noise_timestep is 1000"),
        (["attention", "--prompt", "a horse", "--noise-timestep", "often"], "--noise-timestep"),
        (["attention", "--prompt", "a horse", "--diffusion", "nobody/knows"], "scenes-diffusion"),
        (["attention", "--prompt", "a cow", "--source", "a dog", "--cross-kept", "2"], "cross_kept is 2.0"),
        (["attention", "--prompt", "a cow", "--self-kept", ".5"], "add it, or leave them out"),
        (["attention", "--prompt", "a cow", "--weights", "dog: 2"], "weights has 'dog', which is not in the prompt"),
        (["attention", "--prompt", "a cow", "--weights", "cow"], "give words with a number"),
        (["attention", "--image", "scene:1", "--source", "a dog"], "A given picture is not generated"),
        (["attention", "--prompt", "a red cow", "--source", "a cow", "--token", "red"], "stands for no word of the"),
        (["attention", "--prompt", "a", "--source", "b", "--beside", "scenes-diffusion"], "give one of the two"),
        (["clusters", "scene:1", "--k", "0"], "k is 0"),
        (["clusters", "scene:1", "--k", "1000000"], "k is 1000000"),
        (["clusters", "scene:1", "--k", "few"], "--k"),
        (["clusters", "scene:1", "--preset", "Z"], "A, B, C"),
        (["clusters", "scene:1", "--beside", "scene:2", "--out", "out"], "--out keeps one case"),
        (["attention", "--prompt", "a", "--beside", "scenes-diffusion", "--out", "out"], "--out keeps one model's"),
        (["clusters", "scene:1", "--figure", "out.jpg"], "'out.jpg' does not say which kind of figure it is"),
        (["clusters", "scene:1", "--figure", "out"], ".png, .pdf or .svg"),
        (["clusters", "scene:1", "--scale", "5"], "scale is 5; use a whole number from 1 to 4"),
        (["clusters", "scene:1", "--scale", "large"], "--scale"),
        (["clusters", "scene:1", "--columns", "3"], "columns is 3; use a whole number from 1 to 2"),
        (["evaluate", "saliency", "--clip", "openai-vit-b-16", "--readme"], "README tells of pairs of embedded models"),
        (["screenshots", "--out", "out", "--browser", "no-such-file"], "--browser"),
        (["segmentation", "scene:1", *CAR, "--method", "magic"], "gradcam, clip-es, clip, maskclip, "),
        (["segmentation", "scene:1", *CAR, "--background-rule", "none"], "constant, power, words"),
        (["segmentation", "scene:1", *CAR, "--background-power", "0"], "background_power is 0"),
        (["evaluate", "everything"], "saliency"),
        (["evaluate", "saliency", "--count", "0"], "count is 0"),
        (["evaluate", "saliency", "--seed", "-1"], "seed"),
        (["evaluate", "saliency", "--cards"], "--cards"),
        (["train", "tails"], "heads"),
        (["train", "heads", "--rows", "odise-2"], "odise-no-captioner"),
        (["train", "clip", "--table"], "heads alone"),
        (["train", "heads", "--preset", "gpu"], "one preset"),
        (["evaluate", "clusters", "--table"], "segmentation alone"),
        (["train", "clip", "--preset", "tpu"], "cpu"),
        (["bench", "speed"], "startup"),
        (["bench", "startup", "--diffusion", "scenes-diffusion"], "--diffusion goes with the subject attention alone"),
        (["bench", "attention", "--diffusion", "no-such-model"], "no-such-model"),
        (["bench", "startup", "--full-size"], "--full-size goes with the subject segmentation alone"),
        (["bench", "viewer", "--readme"], "--readme goes with the subjects keeping, segmentation, engines alone"),
        (["serve", "--port", "0"], "port is 0"),
        (["serve", "--port", "http"], "--port"),
        (["scenes"], "--out"),
        (["scenes", "--out", "out", "--count", "0"], "count is 0"),
        (["scenes", "--out", "out", "--size", "5000"], "size is 5000"),
        (["dance"], "saliency"),
        ([], "COMMAND"),
        (["saliency", "scene:1", *CAR, "--speed", "9"], "--speed"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("nothing_is_loaded")
def test_values_that_cannot_be_used(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refused(arguments, capsys)


@pytest.mark.usefixtures("nothing_is_loaded")
def test_an_output_that_cannot_be_written_is_refused_before_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = folder / "whole.png" / "results.svg"
    for option in ("--out", "--json", "--figure", "--page"):
        assert "Cannot write" in refused(["clusters", "scene:1", option, str(blocked)], capsys)


@pytest.mark.usefixtures("nothing_is_loaded")
def test_a_folder_without_a_model_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "model_index.json" in refused(["clusters", "scene:1", "--diffusion", str(folder)], capsys)
