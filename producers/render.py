"""Write procedural pictures as an ImageFolder tree, DIR/CLASS/NNNNN.jpg, to train a model on.

    python -m producers.render --out DIR --per-class N [--seed S] [--classes glass,metal]

The camera is varied from picture to picture, from perfect to dim, smeared and noisy, so that what
learns from them does not rely on good light.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from line.errors import BadInput
from line.pictures import Picture
from producers.optics import Optics
from producers.procedural import CLASSES, draw
from producers.randomness import Purpose, stream

# Streams of a camera number that no line has: no belt ever shows a picture rendered here.
_TRAINING_CAMERA = 1 << 20
_JPEG_QUALITY = 92
_BELT_SPEED_M_S = 1.5


def render(
    out: Path,
    per_class: int,
    *,
    seed: int = 0,
    width_px: int = 320,
    height_px: int = 240,
    classes: tuple[str, ...] = CLASSES,
) -> int:
    """Write `per_class` pictures of each class below `out`; returns how many there are in all.

    A picture depends on (seed, class, number) alone. Raises BadInput for an unknown class or where
    `out` is anything but a new or empty folder.
    """
    for material in classes:
        if material not in CLASSES:
            raise BadInput(f"--classes: {material!r} is not one of {', '.join(CLASSES)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out}: must be a new or an empty folder")
    for material in classes:
        folder = out / material
        folder.mkdir(parents=True)
        for number in range(per_class):
            picture = _training_picture(material, number, seed, width_px, height_px)
            path = folder / f"{number:05d}.jpg"
            Image.fromarray(picture).save(path, quality=_JPEG_QUALITY)
    return per_class * len(classes)


def _training_picture(
    material: str, number: int, seed: int, width_px: int, height_px: int
) -> Picture:
    camera = _TRAINING_CAMERA + CLASSES.index(material)
    clean = draw(material, stream(seed, camera, number, Purpose.PICTURE), width_px, height_px)
    rng = stream(seed, camera, number, Purpose.OPTICS)
    return _random_optics(rng).expose(
        clean, belt_speed_m_s=_BELT_SPEED_M_S, belt_time_s=0.0, lamp_factor=1.0, rng=rng
    )


def _random_optics(rng: np.random.Generator) -> Optics:
    """A perfect camera one time in four, else one with mild faults, each of them now and then."""
    if rng.random() < 0.25:
        return Optics()
    return Optics(
        lamp=rng.uniform(0.7, 1.15),
        noise=rng.uniform(0.5, 7.0) if rng.random() < 0.5 else 0.0,
        exposure_ms=rng.uniform(0.8, 4.0) if rng.random() < 0.35 else 0.0,
        vignetting=rng.uniform(0.05, 0.35) if rng.random() < 0.5 else 0.0,
    )


def main(
    out: Annotated[Path, typer.Option(help="New or empty folder to write the tree into.")],
    per_class: Annotated[int, typer.Option(min=1, help="Pictures of each class.")],
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other pictures.")] = 0,
    width: Annotated[int, typer.Option(min=32, max=4096, help="Picture width, px.")] = 320,
    height: Annotated[int, typer.Option(min=32, max=4096, help="Picture height, px.")] = 240,
    classes: Annotated[str, typer.Option(help="Comma-separated classes.")] = ",".join(CLASSES),
) -> None:
    """Draw scrap and write it as DIR/CLASS/NNNNN.jpg."""
    chosen = tuple(name.strip() for name in classes.split(",") if name.strip())
    try:
        written = render(
            out, per_class, seed=seed, width_px=width, height_px=height, classes=chosen
        )
    except BadInput as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    typer.echo(f"{written} pictures of {len(chosen)} classes in {out}")


if __name__ == "__main__":
    typer.run(main)
