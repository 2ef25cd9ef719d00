"""GPT in PyTorch, the twin of nn/models/gpt.h: the same formulas, names and shapes, so that weights go both ways.

    x = wte[tokens] + wpe[0 … n-1]
    for each block:  x = x + attn(ln_1(x));  x = x + mlp(ln_2(x))
    logits = ln_f(x) wteᵀ
"""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class GPTOptions:
    vocab: int = 65
    context: int = 256  # longest sequence
    width: int = 384
    heads: int = 6
    layers: int = 6
    dropout: float = 0.0
    bias: bool = False  # in linear layers and norms; GPT-2 has biases
    gelu_tanh: bool = False  # GPT-2's approximation of GELU, instead of the exact function

    @staticmethod
    def from_checkpoint(checkpoint):
        """Of a char_gpt's run, from a heed_checkpoint.Checkpoint."""
        texts, state = checkpoint.texts, checkpoint.model()
        return GPTOptions(state["wte.weight"].size(0), int(texts["context"]), int(texts["width"]), int(texts["heads"]),
                          int(texts["layers"]), float(texts["dropout"]))

    @staticmethod
    def from_config(config):
        """From what heed stores as "config" in a model.safetensors: JSON with Hugging Face's keys."""
        if config["model_type"] != "gpt2":
            raise ValueError(f'the model is of type {config["model_type"]}: must be gpt2')
        return GPTOptions(config["vocab_size"], config["n_positions"], config["n_embd"], config["n_head"],
                          config["n_layer"], config.get("resid_pdrop", 0.1), config.get("bias", True),
                          config.get("activation_function", "gelu_new") != "gelu")

    def to_config(self):
        return {"model_type": "gpt2", "vocab_size": self.vocab, "n_positions": self.context, "n_embd": self.width,
                "n_layer": self.layers, "n_head": self.heads,
                "activation_function": "gelu_new" if self.gelu_tanh else "gelu", "bias": self.bias,
                "resid_pdrop": self.dropout, "embd_pdrop": self.dropout, "attn_pdrop": self.dropout}


class CausalSelfAttention(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.c_attn = nn.Linear(o.width, 3 * o.width, bias=o.bias)  # queries, keys and values of all heads
        self.c_proj = nn.Linear(o.width, o.width, bias=o.bias)
        self.heads, self.dropout = o.heads, o.dropout

    def forward(self, x):
        B, n, E = x.shape
        q, k, v = (t.view(B, n, self.heads, E // self.heads).transpose(1, 2) for t in self.c_attn(x).chunk(3, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=self.dropout if self.training else 0.0)
        return F.dropout(self.c_proj(y.transpose(1, 2).reshape(B, n, E)), self.dropout, self.training)


class MLP(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.c_fc = nn.Linear(o.width, 4 * o.width, bias=o.bias)
        self.c_proj = nn.Linear(4 * o.width, o.width, bias=o.bias)
        self.approximate, self.dropout = "tanh" if o.gelu_tanh else "none", o.dropout

    def forward(self, x):
        return F.dropout(self.c_proj(F.gelu(self.c_fc(x), approximate=self.approximate)), self.dropout, self.training)


class Block(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.ln_1 = nn.LayerNorm(o.width, bias=o.bias)
        self.attn = CausalSelfAttention(o)
        self.ln_2 = nn.LayerNorm(o.width, bias=o.bias)
        self.mlp = MLP(o)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, options):
        super().__init__()
        o = self.options = options
        self.wte = nn.Embedding(o.vocab, o.width)
        self.wpe = nn.Embedding(o.context, o.width)
        self.h = nn.ModuleList(Block(o) for _ in range(o.layers))
        self.ln_f = nn.LayerNorm(o.width, bias=o.bias)
        self.lm_head = nn.Linear(o.width, o.vocab, bias=False)
        self.lm_head.weight = self.wte.weight  # one tensor under two names
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, 0.0, 0.02 / (2 * o.layers) ** 0.5 if name.endswith("c_proj.weight") else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.size(1), device=tokens.device))
        x = F.dropout(x, self.options.dropout, self.training)
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


def decay_groups(model, weight_decay):
    """As heed's: parameters with two axes or more are decayed, the others (biases, gains of norms) are not. The
    order is the model's own, so that an optimizer's parameter 3 is the same one here and in heed."""
    parameters = list(model.parameters())
    return [{"params": [p for p in parameters if p.dim() >= 2], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}]
