"""torchinfo's counts for layers that heed has too:  python make_torchinfo.py > torchinfo.txt

One line for each model: name, parameters, mult-adds, input of the named layer, its output. tests/nn/summary_test.cpp
builds the same models. torchinfo counts a layer's mult-adds from its parameters and the first size of its output (the
batch), not from what is computed; it does not see the products of attention, nor the output projection of
nn.MultiheadAttention, which calls a function. A weight under two names counts twice in its parameters.
"""
import torch
import torchinfo
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, bias=False)
        self.c_attn = nn.Linear(width, 3 * width, bias=False)
        self.c_proj = nn.Linear(width, width, bias=False)
        self.ln_2 = nn.LayerNorm(width, bias=False)
        self.c_fc = nn.Linear(width, 4 * width, bias=False)
        self.mlp_proj = nn.Linear(4 * width, width, bias=False)

    def forward(self, x):
        heads = [part.unflatten(2, (2, -1)).transpose(1, 2) for part in self.c_attn(self.ln_1(x)).chunk(3, -1)]
        attended = nn.functional.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.c_proj(attended.transpose(1, 2).flatten(2))
        return x + self.mlp_proj(nn.functional.gelu(self.c_fc(self.ln_2(x))))


class GPT(nn.Module):
    def __init__(self, vocab, context, width, layers):
        super().__init__()
        self.wte = nn.Embedding(vocab, width)
        self.wpe = nn.Embedding(context, width)
        self.h = nn.ModuleList(Block(width) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width, bias=False)
        self.lm_head = nn.Linear(width, vocab, bias=False)

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.size(1)))
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


def count(name, model, *inputs):
    result = torchinfo.summary(model, input_data=list(inputs), verbose=0)
    root = result.summary_list[0]
    shape = lambda sizes: "x".join(map(str, sizes))
    print(name, result.total_params, result.total_mult_adds, shape(root.input_size), shape(root.output_size))


x = torch.zeros
ids = torch.zeros(2, 4, dtype=torch.long)
count("linear", nn.Linear(3, 5), x(2, 4, 3))
count("linear_no_bias", nn.Linear(3, 5, bias=False), x(7, 3))
count("embedding", nn.Embedding(7, 3), ids)
count("layer_norm", nn.LayerNorm(6), x(2, 4, 6))
count("rms_norm", nn.RMSNorm(6), x(2, 4, 6))
count("sequential", nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Dropout(0.1), nn.Linear(4, 1)), x(3, 2))
count("rnn", nn.RNN(3, 4, batch_first=True), x(2, 5, 3))
count("gru", nn.GRU(3, 4, num_layers=2, batch_first=True, bidirectional=True), x(2, 5, 3))
count("lstm", nn.LSTM(3, 4, batch_first=True), x(2, 5, 3))
count("mha", nn.MultiheadAttention(8, 2, batch_first=True), x(2, 5, 8), x(2, 5, 8), x(2, 5, 8))
count("encoder", nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2), x(2, 5, 8))
count("gpt", GPT(65, 16, 32, 2), torch.zeros(2, 16, dtype=torch.long))
