"""Trains a char_gpt of heed on, in PyTorch: the same batches, the same losses, and a checkpoint that heed resumes.

    python3 continue_char_gpt.py --checkpoint out/char_gpt/checkpoint.safetensors --text input.txt --steps 4000
    torchrun --nproc-per-node 2 continue_char_gpt.py --checkpoint … --text … --steps 4000

Everything that the run depends on is in the checkpoint, unless its tokens are byte pairs or it began with --load, --lora or
--freeze: these are refused, but for a loaded model whose tokens are the characters of the text. --steps is that of char_gpt: the step at which the learning
rate has fallen to its last value. With torchrun each process takes its part of every batch: the mean of their gradients
is the gradient of the whole batch, so that one process and many compute the same losses, up to rounding.
"""
import argparse
import contextlib
import json
import math
import os
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch.nn.parallel import DistributedDataParallel

import heed_checkpoint
from gpt import GPT, GPTOptions, decay_groups


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="heed's, or one made here")
    parser.add_argument("--text", type=Path, help="the text that it learnt from; by default heed's own source code")
    parser.add_argument("--steps", type=int, default=2000, help="training steps in all")
    parser.add_argument("--stop-at", type=int, default=0, help="save and stop at this step; 0: at --steps")
    parser.add_argument("--out", type=Path, default=Path("out/continue_char_gpt"), help="folder for what it makes")
    parser.add_argument("--eval-every", type=int, default=250, help="steps between validation losses")
    parser.add_argument("--save-every", type=int, default=500, help="steps between checkpoints")
    return parser.parse_args()


# --- The text, as heed reads it ---

def read_text(file):
    return file.read_bytes().decode("utf-8").removeprefix("\ufeff")


def source_tree_text():
    root = Path(__file__).resolve().parents[2]
    files = [file for folder in ("core", "autograd", "nn", "optim", "examples")
             for file in (root / folder).rglob("*") if file.suffix in (".h", ".cpp")]
    names = sorted(file.relative_to(root).as_posix().encode() for file in files)
    return "".join((root / os.fsdecode(name)).read_bytes().decode("utf-8") for name in names)


def text_hash(text):
    """FNV-1a."""
    h = 14695981039346656037
    for byte in text.encode("utf-8"):
        h = (h ^ byte) * 1099511628211 % 2**64
    return str(h)


class Corpus:
    def __init__(self, text):
        self.symbols = "".join(sorted(set(text)))
        index = {c: i for i, c in enumerate(self.symbols)}
        ids = torch.tensor([index[c] for c in text])
        cut = int(0.9 * len(ids))  # the last tenth is for validation
        self.training, self.validation = ids[:cut], ids[cut:]


def refuse_other_runs(file, checkpoint, text, corpus):
    """Of char_gpt's runs, those that learn all of a model whose tokens are the characters of the text are continued."""
    texts, state = checkpoint.texts, checkpoint.model()
    why = None
    if "text_hash" not in texts or "wte.weight" not in state:
        raise SystemExit(f"{file}: is not a run of char_gpt: write the loop for it, README.md shows how to begin")
    if texts.get("tokens", "characters") != "characters":
        why = f"its run has --tokens {texts['tokens']}, and a checkpoint does not hold the byte pairs"
    elif texts.get("lora", "0") != "0":
        why = "its run has --lora, and the twin in gpt.py has no low-rank adapters"
    elif texts.get("freeze", "0") != "0":
        why = "its run has --freeze, and here all parameters are trained"
    elif text_hash(text) != texts["text_hash"]:
        raise SystemExit(f"{file}: was made with another text: give it with --text")
    elif len(corpus.symbols) != state["wte.weight"].size(0):
        why = "its tokens are not the characters of the text: its run began with --load, and they are the loaded model's"
    elif "ln_f.bias" in state:
        why = "its model has biases, so its run began with --load of a GPT-2, and a checkpoint does not say which GELU that has"
    if why:
        raise SystemExit(f"{file}: {why}: finish it with char_gpt --resume; its model.safetensors then holds weights (adapters "
                         "merged), configuration and tokens, from which a run of your own can begin: README.md shows how")


def windows(ids, starts, length):
    at = torch.as_tensor(starts)[:, None] + torch.arange(length)
    return ids[at], ids[at + 1]


# --- The run ---

def warmup_cosine(first, step, *, warmup, decay, final_lr):
    if step < warmup:
        return first * (step + 1) / (warmup + 1)
    if step >= decay:
        return final_lr
    return final_lr + (first - final_lr) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (decay - warmup)))


