"""`run.json`: what the runner alone knows about a run, written when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from line.errors import BadInput
from line.model.facts import ModelFacts, short_hash
from line.own_file import LARGEST_JSON, read_regular
from line.plain_text import plain
from line.run_files.session import Session
from line.section import DEFAULT_ENGINE
from line.settings import Settings
from line.supervise.fault_injection import describe
from line.validation_errors import damaged
from reports.processor import ProcessorFacts

Count = Annotated[int, Field(ge=0, le=2**53)]
Duration = Annotated[float, Field(ge=0, le=1e12)]
Speed = Annotated[float, Field(gt=0, le=1e9)]
Share = Annotated[float, Field(ge=0, le=1)]


class RanModel(BaseModel):
    """The model that ran. `sha256` is of the file, in hex."""

    model_config = ConfigDict(frozen=True)

    path: str = ""
    sha256: str = ""
    classes: tuple[str, ...] = ()
    engine: str = DEFAULT_ENGINE
    engine_reason: str = ""

    @property
    def short_hash(self) -> str:
        """As rows name it."""
        return short_hash(self.sha256, self.engine) if self.sha256 else ""


class Use(BaseModel):
    """Share of the cores, over seconds."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    mean: Share
    p95: Share


class MachineFacts(BaseModel):
    """What the machine did while the belt ran, see `line.observe.machine`."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    cores: Annotated[float, Field(ge=0, le=1e6)]
    sampled_s: Duration
    full_s: Duration
    line: Use
    others: Use
    steal: Use
    triggers_ms: dict[str, float | None] | None = None
    limits: Annotated[
        list[Annotated[str, AfterValidator(lambda text: plain(text, 300))]], Field(max_length=10)
    ]


class Facts(BaseModel):
    """The runner's figures; `None` where it could not tell. Unknown keys are ignored."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    fed: Count | None = None
    """items that passed a camera's photo-eye, over all lanes"""
    wall_s: Duration | None = None
    """wall time from the first trigger to the last outcome"""
    workers: Count | None = None
    speed: Speed | Literal["max"] | None = None
    """clock multiplier"""
    clock: Literal["real", "virtual"] = "real"
    """whether processes did it, or the planner's twin of them"""
    model: RanModel = RanModel()
    models: tuple[RanModel, ...] = ()
    """all that were to serve, in the order in which they were first ordered"""
    restarts: dict[str, Count] = {}
    """unplanned restarts of each role"""
    sessions: Count = 1
    """runners that it took: one more for each time that the run was resumed"""
    orders: Count = 0
    """given to the line while it ran, see orders.jsonl"""
    faults: list[dict[str, Any]] = []
    """the scenario's faults that were injected: its table, and `process` and `injected_at`"""
    trigger_jitter_ms: dict[str, float | None] | None = None
    """how late the cameras triggered: p50, p95, p99, max, in wall milliseconds"""
    pictures: dict[str, Count] | None = None
    """of items at a photo-eye: made `ahead` or `live`; `processor_ms` spent on those made ahead"""
    processor: ProcessorFacts | None = None
    machine: MachineFacts | None = None
    ended: str | None = None
    """`finished`, `drained` or `stopped`"""


def session_facts(run_dir: Path, settings: Settings) -> Facts:
    """What is known of a run without accounts, from what its session kept; empty without one.

    Not known are the items fed, how long it took, and how it ended.
    """
    try:
        session = Session.load(run_dir)
        model = ModelFacts.load(run_dir)
    except BadInput:
        return Facts()
    return Facts(
        workers=session.overrides.workers,
        model=_ran(model),
        models=tuple(map(_ran, session.overrides.all_models(model))),
        restarts=session.restarts,
        sessions=session.number,
        orders=session.overrides.orders,
        faults=describe(settings.events, session),
    )


def _ran(model: ModelFacts) -> RanModel:
    return RanModel.model_validate(model.told)


def read_facts(path: Path) -> Facts | None:
    """The facts in the file `path`; `None` if there is none, because the run was cut off.

    Raises:
        BadInput: naming the file and the field that is wrong, or the file that cannot be read.
    """
    try:
        return Facts.model_validate_json(read_regular(path, LARGEST_JSON, follow_links=True))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except ValidationError as error:
        raise damaged(path, error) from None
