"""What check_tokenisers.py and make_tokens.py share: other people's tokenisers, and nasty strings."""
import json
import random

import unicodedata2 as unicodedata
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers


def ranges(text):
    return [chr(c) for part in text.split() for a, _, b in [part.partition("-")]
            for c in range(int(a, 16), int(b or a, 16) + 1)]


ASSIGNED = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
POOLS = [
    [chr(c) for c in range(32, 127)], list("abcdefghijklmnopqrstuvwxyz"), list("ABCxyz019  '"),
    list(" \t\n\r\v\f") + ranges("1c-1f 85 a0 1680 2000-200d 2028 2029 202f 205f 2060 3000 feff 180e"),
    ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "’s", "'", " '", "''", "don't", "we'll", " I'm", "'tis",
     "'Re", "'VE", "'ſ", "'lL", "'D", "'M'", "'ſt"], ["\r\n", "\n", "\r", "\n\n", " \n", "\r\n\t", "\n  ", "x", "!", "/", "/\n", "  "],
    list("aBcD") + ["HTML", "Parser", "ǅ", "ʰ", "ª", "漢", "é", "e\u0301", "\u0301", "\u0903", "Ω", "σ", "А", "б", " ", "1"],
    ["1", "12", "123", "1234", "12345678", "٣", "²", "Ⅷ", "½", " ", ".", ",", " 1", "0x", "e5"],
    ranges("300-315 323-325 334 345 591-5af 1dc0-1dcf") + list("aeiouAEOqx") + ["ậ", "ǖ", "ṩ", "각", "\u1100\u1161", "\u11a8", "が", "か\u3099"],
    ranges("0-1f 7f-9f") + ["a", " "], ranges("1f300-1f320 1f468-1f469 200d fe0f 1f3fb") + ["👍🏽", "👨‍👩‍👧"],
    ranges("c0-17f 1e00-1eff"), ranges("300-36f"), ranges("370-3ff 400-4ff"), ranges("5d0-5ea 621-64a 660-669 6f0-6f9"),
    ranges("904-939 93c 93e-94d 966-96f 985-9b9 9be-9cd"), ranges("e01-e3a e40-e4e e50-e59"), ranges("4e00-4fff 3400-34ff"),
    ranges("3041-3096 30a1-30fa 3099 309a ff01-ff5e"), ranges("ac00-ae00 1100-1112 1161-1175 11a8-11c2"),
    ranges("1f300-1f64f 1f680-1f6c5 200d fe0f 1f3fb-1f3ff 1f1e6-1f1ff"), ranges("2150-2189 2460-24ff b2 b3 b9 bc-be"),
    ranges("2010-2027 2030-205e 3001-3020 fe30-fe52"), ranges("1d400-1d7ff"), ranges("f900-fad9 2f800-2fa1d 20000-20100"),
    ranges("0-1f 7f-9f ad 200b-200f 202a-202e e000-e010 fff9-fffd"), ["<|endoftext|>", "[CLS]", "[MASK]", "##", "<s>"],
    ["ﬁ", "İ", "ß", "ẞ", "Σ", "ς", "ǅ", "ŉ", "K", "Å", "ﷺ"],
]


def nasty(count, seed, allowed):
    rng = random.Random(seed)
    permitted = set(allowed)
    pools = [[c for c in pool if len(c) > 1 or c in permitted] for pool in POOLS] + [allowed]
    strings = ["", " ", "  ", "Hello world!", "it's   3.14\n\n\tdef f(x):", "a" * 3000, " " * 3000, "\n" * 500 + "x"]
    while len(strings) < count:
        parts = []
        for _ in range(rng.randrange(1, 12)):
            pool = rng.choice(pools)
            if rng.random() < 0.05:
                parts.append(rng.choice(pool) * rng.randrange(1, 200))
            parts += [rng.choice(pool) for _ in range(rng.randrange(1, 9))]
            if rng.random() < 0.3:
                parts.append(" ")
        strings.append("".join(parts))
    return strings[:count]


def bytes_to_letters():
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in shown]
    return {**{b: chr(b) for b in shown}, **{b: chr(256 + i) for i, b in enumerate(rest)}}


