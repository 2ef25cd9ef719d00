"""Maintainer's test of this folder, by hand, after a build (a minute):

    python3 examples/outgrow/test_outgrow.py build/test/bin        needs PyTorch 2.x, safetensors, NumPy

Prints a line for each promise of the README with the figure measured; exits with 1 if one is broken.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

sys.path.insert(0, str(ROOT / "tests" / "exchange"))
import exchange
import heed_checkpoint
from gpt import GPT, GPTOptions, decay_groups
from heed_random import Generator, philox

SETTINGS = {
    "small model, a batch in two parts of 7":
        "--layers 2 --heads 4 --width 64 --context 32 --batch 7 --accumulate 2 --lr 0.003",
    "char_gpt's default model": "",
}
STEPS = "--warmup 10 --steps 80 --eval-every 20 --save-every 1000 --characters 0 --threads 1 --quiet".split()

failures = []


def report(promise, good, figure):
    print(f"{'ok  ' if good else 'FAIL'} {promise}: {figure}", flush=True)
    if not good:
        failures.append(promise)


def run(*words, cwd=None):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, cwd=cwd)
    if done.returncode not in (0, 130):  # 130: stopped, to be resumed
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")


def heed(out, *more, settings, text):
    run(programs / "char_gpt", "--text", text, *settings.split(), *STEPS, "--out", out, *more)
    return out / "checkpoint.safetensors"


def pytorch(out, checkpoint, stop, text, processes=1):
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", processes] if processes > 1 else []
    run(sys.executable, *torchrun, HERE / "continue_char_gpt.py", "--checkpoint", checkpoint, "--text", text,
        "--steps", 80, "--stop-at", stop, "--eval-every", 20, "--out", out)
    return out / "checkpoint.safetensors"


def losses(folder, after, up_to):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {(line["step"], key): line[key] for line in lines for key in ("loss", "val_loss")
            if key in line and after < line["step"] <= up_to}


def apart(a, b):
    """The largest relative difference."""
    assert a and a.keys() == b.keys(), f"{sorted(a)} and {sorted(b)}"
    return max(abs(a[k] - b[k]) / abs(a[k]) for k in a)


def test_generator():
    # Random123's published answers, and the bits that a rejection draws again.
    answer = " ".join(f"{word:08x}" for word in philox(0, 0, [0])[0])
    report("the generator is Philox-4x32-10", answer == "6627e8d5 e169c58d bc57ac4c 9b00dbd8", answer)
    g = Generator(7, 5)
    values = g.integers(0, 1025, 2001)
    good = values.min() >= 0 and values.max() < 1025 and g.counter == 5 + 1001 and len(np.unique(values)) > 850
    report("2001 integers below 1025 advance the counter by 1001", good, f"{len(np.unique(values))} different ones")


def test_run(name, settings, text, folder):
    go = dict(settings=settings, text=text)
    heed(folder / "whole", **go)
    begun = heed(folder / "begun", "--stop-at", 40, **go)
    moved = pytorch(folder / "moved", begun, 60, text)
    heed(folder / "back", "--resume", moved, **go)
    whole = folder / "whole"
    d = apart(losses(whole, 40, 60), losses(folder / "moved", 40, 60))
    report(f"{name}: steps 41-60 in PyTorch, losses as heed's to 1e-5", d < 1e-5, f"{d:.1e}")
    d = apart(losses(whole, 60, 80), losses(folder / "back", 60, 80))
    report(f"{name}: heed -> PyTorch -> heed, steps 61-80 as without it to 1e-5", d < 1e-5, f"{d:.1e}")

    pytorch(folder / "two", begun, 60, text, processes=2)
    d = apart(losses(folder / "moved", 40, 60), losses(folder / "two", 40, 60))
    report(f"{name}: two processes under torchrun, losses as one process's to 1e-4", d < 1e-4, f"{d:.1e}")
    return begun


def test_checkpoint(checkpoint_file, settings, text, folder):
    # Through PyTorch's objects and back without a step: nothing may change.
    at_first = heed_checkpoint.load(checkpoint_file)
    state, texts = at_first.model(), at_first.texts
    model = GPT(GPTOptions(state["wte.weight"].size(0), int(texts["context"]), int(texts["width"]), int(texts["heads"]),
                           int(texts["layers"])))
    model.load_state_dict(state, strict=True)
    adamw = torch.optim.AdamW(decay_groups(model, 0.0))
    adamw.load_state_dict(at_first.optimizer())
    parameters = [p for group in adamw.param_groups for p in group["params"]]
    good = adamw.param_groups[0]["weight_decay"] == 0.1 and adamw.param_groups[0]["betas"] == (0.9, 0.99) and all(
        torch.equal(adamw.state[p][slot], at_first.tensors[f"optimizer.{i}.{slot}"])
        and adamw.state[p][slot].shape == p.shape and adamw.state[p]["step"] == 40
        for i, p in enumerate(parameters) for slot in ("exp_avg", "exp_avg_sq"))
    report("torch.optim.AdamW.load_state_dict takes heed's state", good, f"{len(parameters)} parameters, step 40")

    again = heed_checkpoint.load(checkpoint_file)
    again.set_model(model.state_dict())
    again.set_optimizer(adamw.state_dict())
    again.save(folder / "again.safetensors")
    read_again = heed_checkpoint.load(folder / "again.safetensors")
    good = exchange.same_bits(at_first.tensors, read_again.tensors) and at_first.texts == read_again.texts
    report("heed -> load_state_dict(strict=True), AdamW -> heed: equal bits", good, f"{len(at_first.tensors)} tensors")

    go = dict(settings=settings, text=text)
    from_heed = heed(folder / "from_heed", "--resume", checkpoint_file, "--stop-at", 45, **go)
    from_here = heed(folder / "from_here", "--resume", folder / "again.safetensors", "--stop-at", 45, **go)
    report("heed resumes it with the bits of its own file", from_heed.read_bytes() == from_here.read_bytes(), "5 steps")


def test_other_runs(settings, text, folder):
    # A loaded model with the same characters is continued; what a checkpoint does not hold is refused, with the reason.
    model = folder / "0" / "whole" / "model.safetensors"
    begun = heed(folder / "loaded", "--load", model, "--stop-at", 40, settings="--batch 7 --lr 0.003", text=text)
    heed(folder / "loaded_whole", "--load", model, settings="--batch 7 --lr 0.003", text=text)
    pytorch(folder / "loaded_moved", begun, 60, text)
    d = apart(losses(folder / "loaded_whole", 40, 60), losses(folder / "loaded_moved", 40, 60))
    report("a run that began with --load goes on with the same losses to 1e-5", d < 1e-5, f"{d:.1e}")
    other = folder / "other.txt"
    other.write_text(text.read_text().replace("q", "")[:20000])
    for name, more, of, reason in (("--tokens bpe", ["--tokens", "bpe", "--vocab", 300], text, "does not hold the byte pairs"),
                                   ("--lora", ["--load", model, "--lora", 2], text, "no low-rank adapters"),
                                   ("--freeze", ["--load", model, "--freeze", 1], text, "all parameters are trained"),
                                   ("other characters", ["--load", model], other, "they are the loaded model's")):
        refused = heed(folder / name.replace(" ", "_"), *more, "--stop-at", 1, settings="--layers 1 --width 64", text=of)
        done = subprocess.run([sys.executable, HERE / "continue_char_gpt.py", "--checkpoint", refused, "--text", of,
                               "--steps", "80", "--out", folder / "never"], capture_output=True, text=True)
        good = done.returncode == 1 and reason in done.stderr and "char_gpt --resume" in done.stderr \
            and "Traceback" not in done.stderr
        report(f"a run with {name} is refused, with the reason", good, done.stderr.strip()[-240:])


def test_page(folder):
    # The README's Python, as it stands there, where it finds what it names.
    here = folder / "page"
    (here / "out").mkdir(parents=True)
    (here / "examples").symlink_to(ROOT / "examples")
    (here / "out" / "here").symlink_to(folder / "0" / "whole")
    blocks = (HERE / "README.md").read_text().split("```python\n")[1:]
    for block in blocks:
        run(sys.executable, "-c", block.split("```")[0], cwd=here)
    run(programs / "char_gpt", "--load", here / "model.safetensors", "--characters", 20, "--quiet")
    report("the README's Python runs, and char_gpt loads what it writes", len(blocks) == 2, f"{len(blocks)} blocks")


def test_modules(folder):
    names, tensors, wrong = exchange.exchange(str(programs / "heed_exchange"), folder)
    report("every module, heed -> PyTorch -> heed and the inverse: equal bits", not wrong,
           "; ".join(wrong) or f"{len(names)} modules, {tensors} tensors")
    for name, d in exchange.compare_logits(folder, names).items():
        report(f"{name}: the twin's logits are heed's to 1e-5 of the largest", d < 1e-5, f"{d:.1e}")


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        text = folder / "text.txt"
        text.write_text("".join((ROOT / page).read_text() for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")))
        test_generator()
        begun = {}
        for i, (name, settings) in enumerate(SETTINGS.items()):
            (folder / str(i)).mkdir()
            begun[settings] = test_run(name, settings, text, folder / str(i))
        settings = next(iter(SETTINGS.values()))
        test_checkpoint(begun[settings], settings, text, folder)
        test_other_runs(settings, text, folder)
        test_page(folder)
        (folder / "modules").mkdir()
        test_modules(folder / "modules")
    sys.exit(f"{len(failures)} of the promises are broken" if failures else 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    programs = pathlib.Path(sys.argv[1]).resolve()
    main()
