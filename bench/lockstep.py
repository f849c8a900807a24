"""Trains a network here and in PyTorch from the same weights on the very same batches, and compares: the first step's
gradients with those of PyTorch in double, then the mean loss of every epoch. What differs is rounding alone.

    .venv/bin/python bench/lockstep.py --data $CAMVID --model fcn --classes 11 --ignore-index 11 --crop 160x208 --epochs 3
"""
import argparse
import pathlib
import subprocess
import tempfile

import torch
from safetensors import safe_open
from torch.nn import functional

import peers
from peer_torch import load_weights, models, to_torch, torch_name

ROOT = pathlib.Path(__file__).resolve().parent.parent


def network(saved, options, dtype):
    net = models.FCN(options.classes, 64) if options.model == "fcn" else models.UNet(options.classes, 16, 3, "batch")
    load_weights(net, saved)
    return net.to(dtype).to(memory_format=torch.channels_last).train()


def loss_of(net, saved, batch, options, dtype):
    images = saved.get_tensor(f"images/{batch}").permute(0, 3, 1, 2).to(dtype)
    return functional.cross_entropy(net(images), saved.get_tensor(f"masks/{batch}").long(), ignore_index=options.ignore_index)


def gradients(saved, options, dtype):
    net = network(saved, options, dtype)
    loss_of(net, saved, 0, options, dtype).backward()
    return {name: parameter.grad.double() for name, parameter in net.named_parameters()}


def compare_gradients(saved, options):
    exact, single = (gradients(saved, options, dtype) for dtype in (torch.float64, torch.float32))
    ours = {torch_name(key[len("grad/"):]): to_torch(saved.get_tensor(key)).double() for key in saved.keys() if key.startswith("grad/")}
    for side, found in (("Tessera", ours), ("PyTorch", single)):
        far = {name: float((found[name] - exact[name]).norm() / exact[name].norm()) for name in exact}
        worst = max(far, key=far.get)
        print(f"first gradients, {side} in f32 against PyTorch in f64: at most {far[worst]:.1e} away, in {worst}")


def train(saved, options):
    """The loss of every step."""
    net, losses = network(saved, options, torch.float32), []
    batches = sum(key.startswith("images/") for key in saved.keys())
    optimizer = torch.optim.AdamW(net.parameters(), lr=options.lr, weight_decay=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, batches * options.epochs, power=0.9)
    for step in range(batches * options.epochs):
        loss = loss_of(net, saved, step % batches, options, torch.float32)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return torch.tensor(losses)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", choices=("unet", "fcn"), required=True)
    parser.add_argument("--classes", type=int, required=True)
    parser.add_argument("--ignore-index", type=int, default=-1)
    parser.add_argument("--crop", required=True, metavar="HxW")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    peers.build(ROOT, ["bench_lockstep"])
    height, width = options.crop.split("x")
    with tempfile.TemporaryDirectory() as folder:
        words = {name: getattr(options, name.replace("-", "_"))
                 for name in ("model", "classes", "ignore-index", "epochs", "lr", "seed", "threads")}
        words |= {"height": height, "width": width}
        subprocess.run([ROOT / "build/release/bench/lockstep", options.data, f"{folder}/steps.safetensors",
                        *(f"--{name}={value}" for name, value in words.items())], check=True)
        with safe_open(f"{folder}/steps.safetensors", "pt") as saved:
            compare_gradients(saved, options)
            ours, theirs = saved.get_tensor("losses"), train(saved, options)
    for epoch, (a, b) in enumerate(zip(ours.chunk(options.epochs), theirs.chunk(options.epochs)), 1):
        print(f"epoch {epoch}: mean loss {a.mean():.4f} here, {b.mean():.4f} in PyTorch")


if __name__ == "__main__":
    main()
