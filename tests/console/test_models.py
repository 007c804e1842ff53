"""Models and their evaluations as the console finds them, damaged and hostile ones too."""

from __future__ import annotations

import hashlib
import json
import resource
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from console.models_page.card_figures import card_figures, is_of
from console.models_page.evaluation import read_evaluation
from console.models_page.facts import render
from console.models_page.model_shelf import read_model, search
from line.errors import BadInput
from line.model.onnx_file import read_entries
from tests.made_run import CLASSES, make_evaluation
from tests.odd_models import changed, entry
from tests.running_line import ROOT
from tests.tiny_model import write_tiny_model

# -- model files ---------------------------------------------------------------------------------


def test_an_onnx_file_tells_what_it_is(tmp_path):
    path = write_tiny_model(tmp_path / "tiny.onnx", ("glass", "<b>", "papier mâché"))
    (tmp_path / "tiny.md").write_text("# Its card")
    model = read_model(path)

    assert model.classes == ("glass", "<b>", "papier mâché")
    assert (model.view, model.threshold, model.temperature) == ("224 × 224", 0.5, 1.0)
    assert model.provenance == "tests/tiny_model.py"
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (model.card, model.complaint) == ("# Its card", "")


def test_a_torchscript_file_tells_the_same(tmp_path):
    path = tmp_path / "model.ts"
    with zipfile.ZipFile(path, "w") as archive:
        entries = {"scrapline.classes": '["glass", "metal"]', "scrapline.threshold": "0.9"}
        archive.writestr("model/extra/scrapline.json", json.dumps(entries))
    model = read_model(path)

    assert (model.kind, model.classes, model.threshold) == (
        "TorchScript",
        ("glass", "metal"),
        0.9,
    )


def test_a_file_that_is_replaced_is_read_anew(tmp_path):
    path = write_tiny_model(tmp_path / "tiny.onnx", ("glass", "metal"))
    assert read_model(path).classes == ("glass", "metal")
    write_tiny_model(path, ("glass", "metal", "paper"))

    assert read_model(path).classes == ("glass", "metal", "paper")


@pytest.mark.parametrize("content", [b"\xff" * 100, b"\x0b", b"no model at all", b"\x72\x7fx"])
@pytest.mark.parametrize("name", ["model.onnx", "model.ts"])
def test_what_is_no_model_is_said_to_be_none(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)

    assert "not readable as a model" in read_model(path).complaint


def test_an_empty_file_is_no_model(tmp_path):
    path = tmp_path / "model.onnx"
    path.touch()

    assert read_model(path).complaint


def test_a_model_that_was_cut_short_anywhere_never_hangs_or_dies(tmp_path):
    whole = write_tiny_model(tmp_path / "tiny.onnx").read_bytes()
    path = tmp_path / "cut.onnx"
    for size in range(1, len(whole), 7):
        path.write_bytes(whole[:size])
        with suppress(ValueError):
            read_entries(path)


def test_entries_that_unpack_to_much_more_are_not_unpacked(tmp_path):
    path = tmp_path / "model.ts"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/extra/scrapline.json", b" " * (10**7))
    assert path.stat().st_size < 10**5
    assert "larger than 4 MB" in read_model(path).complaint


@pytest.mark.parametrize("classes", [["a"] * 2, [str(n) for n in range(5000)], ["x" * 101]])
def test_class_names_beyond_their_bounds_are_not_shown(tmp_path, classes):
    path = changed(tmp_path / "a.onnx", entry("classes", json.dumps(classes)))
    model = read_model(path)
    assert model.classes == ()
    assert "class name" in model.complaint


def test_entries_of_any_shape_are_read_without_harm(tmp_path):
    odd = [
        entry("size", "[" * 100_000),
        entry("threshold", "much"),
        entry("provenance", "x" * 10**6),
    ]
    model = read_model(changed(tmp_path / "a.onnx", *odd))
    assert (model.view, model.threshold) == ("", None)
    assert len(model.provenance) == 2000


def test_models_and_evaluations_are_found_but_not_through_links(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    model = write_tiny_model(tmp_path / "a/b/tiny.onnx")
    evaluation = make_evaluation(tmp_path / "a/judged", "ab" * 32)
    (tmp_path / "again").symlink_to(tmp_path / "a")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden/x.onnx").touch()
    (tmp_path / "1/2/3/4/5").mkdir(parents=True)
    (tmp_path / "1/2/3/4/5/deep.onnx").touch()
    found = search((tmp_path, tmp_path / "a", tmp_path / "nowhere"))

    assert (found.models, found.evaluations) == ((model,), (evaluation,))


# -- cards ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "![x](https://elsewhere.example/picture.png)",
        "<https://elsewhere.example/><iframe src='//x'>",
        "| a |\n|---|\n| <script>alert(1)</script> |",
    ],
)
def test_a_card_brings_no_script_and_fetches_nothing(source):
    html = render(source, below=2)

    for tag in ("<script", "<img", "<iframe", 'href="javascript', 'href="data'):
        assert tag not in html


def test_a_cards_headings_stand_below_the_pages(tmp_path):
    assert render("# One\n\n##### Two", below=2) == "<h3>One</h3>\n<h6>Two</h6>\n"


