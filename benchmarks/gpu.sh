#!/usr/bin/env bash
# What only a real GPU can tell, ready for ten minutes of one:
#
#     benchmarks/gpu.sh [OUT]
#
# OUT (runs/gpu) gets a text a section, `results.tsv` (section, exit code, seconds) and, under `training`, the weights.
# A section that fails, or exceeds its share of the time (exit code 124, as always for the training, which ends with a
# checkpoint), does not stop the others. Called again with the same OUT, the training goes on from there.
#
# SECONDS_LEFT (540) is the time for everything, SIZE (128) the crop of the training that is measured, SHAPE
# ("512 512 300") the CT of the inference, PYTHON the interpreter, WORKERS (8) the processes of tests, TRAINING further keys
# of the training. On a pretended device sections of speed tell nothing, and most are cut off by their share of the time:
#
#     LAUNCH="-m pretend_cuda --devices 2" SIZE=32 SHAPE="64 64 64" TRAINING="--volume_size 32 --amp False" ...
set -euo pipefail
cd "$(dirname "$0")/.."

out=$(realpath -m "${1:-runs/gpu}")
total=${SECONDS_LEFT:-540}
read -ra python <<< "${PYTHON:-python} ${LAUNCH:-}"
read -ra shape <<< "${SHAPE:-512 512 300}"
read -ra training <<< "${TRAINING:-}"
export PYTHONPATH="$PWD:$PWD/tests${PYTHONPATH:+:$PYTHONPATH}"
mkdir -p "$out"
printf 'section\texit\tseconds\n' > "$out/results.tsv"

# section NAME PERCENT MODULE ARGUMENTS: at most so much of the time for everything, and never beyond it
section() {
    local name=$1 most=$((total * $2 / 100)) start=$SECONDS code=0
    shift 2
    local left=$((total - SECONDS))
    if ((left < most)); then most=$left; fi
    if ((most < 1)); then code=124; else
        timeout --signal=TERM --kill-after=30 "$most" "${python[@]}" -m "$@" > "$out/$name.txt" 2>&1 || code=$?
    fi
    printf '%s\t%s\t%s\n' "$name" "$code" "$((SECONDS - start))" | tee -a "$out/results.tsv"
}

section device 10 benchmarks.device
section tests 40 pytest -v -n "${WORKERS:-8}" --maxfail 3 --durations=10 tests/cuda \
    tests/geometry/test_distance_field.py tests/geometry/test_surface_distance.py
section inference 25 benchmarks.inference --forms nii.gz --runs 2 --shape "($(IFS=,; echo "${shape[*]}"))"
section steps 20 benchmarks.training --size "${SIZE:-128}" --steps 5
section distance 8 benchmarks.distance

# the rest of the time; SIGTERM ends a training after its step, with a checkpoint
weights=(--initial_weights bundle/models/model.pt)
if [[ -f $out/training/checkpoint.pt ]]; then weights=(--resume "$out/training/checkpoint.pt"); fi
total=$((total - 15))
section training 100 monai.bundle run training --config_file bundle/configs/train.json \
    --output_dir "$out/training" "${weights[@]}" --segmentation_epochs 0 --learning_rate 0.0005 --epochs 10 \
    --val_interval 1 --num_workers "$(nproc)" "${training[@]}"
ls -lR "$out"
