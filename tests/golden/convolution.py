"""Conv2D and Conv2DTranspose by real Keras 3 and real PyTorch: outputs and all gradients, exact in integers.

usage: convolution.py [OUTPUT_FOLDER]

Keras runs on TensorFlow. TensorFlow's CPU kernels refuse dilated transposed convolutions, which XLA compiles, and
'same' with an even effective kernel and output_padding = 0; those cases alone run on Keras' torch backend, in a process
of their own because a process has one backend. Paddings that differ per side are PyTorch's convolution of a padded
input, or a crop of PyTorch's transposed convolution.
"""
import os
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

import numpy as np

from golden_file import GoldenFile, integers, output_folder, version

TENSORS = ["output", "input_grad", "kernel_grad", "bias_grad"]


def pair(value):
    return [value, value] if isinstance(value, int) else [int(item) for item in value]


def make_case(framework, kernel_size, strides=1, dilation_rate=1, groups=1, padding="valid", output_padding=None,
              output_size=None, use_bias=True, size=(3, 3), channels=(2, 2), batch=1, backend="torch"):
    """A case's parameters; `size` and `channels` (in, out) go into the tensors' shapes, not into the file's params."""
    return dict(framework=framework, backend=backend, kernel_size=pair(kernel_size), strides=pair(strides),
                dilation_rate=pair(dilation_rate), groups=groups, padding=padding,
                output_padding=None if output_padding is None else pair(output_padding),
                output_size=None if output_size is None else pair(output_size), use_bias=use_bias,
                size=pair(size), channels=pair(channels), batch=batch)


def effective(case):
    return [(k - 1) * d + 1 for k, d in zip(case["kernel_size"], case["dilation_rate"])]


# ---- cases ----

