"""`python -m benchmarks.plant.demo`: a line, a database and a broker, and what a dashboard asks.

PostgreSQL and Mosquitto are started in folders of their own, a line runs with both sinks, and the
queries that a dashboard would ask are printed with their answers and drawn.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Annotated

import typer
from markupsafe import Markup
from rich.console import Console

from benchmarks.entry import run
from benchmarks.line_run import run_line
from benchmarks.plant.listener import Listener
from benchmarks.plant.servers import MosquittoServer, NoServer, PostgresServer, rows_of
from drill.page import NONE, Table
from line.atomic_file import write_atomically
from line.config import ROOT
from line.errors import BadInput

_PORT = 15_442
_LAST_MESSAGES_S = 10.0
_QUERIES = {
    "Of each class, what share reached its bin": (
        ("class", "fed", "recovery"),
        "SELECT class, fed, round(recovery::numeric, 3) FROM scrapline.recovery ORDER BY class",
    ),
    "Of what each bin holds, what share belongs there": (
        ("bin", "ejected", "purity"),
        "SELECT bin, ejected, round(purity::numeric, 3) FROM scrapline.purity ORDER BY bin",
    ),
    "What was lost, and why": (
        ("class", "verdict", "items"),
        "SELECT class, verdict, sum(items) FROM scrapline.losses GROUP BY 1, 2 ORDER BY 3 DESC, 1",
    ),
}
_WIDTH, _ROW, _LEFT, _BAR = 640, 44, 110, 420
_BAND = Markup(
    '<text x="{x}" y="{y}" text-anchor="end">{name}</text>'
    '<rect x="{left}" y="{top}" width="{recovery:.1f}" height="12" fill="#0b6e4f"/>'
    '<rect x="{left}" y="{below}" width="{purity:.1f}" height="12" fill="#7a9cc6"/>'
    '<text x="{end}" y="{y}">{share}</text>'
)
_SVG = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
    'aria-label="{title}" font-family="sans-serif" font-size="13" fill="#333333">'
    '<rect width="100%" height="100%" fill="white"/><text x="16" y="24">{title}</text>{bands}'
    "</svg>\n"
)
app = typer.Typer(add_completion=False)


@app.command()
def main(
    seconds: Annotated[float, typer.Option(min=5, help="of belt")] = 30.0,
    out: Annotated[Path, typer.Option(help="picture, SVG")] = ROOT / "results" / "plant.svg",
) -> None:
    """Run a line into a database and a broker of its own, ask what a dashboard asks, draw it."""
    console = Console(highlight=False, width=100)
    try:
        with (
            TemporaryDirectory(prefix="scrapline-", dir="/tmp") as name,
            PostgresServer(_PORT) as server,
            MosquittoServer(_PORT + 1) as broker,
        ):
            _run(Path(name) / "plant-demo", seconds, server, broker, console)
            asked = [rows_of(server.dsn("plant_1"), query) for _, query in _QUERIES.values()]
    except NoServer as error:
        raise BadInput(str(error)) from None
    for (title, (headings, query)), rows in zip(_QUERIES.items(), asked, strict=True):
        cells = [[str(cell) for cell in row] for row in rows]
        Table(title, headings, cells, note=query).print(console)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, _drawn(asked[0], asked[1]).encode())
    console.print(f"Drawn: {os.path.relpath(out)}")


def _run(
    run_dir: Path,
    seconds: float,
    server: PostgresServer,
    broker: MosquittoServer,
    console: Console,
) -> None:
    sinks = [
        "postgres.enabled=true",
        f"postgres.dsn={server.database()}",
        "mqtt.enabled=true",
        f"mqtt.port={broker.port}",
    ]
    heard: set[str] = set()

    def hear(topic: str, content: dict[str, str], _: bool) -> None:
        if topic.endswith("/items"):
            heard.add(content["frame_id"])

    with closing(Listener(broker.port, hear)):
        options = [f"--duration={seconds:g}", *(f"--set={each}" for each in sinks)]
        summary, _ = run_line(run_dir, options)
        fed = summary["items"]["fed"]
        deadline = monotonic() + _LAST_MESSAGES_S
        while len(heard) < fed and monotonic() < deadline:
            sleep(0.1)
    console.print(f"{fed} items were fed; a listener at the broker heard of {len(heard)}.\n")


def _drawn(recovery: list[tuple[object, ...]], purity: list[tuple[object, ...]]) -> str:
    """Two bars for each class; one for the residue, which no bin holds."""
    pure = {str(name): float(str(share)) for name, _, share in purity}
    bands = []
    for number, (name, _, share) in enumerate(recovery):
        top = 44 + number * _ROW
        bands.append(
            _BAND.format(
                name=name,
                share=f"{float(str(share)):.3f} / {pure.get(str(name), NONE)}",
                recovery=_BAR * float(str(share)),
                purity=_BAR * pure.get(str(name), 0.0),
                x=_LEFT - 10,
                y=top + 17,
                left=_LEFT,
                top=top,
                below=top + 14,
                end=_LEFT + _BAR + 10,
            )
        )
    return _SVG.format(
        width=_WIDTH,
        height=56 + _ROW * len(bands),
        title="Recovery of each class (green), and purity of its bin (blue)",
        bands=Markup("").join(bands),
    )


if __name__ == "__main__":
    run(app)
