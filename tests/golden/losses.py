"""Losses by PyTorch in double: value and gradient of the first argument.

usage: losses.py [OUTPUT_FOLDER]

Cross-entropy, binary cross-entropy ("sigmoid": of the labels' one-hot), MSE, L1 and Huber are PyTorch's own, reduced by
their mean (cross-entropy: the weighted mean; both of labels: over pixels that are not ignored). The others are written out here over PyTorch's tensors, with
p = softmax(logits) over classes and t the one-hot truth, both 0 at ignored pixels:

dice     score_c = (2 I_c + smooth) / max(P_c + T_c + smooth, eps)
jaccard  score_c = (I_c + smooth) / max(P_c + T_c - I_c + smooth, eps)
         where I_c, P_c, T_c are the sums of p t, p and t over all pixels of the batch;
         loss = sum over classes in the truth of (1 - score_c), divided by the number of all classes
         (segmentation_models_pytorch's "multiclass" mode; smooth = 0, eps = 1e-7)
focal    mean over valid pixels of -alpha_y (1 - p_y)^gamma log p_y for the true class y (alpha: class weights, or 1)

With every pixel ignored each loss and its gradient is 0 here (PyTorch's cross-entropy gives NaN).
"""
import numpy as np
import torch
from torch.nn import functional

from golden_file import GoldenFile, output_folder, version

EPSILON = 1e-7
WEIGHTS = [0.5, 2.0, 1.25, 0.1, 3.0, 1.0, 0.75, 0.3, 1.5, 2.5, 0.9]
OPTIONS = {"cross_entropy": {"label_smoothing": 0.0}, "focal": {"gamma": 2.0}, "dice": {"smooth": 0.0},
           "jaccard": {"smooth": 0.0}}


def overlap_score(name, p, truth, smooth=0.0):
    intersection, sums = (p * truth).sum((0, 1, 2)), (p + truth).sum((0, 1, 2))
    if name == "dice":
        return (2 * intersection + smooth) / (sums + smooth).clamp_min(EPSILON)
    return (intersection + smooth) / (sums - intersection + smooth).clamp_min(EPSILON)


def segmentation_loss(name, logits, labels, weights, ignore_index, label_smoothing=0.0, gamma=2.0, smooth=0.0):
    """`logits` [N, H, W, C], `labels` [N, H, W]."""
    classes = logits.shape[-1]
    valid = torch.ones_like(labels, dtype=torch.bool) if ignore_index is None else labels != ignore_index
    if not valid.any():
        return logits.sum() * 0.0
    if name == "cross_entropy":
        ignored = -100 if ignore_index is None else ignore_index
        return functional.cross_entropy(logits.movedim(-1, 1), labels, weights, ignore_index=ignored,
                                        label_smoothing=label_smoothing)
    if name == "focal":
        log_p = functional.log_softmax(logits[valid], -1).gather(-1, labels[valid][:, None])[:, 0]
        alpha = 1.0 if weights is None else weights[labels[valid]]
        return (-alpha * (1 - log_p.exp()) ** gamma * log_p).mean()
    if name == "sigmoid":
        truth = functional.one_hot(labels[valid], classes).to(logits.dtype)
        return functional.binary_cross_entropy_with_logits(logits[valid], truth, weights)
    truth = functional.one_hot(labels * valid, classes) * valid[..., None]
    score = overlap_score(name, logits.softmax(-1) * valid[..., None], truth, smooth)
    present = truth.sum((0, 1, 2)) > 0
    return ((1 - score) * present).mean()


