from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from line.config import load
from line.errors import BadInput, PictureError
from producers.procedural import CLASSES
from producers.sources import FolderSource, ProceduralSource, VideoSource, open_source, open_spec

MAX_PIXELS = 1_000_000


def save(path: Path, level: int = 128, size: tuple[int, int] = (24, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, 255 - level, 40)).save(path)
    return path


@pytest.fixture
def tree(tmp_path):
    """Eleven pictures of three classes, and things that are none."""
    for number in range(5):
        save(tmp_path / "glass" / f"{number}.png", number * 10)
    for number in range(4):
        save(tmp_path / "metal" / f"{number}.bmp", 100 + number * 10)
    save(tmp_path / "paper" / "a.PNG", 200)
    save(tmp_path / "paper" / "deeper" / "b.jpeg", 220)
    save(tmp_path / "paper" / ".hidden.png")
    save(tmp_path / ".cache" / "thumb.png")
    (tmp_path / "empty class").mkdir()
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def folder(root: Path, **options) -> FolderSource:
    settings = {
        "seed": 3,
        "order": "once",
        "cameras": 1,
        "frame": None,
        "max_pixels": MAX_PIXELS,
        "max_bytes": 10**6,
        "max_items": 100,
    }
    return FolderSource(root, **{**settings, **options})


def origins(source: FolderSource, camera: int, count: int) -> list[str]:
    return [source.facts(camera, seq).origin for seq in range(count)]


# -- procedural -------------------------------------------------------------------------------


def procedural(mix: dict[str, float], seed: int = 1) -> ProceduralSource:
    return ProceduralSource(seed, mix, 64, 48)


def test_procedural_items_come_in_the_mix_asked_for():
    source = procedural({"glass": 1, "metal": 3, "paper": 0})
    counts = Counter(source.facts(0, seq).true_class for seq in range(2000))
    assert source.classes == ("glass", "metal")
    assert set(counts) == {"glass", "metal"}
    assert counts["metal"] / 2000 == pytest.approx(0.75, abs=0.03)
    assert source.length is None
    assert source.facts(0, 0).origin == "procedural"


def test_procedural_items_depend_on_seed_camera_and_sequence_alone():
    mix = dict.fromkeys(CLASSES, 1.0)
    one, other = procedural(mix), procedural(dict(reversed(mix.items())))
    places = [(camera, seq) for camera in range(2) for seq in range(4)]
    for camera, seq in places:
        one.picture(camera, seq)
    for camera, seq in reversed(places):
        assert other.facts(camera, seq) == one.facts(camera, seq)
        assert np.array_equal(other.picture(camera, seq), one.picture(camera, seq))
    assert not np.array_equal(one.picture(0, 0), one.picture(1, 0))
    assert not np.array_equal(one.picture(0, 0), procedural(mix, seed=2).picture(0, 0))


@pytest.mark.parametrize(
    ("mix", "complaint"),
    [
        ({"glass": 1, "wood": 1}, r"classes.wood.share: .* draws only cardboard"),
        ({"glass": -1}, r"classes.glass.share: -1 must be a number of at least 0"),
        ({"glass": float("nan")}, r"classes.glass.share: nan must be"),
        ({"glass": 0}, r"classes: at least one share must be greater than 0"),
        ({}, r"classes: at least one share must be greater than 0"),
    ],
)
def test_a_mix_that_cannot_be_drawn_is_refused(mix, complaint):
    with pytest.raises(BadInput, match=complaint):
        procedural(mix)


def test_a_class_that_is_never_fed_need_not_be_drawable():
    assert procedural({"glass": 1, "wood": 0}).classes == ("glass",)


# -- folders ----------------------------------------------------------------------------------


def test_sub_folders_with_pictures_are_the_truth(tree):
    source = folder(tree)
    assert source.classes == ("glass", "metal", "paper")
    assert source.length == 11
    for seq in range(11):
        facts = source.facts(0, seq)
        assert facts.true_class == facts.origin.split("/")[0]


def test_a_flat_folder_has_no_truth(tmp_path):
    save(tmp_path / "one.png")
    save(tmp_path / "two.webp")
    source = folder(tmp_path)
    assert source.classes is None
    assert {source.facts(0, seq).origin for seq in range(2)} == {"one.png", "two.webp"}
    assert source.facts(0, 0).true_class is None


@pytest.mark.parametrize("cameras", [1, 2, 3, 12])
def test_once_shows_every_picture_to_exactly_one_camera(tree, cameras):
    source = folder(tree, cameras=cameras)
    shown = [
        source.facts(camera, seq).origin
        for camera in range(cameras)
        for seq in range(source.length_for(camera))
    ]
    assert len(shown) == len(set(shown)) == 11
    with pytest.raises(IndexError):
        source.facts(0, source.length_for(0))


def test_the_order_belongs_to_the_seed(tree):
    assert origins(folder(tree), 0, 11) == origins(folder(tree), 0, 11)
    assert origins(folder(tree), 0, 11) != origins(folder(tree, seed=4), 0, 11)


