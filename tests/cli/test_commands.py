"""Every sub-command on a drawn scene, by `main` as the command line calls it: what it prints and what it writes."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from inspector import world
from inspector.analysis import diffsegmenter
from inspector.cli import main
from inspector.results import SEGMENTATION_METHODS, AttentionRequest
from inspector.views.animation import animation
from inspector.views.archive import load_result
from inspector.views.attention_atlas import of_attention
from inspector.views.look import Look

WORDS = sorted(world.scene(1).masks)
FILES = {"figure.png", "maps.npz", "result.json", "caption.txt"}
QUICK = ["--steps", "2", "--size", "64"]


def written(folder: Path) -> dict:
    """What --out left: files that say where they came from. Returns result.json."""
    result = json.loads((folder / "result.json").read_text())
    further = {"labels.png", "coco.json", "label-studio.json"} if result["tab"] == "segmentation" else set()
    assert {file.name for file in folder.iterdir()} == FILES | further
    with Image.open(folder / "figure.png") as figure:
        assert json.loads(figure.info["inspector"])["provenance"] == result["provenance"]
        assert np.asarray(figure).std() > 5
    with np.load(folder / "maps.npz") as maps:
        assert json.loads(str(maps["provenance"]))["provenance"] == result["provenance"]
    return result


def table_of(text: str) -> list[dict[str, str]]:
    """The rows of the last table printed, by header."""
    lines = text.splitlines()
    rule = max(index for index, line in enumerate(lines) if line and set(line) <= {"-", " "})
    stops = [0]
    for index, sign in enumerate(lines[rule]):
        if sign == " " and lines[rule][index - 1] == "-":
            stops.append(index)
    cut = [[line[a:b].strip() for a, b in zip(stops, [*stops[1:], None], strict=True)] for line in lines[rule - 1 :]]
    return [dict(zip(cut[0], row, strict=True)) for row in cut[2:] if any(row)]


def test_saliency(clip: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classes = [*WORDS[:2], "unicorn/griffin"]
    arguments = ["saliency", "scene:1", "--classes", ", ".join(classes), "--pooling", "class", *clip]
    assert main([*arguments, "--out", str(tmp_path / "out"), "--json", str(tmp_path / "new" / "numbers.json")]) == 0
    rows = table_of(capsys.readouterr().out.split("Written to")[0])
    assert [row["class"] for row in rows] == [*WORDS[:2], "unicorn"]
    assert rows[0]["ap"] != "–"
    assert rows[2]["ap"] == "–"  # nothing to measure it against
    numbers = json.loads((tmp_path / "new" / "numbers.json").read_text())
    assert [row["class"] for row in numbers["rows"]] == [*WORDS[:2], "unicorn"]
    assert numbers["request"]["pooling"] == "class"
    assert written(tmp_path / "out")["request"]["classes"] == [[WORDS[0]], [WORDS[1]], ["unicorn", "griffin"]]


def test_a_picture_file_has_no_scores(clip: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "grey.png"
    Image.fromarray(world.scene(1, 64).image).convert("L").resize((70, 50)).save(path)
    assert main(["saliency", str(path), "--classes", "car, sky", *clip]) == 0
    (row, _) = table_of(capsys.readouterr().out)
    assert set(row) == {"class", "probability", "cosine"}


def test_attention_while_generating(diffusion: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["attention", "--prompt", "a horse on the grass", "--token", "horse", "--seed", "3", *QUICK, *diffusion]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    rows = table_of(capsys.readouterr().out.split("Written to")[0])
    assert [(row["arm"], row["word"]) for row in rows] == [("generation", "horse"), ("noise once", "horse")]
    assert all(0 < float(row["entropy"]) <= 1 for row in rows)
    request = written(tmp_path)["request"]
    assert (request["steps"], request["seed"], request["noise_timestep"]) == (2, 3, AttentionRequest.noise_timestep)


def test_two_models_are_asked_the_same_by_one_command(
    diffusion: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["attention", "--prompt", "a horse on the grass", "--token", "horse", "--size", "64", *QUICK]
    file = tmp_path / "both.png"
    assert main([*arguments, *diffusion, "--beside", "scenes-diffusion-plain", "--figure", str(file)]) == 0
    rows = table_of(capsys.readouterr().out)
    own = rows[0]["model"]
    assert [row["model"] for row in rows] == [own, own, "scenes-diffusion-plain", "scenes-diffusion-plain"]
    with Image.open(file) as figure:
        made = json.loads(figure.info["inspector"])
    requests = [made["request"], made["beside"][0]["request"]]
    assert [request.pop("model") for request in requests] == [own, "scenes-diffusion-plain"]
    assert requests[0] == requests[1]


def test_an_edited_prompt_stands_beside_its_source_and_the_run_that_keeps_nothing(
    diffusion: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["attention", "--prompt", "a cow on the grass", "--source", "a horse on the grass", "--size", "64"]
    file, out = tmp_path / "edit.png", tmp_path / "out"
    assert main([*arguments, *QUICK, *diffusion, "--figure", str(file), "--out", str(out)]) == 0
    rows = table_of(capsys.readouterr().out.split("Written to")[0])
    assert [(row["run"], row["arm"], row["word"]) for row in rows] == [
        (run, arm, word)
        for run, word in (("source", "horse"), ("attention kept", "cow"), ("nothing kept", "cow"))
        for arm in ("generation", "noise once")
    ]
    assert all(float(row["map like the source's"]) == 1 for row in rows[:2])
    with Image.open(file) as figure:
        made = json.loads(figure.info["inspector"])
    kept = {"source": "a horse on the grass", "cross_kept": 0.8, "self_kept": 0.4, "weights": ""}
    assert made["request"]["edit"] == written(out)["request"]["edit"] == kept
    source, nothing = (one["request"] for one in made["beside"])
    assert (source["prompt"], source["edit"]) == ("a horse on the grass", None)
    assert nothing["edit"] == kept | {"cross_kept": 0, "self_kept": 0}


def test_the_steps_of_a_phrase_are_written_as_a_film(diffusion: list[str], tmp_path: Path) -> None:
    arguments = ["attention", "--prompt", "a horse on the grass", "--token", "a horse", *QUICK, *diffusion]
    file = tmp_path / "own" / "steps.gif"
    assert main([*arguments, "--film", str(file), "--out", str(tmp_path)]) == 0
    with Image.open(file) as film:
        assert film.n_frames == 2
        assert json.loads(film.info["comment"])["request"]["prompt"] == "a horse on the grass"
    result = load_result(tmp_path)
    state = {"panels": [{"arm": arm, "layer": "mean"} for arm in ("generation", "noise once")]}
    assert file.read_bytes() == animation(result, Look(), state, "gif", atlas=of_attention(result, "a horse"))


def test_arms_noises_and_timesteps_are_options(diffusion: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    arms = ["--arms", "mean of seeds, inversion", "--seeds", "2", "--t", "300,1"]
    assert main(["attention", "--prompt", "a horse", "--token", "horse", *arms, *QUICK, *diffusion]) == 0
    rows = table_of(capsys.readouterr().out)
    assert [row["arm"] for row in rows] == ["generation", "mean of seeds", "inversion"]


def test_attention_on_a_drawn_scene_takes_its_caption_and_masks(
    diffusion: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "numbers.json"
    arguments = ["attention", "--image", "scene:1", "--noise-timestep", "match", *diffusion, "--json", str(file)]
    assert main(arguments) == 0
    rows = {row["word"]: row for row in table_of(capsys.readouterr().out)}
    scene = world.scene(1)
    named = {word for *_, word in scene.spans}
    assert json.loads(file.read_text())["request"]["prompt"] == scene.caption
    assert json.loads(file.read_text())["request"]["noise_timestep"] is None
    for word in named & set(rows):
        assert 0 <= float(rows[word]["best AP"]) <= 1
        assert float(rows[word]["AP of mean"]) <= float(rows[word]["best AP"])
    assert named & set(rows)
    assert set(rows) - named  # words without a mask, such as "a"


def test_clusters(diffusion: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clusters", "scene:1", "--k", "3", "--restarts", "2", *diffusion, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "stability" in out
    methods = {row["method"] for row in table_of(out.split("Written to")[0])}
    assert {"unet", "rgb", "xy"} <= methods
    assert written(tmp_path)["request"]["k"] == 3


def test_a_figure_alone_with_a_second_case(
    diffusion: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "new" / "one.png", tmp_path / "two.png"
    arguments = ["clusters", "scene:1", "--k", "3", "--restarts", "2", *diffusion]
    assert main([*arguments, "--figure", str(one)]) == 0
    capsys.readouterr()
    assert main([*arguments, "--beside", "scene:2", "--figure", str(two)]) == 0
    rows = table_of(capsys.readouterr().out)
    assert [row["image"] for row in rows] == ["scene:1"] * (len(rows) // 2) + ["scene:2"] * (len(rows) // 2)
    with Image.open(one) as single, Image.open(two) as double:
        made = json.loads(double.info["inspector"])
        assert made["request"]["k"] == made["beside"][0]["request"]["k"] == 3
        assert double.height > 1.7 * single.height
    assert {file.name for file in one.parent.iterdir()} == {"one.png"}


@pytest.mark.parametrize(("name", "head"), [("new/f.pdf", b"%PDF-"), ("f.SVG", b"<?xml")])
def test_a_figure_is_of_the_kind_its_name_ends_in(name: str, head: bytes, clip: list[str], tmp_path: Path) -> None:
    arguments = ["saliency", "scene:1", "--classes", "sky, $x$ <b>&", *clip, "--figure", str(tmp_path / name)]
    assert main(arguments) == 0
    figure = (tmp_path / name).read_bytes()
    assert figure.startswith(head)
    assert b'"tab": "saliency"' in figure.replace(b"&quot;", b'"')


@pytest.mark.slow
def test_at_a_scale_the_pictures_themselves_are_larger(clip: list[str], diffusion: list[str], tmp_path: Path) -> None:
    asked = {
        "segmentation": ["scene:1", "--classes", "sky", *clip],
        "attention": ["--prompt", "a horse", "--token", "horse", *QUICK, *diffusion],
        "clusters": ["scene:1", "--beside", "scene:2", "--k", "3", "--restarts", "2", *diffusion],
    }
    for tab, arguments in asked.items():
        widest = []
        for scale in ("1", "3"):
            file = tmp_path / "figure.svg"
            assert main([tab, *arguments, "--figure", str(file), "--scale", scale]) == 0
            images = ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}image")
            widest.append(max(float(image.attrib["width"]) for image in images if image.attrib["height"] != "1"))
        assert widest[1] == 3 * widest[0]  # a colour bar has a height of 1


def test_at_a_scale_a_drawn_figure_is_larger(clip: list[str], tmp_path: Path) -> None:
    widths = []
    for scale in ("1", "3"):
        arguments = ["segmentation", "scene:1", "--classes", "sky", *clip, "--scale", scale]
        assert main([*arguments, "--out", str(tmp_path), "--figure", str(tmp_path / "alone.png")]) == 0
        with Image.open(tmp_path / "figure.png") as kept, Image.open(tmp_path / "alone.png") as alone:
            assert (np.asarray(kept) == np.asarray(alone)).all()
            widths.append(kept.width)
    assert widths[1] == pytest.approx(3 * widths[0], rel=0.01)


def test_a_figure_for_a_journals_columns_is_as_wide_as_they_are(diffusion: list[str], tmp_path: Path) -> None:
    arguments = ["clusters", "scene:1", "--beside", "scene:2", "--k", "3", "--restarts", "2", *diffusion]
    assert main([*arguments, "--columns", "1", "--figure", str(tmp_path / "one.png")]) == 0
    with Image.open(tmp_path / "one.png") as figure:
        assert figure.width == 990
        assert figure.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def test_a_page_holds_every_result_and_where_it_came_from(
    diffusion: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "new" / "page.html"
    arguments = ["clusters", "scene:1", "--beside", "scene:2", "--k", "3", "--restarts", "2", *diffusion]
    assert main([*arguments, "--page", str(page)]) == 0
    text = page.read_text()
    assert text.count("data-atlas=") == 2
    assert text.count("&quot;timestep&quot;: 100") == 2
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    arguments = ["attention", "--prompt", "a horse on the grass", "--token", "grass", *QUICK, *diffusion]
    assert main([*arguments, "--page", str(page)]) == 0
    assert "&quot;word&quot;: &quot;grass&quot;" in page.read_text()


def test_segmentation(clip: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classes = ", ".join(WORDS)
    arguments = ["segmentation", "scene:1", "--classes", classes, "--method", "maskclip", *clip]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "mIoU" in out
    rows = table_of(out.split("Written to")[0])
    assert [row["class"] for row in rows] == WORDS
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1, abs=0.01)
    assert written(tmp_path)["request"]["method"] == "maskclip"


def test_segmentation_of_names_from_a_list(clip: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segmentation", "scene:1", "--vocabulary", "scenes", "--most", "3", "--margin", "100", *clip]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Of 26 words ")
    rows = table_of(out[out.index("mIoU") :])
    told = out.splitlines()[0].split("best: ")[1]
    assert [row["class"] for row in rows] == [part.split(" (")[0] for part in told.rstrip(".").split(", ")]
    assert len(rows) == 3


def test_segmentation_by_all_methods(
    clip: list[str], diffusion: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["segmentation", "scene:1", "--classes", "sky, sun", "--method", "all", *clip, *diffusion]
    assert main([*asked, "--background-rule", "power", "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "ignored" not in err
    rows = table_of(out.split("Written to")[0])
    assert [row["method"] for row in rows] == [*SEGMENTATION_METHODS, "majority"]
    told = written(tmp_path)
    assert [row["method"] for row in told["segmentation"]["methods"]] == [row["method"] for row in rows]
    assert "background scored (1 - best class)^2" in (tmp_path / "caption.txt").read_text()
    back = load_result(tmp_path)
    assert [vote.method for vote in back.votes] == list(SEGMENTATION_METHODS)
    assert back.disagreement.shape == back.labels.shape


@pytest.mark.parametrize("subject", ["models", "saliency", "attention", "clusters", "segmentation"])
def test_evaluate(
    subject: str,
    clip: list[str],
    diffusion: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AttentionRequest, "steps", 2)
    monkeypatch.setattr(diffsegmenter, "TEMPLATE", "a {}")  # its own is too long for so small a text encoder
    file = tmp_path / "numbers.json"
    assert main(["evaluate", subject, "--count", "4", "--seed", "7", *clip, *diffusion, "--json", str(file)]) == 0
    numbers = json.loads(file.read_text())
    assert (numbers["count"], numbers["seed"]) == (4, 500_007)
    shown = capsys.readouterr().out
    assert "500007" in shown
    assert table_of(shown)


@pytest.mark.parametrize("more", [[], ["--source", "a dog on the grass"]])
def test_what_is_kept_is_told_before_the_run(
    more: list[str], diffusion: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["attention", "--prompt", "a horse on the grass", "--steps", "2", *more, *diffusion]
    assert main([*asked, "--heads"]) == 0
    (told,) = (line for line in capsys.readouterr().err.splitlines() if "Keeps" in line)
    assert told.startswith("inspector: Keeps ")
    assert "single heads" in told
    assert main(asked) == 0
    assert "Keeps" not in capsys.readouterr().err


def test_edits_are_measured(
    clip: list[str], diffusion: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AttentionRequest, "steps", 2)
    assert main(["evaluate", "edits", "--count", "1", "--seeds", "2", "--seed", "7", *clip, *diffusion]) == 0
    rows = table_of(capsys.readouterr().out.split("\n\n")[1])
    assert [(row["edit"], row["measure"]) for row in rows] == [
        (kind, measure) for kind in ("swap", "refine", "weigh") for measure in ("map", "picture", "said")
    ]


def test_train_hands_over_what_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}
    for stem in ("clip", "autoencoder", "diffusion"):
        monkeypatch.setitem(sys.modules, f"inspector.training.{stem}", SimpleNamespace(train=asked.update))
        assert main(["train", stem, "--preset", "gpu", "--resume", "--out", str(tmp_path)]) == 0
        assert asked == {"preset": "gpu", "resume": True, "runs": Path("runs"), "out": tmp_path}
        asked.clear()


def test_serve_hands_over_host_and_port(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    shell = SimpleNamespace(serve=lambda host, port: asked.append((host, port)))
    monkeypatch.setitem(sys.modules, "inspector.ui.shell", shell)
    assert main(["serve"]) == 0
    assert main(["serve", "--host", "127.0.0.1", "--port", "7861"]) == 0
    assert asked == [(None, None), ("127.0.0.1", 7861)]


def test_bench(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from inspector.bench import startup

    monkeypatch.setattr(startup, "_one_start", lambda: [("page ready", 3.0)])
    assert main(["bench", "startup", "--count", "1", "--json", str(tmp_path / "b.json")]) == 0
    assert json.loads((tmp_path / "b.json").read_text())["seconds"]["page ready"]["median"] == 3.0
    assert table_of(capsys.readouterr().out)[0]["seconds to"] == "page ready"


def test_bench_of_recording(
    tmp_path: Path, diffusion: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspector.bench import attention

    monkeypatch.setattr(attention, "STEPS", 2)
    assert main(["bench", "attention", "--count", "1", *diffusion, "--json", str(tmp_path / "b.json")]) == 0
    told = json.loads((tmp_path / "b.json").read_text())
    assert told["aims"][attention.RECORDED] == {"of": attention.LOOP, "most": 1.05}
    assert len(told["ways"]) == 7
    assert all(way["seconds"]["median"] > 0 for way in told["ways"].values())
    shown = capsys.readouterr().out
    assert all(name in shown for name in told["ways"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["saliency", "scene:1", "--classes", "car, building, trees/palms"],
        ["attention", "--prompt", "a horse on the grass", *QUICK],
        ["clusters", "scene:1", "--restarts", "2"],
        ["segmentation", "scene:1", "--classes", "car, building, sky"],
        ["segmentation", "scene:1", "--classes", "car, building, sky", "--method", "attention"],
    ],
    ids=lambda arguments: " ".join((arguments[0], arguments[-1])),
)
def test_the_embedded_models_answer_without_being_named(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    assert table_of(capsys.readouterr().out)
