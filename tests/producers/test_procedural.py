from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from line.errors import BadInput
from producers import render
from producers.procedural import CLASSES, draw, lathe, outline, texture
from producers.procedural.tile import Tile
from producers.randomness import Purpose, stream

CYAN = (0, 200, 200)


def picture(material: str, number: int, width_px: int = 320, height_px: int = 240) -> np.ndarray:
    return draw(material, stream(5, 0, number, Purpose.PICTURE), width_px, height_px)


def fingerprint(material: str, number: int) -> str:
    return hashlib.sha256(picture(material, number).tobytes()).hexdigest()


# -- pictures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("material", CLASSES)
@pytest.mark.parametrize(("width_px", "height_px"), [(320, 240), (97, 160), (32, 32), (900, 700)])
def test_a_picture_has_the_size_asked_for(material, width_px, height_px):
    drawn = picture(material, 1, width_px, height_px)
    assert drawn.shape == (height_px, width_px, 3)
    assert drawn.dtype == np.uint8


def test_a_picture_does_not_depend_on_what_was_drawn_before():
    wanted = [(material, number) for material in CLASSES for number in range(3)]
    forward = {item: fingerprint(*item) for item in wanted}
    backward = {item: fingerprint(*item) for item in reversed(wanted)}
    assert forward == backward


def test_a_picture_does_not_depend_on_the_process():
    code = (
        "from producers.procedural import draw; from producers.randomness import Purpose, stream;"
        "import hashlib;"
        "pixels = draw('trash', stream(5, 0, 9, Purpose.PICTURE), 320, 240).tobytes();"
        "print(hashlib.sha256(pixels).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == fingerprint("trash", 9)


def test_writing_on_a_picture_does_not_show_on_the_next():
    before = picture("metal", 3)
    picture("metal", 3)[:] = 255
    assert np.array_equal(picture("metal", 3), before)


@pytest.mark.parametrize("material", CLASSES)
def test_no_two_items_look_the_same(material):
    assert len({fingerprint(material, number) for number in range(20)}) == 20


@pytest.mark.parametrize("material", CLASSES)
def test_an_item_stands_out_from_the_belt_around_it(material):
    for number in range(10):
        drawn = picture(material, number).astype(int)
        middle, corner = drawn[60:180, 80:240], drawn[:24, :24]
        assert middle.std() > 1.4 * corner.std()


def test_the_background_does_not_give_the_class_away():
    """The left and right edges, where hardly any item reaches, are equally bright for all."""
    levels = []
    for material in CLASSES:
        edges = [picture(material, number)[:, [0, 1, -2, -1]] for number in range(30)]
        levels.append(float(np.median(np.stack(edges))))
    assert max(levels) - min(levels) <= 3.0


def test_an_unknown_material_is_refused_with_the_known_ones_named():
    with pytest.raises(BadInput, match=r"material 'wood': must be one of cardboard, .*trash"):
        draw("wood", stream(0, 0, 0, Purpose.PICTURE), 320, 240)


# -- the drawing surface ----------------------------------------------------------------------


def test_a_part_covers_the_belt_and_a_mark_does_not():
    tile = Tile(200, (0, 0, 0))
    tile.mark(outline.box(20, 50, 20, 20), CYAN)
    tile.part(outline.box(70, 50, 20, 20), CYAN, cover=130)
    assert tile.cover.getpixel((40, 100)) == 0
    assert tile.cover.getpixel((140, 100)) == 130
    assert tile.colour.getpixel((40, 100)) == tile.colour.getpixel((140, 100)) == CYAN


def test_the_belt_is_seen_through_a_cut_out():
    tile = Tile(100, (0, 0, 0))
    tile.part(outline.box(50, 50, 40, 40), CYAN)
    tile.clear(outline.ellipse(50, 50, 6, 6))
    assert tile.cover.getpixel((50, 50)) == 0
    assert tile.cover.getpixel((35, 50)) == 255
    assert tile.extent_px == (30, 30, 71, 71)


def test_texture_falls_on_the_item_only():
    tile = Tile(300, CYAN)
    tile.part(outline.box(50, 50, 40, 40), CYAN)
    texture.crumple(tile, np.random.default_rng(3), 200, 1.0)
    pixels = np.asarray(tile.colour)
    assert (pixels[:80] == CYAN).all()
    assert pixels[100:200, 100:200].std() > 5


def test_glass_is_clearer_in_the_middle_than_at_the_rim():
    cover = lathe.clear((40, 110, 50), 80, 210)[:, 3].astype(int)
    assert cover[0] > 150 > cover[lathe.STRIPS // 2] >= 80
    assert (lathe.gloss((40, 110, 50))[:, 3] == 255).all()


def test_a_section_of_a_profile_keeps_its_shape():
    cone = lathe.profile([(0, 10), (100, 20)])
    assert lathe.section(cone, 40, 60).tolist() == [[40, 36, 64], [60, 34, 66]]


# -- training pictures ------------------------------------------------------------------------


@pytest.fixture
def run_render():
    app = typer.Typer()
    app.command()(render.main)
    return lambda *words: CliRunner().invoke(app, list(words))


def test_render_writes_an_image_folder_tree(tmp_path, run_render):
    out = tmp_path / "pictures"
    done = run_render("--out", str(out), "--per-class", "2", "--width", "64", "--height", "48")
    assert done.exit_code == 0, done.output
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.jpg"))
    assert files == [f"{name}/0000{number}.jpg" for name in CLASSES for number in (0, 1)]
    with Image.open(out / "glass" / "00000.jpg") as image:
        assert image.size == (64, 48)


def test_render_is_a_function_of_the_seed(tmp_path):
    def pixels(folder: str, seed: int) -> bytes:
        render.render(tmp_path / folder, 1, seed=seed, classes=("metal",))
        return (tmp_path / folder / "metal" / "00000.jpg").read_bytes()

    first = pixels("first", 4)
    assert pixels("again", 4) == first
    assert pixels("other", 5) != first


def test_render_leaves_a_filled_folder_alone(tmp_path, run_render):
    (tmp_path / "thesis.txt").write_text("finished")
    done = run_render("--out", str(tmp_path), "--per-class", "1")
    assert done.exit_code == 2
    assert done.output == f"error: {tmp_path}: must be a new or an empty folder\n"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_render_names_an_unknown_class(tmp_path, run_render):
    done = run_render("--out", str(tmp_path / "new"), "--per-class", "1", "--classes", "gold")
    assert done.exit_code == 2
    assert done.output.startswith("error: --classes: 'gold' is not one of cardboard,")
    assert not (tmp_path / "new").exists()
