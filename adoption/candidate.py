"""The model to be written, loaded as a worker of the line loads it."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
from onnx import helper

from adoption.answer_output import AnswerOutput
from adoption.assumptions import Assumptions
from adoption.check import Ask
from adoption.foreign_model import LARGEST_PROTO, ForeignModel
from adoption.reference import Floats, session_of
from adoption.served_model import served, set_temperature
from line.errors import BadInput, ModelError
from line.model.facts import ModelFacts
from line.pictures import Picture
from workers.engines.onnxruntime_cpu import OnnxEngine
from workers.model import Model
from workers.probe import Tried, tried


class Candidate:
    """`found`: what came of trying it."""

    def __init__(self, proto: onnx.ModelProto, names: tuple[str, ...]) -> None:
        self._proto = proto
        self._names = names
        self._load()
        self.found: Tried = tried(self._model.classify, self._model.takes, None, None, is_set=False)

    @classmethod
    def of(cls, model: ForeignModel, answer: AnswerOutput, assumed: Assumptions) -> Candidate:
        """One for single pictures where the original's batch is fixed, or two at once fail.

        Raises:
            BadInput: for what cannot be made, loaded or run.
        """

        def made(takes_batches: bool) -> Candidate:
            way, size_px = assumed.way, assumed.size_px.value
            proto = served(model, answer, way, size_px, takes_batches=takes_batches)
            return cls(proto, assumed.bins)

        if model.batch is not None:
            return made(takes_batches=False)
        candidate = made(takes_batches=True)
        return candidate if candidate.found.takes.batch is None else made(takes_batches=False)

    def _load(self) -> None:
        content = self._serialised()
        engine = OnnxEngine(content)
        sha256 = hashlib.sha256(content).hexdigest()
        facts = ModelFacts(path="adopted", sha256=sha256, classes=self._names)
        self._model = Model(facts, engine, engine.takes)

    def _serialised(self) -> bytes:
        if self._proto.ByteSize() > LARGEST_PROTO:
            raise BadInput("is larger than the 2 GB of one ONNX file")
        return bytes(self._proto.SerializeToString())

    def ask(self, picture: Picture) -> Floats:
        """Probabilities [classes] of a picture [height, width, 3]. BadInput if they are none."""
        try:
            return np.asarray(self._model.classify(picture[None])[0], np.float32)
        except ModelError as error:
            raise BadInput(f"the model {error}") from None

    def look_inside(self, model: ForeignModel) -> Ask:
        """As `ask`, and a copy of the graph tells what stands where the original's input was."""
        copy = onnx.ModelProto()
        copy.CopyFrom(self._proto)
        copy.graph.output.append(onnx.ValueInfoProto(name=model.input_name))
        session = session_of(bytes(copy.SerializeToString()))
        [image] = session.get_inputs()

        def ask(picture: Picture) -> tuple[Floats, Floats]:
            [inner] = session.run([model.input_name], {image.name: picture[None]})
            numbers = inner[0] if model.channels_last else inner[0].transpose(1, 2, 0)
            return np.asarray(numbers, np.float32), self.ask(picture)

        return ask

    def set_temperature(self, temperature: float) -> None:
        """Of the answers from now on."""
        set_temperature(self._proto, temperature)
        self._load()

    def content(self, facts: dict[str, str]) -> bytes:
        """Of the file, with these entries and none of the original's."""
        helper.set_model_props(self._proto, facts)
        return self._serialised()