def keras_transpose_cases():
    random = np.random.RandomState(1)
    axes = [(k, s, op) for k in range(1, 6) for s in range(1, 5) for op in [None, *range(s)]]
    for (k, s, op), padding in product(axes, ["same", "valid"]):
        size = (3, 2) if s < 3 else (2, 3)
        yield make_case("keras", k, s, padding=padding, output_padding=op, size=size, channels=random.randint(1, 3, 2))
    for k, s in [(7, 1), (7, 2), (7, 3), (7, 16), (3, 16), (1, 5), (2, 5), (6, 3), (8, 4), (5, 4)]:
        for padding, op in product(["same", "valid"], [None, s - 1]):
            yield make_case("keras", k, s, padding=padding, output_padding=op, size=(2, 1), channels=(1, 1))
    for k, d, padding, op in product(range(1, 5), (2, 3), ["same", "valid"], [None, 0]):
        yield make_case("keras", k, dilation_rate=d, padding=padding, output_padding=op, size=(4, 3))
    for index in range(64):
        k, s = random.randint(1, 6, 2), random.randint(1, 5, 2)
        op = [None, [int(random.randint(0, stride)) for stride in s]][index % 2]
        yield make_case("keras", k, s, padding=["same", "valid"][index // 2 % 2], output_padding=op,
                        use_bias=index % 4 != 3, size=random.randint(1, 5, 2), channels=random.randint(1, 4, 2),
                        batch=1 + index % 2)
    for d, k, padding in [((1, 2), (2, 3), "same"), ((3, 1), (2, 2), "same"), ((2, 3), (3, 2), "valid"),
                          ((3, 2), (1, 4), "valid")]:
        yield make_case("keras", k, dilation_rate=d, padding=padding, size=(3, 4), channels=(3, 2))


def keras_conv_cases():
    random = np.random.RandomState(2)
    for k, s, padding in product(range(1, 6), range(1, 5), ["same", "valid"]):
        yield make_case("keras", k, s, padding=padding, size=(6, 5), channels=random.randint(1, 3, 2))
    for k, d, padding in product((2, 3), (2, 3), ["same", "valid"]):
        yield make_case("keras", k, dilation_rate=d, padding=padding, size=(7, 8), channels=(1, 2))
    for groups, per_group, k, s in [(2, (1, 1), 3, 1), (2, (2, 1), 2, 2), (3, (1, 2), 3, 2), (4, (1, 1), 3, 1)]:
        for padding in ["same", "valid"]:
            yield make_case("keras", k, s, groups=groups, padding=padding, size=(5, 4),
                            channels=(groups * per_group[0], groups * per_group[1]))
    for index in range(30):
        k, s = random.randint(1, 6, 2), random.randint(1, 5, 2)
        padding = ["same", "valid"][index % 2]
        size = random.randint(1, 7, 2) if padding == "same" else k + random.randint(0, 4, 2)
        yield make_case("keras", k, s, padding=padding, use_bias=index % 3 != 2, size=size,
                        channels=random.randint(1, 4, 2), batch=1 + index % 2)


def torch_transpose_cases():
    random = np.random.RandomState(3)

    def case(k, s=1, p=0, op=0, **options):
        top, left = pair(p)
        return make_case("torch", k, s, padding=[top, top, left, left], output_padding=op, **options)

    # The recipes of segmentation networks, the same without an output_padding, and depthwise ones.
    yield case(3, 2, 1, 1, size=(3, 4), channels=(3, 2))
    yield case(2, 2, 0, None, size=(3, 4), channels=(3, 2))
    yield case(4, 2, 1, None, size=(3, 4), channels=(2, 3))
    yield case(8, 4, 2, None, size=(4, 4), channels=(3, 3))
    yield case(16, 8, 4, None, size=(2, 2), channels=(1, 1))
    yield case(5, 3, 1, 0, size=(2, 3), channels=(2, 2))
    for groups, multiplier in [(2, 1), (3, 1), (4, 1), (2, 2), (3, 2)]:
        yield case(3, 2, 1, 1, groups=groups, size=(3, 2), channels=(groups, groups * multiplier))
        yield case((2, 3), 1, 1, None, groups=groups, size=(3, 2), channels=(groups, groups * multiplier))
    for (k, s, p), bigger in product([(3, 2, 1), (2, 3, 0), (4, 3, 1), (1, 2, 0)], range(3)):
        if bigger < s:
            least = [(n - 1) * s + k - 2 * p for n in (2, 3)]
            for extra in sorted({(bigger, 0), (0, bigger), (bigger, bigger)}):
                yield case(k, s, p, None, size=(2, 3), output_size=[l + e for l, e in zip(least, extra)])
    for index in range(110):
        k, s, d = random.randint(1, 5, 2), random.randint(1, 4, 2), random.randint(1, 4, 2)
        groups = int(random.choice([1, 1, 2, 3]))
        result = case(k, s, random.randint(0, 4, 2), [int(random.randint(0, max(a, b))) for a, b in zip(s, d)],
                      dilation_rate=d, groups=groups, size=random.randint(1, 5, 2), use_bias=index % 5 != 4,
                      channels=groups * random.randint(1, 3, 2), batch=1 + index % 2)
        # What a padding of 0..3 leaves of the output may be nothing: crop less then.
        for axis in range(2):
            while transposed_size(result)[axis] < 1:
                result["padding"][2 * axis] -= 1
                result["padding"][2 * axis + 1] -= 1
        yield result
    for index in range(24):
        k, s = random.randint(2, 5, 2), random.randint(1, 4, 2)
        yield make_case("torch", k, s, padding=[int(crop) for crop in random.randint(0, 2, 4)], groups=1 + index % 2,
                        size=random.randint(2, 4, 2), channels=(2, 2 + 2 * (index % 2)))


def torch_conv_cases():
    random = np.random.RandomState(4)
    for groups, multiplier in [(2, 1), (3, 1), (4, 1), (2, 2), (3, 2)]:
        for s in (1, 2):
            yield make_case("torch", 3, s, groups=groups, padding=[1, 1, 1, 1], size=(4, 5),
                            channels=(groups, groups * multiplier))
    for k, d in [((2, 3), 1), ((4, 2), 1), (2, 3), ((3, 2), (1, 2))]:
        yield make_case("torch", k, dilation_rate=d, padding="same", size=(4, 5), groups=2, channels=(2, 4))
    for index in range(90):
        k, s, d = random.randint(1, 5, 2), random.randint(1, 4, 2), random.randint(1, 4, 2)
        groups = int(random.choice([1, 1, 2, 3]))
        padding = [int(p) for p in random.randint(0, 4, 4)]
        if index < 66:
            padding[1], padding[3] = padding[0], padding[2]
        K = (k - 1) * d + 1
        least = np.maximum(K - [padding[0] + padding[1], padding[2] + padding[3]], 1)
        yield make_case("torch", k, s, d, groups, padding, size=least + random.randint(0, 4, 2),
                        channels=groups * random.randint(1, 3, 2), use_bias=index % 5 != 4, batch=1 + index % 2)


# ---- runs ----

def transposed_size(case):
    """The output size with explicit crops (PyTorch's rule)."""
    p, op = case["padding"], case["output_padding"] or [0, 0]
    return [(n - 1) * s + K - p[2 * i] - p[2 * i + 1] + op[i]
            for i, (n, s, K) in enumerate(zip(case["size"], case["strides"], effective(case)))]


def input_kernel_bias(case, transposed, seed):
    """Small integers, no two cases alike."""
    random = np.random.RandomState(seed)
    channels, filters = case["channels"]
    kernel = [filters // case["groups"], channels] if transposed else [channels // case["groups"], filters]
    tensors = {"input": random.randint(-4, 6, [case["batch"], *case["size"], channels]),
               "kernel": random.randint(-4, 6, case["kernel_size"] + kernel)}
    if case["use_bias"]:
        tensors["bias"] = random.randint(-9, 10, [filters])
    return tensors


def upstream(shape):
    return np.random.RandomState(sum(shape)).randint(-4, 6, list(shape))


def run_keras(case, tensors, transposed):
    import keras

    options = {key: case[key] for key in ["kernel_size", "strides", "dilation_rate", "padding", "use_bias"]}
    if transposed:
        options["output_padding"] = case["output_padding"]
    else:
        options["groups"] = case["groups"]
    make_layer = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
    on_torch = keras.backend.backend() == "torch"
    layer = make_layer(case["channels"][1], dtype="float64", **options)
    layer.build(tensors["input"].shape)
    layer.set_weights([tensors[name] for name in ["kernel", "bias"] if name in tensors])
    run = run_keras_on_torch if on_torch else run_keras_on_tensorflow
    grad, results = run(layer, tensors["input"].astype("f8"), compile_by_xla=max(case["dilation_rate"]) > 1)
    return {"output_grad": grad, **dict(zip(TENSORS, results))}


def run_keras_on_tensorflow(layer, x, compile_by_xla):
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # it finds a new function for each case worth a warning

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        grad = upstream(y.shape)
        return grad, [y, *tape.gradient(y, [x, *layer.trainable_weights], tf.constant(grad, y.dtype))]

    if compile_by_xla:
        run = tf.function(run, jit_compile=True)
    grad, results = run(tf.constant(x))
    return np.array(grad), [result.numpy() for result in results]


def run_keras_on_torch(layer, x, **_):
    import torch

    x = torch.tensor(x, requires_grad=True)
    y = layer(x)
    grad = upstream(y.shape)
    weights = [weight.value for weight in layer.trainable_weights]
    results = [y, *torch.autograd.grad(y, [x, *weights], torch.tensor(grad, dtype=y.dtype))]
    return grad, [result.detach().numpy() for result in results]


def run_torch(case, tensors, transposed):
    import torch
    from torch.nn import functional

    nchw, nhwc = (0, 3, 1, 2), (0, 2, 3, 1)
    to_torch, from_torch = ((3, 2, 0, 1), (2, 3, 1, 0))  # both layers' kernels, each in its framework's meaning

    def leaf(array, axes):
        return torch.tensor(array.transpose(axes).astype("f8"), requires_grad=True)

    x, kernel = leaf(tensors["input"], nchw), leaf(tensors["kernel"], to_torch)
    bias = leaf(tensors["bias"], (0,)) if "bias" in tensors else None
    options = dict(stride=case["strides"], dilation=case["dilation_rate"], groups=case["groups"])
    padding = case["padding"]
    per_side = padding != "same" and padding[::2] != padding[1::2]
    if transposed:
        layer = torch.nn.ConvTranspose2d(*case["channels"], case["kernel_size"], bias=bias is not None, **options,
                                         padding=0 if per_side else padding[::2],
                                         output_padding=case["output_padding"] or 0)
        # The module's own forward, with the weights put in, so that output_size means what it means there.
        weights = {"weight": kernel, **({} if bias is None else {"bias": bias})}
        y = torch.func.functional_call(layer, weights, (x,), {"output_size": case["output_size"]})
        if per_side:
            height, width = y.shape[2:]
            y = y[:, :, padding[0]:height - padding[1], padding[2]:width - padding[3]]
    elif per_side:
        y = functional.conv2d(functional.pad(x, [*padding[2:], *padding[:2]]), kernel, bias, **options)
    else:
        y = functional.conv2d(x, kernel, bias, padding=padding if padding == "same" else padding[::2], **options)
    grad = upstream([y.shape[axis] for axis in nhwc])
    leaves = [x, kernel] + ([] if bias is None else [bias])
    grads = torch.autograd.grad(y, leaves, torch.tensor(grad.transpose(nchw) * 1.0))
    results = [t.detach().numpy().transpose(axes) for t, axes in zip([y, *grads], [nhwc, nhwc, from_torch, (0,)])]
    return {"output_grad": grad, **dict(zip(TENSORS, results))}


def use_backend(name):
    os.environ.update(KERAS_BACKEND=name, TF_CPP_MIN_LOG_LEVEL="3")


def write(name, groups_of_cases, transposed):
    pools = {backend: ProcessPoolExecutor(1, get_context("spawn"), use_backend, (backend,))
             for backend in ("tensorflow", "torch")}
    file, seen = GoldenFile(), set()
    for cases in groups_of_cases:
        for index, case in enumerate(cases):
            if repr(case) in seen:
                continue
            seen.add(repr(case))
            keras = case["framework"] == "keras"
            if keras:
                zero = [K % 2 == 0 and op == 0 and case["padding"] == "same"
                        for K, op in zip(effective(case), case["output_padding"] or [None, None])]
                case["backend"] = "torch" if any(zero) else "tensorflow"
                if any(zero):
                    case["channels"] = [2, 3]  # with one channel, Keras on torch fails in the kernel's gradient
                if any(z and n == 1 for z, n in zip(zero, case["size"])):
                    continue  # an empty output: (n - 1) s
            tensors = input_kernel_bias(case, transposed, seed=len(seen))
            run = run_keras if keras else run_torch
            tensors.update(pools[case["backend"]].submit(run, case, tensors, transposed).result())
            params = {key: value for key, value in case.items() if key not in ("size", "channels", "batch")}
            params["name"] = f"{case['framework']}_{index:03}"
            file.add(params, {key: integers(value) for key, value in tensors.items()})
    for pool in pools.values():
        pool.shutdown()
    file.write(output_folder() / name, {package: version(package) for package in ("keras", "tensorflow-cpu", "torch")})


if __name__ == "__main__":
    write("conv2d.safetensors", [keras_conv_cases(), torch_conv_cases()], transposed=False)
    write("conv2d_transpose.safetensors", [keras_transpose_cases(), torch_transpose_cases()], transposed=True)
