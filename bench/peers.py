"""What bench's scripts share: the venv with the peers, the programs they time, and how a peer is called."""
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = HERE.parent / ".venv/bin/python"


def build(root, targets):
    subprocess.run(["cmake", "--preset", "release"], cwd=root, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", root / "build/release", *targets], check=True, stdout=subprocess.DEVNULL)


def requirements(names):
    """Those lines of tests/golden/requirements.txt, so that there is one place for versions."""
    lines = (HERE.parent / "tests/golden/requirements.txt").read_text().split()
    return [line for line in lines if line.split("==")[0] in names]


def has(*modules):
    return subprocess.run([PYTHON, "-c", f"import {', '.join(modules)}"], capture_output=True).returncode == 0


def set_up(root, targets, options):
    """Makes .venv, or adds to it, where something is missing, and builds the programs."""
    if not PYTHON.exists():
        print("making .venv", flush=True)
        subprocess.run([sys.executable, "-m", "venv", root / ".venv"], check=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not has("torch", "numpy", "safetensors"):
        print("installing PyTorch into .venv", flush=True)
        subprocess.run([*pip, "safetensors", *requirements(["torch", "numpy"])], check=True)
    if options.keras and not has("tensorflow", "keras"):
        print("installing Keras and TensorFlow into .venv", flush=True)
        subprocess.run([*pip, *requirements(["keras", "tensorflow-cpu"])], check=True)
    # What was compiled once is found again by the next run.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(root / "build/inductor"))
    build(root, targets)


def modes(options):
    """Name of each mode and the script and words that run it."""
    layouts = {"channels_last": ["channels_last"], "nchw": ["nchw"]}
    found = {f"torch {name}": [HERE / "peer_torch.py", *words] for name, words in layouts.items()}
    if options.compile:
        found |= {f"torch {name} compiled": [HERE / "peer_torch.py", *words, "--compile"] for name, words in layouts.items()}
    if options.keras:
        found |= {f"keras {mode}": [HERE / "peer_keras.py", mode] for mode in ("graph", "xla")}
    return found


def serve(command, file, options):
    return [PYTHON, *command, file, "--threads", str(options.threads)]


def check(command, file, options):
    """Runs one step in the peer; the largest relative difference to our numbers, or the end where it is no rounding."""
    run = subprocess.run([*serve(command, file, options), "--check"], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} --check failed:\n{run.stderr}")
    worst = json.loads(run.stdout)
    for what, difference in worst.items():
        # Deep gradients pass many normalisations and rectifiers that f32's rounding tips over: against double, PyTorch's
        # own lie up to 1e-2 away in unet32, ours 2e-2, as Winograd rounds more than direct convolution.
        if difference > (5e-2 if what.startswith("grad/") else 1e-3):
            sys.exit(f"{' '.join(map(str, command))} differs from us by {difference:.1e} in {what}")
    return max(worst.values())


def versions(keras):
    names = ["torch", *(["keras", "tensorflow-cpu"] if keras else [])]
    code = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {names}}}))"
    return json.loads(subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, text=True).stdout)


# ---- inside a peer's process ----

def status_megabytes(key):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def forget_peak():
    """Makes VmHWM count anew: what was needed to load weights is not the network's."""
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def differences(pairs):
    """Of each (name, ours, theirs): |ours - theirs| over |theirs|, Euclidean norms. Gradients that are zero but for
    rounding, as those of a bias under a normalisation, are measured by the largest of all gradients."""
    pairs = [(name, ours.ravel(), theirs.ravel()) for name, ours, theirs in pairs]
    norm = lambda v: float((v @ v) ** 0.5)
    scale = max([norm(theirs) for name, _, theirs in pairs if name.startswith("grad/")], default=0)
    return {name: norm(ours - theirs) / max(norm(theirs), 1e-3 * scale, 1e-30) for name, ours, theirs in pairs}


def answer_requests(step, before):
    """Times as many steps as each line of standard input says."""
    import time
    print("ready", flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            times.append((time.perf_counter() - start) * 1e3)
        print(json.dumps({"ms": times, "peak_mb": status_megabytes("VmHWM") - before}), flush=True)
