from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from line.config import DEFAULTS, ROOT, load, scenario_names, scenario_path
from line.errors import BadInput
from line.section import LOG, SINKS, SWITCHES
from line.settings import ClassSettings, Settings


def toml(tmp_path: Path, text: str, name: str = "mine.toml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def complaint(**layers: Any) -> str:
    """What `load` says about bad layers: always one line."""
    with pytest.raises(BadInput) as error:
        load(**{"environment": {}, **layers})
    assert "\n" not in str(error.value)
    return str(error.value)


# -- layers ---------------------------------------------------------------------------------------


def test_each_layer_lies_over_the_one_before(tmp_path: Path) -> None:
    layers: dict[str, Any] = {"environment": {}}

    def seed() -> int:
        return load(**layers).line.seed

    assert seed() == tomllib.loads(DEFAULTS.read_text())["line"]["seed"]
    layers["config"] = toml(tmp_path, "[line]\nseed = 101")
    assert seed() == 101
    layers["scenario"] = str(toml(tmp_path, "[line]\nseed = 102", "trial.toml"))
    assert seed() == 102
    layers["environment"] = {"SCRAPLINE_LINE__SEED": "103"}
    assert seed() == 103
    layers["options"] = [("line.seed", 104)]
    assert seed() == 104
    layers["assignments"] = ["line.seed=105"]
    assert seed() == 105


def test_the_last_of_several_assignments_wins() -> None:
    assert load(assignments=["line.seed=1", "line.seed=2"], environment={}).line.seed == 2


@pytest.mark.parametrize(
    ("speed", "credit", "holds"), [(2.0, "auto", 2), ("max", "auto", 8), ("max", 3, 3), (1.0, 5, 5)]
)
def test_the_credit_of_a_worker_depends_on_the_clock_unless_it_is_given(
    speed: float | str, credit: int | str, holds: int
) -> None:
    options = [("line.speed", speed), ("worker.credit", credit)]
    assert load(environment={}, options=options).worker_credit == holds


def test_a_layer_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    changed = load(toml(tmp_path, "[belt]\nspeed_m_per_s = 2.0"), environment={})
    plain = load(environment={})
    belt = plain.belt.model_copy(update={"speed_m_per_s": 2.0})
    assert changed == plain.model_copy(update={"belt": belt})


def test_a_new_class_is_added_to_the_others() -> None:
    settings = load(assignments=["classes.wood={share=2, mass_g=400}"], environment={})
    assert settings.classes["wood"] == ClassSettings(share=2, mass_g=400)
    assert "glass" in settings.classes
    assert settings.mass_g("wood") == 400
    assert settings.mass_g("unheard of") == settings.mass_g(None) == settings.belt.item_mass_g


def test_events_are_replaced_as_a_whole(tmp_path: Path) -> None:
    event = '{ at_s = 1, action = "kill", role = "dispatcher" }'
    scenario = toml(tmp_path, f"events = [{event}, {event}]")
    assert len(load(scenario=str(scenario), environment={}).events) == 2
    assert load(scenario=str(scenario), assignments=["events=[]"], environment={}).events == ()


def test_other_variables_of_the_environment_are_left_alone() -> None:
    assert load(environment={"LINE__SEED": "1", "SCRAP": "x"}) == load(environment={})


def test_the_process_s_own_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRAPLINE_LINE__SPEED", "max")
    assert load().line.speed == "max"


@pytest.mark.parametrize(
    ("text", "value"), [("max", "max"), ('"max"', "max"), ("2", 2.0), (" 0.5 ", 0.5)]
)
def test_an_assigned_text_needs_no_quotes(text: str, value: object) -> None:
    assert load(assignments=[f"line.speed ={text}"], environment={}).line.speed == value


def test_a_scenario_without_a_title_is_called_after_its_file(tmp_path: Path) -> None:
    scenario = toml(tmp_path, "", "night shift.toml")
    assert load(scenario=str(scenario), environment={}).title == "night shift"


def test_settings_are_frozen_and_survive_their_file() -> None:
    settings = load(assignments=["line.speed=max"], environment={})
    assert Settings.model_validate_json(settings.model_dump_json()) == settings
    with pytest.raises(ValueError, match="frozen"):
        settings.line.seed = 3  # type: ignore[misc]


# -- complaints -----------------------------------------------------------------------------------


def test_a_complaint_names_the_layer_the_bad_value_came_from(tmp_path: Path) -> None:
    config = toml(tmp_path, "[line]\nseed = -1")
    scenario = toml(tmp_path, "[line]\nseed = -1", "trial.toml")
    variable = {"SCRAPLINE_LINE__SEED": "-1"}
    rest = ": line.seed: must be greater than or equal to 0, not -1"
    assert complaint(config=config) == f"{config}{rest}"
    assert complaint(scenario=str(scenario)) == f"scenario trial.toml{rest}"
    assert complaint(environment=variable) == f"environment SCRAPLINE_LINE__SEED{rest}"
    assert complaint(options=[("line.seed", -1)]) == f"option{rest}"
    assert complaint(assignments=["line.seed=-1"]) == f"--set{rest}"


@pytest.mark.parametrize(
    ("assignment", "begin"),
    [
        ("line.nope=1", "--set: line.nope: unknown key"),
        ("nope=1", "--set: nope: unknown key"),
        ("nope.nope=1", "--set: nope: unknown key"),
        ("classes.glass.nope=1", "--set: classes.glass.nope: unknown key"),
        ("line.seed=many", "--set: line.seed: "),
        ("line.seed=1.5", "--set: line.seed: "),
        ("line.seed=9223372036854775808", "--set: line.seed: "),
        ("line.workers=0", "--set: line.workers: "),
        ("line.workers=some", "--set: line.workers: "),
        ("line.workers.x=1", "--set: line.workers: "),
        ("line.speed=0", "--set: line.speed: "),
        ("line.workers=[]", "--set: line.workers: "),
        ("line=3", "--set: line: "),
        ('classes={"a.b"={share=-1, mass_g=1}}', "--set: classes.a.b.share: "),
        ('classes={"a\\nb"={share=-1, mass_g=1}}', "--set: classes."),
        ("title=3", "--set: title: "),
        ("belt.speed_m_per_s=0", "--set: belt.speed_m_per_s: "),
        ("belt.speed_m_per_s=nan", "--set: belt.speed_m_per_s: "),
        ("belt.speed_m_per_s=inf", "--set: belt.speed_m_per_s: "),
        ("belt.speed_m_per_s=1979-05-27", "--set: belt.speed_m_per_s: "),
        ("source.order=sideways", "--set: source.order: "),
        ("decision.threshold=1.01", "--set: decision.threshold: "),
        ("camera.window_frames=[]", "--set: camera.window_frames: "),
        ("review.enabled=perhaps", "--set: review.enabled: "),
        ("results.dir=''", "--set: results.dir: "),
        ("mqtt.topic='a/#'", "--set: mqtt.topic: "),
        ("mqtt.host=''", "--set: mqtt.host: "),
        ("events=3", "--set: events: "),
        ("belt.actuator_ms=5000", "--set: belt.actuator_ms: "),
        ("line.seed", "--set line.seed: expected section.key=value"),
        ("=3", "--set: "),
        ("line..seed=3", "--set: 'line..seed' is not of the form section.key"),
    ],
)
def test_a_bad_value_gets_one_line_that_names_origin_and_key(assignment: str, begin: str) -> None:
    assert complaint(assignments=[assignment]).startswith(begin)


@pytest.mark.parametrize(
    ("assignment", "meant"),
    [
        ("belt.speed=2", "belt.speed_m_per_s"),
        ("belt.speed_m_s=2", "belt.speed_m_per_s"),
        ("line.worker=2", "line.workers"),
        ("modle.path=x", "model"),
        ("belt.xyzzy=1", None),
    ],
)
def test_an_unknown_key_is_told_the_nearest_one(assignment: str, meant: str | None) -> None:
    for scenario in ("demo", None):
        line = complaint(scenario=scenario, assignments=[assignment])
        assert ("did you mean" in line) == (meant is not None), line
        assert meant is None or f"unknown key; did you mean {meant}?" in line


def test_a_value_where_a_table_belongs_is_told_a_key_of_it() -> None:
    line = complaint(environment={"SCRAPLINE_MODEL": "/x"})
    assert line.startswith("environment SCRAPLINE_MODEL: model: is a table")
    assert "such as model.path" in line
    assert complaint(assignments=["events=[3]"]) == "--set: events.0: must be a table, not 3"


def test_the_mark_that_windows_editors_put_first_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "marked.toml"
    path.write_text("\ufeff[line]\nseed = 7\n", encoding="utf-8")
    assert load(config=path, scenario=str(path), environment={}).line.seed == 7


def test_paths_may_begin_with_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    keys = ("source.spec", "model.path", "results.dir", "transport.keys")
    settings = load(assignments=[f"{key}=~/x" for key in keys], environment={})
    found = (settings.source.spec, settings.model.path, settings.results.dir)
    assert {*found, settings.transport.keys} == {"/home/anna/x"}


def test_a_class_without_its_mass_is_told_what_is_missing() -> None:
    assert complaint(assignments=["classes.wood.share=1"]) == "--set: classes.wood.mass_g: missing"


def test_every_bad_key_is_named_in_the_one_line() -> None:
    line = complaint(assignments=["line.seed=-1", "belt.nope=1"])
    assert "--set: line.seed: " in line
    assert "--set: belt.nope: unknown key" in line


def test_an_actuator_slower_than_the_belt_is_refused_only_where_there_are_deadlines() -> None:
    slow = ["belt.camera_to_ejector_m=0.5", "belt.speed_m_per_s=5", "belt.actuator_ms=100"]
    line = complaint(assignments=slow)
    assert line.startswith("--set: belt.actuator_ms: ")
    assert "100 ms at 5.0 m/s" in line
    assert load(assignments=[*slow, "line.speed=max"], environment={}).deadline_s == 0.0


@pytest.mark.parametrize(
    ("event", "begin"),
    [
        ('{ action = "kill", role = "worker" }', "events.0.at_s: missing"),
        ('{ at_s = -1, action = "kill", role = "worker" }', "events.0.at_s: "),
        ('{ at_s = 1, action = "stop", role = "worker" }', "events.0.action: "),
        ('{ at_s = 1, action = "kill", role = "boss" }', "events.0.role: "),
        ('{ at_s = 1, action = "kill", role = "worker", pid = 1 }', "events.0.pid: unknown key"),
        ('{ at_s = 1, action = "kill", role = "sink", index = "tape" }', "events.0.index: "),
        ('{ at_s = 1, action = "kill", role = "sink", index = 0 }', "events.0"),
        ('{ at_s = 1, action = "kill", role = "sink" }', "events.0"),
        ('{ at_s = 1, action = "kill", role = "worker", index = "alerts" }', "events.0"),
        ('{ at_s = 1, action = "kill", role = "worker", index = 2 }', "events.0.index: there is"),
        ('{ at_s = 1, action = "kill", role = "worker", index = -1 }', "events.0.index: "),
        ('{ at_s = 1, action = "kill", role = "camera", index = 1 }', "events.0.index: there is"),
        ("3", "events.0: "),
    ],
)
def test_an_event_that_hits_nothing_is_refused(tmp_path: Path, event: str, begin: str) -> None:
    scenario = toml(tmp_path, f"events = [{event}]\n[line]\nworkers = 2", "drill.toml")
    assert complaint(scenario=str(scenario)).startswith(f"scenario drill.toml: {begin}")


def switched(on: bool) -> list[str]:
    """Every sink that can be, or none."""
    return [f"{table}.enabled={str(on).lower()}" for table in SWITCHES.values()]


def test_a_run_has_the_sinks_that_are_switched_on_and_the_log_first() -> None:
    assert load(assignments=switched(True), environment={}).sinks == SINKS
    assert load(assignments=switched(False), environment={}).sinks == (LOG, "alerts")
    assert load(environment={}).sinks == (LOG, "alerts", "active_learning")


@pytest.mark.parametrize(("sink", "table"), SWITCHES.items())
def test_an_event_cannot_hit_a_sink_that_does_not_run(sink: str, table: str) -> None:
    event = f'{{ at_s = 1, action = "kill", role = "sink", index = "{sink}" }}'
    assert load(assignments=[f"events=[{event}]", *switched(True)], environment={}).events
    line = complaint(assignments=[f"events=[{event}]", *switched(False)])
    assert f"events.0.index: there is no {sink} with {table}.enabled = false" in line


@pytest.mark.parametrize(
    ("event", "process"),
    [
        ('{ at_s = 1, action = "kill", role = "dispatcher" }', "dispatcher"),
        ('{ at_s = 1, action = "kill", role = "worker", index = 1 }', "worker-1"),
        ('{ at_s = 1, action = "kill", role = "worker" }', "worker-0"),
        ('{ at_s = 1, action = "kill", role = "camera", index = 0 }', "camera-0"),
        *(
            (f'{{ at_s = 1, action = "kill", role = "sink", index = "{name}" }}', name)
            for name in SINKS
        ),
    ],
)
def test_an_event_names_the_process_it_hits(event: str, process: str) -> None:
    settings = load(assignments=[f"events=[{event}]", *switched(True)], environment={})
    assert settings.events[0].process == process


def test_broken_toml_names_the_file_and_the_place(tmp_path: Path) -> None:
    config = toml(tmp_path, "[line]\nseed = = 3")
    line = complaint(config=config)
    assert line.startswith(f"{config}: not TOML: ")
    assert "line 2" in line


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert complaint(config=path).startswith(f"{path}: not TOML: ")


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "x = " + "9" * 5000])
def test_toml_beyond_its_reader_s_limits_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = toml(tmp_path, text)
    assert complaint(config=path).startswith(f"{path}: not TOML: ")


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "missing.toml"
    assert complaint(config=path) == f"{path}: No such file or directory"
    assert complaint(config=tmp_path) == f"{tmp_path}: Is a directory"


