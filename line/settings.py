"""Every setting of the line: type, unit (in the name), range and meaning.

The values come from `config.toml`, which holds all of them, so nothing here has a default.
`line.config` reads and merges the layers; a validated `Settings` is frozen and travels to the
child processes as `RUN_DIR/settings.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from line.connection_settings import (
    MqttSettings,
    PlacementSettings,
    PostgresSettings,
    TransportSettings,
    placed_here,
)
from line.console_settings import ConsoleSettings
from line.errors import BadInput
from line.events import Drift, Event
from line.section import (
    DEFAULT_ENGINE,
    SHORT_HASH,
    SINKS,
    SWITCHES,
    EngineName,
    Fraction,
    PathText,
    Section,
)
from line.section import Role as Role
from line.validation_errors import first_fault
from pictures.class_names import complaint_about_names


class LineSettings(Section):
    workers: Annotated[int, Field(ge=0, le=256)] | Literal["auto"] = Field(
        description="classifier processes; auto = one for each core; 0 = other machines do it all"
    )
    cameras: int = Field(ge=1, le=64, description="lanes, each with a belt and a camera of its own")
    speed: Annotated[float, Field(ge=0.001, le=1000)] | Literal["max"] = Field(
        description="clock multiplier; max = as fast as possible, lossless, without deadlines"
    )
    seed: int = Field(ge=0, lt=2**63, description="the belt's seed: same seed, same belt")
    duration_s: float = Field(ge=0, le=86400 * 30, description="belt time to feed for; 0 = no end")
    items: int = Field(ge=0, le=10**9, description="items to feed over all lanes; 0 = no limit")


class SourceSettings(Section):
    spec: PathText = Field(
        min_length=1, description="procedural, a folder, a video file, webcam:N or recording"
    )
    replays: PathText = Field(description="run folder that is fed again; empty = none")
    order: Literal["auto", "once", "random"] = Field(
        description="of a folder's pictures; auto = once"
    )
    max_megapixels: float = Field(gt=0, le=80, description="largest picture accepted, 10^6 px")
    max_file_mb: float = Field(gt=0, le=1000, description="largest picture file, 10^6 bytes")
    max_items: int = Field(ge=1, le=10**7, description="pictures that a folder may hold")
    read_s: float = Field(gt=0, le=600, description="longest that a picture may take to be read")


class BeltSettings(Section):
    speed_m_per_s: float = Field(ge=0.001, le=20)
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
    value_per_t: float = Field(
        default=0.0, ge=0, le=1e9, description="of a tonne recovered, in any currency"
    )  # a default because config.toml cannot know the classes of other people's scenarios


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
    prepare: Literal["live", "ahead", "all"] = Field(
        description="pictures made as items are fed; some seconds before; all before the belt runs"
    )
    lead_s: float = Field(gt=0, le=600, description="ahead: so long before its item is fed")
    prepare_mb: int = Field(
        ge=1, le=10**6, description="a lane's pictures that are made ahead, 10^6 bytes"
    )


class ModelSettings(Section):
    path: PathText = Field(
        min_length=1, description="an .onnx or .ts file, or a folder holding one"
    )
    engine: EngineName | Literal["auto"] = Field(
        description="what runs it; auto = the fastest that was calibrated for it, as measured"
    )

    @model_validator(mode="before")
    @classmethod
    def _was_called_provider(cls, values: Any) -> Any:
        """Runs of earlier versions say so; what they mean by openvino gives other answers."""
        if not isinstance(values, Mapping) or "provider" not in values:
            return values
        given = {**values}
        engine = {"cpu": DEFAULT_ENGINE, "cuda": "cuda"}.get(str(given.pop("provider")))
        if "engine" in given or engine is None:
            raise ValueError("provider is called engine now: onnxruntime, openvino, cuda or auto")
        return {**given, "engine": engine}


class Promised(Section):
    """A purity that is promised for a class's bin, and the threshold that it was found at."""

    class_name: str
    purity: Annotated[float, Field(gt=0, lt=1)]
    threshold: Fraction
    labels: int = Field(ge=0, description="labelled items that were taken for the class")
    reach: int = Field(ge=0, description="those of them that reach the threshold")
    wrong: int = Field(ge=0, description="and those of these that are of another class")
    model: str = Field(pattern=f"^{SHORT_HASH}$", description="as rows name it; it is for no other")

    @field_validator("class_name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if complaint := complaint_about_names((name,)):
            raise ValueError(complaint)
        return name


Energy = Annotated[float, Field(ge=-1e6, le=1e6)]


class DecisionSettings(Section):
    threshold: Fraction | Literal["model"] = Field(
        description="less confident than this: left on the belt; model: as the model file says"
    )
    novelty_energy: Energy | Literal["model", "off"] = Field(
        description="stranger than this: left on the belt; model: as the model file says"
    )
    promise: dict[str, Annotated[float, Field(gt=0, lt=1)]] = Field(
        description="class → purity of its bin that a threshold of its own is to keep"
    )
    promise_labels: PathText = Field(
        description="file of labels that it rests on, made by run_line.py promise; empty = none"
    )
    promised: tuple[Promised, ...] = Field(
        description="what the runner has found at the start; nobody sets it"
    )

    @model_validator(mode="before")
    @classmethod
    def _of_an_earlier_version(cls, values: Any) -> Any:
        """Its runs have promised nothing, and knew no energies."""
        nothing: dict[str, Any] = {"promise": {}, "promise_labels": "", "promised": ()}
        nothing["novelty_energy"] = "off"
        return {**nothing, **values} if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _promises_what_labels_say(self) -> DecisionSettings:
        """The items that a limit leaves in a bin are others than its labels were drawn from."""
        if self.promise and self.novelty_energy != "off":
            raise ValueError('promise: labels do not know energies; novelty_energy must be "off"')
        return self

    def thresholds_of(self, model: str) -> dict[str, float]:
        """Class → threshold, where something is promised of the model with this short hash."""
        return {each.class_name: each.threshold for each in self.promised if each.model == model}


class WorkerSettings(Section):
    credit: Annotated[int, Field(ge=1, le=64)] | Literal["auto"] = Field(
        description="frames a worker may hold, a batch is half of it; auto: 2, and 8 at max, and "
        "of a worker that gains by batches as many as their deadlines allow"
    )
    lease_s: float = Field(
        gt=0, le=600, description="a worker silent on a frame for longer is hung"
    )
    attempts: int = Field(ge=1, le=100, description="workers a frame may cost before it is failed")
    nice: int = Field(ge=0, le=19, description="workers yield the processor to the camera")


class SinkSettings(Section):
    credit: int = Field(ge=1, le=4096, description="outcomes a sink may hold unwritten")
    patience_s: float = Field(
        ge=0, le=86_400, description="wait for room on a full disk before giving up"
    )
    behind_rows: int = Field(
        ge=1, le=10**9, description="a follower that is further behind the log is an alarm"
    )


class MessageSettings(Section):
    header_kb: int = Field(ge=512, le=65_536, description="longest header, 1000 bytes")
    picture_mb: int = Field(
        ge=1, le=1024, description="largest picture in a message, packed or unpacked, 10^6 bytes"
    )

    @property
    def header_bytes(self) -> int:
        return 1000 * self.header_kb

    @property
    def picture_bytes(self) -> int:
        return 10**6 * self.picture_mb


class SupervisorSettings(Section):
    hang_s: float = Field(gt=0, le=600, description="a process without a heartbeat is killed")
    start_s: float = Field(gt=0, le=600, description="time to become ready before it is killed")
    stop_s: float = Field(gt=0, le=600, description="time for the whole ordered stop")
    restarts_per_min: int = Field(ge=0, le=10_000, description="budget of one process")
    failed_starts: int = Field(ge=1, le=100, description="in a row, before a process is given up")
    log_mb: float = Field(
        gt=0, le=1000, description="a process's log; one older part of the same size is kept"
    )


class MetricsSettings(Section):
    port: int = Field(ge=0, le=65_535, description="/metrics and /healthz on 127.0.0.1; 0 = off")


class AlertSettings(Section):
    window_items: int = Field(ge=10, le=10**6, description="items a rate is taken over")
    not_in_time_rate: Fraction = Field(description="dropped, expired or late: alarm above")
    failed_rate: Fraction = Field(description="failed: alarm above")
    unsure_rate: Fraction = Field(description="less sure than the threshold: alarm above")
    clear_ratio: Fraction = Field(description="a rate's alarm ends at this share of its limit")
    on_delay_s: float = Field(ge=0, le=3600, description="an alarm's cause has to stand so long")
    off_delay_s: float = Field(ge=0, le=3600, description="and has to be gone for so long")
    per_s_max: int = Field(ge=1, le=10**6, description="events on single items; more become one")


class DriftSettings(Section):
    enabled: bool = Field(description="watch whether answers and pictures are as they were")
    learn_items: int = Field(
        ge=20, le=10**6, description="answered items of a lane before anything is said"
    )
    false_alarm_items: int = Field(
        ge=1000, le=10**12, description="a lane has one false alarm in so many items at most"
    )
    clear_items: int = Field(
        ge=20, le=10**6, description="items that must look as before until an alarm ends"
    )


def _unwatched() -> DriftSettings:
    """As in runs of before there was a watch."""
    return DriftSettings(
        enabled=False, learn_items=60, false_alarm_items=1_000_000, clear_items=200
    )


class ReviewSettings(Section):
    enabled: bool = Field(description="keep doubtful items for labelling")
    margin: Fraction = Field(description="queue items whose top two classes are closer than this")
    random_share: Fraction = Field(description="queue this share of the other items as well")
    per_class_max: int = Field(ge=1, le=10**6, description="queued items of a predicted class")
    per_minute_max: int = Field(ge=1, le=10**6, description="queued items a minute of belt time")
    max_pictures: int = Field(ge=1, le=10**6, description="queued items in all")
    max_mb: int = Field(ge=1, le=10**6, description="their pictures' files, 10^6 bytes")
    spool_mb: int = Field(
        ge=1, le=10**5, description="a lane's pictures that wait for review, 10^6 bytes"
    )
    near_duplicate_bits: int = Field(
        ge=0, le=64, description="difference hashes this close count as the same picture; 0 = exact"
    )


class ResultSettings(Section):
    dir: PathText = Field(min_length=1, description="where run folders are made")
    durability: Literal["process", "power"] = Field(
        description="what an acknowledged row survives: any process's death, or a power cut"
    )
    readable_by: Literal["owner", "group", "all"] = Field(
        description="who may read a run's files, whatever the umask; only the owner may write"
    )

    @property
    def survives_power_cut(self) -> bool:
        return self.durability == "power"

    @property
    def umask(self) -> int:
        """Permission bits that no file of a run has."""
        return {"owner": 0o077, "group": 0o027, "all": 0o022}[self.readable_by]


class RecordSettings(Section):
    enabled: bool = Field(description="write what passes the photo-eyes to the run folder, as MCAP")
    max_mb: int = Field(ge=1, le=10**7, description="of a lane, 10^6 bytes; then recording ends")


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
    message: MessageSettings
    transport: TransportSettings
    placement: PlacementSettings = Field(default_factory=placed_here)
    supervisor: SupervisorSettings
    metrics: MetricsSettings
    console: ConsoleSettings
    alerts: AlertSettings
    drift: DriftSettings = Field(default_factory=_unwatched)
    review: ReviewSettings
    results: ResultSettings
    record: RecordSettings
    postgres: PostgresSettings
    mqtt: MqttSettings
    events: tuple[Event, ...]

    @field_validator("classes")
    @classmethod
    def _may_be_called_so(cls, classes: dict[str, ClassSettings]) -> dict[str, ClassSettings]:
        if classes and (complaint := complaint_about_names(tuple(classes))):
            raise ValueError(complaint)
        return classes

    @model_validator(mode="after")
    def _deadline_lies_after_the_camera(self) -> Settings:
        if self.line.speed != "max" and self.deadline_s <= 0:
            raise ValueError(
                "belt.actuator_ms: longer than the item takes from camera to ejector "
                f"({1000 * self.travel_s:.0f} ms at {self.belt.speed_m_per_s} m/s)"
            )
        return self

    @model_validator(mode="after")
    def _bins_are_promised_by_labels(self) -> Settings:
        if self.belt.residue_class in self.decision.promise:
            name = self.belt.residue_class
            raise ValueError(f"decision.promise.{name}: the residue class has no bin")
        if self.decision.promise and not self.decision.promise_labels:
            raise ValueError("decision.promise_labels: decision.promise needs a file of labels")
        return self

    @model_validator(mode="after")
    def _a_picture_of_the_camera_fits_a_message(self) -> Settings:
        size = 3 * self.camera.width_px * self.camera.height_px
        if size > self.message.picture_bytes:
            raise ValueError(
                "message.picture_mb: less than a picture of the camera "
                f"({size / 1e6:.1f} MB at {self.camera.width_px}x{self.camera.height_px} px)"
            )
        return self

    @model_validator(mode="after")
    def _workers_elsewhere_can_join(self) -> Settings:
        on_cluster = self.placement.is_on_cluster
        fault = self.transport.fault(self.line.workers, on_cluster=on_cluster)
        fault = fault or self.placement.fault()
        if fault:
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _no_drift_outruns_the_actuator(self) -> Settings:
        for number, event in enumerate(self.events):
            if not isinstance(event, Drift) or self.line.speed == "max":
                continue
            travel_ms = 1000 * self.travel_s / event.factor
            if travel_ms <= self.belt.actuator_ms:
                raise ValueError(
                    f"events.{number}.factor: the item would take {travel_ms:.0f} ms from camera "
                    f"to ejector, no longer than belt.actuator_ms = {self.belt.actuator_ms:g}"
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
            if event.role == "sink" and event.index not in self.sinks:
                name, switch = event.index, SWITCHES[str(event.index)]
                raise ValueError(
                    f"events.{number}.index: there is no {name} with {switch}.enabled = false"
                )
        return self

    def replaced(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with values replaced, and tables laid over: `{"line": {"workers": 2}}`.

        Raises:
            BadInput: naming the setting that they do not allow.
        """
        values = self.model_dump()
        for key, value in changes.items():
            values[key] = {**values[key], **value} if isinstance(value, Mapping) else value
        try:
            return Settings.model_validate(values)
        except ValidationError as error:
            raise BadInput(first_fault(error)) from None

    @property
    def sinks(self) -> tuple[str, ...]:
        """Names of the sink processes that the run has, the log first."""
        off = {name for name, table in SWITCHES.items() if not getattr(self, table).enabled}
        return tuple(name for name in SINKS if name not in off)

    @property
    def travel_s(self) -> float:
        """Belt time from the photo-eye to the ejector."""
        return self.belt.camera_to_ejector_m / self.belt.speed_m_per_s

    @property
    def deadline_s(self) -> float:
        """Belt time from the trigger to the last moment for a decision."""
        return self.travel_s - self.belt.actuator_ms / 1000

    @property
    def worker_credit(self) -> int:
        """Frames that a worker may hold. At `max` nobody waits for a single answer: batches pay."""
        if self.worker.credit == "auto":
            return 8 if self.line.speed == "max" else 2
        return self.worker.credit

    @property
    def drawn_px(self) -> tuple[int, int] | None:
        """Height and width of all pictures, if they are drawn; other sources bring their own."""
        if self.source.spec != "procedural":
            return None
        return self.camera.height_px, self.camera.width_px

    @property
    def by_slack(self) -> bool:
        """Whether a worker that gains by batches is given them as the frames' deadlines allow."""
        return self.worker.credit == "auto"

    def mass_g(self, name: str | None) -> float:
        """Mass of one item of class `name`, in grams."""
        known = self.classes.get(name) if name is not None else None
        return known.mass_g if known else self.belt.item_mass_g