def segmentation_cases():
    """Parameters, with the logits' scale and what the labels hold."""
    for name in ["cross_entropy", "focal", "dice", "jaccard"]:
        for classes in (2, 3, 11):
            yield dict(loss=name, classes=classes)
        yield dict(loss=name, classes=3, scale=300.0)
        yield dict(loss=name, classes=3, ignore_index=255)
        yield dict(loss=name, classes=11, ignore_index=11)
        yield dict(loss=name, classes=3, ignore_index=1)
        yield dict(loss=name, classes=3, ignore_index=255, labels="ignored")
        yield dict(loss=name, classes=4, labels="no class 2")
    for name in ["cross_entropy", "focal"]:
        yield dict(loss=name, classes=3, weighted=True)
        yield dict(loss=name, classes=11, weighted=True, ignore_index=11)
        yield dict(loss=name, classes=3, weighted=True, ignore_index=255, labels="ignored")
    for smoothing in (0.1, 0.3):
        yield dict(loss="cross_entropy", classes=3, label_smoothing=smoothing)
        yield dict(loss="cross_entropy", classes=3, label_smoothing=smoothing, weighted=True)
        yield dict(loss="cross_entropy", classes=11, label_smoothing=smoothing, ignore_index=11)
        yield dict(loss="cross_entropy", classes=11, label_smoothing=smoothing, ignore_index=11, weighted=True)
    for gamma in (0.0, 1.0, 3.5):
        yield dict(loss="focal", classes=3, gamma=gamma)
    for name in ["dice", "jaccard"]:
        yield dict(loss=name, classes=3, smooth=1.0)
        yield dict(loss=name, classes=4, smooth=1.0, ignore_index=255, labels="no class 2")
    for scale in (2.0, 300.0):
        yield dict(loss="sigmoid", classes=3, scale=scale)
        yield dict(loss="sigmoid", classes=11, scale=scale, ignore_index=11, weighted=True)
    yield dict(loss="sigmoid", classes=3, weighted=True, ignore_index=255, labels="ignored")


def value_and_gradient(loss, x):
    leaf = torch.tensor(x, requires_grad=True)
    value = loss(leaf)
    return {"loss": value.detach(), "input_grad": torch.autograd.grad(value, leaf)[0]}


def make_labels(random, classes, ignore_index, content):
    if content == "ignored":
        return np.full((2, 5, 4), ignore_index)
    labels = random.randint(0, classes, (2, 5, 4))
    if content == "no class 2":
        labels[labels == 2] = 0
    if ignore_index is not None:
        labels[random.uniform(size=labels.shape) < 0.25] = ignore_index
    return labels


def add_segmentation_losses(file):
    for index, case in enumerate(segmentation_cases()):
        random = np.random.RandomState(100 + index)
        classes, ignore_index = case["classes"], case.get("ignore_index")
        logits = random.standard_normal((2, 5, 4, classes)) * case.pop("scale", 2.0)
        labels = make_labels(random, classes, ignore_index, case.pop("labels", "all"))
        tensors = {"input": logits, "labels": labels}
        weights = None
        if case.pop("weighted", False):
            tensors["class_weights"] = np.array(WEIGHTS[:classes])
            weights = torch.tensor(tensors["class_weights"])
        options = {name: case.setdefault(name, default) for name, default in OPTIONS.get(case["loss"], {}).items()}
        tensors.update(value_and_gradient(
            lambda x: segmentation_loss(case["loss"], x, torch.tensor(labels), weights, ignore_index, **options), logits))
        file.add({"name": f"{case['loss']}_{index:02}", "ignore_index": None, **case}, tensors)


def add_elementwise_losses(file):
    random = np.random.RandomState(7)
    shape = (2, 5, 4, 3)
    for scale in (2.0, 300.0):
        for name, pos_weight in [("plain", None), ("one", [2.5]), ("per_channel", [0.5, 2.0, 4.0])]:
            x, target = random.standard_normal(shape) * scale, random.randint(0, 2, shape) * 1.0
            target[0] = random.uniform(size=shape[1:])  # soft truths as well
            tensors = {"input": x, "target": target}
            weight = None
            if pos_weight:
                tensors["pos_weight"] = np.array(pos_weight)
                weight = torch.tensor(tensors["pos_weight"])
            tensors.update(value_and_gradient(
                lambda x: functional.binary_cross_entropy_with_logits(x, torch.tensor(target), pos_weight=weight), x))
            file.add({"name": f"bce_{name}_{scale:g}", "loss": "binary_cross_entropy_with_logits"}, tensors)
    for name, options, function in [
        ("mse", {}, functional.mse_loss),
        ("l1", {}, functional.l1_loss),
        ("huber", {"delta": 1.0}, lambda x, t: functional.huber_loss(x, t, delta=1.0)),
        ("huber", {"delta": 0.4}, lambda x, t: functional.huber_loss(x, t, delta=0.4)),
    ]:
        x, target = random.standard_normal(shape), random.standard_normal(shape)
        tensors = value_and_gradient(lambda x: function(x, torch.tensor(target)), x)
        file.add({"name": "_".join([name, *(f"{value:g}" for value in options.values())]), "loss": name, **options},
                 {"input": x, "target": target, **tensors})


def main():
    file = GoldenFile()
    add_segmentation_losses(file)
    add_elementwise_losses(file)
    file.write(output_folder() / "losses.safetensors", {"torch": version("torch")})


if __name__ == "__main__":
    main()