# -- evaluations ---------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path) -> Path:
    return make_evaluation(tmp_path / "judged", "ab" * 32)


def test_an_evaluation_is_read_whole(folder):
    found = read_evaluation(folder)

    assert found.figures.accuracy.right == 11
    assert found.confusion == ((4, 0, 0), (0, 4, 0), (0, 1, 3))
    assert found.risk_coverage[0] == (1 / 12, 0)
    assert found.risk_coverage[-1] == (1, pytest.approx(1 / 12))
    assert found.has_worst


def test_bins_of_confidence_are_taken_from_the_steps(folder):
    bins = read_evaluation(folder).reliability

    assert sum(one.pictures for one in bins) == 12
    assert bins[0].accuracy == 0, "the least sure picture is the wrong one"
    assert [one.accuracy for one in bins[1:]] == [1] * 11
    assert bins == sorted(bins, key=lambda one: one.confidence)


def test_only_evaluations_of_the_same_pictures_are_comparable(folder, tmp_path):
    one = read_evaluation(folder)
    same = make_evaluation(tmp_path / "same", "cd" * 32, data="/elsewhere/data/val")
    other = make_evaluation(tmp_path / "other", "cd" * 32, data="data/test")

    assert one.same_test(read_evaluation(same))
    assert not one.same_test(read_evaluation(other))


def test_figures_without_curves_are_read_all_the_same(folder):
    for name in ("confusion.csv", "risk_coverage.csv", "worst.html"):
        (folder / name).unlink()
    found = read_evaluation(folder)

    assert (found.confusion, found.steps, found.has_worst) == ((), (), False)


@pytest.mark.parametrize("metrics", ["", "{}", "[1]", '{"model": 1}', "\xff\xfe"])
def test_other_metrics_are_passed_over(folder, metrics):
    (folder / "metrics.json").write_text(metrics, encoding="latin-1")

    assert read_evaluation(folder) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("confusion.csv", "true,glass\nglass,1\n"),
        ("confusion.csv", f"true,{','.join(CLASSES)}\nglass,a,b,c\n"),
        ("confusion.csv", "\xff"),
        ("risk_coverage.csv", "threshold,accepted,right\n0.9,1\n"),
        ("risk_coverage.csv", "threshold,accepted,right\n0.9,2,1\n0.8,1,1\n"),
        ("risk_coverage.csv", "threshold,accepted,right\n9,1,1\n"),
        ("risk_coverage.csv", "threshold,accepted,right\n0.9,0,0\n"),
    ],
)
def test_damaged_curves_are_named(folder, name, content):
    (folder / name).write_text(content, encoding="latin-1")
    with pytest.raises(BadInput, match=name.replace(".", r"\.")):
        read_evaluation(folder)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_small_file_that_unpacks_to_a_very_large_one_is_a_complaint(
    tmp_path: Path, compression: int
) -> None:
    path = tmp_path / "bomb.ts"
    with (
        zipfile.ZipFile(path, "w", compression) as archive,
        archive.open("model/extra/scrapline.json", "w", force_zip64=True) as entry,
    ):
        for _ in range(300):
            entry.write(b"[" * 10**6)
    assert path.stat().st_size < 2 * 10**6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "not readable as a model: its entries are" in read_model(path).complaint
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


@pytest.mark.parametrize(
    "entries", ['{"scrapline.classes": "' + "[" * 90_000 + '"}', "[" * 90_000, "7", "null"]
)
def test_entries_that_make_no_sense_are_no_error(tmp_path: Path, entries: str) -> None:
    """Numbers, deep lists, classes that are no list."""
    path = tmp_path / "odd.ts"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/extra/scrapline.json", entries)
    found = read_model(path)
    assert found.classes == ()
    assert found.threshold is None


# -- judged by the card ---------------------------------------------------------------------------


def test_the_default_model_is_judged_by_its_own_card() -> None:
    model = read_model(ROOT / "models" / "scrapline.onnx")
    assert is_of(model.card, model.sha256)
    [found] = card_figures(model.card)
    assert found.data == "datasets/procedural/val"
    assert dict(found.facts)["Macro F1"] == "0.9917"
    heads, *rows = found.table
    assert heads[0] == "class"
    assert tuple(row[0] for row in rows) == model.classes


def test_a_card_of_another_file_judges_nothing() -> None:
    card = f"# Card\n\n- SHA-256: `{'ab' * 32}`\n"
    assert is_of(card, "ab" * 32)
    assert not is_of(card, "cd" * 32)
    assert not is_of("", "ab" * 32)
    assert not is_of(f"- SHA-256: `{'ab' * 40}`", "ab" * 32)


@pytest.mark.parametrize(
    "card",
    [
        "## Accuracy on x",
        "## Accuracy on x\n|\n|\n|",
        "## Accuracy on x\n| a | b |\n|---|---|\n| only one |\n| glass \\| jar | 2 |",
        "## Accuracy on x\n" + "- a: b\n" * 10_000 + "| a |\n" * 10_000,
        "## Accuracy on \n- : \n- x:",
    ],
)
def test_cards_of_any_shape_are_read_without_harm(card: str) -> None:
    for found in card_figures(card):
        assert len(found.facts) <= 20
        assert len(found.table) <= 301
        assert len({len(row) for row in found.table}) <= 1
