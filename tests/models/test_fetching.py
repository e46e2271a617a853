"""Fetching, from a hub on this machine: which files, how far, from where again, and what is said when it fails."""

import errno
import json
import os
import re
import shutil
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import constants, snapshot_download, try_to_load_from_cache
from safetensors.torch import load_file, save_file

from inspector.errors import Cancelled, ModelFetchError, ModelFilesError, ModelMemoryError, UnsupportedModelError
from inspector.models import catalog, fetching, loading, transfer
from inspector.models.catalog import ModelSpec
from inspector.models.fetch_errors import explain
from inspector.models.fetching import Fetched, fetch
from inspector.models.files import pipeline_variant
from inspector.models.wanted import wanted_files
from inspector.settings import settings
from tests.models.hub import Hub, Moods, described, serving

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
    assert wanted_files(LAION, names) == ["open_clip_model.safetensors", "open_clip_config.json"]


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


@pytest.fixture
def repository(diffusion_folder: Path, tmp_path: Path) -> Path:
    """SD 1.5's repository, its weights of random numbers in both variants: fp16 half as large, and pickles beside."""
    folder = Path(shutil.copytree(diffusion_folder, tmp_path / "repository"))
    for file in list(folder.rglob("*.safetensors")):
        state = {name: value.half() for name, value in load_file(file).items()}
        save_file(state, file.with_name(file.name.replace(".safetensors", ".fp16.safetensors")), {"format": "pt"})
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"never")
    (folder / "safety_checker").mkdir()
    (folder / "safety_checker" / "model.safetensors").write_bytes(b"never")
    return folder


@pytest.fixture
def hub(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with that repository; impatient, so that no test waits."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(transfer, "TIMEOUT", 0.4)
    monkeypatch.setattr(transfer, "PAUSE", 0.01)
    monkeypatch.setattr(transfer, "BLOCK", 1024)
    with serving({SD15.source: {SD15.revision: repository}}) as made:
        monkeypatch.setattr(constants, "ENDPOINT", made.endpoint)
        yield made


def place(cache: Path, spec: ModelSpec = SD15) -> Path:
    return cache / f"models--{spec.source.replace('/', '--')}"


def filled(cache: Path, repository: Path, commit: str, names: Iterable[str], tree: bool = True) -> Path:
    """A cache as diffusers leaves it: blobs, links to them, and from huggingface_hub 2 on what the commit holds."""
    root, told = place(cache), {}
    for file in repository.rglob("*"):
        if not file.is_file():
            continue
        name = file.relative_to(repository).as_posix()
        seen = described(name, file)
        digest = seen["lfs"]["sha256"] if "lfs" in seen else seen["blobId"]
        told[name] = {"size": seen["size"], "blob_id": seen["blobId"]}
        told[name] |= {"lfs_sha256": digest, "lfs_size": seen["size"]} if "lfs" in seen else {}
        if name not in names:
            continue
        blob, pointer = root / "blobs" / digest, root / "snapshots" / commit / name
        for folder in (blob.parent, pointer.parent):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, blob)
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    if tree:
        (root / "trees").mkdir()
        (root / "trees" / f"{commit}.json").write_text(json.dumps({"format_version": 1, "files": told}))
    return root / "snapshots" / commit


def names_of(repository: Path, half: bool) -> list[str]:
    """What diffusers fetches: all but the other variant and the pickles."""
    found = [file.relative_to(repository).as_posix() for file in repository.rglob("*") if file.is_file()]
    found = [name for name in found if not name.endswith(".bin")]
    return [name for name in found if not name.endswith(".safetensors") or (".fp16." in name) == half]


