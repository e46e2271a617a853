"""The wrapper of the GPU entry points, and how loading is told."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch

from inspector.errors import Cancelled, ModelFetchError, ModelMemoryError, UnknownModelError
from inspector.pipelines import common
from inspector.pipelines.common import gpu, loading
from tests.pipelines.zero_gpu import Host, WorkerError


@pytest.fixture(params=["here", "lent"])
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Host | None:
    """Nothing, or a host that lends its GPU; streams decorated afterwards run there."""
    made = Host() if request.param == "lent" else None
    monkeypatch.setattr(common, "spaces", made)
    return made


def entry(error: Exception, closed: list[bool]):
    @gpu(lambda request: 40 + request)
    def stream(request: int) -> Iterator[int]:
        try:
            yield request
            raise error
        finally:
            closed.append(True)

    return stream


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_a_lack_of_memory_during_a_run_is_told_in_one_sentence(host, error):
    with pytest.raises(ModelMemoryError, match="smaller picture"):
        list(entry(error, [])(1))


def test_the_sentence_of_an_error_leaves_the_lent_process(host):
    with pytest.raises(UnknownModelError, match=r"^There is no such model\.$"):
        list(entry(UnknownModelError("There is no such model."), [])(1))


@pytest.mark.parametrize(("host", "seen"), [("here", RuntimeError), ("lent", WorkerError)], indirect=["host"])
def test_other_errors_pass_as_the_host_tells_them(host, seen):
    with pytest.raises(seen, match=r"a bug|^RuntimeError$"):
        list(entry(RuntimeError("a bug"), [])(1))


def test_closing_the_stream_closes_the_run(host):
    closed: list[bool] = []
    stream = entry(RuntimeError("never reached"), closed)(7)
    assert next(stream) == 7
    stream.close()
    assert closed == [True]


def test_a_gpu_is_borrowed_for_as_long_as_the_request_takes(monkeypatch):
    host = Host()
    monkeypatch.setattr(common, "spaces", host)
    stream = entry(RuntimeError("never reached"), [])(7)
    assert host.lent == []  # nothing is borrowed before the run
    assert next(stream) == 7
    assert host.lent == [47]


def test_what_a_loader_reports_is_told_while_it_loads():
    def load(name, report):
        report("Fetching 0.5 of 1 GB", 0.5)
        report("Fetching 0.5 of 1 GB", 0.5)  # a few kilobytes later
        report("Opening", 1.0)
        return name.upper()

    def stream():
        model = yield from loading(load, "toy")
        yield model

    *told, model = stream()
    assert [(item.step, item.total, item.message) for item in told] == [
        (0, 100, "Loading toy"),
        (50, 100, "Fetching 0.5 of 1 GB"),
        (0, 100, "Opening"),
    ]
    assert model == "TOY"


def test_an_error_of_the_loader_ends_the_stream():
    def load(name, report):
        raise ModelFetchError("No network.")

    with pytest.raises(ModelFetchError, match="No network"):
        list(loading(load, "toy"))


def test_closing_ends_a_fetch_at_its_next_report_and_waits_for_nothing():
    closed, ended = threading.Event(), threading.Event()

    def load(name, report):
        report("Fetching", 0.1)
        closed.wait(60)
        try:
            report("Fetching", 0.2)
        except Cancelled:
            ended.set()
            raise

    stream = loading(load, "toy")
    assert [next(stream).step, next(stream).step] == [0, 10]
    stream.close()  # while the loader waits
    assert not ended.is_set()
    closed.set()
    assert ended.wait(60)


def test_provenance_says_what_its_models_were_told() -> None:
    told = common.provenance(0.0, SimpleNamespace(image=None, classes=()), *map(named, ("plain", "stable")))
    assert told.told == {"plain": "nobody told it"}
    assert told.models == {"plain": "1", "stable": "1"}


def named(name: str) -> SimpleNamespace:
    words = "nobody told it" if name == "plain" else ""
    return SimpleNamespace(
        spec=SimpleNamespace(name=name, told=words, origin="hub"), revision="1", device="cpu", dtype=torch.float32
    )
