"""Fetching, with a hub made up for the purpose: which files, how far, and what is said when it fails."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import errors as hub

from inspector.errors import ModelFetchError, ModelFilesError
from inspector.models import catalog, fetching, loading
from inspector.models.fetching import fetch, wanted_files
from inspector.settings import settings

SD15 = catalog.spec("stable-diffusion-1.5")
LAION = catalog.spec("laion-vit-b-16")
# The file list of stable-diffusion-v1-5/stable-diffusion-v1-5.
SD15_FILES = [
    "README.md",
    "feature_extractor/preprocessor_config.json",
    "model_index.json",
    "safety_checker/config.json",
    "safety_checker/model.fp16.safetensors",
    "safety_checker/model.safetensors",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.fp16.safetensors",
    "text_encoder/model.safetensors",
    "text_encoder/pytorch_model.bin",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "unet/diffusion_pytorch_model.safetensors",
    "v1-5-pruned.safetensors",
    "v1-5-pruned.ckpt",
    "vae/config.json",
    "vae/diffusion_pytorch_model.fp16.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INSPECTOR_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    return tmp_path / "cache"


def quiet(text: str, share: float) -> None:
    """A report that nobody reads."""


def test_only_what_is_loaded_is_fetched() -> None:
    assert set(wanted_files(SD15, SD15_FILES)) == {
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "text_encoder/model.fp16.safetensors",
        "tokenizer/merges.txt",
        "tokenizer/special_tokens_map.json",
        "tokenizer/tokenizer_config.json",
        "tokenizer/vocab.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.fp16.safetensors",
    }
    names = ["README.md", "open_clip_config.json", "open_clip_pytorch_model.bin", "open_clip_model.safetensors"]
    assert wanted_files(LAION, names) == ["open_clip_config.json", "open_clip_model.safetensors"]


def test_shards_come_with_their_index() -> None:
    whole = "unet/diffusion_pytorch_model.fp16.safetensors"
    shards = [f"unet/diffusion_pytorch_model-0000{part}-of-00002.fp16.safetensors" for part in (1, 2)]
    index = "unet/diffusion_pytorch_model.safetensors.index.fp16.json"
    others = [name.replace(".fp16", "") for name in shards]
    wanted = wanted_files(SD15, [name for name in SD15_FILES if name != whole] + [*others, *shards, index])
    assert {*shards, index} <= set(wanted)
    assert not set(others) & set(wanted)


def test_a_repository_of_pickles_is_refused() -> None:
    with pytest.raises(ModelFilesError, match=r"no open_clip_model.safetensors .only pickled weights"):
        wanted_files(LAION, ["open_clip_config.json", "open_clip_pytorch_model.bin"])
    with pytest.raises(ModelFilesError, match=r"no vae/config.json"):
        wanted_files(SD15, [name for name in SD15_FILES if name != "vae/config.json"])


class FakeHub:
    """A hub whose repository is a folder on this machine."""

    def __init__(self, repository: Path, cache: Path) -> None:
        self.repository, self.cache, self.asked = repository, cache, []

    def model_info(self, repo: str, revision: str | None, **_: Any) -> Any:
        files = [file for file in self.repository.rglob("*") if file.is_file()]
        siblings = [
            SimpleNamespace(rfilename=str(file.relative_to(self.repository)), size=file.stat().st_size)
            for file in files
        ]
        return SimpleNamespace(sha=revision, siblings=siblings)

    def download(self, repo: str, name: str, revision: str, tqdm_class: Any, **_: Any) -> str:
        self.asked.append(name)
        folder = self.cache / f"models--{repo.replace('/', '--')}" / "snapshots" / revision
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        size = (self.repository / name).stat().st_size
        with tqdm_class(total=size, initial=0) as bar:
            bar.update(size // 2)
            bar.update(size - size // 2)
        shutil.copyfile(self.repository / name, folder / name)
        return str(folder / name)


@pytest.fixture
def fake_hub(diffusion_folder: Path, empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    repository = Path(shutil.copytree(diffusion_folder, tmp_path / "repository"))
    for file in list(repository.rglob("*.safetensors")):
        file.rename(file.with_name(file.name.replace(".safetensors", ".fp16.safetensors")))
    (repository / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"never")
    made = FakeHub(repository, empty_cache)
    monkeypatch.setattr(fetching, "HfApi", lambda: made)
    monkeypatch.setattr(fetching, "hf_hub_download", made.download)
    return made


def test_a_model_is_fetched_with_progress_and_then_kept(fake_hub: FakeHub) -> None:
    told: list[tuple[str, float]] = []
    fetched = fetch(SD15, lambda text, share: told.append((text, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) > 20
    assert told[0][0].startswith("Fetching Stable Diffusion 1.5")
    assert fetched.commit == SD15.revision
    assert not [name for name in fake_hub.asked if name.endswith(".bin")]
    fake_hub.asked.clear()
    assert fetch(SD15, quiet) == fetched
    assert fake_hub.asked == []


def test_a_fetched_model_opens_and_carries_its_commit(fake_hub: FakeHub) -> None:
    model = loading.load_diffusion("stable-diffusion-1.5")
    assert model.revision == "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"
    assert model.image_size == 64


def test_a_cache_with_a_part_missing_is_completed(fake_hub: FakeHub) -> None:
    folder = fetch(SD15, quiet).folder
    (folder / "unet" / "diffusion_pytorch_model.fp16.safetensors").unlink()
    fake_hub.asked.clear()
    fetch(SD15, quiet)
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in fake_hub.asked


def test_offline_a_cached_model_works_and_another_says_why_not(
    fake_hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = fetch(SD15, quiet)
    monkeypatch.setenv("INSPECTOR_OFFLINE", "1")
    settings.cache_clear()
    assert fetch(SD15, quiet) == fetched
    with pytest.raises(ModelFetchError, match=r"INSPECTOR_OFFLINE forbids fetching it.*or use scenes-clip"):
        fetch(LAION, quiet)


def test_the_hubs_own_offline_switch_is_named() -> None:
    with pytest.raises(ModelFetchError, match="HF_HUB_OFFLINE forbids fetching it; unset HF_HUB_OFFLINE"):
        loading.load_clip("openai-vit-b-16")  # tests/conftest.py sets it


def answer(status: int) -> Any:
    return SimpleNamespace(status_code=status, headers={}, request=None)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (lambda: hub.HTTPError("[Errno -2] Name or service not known"), "check the network and try again, or use"),
        (lambda: hub.GatedRepoError("", response=answer(403)), "asks for its licence to be accepted.*hf auth login"),
        (lambda: hub.RepositoryNotFoundError("", response=answer(401)), "is gone from the hub or needs a login"),
        (lambda: hub.RevisionNotFoundError("", response=answer(404)), "no longer has the revision 451f4fe"),
        (lambda: hub.HfHubHTTPError("", response=answer(401)), "The hub refused .*hf auth login"),
        (lambda: hub.HfHubHTTPError("", response=answer(503)), "The hub answered 503 .*try again later"),
        (lambda: hub.XetDownloadError("broken"), "check the network and try again"),
        (lambda: OSError(errno.ENOSPC, "No space left on device"), "The disk is full: .*needs 2.1 GB.*INSPECTOR_CACHE"),
        (lambda: TimeoutError("timed out"), "check the network and try again"),
    ],
)
def test_every_failure_is_one_sentence_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, error: Callable[[], Exception], said: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error()

    monkeypatch.setattr(fetching, "HfApi", lambda: SimpleNamespace(model_info=fail))
    with pytest.raises(ModelFetchError, match=said) as caught:
        fetch(SD15, quiet)
    assert str(caught.value).endswith("or use scenes-diffusion.")
    assert "\n" not in str(caught.value)
