"""heed's checkpoints in PyTorch's terms, both ways (nn/resume.h says what they hold).

    checkpoint = load("out/char_gpt/checkpoint.safetensors")
    model.load_state_dict(checkpoint.model(), strict=True)
    adamw.load_state_dict(checkpoint.optimizer())
    …
    checkpoint.set_model(model.state_dict())
    checkpoint.set_optimizer(adamw.state_dict())
    checkpoint.save("checkpoint.safetensors")

A checkpoint is a safetensors file: tensors under "model.", "optimizer." and "schedule."; numbers, texts and generators
as metadata. What is not set keeps its value, so heed finds everything that it wrote.
"""
import json
import os

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from heed_random import Generator

KINDS_WITH_SEPARATE_DECAY = {"AdamW"}


def read(file):
    """(tensors, metadata). A tensor with several names is in the file once, and the metadata lead from its other names
    to that one: here it has all of them."""
    with safe_open(file, "pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}
        texts = dict(opened.metadata() or {})
    for name, kept in list(texts.items()):
        if kept in tensors and name not in tensors:
            tensors[name] = tensors[kept]
            del texts[name]
    return tensors, texts


def write(file, tensors, texts):
    """The inverse: one tensor for all of its names, the first of which keeps it. The old file of that name is replaced
    as a whole, or not at all."""
    kept, texts, first_name = {}, dict(texts, format="pt"), {}
    for name in sorted(tensors):
        x = tensors[name].detach().cpu().contiguous()
        twin = first_name.setdefault((tensors[name].data_ptr(), x.shape), name) if x.numel() else name
        if twin == name:
            kept[name] = x
        else:
            texts[name] = twin
    save_file(kept, f"{file}.new", texts)
    os.replace(f"{file}.new", file)


def load_model(file):
    """(state dict, configuration or None, metadata) of a model.safetensors."""
    tensors, texts = read(file)
    return tensors, json.loads(texts["config"]) if "config" in texts else None, texts


def load(file):
    return Checkpoint(*read(file), file)


class Checkpoint:
    def __init__(self, tensors, texts, file="a checkpoint"):
        if "parts" not in texts:
            raise ValueError(f"{file}: lists no parts: it holds weights only: give a checkpoint.safetensors")
        self.tensors, self.texts = tensors, texts

    def save(self, file):
        write(file, self.tensors, self.texts)

    def part(self, name):
        """The tensors of a part, without its prefix."""
        return {key[len(name) + 1:]: x for key, x in self.tensors.items() if key.startswith(name + ".")}

    # The model: a state dict.

    def model(self, name="model"):
        return self.part(name)

    def set_model(self, state, name="model"):
        mine = self.part(name)
        if {key: x.shape for key, x in state.items()} != {key: x.shape for key, x in mine.items()}:
            raise ValueError(f"{name}: the state has other names or shapes than the checkpoint")
        self.tensors.update({f"{name}.{key}": x for key, x in state.items()})

    # The optimizer: heed's names are PyTorch's, "3.exp_avg" and "param_groups.0.lr". Here they become PyTorch's dict,
    # which load_state_dict() takes: {"state": {3: {"exp_avg": …}}, "param_groups": [{"lr": …}]}.

    def optimizer(self, name="optimizer"):
        state, groups = {}, {}
        for key, x in self.part(name).items():
            if key.startswith("param_groups."):
                _, group, option = key.split(".")
                value = x.tolist()
                groups.setdefault(int(group), {})[option] = tuple(value) if option == "betas" else value
            else:
                index, slot = key.split(".")
                state.setdefault(int(index), {})[slot] = x.float() if slot == "step" else x.clone()
        state = {index: slots for index, slots in state.items() if slots["step"] > 0}  # the others have not begun
        if self.texts[name] in KINDS_WITH_SEPARATE_DECAY:
            for group in groups.values():
                group["decoupled_weight_decay"] = True
        return {"state": state, "param_groups": [groups[i] for i in sorted(groups)]}

    def set_optimizer(self, state, name="optimizer"):
        for key, old in self.part(name).items():
            if key.startswith("param_groups."):
                _, group, option = key.split(".")
                value = state["param_groups"][int(group)][option]
                self.tensors[f"{name}.{key}"] = torch.as_tensor(value, dtype=old.dtype).reshape(old.shape)
        for index, slots in state["state"].items():
            for slot, x in slots.items():
                self.tensors[f"{name}.{index}.{slot}"] = torch.as_tensor(x).long() if slot == "step" else x

    # Generators, numbers and texts.

    def generator(self, name):
        return Generator(int(self.texts[f"{name}.seed"]), int(self.texts[f"{name}.counter"]))

    def set_generator(self, name, generator):
        self.texts[f"{name}.seed"], self.texts[f"{name}.counter"] = str(generator.seed), str(generator.counter)

    def set_schedule(self, steps, rates, name="schedule"):
        self.tensors[f"{name}.last_epoch"] = torch.tensor(steps)
        self.tensors[f"{name}._last_lr"] = torch.tensor(rates, dtype=torch.float64)
