"""A camera on this computer, for trying the line on things at hand."""

from __future__ import annotations

from typing import Any

from line.errors import BadInput, PictureError
from line.pictures import Picture
from producers.sources.opencv import opencv, to_rgb
from producers.sources.source import ItemFacts


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
