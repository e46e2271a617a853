"""The plain recipe: its losses by hand, its captions, and runs that go on from the shipped weights."""

import json
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from inspector import world
from inspector.cli import main
from inspector.models import load_clip, load_diffusion
from inspector.models.borrowing import BORROWED
from inspector.models.catalog import register_local
from inspector.models.clip import SCENES_CLIP, build_clip
from inspector.models.tokenizer import open_fast_tokenizer, open_tokenizer
from inspector.settings import ASSETS
from inspector.training import captions, diffusion, plain_clip, plain_diffusion, probes
from inspector.training.cards import adopt_written, read_card, row_name, write_card
from inspector.training.clip import contrast
from inspector.training.data import visible_words
from inspector.training.diffusion import min_snr, stratified
from inspector.training.encoded import EncodedPictures
from inspector.training.loop import Schedule

MODELS = ASSETS / "models"
TOKENIZER = MODELS / "scenes-clip"


def test_a_schedule_that_begins_again_by_hand():
    schedule = Schedule(steps=30, learning_rate=1.0, warmup=2, floor=0.1, again=(12, 0.5))
    assert [schedule.rate(step) for step in (0, 1, 2)] == [0.5, 1.0, 1.0]
    assert schedule.rate(7) == pytest.approx(0.55)  # halfway down from 1 to a tenth
    assert schedule.rate(11) == pytest.approx(0.1, abs=0.03)
    assert [schedule.rate(step) for step in (12, 13, 14)] == [0.25, 0.5, 0.5]
    assert schedule.rate(30) == pytest.approx(0.05)


def test_min_snr_by_hand():
    alphas = torch.tensor([10 / 11, 1 / 2])  # signal to noise 10, which counts as 5, and 1
    noise = torch.zeros(2, 4, 3, 3)
    weighted, error = min_snr(noise + 2, noise, torch.tensor([0, 1]), alphas)
    assert error == 4
    assert weighted.item() == pytest.approx((4 * 5 / 10 + 4 * 1) / 2)


def test_every_part_of_the_range_has_its_timestep():
    timesteps = stratified(np.random.default_rng(0), 10, 1000)
    assert sorted(timesteps // 100) == list(range(10))
    assert timesteps.tolist() != sorted(timesteps.tolist())


def test_the_loss_of_a_unet_is_that_of_its_noise_alone():
    def unet(noisy, timesteps, states):
        return SimpleNamespace(sample=noisy / 0.5**0.5)  # of a black picture at alpha 1/2: the noise itself

    clean, alphas = torch.zeros(3, 4, 8, 8), torch.full((10,), 0.5)
    value, told = plain_diffusion.noise_loss(unet, clean, torch.zeros(3, 2, 4), torch.tensor([1, 2, 3]), alphas)
    assert value.item() == pytest.approx(0, abs=1e-4)
    assert set(told) == {"error"}


def test_the_loss_of_a_clip_is_that_of_its_class_token_alone():
    torch.manual_seed(0)
    model = build_clip(SCENES_CLIP).eval()
    pixels, ids = torch.randn(3, 3, 256, 256), torch.zeros(3, 32, dtype=torch.long)
    ids[:, 0], ids[0, 1], ids[1, 1], ids[2, 1], ids[:, 2] = 1022, 5, 6, 5, 1023
    with torch.no_grad():
        found = plain_clip.PlainClip(model).eval().loss(pixels, ids)
        images, texts = model.encode_image(pixels, normalize=True), model.encode_text(ids, normalize=True)
        same = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 0, 1]]).bool()
        expected = contrast(model.logit_scale.exp() * images @ texts.T, same)
        assert found.item() == pytest.approx(expected.item(), abs=0.02)
        model.logit_scale.fill_(9.0)
        clamped = plain_clip.PlainClip(model).eval().loss(pixels, ids)
        assert clamped.item() == pytest.approx(contrast(100 * images @ texts.T, same).item(), rel=0.1)


