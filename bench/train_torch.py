"""Trains a network of models/ in PyTorch as `segment train` does here: same network, first values, data, augmentation, loss,
optimizer, schedule and number of steps. Random numbers differ: no two frameworks share them. Prints a line of JSON an epoch.

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


def make_network(options):
    if options.model == "fcn":
        return models.FCN(options.classes, 64)
    if options.model == "unet":
        return models.UNet(options.classes, options.width, options.depth, "batch")
    net = models.ERFNet(options.classes)
    for module in net.encoder:
        if isinstance(module, models.NonBottleneck1D):
            rate = 0.03 if module.horizontal2.conv.in_channels == 64 else 0.3
            module.horizontal2.register_forward_hook(
                lambda block, _, y, rate=rate: functional.dropout2d(y, rate, block.training))
    return net


def initialize(net):
    """he_normal (truncated, as Keras draws it) in the blocks of U-Net and FCN, FCN's bilinear upsampling, glorot_uniform for the
    rest; no biases."""
    he_normal = {id(m.conv) for m in net.modules() if isinstance(m, models.ConvBlock)}
    if isinstance(net, models.ERFNet):
        he_normal = set()
    for module in net.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
            taps = math.prod(module.kernel_size)
            # Keras counts a transposed kernel [kh, kw, out, in] as it stands.
            inputs, outputs = module.in_channels * taps, module.out_channels * taps
            if isinstance(net, models.FCN) and isinstance(module, torch.nn.ConvTranspose2d):
                row = 1 - (torch.arange(8) / 4 - 7 / 8).abs()
                with torch.no_grad():
                    module.weight.copy_(torch.eye(module.in_channels)[..., None, None] * torch.outer(row, row) / 4)
            elif id(module) in he_normal:
                deviation = math.sqrt(2 / inputs) / 0.87962566103423978
                torch.nn.init.trunc_normal_(module.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
            else:
                limit = math.sqrt(6 / (inputs + outputs))
                torch.nn.init.uniform_(module.weight, -limit, limit)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)


def uniform(low, high):
    return low + (high - low) * float(torch.rand(()))


def sample(pair, options, mean):
    image, mask = pair
    if options.turn:
        turns = int(torch.randint(4, ()))
        image, mask = image.rot90(turns, (-2, -1)), mask.rot90(turns, (-2, -1))
    if options.scale:
        factor = uniform(*options.scale)
        size = tuple(max(1, round(factor * side)) for side in mask.shape)
        image = functional.interpolate(image[None], size, mode="bilinear", align_corners=False)[0]
        mask = functional.interpolate(mask[None, None].float(), size, mode="nearest-exact")[0, 0].long()
    height, width = options.crop
    down, right = max(0, height - mask.shape[0]), max(0, width - mask.shape[1])
    if down or right:
        # The ignored label all around what is smaller than the crop, over the mean colour.
        top, left = (int(torch.randint(room + 1, ())) for room in (down, right))
        sides = (left, right - left, top, down - top)
        image = functional.pad(image - mean, sides) + mean
        mask = functional.pad(mask, sides, value=options.ignore_index)
    y = int(torch.randint(image.shape[1] - height + 1, ()))
    x = int(torch.randint(image.shape[2] - width + 1, ()))
    image, mask = image[:, y:y + height, x:x + width], mask[y:y + height, x:x + width]
    if options.flip and torch.rand(()) < 0.5:
        image, mask = image.flip(-1), mask.flip(-1)
    if options.brightness:
        image = (image + uniform(-options.brightness, options.brightness)).clamp(0, 1)
    if options.contrast:
        center = image.mean()
        image = (center + uniform(1 - options.contrast, 1 + options.contrast) * (image - center)).clamp(0, 1)
    return image, mask


def confusion(net, data, options, mean, deviation):
    counts = torch.zeros(options.classes, options.classes, dtype=torch.long)
    net.eval()
    with torch.no_grad():
        for image, mask in data:
            # ERFNet's input must divide by 8: what is missing is padded with the mean.
            missing = [-side % 8 if options.model == "erfnet" else 0 for side in mask.shape]
            x = functional.pad((image - mean) / deviation, (0, missing[1], 0, missing[0]))
            predicted = net(x[None]).argmax(1)[0, :mask.shape[0], :mask.shape[1]]
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
    parser.add_argument("--model", choices=("unet", "fcn", "erfnet"), default="unet")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--passes", type=int, default=1, help="over the training part in an epoch")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--crop", type=lambda s: tuple(map(int, s.split("x"))), required=True, metavar="HxW")
    parser.add_argument("--flip", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--turn", action="store_true")
    parser.add_argument("--scale", type=lambda s: tuple(map(float, s.split(":"))), metavar="FROM:TO")
    parser.add_argument("--brightness", type=float, default=0)
    parser.add_argument("--contrast", type=float, default=0)
    parser.add_argument("--class-weights", type=lambda s: torch.tensor([float(w) for w in s.split(",")]), metavar="NUMBERS")
    parser.add_argument("--ema", type=float, default=0)
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
    net = make_network(options).to(memory_format=torch.channels_last)
    initialize(net)
    optimizer = torch.optim.AdamW(net.parameters(), lr=options.lr, weight_decay=1e-2, fused=True)
    steps = math.ceil(len(train) * options.passes / options.batch_size) * options.epochs
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, steps, power=0.9)
    average, step = None, 0
    if options.ema:
        def averaged(old, new, _):
            return old + (1 - min(options.ema, (1 + step) / (10 + step))) * (new - old)
        average = torch.optim.swa_utils.AveragedModel(net, avg_fn=averaged, use_buffers=True)
    start = time.perf_counter()
    for epoch in range(options.epochs):
        total = 0.0
        order = torch.cat([torch.randperm(len(train)) for _ in range(options.passes)]).split(options.batch_size)
        for batch in order:
            images, masks = zip(*(sample(train[i], options, mean) for i in batch))
            x = ((torch.stack(images) - mean) / deviation).to(memory_format=torch.channels_last)
            loss = functional.cross_entropy(net(x), torch.stack(masks), weight=options.class_weights,
                                            ignore_index=options.ignore_index)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            if average:
                average.update_parameters(net)
            total += loss.item()
        counts = confusion(average or net, val, options, mean, deviation).double()
        trained = time.perf_counter() - start
        iou = counts.diag() / (counts.sum(0) + counts.sum(1) - counts.diag())
        print(json.dumps({"epoch": epoch + 1, "seconds": round(trained, 1), "train_loss": round(total / len(order), 4),
                          "val_pixel_accuracy": round(float(counts.diag().sum() / counts.sum()), 4),
                          "val_miou": round(float(iou.nanmean()), 4),
                          "val_iou": [round(float(i), 4) for i in iou]}), flush=True)
        if trained > options.max_minutes * 60:
            break


if __name__ == "__main__":
    main()
