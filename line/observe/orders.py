"""What somebody may ask of a running line, by its control socket. `action` says which order it is.

An order is checked whole before anything is done: unknown keys and values out of range are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from line.errors import BadInput
from line.section import EngineName, Fraction, Section


def _absolute(path: str) -> str:
    if not Path(path).is_absolute():
        raise PydanticCustomError("path", "must be an absolute path")
    if "\0" in path:
        raise PydanticCustomError("path", "must not hold a zero byte")
    return path


ModelFile = Annotated[str, Field(max_length=700), AfterValidator(_absolute)]
"""A model file, or a folder that holds one."""


class Pause(Section):
    """The infeed stands still from a moment on; what is on the belt rides on."""

    action: Literal["pause"]


class Unpause(Section):
    """The infeed goes on where it stopped."""

    action: Literal["unpause"]


class BeltSpeed(Section):
    """The belts run at this speed from a moment on: same items, other times."""

    action: Literal["belt_speed"]
    m_per_s: float = Field(ge=0.001, le=20, description="metres a second")


class ClockSpeed(Section):
    """Belts and deadlines run `multiplier` times as fast as the wall's clock from a moment on."""

    action: Literal["clock"]
    multiplier: float = Field(ge=0.001, le=1000)


class Threshold(Section):
    """Items decided from now on stay on the belt if they are less sure than `value`."""

    action: Literal["threshold"]
    value: Fraction


class Workers(Section):
    """So many workers, here or on the cluster; those beyond finish what they hold, and leave."""

    action: Literal["workers"]
    count: int = Field(ge=0, le=256)


class Swap(Section):
    """The workers change to another model, one after another, while the line runs."""

    action: Literal["swap"]
    model: ModelFile
    engine: EngineName | None = Field(default=None, description="none: the one that serves")


class Shadow(Section):
    """A shadow model answers for a share of the items as well, without effect on the line."""

    action: Literal["shadow"]
    model: ModelFile
    engine: EngineName | None = Field(default=None, description="none: the one that serves")
    share: float = Field(gt=0, le=1, description="of the items that a model answers for")


class ShadowOff(Section):
    """The shadow model leaves."""

    action: Literal["shadow_off"]


class Kill(Section):
    """SIGKILL to a process of this line; it is restarted as after any other death."""

    action: Literal["kill"]
    process: str = Field(min_length=1, max_length=80, description="its name, as worker-0")


class Drain(Section):
    """Feed nothing more, finish what is on the belt, end: as one Ctrl-C."""

    action: Literal["drain"]


class Stop(Section):
    """End at once: as two Ctrl-C."""

    action: Literal["stop"]


BeltOrder = Pause | Unpause | BeltSpeed | ClockSpeed
"""Orders that change the belt: they take effect at a belt second, also for whoever runs it again"""
ModelOrder = Swap | Shadow | ShadowOff
Order = BeltOrder | Threshold | Workers | ModelOrder | Kill | Drain | Stop

_MODELS = {
    str(get_args(model.model_fields["action"].annotation)[0]): model for model in get_args(Order)
}
ACTIONS = tuple(_MODELS)
"""The actions that there are."""
_ANY: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="action")])


def parse_order(facts: Mapping[str, Any]) -> Order:
    """The order that `facts` (its `action` and its own fields) stand for.

    Raises:
        BadInput: in one line that names the field.
    """
    action = facts.get("action")
    if not isinstance(action, str) or action not in _MODELS:
        raise BadInput(f"{str(action)[:40]}: no such order; there are {', '.join(ACTIONS)}")
    try:
        return _ANY.validate_python(facts)
    except ValidationError as error:
        raise BadInput(_explain(action, error)) from None


def _explain(action: str, error: ValidationError) -> str:
    first = error.errors()[0]
    field = str(first["loc"][-1])[:40]
    if first["type"] == "extra_forbidden":
        known = [name for name in _MODELS[action].model_fields if name != "action"]
        takes = f"takes {', '.join(known)}" if known else "takes nothing"
        return f"{action}.{field}: unknown; {action} {takes}"
    said = "" if first["type"] == "missing" else f", not {repr(first['input'])[:40]}"
    return f"{action}.{field}: {first['msg']}{said}"
