"""`python -m workers.shadow`: a shadow model beside a running line, started by the supervisor."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from line.errors import ScraplineError
from line.process.context import enter_process, leave
from line.process.hub import FEW
from line.process.link import Listener
from line.process.priority import LOWEST, yield_process
from line.process.runtime_dir import SHADOW, endpoint
from line.run_files.shadow_file import ShadowFile


def main() -> int:
    context = enter_process()
    yield_process(LOWEST)  # whoever else wants the processor has it
    # ONNX Runtime takes a while to load; others are at work.
    from workers.model import Model
    from workers.shadow_worker import ShadowWorker
    from workers.worker import warmed_up

    camera, facts = context.settings.camera, context.model
    try:
        opened = Model.open(Path(facts.path), facts.engine, facts.sha256)
        model = warmed_up(opened, 1, camera.height_px, camera.width_px)
        listener = Listener(endpoint(context.runtime_dir, SHADOW), few=FEW)
        with closing(listener), ShadowFile(context.run_dir) as file:
            ShadowWorker(context, model, listener, file).run()
    except ScraplineError as error:
        return leave(context, error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
