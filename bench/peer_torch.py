"""One workload in one mode of PyTorch, for bench/compare: checks it against our numbers, or times steps on request.

usage: peer_torch.py channels_last|nchw [--compile] CHECK_FILE [--check] [--threads N]
"""
import argparse
import json
import pathlib
import sys

import torch
from safetensors import safe_open
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

import peers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/golden"))
import models

NAMES = {"kernel": "weight", "gamma": "weight", "beta": "bias"}


def torch_name(path):
    head, _, last = path.rpartition(".")
    return f"{head}.{NAMES.get(last, last)}"


def to_torch(array):
    """Kernels [kh, kw, a, b] are [b, a, kh, kw] there, for convolutions and transposed ones alike."""
    return array.permute(3, 2, 0, 1).contiguous() if array.ndim == 4 else array


def load_weights(net, saved):
    """Ours into PyTorch's network; the end where one of them has others."""
    state = {torch_name(key[len("weight/"):]): to_torch(saved.get_tensor(key)) for key in saved.keys() if key.startswith("weight/")}
    missing, unknown = net.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unknown:
        sys.exit(f"the networks differ: missing {missing}, unknown {unknown}")


def make_network(what, saved):
    if what["network"] == "tiny":
        net = models.TinySegNet(what["classes"])
    else:
        net = models.UNet(what["classes"], what["width"], what["depth"], "batch")
    load_weights(net, saved)
    net.train(what["kind"] == "train")
    if what["kind"] == "folded":
        for module in [m for m in net.modules() if isinstance(m, models.ConvBlock)]:
            module.conv = fuse_conv_bn_eval(module.conv, module.norm)
            del module.norm
    return net


class Work:
    def __init__(self, options, what, saved):
        self.train = what["kind"] == "train"
        self.net = make_network(what, saved)
        self.x = saved.get_tensor("input").permute(0, 3, 1, 2).contiguous()
        self.labels = saved.get_tensor("labels").long()
        if options.layout == "channels_last":
            self.net = self.net.to(memory_format=torch.channels_last)
            self.x = self.x.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3, fused=True)
        self.run = torch.compile(self.net) if options.compile else self.net

    def infer(self):
        with torch.no_grad():
            return self.run(self.x)

    def forward_backward(self):
        y = self.run(self.x)
        loss = functional.cross_entropy(y, self.labels)
        loss.backward()
        return y, loss

    def step(self):
        if not self.train:
            return self.infer()
        self.optimizer.zero_grad(set_to_none=True)
        self.forward_backward()
        self.optimizer.step()


def check(work, saved):
    if not work.train:
        return {"output": (saved.get_tensor("output"), work.infer().permute(0, 2, 3, 1))}
    y, loss = work.forward_backward()
    pairs = {"output": (saved.get_tensor("output"), y.permute(0, 2, 3, 1)), "loss": (saved.get_tensor("loss"), loss)}
    grads = {name: parameter.grad for name, parameter in work.net.named_parameters()}
    for key in saved.keys():
        if key.startswith("grad/"):
            pairs[key] = (to_torch(saved.get_tensor(key)), grads[torch_name(key[len("grad/"):])])
    return pairs


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layout", choices=["channels_last", "nchw"])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    what = json.loads(options.file.with_suffix(".json").read_text())
    before = peers.status_megabytes("VmHWM")
    with safe_open(options.file, "pt") as saved:
        work = Work(options, what, saved)
        if options.check:
            pairs = check(work, saved).items()
            print(json.dumps(peers.differences((k, a.detach().numpy(), b.detach().numpy()) for k, (a, b) in pairs)))
            return
    peers.forget_peak()
    peers.answer_requests(work.step, before)


if __name__ == "__main__":
    main()
