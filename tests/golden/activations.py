"""Elementwise functions, softmax and prelu by PyTorch in double: outputs and gradients, inputs off the kinks.

usage: activations.py [OUTPUT_FOLDER]

gelu is the exact one (by erf), gelu_tanh its approximation. softplus has PyTorch's threshold raised to where it changes
nothing: log(1 + e^x) in double everywhere. selu, silu and hard_swish are Keras' too (hard_swish: hard_silu).
"""
import numpy as np
import torch
from torch.nn import functional

from golden_file import GoldenFile, output_folder, version

FAR = [-750.0, -40.0, -20.5, -3.5, -1e-3, 1e-3, 2.5, 3.5, 19.5, 40.0, 750.0]


def random_values(shape, seed, scale=2.0):
    return np.random.RandomState(seed).standard_normal(shape) * scale


def everywhere():
    """Values near and far from zero, none of them on a kink; 51 fill no whole number of vectors."""
    x = random_values(51, 1)
    x[:len(FAR)] = FAR
    return x.reshape(3, 17)


def near():
    return random_values((3, 17), 2)


def positive():
    return np.exp(near())


UNARY = [
    ("relu", {}, everywhere, functional.relu),
    ("leaky_relu", {"slope": 0.01}, everywhere, lambda x: functional.leaky_relu(x, 0.01)),
    ("leaky_relu", {"slope": 0.2}, everywhere, lambda x: functional.leaky_relu(x, 0.2)),
    ("elu", {"alpha": 1.0}, everywhere, lambda x: functional.elu(x, 1.0)),
    ("elu", {"alpha": 0.5}, everywhere, lambda x: functional.elu(x, 0.5)),
    ("selu", {}, everywhere, functional.selu),
    ("gelu", {}, everywhere, functional.gelu),
    ("gelu_tanh", {}, everywhere, lambda x: functional.gelu(x, approximate="tanh")),
    ("silu", {}, everywhere, functional.silu),
    ("sigmoid", {}, everywhere, torch.sigmoid),
    ("tanh", {}, everywhere, torch.tanh),
    ("softplus", {}, everywhere, lambda x: functional.softplus(x, threshold=100.0)),
    ("hard_swish", {}, everywhere, functional.hardswish),
    ("exp", {}, near, torch.exp),
    ("log", {}, positive, torch.log),
    ("sqrt", {}, positive, torch.sqrt),
    ("abs", {}, everywhere, torch.abs),
    ("sign", {}, everywhere, torch.sign),
    ("clamp", {"min": -0.5, "max": 1.25}, everywhere, lambda x: torch.clamp(x, -0.5, 1.25)),
    ("pow", {"exponent": 2.0}, near, lambda x: x**2.0),
    ("pow", {"exponent": 3.0}, near, lambda x: x**3.0),
    ("pow", {"exponent": 0.5}, positive, lambda x: x**0.5),
    ("pow", {"exponent": -1.5}, positive, lambda x: x**-1.5),
]

LAST_AXIS = [("softmax", functional.softmax), ("log_softmax", functional.log_softmax)]

BINARY = [
    ("add", near, torch.add),
    ("subtract", near, torch.subtract),
    ("multiply", near, torch.multiply),
    ("divide", near, torch.divide),
    ("minimum", near, torch.minimum),
    ("maximum", near, torch.maximum),
    ("pow", positive, torch.pow),
]


def run(function, *inputs):
    """The output, an upstream gradient, and the inputs' gradients."""
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    y = function(*leaves)
    grad = torch.tensor(random_values(y.shape, 3, 1.0))
    return y.detach(), grad, torch.autograd.grad(y, leaves, grad)


def main():
    file = GoldenFile()
    for op, options, make_input, function in UNARY:
        x = make_input()
        y, grad, (input_grad,) = run(function, x)
        name = "_".join([op, *(f"{value:g}" for value in options.values())])
        file.add({"name": name, "op": op, **options},
                 {"input": x, "output": y, "output_grad": grad, "input_grad": input_grad})

    for op, function in LAST_AXIS:
        for kind, scale in [("small", 2.0), ("large", 300.0)]:
            x = random_values((2, 3, 4, 5), 4, scale)
            y, grad, (input_grad,) = run(lambda x: function(x, dim=-1), x)
            file.add({"name": f"{op}_{kind}", "op": op, "axis": -1},
                     {"input": x, "output": y, "output_grad": grad, "input_grad": input_grad})

    x, slope = random_values((2, 3, 4, 5), 5), np.array([0.25, 0.1, 0.0, -0.3, 1.5])
    y, grad, (input_grad, slope_grad) = run(
        lambda x, slope: functional.prelu(x.movedim(-1, 1), slope).movedim(1, -1), x, slope)
    file.add({"name": "prelu", "op": "prelu"}, {"input": x, "slope": slope, "output": y, "output_grad": grad,
                                                "input_grad": input_grad, "slope_grad": slope_grad})

    for op, make_input, function in BINARY:
        x = make_input()
        for kind, shape in [("same", (3, 17)), ("row", (17,)), ("column", (3, 1)), ("more", (2, 1, 17))]:
            other = random_values(shape, 6)
            other += np.sign(other) * 0.5  # divisors away from zero
            y, grad, (input_grad, other_grad) = run(function, x, other)
            file.add({"name": f"{op}_{kind}", "op": op},
                     {"input": x, "other": other, "output": y, "output_grad": grad, "input_grad": input_grad,
                      "other_grad": other_grad})

    file.write(output_folder() / "activations.safetensors", {"torch": version("torch")})


if __name__ == "__main__":
    main()
