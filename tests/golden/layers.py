"""Normalisation, pooling, resampling, padding and linear layers, regularizers and constraints, in double.

usage: layers.py [OUTPUT_FOLDER]

By PyTorch: batch_norm, group_norm, max_pool2d, max_unpool2d, avg_pool2d, global pooling, upsample, pad.
By Keras on TensorFlow: pooling with 'same', depth_to_space, linear (Dense), regularizers, constraints.
"""
import os

import numpy as np
import torch
from torch.nn import functional

from golden_file import GoldenFile, output_folder, version

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
import keras  # noqa: E402 (after its environment)
import tensorflow as tf  # noqa: E402


def values(shape, seed, scale=1.0):
    return np.random.RandomState(seed).standard_normal(shape) * scale


def nhwc(function):
    """A PyTorch function of an NCHW tensor, as one of an NHWC tensor."""
    return lambda x, *rest: function(x.movedim(-1, 1), *rest).movedim(1, -1)


def torch_case(function, **inputs):
    """Output, upstream gradient and gradients of `function` by name of its inputs."""
    leaves = [torch.tensor(value, requires_grad=True) for value in inputs.values()]
    y = function(*leaves)
    grad = torch.tensor(values(y.shape, 99))
    grads = torch.autograd.grad(y, leaves, grad)
    return {**inputs, "output": y.detach(), "output_grad": grad,
            **{f"{name}_grad": value for name, value in zip(inputs, grads)}}


