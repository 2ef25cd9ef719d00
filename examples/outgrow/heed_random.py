"""heed's generator in NumPy (core/random.h, core/philox.h): the same seed and counter give the same integers, so that
the batches drawn here are those that heed would have drawn."""
import numpy as np


def philox(seed, stream, indices):
    """Philox-4x32-10 (Salmon et al. 2011): four 32-bit words for each index, (n, 4)."""
    u64 = np.uint64
    low, high = (lambda x: x & u64(0xFFFFFFFF)), (lambda x: x >> u64(32))
    indices = np.asarray(indices, dtype=u64)
    streams, key = np.full_like(indices, stream), u64(seed)
    key0, key1 = low(key), high(key)
    x = [low(indices), high(indices), low(streams), high(streams)]
    for _ in range(10):
        product0, product1 = x[0] * u64(0xD2511F53), x[2] * u64(0xCD9E8D57)
        x = [high(product1) ^ x[1] ^ key0, low(product1), high(product0) ^ x[3] ^ key1, low(product0)]
        key0, key1 = low(key0 + u64(0x9E3779B9)), low(key1 + u64(0xBB67AE85))
    return np.stack(x, axis=-1)


class Generator:
    """A seed and a counter, as a checkpoint stores them."""

    def __init__(self, seed, counter=0):
        self.seed, self.counter = seed, counter

    def integers(self, low, high, count):
        """`count` integers in [low, high): 64 bits each, as many of them used as high - low - 1 has, drawn again
        from another stream while they are too large."""
        start, places = self.counter, np.arange(count, dtype=np.uint64)
        self.counter += (count + 1) // 2
        span = high - low
        unused = np.uint64(64 - (span - 1).bit_length())
        if unused == 64:
            return np.full(count, low, dtype=np.int64)

        def attempt(number, wanted):
            words = philox(self.seed, -number % 2**64, np.uint64(start) + wanted // np.uint64(2))
            odd = (wanted % np.uint64(2)).astype(bool)
            first, second = np.where(odd, words[:, 2], words[:, 0]), np.where(odd, words[:, 3], words[:, 1])
            return (second << np.uint64(32) | first) >> unused

        values = attempt(0, places)
        number = 0
        while (too_large := values >= np.uint64(span)).any():
            number += 1
            values[too_large] = attempt(number, places[too_large])
        return low + values.astype(np.int64)
