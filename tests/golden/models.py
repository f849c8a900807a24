"""Ten training steps of each model by PyTorch, in double.

usage: models.py [OUTPUT_FOLDER]

The networks of models/ with the same paths of parameters. Weights and data are not saved: both sides make them by `uniform`, from the
parameter's path (or "input", "labels") and the element's index in the library's layout.

kernel [kh, kw, a, b]: sqrt(6 / (kh kw a)) (2 u - 1)      gamma: 0.9 + 0.2 u      beta, bias: 0.1 (2 u - 1)
input: 2 u - 1      labels: floor(u * classes); ConvAutoencoder has (input + 1) / 2 as its target
"""
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from golden_file import GoldenFile, output_folder, version

STEPS, BATCH = 10, 2
MOMENTUM = 0.9
CLASSES = 4


def uniform(name, shape):
    """Numbers in [0, 1): FNV-1a of the name and the element's index, mixed; all in integers modulo 2^32."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    x = (np.arange(math.prod(shape), dtype=np.uint64) * np.uint64(2654435761) + np.uint64(seed)) % np.uint64(2**32)
    for shift, factor in ((16, 2246822519), (13, 3266489917)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor) % np.uint64(2**32)
    x ^= x >> np.uint64(16)
    return (x / 2.0**32).reshape(shape)


# ---- parts ----

class ConvBlock(nn.Module):
    """Convolution, normalisation, activation; a bias only where nothing normalises."""

    def __init__(self, inputs, filters, kernel_size, norm="batch", relu=True, **options):
        super().__init__()
        self.conv = nn.Conv2d(inputs, filters, kernel_size, bias=norm == "none", **options)
        if norm == "batch":
            self.norm = nn.BatchNorm2d(filters)
        elif norm == "group":
            self.norm = nn.GroupNorm(math.gcd(8, filters), filters, eps=1e-3)
        self.relu = relu

    def forward(self, x):
        x = self.conv(x)
        x = self.norm(x) if hasattr(self, "norm") else x
        return x.relu() if self.relu else x


def up_by_two(inputs, filters):
    return nn.ConvTranspose2d(inputs, filters, 3, stride=2, padding=1, output_padding=1)


# ---- models ----

class TinySegNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.down1 = ConvBlock(3, 16, 3, padding=1)
        self.down2 = ConvBlock(16, 32, 3, padding=1)
        self.down3 = ConvBlock(32, 64, 3, padding=1)
        self.up1 = up_by_two(64, 32)
        self.up2 = up_by_two(32, 16)
        self.head = nn.Conv2d(16, classes, 1)

    def forward(self, x):
        x = functional.max_pool2d(self.down1(x), 2)
        x = functional.max_pool2d(self.down2(x), 2)
        x = self.down3(x)
        return self.head(self.up2(self.up1(x).relu()).relu())


class DoubleConv(nn.Module):
    def __init__(self, inputs, filters, norm):
        super().__init__()
        self.first = ConvBlock(inputs, filters, 3, norm, padding=1)
        self.second = ConvBlock(filters, filters, 3, norm, padding=1)

    def forward(self, x):
        return self.second(self.first(x))


class UNet(nn.Module):
    def __init__(self, classes, base_width, depth, normalization):
        super().__init__()
        self.depth, width = depth, base_width
        for level in range(1, depth + 1):
            self.add_module(f"encoder{level}", DoubleConv(3 if level == 1 else width // 2, width, normalization))
            width *= 2
        self.bottom = DoubleConv(width // 2, width, normalization)
        for level in range(depth, 0, -1):
            width //= 2
            self.add_module(f"up{level}", nn.ConvTranspose2d(2 * width, width, 2, stride=2))
            self.add_module(f"decoder{level}", DoubleConv(2 * width, width, normalization))
        self.head = nn.Conv2d(base_width, classes, 1)

    def forward(self, x):
        skips = []
        for level in range(1, self.depth + 1):
            skips.append(getattr(self, f"encoder{level}")(x))
            x = functional.max_pool2d(skips[-1], 2)
        x = self.bottom(x)
        for level in range(self.depth, 0, -1):
            skip = skips.pop()
            x = getattr(self, f"up{level}")(x, output_size=skip.shape[2:])
            x = getattr(self, f"decoder{level}")(torch.cat([skip, x], 1))
        return self.head(x)


class FCN(nn.Module):
    def __init__(self, classes, width):
        super().__init__()
        for level in range(1, 5):
            self.add_module(f"encoder{level}", ConvBlock(3 if level == 1 else width, width, 7, padding=3))
            self.add_module(f"skip{level}", nn.Conv2d(width, classes, 1))
            self.add_module(f"up{level}", nn.ConvTranspose2d(classes, classes, 8, stride=2, padding=3, bias=False))
        self.bottom = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        skips = []
        for level in range(1, 5):
            x = getattr(self, f"encoder{level}")(x)
            skips.append(getattr(self, f"skip{level}")(x))
            x = functional.max_pool2d(x, 2)
        x = self.bottom(x)
        for level in range(4, 0, -1):
            skip = skips.pop()
            x = getattr(self, f"up{level}")(x, output_size=skip.shape[2:]) + skip
        return x


class Downsampler(nn.Module):
    def __init__(self, inputs, filters):
        super().__init__()
        self.conv = nn.Conv2d(inputs, filters - inputs, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(filters)

    def forward(self, x):
        return self.norm(torch.cat([self.conv(x), functional.max_pool2d(x, 2)], 1)).relu()


class Upsampler(nn.Module):
    def __init__(self, inputs, filters):
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, filters, 3, stride=2, padding=1, output_padding=1, bias=False)
        self.norm = nn.BatchNorm2d(filters)

    def forward(self, x):
        return self.norm(self.conv(x)).relu()


class NonBottleneck1D(nn.Module):
    def __init__(self, width, dilation=1):
        super().__init__()
        self.vertical1 = ConvBlock(width, width, (3, 1), norm="none", padding=(1, 0))
        self.horizontal1 = ConvBlock(width, width, (1, 3), padding=(0, 1))
        self.vertical2 = ConvBlock(width, width, (3, 1), norm="none", padding=(dilation, 0), dilation=(dilation, 1))
        self.horizontal2 = ConvBlock(width, width, (1, 3), relu=False, padding=(0, dilation),
                                     dilation=(1, dilation))

    def forward(self, x):
        y = self.horizontal1(self.vertical1(x))
        return (x + self.horizontal2(self.vertical2(y))).relu()


class ERFNet(nn.Module):
    """Without dropout, whose random numbers no two frameworks share."""

    def __init__(self, classes):
        super().__init__()
        self.encoder, self.decoder = nn.Sequential(), nn.Sequential()
        self.encoder.add_module("down1", Downsampler(3, 16))
        self.encoder.add_module("down2", Downsampler(16, 64))
        for block in range(1, 6):
            self.encoder.add_module(f"block{block}", NonBottleneck1D(64))
        self.encoder.add_module("down3", Downsampler(64, 128))
        for block in range(6, 14):
            self.encoder.add_module(f"block{block}", NonBottleneck1D(128, 2 ** ((block - 6) % 4 + 1)))
        self.decoder.add_module("up1", Upsampler(128, 64))
        self.decoder.add_module("block1", NonBottleneck1D(64))
        self.decoder.add_module("block2", NonBottleneck1D(64))
        self.decoder.add_module("up2", Upsampler(64, 16))
        self.decoder.add_module("block3", NonBottleneck1D(16))
        self.decoder.add_module("block4", NonBottleneck1D(16))
        self.decoder.add_module("head", nn.ConvTranspose2d(16, classes, 2, stride=2))

    def forward(self, x):
        return self.decoder(self.encoder(x))


class ConvAutoencoder(nn.Module):
    def __init__(self, base_width, latent_channels):
        super().__init__()
        width = base_width
        self.down1 = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.down2 = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.code = nn.Conv2d(2 * width, latent_channels, 1)
        self.up1 = up_by_two(latent_channels, 2 * width)
        self.up2 = up_by_two(2 * width, width)
        self.head = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x):
        x = self.code(self.down2(self.down1(x).relu()).relu())
        return self.head(self.up2(self.up1(x).relu()).relu()).sigmoid()


# ---- cases ----

NAMES = {(nn.BatchNorm2d, "weight"): "gamma", (nn.BatchNorm2d, "bias"): "beta",
         (nn.GroupNorm, "weight"): "gamma", (nn.GroupNorm, "bias"): "beta",
         (nn.Conv2d, "weight"): "kernel", (nn.ConvTranspose2d, "weight"): "kernel"}
TO_TORCH = (3, 2, 0, 1)  # of both kernel layouts


def fill(network):
    """Gives every parameter its numbers; returns the library's path and shape of each."""
    shapes = {}
    for path, module in network.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            library_path = f"{path}.{NAMES.get((type(module), name), name)}"
            shape = tuple(parameter.shape)
            if len(shape) == 4:
                shape = (shape[2], shape[3], shape[1], shape[0])
            u = uniform(library_path, shape)
            if len(shape) == 4:
                value = (math.sqrt(6.0 / math.prod(shape[:3])) * (2 * u - 1)).transpose(TO_TORCH)
            else:
                value = 0.9 + 0.2 * u if library_path.endswith("gamma") else 0.1 * (2 * u - 1)
            parameter.data = torch.tensor(value)
            shapes[library_path] = shape
    return shapes


