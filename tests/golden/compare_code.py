"""Runs the code that `conv_transpose --compare` prints for Keras, PyTorch and ONNX and holds its outputs against the
program's own.

usage: compare_code.py PROGRAM
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
from safetensors.numpy import load_file, save_file

FRAMEWORKS = ["Keras", "PyTorch", "ONNX"]
# (height, width, channels), kernel, filters / groups, the other words.
CASES = [
    ((4, 4, 3), (5, 5), 3, "--strides 4 --padding same"),
    ((3, 4, 2), (3, 2), 3, "--strides 2x3 --padding same --batch 2"),
    ((3, 3, 1), (3, 3), 1, "--strides 2 --padding same"),
    ((3, 3, 2), (2, 2), 2, "--strides 4 --padding same"),
    ((3, 3, 2), (2, 2), 2, "--strides 4 --padding valid"),
    ((4, 3, 2), (4, 3), 2, "--strides 2 --padding valid --output-padding 1x0"),
    ((4, 3, 2), (5, 3), 2, "--strides 3 --padding same --output-padding 2x1"),
    ((4, 4, 2), (4, 4), 3, "--strides 2 --padding 1 --activation relu"),
    ((4, 4, 2), (3, 3), 3, "--strides 2 --padding 1 --output-padding 1 --activation leaky_relu"),
    ((4, 4, 2), (4, 5), 3, "--strides 2 --padding 0x2x3x1 --activation gelu"),
    ((4, 5, 4), (3, 3), 2, "--strides 2 --groups 2 --padding 1 --activation silu"),
    ((4, 4, 2), (3, 2), 2, "--dilation-rate 2 --padding same --activation sigmoid"),
    ((4, 4, 2), (3, 2), 2, "--dilation-rate 2x3 --strides 2 --padding 2x1x1x0 --activation elu"),
    ((3, 4, 2), (3, 3), 2, "--strides 2 --padding same --no-bias --activation tanh"),
    ((3, 4, 2), (3, 3), 2, "--strides 2 --padding valid --data-format channels_first --activation selu"),
    ((3, 4, 2), (4, 4), 2, "--strides 2 --padding 1 --activation softplus"),
    ((3, 4, 2), (4, 4), 2, "--strides 2 --padding 1 --activation hard_swish"),
]


def run(program, *words):
    return subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout


def failure(program, folder, shape, kernel_size, group_filters, words):
    """Runs one case; what went wrong, or None."""
    words = words.split()
    option = dict(zip(words, words[1:]))
    batch, groups = int(option.get("--batch", 1)), int(option.get("--groups", 1))
    if "--batch" in words:
        del words[words.index("--batch"):words.index("--batch") + 2]
    random = np.random.RandomState(0)
    normal = lambda *sizes: random.standard_normal(sizes).astype(np.float32)
    tensors = {"input": normal(batch, *shape), "kernel": normal(*kernel_size, group_filters, shape[2])}
    if "--no-bias" not in words:
        tensors["bias"] = normal(group_filters * groups)
    save_file(tensors, folder / "in.safetensors")
    layer = ["--load", str(folder / "in.safetensors"), *words]
    run(program, *layer, "--save", str(folder / "out.safetensors"))
    expected = load_file(folder / "out.safetensors")["output"]

    text = run(program, *layer, "--compare")
    codes = re.split(r"^(?=# (?:Keras|PyTorch|ONNX)(?:\.| has no equivalent))", text, flags=re.MULTILINE)[1:]
    first = option.get("--data-format") == "channels_first"
    ran = []
    for framework, code in zip(FRAMEWORKS, codes, strict=True):
        refused = "Keras has no equivalent" in code or "Keras on TensorFlow refuses" in code or "CPU kernels refuse" in code
        if refused or (framework == "Keras" and first):
            continue  # TensorFlow's CPU kernels know channels_last only
        x = tensors["input"].transpose(0, 3, 1, 2) if first else tensors["input"]
        names = {"x": np.ascontiguousarray(x), "kernel": tensors["kernel"], "bias": tensors.get("bias")}
        try:
            exec(compile(code, framework, "exec"), names)
        except Exception as error:
            return f"{framework}: {type(error).__name__}: {error}\n{code}"
        y = np.asarray(names["y"].detach() if framework == "PyTorch" else names["y"])
        y = y.transpose(0, 2, 3, 1) if first else y
        if y.shape != expected.shape or not np.allclose(y, expected, rtol=1e-4, atol=1e-5):
            return f"{framework}: gives {y.shape}, the program {expected.shape}, or other numbers\n{code}"
        ran.append(framework)
    print(f"  {' '.join(words):70} {', '.join(ran)}")
    return None


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        failures = [(case, message) for case in CASES if (message := failure(program, Path(folder), *case))]
    for case, message in failures:
        print(f"{case}:\n{message}", file=sys.stderr)
    print(f"compare_code.py: {len(CASES)} layers, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
