"""Where pictures come in and the one that is looked at is shown, under the heat of its answer."""

from __future__ import annotations

from nicegui import ui

from console.classify_page.upload_session import Asked
from console.widgets import attribute, block, button, panel, text, toggle

_FORMATS = "image/jpeg,image/png,image/bmp,image/webp,image/tiff"
_OPACITY = 70
"""Of the heat at first, in percent."""
_NEXT_TO_NOTHING = 0.02
"""A drop of the winner's probability below which no place is worth naming."""


class PicturePanel:
    """The stage; `static/classify.js` fills it from files, the clipboard, drops and the webcam."""

    def __init__(self, limits: str) -> None:
        with panel("Picture", "picture-panel") as self._panel:
            with block("div", "stage") as self._stage:
                attribute(self._stage, "id", "classify-stage")
                self._image = block("img", "asked")
                self._heat = block("img", "heat")
                attribute(self._heat, "alt", "")
                video = block("video", "webcam")
                video.props.update({"id": "classify-video", "muted": True, "playsinline": True})
                attribute(video, "aria-label", "Webcam")
                self._invitation = _invitation(limits)
            _ways_in()
            self._caption = text("p", "", "caption")
            self._heat_bar()
        self.show(None, "", 0)

    def show(self, asked: Asked | None, address: str, edition: int) -> None:
        """`address`: of the session; `edition`: grows with every answer, so that none is stale."""
        there = asked is not None and bool(asked.preview)
        toggle(self._stage, "filled", there)
        self._image.set_visibility(there)
        self._invitation.set_visibility(not there)
        hot = asked is not None and bool(asked.heat)
        self._heat.set_visibility(hot)
        self._bar.set_visibility(hot)
        self._caption.set_text(_caption(asked))
        if asked is None or not there:
            attribute(self._image, "src", None)
            return
        attribute(self._image, "src", f"{address}/{asked.number}/picture.jpg?{edition}")
        attribute(self._image, "alt", f"The picture {asked.name}")
        attribute(
            self._heat, "src", f"{address}/{asked.number}/heat.png?{edition}" if hot else None
        )
        if asked.answer is not None and asked.answer.saliency is not None:
            self._words.set_text(_in_words(asked.answer.saliency.greatest_drop))

    def _heat_bar(self) -> None:
        with block("div", "heat-bar") as self._bar:
            with block("label", "field opacity"):
                text("span", "Heat over the picture", "field-label")
                slider = block("input")
                slider.props.update({"type": "range", "min": 0, "max": 100, "^value": _OPACITY})
                slider.on(
                    "input",
                    js_handler="(e) => document.getElementById('classify-stage')"
                    ".style.setProperty('--heat', e.target.value / 100)",
                )
            with block("div", "heat-scale"):
                text("span", "no drop", "dim")
                attribute(block("span", "heat-ramp"), "aria-hidden", "true")
                self._words = text("span", "", "dim")


def _invitation(limits: str) -> ui.element:
    with block("div", "invitation") as invitation:
        text("p", "Drop pictures here", "invitation-title")
        text("p", "or paste one, choose files, or use the webcam", "dim")
        text("p", f"JPEG, PNG, BMP, WebP, PPM or TIFF, {limits}", "dim invitation-limits")
    return invitation


def _ways_in() -> None:
    with block("div", "row ways-in"):
        files = block("input", "hidden-input")
        files.props.update({"type": "file", "multiple": True, "accept": _FORMATS})
        files.props.update({"id": "classify-files", "aria-label": "Pictures", "tabindex": -1})
        choose = button("Choose pictures", kind="primary")
        choose.on("click", js_handler="() => scraplineClassify.choose()")
        for name, words, action, kind in (
            ("classify-webcam", "Webcam", "webcam", ""),
            ("classify-shoot", "Take a picture", "shoot", "with-webcam"),
            ("classify-live", "Live", "live", "with-webcam"),
        ):
            pressed = button(words, kind=kind)
            attribute(pressed, "id", name)
            pressed.on("click", js_handler=f"() => scraplineClassify.{action}()")
        status = text("span", "", "dim status")
        attribute(status, "id", "classify-status")
        attribute(status, "role", "status")


def _caption(asked: Asked | None) -> str:
    if asked is None:
        return ""
    if asked.answer is None:
        return asked.name
    padded = ", padded" if asked.options.letterbox else ""
    return f"{asked.name} · {asked.answer.width_px} × {asked.answer.height_px} px{padded}"


def _in_words(drop: float) -> str:
    if drop < _NEXT_TO_NOTHING:
        return f"at most {100 * drop:.1f} points: it hangs on no one place"
    return f"{100 * drop:.0f} points of the winner's probability, when covered"