def test_random_draws_without_end(tree):
    source = folder(tree, order="random")
    assert source.length is None
    assert source.length_for(0) is None
    shown = origins(source, 0, 300)
    assert set(shown) == set(origins(folder(tree), 0, 11))
    assert shown == origins(folder(tree, order="random"), 0, 300)
    assert shown != origins(source, 1, 300)


def test_only_a_folder_fed_once_is_exact(tree):
    assert folder(tree).is_exact
    assert not folder(tree, order="random").is_exact


def test_pictures_come_unaltered(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(folder(tmp_path).picture(0, 0), pixels)


def test_pictures_are_stretched_to_a_frame_on_request(tree):
    picture = folder(tree, frame=(64, 48)).picture(0, 0)
    assert picture.shape == (48, 64, 3)
    assert picture.dtype == np.uint8


def test_a_picture_taken_sideways_is_set_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to show
    Image.new("RGB", (40, 30), (200, 10, 10)).save(tmp_path / "a.jpg", exif=exif)
    assert folder(tmp_path).picture(0, 0).shape == (40, 30, 3)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    Image.new("RGB", (8, 6), (250, 250, 250)).convert(mode).save(tmp_path / "a.tif")
    picture = folder(tmp_path).picture(0, 0)
    assert picture.shape == (6, 8, 3)
    assert (picture > 200).all()


def test_a_missing_or_empty_folder_is_named(tmp_path):
    with pytest.raises(BadInput, match=f"{tmp_path / 'gone'}: no such folder"):
        folder(tmp_path / "gone")
    with pytest.raises(BadInput, match=f"{tmp_path}: no pictures in it"):
        folder(tmp_path)


def test_pictures_beside_class_folders_are_refused(tree):
    stray = save(tree / "stray.png")
    with pytest.raises(BadInput, match=f"{stray}: lies beside class folders"):
        folder(tree)


@pytest.mark.parametrize("kind", ["text", "empty", "large", "pipe", "folder", "gone", "device"])
def test_a_file_that_cannot_be_shown_is_one_failed_picture_when_its_turn_comes(tree, kind):
    """No file is opened before: a folder of a hundred thousand must start in seconds."""
    bad = save(tree / "glass" / "bad.png")
    source = folder(tree)
    bad.unlink()
    if kind == "text":
        bad.write_bytes(b"this is not a picture")
    elif kind == "empty":
        bad.touch()
    elif kind == "large":
        save(bad, size=(2000, 600))
    elif kind == "pipe":
        os.mkfifo(bad)
    elif kind == "folder":
        bad.mkdir()
    elif kind == "device":
        bad.symlink_to("/dev/zero")
    place = origins(source, 0, 12).index("glass/bad.png")
    with pytest.raises(PictureError, match=f"^{bad}: ") as caught:
        source.picture(0, place)
    assert "\n" not in str(caught.value)
    assert sum(_can_be_shown(source, seq) for seq in range(12)) == 11


def _can_be_shown(source: FolderSource, seq: int) -> bool:
    try:
        return source.picture(0, seq) is not None
    except PictureError:
        return False


def test_what_is_no_file_is_not_listed_and_links_cannot_lead_in_circles(tree):
    os.mkfifo(tree / "glass" / "pipe.png")
    (tree / "glass" / "circle").symlink_to(tree)
    (tree / "glass" / "itself.png").symlink_to(tree / "glass" / "itself.png")
    (tree / "glass" / "linked.png").symlink_to(tree / "glass" / "0.png")
    assert set(origins(folder(tree), 0, 12)) - set(origins_of_tree()) == {"glass/linked.png"}
    assert folder(tree).length == 12


def origins_of_tree() -> list[str]:
    names = [f"glass/{n}.png" for n in range(5)] + [f"metal/{n}.bmp" for n in range(4)]
    return [*names, "paper/a.PNG", "paper/deeper/b.jpeg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tree):
    (tree / "glass").chmod(0)
    with pytest.raises(BadInput, match=f"^{tree / 'glass'}.*: Permission denied"):
        folder(tree)


def test_names_that_are_no_utf8_or_hold_control_characters_are_told_plainly(tmp_path):
    for name in (b"caf\xe9.png", b"two\nlines\x1b[31m.png"):
        save(tmp_path / "plain.png").rename(tmp_path / os.fsdecode(name))
    source = folder(tmp_path)
    assert sorted(origins(source, 0, 2)) == ["caf\\udce9.png", "two lines\\x1b[31m.png"]
    assert [source.picture(0, seq).shape for seq in range(2)] == [(16, 24, 3)] * 2


def test_a_damaged_body_is_one_failed_picture(tmp_path):
    path = tmp_path / "a.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    source = folder(tmp_path)
    with pytest.raises(PictureError, match=f"^{path}: .*truncated"):
        source.picture(0, 0)


# -- videos -----------------------------------------------------------------------------------


@pytest.fixture
def film(tmp_path):
    """Twelve frames, each brighter than the last."""
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "belt.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for number in range(12):
        writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
    writer.release()
    return path


def levels(source: VideoSource, places: list[tuple[int, int]]) -> list[int]:
    return [round(source.picture(*place).mean() / 20) for place in places]


def test_a_video_gives_its_frames_in_any_order(film):
    source = VideoSource(film)
    assert source.length == 12
    assert source.classes is None
    assert source.picture(0, 0).shape == (48, 64, 3)
    wanted = [0, 1, 2, 11, 3, 3, 2, 9]
    assert levels(source, [(0, seq) for seq in wanted]) == wanted
    assert source.facts(0, 7).origin == "video:frame 7"
    source.close()
    source.close()


def test_a_video_is_dealt_to_the_cameras(film):
    source = VideoSource(film, cameras=2, stride=3)
    assert source.length == 4
    assert levels(source, [(0, 0), (1, 0), (0, 1), (1, 1)]) == [0, 3, 6, 9]
    source.close()


def test_a_frame_past_the_end_is_one_failed_picture(film):
    source = VideoSource(film)
    with pytest.raises(PictureError, match=f"^{film}: frame 40 cannot be read"):
        source.picture(0, 40)
    assert levels(source, [(0, 5)]) == [5]
    source.close()


def test_a_stream_of_pictures_without_a_container_is_a_video(tmp_path):
    """Nothing in it says how many frames there are, or where they are."""
    pytest.importorskip("cv2")
    path = tmp_path / "belt.mjpeg"
    with path.open("wb") as file:
        for number in range(12):
            Image.fromarray(np.full((48, 64, 3), 20 * number, np.uint8)).save(file, "JPEG")
    source = VideoSource(path)
    assert source.length == 12
    wanted = [0, 1, 2, 11, 3, 3, 2, 9]
    assert levels(source, [(0, seq) for seq in wanted]) == wanted
    with pytest.raises(PictureError, match="frame 40 cannot be read"):
        source.picture(0, 40)
    assert levels(source, [(0, 5)]) == [5]
    source.close()
    again = VideoSource(path, frames=12)  # as a camera opens it
    assert levels(again, [(0, 7), (0, 1)]) == [7, 1]
    again.close()


def test_of_a_video_that_was_cut_the_frames_that_are_there_count(film):
    whole = VideoSource(film)
    film.write_bytes(film.read_bytes()[: film.stat().st_size * 4 // 5])
    whole.close()
    cut = VideoSource(film)
    assert 1 <= cut.length < 12
    wanted = list(range(cut.length))
    assert levels(cut, [(0, seq) for seq in reversed(wanted)]) == wanted[::-1]
    cut.close()


def test_a_video_in_colour_is_rgb(tmp_path):
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "red.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    writer.write(np.full((48, 64, 3), (0, 0, 250), np.uint8))  # OpenCV writes blue first
    writer.release()
    source = VideoSource(path)
    red, green, blue = source.picture(0, 0).mean(axis=(0, 1))
    source.close()
    assert red > 200
    assert green < 50
    assert blue < 50


def test_without_opencv_the_user_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    path = tmp_path / "belt.mp4"
    path.write_bytes(b"")
    with pytest.raises(BadInput, match=r"pip install -r requirements/video\.txt"):
        VideoSource(path)
    with pytest.raises(BadInput, match=r"webcam:0: needs OpenCV"):
        spec("webcam:0")


# -- what the user writes ---------------------------------------------------------------------


def spec(text: str, cameras: int = 1):
    return open_spec(text, seed=1, cameras=cameras, mix={"glass": 1.0}, width_px=64, height_px=48)


def test_a_spec_opens_the_source_it_names(tree, film):
    assert isinstance(spec("procedural"), ProceduralSource)
    assert isinstance(spec(str(tree)), FolderSource)
    video = spec(str(film))
    assert isinstance(video, VideoSource)
    video.close()


def test_settings_open_the_source_they_describe(tree):
    options = [("source.spec", str(tree)), ("line.cameras", 2), ("source.max_megapixels", 0.001)]
    source = open_source(load(options=options, environment={}))
    assert isinstance(source, FolderSource)
    assert source.length_for(1) == 5
    save(tree / "metal" / "large.png", size=(60, 60))
    large = open_source(load(options=options, environment={}))
    shown = [large.facts(c, n).origin for c in range(2) for n in range(6)]
    with pytest.raises(PictureError, match=r"large\.png: 60x60"):
        large.picture(*divmod(shown.index("metal/large.png"), 6))
    endless = [*options[:2], ("source.order", "random")]
    assert open_source(load(options=endless, environment={})).length is None


@pytest.mark.parametrize("text", ["no/such/place", "", "webcam:", "webcam:x", "Procedural"])
def test_a_wrong_spec_is_quoted_with_what_is_allowed(text):
    with pytest.raises(BadInput, match=f"source.spec '{text}': .*\"procedural\", a folder"):
        spec(text)


def test_one_picture_is_not_a_source(tree):
    with pytest.raises(BadInput, match="is one picture; name the folder"):
        spec(str(tree / "glass" / "0.png"))


def test_a_webcam_feeds_one_lane():
    with pytest.raises(BadInput, match="one camera can feed one lane, not 2"):
        spec("webcam:0", cameras=2)
