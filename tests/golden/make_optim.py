"""Writes optim.safetensors: 200 steps of every optimizer and 100 of every schedule, by PyTorch in float64.

    python3 tests/golden/make_optim.py

The gradients are drawn once and fed to every optimizer, so that nothing but the update is compared:

    grad.a (200, 3, 4), grad.b (200, 5)      b has none at steps 3, 10, 17, … (step % 7 == 3, from 0)
    start.a, start.b                         the parameters before
    optim.NAME.a (7, 3, 4), optim.NAME.b     the parameters after the steps in `kept`

b is a group of its own with half the learning rate and weight decay 0.05.

    schedule.NAME (101, 2)                   both groups' learning rates at steps 0 … 100
    clip.NAME.a, clip.NAME.b, clip.NAME.norm gradients after clipping grad.a[0], grad.b[0]
"""
import math
import os

import numpy as np
import torch
from torch.optim import SGD, Adagrad, Adam, AdamW, RMSprop
from torch.optim import lr_scheduler as sched

import safetensors_io

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(0)
kept = [1, 2, 3, 10, 50, 100, 200]
grads = {"a": rng.standard_normal((200, 3, 4)), "b": rng.standard_normal((200, 5)) * 0.1}
grads["a"][:, 0, 0] = 0.0  # a parameter that never gets a gradient other than 0
start = {"a": rng.standard_normal((3, 4)), "b": rng.standard_normal(5)}
out = {f"grad.{k}": v for k, v in grads.items()} | {f"start.{k}": v for k, v in start.items()}


def parameters():
    return {k: torch.nn.Parameter(torch.tensor(v)) for k, v in start.items()}


def trajectory(name, make, lr):
    p = parameters()
    optimizer = make([{"params": [p["a"]]}, {"params": [p["b"]], "lr": lr / 2, "weight_decay": 0.05}], lr)
    found = {k: [] for k in p}
    for step in range(200):
        for k in p:
            p[k].grad = None if k == "b" and step % 7 == 3 else torch.tensor(grads[k][step])
        optimizer.step()
        if step + 1 in kept:
            for k in p:
                found[k].append(p[k].detach().numpy().copy())
    for k in p:
        out[f"optim.{name}.{k}"] = np.stack(found[k])


def optimizers(kind, name, lr, **options):
    trajectory(name, lambda groups, lr: kind(groups, lr=lr, foreach=False, **options), lr)


optimizers(SGD, "sgd", 0.1)
optimizers(SGD, "sgd_decay", 0.1, weight_decay=0.1)
optimizers(SGD, "sgd_momentum", 0.1, momentum=0.9)
optimizers(SGD, "sgd_momentum_decay", 0.1, momentum=0.9, weight_decay=0.1)
optimizers(SGD, "sgd_dampening", 0.1, momentum=0.9, dampening=0.5)
optimizers(SGD, "sgd_nesterov", 0.1, momentum=0.9, nesterov=True)
optimizers(Adam, "adam", 0.01)
optimizers(Adam, "adam_decay", 0.01, weight_decay=0.1)
optimizers(Adam, "adam_betas", 0.01, betas=(0.5, 0.9), eps=1e-3)
optimizers(Adam, "adam_amsgrad", 0.01, amsgrad=True)
optimizers(AdamW, "adamw", 0.01)
optimizers(AdamW, "adamw_decay", 0.01, weight_decay=0.5)
optimizers(AdamW, "adamw_betas", 0.01, betas=(0.0, 0.95), eps=1e-6)
optimizers(AdamW, "adamw_amsgrad", 0.01, amsgrad=True, weight_decay=0.1)
optimizers(RMSprop, "rmsprop", 0.01)
optimizers(RMSprop, "rmsprop_decay", 0.01, weight_decay=0.1, alpha=0.9, eps=1e-4)
optimizers(RMSprop, "rmsprop_momentum", 0.01, momentum=0.9)
optimizers(RMSprop, "rmsprop_centered", 0.01, centered=True, alpha=0.9)
optimizers(RMSprop, "rmsprop_all", 0.01, centered=True, momentum=0.5, alpha=0.9, weight_decay=0.1)
optimizers(Adagrad, "adagrad", 0.05)
optimizers(Adagrad, "adagrad_all", 0.05, lr_decay=0.01, weight_decay=0.1, initial_accumulator_value=0.1)


def nanogpt(step, warmup=10, decay=80, floor=0.1):
    """The factor of nanoGPT's get_lr: linear warm-up, half a cosine, constant. floor is min_lr / learning_rate."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if step > decay:
        return floor
    ratio = (step - warmup) / (decay - warmup)
    return floor + 0.5 * (1.0 + math.cos(math.pi * ratio)) * (1.0 - floor)


def schedule(name, make):
    p = parameters()
    optimizer = SGD([{"params": [p["a"]]}, {"params": [p["b"]], "lr": 0.03}], lr=0.1)
    scheduler = make(optimizer)
    rates = [[g["lr"] for g in optimizer.param_groups]]
    for _ in range(100):
        optimizer.step()
        scheduler.step()
        rates.append([g["lr"] for g in optimizer.param_groups])
    out[f"schedule.{name}"] = np.array(rates)


schedule("step", lambda o: sched.StepLR(o, step_size=7, gamma=0.8))
schedule("multi_step", lambda o: sched.MultiStepLR(o, milestones=[3, 30, 31], gamma=0.5))
schedule("exponential", lambda o: sched.ExponentialLR(o, gamma=0.97))
schedule("linear", lambda o: sched.LinearLR(o))
schedule("linear_down", lambda o: sched.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=60))
schedule("polynomial", lambda o: sched.PolynomialLR(o, total_iters=60, power=2.0))
schedule("cosine", lambda o: sched.CosineAnnealingLR(o, T_max=100))
schedule("cosine_waves", lambda o: sched.CosineAnnealingLR(o, T_max=30, eta_min=0.01))
schedule("lambda", lambda o: sched.LambdaLR(o, lambda step: 1.0 / (1 + step)))
schedule("warmup_cosine", lambda o: sched.LambdaLR(o, nanogpt))


def clip(name, call):
    p = parameters()
    for k in p:
        p[k].grad = torch.tensor(grads[k][0])
    norm = call(p.values())
    for k in p:
        out[f"clip.{name}.{k}"] = p[k].grad.numpy()
    if norm is not None:
        out[f"clip.{name}.norm"] = np.float64(norm)


clip("norm", lambda p: torch.nn.utils.clip_grad_norm_(p, 1.0))
clip("norm_large", lambda p: torch.nn.utils.clip_grad_norm_(p, 1000.0))
clip("value", lambda p: torch.nn.utils.clip_grad_value_(p, 0.25))

safetensors_io.save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "optim.safetensors"), out,
                    {"made_with": f"PyTorch {torch.__version__.split('+')[0]}"})
print(len(out), "tensors")
