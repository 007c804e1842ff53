"""Every setting of the line: type, unit (in the name), range and meaning.

The values come from `config.toml`, which holds all of them, so nothing here has a default.
`line.config` reads and merges the layers; a validated `Settings` is frozen and travels to the
child processes as `RUN_DIR/settings.json`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Role = Literal["dispatcher", "worker", "camera", "sink"]
SINKS = ("csv_log", "alerts", "active_learning")
"""The sink processes, in the order in which an outcome reaches them: the CSV row is the truth."""

Fraction = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A table of the configuration: unknown keys refused, values frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LineSettings(Section):
    workers: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = Field(
        description="classifier processes; auto = one for each core this process may use"
    )
    cameras: int = Field(ge=1, le=64, description="lanes, each with a belt and a camera of its own")
    speed: Annotated[float, Field(gt=0, le=1000)] | Literal["max"] = Field(
        description="clock multiplier; max = as fast as possible, lossless, without deadlines"
    )
    seed: int = Field(ge=0, lt=2**63, description="the belt's seed: same seed, same belt")
    duration_s: float = Field(ge=0, le=86400 * 30, description="belt time to feed for; 0 = no end")
    items: int = Field(ge=0, le=10**9, description="items to feed over all lanes; 0 = no limit")


class SourceSettings(Section):
    spec: str = Field(min_length=1, description="procedural, a folder, a video file or webcam:N")
    order: Literal["auto", "once", "random"] = Field(
        description="of a folder's pictures; auto = once"
    )
    max_megapixels: float = Field(gt=0, le=80, description="largest picture accepted, 10^6 px")


class BeltSettings(Section):
    speed_m_per_s: float = Field(gt=0, le=20)
    infeed_to_camera_m: float = Field(ge=0, le=50)
    camera_to_ejector_m: float = Field(gt=0, le=50)
    ejector_to_end_m: float = Field(ge=0, le=50)
    actuator_ms: float = Field(ge=0, le=10_000, description="from command to stroke")
    min_gap_m: float = Field(ge=0, le=10, description="closest that the feeder sets two items")
    item_mass_g: float = Field(gt=0, le=1e6, description="of an item whose class lists no mass")
    residue_class: str = Field(description="runs off the end of the belt; empty = none")


class InfeedSettings(Section):
    process: Literal["regular", "poisson", "bursts"]
    items_per_min: float = Field(gt=0, le=10**6, description="per lane; in bursts: while feeding")
    burst_s: float = Field(gt=0, le=3600, description="bursts only: feeding time")
    pause_s: float = Field(ge=0, le=3600, description="bursts only: idle time between bursts")


class ClassSettings(Section):
    share: float = Field(ge=0, le=1e6, description="weight in the mix of a procedural infeed")
    mass_g: float = Field(gt=0, le=1e6)


class CameraSettings(Section):
    width_px: int = Field(ge=32, le=4096)
    height_px: int = Field(ge=32, le=4096)
    view_m: float = Field(gt=0, le=10, description="belt seen across the picture's width")
    effects: Literal["auto", "on", "off"] = Field(
        description="exposure, lamp, vignetting, noise; auto = off for a folder fed once"
    )
    exposure_ms: float = Field(ge=0, le=100)
    lamp: float = Field(ge=0, le=4, description="lamp level, 1 = nominal")
    lamp_drift_per_min: float = Field(ge=-10, le=10, description="relative change of the lamp")
    vignetting: Fraction = Field(description="light lost in the corners")
    noise: float = Field(ge=0, le=64, description="standard deviation in grey levels")
    encoding: Literal["raw", "jpeg"]
    jpeg_quality: int = Field(ge=1, le=100)
    window_frames: int = Field(ge=1, le=4096, description="frames kept until acknowledged")


class ModelSettings(Section):
    path: str = Field(min_length=1, description="an .onnx or .ts file, or a folder holding one")
    provider: Literal["cpu", "cuda", "openvino"]


class DecisionSettings(Section):
    threshold: Fraction | Literal["model"] = Field(
        description="less confident than this: left on the belt; model: as the model file says"
    )


class WorkerSettings(Section):
    credit: int = Field(ge=1, le=64, description="frames a worker may hold; a batch is half of it")
    lease_s: float = Field(
        gt=0, le=600, description="a worker silent on a frame for longer is hung"
    )
    attempts: int = Field(ge=1, le=100, description="workers a frame may cost before it is failed")
    nice: int = Field(ge=0, le=19, description="workers yield the processor to the camera")


class SinkSettings(Section):
    credit: int = Field(ge=1, le=4096, description="outcomes a sink may hold unwritten")


class SupervisorSettings(Section):
    hang_s: float = Field(gt=0, le=600, description="a process without a heartbeat is killed")
    start_s: float = Field(gt=0, le=600, description="time to become ready before it is killed")
    stop_s: float = Field(gt=0, le=600, description="time for the whole ordered stop")
    restarts_per_min: int = Field(ge=0, le=10_000, description="budget of one process")
    failed_starts: int = Field(ge=1, le=100, description="in a row, before a process is given up")


class AlertSettings(Section):
    window_items: int = Field(ge=10, le=10**6, description="items a rate is taken over")
    drop_rate: Fraction = Field(description="dropped, expired or failed: alert above")
    late_rate: Fraction = Field(description="late: alert above")
    clear_ratio: Fraction = Field(description="alert ends below this share of its limit")


class ReviewSettings(Section):
    enabled: bool = Field(description="keep doubtful items for labelling")
    margin: Fraction = Field(description="queue items whose top two classes are closer than this")
    random_share: Fraction = Field(description="queue this share of the other items as well")
    per_class_max: int = Field(ge=1, le=10**6, description="queued items of a predicted class")
    per_minute_max: int = Field(ge=1, le=10**6, description="queued items a minute of belt time")
    near_duplicate_bits: int = Field(
        ge=0, le=64, description="difference hashes this close count as the same picture; 0 = exact"
    )


class ResultSettings(Section):
    dir: str = Field(min_length=1, description="where run folders are made")


class Kill(Section):
    """A timed fault: SIGKILL to one process, on the belt's clock."""

    at_s: float = Field(ge=0, description="belt time")
    action: Literal["kill"]
    role: Role
    index: Annotated[int, Field(ge=0)] | Literal["csv_log", "alerts", "active_learning"] = Field(
        default=0, description="number of the worker or camera, or the sink's name"
    )

    @model_validator(mode="after")
    def _index_fits_role(self) -> Kill:
        if (self.role == "sink") != isinstance(self.index, str):
            wanted = f"one of {', '.join(SINKS)}" if self.role == "sink" else "a number"
            raise ValueError(f"index of role {self.role} must be {wanted}, not {self.index!r}")
        return self

    @property
    def process(self) -> str:
        """Name of the process it hits."""
        if self.role == "dispatcher":
            return "dispatcher"
        return str(self.index) if self.role == "sink" else f"{self.role}-{self.index}"


