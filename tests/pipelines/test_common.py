"""The wrapper of the GPU entry points."""

from collections.abc import Iterator

import pytest
import torch

from inspector.errors import ModelMemoryError
from inspector.pipelines.common import gpu


def entry(error: Exception, closed: list[bool]):
    @gpu(lambda request: 1)
    def stream(request: int) -> Iterator[int]:
        try:
            yield request
            raise error
        finally:
            closed.append(True)

    return stream


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_a_lack_of_memory_during_a_run_is_told_in_one_sentence(error):
    with pytest.raises(ModelMemoryError, match="smaller picture"):
        list(entry(error, [])(1))


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="a bug"):
        list(entry(RuntimeError("a bug"), [])(1))


def test_closing_the_stream_closes_the_run():
    closed: list[bool] = []
    stream = entry(RuntimeError("never reached"), closed)(7)
    assert next(stream) == 7
    stream.close()
    assert closed == [True]
