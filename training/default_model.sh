#!/bin/sh
# Make models/scrapline.onnx anew, in three runs that each begin where the last one ended.
# TRASHNET_DIR: folder with TrashNet's train/ and val/; WEIGHTS: ImageNet weights for mobilenet_v2.
# About an hour and a half on two cores without bf16; docs/model.md says why it is done so.
set -eu
: "${TRASHNET_DIR:?set it to the folder that holds train/ and val/ of TrashNet}"
: "${WEIGHTS:?set it to a state dict with ImageNet weights for mobilenet_v2}"
python=${PYTHON:-python3}
drawn=datasets/procedural
photographs=datasets/trashnet
export OMP_WAIT_POLICY=passive

[ -d "$photographs" ] || $python -m training prepare "$TRASHNET_DIR" --out "$photographs"
if [ ! -d "$drawn" ]; then
    $python -m producers.render --out "$drawn/train" --per-class 150 --seed 7
    $python -m producers.render --out "$drawn/val" --per-class 40 --seed 8
fi

train() {
    $python -m training train --data "$photographs" --exclude training/trashnet_exclude.txt \
        --extra "$drawn/train" --extra-val "$drawn/val" "$@"
}

train --out runs/first --weights "$WEIGHTS" --extra-share 0.4 --epochs 11 \
    --rate 1e-3 --backbone-share 0.4 --crop-min-area 0.5 --erase 0.1
train --out runs/second --weights runs/first/best.pt --extra-share 0.2 --epochs 4 \
    --rate 4e-4 --backbone-share 0.5 --warmup-epochs 0.3 \
    --crop-min-area 0.7 --no-trivial-augment --erase 0
train --out runs/third --weights runs/second/best.pt --extra-share 0.2 --epochs 10 \
    --rate 7e-4 --backbone-share 0.5 --warmup-epochs 0.5 --ema-decay 0.995 \
    --crop-min-area 0.35 --erase 0.1 --seed 5

$python -m training export runs/third/last.pt --out models/scrapline.onnx \
    --height-px 192 --width-px 256 --name "Scrapline default model" \
    --provenance "$(cat training/default_provenance.txt)"