def test_an_unknown_scenario_is_told_the_known_ones() -> None:
    line = complaint(scenario="rush_our")
    assert line.startswith("scenario rush_our: ")
    assert all(name in line for name in scenario_names())


def test_a_shipped_scenario_is_found_by_its_name_before_a_file_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo").touch()
    monkeypatch.chdir(tmp_path)
    assert scenario_path("demo") == ROOT / "scenarios" / "demo.toml"


KEYS = st.sampled_from(
    ["line.seed", "line.workers", "line.speed", "classes.glass", "events", "title", "belt", "x.y"]
)


@given(KEYS | st.text(max_size=8), st.text(max_size=20) | st.sampled_from(["[{}]", "{a.b=1}"]))
def test_any_assignment_is_taken_or_refused_in_one_line(key: str, text: str) -> None:
    try:
        load(assignments=[f"{key}={text}"], environment={})
    except BadInput as error:
        assert str(error).splitlines() == [str(error)]  # noqa: PT017


# -- what ships -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", scenario_names())
def test_every_shipped_scenario_is_valid_and_named_after_its_file(name: str) -> None:
    assert load(scenario=name, environment={}).title == name


def test_there_are_shipped_scenarios() -> None:
    assert {"demo", "steady", "fault_drill"} <= set(scenario_names())


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, field) of every setting."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from fields(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


