#!/bin/sh
# Make models/scrapline.onnx anew; docs/model.md says why it is done so.
# TRASHNET_DIR: folder with TrashNet's train/ and val/. About two hours on two cores without bf16.
set -eu
: "${TRASHNET_DIR:?set it to the folder that holds train/ and val/ of TrashNet}"
python=${PYTHON:-python3}
drawn=datasets/procedural
photographs=datasets/trashnet
export OMP_WAIT_POLICY=passive

$python -m pip install --quiet -r requirements/backbone.txt
[ -d "$photographs" ] || $python -m training prepare "$TRASHNET_DIR" --out "$photographs"
if [ ! -d "$drawn" ]; then
    $python -m producers.render --out "$drawn/train" --per-class 150 --seed 7
    $python -m producers.render --out "$drawn/val" --per-class 40 --seed 8
fi

train() {
    $python -m training train --preset best --data "$photographs" \
        --exclude training/trashnet_exclude.txt --extra "$drawn/train" --extra-share 0.25 \
        --extra-val "$drawn/val" "$@"
}
quantize() {
    $python -m training average runs/first/last.pt runs/second/last.pt "runs/$1/last.pt" \
        --out "runs/$1/averaged.pt"
    $python -m training quantize "runs/$1/averaged.pt" --data "$photographs" \
        --extra "$drawn/train" --methods minmax --methods percentile \
        --out "runs/$1/model.onnx" --report "runs/$1/quantize" \
        --provenance "$(cat training/default_provenance.txt)"
}

train --out runs/first --seed 11
train --out runs/second --seed 12 --weights runs/first/last.pt \
    --epochs 6 --rate 7e-4 --backbone-share 0.5 --warmup-epochs 0.5
$python -m training average runs/first/last.pt runs/second/last.pt --out runs/averaged.pt

# Twice the same: without val, to be judged and calibrated on it; then with it, to be shipped.
last() {
    train --weights runs/averaged.pt --seed 13 --size-px 192 --stored-px 256 \
        --epochs 4 --rate 5e-4 --backbone-share 0.5 --warmup-epochs 0.3 --ema-decay 0.99 "$@"
}
last --out runs/twin
last --out runs/final --val-too
quantize twin
quantize final
$python -m training calibrate runs/twin/model.onnx --data "$photographs/val" \
    --out runs/twin/calibrated.onnx
$python -m training calibrate runs/final/model.onnx --like runs/twin/calibrated.onnx \
    --out models/scrapline.onnx

$python -m training evaluate models/scrapline.onnx --data "$drawn/val" --out results/procedural
$python -m training report results/procedural --model models/scrapline.onnx \
    --out results/report --name "Scrapline default model" \
    --made-by "make train TRASHNET_DIR=datasets/trashnet"