class Run:
    """Everything that changes while training, and what the checkpoint says of the recipe. This process is number
    `rank` of `ranks`."""

    def __init__(self, checkpoint, corpus, args, device, rank, ranks):
        self.checkpoint, self.corpus, self.args = checkpoint, corpus, args
        self.device, self.rank, self.ranks = device, rank, ranks
        texts = checkpoint.texts
        self.context, self.batch, self.accumulate = (int(texts[key]) for key in ("context", "batch", "accumulate"))
        self.warmup, self.clip, self.final_lr = int(texts["warmup"]), float(texts["clip"]), float(texts["final_lr"])
        self.step = int(texts["step"])
        self.data = checkpoint.generator("data")

        self.model = GPT(GPTOptions.from_checkpoint(checkpoint)).to(device)
        self.model.load_state_dict(checkpoint.model(), strict=True)
        self.adamw = torch.optim.AdamW(decay_groups(self.model, float(texts["weight_decay"])))
        self.adamw.load_state_dict(checkpoint.optimizer())
        self.parallel = DistributedDataParallel(self.model) if ranks > 1 else self.model
        torch.manual_seed(1000003 * self.data.seed + 1009 * self.step + rank)  # dropout's masks are PyTorch's own

    def set_rates(self):
        for group in self.adamw.param_groups:
            group["lr"] = warmup_cosine(group["initial_lr"], self.step, warmup=self.warmup,
                                        decay=max(self.args.steps, self.warmup), final_lr=self.final_lr)

    def train_step(self):
        """One batch in `accumulate` parts, of each of which this process computes every ranks-th window."""
        self.set_rates()
        starts = self.data.integers(0, len(self.corpus.training) - self.context, self.batch * self.accumulate)
        all_tokens = self.batch * self.accumulate * self.context
        total = torch.zeros((), device=self.device)
        self.adamw.zero_grad()
        for part in range(self.accumulate):
            mine = starts[part * self.batch:(part + 1) * self.batch][self.rank::self.ranks]
            inputs, targets = (ids.to(self.device) for ids in windows(self.corpus.training, mine, self.context))
            # Gradients are averaged over the processes after the last part.
            together = self.ranks == 1 or part == self.accumulate - 1
            with contextlib.nullcontext() if together else self.parallel.no_sync():
                logits = self.parallel(inputs)
                loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum") / all_tokens
                (loss * self.ranks).backward()
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip, error_if_nonfinite=True)
        self.adamw.step()
        self.step += 1
        self.set_rates()
        if self.ranks > 1:
            dist.all_reduce(total)
        return total.item()

    @torch.no_grad()
    def evaluate(self, most=64):
        ids = self.corpus.validation
        starts = torch.arange(0, len(ids) - self.context, self.context)[:most]
        self.model.eval()
        inputs, targets = (x.to(self.device) for x in windows(ids, starts, self.context))
        loss = F.cross_entropy(self.model(inputs).flatten(0, 1), targets.flatten()).item()
        self.model.train()
        return loss

    def save(self, folder):
        checkpoint, rates = self.checkpoint, [group["lr"] for group in self.adamw.param_groups]
        checkpoint.set_model(self.model.state_dict())
        checkpoint.set_optimizer(self.adamw.state_dict())
        checkpoint.set_schedule(self.step, rates)
        checkpoint.set_generator("data", self.data)
        checkpoint.texts["step"] = str(self.step)
        checkpoint.save(folder / "checkpoint.safetensors")
        heed_checkpoint.write(folder / "model.safetensors", self.model.state_dict(),
                              {"config": json.dumps(self.model.options.to_config()),
                               "tokeniser": json.dumps({"type": "characters", "symbols": self.corpus.symbols}, ensure_ascii=False)})


class Metrics:
    """heed's metrics.jsonl, cut back to the checkpoint's step and continued."""

    def __init__(self, file, last_step):
        lines = file.read_text().splitlines(keepends=True) if file.exists() and last_step > 0 else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= last_step]
        file.write_text("".join(kept))
        self.file = file.open("a", buffering=1)

    def write(self, step, **values):
        self.file.write(json.dumps({"step": step, **values}, separators=(",", ":")) + "\n")


def main():
    args = options()
    ranks, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(device)
    if ranks > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")

    try:
        checkpoint = heed_checkpoint.load(args.checkpoint)
        text = read_text(args.text) if args.text else source_tree_text()
    except (OSError, ValueError) as error:
        raise SystemExit(error)
    corpus = Corpus(text)
    refuse_other_runs(args.checkpoint, checkpoint, text, corpus)
    run = Run(checkpoint, corpus, args, device, rank, ranks)
    if ranks > run.batch:
        raise SystemExit(f"{ranks} processes, a batch of {run.batch}: each process needs at least one window")
    stop = min(args.stop_at or args.steps, args.steps)
    if run.step > stop:
        raise SystemExit(f"--steps {stop}: the checkpoint is already at step {run.step}: give at least as many")

    log = None
    if rank == 0:
        args.out.mkdir(parents=True, exist_ok=True)
        log = Metrics(args.out / "metrics.jsonl", run.step)
    while run.step < stop:
        loss = run.train_step()
        if rank == 0:
            log.write(run.step, loss=loss, lr=run.adamw.param_groups[0]["lr"])
            if run.step % args.eval_every == 0 or run.step == args.steps:
                validation = run.evaluate()
                log.write(run.step, val_loss=validation)
                print(f"step {run.step}: loss {loss:.4f}, validation {validation:.4f}", flush=True)
            if run.step % args.save_every == 0:
                run.save(args.out)
    if rank == 0:
        run.save(args.out)
        print(f"step {run.step}: saved {args.out / 'checkpoint.safetensors'} and model.safetensors")
    if ranks > 1:
        dist.barrier()  # none may leave while another still works
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
