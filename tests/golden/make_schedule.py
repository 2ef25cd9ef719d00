"""Learning rates by torch.optim.lr_scheduler: writes schedule.safetensors, which
optim/schedule_golden_test.cpp compares with.

    python3 make_schedule.py      needs PyTorch 2.x

Two groups, with learning rates 0.1 and 0.03; a row a step:

    NAME (121, 2)            at steps 0 … 120
    plateau.metric (80)      what ReduceLROnPlateau sees, with plateaus and NaN
    plateau.NAME (80, 2)     after each of them
"""
import math
import os

import numpy as np
import torch
from torch.optim import SGD
from torch.optim import lr_scheduler as sched

from safetensors_io import save

out = {}


def optimizer(lr=0.1, other=0.03):
    p = [torch.nn.Parameter(torch.zeros(1, dtype=torch.float64)) for _ in range(2)]
    return SGD([{"params": [p[0]]}, {"params": [p[1]], "lr": other}], lr=lr)


def rates(o):
    return [g["lr"] for g in o.param_groups]


def schedule(name, make, steps=120, **kwargs):
    o = optimizer(**kwargs)
    s = make(o)
    found = [rates(o)]
    for _ in range(steps):
        o.step()
        s.step()
        found.append(rates(o))
    out[name] = np.array(found)


schedule("constant", lambda o: sched.ConstantLR(o))
schedule("constant_long", lambda o: sched.ConstantLR(o, factor=0.5, total_iters=30))
schedule("restarts", lambda o: sched.CosineAnnealingWarmRestarts(o, T_0=10))
schedule("restarts_longer", lambda o: sched.CosineAnnealingWarmRestarts(o, T_0=7, T_mult=2, eta_min=0.01))
schedule("restarts_thrice", lambda o: sched.CosineAnnealingWarmRestarts(o, T_0=1, T_mult=3))
cycle = dict(cycle_momentum=False)
for phases in (False, True):
    end = "_three" if phases else ""
    for strategy in ("cos", "linear"):
        schedule(f"one_cycle_{strategy}{end}", lambda o: sched.OneCycleLR(
            o, max_lr=[0.1, 0.03], total_steps=121, anneal_strategy=strategy, three_phase=phases, **cycle))
schedule("one_cycle_options", lambda o: sched.OneCycleLR(
    o, max_lr=0.2, total_steps=121, pct_start=0.17, div_factor=4.0, final_div_factor=100.0, **cycle))
schedule("one_cycle_options_three", lambda o: sched.OneCycleLR(
    o, max_lr=0.2, total_steps=121, pct_start=0.45, div_factor=4.0, final_div_factor=100.0, three_phase=True, **cycle))
schedule("inverse_square_root", lambda o: sched.LambdaLR(o, lambda s: min((s + 1) / 20, math.sqrt(20 / (s + 1)))))
# Attention is all you need, eq. 3, with steps from 1
schedule("noam", lambda o: sched.LambdaLR(
    o, lambda s: 64 ** -0.5 * min((s + 1) ** -0.5, (s + 1) * 15 ** -1.5)))
schedule("sequential", lambda o: sched.SequentialLR(
    o, [sched.LinearLR(o, start_factor=0.1, total_iters=20), sched.CosineAnnealingLR(o, T_max=80)], milestones=[20]))
schedule("sequential_many", lambda o: sched.SequentialLR(
    o, [sched.ConstantLR(o, factor=0.2, total_iters=9), sched.StepLR(o, step_size=5, gamma=0.7),
        sched.CosineAnnealingWarmRestarts(o, T_0=6, T_mult=2), sched.PolynomialLR(o, total_iters=30, power=2.0)],
    milestones=[10, 30, 70]))

rng = np.random.default_rng(1)
metric = np.concatenate([np.linspace(3, 1, 15), np.full(20, 1.0), [float("nan")] * 3, 1 - 0.0001 * np.arange(20),
                         0.6 + 0.05 * rng.standard_normal(22)])
out["plateau.metric"] = metric


def plateau(name, **options):
    o = optimizer()
    s = sched.ReduceLROnPlateau(o, **options)
    found = []
    for m in metric:
        o.step()
        s.step(m)
        found.append(rates(o))
    out[f"plateau.{name}"] = np.array(found)


plateau("default")
plateau("patience", patience=2, factor=0.5)
plateau("impatient", patience=0, factor=0.9)
plateau("absolute", patience=3, factor=0.5, threshold=0.05, threshold_mode="abs")
plateau("loose", patience=3, factor=0.5, threshold=0.2)
plateau("cooldown", patience=1, factor=0.5, cooldown=4)
plateau("floor", patience=1, factor=0.5, min_lr=0.01)
plateau("eps", patience=1, factor=0.5, eps=0.01)
plateau("max", mode="max", patience=4, factor=0.5)
plateau("max_absolute", mode="max", patience=4, factor=0.5, threshold=0.1, threshold_mode="abs", cooldown=2)

save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "schedule.safetensors"), out,
     {"torch": torch.__version__.split("+")[0]})
print(len(out), "tensors")
