"""Where items come from: drawn, read from files, filmed."""

from __future__ import annotations

from producers.sources.folder import FolderSource
from producers.sources.procedural import ProceduralSource
from producers.sources.source import ItemFacts, RecordedSource, Source
from producers.sources.spec import keep_pictures, open_source, open_spec
from producers.sources.video import VideoSource, WebcamSource

__all__ = [
    "FolderSource",
    "ItemFacts",
    "ProceduralSource",
    "RecordedSource",
    "Source",
    "VideoSource",
    "WebcamSource",
    "keep_pictures",
    "open_source",
    "open_spec",
]
