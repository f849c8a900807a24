"""Measures of segmentations by scikit-learn, and boundary F1 over SciPy's exact distance transform.

usage: metrics.py [OUTPUT_FOLDER]

Boundary F1 is written out here: a pixel lies on the outline of its class where one of its four neighbours has another
class; F1 of the shares of each outline that lie within tolerance * diagonal of the other (Csurka et al. 2013). Ignored
pixels have no class, neither in the truth nor in the prediction.
"""
import numpy as np
from scipy.ndimage import distance_transform_edt
from sklearn import metrics

from golden_file import GoldenFile, output_folder, version

NAN = float("nan")


def labels_of(rng, height, width, classes):
    """Stripes of integer arithmetic, so that no rounding decides a label."""
    y, x = np.mgrid[:height, :width]
    a, b, c, d = rng.integers(1, 7, 4)
    return ((a * x + b * y) // (8 + c) + (x * y) // (60 + 10 * d)) % classes


def case_of(rng, height, width, classes, ignore_index, absent):
    truth = labels_of(rng, height, width, classes)
    prediction = np.roll(truth, rng.integers(-3, 4, 2), (0, 1))
    prediction[height // 2:height // 2 + 9, 5:30] = rng.integers(0, classes, (9, 25))
    if absent is not None:
        truth[truth == absent] = prediction[prediction == absent] = 0
    if ignore_index is not None:
        truth[3:12, width // 3:width // 2] = ignore_index
    return truth.astype(np.int32), prediction.astype(np.int32)


def counted_scores(truth, prediction, classes, ignore_index):
    counted = truth != ignore_index if ignore_index is not None else np.ones_like(truth, bool)
    t, p, all_classes = truth[counted], prediction[counted], range(classes)
    confusion = metrics.confusion_matrix(t, p, labels=all_classes)
    occurs = (confusion.sum(0) + confusion.sum(1)) > 0
    by_class = {"labels": list(all_classes), "average": None, "zero_division": 0}
    iou = np.where(occurs, metrics.jaccard_score(t, p, **by_class), NAN)
    dice = np.where(occurs, metrics.f1_score(t, p, **by_class), NAN)
    accuracy = np.where(confusion.sum(1) > 0, metrics.recall_score(t, p, **by_class), NAN)
    frequency = metrics.jaccard_score(t, p, labels=list(all_classes), average="weighted", zero_division=0)
    return {"confusion": confusion, "iou": iou, "dice": dice, "accuracy": accuracy,
            "pixel_accuracy": metrics.accuracy_score(t, p), "class_accuracy": np.nanmean(accuracy),
            "mean_iou": np.nanmean(iou), "mean_dice": np.nanmean(dice), "frequency_weighted_iou": frequency}


def outline(labels, label):
    edge = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        first, second = [np.swapaxes(a, 0, axis) for a in (labels, edge)]
        differs = (first[1:] != first[:-1]) & (first[1:] >= 0) & (first[:-1] >= 0)
        second[1:] |= differs
        second[:-1] |= differs
    return edge & (labels == label)


def boundary_f1(truth, prediction, classes, ignore_index, tolerance):
    ignored = truth == ignore_index if ignore_index is not None else np.zeros_like(truth, bool)
    truth, prediction = np.where(ignored, -1, truth), np.where(ignored, -1, prediction)
    radius = tolerance * np.hypot(*truth.shape)
    scores = []
    for label in range(classes):
        expected, found = outline(truth, label), outline(prediction, label)
        if not expected.any():
            scores.append(NAN)
        elif not found.any():
            scores.append(0.0)
        else:
            precision = (distance_transform_edt(~expected)[found] <= radius).mean()
            recall = (distance_transform_edt(~found)[expected] <= radius).mean()
            scores.append(2 * precision * recall / max(precision + recall, 1e-300))
    return scores


def main():
    rng = np.random.default_rng(6)
    golden = GoldenFile()
    for classes, ignore_index, absent, tolerance, size in [
            (2, None, None, 0.0075, (48, 64)), (4, 9, None, 0.02, (48, 64)), (5, 255, 2, 0.05, (40, 70)),
            (11, 11, 7, 0.03, (64, 48)), (3, 3, 1, 0.3, (33, 47)), (20, None, 19, 0.0, (48, 64))]:
        truth, prediction = case_of(rng, *size, classes, ignore_index, absent)
        params = {"name": f"{classes}_classes", "classes": classes, "ignore_index": ignore_index,
                  "tolerance": tolerance}
        golden.add(params, {"truth": truth, "prediction": prediction,
                            "boundary_f1": boundary_f1(truth, prediction, classes, ignore_index, tolerance),
                            **counted_scores(truth, prediction, classes, ignore_index)})
    golden.write(output_folder() / "metrics.safetensors",
                 {package: version(package) for package in ("scikit-learn", "scipy", "numpy")})


if __name__ == "__main__":
    main()
