"""`run_line.py adopt`: from a classifier made elsewhere to a model file of the line."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from commands.printing import err, out, shown
from line.atomic_file import write_atomically
from line.config import load
from line.errors import BadInput
from line.missing_package import optional
from line.model.onnx_file import read_entries
from line.plain_text import plain

if TYPE_CHECKING:  # it loads onnx, which only this command needs
    from adoption.adopt_model import Adopted
    from adoption.origin import Ask

_FOLDER = Path("models")
_SIZE = re.compile(r"(\d{1,5})(?:x(\d{1,5}))?")
Choice = TypeVar("Choice", bound=str)


def adopt(
    file: Annotated[
        Path, typer.Argument(help="a classifier of pictures: .onnx; .ts or .pt with torch")
    ],
    classes: Annotated[
        str | None,
        typer.Option(help="a,b,c in the order of the outputs; a text or JSON file; or a folder"),
    ] = None,
    map_: Annotated[
        str | None,
        typer.Option("--map", help="classes that go into one: a=x,b=x, or a TOML or JSON file"),
    ] = None,
    file_out: Annotated[
        Path | None, typer.Option("--out", help="not given: its name, in models/")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="preprocessing: imagenet, keras-tf, keras-caffe, yolo or none"),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="N|HxW", help="of the network's view, in pixels")
    ] = None,
    mean: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="0..1, or levels if one is above 1")
    ] = None,
    std: Annotated[str | None, typer.Option(metavar="A,B,C", help="as --mean")] = None,
    resize: Annotated[str | None, typer.Option(help="squash, crop or letterbox")] = None,
    bgr: Annotated[bool, typer.Option("--bgr", help="blue comes first")] = False,
    check: Annotated[
        Path | None, typer.Option(help="pictures to compare on; in class folders: presets as well")
    ] = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="class folders that temperature and threshold are fitted on")
    ] = None,
    licence: Annotated[str | None, typer.Option(help="of the model")] = None,
    source: Annotated[str | None, typer.Option(help="where the model comes from")] = None,
) -> None:
    """Make a model file of the line from a classifier that was made elsewhere."""
    with optional("adopt", "adopt.txt"):
        from adoption import adopt_model, origin
        from adoption.assumptions import USUAL_PX, Wishes
        from adoption.conventions import convention_of
        from adoption.foreign_model import ForeignModel
        from adoption.preprocessing import PRESETS, RESIZES

    wishes = Wishes(
        classes=classes,
        map=map_,
        preset=_one_of("--preset", preset, tuple(PRESETS)),
        size_px=_size(size),
        mean=_three("--mean", mean),
        std=_three("--std", std),
        resize=_one_of("--resize", resize, RESIZES),
        bgr=bgr,
        check=check,
        calibrate=calibrate,
        max_pixels=load().source.max_megapixels * 1e6,
    )
    model = ForeignModel.read(file, wishes.size_px or USUAL_PX)
    target = file_out or _FOLDER / f"{model.path.stem}.onnx"
    _refuse_target(target, model.path, adopt_model.KEY)
    convention = convention_of(model)
    told = origin.answered(licence, source, convention.licence, convention.origin, _asking())
    adopted = adopt_model.adopt(model, convention, *told, wishes)
    _print(adopted)
    if warning := origin.warning_about(told[0].value):
        err.print(f"warning: {warning}", style="yellow", soft_wrap=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, adopted.content)
    out.print(f"\n{shown(target)}; run it: run_line.py run --model {shown(target)}", soft_wrap=True)


def _asking() -> Ask | None:
    """Asks whoever sits before the terminal; None where nobody does."""
    if not sys.stdin.isatty():
        return None
    return lambda what: str(typer.prompt(f"{what} of the model", default="", show_default=False))


def _refuse_target(target: Path, file: Path, key: str) -> None:
    """Only what this command has written is replaced."""
    if target.suffix != ".onnx":
        raise BadInput(f"--out {plain(str(target))}: must end in .onnx")
    if not target.exists():
        return
    if target.samefile(file):
        raise BadInput(f"--out {plain(str(target))}: is the model itself")
    try:
        is_ours = key in read_entries(target)
    except (OSError, ValueError):
        is_ours = False
    if not is_ours:
        raise BadInput(f"--out {plain(str(target))}: is there, and no adopted model; name another")


def _one_of(option: str, given: str | None, known: tuple[Choice, ...]) -> Choice | None:
    for name in known:
        if name == given:
            return name
    if given is None:
        return None
    raise BadInput(f"{option}: {plain(given, 40)!r} is none of {', '.join(known)}")


def _size(text: str | None) -> tuple[int, int] | None:
    from adoption.conventions import LARGEST_SIDE_PX

    if text is None:
        return None
    found = _SIZE.fullmatch(text)
    sides = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not all(1 <= side <= LARGEST_SIDE_PX for side in sides):
        raise BadInput(
            f"--size: {plain(text, 40)!r} is no size, as 224 or 224x288 (height first), "
            f"1 to {LARGEST_SIDE_PX}"
        )
    return sides


def _three(option: str, text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    try:
        first, second, third = (float(part) for part in text.split(","))
    except ValueError:
        first = second = third = -1.0
    fits = all(0 <= value <= 255 for value in (first, second, third))
    if not fits or (option == "--std" and min(first, second, third) == 0):
        raise BadInput(f"{option}: {plain(text, 40)!r} are not three numbers, as 0.5,0.5,0.5")
    return first, second, third


def _print(adopted: Adopted) -> None:
    from rich.table import Table

    from adoption.check import MOVED, TOLERANCE

    table = Table(box=None, pad_edge=False)
    for heading in ("what", "value", "from"):
        table.add_column(heading)
    for row in adopted.rows:
        table.add_row(row.what, row.value, row.source)
    out.print(table)
    for note in adopted.notes:
        err.print(f"note: {plain(note)}", soft_wrap=True)
    parity = adopted.parity
    out.print(
        f"\nchecked on {parity.pictures} pictures ({adopted.checked_on}): the network is shown "
        f"what Pillow makes of them, to within {parity.levels:.1f} of 255 levels; given the same "
        f"numbers, its answers differ from the original's by {parity.same_numbers:.5f} at most "
        f"({TOLERANCE} is allowed); each by itself, by {parity.largest_difference:.4f}",
        soft_wrap=True,
    )
    if parity.moved:
        err.print(
            f"note: to {parity.moved} of the pictures the answers differ by more than {MOVED}, for "
            "a level more or less",
            soft_wrap=True,
        )
    if adopted.accuracies is None:
        out.print(
            "this proves the graph, not the preprocessing in the table: pictures in class folders "
            "would (--check FOLDER)",
            soft_wrap=True,
        )
    else:
        _print_accuracies(adopted.accuracies.right, adopted.accuracies.pictures)
    if adopted.calibration is not None:
        _print_calibration(adopted)


def _print_accuracies(right: dict[str, int], pictures: int) -> None:
    """`right`: of the labelled pictures, by way of preprocessing; the first is the table's."""
    out.print(f"right of {pictures} labelled pictures, the original with each preprocessing:")
    chosen = next(iter(right))
    for name, count in right.items():
        mark = "  (taken)" if name == chosen else ""
        out.print(f"  {name:<12}{count:>5}  {count / pictures:.1%}{mark}")
    best = max(right, key=lambda name: right[name])
    if right[best] > right[chosen]:
        err.print(
            f"warning: --preset {best} is right more often than what was taken",
            style="yellow",
            soft_wrap=True,
        )


def _print_calibration(adopted: Adopted) -> None:
    found = adopted.calibration
    assert found is not None
    out.print(
        f"calibrated on {found.pictures} pictures: temperature {found.temperature:.4f}, loss "
        f"{found.nll_before:.4f} → {found.nll_after:.4f}; at threshold {found.threshold:.4f} "
        f"{found.right} of {found.sure} right, coverage {found.coverage:.1%}",
        soft_wrap=True,
    )
    for caution in found.cautions:
        err.print(f"caution: {plain(caution)}", style="yellow", soft_wrap=True)
