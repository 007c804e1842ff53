"""How the line fares, as a note of plain values: what whoever is connected to it may watch."""

from __future__ import annotations

from typing import Any

from line.observe.status import ProcessState, Status
from line.process.control_channel import ControlMessage
from line.promise.promise_state import PromiseState, promise_state


def status_note(status: Status) -> ControlMessage:
    """The newest status; `None` where something does not apply or is not known yet.

    - `phase`: starting, running, draining, stopping; `shown_phase`: the same, for people
    - `belt_s`, `wall_s`: belt time of the lane that is furthest; seconds since belt second 0
    - `feeding_s`: belt time without the infeed's pauses, which `line.duration_s` is reached by
    - `fed`, `logged`, `verdicts`: items past a photo-eye, rows written, rows by verdict
    - `latency_ms`: p50, p95 and p99 of late; `deadline_ms`: trigger to deadline, wall time;
      `latency_s`: histogram of all rows (`bounds`, `counts`); `bins`: class → items `fed`,
      `ejected` into its bin, and of those `right`
    - `queues`: `windows` (camera → frames kept), `on_belt`, `waiting` for a worker, `held` until
      acknowledged; `window_frames`: where a camera's window is full
    - `processes`: name, role, pid, incarnation, restarts, state (starting, ready, leaving,
      restarting, gone), and of workers `holds` frames, rows `answered` in the run, and `model`
      (short hash, empty for the run's own)
    - `remote_workers`: name, `holds`, `answered`
    - `followers`: sinks that follow the log, with the rows that they have not read yet
    - `alerts`: `count` of events and alarms, alarms `raised`, those `standing` (id, kind, source,
      priority, text of now, `stands_s`), and the `last` events about items; `incidents`: the last
      about the line itself
    - `promises`: of bins, `class_name`, promised `purity`, `threshold`, `model` (short hash), items
      in it that are `labelled`, and `right`, and `state`, see `line.promise.promise_state`
    - `drift`: of lanes that are watched, `source`, items `learned` of `to_learn`, what has `moved`,
      in words, and the class `mix` where it is not the usual: name, usual share, share of the last
    - `machine_limits`: where the machine is the limit, a line of words each
    - `belt_speed_m_per_s`, `clock` (multiplier or "max"), `threshold`, `workers`, `paused`: what
      holds now; `orders`: how many were carried out
    - `swap`: of the last one, `model` (short hash), `state` (under way, done, undone), `reason`
    - `model`: short hash of the one ordered in place of the run's own; `shadow`: `model`, `share`
    """
    stats, flow = status.stats, status.flow
    shadow = status.overrides.shadow
    loads: dict[str, list[int]] = flow.get("loads", {})
    return {
        "title": status.settings.title,
        "phase": status.phase,
        "shown_phase": status.shown_phase,
        "belt_s": status.belt_s,
        "feeding_s": status.feeding_s,
        "wall_s": status.wall_s,
        "fed": status.fed_to_show,
        "logged": stats.get("logged", 0),
        "verdicts": stats.get("verdicts", {}),
        "accuracy": stats.get("accuracy"),
        "latency_ms": stats.get("latency_ms"),
        "latency_s": stats.get("latency_s"),
        "bins": stats.get("bins", {}),
        "deadline_ms": status.deadline_ms,
        "queues": {
            "windows": {name: note["window"] for name, note in status.belts.items()},
            "on_belt": sum(note["on_belt"] for note in status.belts.values()),
            "waiting": flow.get("waiting", 0),
            "held": flow.get("held", 0),
        },
        "window_frames": status.settings.camera.window_frames,
        "processes": [_process(process, loads, status) for process in status.processes],
        "remote_workers": [
            {"name": name, "holds": holds, "answered": status.answered(name.partition("#")[0])}
            for name, (holds, _) in loads.items()
            if not name.startswith("worker-")  # no process here
        ],
        "restarts": dict(status.restarts),
        "review_queue": status.queued,
        "followers": dict(status.behind),
        "alerts": {
            "count": status.alert_count,
            "raised": status.alarms_raised,
            "standing": list(status.standing_alarms),
            "last": list(status.alerts),
        },
        "incidents": list(status.incidents),
        "promises": [{**each, "state": _state_of(each, status)} for each in status.promises],
        "drift": list(status.drift),
        "machine_limits": status.machine_limits(),
        "malformed": status.malformed,
        "belt_speed_m_per_s": status.belt_speed_m_per_s,
        "clock": status.clock,
        "threshold": status.threshold,
        "workers": status.workers,
        "placed": status.placed,
        "paused": status.paused,
        "orders": status.overrides.orders,
        "swap": status.swap,
        "model": status.overrides.model,
        "shadow": shadow and {"model": shadow.model.short_hash, "share": shadow.share},
    }


def _state_of(promise: dict[str, Any], status: Status) -> PromiseState:
    serving = status.overrides.model or promise["model"]
    has_drifted = any(lane["moved"] for lane in status.drift)
    return promise_state(
        promise["model"], serving, is_broken=promise["is_broken"], has_drifted=has_drifted
    )


def _process(process: ProcessState, loads: dict[str, list[int]], status: Status) -> dict[str, Any]:
    facts = {
        "name": process.name,
        "role": process.role,
        "pid": process.pid or None,
        "incarnation": process.incarnation,
        "restarts": process.restarts,
        "state": process.state,
    }
    if process.role == "worker":
        identity = f"{process.name}#{process.incarnation}"
        facts["holds"], _ = loads.get(identity, (0, 0))
        facts["answered"] = status.answered(process.name)
        facts["model"] = process.model
    return facts
