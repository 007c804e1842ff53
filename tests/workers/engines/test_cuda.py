"""CUDA as far as it goes without a GPU: the binding, on the processor; and what is said without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from line.errors import BadInput, ModelError
from tests.odd_models import changed, fails_below
from tests.tiny_model import CLASSES, tiny_energies, tiny_probabilities, write_tiny_model
from tests.workers.test_engine import noise
from workers.engines.cuda import CudaEngine
from workers.engines.opening import is_installed, opened
from workers.reasons import GPU_IS_FULL, loading_reason, running_reason

ON_THE_PROCESSOR = "CPUExecutionProvider"


def test_what_is_bound_is_answered_whatever_came_before(tmp_path: Path) -> None:
    engine = CudaEngine(write_tiny_model(tmp_path / "a.onnx").read_bytes(), ON_THE_PROCESSOR)
    batches = (noise(1), noise(2), noise(1, 30, 20), noise(3)[::-1], noise(1))
    kept = [(engine.classify(batch).probabilities, tiny_probabilities(batch)) for batch in batches]
    for answers, wanted in kept:
        assert answers.dtype == np.float32
        assert answers.shape == (len(wanted), len(CLASSES))
        assert np.allclose(answers, wanted, atol=1e-5)
    assert engine.metadata["threshold"] == "0.5"
    assert engine.takes.batch is None
    assert not engine.gives_energy


def test_the_energies_are_bound_as_well(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "a.onnx", limit=-1.0)
    engine = CudaEngine(path.read_bytes(), ON_THE_PROCESSOR)
    for batch in (noise(2), noise(3), noise(2)[::-1]):
        probabilities, energies = engine.classify(batch)
        assert np.allclose(probabilities, tiny_probabilities(batch), atol=1e-5)
        assert energies is not None
        assert np.allclose(energies, tiny_energies(batch), atol=1e-4)


def test_a_failure_is_one_line_and_the_next_picture_is_answered(tmp_path: Path) -> None:
    path = changed(tmp_path / "a.onnx", fails_below(30))
    engine = CudaEngine(path.read_bytes(), ON_THE_PROCESSOR)
    with pytest.raises(ModelError, match=r"^fails: Gather rows: ") as raised:
        engine.classify(noise(1, 20, 20))
    assert "\n" not in str(raised.value)
    assert np.allclose(
        engine.classify(noise(1, 30, 20)).probabilities, tiny_probabilities(noise(1, 30, 20))
    )


def test_without_a_gpu_it_says_what_to_do(tmp_path: Path) -> None:
    if is_installed("cuda"):
        pytest.skip("this machine's ONNX Runtime knows GPUs")
    data = write_tiny_model(tmp_path / "a.onnx").read_bytes()
    with pytest.raises(BadInput, match=r"^model\.engine: cuda: .*requirements/cuda\.txt$"):
        opened("cuda", data)
    with pytest.raises(BadInput):
        CudaEngine(data)


@pytest.mark.parametrize(
    "said",
    [
        "CUDA failure 2: out of memory ; GPU=0 ; hostname=a ; expr=cudaMalloc((void**)&p, size);",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=a",
    ],
)
def test_a_gpu_without_memory_is_told_as_that(said: str) -> None:
    error = RuntimeError(f"[ONNXRuntimeError] : 1 : FAIL : /src/cuda_call.cc:129 {said}")
    assert running_reason(error) == GPU_IS_FULL
    assert loading_reason(error).endswith(GPU_IS_FULL)
