"""One workload in Keras on TensorFlow, for bench/compare: checks it against our numbers, or times steps on request.

usage: peer_keras.py graph|xla CHECK_FILE [--check] [--threads N]
"""
import argparse
import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

import peers

LAYERS = keras.layers


def block(x, filters, path, folded):
    x = LAYERS.Conv2D(filters, 3, padding="same", use_bias=folded, name=f"{path}.conv")(x)
    if not folded:
        x = LAYERS.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{path}.norm")(x)
    return LAYERS.ReLU()(x)


def tiny(x, classes, folded):
    for level, filters in enumerate((16, 32, 64), 1):
        x = block(x, filters, f"down{level}", folded)
        x = LAYERS.MaxPooling2D()(x) if level < 3 else x
    for level, filters in enumerate((32, 16), 1):
        x = LAYERS.Conv2DTranspose(filters, 3, strides=2, padding="valid", name=f"up{level}")(x)
        x = LAYERS.ReLU()(LAYERS.Cropping2D(((1, 0), (1, 0)))(x))  # padding 1 and output_padding 1 are a crop at the beginning
    return LAYERS.Conv2D(classes, 1, name="head")(x)


def unet(x, classes, width, depth, folded):
    def double(x, filters, path):
        return block(block(x, filters, f"{path}.first", folded), filters, f"{path}.second", folded)

    skips = []
    for level in range(1, depth + 1):
        skips.append(double(x, width << (level - 1), f"encoder{level}"))
        x = LAYERS.MaxPooling2D()(skips[-1])
    x = double(x, width << depth, "bottom")
    for level in range(depth, 0, -1):
        filters = width << (level - 1)
        x = LAYERS.Conv2DTranspose(filters, 2, strides=2, name=f"up{level}")(x)
        x = double(LAYERS.Concatenate()([skips.pop(), x]), filters, f"decoder{level}")
    return LAYERS.Conv2D(classes, 1, name="head")(x)


def make_network(what, saved):
    x = keras.Input(saved["input"].shape[1:], batch_size=what["batch"])
    folded = what["kind"] == "folded"
    if what["network"] == "tiny":
        y = tiny(x, what["classes"], folded)
    else:
        y = unet(x, what["classes"], what["width"], what["depth"], folded)
    net = keras.Model(x, y)
    weights = {key[len("weight/"):]: value for key, value in saved.items() if key.startswith("weight/")}
    if folded:
        fold(weights)
    for layer in net.layers:
        names = {"moving_mean": "running_mean", "moving_variance": "running_var"}
        for variable in layer.weights:
            variable.assign(weights.pop(f"{layer.name}.{names.get(variable.name, variable.name)}"))
    if weights:
        sys.exit(f"the networks differ: Keras has no {sorted(weights)}")
    return net


def fold(weights):
    for path in [key[: -len(".gamma")] for key in weights if key.endswith(".gamma")]:
        norm = {name: weights.pop(f"{path}.{name}") for name in ("gamma", "beta", "running_mean", "running_var")}
        scale = norm["gamma"] / np.sqrt(norm["running_var"] + 1e-5)
        conv = path[: -len(".norm")] + ".conv"
        weights[f"{conv}.kernel"] = weights[f"{conv}.kernel"] * scale
        weights[f"{conv}.bias"] = norm["beta"] - norm["running_mean"] * scale


class Work:
    def __init__(self, mode, what, saved):
        self.net = make_network(what, saved)
        self.x = tf.constant(saved["input"])
        self.labels = tf.constant(saved["labels"])
        self.optimizer = keras.optimizers.Adam(1e-3)
        self.optimizer.build(self.net.trainable_variables)
        self.train = what["kind"] == "train"
        compile = tf.function(jit_compile=mode == "xla")
        self.infer = compile(lambda: self.net(self.x, training=False))
        self.gradients = compile(self.forward_backward)
        self.update = compile(self.train_step)

    def forward_backward(self):
        with tf.GradientTape() as tape:
            y = self.net(self.x, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(self.labels, y))
        return y, loss, tape.gradient(loss, self.net.trainable_variables)

    def train_step(self):
        loss, gradients = self.forward_backward()[1:]
        self.optimizer.apply(gradients, self.net.trainable_variables)
        return loss

    def step(self):
        (self.update if self.train else self.infer)()


def check(work, saved):
    if not work.train:
        yield "output", saved["output"], work.infer().numpy()
        return
    y, loss, gradients = work.gradients()
    yield "output", saved["output"], y.numpy()
    yield "loss", saved["loss"], loss.numpy()
    for variable, gradient in zip(work.net.trainable_variables, gradients):
        key = "grad/" + ".".join(variable.path.split("/")[-2:])
        yield key, saved[key], gradient.numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=["graph", "xla"])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    what = json.loads(options.file.with_suffix(".json").read_text())
    before = peers.status_megabytes("VmHWM")
    saved = load_file(options.file)
    work = Work(options.mode, what, saved)
    if options.check:
        print(json.dumps(peers.differences(check(work, saved))))
        return
    del saved
    peers.forget_peak()
    peers.answer_requests(work.step, before)


if __name__ == "__main__":
    main()