def test_prepared_ids_are_those_of_open_clips_tokenizer():
    texts = ["a horse on the grass", "", "a " * 40]
    ids = open_fast_tokenizer(TOKENIZER)(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
    assert torch.equal(plain_clip.cut(ids, plain_clip.end_of_text(TOKENIZER)), open_tokenizer(TOKENIZER)(texts).long())


def test_captions_are_written_once_and_half_of_them_name_every_word(tmp_path):
    facts = [world.scene(seed, 64).facts for seed in range(5)]
    words = [visible_words(fact) for fact in facts]
    store = SimpleNamespace(
        facts=facts, words=words, frequency=Counter(word for known in words for word in known), folder=tmp_path
    )
    ids = captions.prepared_captions(store, 5, TOKENIZER, log=lambda _: None)
    assert ids.shape == (5, 6, 32)
    tokenizer = open_fast_tokenizer(TOKENIZER)
    for row, known in enumerate(words):
        texts = tokenizer.batch_decode(ids[row], skip_special_tokens=True)
        assert len(set(texts)) > 2
        if len(known) < 6:  # a caption of more is cut at the tokenizer's length
            names = [[word, world.PLURALS.get(word, word), *world.SYNONYMS.get(word, ())] for word in known]
            assert all(any(name in text for name in group) for text in texts[:3] for group in names), texts
    store.facts = None  # not read again
    assert np.array_equal(captions.prepared_captions(store, 5, TOKENIZER), ids)


def test_pictures_that_are_kept_are_encoded_once_and_read_from_the_device(tmp_path):
    images, asked = np.arange(600, dtype=np.uint8).reshape(600, 1), []

    def encode(part):
        asked.append(len(part))
        return torch.from_numpy(part.astype(np.float32)) + 1

    pictures = EncodedPictures(images, encode, tmp_path / "kept.npy", (1,), torch.device("cpu"))
    pictures.keep()
    assert sum(asked) == 600
    pictures.values = None
    assert pictures.take(np.array([3, 9]))[:, 0].tolist() == [4.0, 10.0]


def test_the_rows_of_weights_that_went_before_stay(tmp_path):
    gpu = {"unet": {"preset": "gpu"}}
    assert row_name({}, "unet", "cpu") == row_name(gpu, "unet", "gpu") == "unet"
    assert row_name(gpu, "unet", "cpu") == "unet, then cpu"
    run = SimpleNamespace(schedule=Schedule(9, 1e-3), step=0, seconds=1.0, adopted_at=None)

    def adopt(weights, step, seconds):
        run.step = run.adopted_at = step

    run.adopt = adopt
    before = adopt_written(run, MODELS / "scenes-diffusion-plain", "unet", "cpu", lambda folder: {})
    assert run.adopted_at == 0  # another preset's steps are not this one's
    folder = tmp_path / "scenes-diffusion-plain"
    folder.mkdir()
    run.step = 4
    write_card(folder, "unet", "cpu", run, torch.nn.Linear(2, 2), before)
    rows = read_card(folder)["parts"]
    assert [row["steps"] for row in rows.values()] == [3202, 4]
    run.step = 0
    assert adopt_written(run, folder, "unet", "cpu", lambda folder: {}) == rows
    assert run.step == 4


def test_both_pairs_share_one_autoencoder(capsys):
    assert main(["train", "autoencoder", "--recipe", "plain"]) == 2
    assert (
        "Both pairs share one autoencoder; leave out --recipe, or train clip or diffusion." in capsys.readouterr().err
    )


def test_the_recipe_chooses_what_is_trained(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(plain_clip, "train", lambda **given: seen.append(given))
    assert main(["train", "clip", "--recipe", "plain", "--preset", "gpu", "--resume", "--out", str(tmp_path)]) == 0
    assert [(given["preset"], given["resume"], given["out"]) for given in seen] == [("gpu", True, tmp_path)]


@pytest.fixture
def short(monkeypatch):
    """Presets of 1 step on 8 scenes, probes on two; returns a function that sets another length."""

    def length(steps: int) -> None:
        for module in (plain_clip, plain_diffusion):
            options = module.PRESETS["cpu"]
            # Without a warm-up, whose first steps are less than half precision keeps.
            schedule = replace(options["schedule"], steps=steps, batch=2, probe_every=2, warmup=1)
            monkeypatch.setitem(module.PRESETS, "cpu", {**options, "scenes": 8, "schedule": schedule})

    monkeypatch.setattr(probes, "SCENES", 2)
    monkeypatch.setattr(probes, "TIMESTEPS", (100,))
    monkeypatch.setattr(diffusion, "SAMPLE_STEPS", 2)
    length(1)
    return length


@pytest.mark.slow
def test_the_commands_go_on_from_the_shipped_weights_and_from_their_own(short, tmp_path):
    runs, out = tmp_path / "runs", tmp_path / "runs" / "models"
    for module, load in ((plain_clip, load_clip), (plain_diffusion, load_diffusion)):
        short(1)
        assert module.train("cpu", resume=True, runs=runs)
        load(register_local(out / module.NAME))
        rows = read_card(out / module.NAME)["parts"]
        assert [row["steps"] for row in rows.values()] == [rows[next(iter(rows))]["steps"], 1]
        short(2)
        assert module.train("cpu", resume=True, runs=runs)  # from the checkpoint
        assert [row["steps"] for row in read_card(out / module.NAME)["parts"].values()][1] == 2
    new, old = (load_diffusion(name) for name in (register_local(out / plain_diffusion.NAME), plain_diffusion.NAME))
    apart = [float((a - b).abs().max()) for a, b in zip(new.unet.parameters(), old.unet.parameters(), strict=True)]
    assert 0 < max(apart) < 1e-3  # a step or two from where it began
    assert not (out / plain_diffusion.NAME / BORROWED).exists()  # nothing lies beside it to be borrowed
    for path in out.rglob("*.json"):
        assert str(tmp_path) not in path.read_text(), f"{path.name} tells the folder it was made in"
    told = [json.loads(line) for line in (runs / "diffusion-plain" / "log.jsonl").read_text().splitlines()]
    assert 0 <= told[-1]["probe"]["attention_ap"] <= 1
