"""The frames of a recorded video or of a camera on this computer, one item each, without truth."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from line.errors import BadInput, PictureError
from line.pictures import Picture
from producers.sources.source import ItemFacts


def opencv(wanted_for: str) -> Any:
    """The module `cv2`. Raises BadInput, saying how to install it, where there is none."""
    try:
        return import_module("cv2")
    except ImportError:
        raise BadInput(
            f"{wanted_for}: needs OpenCV; install it with: pip install -r requirements/video.txt"
        ) from None


def to_rgb(frame: Any) -> Picture:
    """OpenCV's BGR frame as a picture of its own."""
    return np.ascontiguousarray(frame[:, :, ::-1], dtype=np.uint8)


_MOST_FRAMES = 2**53
"""Beyond that, what a container says of itself is no count."""


class VideoSource:
    """Every `stride`-th frame of a video file, dealt to the lanes in turn.

    Frames may be asked for in any order; reading on is cheap, going back costs a seek, which the
    codec may have to decode its way through. Raises BadInput, naming the path, for a file that is
    missing or not a video, and where OpenCV is not installed.
    """

    is_reproducible = True
    is_exact = False
    classes = None

    def __init__(
        self, path: Path, *, cameras: int = 1, stride: int = 1, frames: int | None = None
    ) -> None:
        """`frames`: how many there are, if that is known; then the file is opened when needed."""
        self._path = path
        self._cameras = cameras
        self._stride = stride
        self._film: Any = None
        self._next = 0
        if frames is not None:
            self._frames = frames
            return
        if not path.is_file():
            raise BadInput(f"{path}: no such file")
        self._cv2 = opencv(str(path))
        self._film = self._cv2.VideoCapture(str(path))
        self._frames = self._counted()
        if self._frames < 1:
            self.close()
            raise BadInput(f"{path}: not a video that OpenCV can read")

    @property
    def length(self) -> int:
        """Frames in all, at this stride."""
        return len(range(0, self._frames, self._stride))

    def facts(self, camera: int, seq: int) -> ItemFacts:
        """No truth; "video:frame N"."""
        return ItemFacts(None, f"video:frame {self._frame(camera, seq)}")

    def picture(self, camera: int, seq: int) -> Picture:
        """The frame at the video's own size. Raises PictureError for one that cannot be read."""
        wanted = self._frame(camera, seq)
        self._open()
        self._wind_to(wanted)
        read, frame = self._film.read()
        self._next += 1
        if not read:
            self._next = -1  # where a failed read leaves the film is anybody's guess
            raise PictureError(f"{self._path}: frame {wanted} cannot be read")
        return to_rgb(frame)

    def close(self) -> None:
        """Close the file."""
        if self._film is not None:
            self._film.release()

    def _counted(self) -> int:
        """How many frames can be read; 0 for no video.

        What the container says is believed if the film ends there. Else every frame is read.
        """
        claimed = self._film.get(self._cv2.CAP_PROP_FRAME_COUNT)
        if 1 <= claimed < _MOST_FRAMES:
            self._film.set(self._cv2.CAP_PROP_POS_FRAMES, claimed - 1)
            ends_there = self._film.grab() and not self._film.grab()
            self._rewind()
            if ends_there:
                return int(claimed)
        frames = 0
        while self._film.grab():
            frames += 1
        self._rewind()
        return frames

    def _rewind(self) -> None:
        """A film that has been read to its end may not seek any more."""
        self._film.release()
        self._film = self._cv2.VideoCapture(str(self._path))
        self._next = 0

    def _open(self) -> None:
        if self._film is not None:
            return
        if not self._path.is_file():  # OpenCV would wait for a pipe
            raise PictureError(f"{self._path}: no such file")
        try:
            self._cv2 = opencv(str(self._path))
        except BadInput as error:
            raise PictureError(str(error)) from None
        film = self._cv2.VideoCapture(str(self._path))
        if not film.isOpened():
            raise PictureError(f"{self._path}: not a video that OpenCV can read")
        self._film = film

    def _frame(self, camera: int, seq: int) -> int:
        return (camera + seq * self._cameras) * self._stride

    def _wind_to(self, wanted: int) -> None:
        """Read past a few frames rather than seek: a seek starts over at the last key frame."""
        skip = wanted - self._next
        if self._next < 0 or not 0 <= skip <= max(8, self._stride * self._cameras):
            self._film.set(self._cv2.CAP_PROP_POS_FRAMES, wanted)
            if self._film.get(self._cv2.CAP_PROP_POS_FRAMES) == wanted:
                skip = 0
            else:  # a stream without an index: from the beginning
                self._rewind()
                skip = wanted
        for _ in range(skip):
            self._film.grab()
        self._next = wanted


class WebcamSource:
    """The newest frame of camera number `index`, whenever an item passes.

    Not reproducible: the same item shows another picture each time, and a run cannot be replayed.
    Raises BadInput where there is no such camera or no OpenCV.
    """

    is_reproducible = False
    is_exact = False
    classes = None
    length = None

    def __init__(self, index: int, *, opened: bool = True) -> None:
        """Not `opened`: it only tells of its items, and another process shows them."""
        self._origin = f"webcam:{index}"
        self._device: Any = None
        if not opened:
            return
        cv2 = opencv(self._origin)
        self._device = cv2.VideoCapture(index)
        if not self._device.isOpened():
            self.close()
            raise BadInput(f"{self._origin}: no such camera, or it is in use")
        # A driver that queues frames would show what lay there a while ago.
        self._device.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def facts(self, camera: int, seq: int) -> ItemFacts:
        """No truth; "webcam:N"."""
        return ItemFacts(None, self._origin)

    def picture(self, camera: int, seq: int) -> Picture:
        """What the camera sees now. Raises PictureError where it gives nothing."""
        self._device.grab()  # what the driver kept since the last item
        read, frame = self._device.read()
        if not read:
            raise PictureError(f"{self._origin}: no picture from the camera")
        return to_rgb(frame)

    def close(self) -> None:
        """Let go of the camera."""
        if self._device is not None:
            self._device.release()
