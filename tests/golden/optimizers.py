"""PyTorch's optimizers over 100 steps and its learning-rate schedules over 60 epochs, in double.

usage: optimizers.py [OUTPUT_FOLDER]

The problem has two parameters, p [3] and q [2, 2], and a gradient that needs no network:

loss = sum_i a_i (p_i - b_i)^2 + sum_j (sin(c_j q_j) + q_j^2 / 2) + p_0 q_00
dloss/dp_i = 2 a_i (p_i - b_i) + [i = 0] q_00        dloss/dq_j = c_j cos(c_j q_j) + q_j + [j = 00] p_0
"""
import math

import numpy as np
import torch
from torch.optim import lr_scheduler

from golden_file import GoldenFile, output_folder, version

PROBLEM = {"a": [1.0, 0.25, 3.0], "b": [0.5, -2.0, 1.5], "c": [[1.0, -0.7], [2.0, 0.3]],
           "p": [3.0, -1.0, 0.75], "q": [[0.4, -1.2], [0.9, 2.5]]}
FORMULA = "sum_i a_i (p_i - b_i)^2 + sum_j (sin(c_j q_j) + q_j^2 / 2) + p_0 q_00"
STEPS, EVERY, EPOCHS = 100, 10, 60

OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW,
              "rmsprop": torch.optim.RMSprop}
CASES = [
    ("sgd_plain", "sgd", {"lr": 0.05}),
    ("sgd_momentum", "sgd", {"lr": 0.02, "momentum": 0.9}),
    ("sgd_nesterov", "sgd", {"lr": 0.02, "momentum": 0.9, "nesterov": True}),
    ("sgd_weight_decay", "sgd", {"lr": 0.05, "weight_decay": 0.1}),
    ("sgd_dampening", "sgd", {"lr": 0.02, "momentum": 0.8, "dampening": 0.3}),
    ("sgd_all", "sgd", {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05}),
    ("adam_plain", "adam", {"lr": 0.05}),
    ("adam_options", "adam", {"lr": 0.02, "betas": [0.8, 0.95], "eps": 1e-4, "weight_decay": 0.1}),
    ("adam_amsgrad", "adam", {"lr": 0.1, "amsgrad": True}),
    ("adamw_plain", "adamw", {"lr": 0.05}),
    ("adamw_options", "adamw", {"lr": 0.02, "betas": [0.8, 0.95], "eps": 1e-4, "weight_decay": 0.3}),
    ("rmsprop_plain", "rmsprop", {"lr": 0.02}),
    ("rmsprop_momentum", "rmsprop", {"lr": 0.005, "momentum": 0.9}),
    ("rmsprop_centered", "rmsprop", {"lr": 0.01, "centered": True, "eps": 1e-3}),
    ("rmsprop_all", "rmsprop", {"lr": 0.005, "alpha": 0.95, "momentum": 0.8, "centered": True, "weight_decay": 0.1,
                                "eps": 1e-2}),
]
EXTRAS = [
    ("sgd_groups", "sgd", {"lr": 0.02, "momentum": 0.9}, {"q_options": {"lr": 0.005, "weight_decay": 0.1}}),
    ("adam_groups", "adam", {"lr": 0.05}, {"q_options": {"lr": 0.01, "betas": [0.8, 0.9]}}),
    ("adamw_groups", "adamw", {"lr": 0.05}, {"q_options": {"weight_decay": 0.0}}),
    ("rmsprop_groups", "rmsprop", {"lr": 0.02}, {"q_options": {"lr": 0.005}}),
    ("sgd_clip_norm", "sgd", {"lr": 0.05, "momentum": 0.5}, {"clip_norm": 0.8}),
    ("sgd_clip_value", "sgd", {"lr": 0.05, "momentum": 0.5}, {"clip_value": 0.5}),
    ("adam_clip_norm", "adam", {"lr": 0.05}, {"clip_norm": 0.8}),
    ("sgd_lr_drop", "sgd", {"lr": 0.02, "momentum": 0.9}, {"lr_after_50": 0.002}),
    ("adam_lr_drop", "adam", {"lr": 0.05}, {"lr_after_50": 0.005}),
]


def trajectory(optimizer_name, options, q_options=None, clip_norm=None, clip_value=None, lr_after_50=None):
    a, b, c = (torch.tensor(PROBLEM[name], dtype=torch.double) for name in "abc")
    p, q = (torch.tensor(PROBLEM[name], dtype=torch.double, requires_grad=True) for name in "pq")
    groups = [{"params": [p]}, {"params": [q], **q_options}] if q_options else [p, q]
    optimizer = OPTIMIZERS[optimizer_name](groups, foreach=False, **options)
    saved, norms = {"p": [], "q": []}, []
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        loss = (a * (p - b) ** 2).sum() + (torch.sin(c * q) + q**2 / 2).sum() + p[0] * q[0, 0]
        loss.backward()
        if clip_norm:
            norms.append(torch.nn.utils.clip_grad_norm_([p, q], clip_norm).item())
        if clip_value:
            torch.nn.utils.clip_grad_value_([p, q], clip_value)
        optimizer.step()
        if step == 50 and lr_after_50:
            for group in optimizer.param_groups:
                group["lr"] = lr_after_50
        if step % EVERY == 0:
            saved["p"].append(p.detach().clone().numpy())
            saved["q"].append(q.detach().clone().numpy())
    return {**saved, **({"gradient_norm": norms} if norms else {})}


