"""Trains the U-Net of models/ in PyTorch as `segment train` does here: same network, first values, data, crops, optimizer
and number of steps. Random numbers differ: no two frameworks share them. Prints a line of JSON an epoch.

Needs a venv with torch==2.13.0, numpy and pillow:  python bench/train_torch.py --data DIR --epochs 12 --crop 160x208
"""
import argparse
import json
import math
import pathlib
import sys
import time

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/golden"))
import models


def read(folder):
    """Images as floats [C, H, W] from 0 to 1, and masks."""
    pairs = []
    for file in sorted((folder / "images").iterdir()):
        image = np.asarray(Image.open(file), np.float32) / 255
        mask = np.asarray(Image.open(folder / "masks" / f"{file.stem}.png")).astype(np.int64)
        pairs.append((torch.from_numpy(image if image.ndim == 3 else image[..., None]).permute(2, 0, 1),
                      torch.from_numpy(mask)))
    return pairs


def initialize(net):
    """he_normal (truncated, as Keras draws it) under a normalisation, else glorot_uniform; no biases."""
    normalised = {id(m.conv) for m in net.modules() if isinstance(m, models.ConvBlock) and hasattr(m, "norm")}
    for module in net.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
            taps = math.prod(module.kernel_size)
            # Keras counts a transposed kernel [kh, kw, out, in] as it stands.
            inputs, outputs = module.in_channels * taps, module.out_channels * taps
            if id(module) in normalised:
                deviation = math.sqrt(2 / inputs) / 0.87962566103423978
                torch.nn.init.trunc_normal_(module.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
            else:
                limit = math.sqrt(6 / (inputs + outputs))
                torch.nn.init.uniform_(module.weight, -limit, limit)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)


def sample(pair, options):
    image, mask = pair
    if options.flip and torch.rand(()) < 0.5:
        image, mask = image.flip(-1), mask.flip(-1)
    if options.turn:
        turns = int(torch.randint(4, ()))
        image, mask = image.rot90(turns, (-2, -1)), mask.rot90(turns, (-2, -1))
    height, width = options.crop
    y = int(torch.randint(image.shape[1] - height + 1, ()))
    x = int(torch.randint(image.shape[2] - width + 1, ()))
    return image[:, y:y + height, x:x + width], mask[y:y + height, x:x + width]


def confusion(net, data, options, mean, deviation):
    counts = torch.zeros(options.classes, options.classes, dtype=torch.long)
    net.eval()
    with torch.no_grad():
        for image, mask in data:
            predicted = net(((image - mean) / deviation)[None]).argmax(1)[0]
            valid = mask != options.ignore_index
            pairs = mask[valid] * options.classes + predicted[valid]
            counts += torch.bincount(pairs, minlength=options.classes**2).view(options.classes, options.classes)
    net.train()
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--classes", type=int, required=True)
    parser.add_argument("--ignore-index", type=int, default=-1)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--crop", type=lambda s: tuple(map(int, s.split("x"))), required=True, metavar="HxW")
    parser.add_argument("--flip", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--turn", action="store_true")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--max-minutes", type=float, default=math.inf)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    train, val = read(options.data / "train"), read(options.data / "val")
    pixels = torch.cat([image.flatten(1) for image, _ in train], 1)
    mean, deviation = (f(pixels, 1).view(-1, 1, 1) for f in (torch.mean, torch.std))
    # The peer's networks take three channels: a grey image is given three times.
    if mean.shape[0] == 1:
        mean, deviation = mean.expand(3, 1, 1), deviation.expand(3, 1, 1)
        train, val = ([(image.expand(3, -1, -1), mask) for image, mask in part] for part in (train, val))
    net = models.UNet(options.classes, options.width, options.depth, "batch").to(memory_format=torch.channels_last)
    initialize(net)
    optimizer = torch.optim.AdamW(net.parameters(), lr=options.lr, weight_decay=1e-2, fused=True)
    steps = math.ceil(len(train) / options.batch_size) * options.epochs
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, steps, power=0.9)
    start = time.perf_counter()
    for epoch in range(options.epochs):
        total = 0.0
        order = torch.randperm(len(train)).split(options.batch_size)
        for batch in order:
            images, masks = zip(*(sample(train[i], options) for i in batch))
            x = ((torch.stack(images) - mean) / deviation).to(memory_format=torch.channels_last)
            loss = functional.cross_entropy(net(x), torch.stack(masks), ignore_index=options.ignore_index)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        trained = time.perf_counter() - start
        counts = confusion(net, val, options, mean, deviation).double()
        iou = counts.diag() / (counts.sum(0) + counts.sum(1) - counts.diag())
        print(json.dumps({"epoch": epoch + 1, "seconds": round(trained, 1), "train_loss": round(total / len(order), 4),
                          "val_pixel_accuracy": round(float(counts.diag().sum() / counts.sum()), 4),
                          "val_miou": round(float(iou.nanmean()), 4)}), flush=True)
        if trained > options.max_minutes * 60:
            break


if __name__ == "__main__":
    main()