def train(network, height, width, lr):
    """The loss before each of ten steps, and the one in evaluation mode after them."""
    x = torch.tensor(2 * uniform("input", (BATCH, height, width, 3)) - 1).movedim(-1, 1)
    if isinstance(network, ConvAutoencoder):
        target = (x + 1) / 2
        compute_loss = functional.mse_loss
    else:
        target = torch.tensor(np.floor(CLASSES * uniform("labels", (BATCH, height, width))).astype(np.int64))
        compute_loss = functional.cross_entropy
    optimizer = torch.optim.SGD(network.parameters(), lr=lr, momentum=MOMENTUM)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = compute_loss(network(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"losses": losses, "eval_loss": compute_loss(network.eval()(x), target).item()}


# Small rates where gradients are large (ERFNet: a norm of some 300), so that rounding does not grow from step to step.
CASES = [
    ("tiny", TinySegNet, {}, (16, 20), 0.05),
    ("unet", UNet, {"base_width": 4, "depth": 2, "normalization": "batch"}, (16, 16), 0.05),
    ("unet_odd", UNet, {"base_width": 4, "depth": 3, "normalization": "batch"}, (21, 26), 0.05),
    ("unet_group", UNet, {"base_width": 8, "depth": 1, "normalization": "group"}, (7, 8), 0.05),
    ("unet_plain", UNet, {"base_width": 4, "depth": 2, "normalization": "none"}, (9, 13), 0.05),
    ("fcn", FCN, {"width": 8}, (32, 48), 0.05),
    ("fcn_odd", FCN, {"width": 8}, (35, 50), 0.05),
    ("erfnet", ERFNet, {}, (32, 48), 5e-6),
    ("autoencoder", ConvAutoencoder, {"base_width": 8, "latent_channels": 4}, (16, 20), 2.0),
]


def main():
    torch.set_num_threads(1)
    file = GoldenFile()
    for name, model, options, (height, width), lr in CASES:
        has_classes = model is not ConvAutoencoder
        network = model(**({"classes": CLASSES} if has_classes else {}), **options).double()
        shapes = fill(network)
        results = train(network, height, width, lr)
        print(name, sum(math.prod(shape) for shape in shapes.values()), *results.values())
        file.add({"name": name, "model": model.__name__, "options": options, "size": [height, width], "lr": lr,
                  "parameters": shapes}, results)
    file.write(output_folder() / "models.safetensors", {"torch": version("torch")},
               training=f"batch {BATCH}, {CLASSES} classes, SGD with momentum {MOMENTUM}")


if __name__ == "__main__":
    main()