def byte_level(model):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def llama2c_encode(text, vocab, scores, lookup):
    """run.c's encode() without BOS and EOS."""
    tokens = [lookup[b" "]] if text else []
    i = 0
    while i < len(text):
        n = 1
        while i + n < len(text) and text[i + n] & 0xC0 == 0x80 and n < 4:
            n += 1
        character = text[i:i + n]
        tokens += [lookup[character]] if character in lookup else [byte + 3 for byte in character]
        i += n
    while True:
        best, at, token = -1e10, -1, -1
        for i in range(len(tokens) - 1):
            joined = lookup.get(vocab[tokens[i]] + vocab[tokens[i + 1]])
            if joined is not None and scores[joined] > best:
                best, at, token = scores[joined], i, joined
        if at < 0:
            return tokens
        tokens[at:at + 2] = [token]


def llama_form(text, size):
    """A tokenizer.json of Llama's form, trained on the lines of a text, as a dictionary."""
    peer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    peer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    peer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                      decoders.Strip(" ", 1, 0)])
    names = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    peer.train_from_iterator([line for line in text.splitlines() if line], trainers.BpeTrainer(
        vocab_size=size, special_tokens=names, show_progress=False))
    model = json.loads(peer.to_str())
    model["added_tokens"] = model["added_tokens"][:3]
    return model


def word_piece(vocab):
    peer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(vocab)}, unk_token="[UNK]",
                                      max_input_chars_per_word=100))
    peer.normalizer = normalizers.BertNormalizer()
    peer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    peer.decoder = decoders.WordPiece()
    return peer


def train_byte_level(text, size):
    peer = byte_level(models.BPE())
    peer.train_from_iterator([text], trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return peer


SECTIONS = {}  # as in the files of these models: normalizer, pre_tokenizer, ignore_merges
CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
END = r"\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER, ANY = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", r"[^\r\n\p{L}\p{N}]?"


def section(name, normalizer, steps, ignore_merges=False):
    SECTIONS[name] = {"normalizer": normalizer, "ignore_merges": ignore_merges,
                      "pre_tokenizer": steps[0] if len(steps) == 1 else {"type": "Sequence", "pretokenizers": steps}}


def level(use_regex, add_prefix_space=False):
    return {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": True, "use_regex": use_regex}


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def words_of(digits, marks, contractions=""):
    return rf"{ANY}{UPPER}*{LOWER}+{contractions}|{ANY}{UPPER}+{LOWER}*{contractions}|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n{marks}]*|{END}"


LLAMA_3 = rf"{CONTRACTIONS}|{ANY}\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{END}"
section("blank_first", None, [level(True, add_prefix_space=True)])
section("gpt_neox", {"type": "NFC"}, [level(True)])
section("smollm", None, [{"type": "Digits", "individual_digits": True}, level(True)])
section("digits", None, [{"type": "Digits", "individual_digits": False}, level(True)])
section("llama3", None, [split(LLAMA_3), level(False)], ignore_merges=True)
section("gpt4", None, [split(LLAMA_3, "Removed", True), level(False)])
section("qwen2", {"type": "NFC"}, [split(LLAMA_3.replace("{1,3}", "")), level(False)])
section("gpt4o", None, [split(words_of(r"\p{N}{1,3}", "/", CONTRACTIONS + "?")), level(False)])
section("tekken", None, [split(words_of(r"\p{N}", "/")), level(False)], ignore_merges=True)
section("whole", None, [level(False)])
ADDED = [("<|endoftext|>", True, False), ("<tool>", False, False), ("  ", False, True), ("    ", False, True),
         ("\t\t", False, True), ("e\u0301e\u0301", False, True)]  # content, special, normalized


def model_across_pieces(texts, size):
    """A BPE model trained without pieces, so that its ids show where other rules end one."""
    peer = Tokenizer(models.BPE())
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    peer.train_from_iterator([t for t in texts if "<" not in t], trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return json.loads(peer.to_str())["model"]


def of_family(name, model):
    """A tokenizer.json with the sections of a family, as a dictionary."""
    sections = SECTIONS[name]
    added = [{"id": len(model["vocab"]) + i, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": normalized, "special": special} for i, (content, special, normalized) in enumerate(ADDED)]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
            "normalizer": sections["normalizer"], "pre_tokenizer": sections["pre_tokenizer"], "post_processor": None,
            "decoder": level(True), "model": {**model, "ignore_merges": sections["ignore_merges"]}}


def reads_no_special(tokenizer):
    """The peer, which takes special tokens in a text for text, as heed does."""
    peer = Tokenizer.from_str(json.dumps(tokenizer))
    peer.encode_special_tokens = True
    return peer
