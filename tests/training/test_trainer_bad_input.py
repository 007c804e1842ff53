"""Bad input to any command: one line that names it, exit code 2, and nothing half written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

from colour_models import colour_graph, colour_model, write_colours
from small_runs import write_pictures

Refused = Callable[..., str]


@dataclass(frozen=True)
class Bench:
    """One folder of good and bad things; `out` is not there yet, `under_file` cannot be made."""

    root: Path
    data: Path
    run: Path

    def __getattr__(self, name: str) -> Path:
        return self.root / name


@pytest.fixture(scope="module")
def made(data: Path, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    import onnx
    import torch
    import torchvision

    root = tmp_path_factory.mktemp("bench")
    bench = Bench(root, data, finished_run)
    for name in ("hollow", "strangers", "truncated", "torn_val"):
        shutil.copytree(data, root / name)
    shutil.rmtree(root / "hollow/train/grey")
    (root / "hollow/train/grey").mkdir()
    (root / "strangers/val/green").rename(root / "strangers/val/rust")
    for torn in ("truncated/train/green/green3.png", "torn_val/val/green/green1.png"):
        (root / torn).write_bytes((root / torn).read_bytes()[:60])
    for split in ("train", "val"):
        write_pictures(root / "lonely" / split, 3, ("brown",))
    write_colours(
        root / "colours",
        {
            "red": [(60, 0, 0)] * 4 + [(0, 40, 0)],
            "green": [(0, 60, 0)] * 5,
            "blue": [(0, 0, 60)] * 5,
        },
    )
    (root / "file.txt").write_text("text")
    (root / "text.onnx").write_text("text")
    (root / "text.pt").write_text("text")
    (root / "empty").mkdir()
    (root / "model.md").write_text("# card")
    colour_model(root / "model.onnx", format="1")
    floats = colour_graph()
    floats.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    onnx.save(floats, str(root / "floats.onnx"))
    (root / "floats.md").write_text("# card")
    torch.save(torchvision.models.squeezenet1_1().state_dict(), root / "squeezenet.pt")
    swapped = torch.load(finished_run / "best.pt", weights_only=True)
    swapped["settings"]["backbone"] = "resnet18"
    torch.save(swapped, root / "swapped.pt")
    return bench


@pytest.fixture
def bench(made: Bench, tmp_path: Path) -> Bench:
    """A copy of its own for each case, so that what a command leaves is seen."""
    shutil.copytree(made.root, tmp_path / "bench", copy_function=shutil.copy)
    return Bench(tmp_path / "bench", made.data, made.run)


Arguments = tuple[object, ...]
Case = tuple[Callable[[Bench], Arguments], str]

SMALL = ("--backbone", "mobilenet_v3_small", "--size-px", "32")
TRAIN = (
    *SMALL,
    *("--weights", "none", "--stored-px", "36", "--epochs", "1", "--batch", "8"),
    *("--workers", "0", "--device", "cpu"),
)
EMBED = (
    *SMALL,
    "--weights",
    "none",
    "--rounds",
    "1",
    "--first",
    "4",
    "--step",
    "2",
    "--seeds",
    "2",
)

CASES: dict[str, Case] = {
    # prepare
    "prepare: missing folder": (lambda b: ("prepare", b.no, "--out", b.out), "no: no such folder"),
    "prepare: file for a folder": (
        lambda b: ("prepare", b.root / "file.txt", "--out", b.out),
        "file.txt: no such folder",
    ),
    "prepare: class without picture": (
        lambda b: ("prepare", b.hollow, "--out", b.out),
        "hollow/train/grey: class folder without pictures",
    ),
    "prepare: val class not in train": (
        lambda b: ("prepare", b.strangers, "--out", b.out),
        "strangers/val/rust: class is not one of",
    ),
    "prepare: truncated picture": (
        lambda b: ("prepare", b.truncated, "--out", b.out),
        "truncated/train/green/green3.png: not a readable picture",
    ),
    "prepare: too few classes": (
        lambda b: ("prepare", b.lonely, "--out", b.out),
        "lonely/train: 1 class folders",
    ),
    "prepare: out is a file": (
        lambda b: ("prepare", b.data, "--out", b.root / "file.txt"),
        "--out",
    ),
    "prepare: impossible out": (
        lambda b: ("prepare", b.data, "--out", b.root / "file.txt/out"),
        "file.txt/out: Not a directory",
    ),
    # audit
    "audit: missing folder": (lambda b: ("audit", b.no, "--out", b.out), "no: no such"),
    "audit: folder without pictures": (
        lambda b: ("audit", b.empty, "--out", b.out),
        "empty: ",
    ),
    "audit: weights of another network": (
        lambda b: (
            *("audit", b.data, "--out", b.out),
            *("--weights", b.root / "squeezenet.pt"),
        ),
        "squeezenet.pt",
    ),
    "audit: not an ONNX file": (
        lambda b: ("audit", b.data, "--out", b.out, "--model", b.root / "text.onnx"),
        "text.onnx",
    ),
    "audit: ONNX of other inputs": (
        lambda b: ("audit", b.data, "--out", b.out, "--model", b.root / "floats.onnx"),
        "floats.onnx",
    ),
    "audit: impossible out": (
        lambda b: ("audit", b.data, "--out", b.root / "file.txt/out"),
        "file.txt",
    ),
    # any
    "any: misspelt command": (lambda b: ("tran",), "No such command 'tran'"),
    "any: misspelt option": (lambda b: ("train", "--epoch", "3"), "No such option: --epoch"),
    # train
    "train: folder of an earlier run": (
        lambda b: ("train", "--data", b.data, "--out", b.run, *TRAIN),
        "holds a run; --resume goes on with it",
    ),
    "train: missing folder": (
        lambda b: ("train", "--data", b.no, "--out", b.out, *TRAIN),
        "no/train: no such folder",
    ),
    "train: class without picture": (
        lambda b: ("train", "--data", b.hollow, "--out", b.out, *TRAIN),
        "hollow/train/grey: class folder without pictures",
    ),
    "train: val class not in train": (
        lambda b: ("train", "--data", b.strangers, "--out", b.out, *TRAIN),
        "strangers/val/rust: class is not one of",
    ),
    "train: truncated picture": (
        lambda b: ("train", "--data", b.truncated, "--out", b.out, *TRAIN),
        "truncated/train/green/green3.png: not a readable picture",
    ),
    "train: too few classes": (
        lambda b: ("train", "--data", b.lonely, "--out", b.out, *TRAIN),
        "lonely/train",
    ),
    "train: weights of another network": (
        lambda b: (
            *("train", "--data", b.data, "--out", b.out, *TRAIN),
            *("--weights", b.root / "squeezenet.pt"),
        ),
        "squeezenet.pt",
    ),
    "train: network without a linear layer": (
        lambda b: (
            *("train", "--data", b.data, "--out", b.out, *TRAIN),
            *("--backbone", "squeezenet1_1"),
        ),
        "--backbone squeezenet1_1: has no linear layer",
    ),
    "train: weights that are none": (
        lambda b: (
            *("train", "--data", b.data, "--out", b.out, *TRAIN),
            *("--weights", b.root / "text.pt"),
        ),
        "text.pt",
    ),
    "train: nothing to go on from": (
        lambda b: ("train", "--data", b.data, "--out", b.empty, "--resume"),
        "empty",
    ),
    "train: out is a file": (
        lambda b: ("train", "--data", b.data, "--out", b.root / "file.txt", *TRAIN),
        "file.txt",
    ),
    "train: impossible out": (
        lambda b: ("train", "--data", b.data, "--out", b.root / "file.txt/out", *TRAIN),
        "file.txt",
    ),
    # evaluate
    "evaluate: missing model": (
        lambda b: ("evaluate", b.root / "no.onnx", "--data", b.colours, "--out", b.out),
        "no.onnx: No such file",
    ),
    "evaluate: not an ONNX file": (
        lambda b: ("evaluate", b.root / "text.onnx", "--data", b.colours, "--out", b.out),
        "text.onnx: not a model",
    ),
    "evaluate: ONNX of other inputs": (
        lambda b: ("evaluate", b.root / "floats.onnx", "--data", b.colours, "--out", b.out),
        "floats.onnx: ",
    ),
    "evaluate: checkpoint of another network": (
        lambda b: ("evaluate", b.root / "swapped.pt", "--data", b.colours, "--out", b.out),
        "swapped.pt: ",
    ),
    "evaluate: classes the model lacks": (
        lambda b: ("evaluate", b.root / "model.onnx", "--data", b.data / "val", "--out", b.out),
        "val/brown: class is not one of",
    ),
    "evaluate: truncated picture": (
        lambda b: ("evaluate", b.run, "--data", b.torn_val / "val", "--out", b.out),
        "torn_val/val/green/green1.png: not a readable picture",
    ),
    "evaluate: impossible out": (
        lambda b: (
            *("evaluate", b.root / "model.onnx", "--data", b.colours),
            *("--out", b.root / "file.txt/out"),
        ),
        "file.txt",
    ),
    # calibrate
    "calibrate: missing model": (
        lambda b: ("calibrate", b.root / "no.onnx", "--data", b.colours),
        "no.onnx: No such file",
    ),
    "calibrate: not an ONNX file": (
        lambda b: ("calibrate", b.root / "text.onnx", "--data", b.colours),
        "text.onnx: ",
    ),
    "calibrate: ONNX of other inputs": (
        lambda b: ("calibrate", b.root / "floats.onnx", "--data", b.colours),
        "floats.onnx: ",
    ),
    "calibrate: missing folder": (
        lambda b: ("calibrate", b.root / "model.onnx", "--data", b.no),
        "no: no such folder",
    ),
    "calibrate: impossible out": (
        lambda b: (
            *("calibrate", b.root / "model.onnx", "--data", b.colours),
            *("--out", b.root / "file.txt/m.onnx"),
        ),
        "file.txt",
    ),
    # export
    "export: missing run": (lambda b: ("export", b.no, "--out", b.root / "m.onnx"), "no: no such"),
    "export: not a checkpoint": (
        lambda b: ("export", b.root / "text.pt", "--out", b.root / "m.onnx"),
        "text.pt: not a checkpoint",
    ),
    "export: run without a checkpoint": (
        lambda b: ("export", b.empty, "--out", b.root / "m.onnx"),
        "empty: no best.pt in it",
    ),
    "export: checkpoint of another network": (
        lambda b: ("export", b.root / "swapped.pt", "--out", b.root / "m.onnx"),
        "swapped.pt: ",
    ),
    "export: impossible out": (
        lambda b: ("export", b.run, "--out", b.root / "file.txt/m.onnx"),
        "file.txt",
    ),
    # quantize
    "quantize: missing run": (
        lambda b: (
            *("quantize", b.no, "--data", b.data),
            *("--out", b.root / "m.onnx", "--report", b.out),
        ),
        "no: no such",
    ),
    "quantize: checkpoint of another network": (
        lambda b: (
            *("quantize", b.root / "swapped.pt", "--data", b.data),
            *("--out", b.root / "m.onnx", "--report", b.out),
        ),
        "swapped.pt: ",
    ),
    "quantize: val class not in train": (
        lambda b: (
            *("quantize", b.run, "--data", b.strangers),
            *("--out", b.root / "m.onnx", "--report", b.out),
        ),
        "strangers/val/rust: class is not one of",
    ),
    # report
    "report: missing folder": (lambda b: ("report", b.no, "--out", b.out), "no: "),
    "report: folder without figures": (lambda b: ("report", b.empty, "--out", b.out), "empty: "),
    # select
    "select: missing pool": (
        lambda b: ("select", b.no, "--strategy", "random", "--count", "2", "--out", b.out),
        "no: no such folder",
    ),
    "select: pool without pictures": (
        lambda b: ("select", b.empty, "--strategy", "random", "--count", "2", "--out", b.out),
        "empty: ",
    ),
    "select: not an ONNX file": (
        lambda b: (
            *("select", b.colours, "--model", b.root / "text.onnx"),
            *("--count", "2", "--out", b.out),
        ),
        "text.onnx: ",
    ),
    "select: ONNX of other inputs": (
        lambda b: (
            *("select", b.colours, "--model", b.root / "floats.onnx"),
            *("--count", "2", "--out", b.out),
        ),
        "floats.onnx: ",
    ),
    "select: weights of another network": (
        lambda b: (
            *("select", b.colours, "--model", b.root / "squeezenet.pt", *SMALL),
            *("--strategy", "coreset", "--count", "2", "--out", b.out),
        ),
        "squeezenet.pt: ",
    ),
    "select: impossible out": (
        lambda b: (
            *("select", b.colours, "--strategy", "random"),
            *("--count", "2", "--out", b.root / "file.txt/chosen.csv"),
        ),
        "file.txt",
    ),
    # simulate
    "simulate: missing folder": (
        lambda b: ("simulate", "--data", b.no, "--out", b.out, *EMBED),
        "no/train: no such folder",
    ),
    "simulate: class without picture": (
        lambda b: ("simulate", "--data", b.hollow, "--out", b.out, *EMBED),
        "hollow/train/grey: class folder without pictures",
    ),
    "simulate: val class not in train": (
        lambda b: ("simulate", "--data", b.strangers, "--out", b.out, *EMBED),
        "strangers/val/rust: class is not one of",
    ),
    "simulate: too few classes": (
        lambda b: ("simulate", "--data", b.lonely, "--out", b.out, *EMBED),
        "lonely/train",
    ),
    "simulate: weights of another network": (
        lambda b: (
            *("simulate", "--data", b.data, "--out", b.out, *EMBED),
            *("--weights", b.root / "squeezenet.pt"),
        ),
        "squeezenet.pt: ",
    ),
    "simulate: truncated picture": (
        lambda b: ("simulate", "--data", b.truncated, "--out", b.out, *EMBED),
        "truncated/train/green/green3.png: not a readable picture",
    ),
    "simulate: impossible out": (
        lambda b: ("simulate", "--data", b.data, "--out", b.root / "file.txt/out", *EMBED),
        "file.txt",
    ),
    # ingest
    "ingest: missing source": (lambda b: ("ingest", b.no, "--out", b.out), "no: "),
    "ingest: folder that is no run": (lambda b: ("ingest", b.empty, "--out", b.out), "empty"),
    "ingest: file that is no JSON": (
        lambda b: ("ingest", b.root / "file.txt", "--out", b.out),
        "file.txt: ",
    ),
    # push
    "push: missing model": (
        lambda b: ("push", b.root / "no.onnx", "--to", b.out),
        "no.onnx: No such file",
    ),
    "push: folder for a model": (lambda b: ("push", b.empty, "--to", b.out), "empty: not an .onnx"),
    "push: not an ONNX file": (
        lambda b: ("push", b.root / "text.onnx", "--to", b.out),
        "text.onnx: not a model",
    ),
    "push: ONNX of other inputs": (
        lambda b: ("push", b.root / "floats.onnx", "--to", b.out),
        "floats.onnx: takes",
    ),
    "push: file for a folder": (
        lambda b: ("push", b.root / "model.onnx", "--to", b.root / "file.txt"),
        "file.txt: not a folder",
    ),
    "push: impossible folder": (
        lambda b: ("push", b.root / "model.onnx", "--to", b.root / "file.txt/out"),
        "file.txt/out: Not a directory",
    ),
    # pull
    "pull: missing folder": (lambda b: ("pull", b.no, "--out", b.out), "no: no such folder"),
    "pull: file for a folder": (
        lambda b: ("pull", b.root / "file.txt", "--out", b.out),
        "file.txt: no such folder",
    ),
    "pull: folder without a model": (
        lambda b: ("pull", b.empty, "--out", b.out),
        "empty: has no manifest.json",
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_bad_input_is_named_in_one_line(what: str, bench: Bench, refused: Refused) -> None:
    command, said = CASES[what]
    before = sorted(bench.root.rglob("*"))
    assert said in refused(*command(bench))
    assert sorted(bench.root.rglob("*")) == before
    assert (bench.root / "file.txt").read_text() == "text"
