#!/bin/sh
# Make models/scrapline.onnx anew; docs/model.md says why it is done so.
# TRASHNET_DIR: folder with TrashNet's train/ and val/. About two and a half hours on two cores without bf16.
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
    $python -m training quantize "$1" --data "$photographs" \
        --extra "$drawn/train" --methods minmax --methods percentile \
        --out "$2/model.onnx" --report "$2/quantize" \
        --provenance "$(cat training/default_provenance.txt)"
}

train --out runs/first --seed 11
train --out runs/second --seed 12 --weights runs/first/last.pt \
    --epochs 6 --rate 7e-4 --backbone-share 0.5 --warmup-epochs 0.5
$python -m training average runs/first/last.pt runs/second/last.pt --out runs/averaged.pt

# The twin has not seen val: it is judged and calibrated there. What ships goes on from it, with val.
train --out runs/twin --seed 21 --weights runs/averaged.pt --balance loss \
    --epochs 12 --rate 1e-3 --backbone-share 0.5 --warmup-epochs 0.5
train --out runs/final --seed 22 --weights runs/twin/last.pt --balance loss --val-too \
    --size-px 192 --stored-px 256 --ema-decay 0.99 \
    --epochs 4 --rate 4e-4 --backbone-share 0.5 --warmup-epochs 0.3
$python -m training average runs/twin/last.pt runs/final/last.pt --out runs/averaged-final.pt
quantize runs/twin/last.pt runs/twin
quantize runs/averaged-final.pt runs/final
$python -m training calibrate runs/twin/model.onnx --data "$photographs/val" \
    --out runs/twin/calibrated.onnx
$python -m training calibrate runs/final/model.onnx --like runs/twin/calibrated.onnx \
    --out models/scrapline.onnx

$python -m training evaluate models/scrapline.onnx --data "$drawn/val" --out results/procedural
$python -m training report results/procedural --model models/scrapline.onnx \
    --out results/report --name "Scrapline default model" \
    --made-by "make train TRASHNET_DIR=datasets/trashnet"
