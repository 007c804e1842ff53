"""An engine by its name; what it needs is imported when it is opened, and not before."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from line.errors import BadInput
from line.missing_package import optional
from line.section import EngineName
from workers.engine import Engine


def opened(name: EngineName, data: bytes) -> Engine:
    """The engine with an ONNX file's content loaded.

    Raises:
        BadInput: if it is not installed, or the file is no model that it can run.
    """
    if name == "openvino":
        with optional("model.engine: openvino", "openvino.txt"):
            from workers.engines.openvino_cpu import OpenVinoEngine
        return OpenVinoEngine(data)
    if name == "cuda":
        from workers.engines.cuda import CudaEngine

        if not is_installed("cuda"):
            raise BadInput(
                "model.engine: cuda: the installed ONNX Runtime knows no GPU; put another in its "
                "place with: pip uninstall onnxruntime; pip install -r requirements/cuda.txt"
            )
        return CudaEngine(data)
    from workers.engines.onnxruntime_cpu import OnnxEngine

    return OnnxEngine(data)


def is_installed(name: EngineName) -> bool:
    """Whether there is the package; a GPU that fits it shows only when the engine is opened."""
    if name == "openvino":
        return find_spec("openvino") is not None
    if name == "cuda":
        import onnxruntime

        from workers.engines.cuda import PROVIDER

        return PROVIDER in onnxruntime.get_available_providers()
    return True


def engine_version(name: EngineName) -> str:
    """Of an engine that is installed."""
    packages = ("openvino",) if name == "openvino" else ("onnxruntime", "onnxruntime-gpu")
    for package in packages:
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "unknown"