def write_optimizers():
    file = GoldenFile()
    file.add({"name": "problem", "formula": FORMULA}, PROBLEM)
    for name, optimizer, options, *extra in CASES + EXTRAS:
        settings = {"q_options": None, "clip_norm": None, "clip_value": None, "lr_after_50": None,
                    **(extra[0] if extra else {})}
        file.add({"name": name, "optimizer": optimizer, "options": options, **settings},
                 trajectory(optimizer, options, **settings))
    file.write(output_folder() / "optimizers.safetensors", {"torch": version("torch")})


# ---- schedules ----

BASE = 0.1


def warm_up(optimizer, epochs, start_factor, after):
    """LinearLR from start_factor * base to base in `epochs`, then `after`, which counts its epochs from there."""
    first = lr_scheduler.LinearLR(optimizer, start_factor=start_factor, total_iters=epochs)
    return lr_scheduler.SequentialLR(optimizer, [first, after], milestones=[epochs])


SCHEDULES = [
    ("constant", {}, lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
    ("step", {"step_size": 20, "gamma": 0.1}, lambda o: lr_scheduler.StepLR(o, 20, 0.1)),
    ("step", {"step_size": 7, "gamma": 0.5}, lambda o: lr_scheduler.StepLR(o, 7, 0.5)),
    ("cosine", {"total": 60, "min_lr": 0.0}, lambda o: lr_scheduler.CosineAnnealingLR(o, 60)),
    ("cosine", {"total": 60, "min_lr": 0.001}, lambda o: lr_scheduler.CosineAnnealingLR(o, 60, 0.001)),
    ("cosine", {"total": 25, "min_lr": 0.001}, lambda o: lr_scheduler.CosineAnnealingLR(o, 25, 0.001)),
    ("poly", {"total": 60, "power": 0.9}, lambda o: lr_scheduler.PolynomialLR(o, 60, 0.9)),
    ("poly", {"total": 60, "power": 1.0}, lambda o: lr_scheduler.PolynomialLR(o, 60, 1.0)),
    ("poly", {"total": 40, "power": 2.0}, lambda o: lr_scheduler.PolynomialLR(o, 40, 2.0)),
    ("warm_up_cosine", {"warm_up": 5, "start_factor": 0.1, "total": 55, "min_lr": 0.0},
     lambda o: warm_up(o, 5, 0.1, lr_scheduler.CosineAnnealingLR(o, 55))),
    ("warm_up_poly", {"warm_up": 10, "start_factor": 0.01, "total": 50, "power": 0.9},
     lambda o: warm_up(o, 10, 0.01, lr_scheduler.PolynomialLR(o, 50, 0.9))),
    ("warm_up_constant", {"warm_up": 4, "start_factor": 0.25},
     lambda o: warm_up(o, 4, 0.25, lr_scheduler.ConstantLR(o, factor=1.0))),
]
PLATEAU = {"mode": "min", "factor": 0.1, "patience": 10, "threshold": 1e-4, "threshold_mode": "rel", "cooldown": 0,
           "min_lr": 0.0, "eps": 1e-8}
PLATEAUS = [{"patience": 3}, {"patience": 2, "factor": 0.5, "cooldown": 3}, {"patience": 0, "factor": 0.5},
            {"patience": 2, "min_lr": 0.004, "factor": 0.3}, {"mode": "max", "patience": 3, "factor": 0.5},
            {"patience": 3, "threshold": 0.02, "threshold_mode": "abs"},
            {"mode": "max", "patience": 1, "threshold": 0.05, "threshold_mode": "abs", "factor": 0.7},
            {"mode": "max", "patience": 2, "threshold": 0.1, "threshold_mode": "rel", "factor": 0.7}]


def rates(make_schedule, metric=None):
    """The learning rate used in each epoch; the schedule steps at the epoch's end."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE)
    schedule, result = make_schedule(optimizer), []
    for epoch in range(EPOCHS):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step(*([] if metric is None else [metric[epoch]]))
    return result


def write_schedules():
    file = GoldenFile()
    for index, (schedule, options, make_schedule) in enumerate(SCHEDULES):
        file.add({"name": f"{schedule}_{index}", "schedule": schedule, "base_lr": BASE, **options},
                 {"lr": rates(make_schedule)})
    noise = np.random.RandomState(1).uniform(-0.05, 0.05, EPOCHS)
    falling = np.array([math.exp(-epoch / 12) for epoch in range(EPOCHS)]) + noise
    for index, changes in enumerate(PLATEAUS):
        options = {**PLATEAU, **changes}
        metric = falling if options["mode"] == "min" else 1.0 - falling
        file.add({"name": f"plateau_{index}", "schedule": "plateau", "base_lr": BASE, **options},
                 {"metric": metric, "lr": rates(lambda o: lr_scheduler.ReduceLROnPlateau(o, **options), metric)})
    file.write(output_folder() / "schedules.safetensors", {"torch": version("torch")})


if __name__ == "__main__":
    write_optimizers()
    write_schedules()