SETTINGS = dict(fields(Settings))


def shipped(dotted: str) -> Any:
    value: Any = tomllib.loads(DEFAULTS.read_text())
    for part in dotted.split("."):
        value = value[part]
    return value


def comments() -> dict[str, str]:
    """Dotted key → the comment behind it in config.toml."""
    found, section = {}, ""
    for line in DEFAULTS.read_text().splitlines():
        if header := re.match(r"\[(\w+)\]", line):
            section = f"{header[1]}."
        elif key := re.match(r"(\w+) *= *[^#]*(#.*)?$", line):
            found[f"{section}{key[1]}"] = key[2] or ""
    return found


@pytest.mark.parametrize("dotted", SETTINGS)
def test_every_setting_stands_in_the_shipped_file_and_has_no_other_default(dotted: str) -> None:
    shipped(dotted)
    assert SETTINGS[dotted].is_required()


def is_numeric(dotted: str) -> bool:
    value = shipped(dotted)
    return isinstance(value, int | float) and not isinstance(value, bool)


@pytest.mark.parametrize("dotted", [key for key in SETTINGS if is_numeric(key)])
def test_every_number_in_the_shipped_file_has_its_range_behind_it(dotted: str) -> None:
    comment = comments()[dotted]
    assert re.search(r"-?\d+\.\.\S*\d|above -?\d+ up to \d|up to \d", comment), comment