class Settings(Section):
    """The whole configuration of one run."""

    title: str = Field(description="of the scenario")
    line: LineSettings
    source: SourceSettings
    belt: BeltSettings
    infeed: InfeedSettings
    classes: dict[str, ClassSettings]
    camera: CameraSettings
    model: ModelSettings
    decision: DecisionSettings
    worker: WorkerSettings
    sink: SinkSettings
    supervisor: SupervisorSettings
    alerts: AlertSettings
    review: ReviewSettings
    results: ResultSettings
    events: tuple[Kill, ...]

    @model_validator(mode="after")
    def _deadline_lies_after_the_camera(self) -> Settings:
        if self.line.speed != "max" and self.deadline_s <= 0:
            raise ValueError(
                "belt.actuator_ms: longer than the item takes from camera to ejector "
                f"({1000 * self.travel_s:.0f} ms at {self.belt.speed_m_per_s} m/s)"
            )
        return self

    @model_validator(mode="after")
    def _events_hit_processes_that_exist(self) -> Settings:
        for number, event in enumerate(self.events):
            count = {"camera": self.line.cameras, "worker": self.line.workers}.get(event.role)
            if isinstance(count, int) and isinstance(event.index, int) and event.index >= count:
                raise ValueError(
                    f"events.{number}.index: there is no {event.role}-{event.index} "
                    f"with {count} {event.role}s"
                )
            if event.index == SINKS[-1] and not self.review.enabled:
                raise ValueError(
                    f"events.{number}.index: there is no {event.index} with review.enabled = false"
                )
        return self

    @property
    def travel_s(self) -> float:
        """Belt time from the photo-eye to the ejector."""
        return self.belt.camera_to_ejector_m / self.belt.speed_m_per_s

    @property
    def deadline_s(self) -> float:
        """Belt time from the trigger to the last moment for a decision."""
        return self.travel_s - self.belt.actuator_ms / 1000

    def mass_g(self, name: str | None) -> float:
        """Mass of one item of class `name`, in grams."""
        known = self.classes.get(name) if name is not None else None
        return known.mass_g if known else self.belt.item_mass_g
