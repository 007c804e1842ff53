"""`python -m producers`: a camera process with its belt, started by the supervisor."""

from __future__ import annotations

import math
import sys
from contextlib import ExitStack, closing
from importlib import import_module

import simpy

from line.belt_time import Clock
from line.errors import BadInput, ScraplineError
from line.process.client import Client
from line.process.context import ProcessContext, enter_process, leave
from line.process.heartbeat import Heartbeat
from line.process.picture_ring import RingWriter
from line.run_files.picture_statistics import StatisticsWriter
from line.run_files.review_spool import FOLDER, SpoolWriter
from producers.ahead.lead import Lead
from producers.ahead.maker import Maker
from producers.ahead.run_pictures import can_be_ahead, picture_bytes, wanted
from producers.ahead.slots import Slots
from producers.arrivals import feed_of
from producers.camera import Camera
from producers.feed import Feed, FeedMark, mark_at
from producers.lane import belt_of
from producers.photographer import Photographer, photographer
from producers.progress import Progress, feed_checksum, resume_note
from producers.shot import Take
from producers.sources import FolderSource, Source, VideoSource, WebcamSource, open_source
from producers.sources.separate import SeparateSource
from producers.start import await_start
from producers.studio import Archive, Studio


def main() -> int:
    context = enter_process()
    try:
        with ExitStack() as stack:
            _run(context, stack)
    except ScraplineError as error:
        return leave(context, error)
    return 0


def _run(context: ProcessContext, stack: ExitStack) -> None:
    settings = context.settings
    # The studio's thread must not keep the trigger waiting for the interpreter lock.
    sys.setswitchinterval(0.0005)
    source = stack.enter_context(closing(_source(context)))
    path = context.run_dir / f"{context.name}.progress"
    progress = Progress(
        path,
        context.runtime_dir / f"{context.name}.stop",
        feed=feed_checksum(settings, context.index),
        durable=settings.results.survives_power_cut,
    )
    stack.enter_context(closing(progress))
    feed = feed_of(source, settings, context.index)
    try:
        first = mark_at(feed, max(0, progress.low - 1), progress.mark, Heartbeat(context))
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    context.channel.send("progress", **resume_note(progress.record))
    if settings.record.enabled:
        import_module("producers.recorder")  # it takes its time: now, not at the first trigger
    take = photographer(source, settings, context.index)
    lead = _lead(context, stack, source, take, feed, first)
    client = stack.enter_context(Client(context))
    start = await_start(client, lead, wanted(source, settings, context.index, progress.low))
    if start is None:
        return
    speed = math.inf if settings.line.speed == "max" else settings.line.speed
    clock = Clock(start.zero, speed)
    studio = stack.enter_context(
        Studio(
            take,
            settings.camera.encoding,
            settings.camera.jpeg_quality,
            nice=settings.worker.nice,
            picture_bytes=settings.message.picture_bytes,
            archive=_archive(context, stack, source, clock),
            lead=lead,
            is_measured=settings.drift.enabled,
        )
    )
    ring = _ring(context, progress)
    spool = _spool(context)
    statistics = None
    if settings.drift.enabled:
        statistics = stack.enter_context(closing(StatisticsWriter(context.run_dir, context.index)))
    since = start.since
    Camera(
        client, clock, source, feed, first, studio, progress, since, spool, ring, statistics
    ).run()


def _source(context: ProcessContext) -> Source:
    """The run's source; pictures that are read, not drawn, come from a process of their own."""
    source = open_source(context.settings, context.run_dir, opened=False)
    if not isinstance(source, FolderSource | VideoSource | WebcamSource):
        return source
    is_needed = not can_be_ahead(source, context.settings)
    separate = SeparateSource(source, context.settings, context.run_dir, at_once=is_needed)
    if not source.is_reproducible:
        separate.check()  # a device that is not there is found out at the start
    return separate


def _ring(context: ProcessContext, progress: Progress) -> RingWriter | None:
    """The memory in which the line reads this camera's pictures, if there is any."""
    camera = context.settings.camera
    if not context.rings:
        return None
    # What a predecessor left to items under way takes slots beyond those of the window.
    slots, picture_bytes = 2 * camera.window_frames, 3 * camera.height_px * camera.width_px
    return RingWriter(context.rings[0], slots, picture_bytes, settled=progress)


def _lead(
    context: ProcessContext,
    stack: ExitStack,
    source: Source,
    take: Take,
    feed: Feed,
    first: FeedMark,
) -> Lead | None:
    """The pictures that another process makes before they are needed, where that can be done."""
    settings = context.settings
    if not (can_be_ahead(source, settings) and isinstance(take, Photographer)):
        return None
    camera = settings.camera
    slot_bytes = settings.message.picture_bytes
    slots = Slots(10**6 * camera.prepare_mb, slot_bytes, picture_bytes(settings))
    maker = Maker(context.run_dir, context.index, settings, slots.fd)

    def tell(number: int, text: str) -> None:
        name = f"maker-{context.identity}-{number}"
        context.channel.send("incident", id=name, event="maker", text=text)

    env = simpy.Environment()  # of a belt that nobody steps: it knows when its items would come
    belt = belt_of(env, settings, context.index, feed, lambda *_: None, first)
    lead = Lead(maker, slots, settings, take.light, belt.items_since, first, tell)
    stack.enter_context(closing(lead))
    lead.turn()  # the maker needs a moment to start
    return lead


def _spool(context: ProcessContext) -> SpoolWriter | None:
    """Where pictures go that may be wanted for review, if there is a review."""
    review = context.settings.review
    if not review.enabled:
        return None
    folder = context.run_dir / "review" / FOLDER
    return SpoolWriter(folder, context.index, 10**6 * review.spool_mb)


def _archive(
    context: ProcessContext, stack: ExitStack, source: Source, clock: Clock
) -> Archive | None:
    """The lane's recording, if the run is to be recorded."""
    if not context.settings.record.enabled:
        return None
    # Imported late: only a run that is recorded writes MCAP files.
    from producers.recorder import Recorder

    return stack.enter_context(
        Recorder(context.run_dir, context.settings, context.index, source, clock)
    )


if __name__ == "__main__":
    sys.exit(main())
