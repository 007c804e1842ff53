"""Embeddings and probabilities from an exported ONNX file, the one that the line runs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

from training.errors import BadInput
from training.export.contract import INPUT, OUTPUT
from training.export.runners import read_pixels
from training.selection.features import Features, Files

DENSE = frozenset({"Gemm", "MatMul"})


class OnnxExtractor:
    """A session over the file with one more output: what goes into its last dense layer."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise BadInput(f"{path}: no such file")
        content = path.read_bytes()
        self.key = hashlib.sha256(content).hexdigest()
        try:
            model = onnx.load_model_from_string(content)
        except Exception as error:  # protobuf raises whatever the bytes lead it to
            raise BadInput(f"{path}: not an ONNX file") from error
        facts = {entry.key: entry.value for entry in model.metadata_props}
        if "scrapline.classes" not in facts:
            raise BadInput(f"{path}: its metadata names no classes")
        self.classes = tuple(json.loads(facts["scrapline.classes"]))
        dense = [node for node in model.graph.node if node.op_type in DENSE]
        if not dense:
            raise BadInput(f"{path}: no dense layer to take embeddings from; try the checkpoint")
        self._embedding = dense[-1].input[0]
        # Without a type: ONNX Runtime knows it, and a float16 file has another one.
        model.graph.output.append(onnx.ValueInfoProto(name=self._embedding))
        options = ort.SessionOptions()
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def features(self, files: Files) -> Features:
        """Look at every picture at its own size, one at a time; the file squashes them itself."""
        embeddings, probabilities = [], []
        for file in files:
            seen, known = self._session.run(
                [self._embedding, OUTPUT], {INPUT: read_pixels(file)[None]}
            )
            embeddings.append(np.ravel(seen))
            probabilities.append(known[0])
        return Features(
            np.asarray(embeddings, dtype=np.float32), np.asarray(probabilities, dtype=np.float32)
        )
