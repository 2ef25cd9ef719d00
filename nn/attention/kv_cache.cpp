#include <heed/nn/attention/kv_cache.h>

#include <algorithm>

#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/indexing.h>

namespace heed::nn {

namespace {

// Equal dtypes and shapes except for the positions: what must not change between appends.
bool same_kind(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.size(0) == b.size(0) && a.size(1) == b.size(1) && a.size(3) == b.size(3);
}

}  // namespace

KeyValueCache::KeyValueCache(int64_t capacity) : capacity_(capacity) {
  check(capacity > 0, "KeyValueCache: capacity ", capacity, ": must be positive");
}

KeyValueCache::KeyValueCache(const KeyValueCache& other) : capacity_(other.capacity_), length_(other.length_) {
  if (length_ > 0) room_ = {other.room_.k.clone(), other.room_.v.clone()};
}

KeyValueCache& KeyValueCache::operator=(const KeyValueCache& other) { return *this = KeyValueCache(other); }

KeysValues KeyValueCache::append(const KeysValues& news) {
  const auto& [k, v] = news;
  check<AutogradError>(!(grad_enabled() && (k.requires_grad() || v.requires_grad())),
                       "KeyValueCache: keys that record history: a cache is for generation: open a "
                       "NoGrad around it");
  check<ShapeError>(
      k.dim() == 4 && v.dim() == 4 && k.size(0) == v.size(0) && k.size(1) == v.size(1) && k.size(2) == v.size(2),
      "KeyValueCache: keys ", k.shape(), ", values ", v.shape(), ": must be (B, g, n, d) and (B, g, n, p)");
  const int64_t begin = length_;
  check<ShapeError>(k.size(2) <= capacity_ - begin, "KeyValueCache: ", k.size(2), " positions after ", begin,
                    ", capacity ", capacity_,
                    ": there is no room: make the capacity larger, or "
                    "start again with the latest tokens after truncate(0)");
  const NoGrad no_history;
  const int64_t end = begin + k.size(2);
  if (length_ == 0) {
    const auto room_for = [this](const Tensor& x) {
      return zeros({x.size(0), x.size(1), capacity_, x.size(3)}, x.dtype());
    };
    room_ = {room_for(k), room_for(v)};
  }
  check<ShapeError>(same_kind(k, room_.k) && same_kind(v, room_.v), "KeyValueCache: keys ", k.dtype(), " ", k.shape(),
                    ", values ", v.shape(), " after keys ", room_.k.dtype(), " ", room_.k.shape(), ", values ",
                    room_.v.shape(), ": only the number of positions may differ: truncate(0) to start again");
  room_.k.slice(2, begin, end).copy_(k);
  room_.v.slice(2, begin, end).copy_(v);
  length_ = end;
  return {room_.k.slice(2, 0, end), room_.v.slice(2, 0, end)};
}

void KeyValueCache::truncate(int64_t length) {
  check<IndexError>(length >= 0 && length <= length_, "KeyValueCache: truncate to ", length, " of ", length_,
                    " positions: must be in 0 … ", length_);
  length_ = length;
}

void KeyValueCache::limit(int64_t positions) {
  check(positions > 0 && length_ == 0, "KeyValueCache: a limit of ", positions, " with ", length_,
        " positions in it: must be positive, and given to an empty cache");
  capacity_ = std::min(capacity_, positions);
}

void KeyValueCache::reorder(const Tensor& rows) {
  if (length_ == 0) return;
  const NoGrad no_history;
  for (Tensor* const x : {&room_.k, &room_.v}) {
    const Tensor chosen = index_select(x->slice(2, 0, length_), 0, rows);
    *x = zeros({rows.size(0), x->size(1), capacity_, x->size(3)}, x->dtype());
    x->slice(2, 0, length_).copy_(chosen);
  }
}

KeyValueCaches::KeyValueCaches(int64_t count, int64_t capacity) {
  constexpr int64_t most = int64_t{1} << 20;
  check(count >= 0 && count <= most, "KeyValueCaches: ", count, " layers: must be in 0 … ", most);
  layers.assign(static_cast<size_t>(count), KeyValueCache(capacity));
}

void KeyValueCaches::truncate(int64_t length) {
  for (KeyValueCache& layer : layers) layer.truncate(length);
}

void KeyValueCaches::reorder(const Tensor& rows) {
  for (KeyValueCache& layer : layers) layer.reorder(rows);
}

void KeyValueCaches::check_room(const char* model, const Tensor& tokens, int64_t count, int64_t context) const {
  const auto own = static_cast<int64_t>(layers.size());
  check<ShapeError>(length() + tokens.size(1) <= context && own == count, model, ": tokens ", tokens.shape(), " after ",
                    length(), " in a cache of ", own, " layers, context ", context, ", ", count,
                    " layers: must be (B, n) within the context, and the cache of begin(): to continue, start again "
                    "with the latest tokens");
}

}  // namespace heed::nn