def test_a_model_is_fetched_with_progress_and_then_kept(hub: Hub) -> None:
    told: list[tuple[str, float]] = []
    fetched = fetch(SD15, lambda text, share: told.append((text, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) > 20
    assert told[-1][0].startswith("Fetching Stable Diffusion 1.5")
    assert fetched.commit == SD15.revision
    assert not [name for name, _ in hub.asked if name.endswith(".bin") or "safety" in name]
    assert all(".fp16." in name for name, _ in hub.asked if name.endswith(".safetensors"))
    hub.asked.clear()
    assert fetch(SD15, quiet) == fetched
    assert hub.asked == []


def test_what_was_fetched_is_what_the_hubs_own_library_finds(hub: Hub, empty_cache: Path) -> None:
    fetched = fetch(SD15, quiet)
    found = try_to_load_from_cache(SD15.source, "unet/config.json", empty_cache, SD15.revision)
    assert found == str(fetched.folder / "unet" / "config.json")
    assert not list(empty_cache.rglob("*.incomplete"))


def test_a_fetched_model_opens_and_carries_its_commit(hub: Hub) -> None:
    model = loading.load_diffusion("stable-diffusion-1.5")
    assert model.revision == SD15.revision
    assert model.image_size == 64


@pytest.mark.parametrize("tree", [True, False])
@pytest.mark.parametrize("half", [True, False])
@pytest.mark.usefixtures("hub")
def test_a_cache_that_diffusers_filled_is_used_as_it_is(
    hub: Hub, repository: Path, empty_cache: Path, tree: bool, half: bool
) -> None:
    names = [name for name in names_of(repository, half) if "safety" not in name]
    folder = filled(empty_cache, repository, SD15.revision, names, tree)
    assert fetch(SD15, quiet) == Fetched(folder, SD15.revision)
    assert hub.asked == []
    assert pipeline_variant(folder) == ("fp16" if half else "")
    assert loading.load_diffusion(SD15.name).revision == SD15.revision


@pytest.mark.parametrize("half", [True, False])
def test_so_is_one_that_huggingface_hub_fills_itself(
    hub: Hub, repository: Path, empty_cache: Path, half: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = f"{hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"  # made when it is imported
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    left = ["*.bin", "safety_checker/*", "*.fp16.*"]
    options = {"allow_patterns": ["*.json", "*.txt", "*.fp16.safetensors"]} if half else {"ignore_patterns": left}
    told = snapshot_download(
        SD15.source, revision=SD15.revision, cache_dir=empty_cache, endpoint=hub.endpoint, max_workers=1, **options
    )
    hub.asked.clear()
    assert fetch(SD15, quiet) == Fetched(Path(told), SD15.revision)
    assert hub.asked == []
    assert (place(empty_cache) / "trees").is_dir()


def test_so_is_the_hubs_cache_where_another_is_named(
    hub: Hub, repository: Path, tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hubs"))
    names = names_of(repository, True)
    whole = filled(tmp_path / "hubs", repository, SD15.revision, names)
    assert fetch(SD15, quiet).folder == whole
    (whole / "vae" / "diffusion_pytorch_model.fp16.safetensors").unlink()
    shutil.rmtree(place(tmp_path / "hubs") / "trees")
    next(iter((whole.parents[1] / "blobs").glob(blob_of(repository / "vae/diffusion_pytorch_model.fp16.safetensors"))))
    (whole.parents[1] / "blobs" / blob_of(repository / "vae/diffusion_pytorch_model.fp16.safetensors")).unlink()
    folder = fetch(SD15, quiet).folder
    assert empty_cache in folder.parents
    assert [name for name, _ in hub.asked] == ["vae/diffusion_pytorch_model.fp16.safetensors"]
    assert (folder / "unet/diffusion_pytorch_model.fp16.safetensors").resolve().parents[1] == place(tmp_path / "hubs")
    assert loading.load_diffusion(SD15.name).revision == SD15.revision


def blob_of(file: Path) -> str:
    return str(described(file.name, file)["lfs"]["sha256"])


def test_another_commit_in_the_cache_is_used_and_said(hub: Hub, repository: Path, empty_cache: Path) -> None:
    other, told = "c0ffee" * 6 + "c0ff", []
    folder = filled(empty_cache, repository, other, names_of(repository, True), False)
    assert fetch(SD15, lambda text, share: told.append(text)) == Fetched(folder, other)
    assert told == ["Stable Diffusion 1.5: the cache has commit c0ffeec0ffee, which is used"]
    assert hub.asked == []


def test_what_another_commit_brought_is_not_fetched_again(hub: Hub, repository: Path, empty_cache: Path) -> None:
    lacking = "vae/diffusion_pytorch_model.fp16.safetensors"
    names = [name for name in names_of(repository, True) if name != lacking]
    filled(empty_cache, repository, "c0ffee" * 6 + "c0ff", names)
    assert fetch(SD15, quiet).commit == SD15.revision  # that one is not on the hub
    assert [name for name, _ in hub.asked if name.endswith(".safetensors")] == [lacking]


@pytest.mark.parametrize("half", [True, False])
def test_what_is_missing_is_named_and_alone_fetched(
    hub: Hub, repository: Path, empty_cache: Path, half: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = f"vae/diffusion_pytorch_model{'.fp16' if half else ''}.safetensors"
    names = [name for name in names_of(repository, half) if name != lacking]
    filled(empty_cache, repository, SD15.revision, names)
    monkeypatch.setenv("INSPECTOR_OFFLINE", "1")
    settings.cache_clear()
    count = round((repository / lacking).stat().st_size / 1000)
    said = rf"but {lacking} is missing \({count} kB\), and INSPECTOR_OFFLINE forbids fetching it; unset INSP.*or use"
    with pytest.raises(ModelFetchError, match=said):
        fetch(SD15, quiet)
    monkeypatch.delenv("INSPECTOR_OFFLINE")
    settings.cache_clear()
    told: list[str] = []
    fetch(SD15, lambda text, share: told.append(text))
    assert told[0] == f"Stable Diffusion 1.5 is in the cache, but {lacking} is missing ({count} kB)"
    assert [name for name, _ in hub.asked] == [lacking]


@pytest.mark.parametrize("tree", [True, False])
def test_a_blob_that_was_cut_short_is_found_named_and_completed(
    hub: Hub, repository: Path, empty_cache: Path, tree: bool
) -> None:
    broken = "unet/diffusion_pytorch_model.fp16.safetensors"
    folder = filled(empty_cache, repository, SD15.revision, names_of(repository, True), tree)
    size = (repository / broken).stat().st_size
    with open(folder / broken, "r+b") as stream:
        stream.truncate(size // 2)
    told: list[str] = []
    fetch(SD15, lambda text, share: told.append(text))
    assert told[0].startswith(f"Stable Diffusion 1.5 is in the cache, but {broken} is broken (")
    assert hub.asked == [(broken, f"bytes={size // 2}-")]
    assert (folder / broken).read_bytes() == (repository / broken).read_bytes()


def test_a_blob_with_other_bytes_before_the_cut_is_fetched_from_its_start(
    hub: Hub, repository: Path, empty_cache: Path
) -> None:
    broken = "unet/diffusion_pytorch_model.fp16.safetensors"
    folder = filled(empty_cache, repository, SD15.revision, names_of(repository, True))
    (folder / broken).write_bytes(b"x" * 500)
    fetch(SD15, quiet)
    assert hub.asked == [(broken, "bytes=500-"), (broken, "")]
    assert (folder / broken).read_bytes() == (repository / broken).read_bytes()


def test_a_link_to_nothing_and_a_torn_configuration_are_mended(hub: Hub, repository: Path, empty_cache: Path) -> None:
    folder = filled(empty_cache, repository, SD15.revision, names_of(repository, True), tree=False)
    (folder / "unet" / "config.json").resolve().write_text("{")
    (folder / "vae" / "config.json").resolve().unlink()
    fetch(SD15, quiet)
    assert {name for name, _ in hub.asked} == {"unet/config.json", "vae/config.json"}
    assert loading.load_diffusion(SD15.name).image_size == 64


def test_open_clips_cache_of_weights_alone_is_enough(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = place(empty_cache, LAION) / "snapshots" / LAION.revision
    snapshot.mkdir(parents=True)
    save_file({"logit_scale": torch.tensor(1.0)}, snapshot / "open_clip_model.safetensors")
    assert fetch(LAION, quiet) == Fetched(snapshot, LAION.revision)


def test_stopped_it_goes_on_where_it_stood(hub: Hub, repository: Path, empty_cache: Path) -> None:
    def stop(text: str, share: float) -> None:
        if share > 0.5:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        fetch(SD15, stop)
    (part,) = empty_cache.rglob("*.incomplete")
    come = part.stat().st_size
    assert come > 0
    sent = sum(hub.sent.values())
    hub.asked.clear()
    fetch(SD15, quiet)
    assert hub.asked[0][1] == f"bytes={come}-"
    whole = sum((repository / name).stat().st_size for name in wanted_files(SD15, names_of(repository, True)))
    assert sum(hub.sent.values()) < whole + sent - come + 200_000  # what the sockets held when it was stopped
    assert not list(empty_cache.rglob("*.incomplete"))


@pytest.mark.parametrize("silent", [False, True])
def test_a_line_that_breaks_or_falls_silent_is_taken_up_again(hub: Hub, repository: Path, silent: bool) -> None:
    hub.mood = Moods(breaks=5000, times=3, silent=silent)
    folder = fetch(SD15, quiet).folder
    name = "unet/diffusion_pytorch_model.fp16.safetensors"
    assert (folder / name).read_bytes() == (repository / name).read_bytes()
    assert any(ranged for _, ranged in hub.asked)


def test_a_line_that_brings_nothing_is_given_up_and_the_next_run_goes_on(
    hub: Hub, repository: Path, empty_cache: Path
) -> None:
    hub.mood = Moods(breaks=0)
    with pytest.raises(ModelFetchError, match=r"check the network and try again; what has come is kept.*or use scenes"):
        fetch(SD15, quiet)
    assert len([name for name, _ in hub.asked if name.endswith(".safetensors")]) == transfer.TRIES
    hub.mood = Moods()
    assert fetch(SD15, quiet).commit == SD15.revision


def test_a_hub_without_ranges_is_read_from_the_start(hub: Hub, repository: Path) -> None:
    name = "unet/diffusion_pytorch_model.fp16.safetensors"
    hub.mood = Moods(breaks=5000, times=1, ranges=False)
    folder = fetch(SD15, quiet).folder
    assert (folder / name).read_bytes() == (repository / name).read_bytes()


def test_parts_that_other_programs_left_are_taken_over(hub: Hub, repository: Path, empty_cache: Path) -> None:
    name = "unet/diffusion_pytorch_model.fp16.safetensors"
    part = place(empty_cache) / "blobs" / f"{blob_of(repository / name)}.0a1b2c3d.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes((repository / name).read_bytes()[:7000])
    fetch(SD15, quiet)
    assert (name, "bytes=7000-") in hub.asked
    assert not list(empty_cache.rglob("*.incomplete"))


def test_bytes_that_are_not_the_hubs_are_never_kept(hub: Hub, empty_cache: Path) -> None:
    hub.mood = Moods(wrong=True, only_files=True)
    with pytest.raises(ModelFetchError, match=r"came twice with other bytes than the hub's; check the network's proxy"):
        fetch(SD15, quiet)
    assert not [blob for blob in empty_cache.rglob("blobs/*") if blob.is_file()]


@pytest.mark.parametrize(
    ("mood", "said"),
    [
        (Moods(status=401, code="GatedRepo"), r"asks for its licence to be accepted.*hf auth login"),
        (Moods(status=403, code="GatedRepo"), r"asks for its licence to be accepted.*hf auth login"),
        (Moods(status=403), r"The hub refused .*hf auth login"),
        (Moods(status=401, code="RepoNotFound"), r"is gone from the hub or needs a login"),
        (Moods(status=403, only_files=True), r"The hub refused .*hf auth login"),
        (Moods(status=401, only_files=True), r"The hub refused .*hf auth login"),
        (Moods(status=404, code="RevisionNotFound"), r"no longer has the revision 451f4fe"),
        (Moods(status=404, code="EntryNotFound", only_files=True), r"The hub answered 404"),
        (Moods(status=429), r"answered 429 .*too many requests; wait some minutes"),
        (Moods(status=429, only_files=True, retry_after="0"), r"answered 429 .*too many requests; wait some minutes"),
        (Moods(status=500), r"The hub answered 500 .*try again later"),
        (Moods(status=503, only_files=True), r"The hub answered 503 .*try again later"),
    ],
)
def test_every_answer_of_the_hub_is_one_sentence_with_a_remedy(hub: Hub, mood: Moods, said: str) -> None:
    hub.mood = mood
    with pytest.raises(ModelFetchError, match=said) as caught:
        fetch(SD15, quiet)
    assert str(caught.value).endswith("or use scenes-diffusion.")
    assert "\n" not in str(caught.value)


def test_a_repository_that_is_gone(hub: Hub) -> None:
    with pytest.raises(ModelFetchError, match=r"laion/.* is gone from the hub or needs a login"):
        fetch(LAION, quiet)


def test_a_hub_that_does_not_answer(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelFetchError, match=r"check the network and try again"):
        fetch(SD15, quiet)


def test_a_cache_that_cannot_be_written_to_is_not_the_networks_fault(hub: Hub, empty_cache: Path) -> None:
    empty_cache.write_text("a file where the folder should be")
    with pytest.raises(
        ModelFetchError, match=r"^The cache cannot be written to .*set INSPECTOR_CACHE to a folder that"
    ):
        fetch(SD15, quiet)


def test_a_disk_that_is_too_small_is_said_before_the_bytes(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda place: SimpleNamespace(free=fetching.SPARE + 1000))
    with pytest.raises(
        ModelFetchError, match=r"needs \d+ kB more on the disk of .* and 50 MB are free; free some, set I"
    ):
        fetch(SD15, quiet)
    assert not [name for name, _ in hub.asked if name.endswith(".safetensors")]


def test_too_little_memory_is_said_before_the_bytes(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading.placement, "free_gb", lambda device: 5.0)
    with pytest.raises(ModelMemoryError, match=r"needs about 6.3 GB of memory and 5.0 GB are free"):
        loading.load_diffusion(SD15.name)
    assert not [name for name, _ in hub.asked if name.endswith(".safetensors")]


def test_the_kind_is_looked_at_before_the_memory_and_the_bytes(
    hub: Hub, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading.placement, "free_gb", lambda device: 0.0)
    index = json.loads((repository / "model_index.json").read_text())
    (repository / "model_index.json").write_text(json.dumps({**index, "_class_name": "AudioPipeline"}))
    with pytest.raises(UnsupportedModelError, match="holds a AudioPipeline"):
        loading.load_diffusion(SD15.name)
    assert not [name for name, _ in hub.asked if name.endswith(".safetensors")]


def test_two_that_ask_for_one_model_fetch_it_once(hub: Hub) -> None:
    hub.mood = Moods(slow=0.002)
    got: list[Fetched] = []
    threads = [threading.Thread(target=lambda: got.append(fetch(SD15, quiet))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 3
    assert max(Counter(name for name, _ in hub.asked).values()) == 1


@pytest.mark.parametrize("offline", ["INSPECTOR_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_a_cached_model_works_and_another_says_why_not(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, offline: str
) -> None:
    fetched = fetch(SD15, quiet)
    if offline == "INSPECTOR_OFFLINE":
        monkeypatch.setenv("INSPECTOR_OFFLINE", "1")
        settings.cache_clear()
    else:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch(SD15, quiet) == fetched
    said = (
        rf"is not on this machine \(600 MB\) and {offline} forbids fetching it; unset {offline}, or use scenes-clip\."
    )
    with pytest.raises(ModelFetchError, match=said):
        fetch(LAION, quiet)


def test_a_full_disk_and_a_broken_one_name_it() -> None:
    full = explain(SD15, OSError(errno.ENOSPC, "No space left on device"), Path("cache"))
    assert re.search(r"The disk is full: .*needs 2.1 GB.*INSPECTOR_CACHE.*or use scenes-diffusion\.$", str(full))
    broken = explain(SD15, OSError(errno.EIO, "Input/output error", "cache/blob"), Path("cache"))
    assert "cache/blob: Input/output error" in str(broken)
