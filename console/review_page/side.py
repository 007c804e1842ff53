"""Beside the question: how far the queue is, who said what last, and what becomes of the labels."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from console.review_page.desk import Progress
from console.review_page.exports import export_address
from console.review_page.question import shown
from console.widgets import Text, attribute, block, button, panel, text
from line.run_files.review_file import NONE_OF_THESE, Label


class ProgressPanel:
    """The share of the queue that is decided, and by whom."""

    def __init__(self) -> None:
        with panel("Progress"):
            with block("div", "meter") as self._meter:
                attribute(self._meter, "role", "progressbar")
                attribute(self._meter, "aria-label", "Decided items of the queue")
                self._bar = block("span", "meter-bar")
            self._words = text("p")
            self._people = text("p", "", "dim")

    def show(self, progress: Progress) -> None:
        share = progress.decided / progress.queued if progress.queued else 0.0
        self._bar.style(f"width: {100 * share:.1f}%")
        attribute(self._meter, "aria-valuenow", round(100 * share))
        self._words.set_text(f"{progress.decided} of {progress.queued} queued items are decided")
        people = sorted(progress.by_person.items(), key=lambda pair: -pair[1])
        self._people.set_text(" · ".join(f"{who} {count}" for who, count in people[:6]))


class LatestPanel:
    """The labels given last; each leads back to its item. And the way to any other item."""

    def __init__(self, look_at: Callable[[str], Any]) -> None:
        self._look_at = look_at
        self._shown: tuple[Label, ...] | None = None
        with panel("Latest labels"):
            self._list = block("ul", "latest")
            with block("form", "row find") as form:
                form.on(
                    "submit",
                    lambda event: look_at(str(event.args).strip()),
                    js_handler="(e) => { e.preventDefault(); emit(e.target.elements[0].value); }",
                )
                with block("label", "field grow"):
                    text("span", "Another item of this run, by its number", "field-label")
                    entry = block("input", "field-input")
                    entry.props.update({"placeholder": "0-17", "maxlength": 40})
                attribute(text("button", "Open", "button"), "type", "submit")

    def show(self, latest: tuple[Label, ...]) -> None:
        if latest == self._shown:
            return
        self._shown = latest
        self._list.clear()
        with self._list:
            for label in latest:
                self._row(label)
            if not latest:
                text("li", "Nobody has said anything yet.", "dim")

    def _row(self, label: Label) -> None:
        with block("li"):
            button(
                label.frame_id,
                lambda: self._look_at(label.frame_id),
                kind="quiet small mono",
                name=f"Look at item {label.frame_id} again",
            )
            text("span", shown(label.label), "grow")
            text("span", f"{label.who} · {label.when[11:16]} UTC", "dim")


class ExportPanel:
    """The labels as others read them: downloads, and the commands of the trainer."""

    def __init__(self, run_dir: Path, classes: tuple[str, ...], write: Callable[[], Any]) -> None:
        with panel("Hand over"):
            with block("div", "row"):
                self._download("Class folders (.zip)", run_dir.name, "zip")
                self._download("Label Studio (.json)", run_dir.name, "json")
                self._download("its interface (.xml)", run_dir.name, "xml")
            root = run_dir.resolve().parent
            text("p", f"Label Studio's LOCAL_FILES_DOCUMENT_ROOT: {root}", "dim spaced")
            text("p", "The trainer reads the labels from the run folder:", "dim spaced")
            _command(ingest_command(run_dir, classes))
            with block("div", "row spaced"):
                button("Write class folders into the run", write)
            self._written = text("p", "", "dim spaced")
            self._train = block("div")

    def wrote(self, folder: Path) -> None:
        """Say where the class folders are, and what to do with them."""
        self._written.set_text("Written. To train on them beside other pictures:")
        self._train.clear()
        with self._train:
            _command(
                "python -m training train --data DATA "
                f"--extra {shlex.quote(str(folder))} --out runs/next"
            )

    @staticmethod
    def _download(words: str, run: str, kind: str) -> None:
        link = text("a", words, "button")
        attribute(link, "href", export_address(run, kind))
        attribute(link, "download", "")


def ingest_command(run_dir: Path, classes: tuple[str, ...]) -> str:
    """What takes the labels into a folder to train on."""
    names = shlex.quote(",".join(name for name in classes if name != NONE_OF_THESE))
    run = shlex.quote(str(run_dir))
    return f"python -m training ingest {run} --out datasets/reviewed --classes {names}"


def _command(words: str) -> Text:
    with block("div", "command"):
        command = text("code", words)
        attribute(command, "tabindex", 0)
        copy = button("Copy", kind="small", name="Copy the command")
        copy.on(
            "click",
            js_handler="(e) => { navigator.clipboard.writeText("
            "e.target.previousElementSibling.textContent); scrapline.say('Copied.'); }",
        )
    return command
