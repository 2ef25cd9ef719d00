// Key-value caches: what is kept, and that writing with one equals computing all again.
#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/attention/grouped_query_attention.h>
#include <heed/nn/attention/kv_cache.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/models/transformer_decoder.h>
#include "support/apart.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::message_of;

namespace {

KeysValues positions_of(int64_t B, int64_t n) { return {randn({B, 2, n, 3}), randn({B, 2, n, 5})}; }

}  // namespace

TEST_CASE("a cache gives back all that was put in, in place") {
  manual_seed(1);
  KeyValueCache cache(6);
  CHECK(cache.length() == 0);
  CHECK(cache.capacity() == 6);
  const KeysValues a = positions_of(2, 3), b = positions_of(2, 1), c = positions_of(2, 2);
  const KeysValues first = cache.append(a);
  CHECK(first.k.to_vector() == a.k.to_vector());
  cache.append(b);
  const KeysValues all = cache.append(c);
  CHECK(cache.length() == 6);
  CHECK(all.k.to_vector() == cat({a.k, b.k, c.k}, 2).to_vector());
  CHECK(all.v.to_vector() == cat({a.v, b.v, c.v}, 2).to_vector());
  // The room was taken once: what the first append returned is a view of the same bytes.
  CHECK(first.k.array().storage() == all.k.array().storage());

  cache.truncate(3);
  const KeysValues other = cache.append(b);
  CHECK(other.k.to_vector() == cat({a.k, b.k}, 2).to_vector());
  cache.truncate(0);
  CHECK(cache.append(positions_of(5, 1)).k.shape() == Shape{5, 2, 1, 3});  // another batch
}

TEST_CASE("a cache follows its sequences when they are put in another order") {
  manual_seed(2);
  const KeysValues a = positions_of(3, 2), b = positions_of(4, 1);
  KeyValueCaches caches(2, 4);
  for (KeyValueCache& layer : caches.layers) layer.append(a);
  CHECK(caches.length() == 2);
  const KeyValueCaches before = caches;
  const Tensor rows = tensor_i64({2, 2, 0, 1});
  caches.reorder(rows);
  for (KeyValueCache& layer : caches.layers) {
    const KeysValues all = layer.append(b);
    CHECK(all.k.to_vector() == cat({index_select(a.k, 0, rows), b.k}, 2).to_vector());
    CHECK(all.v.to_vector() == cat({index_select(a.v, 0, rows), b.v}, 2).to_vector());
  }
  KeyValueCaches old = before;
  CHECK(old.layers[0].append(positions_of(3, 1)).k.slice(2, 0, 2).to_vector() == a.k.to_vector());
  caches.truncate(0);
  CHECK(caches.length() == 0);
  caches.reorder(rows);  // nothing to put in order
  CHECK(caches.length() == 0);
}

TEST_CASE("a copy of a cache is independent") {
  manual_seed(7);
  const KeysValues a = positions_of(1, 2), b = positions_of(1, 1), c = positions_of(1, 1);
  KeyValueCache one(3);
  one.append(a);
  KeyValueCache two = one, three(5);
  three = one;
  const KeysValues first = one.append(b);
  for (KeyValueCache* const other : {&two, &three}) {
    CHECK(other->append(c).v.to_vector() == cat({a.v, c.v}, 2).to_vector());
    CHECK(other->capacity() == 3);
  }
  CHECK(first.v.to_vector() == cat({a.v, b.v}, 2).to_vector());
}

TEST_CASE("a cache says what does not fit") {
  KeyValueCache limited(8);
  limited.limit(3), limited.limit(5);
  CHECK(limited.capacity() == 3);
  limited.append({zeros({1, 1, 2, 4}), zeros({1, 1, 2, 4})});
  CHECK(message_of<Error>([&] { limited.limit(2); }) ==
        "KeyValueCache: a limit of 2 with 2 positions in it: must be positive, and given to an empty cache");
  CHECK_THROWS_AS(KeyValueCache(8).limit(0), Error);
  CHECK(message_of([] { KeyValueCache(0); }) == "KeyValueCache: capacity 0: must be positive");
  KeyValueCache cache(3);
  cache.append(positions_of(2, 2));
  CHECK(message_of<ShapeError>([&] { cache.append(positions_of(2, 2)); }) ==
        "KeyValueCache: 2 positions after 2, capacity 3: there is no room: make the capacity larger, or start again "
        "with the latest tokens after truncate(0)");
  CHECK(message_of<ShapeError>([&] { cache.append(positions_of(1, 1)); }) ==
        "KeyValueCache: keys float32 (1, 2, 1, 3), values (1, 2, 1, 5) after keys float32 (2, 2, "
        "3, 3), values (2, 2, 3, 5): only the number of positions may differ: truncate(0) to start again");
  CHECK(message_of<ShapeError>([&] { cache.append({zeros({2, 2, 1, 3}), zeros({2, 2, 2, 5})}); }) ==
        "KeyValueCache: keys (2, 2, 1, 3), values (2, 2, 2, 5): must be (B, g, n, d) and (B, g, n, "
        "p)");
  CHECK(message_of<AutogradError>([&] { cache.append({parameter(zeros({2, 2, 1, 3})), zeros({2, 2, 1, 5})}); }) ==
        "KeyValueCache: keys that record history: a cache is for generation: open a NoGrad around "
        "it");
  CHECK(message_of<IndexError>([&] { cache.truncate(3); }) ==
        "KeyValueCache: truncate to 3 of 2 positions: must be in 0 … 2");
}