def tensorflow_case(function, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    grad = tf.constant(values(y.shape, 99))
    return {"input": x, "output": y, "output_grad": grad, "input_grad": tape.gradient(y, x, grad)}


# ---- PyTorch ----

def add_batch_norm(file):
    for index, (shape, offset, momentum, epsilon) in enumerate([
            ((2, 3, 4, 5), 0.0, 0.9, 1e-5), ((3, 5, 7, 1), 0.0, 0.9, 1e-5), ((1, 1, 2, 3), 0.0, 0.9, 1e-5),
            ((2, 4, 4, 3), 100.0, 0.9, 1e-5), ((2, 3, 3, 4), 0.0, 0.99, 1e-3)]):
        channels = shape[-1]
        running = {"running_mean": values(channels, 11), "running_var": np.exp(values(channels, 12))}
        inputs = {"input": values(shape, 10 + index) + offset, "gamma": values(channels, 13),
                  "beta": values(channels, 14)}
        for training in (True, False):
            mean, variance = (torch.tensor(value) for value in running.values())
            tensors = torch_case(
                lambda x, gamma, beta: functional.batch_norm(x.movedim(-1, 1), mean, variance, gamma, beta, training,
                                                             1 - momentum, epsilon).movedim(1, -1), **inputs)
            if training:
                tensors.update({"running_mean_after": mean, "running_var_after": variance})
            file.add({"name": f"batch_norm_{'train' if training else 'eval'}_{index}", "layer": "batch_norm",
                      "training": training, "momentum": momentum, "epsilon": epsilon}, {**running, **tensors})


def add_group_norm(file):
    for index, (shape, groups, epsilon) in enumerate([((2, 3, 4, 6), 1, 1e-5), ((2, 3, 4, 6), 2, 1e-5),
                                                      ((2, 3, 4, 6), 6, 1e-5), ((1, 2, 3, 8), 4, 1e-3)]):
        channels = shape[-1]
        tensors = torch_case(
            nhwc(lambda x, gamma, beta: functional.group_norm(x, groups, gamma, beta, epsilon)),
            input=values(shape, 20 + index), gamma=values(channels, 21), beta=values(channels, 22))
        file.add({"name": f"group_norm_{index}", "layer": "group_norm", "groups": groups, "epsilon": epsilon}, tensors)


def sides(padding):
    """PyTorch's padding per axis, as [top, bottom, left, right]."""
    return [padding[0], padding[0], padding[1], padding[1]]


def add_pooling(file):
    for index, (shape, pool_size, strides, padding, tied) in enumerate([
            ((2, 4, 6, 3), (2, 2), (2, 2), (0, 0), False), ((1, 5, 7, 2), (3, 3), (2, 2), (1, 1), False),
            ((1, 5, 7, 2), (2, 3), (1, 2), (1, 0), False), ((1, 6, 5, 2), (3, 2), (3, 1), (0, 1), False),
            ((1, 7, 7, 1), (2, 2), (3, 3), (0, 0), False), ((2, 4, 6, 2), (2, 2), (2, 2), (0, 0), True),
            ((1, 5, 5, 2), (3, 3), (1, 1), (1, 1), True)]):
        x = values(shape, 30 + index) - 2.0  # mostly negative: padding must not win with 0
        if tied:
            x = np.round(x)
        _, indices = functional.max_pool2d(torch.tensor(x).movedim(-1, 1), pool_size, strides, padding,
                                           return_indices=True)
        geometry = {"pool_size": pool_size, "strides": strides, "padding": sides(padding)}
        tensors = torch_case(nhwc(lambda x: functional.max_pool2d(x, pool_size, strides, padding)), input=x)
        file.add({"name": f"max_pool2d_{index}", "layer": "max_pool2d", **geometry},
                 {**tensors, "indices": indices.movedim(1, -1)})
        for include in (True, False):
            file.add({"name": f"avg_pool2d_{index}_{'with' if include else 'without'}_pad", "layer": "avg_pool2d",
                      **geometry, "count_include_pad": include},
                     torch_case(nhwc(lambda x: functional.avg_pool2d(x, pool_size, strides, padding,
                                                                     count_include_pad=include)), input=x))
        if strides >= pool_size and padding == (0, 0):  # windows apart, so that no index comes twice
            size = list(shape[1:3])
            tensors = torch_case(nhwc(lambda x: functional.max_unpool2d(x, indices, pool_size, strides, padding, size)),
                                 input=tensors["output"].numpy())
            file.add({"name": f"max_unpool2d_{index}", "layer": "max_unpool2d", "size": size},
                     {**tensors, "indices": indices.movedim(1, -1)})
    x = values((2, 3, 4, 5), 40)
    file.add({"name": "global_avg_pool2d", "layer": "global_avg_pool2d"},
             torch_case(lambda x: x.mean((1, 2)), input=x))
    file.add({"name": "global_max_pool2d", "layer": "global_max_pool2d"},
             torch_case(lambda x: x.amax((1, 2)), input=x))


def add_upsample(file):
    for index, (shape, size) in enumerate([((2, 3, 4, 3), (6, 8)), ((1, 2, 3, 2), (6, 9)), ((1, 3, 5, 2), (7, 9)),
                                           ((1, 1, 4, 1), (5, 5)), ((1, 6, 7, 2), (4, 3)), ((1, 5, 4, 2), (5, 4))]):
        for mode, align in [("nearest", None), ("bilinear", False), ("bilinear", True)]:
            name = f"upsample_{mode}_{index}" + ("_aligned" if align else "")
            file.add({"name": name, "layer": "upsample", "mode": mode, "align_corners": align, "size": size},
                     torch_case(nhwc(lambda x: functional.interpolate(x, size, mode=mode, align_corners=align)),
                                input=values(shape, 50 + index)))


def add_pad(file):
    for mode in ("constant", "reflect", "replicate"):
        for index, padding in enumerate([(1, 1, 1, 1), (2, 0, 1, 3), (0, 2, 0, 0)]):
            value = 1.5 if mode == "constant" and index else 0.0
            top, bottom, left, right = padding
            file.add({"name": f"pad_{mode}_{index}", "layer": "pad", "mode": mode, "padding": padding, "value": value},
                     torch_case(nhwc(lambda x: functional.pad(x, (left, right, top, bottom), mode, value)),
                                input=values((2, 3, 4, 2), 60 + index)))


# ---- Keras ----

def add_keras_layers(file):
    pools = {"max_pool2d": keras.layers.MaxPooling2D, "avg_pool2d": keras.layers.AveragePooling2D}
    for layer, make in pools.items():
        for index, (shape, pool_size, strides) in enumerate([
                ((1, 5, 6, 2), (2, 2), (2, 2)), ((2, 5, 7, 1), (3, 3), (2, 2)), ((1, 4, 5, 2), (3, 2), (1, 3)),
                ((1, 2, 1, 1), (4, 3), (2, 1))]):
            geometry = {"pool_size": pool_size, "strides": strides, "padding": "same"}
            pooling = make(**geometry, dtype="float64")
            extra = {"count_include_pad": False} if layer == "avg_pool2d" else {}
            file.add({"name": f"{layer}_same_{index}", "layer": layer, **geometry, **extra},
                     tensorflow_case(pooling, values(shape, 70 + index) - 2.0))
    for block, channels in [(2, 1), (2, 3), (3, 2)]:
        x = values((2, 2, 3, block * block * channels), 80 + block)
        file.add({"name": f"depth_to_space_{block}_{channels}", "layer": "depth_to_space", "block_size": block},
                 tensorflow_case(lambda x: tf.nn.depth_to_space(x, block), x))

    dense = keras.layers.Dense(3, dtype="float64")
    dense.build((4, 5))
    weights = {"kernel": values((5, 3), 90), "bias": values(3, 91)}
    dense.set_weights(list(weights.values()))
    x = tf.constant(values((4, 5), 92))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = dense(x)
    grad = tf.constant(values(y.shape, 99))
    grads = tape.gradient(y, [x, *dense.trainable_weights], grad)
    file.add({"name": "linear", "layer": "linear"},
             {"input": x, **weights, "output": y, "output_grad": grad,
              **dict(zip(["input_grad", "kernel_grad", "bias_grad"], grads))})


# Keras keeps the factors in float32: these lose nothing there.
REGULARIZERS = [("l1", {"l1": 0.015625}), ("l2", {"l2": 0.03125}), ("l1_l2", {"l1": 0.0234375, "l2": 0.00390625})]


def add_regularizers(file):
    """Of a kernel: penalty(w). Of an activity: what a layer with an activity_regularizer adds to the loss."""
    for name, options in REGULARIZERS:
        regularizer = keras.regularizers.L1L2(**options)
        layer = keras.layers.Activation("linear", activity_regularizer=regularizer, dtype="float64")

        def activity(x):
            layer(x)
            return layer.losses[0]

        for kind, penalty, shape in [("kernel", regularizer, (3, 2, 4, 5)), ("activity", activity, (4, 3, 2, 5))]:
            x = tf.constant(values(shape, 100))
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = penalty(x)
            file.add({"name": f"regularizer_{kind}_{name}", "layer": f"{kind}_regularizer", "l1": 0.0, "l2": 0.0,
                      **options}, {"input": x, "loss": loss, "input_grad": tape.gradient(loss, x)})


def add_constraints(file):
    kernels = {"dense": ((6, 4), [0]), "conv": ((3, 2, 4, 5), [0, 1, 2])}
    for kind, (shape, axis) in kernels.items():
        w = values(shape, 110, scale=0.5) * np.linspace(0.0, 3.0, shape[-1])  # norms from 0 to well above 2
        for name, options in [("max_norm", {"max_value": 2.0}), ("max_norm", {"max_value": 0.5}), ("non_neg", {}),
                              ("unit_norm", {}), ("min_max_norm", {"min_value": 0.5, "max_value": 1.5, "rate": 1.0}),
                              ("min_max_norm", {"min_value": 0.5, "max_value": 1.5, "rate": 0.25})]:
            make = {"max_norm": keras.constraints.MaxNorm, "non_neg": keras.constraints.NonNeg,
                    "unit_norm": keras.constraints.UnitNorm, "min_max_norm": keras.constraints.MinMaxNorm}[name]
            options = dict(options) if name == "non_neg" else {**options, "axis": axis}
            constrained = make(**options)(tf.constant(w))
            assert constrained.dtype == tf.float64
            suffix = "".join(f"_{options[key]:g}" for key in ("max_value", "rate") if key in options)
            file.add({"name": f"{name}_{kind}{suffix}", "layer": "constraint", "constraint": name, **options},
                     {"input": w, "output": constrained})


def main():
    file = GoldenFile()
    for add in [add_batch_norm, add_group_norm, add_pooling, add_upsample, add_pad, add_keras_layers, add_regularizers,
                add_constraints]:
        add(file)
    file.write(output_folder() / "layers.safetensors",
               {package: version(package) for package in ("keras", "tensorflow-cpu", "torch")})


if __name__ == "__main__":
    main()