@pytest.mark.parametrize("dotted", [key for key in SETTINGS if is_numeric(key)])
def test_the_range_behind_a_number_is_the_one_that_is_enforced(dotted: str) -> None:
    comment = comments()[dotted].replace("2^63-1", str(2**63 - 1))
    given_range = re.search(r"(-?\d+)\.\.(\d+)|(above -?\d+ )?up to (\d+)", comment)
    assert given_range, comment
    low, high, above, top = given_range.groups()
    end = int(high or top)
    bad = [end + 1]
    if low is not None:
        bad.append(int(low) - 1)
    elif above:
        bad.append(int(above.split()[1]))
    for value in bad:
        assert complaint(options=[(dotted, value), *freely(dotted)]).startswith(
            f"option: {dotted}: "
        ), value
    load(options=[(dotted, end), *freely(dotted)], environment={})


def freely(dotted: str) -> list[tuple[str, object]]:
    """Without deadlines belt settings do not depend on one another."""
    return [] if dotted == "line.speed" else [("line.speed", "max")]


@pytest.mark.parametrize("dotted", SETTINGS)
def test_every_setting_of_the_shipped_file_has_a_comment_or_says_all_in_its_name(
    dotted: str,
) -> None:
    section = dotted.split(".")[0]
    header = re.search(rf"^\[{section}\] *# *\S", DEFAULTS.read_text(), re.MULTILINE)
    assert comments().get(dotted) or header or dotted in {"title", "review.enabled"}


@pytest.mark.parametrize(("provider", "engine"), [("cpu", "onnxruntime"), ("cuda", "cuda")])
def test_the_provider_of_an_older_run_is_its_engine(provider: str, engine: str) -> None:
    values = load(environment={}).model_dump()
    values["model"] = {"path": "a.onnx", "provider": provider}
    assert Settings.model_validate(values).model.engine == engine


def test_a_provider_that_is_no_engine_any_more_is_refused_in_one_line() -> None:
    said = "provider is called engine now: onnxruntime, openvino, cuda or auto"
    with pytest.raises(BadInput, match=said) as raised:
        load(environment={}, assignments=["model.provider=cpu"])
    assert "\n" not in str(raised.value)
    values = load(environment={}).model_dump()
    values["model"] = {"path": "a.onnx", "provider": "openvino"}
    with pytest.raises(ValueError, match=said):
        Settings.model_validate(values)
