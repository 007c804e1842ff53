"""A profile whose times are constants, so that what the twin does can be worked out by hand."""

from __future__ import annotations

from planner.profile import Answer, LatencySample, LatencySamples, Machine, Profile, Service

CLASSES = ("cardboard", "glass", "metal", "paper", "plastic", "trash")
SURE = 0.9


def hand_made_profile(
    *, inference_ms: float = 10.0, hop_ms: float = 0.0, store_ms: float = 0.0, cores: int = 64
) -> Profile:
    """Every answer is right and sure. `hop_ms`: from camera to worker, and the same back."""
    return Profile(
        machine=Machine(cpu="by hand", cores=cores, python="3", onnxruntime="1"),
        model_path="by hand",
        model_sha256="0" * 64,
        classes=CLASSES,
        threshold=0.5,
        source="procedural",
        picture_ms=(0.0,),
        service=(Service(busy=1, batch=1, ms=(inference_ms,)),),
        latency_samples=(
            LatencySamples(
                items=tuple(
                    LatencySample(
                        publish_ms=0.0,
                        to_worker_ms=hop_ms,
                        inference=share / 100,
                        decision_ms=hop_ms,
                    )
                    for share in range(100)
                )
            ),
        ),
        acknowledged_ms=(store_ms,),
        start_s=(1.0,),
        restart_s=(1.0,),
        answers={name: (Answer(top3=((name, SURE),), confidence=SURE),) for name in CLASSES},
    )