TEST_CASE("GPT writes with a cache what it writes without, and each greedy token is the same") {
  manual_seed(3);
  GPT model({.vocab = 17, .context = 40, .width = 24, .heads = 3, .layers = 3});
  for (Tensor p : model.parameters()) {  // logits far enough apart to have something to decide
    const NoGrad no_history;
    p.mul_(p.dim() > 1 ? 8.0 : 1.0);
  }
  model.eval();
  const NoGrad no_history;
  Tensor tokens = randint(0, 17, {2, 5});
  KeyValueCaches past = model.begin();
  Tensor fresh = tokens;  // first the prompt, then one at a time
  while (true) {
    const Tensor all = model(tokens), last = all.select(1, all.size(1) - 1);
    const Tensor cached = model.step(fresh, past);
    REQUIRE(cached.shape() == Shape{2, 17});
    CHECK(apart(cached, last) < 1e-5);
    const Tensor next = argmax(last, -1, keepdim);
    CHECK(argmax(cached, -1, keepdim).to_vector() == next.to_vector());
    if (tokens.size(1) == 40) break;
    tokens = cat({tokens, next}, 1);
    fresh = next;
  }
  CHECK(past.length() == 40);
  CHECK(message_of<ShapeError>([&] { model.step(fresh, past); }) ==
        "GPT: tokens (2, 1) after 40 in a cache of 3 layers, context 40, 3 layers: must be (B, n) "
        "within the context, and the cache of begin(): to continue, start again with the latest tokens "
        "[in GPT]");
  KeyValueCaches other(2, 40);
  CHECK_THROWS_AS(model.step(fresh, other), ShapeError);
}

TEST_CASE("grouped-query attention with a cache continues where it was, with its positions") {
  manual_seed(4);
  GroupedQueryAttention m(12, 6, {.num_kv_heads = 2, .rope = RotaryPositions(2, RopeLayout::half_split)});
  m.to(Dtype::f64);
  const NoGrad no_history;
  const Tensor x = randn({2, 9, 12}, Dtype::f64);
  const Tensor whole = m(x, {.causal = true}).output;
  KeyValueCache cache(9);
  CHECK(apart(m(x.slice(1, 0, 4), {.causal = true}, &cache).output, whole.slice(1, 0, 4)) < 1e-13);
  for (int64_t i = 4; i < 9; ++i) {
    const Attended a = m(x.slice(1, i, i + 1), {.causal = true, .need_weights = true}, &cache);
    CHECK(apart(a.output, whole.slice(1, i, i + 1)) < 1e-13);
    CHECK(a.weights.shape() == Shape{2, 6, 1, i + 1});
  }
}

TEST_CASE("a decoder steps with a cache as it does at once") {
  manual_seed(5);
  for (const bool norm_first : {false, true}) {
    TransformerDecoder decoder(TransformerDecoderLayer(8, 2, {.dim_feedforward = 12, .norm_first = norm_first}), 2,
                               LayerNorm(8));
    decoder.to(Dtype::f64);
    decoder.eval();
    const NoGrad no_history;
    const Tensor x = randn({2, 6, 8}, Dtype::f64), memory = randn({2, 5, 8}, Dtype::f64),
                 keys = tensor({1, 1, 1, 1, 1, 1, 1, 1, 0, 0}, {2, 5}).to(Dtype::boolean);
    const Tensor whole = decoder(x, memory, {.causal = true}, {.key_mask = keys});
    DecoderCache cache = decoder.begin(memory, 6, keys);
    CHECK(apart(decoder.step(x.slice(1, 0, 2), cache), whole.slice(1, 0, 2)) < 1e-13);
    CHECK(apart(decoder.step(x.slice(1, 2, 3), cache), whole.slice(1, 2, 3)) < 1e-13);
    cache.reorder(tensor_i64({1, 0, 1}));
    CHECK(cache.length() == 3);
    const Tensor rows = tensor_i64({1, 0, 1});
    for (int64_t i = 3; i < 6; ++i)
      CHECK(apart(decoder.step(index_select(x, 0, rows).slice(1, i, i + 1), cache),
                  index_select(whole, 0, rows).slice(1, i, i + 1)) < 1e-13);
    TransformerDecoder other(TransformerDecoderLayer(8, 2), 1);
    CHECK(message_of([&] { other.step(x, cache); }) ==
          "TransformerDecoder: a cache of 2 layers for 1: make it with begin() of this decoder [in "
          "TransformerDecoder]");
  }
}
