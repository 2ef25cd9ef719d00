"""Llama in PyTorch, the twin of heed's Llama: Hugging Face's names and shapes, so that weights go both ways.

    x = embed_tokens[tokens]
    for each layer:  x = x + self_attn(input_layernorm(x));  x = x + mlp(post_attention_layernorm(x))
    logits = norm(x) lm_headᵀ
"""
from dataclasses import dataclass
from typing import Optional

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class LlamaOptions:
    vocab: int = 32000
    context: int = 2048  # longest sequence
    width: int = 288
    hidden: int = 768  # of the feed-forward networks
    layers: int = 6
    heads: int = 6
    kv_heads: Optional[int] = None  # else as many as heads
    head_dim: Optional[int] = None  # else width / heads
    eps: float = 1e-5  # of the norms
    rope_base: float = 10000.0
    rope_interleaved: bool = False  # pairs (x_2j, x_2j+1), Meta's and llama2.c's; else (x_j, x_j+d/2), Hugging Face's
    tied: bool = False  # lm_head's weight is embed_tokens'
    attention_bias: bool = False

    def __post_init__(self):
        self.kv_heads = self.kv_heads or self.heads
        self.head_dim = self.head_dim or self.width // self.heads

    @staticmethod
    def from_config(config):
        """From what heed stores as "config" in a model.safetensors: JSON with Hugging Face's keys."""
        if config["model_type"] != "llama":
            raise ValueError(f'the model is of type {config["model_type"]}: must be llama')
        rope = config.get("rope_parameters") or {}
        return LlamaOptions(config["vocab_size"], config["max_position_embeddings"], config["hidden_size"],
                            config["intermediate_size"], config["num_hidden_layers"], config["num_attention_heads"],
                            config.get("num_key_value_heads"), config.get("head_dim"),
                            config.get("rms_norm_eps", 1e-6), config.get("rope_theta", rope.get("rope_theta", 10000.0)),
                            config.get("rope_interleaved", False), config.get("tie_word_embeddings", False),
                            config.get("attention_bias", False))

    def to_config(self):
        return {"model_type": "llama", "vocab_size": self.vocab, "max_position_embeddings": self.context,
                "hidden_size": self.width, "intermediate_size": self.hidden, "num_hidden_layers": self.layers,
                "num_attention_heads": self.heads, "num_key_value_heads": self.kv_heads, "head_dim": self.head_dim,
                "hidden_act": "silu", "rms_norm_eps": self.eps, "rope_theta": self.rope_base,
                "rope_interleaved": self.rope_interleaved, "tie_word_embeddings": self.tied,
                "attention_bias": self.attention_bias}


class RMSNorm(nn.Module):
    """x / √(mean(x²) + ε) ⊙ weight. (torch.nn.RMSNorm is newer than some installations.)"""

    def __init__(self, width, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def rotate(x, base, interleaved):
    """Rotary positions (Su et al. 2021): pair j of each head at position i turns by i base^(-2j/d). x (…, n, d)."""
    n, d = x.shape[-2:]
    speeds = base ** (torch.arange(0, d, 2, dtype=torch.float64) / -d)
    angles = torch.outer(torch.arange(n, dtype=torch.float64), speeds)
    cos, sin = angles.cos().to(x), angles.sin().to(x)  # rounded once, to x's type
    a, b = (x[..., 0::2], x[..., 1::2]) if interleaved else x.chunk(2, dim=-1)
    turned = (a * cos - b * sin, a * sin + b * cos)
    return torch.stack(turned, dim=-1).flatten(-2) if interleaved else torch.cat(turned, dim=-1)


class Attention(nn.Module):
    """Several query heads share one head of keys and values."""

    def __init__(self, o):
        super().__init__()
        self.q_proj = nn.Linear(o.width, o.heads * o.head_dim, bias=o.attention_bias)
        self.k_proj = nn.Linear(o.width, o.kv_heads * o.head_dim, bias=o.attention_bias)
        self.v_proj = nn.Linear(o.width, o.kv_heads * o.head_dim, bias=o.attention_bias)
        self.o_proj = nn.Linear(o.heads * o.head_dim, o.width, bias=o.attention_bias)
        self.o = o

    def forward(self, x):
        o = self.o
        q, k, v = (proj(x).unflatten(-1, (-1, o.head_dim)).transpose(1, 2)  # (B, heads, n, d)
                   for proj in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rotate(q, o.rope_base, o.rope_interleaved), rotate(k, o.rope_base, o.rope_interleaved)
        k, v = (t.repeat_interleave(o.heads // o.kv_heads, dim=1) for t in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).flatten(-2))


class SwiGLU(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.gate_proj = nn.Linear(o.width, o.hidden, bias=False)
        self.up_proj = nn.Linear(o.width, o.hidden, bias=False)
        self.down_proj = nn.Linear(o.hidden, o.width, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class LlamaLayer(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.input_layernorm = RMSNorm(o.width, o.eps)
        self.self_attn = Attention(o)
        self.post_attention_layernorm = RMSNorm(o.width, o.eps)
        self.mlp = SwiGLU(o)

    def forward(self, x):
        x = x + self.self_attn(self.input_layernorm(x))
        return x + self.mlp(self.post_attention_layernorm(x))


class LlamaModel(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.embed_tokens = nn.Embedding(o.vocab, o.width)
        self.layers = nn.ModuleList(LlamaLayer(o) for _ in range(o.layers))
        self.norm = RMSNorm(o.width, o.eps)

    def forward(self, tokens):
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class Llama(nn.Module):
    def __init__(self, options):
        super().__init__()
        self.options = options
        self.model = LlamaModel(options)
        self.lm_head = nn.Linear(options.width, options.vocab, bias=False)
        if options.tied:
            self.lm_head.weight = self.model.embed_tokens.weight  # one tensor under two names
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, 0.0, 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, tokens):
        return self.lm_head(self.model(tokens))
