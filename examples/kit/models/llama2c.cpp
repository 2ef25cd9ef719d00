#include <heed/examples/kit/models/llama2c.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>

#include <heed/autograd/ops.h>
#include <heed/core/files/mapped_file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/models/model_size.h>
#include <heed/examples/kit/resume.h>

namespace heed::kit {

static_assert(std::endian::native == std::endian::little, "llama2.c's files are little-endian");

namespace {

struct Header {
  int32_t version = 0;
  nn::LlamaOptions options;
  int64_t group = 0;  // of version 2
  int64_t size = 28;  // bytes before the weights
};

// Reads a file from its start to its end.
class Source {
 public:
  Source(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  template <class T> T take() {
    T value;
    std::memcpy(&value, bytes(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string_view bytes(size_t count) {
    check<FormatError>(count <= bytes_.size() - at_, quote(name_), ": ends within ", count,
                       " bytes that its header asks for: not a llama2.c file, or its download is incomplete");
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  size_t left() const { return bytes_.size() - at_; }

 private:
  std::string_view bytes_;
  std::string name_;
  size_t at_ = 0;
};

Header read_header(Source& source, const std::string& name) {
  Header header;
  constexpr int32_t magic = 0x616b3432;  // "ak42"
  int32_t first = source.take<int32_t>();
  if (first == magic) {
    header.version = source.take<int32_t>();
    check<FormatError>(header.version == 1 || header.version == 2, quote(name), ": version ", header.version,
                       " of llama2.c's format: versions 0, 1 and 2 are known");
    first = source.take<int32_t>();
  }
  int32_t sizes[7] = {first};
  for (int i = 1; i < 7; ++i) sizes[i] = source.take<int32_t>();
  const auto [width, hidden, layers, heads, kv_heads, vocab, context] = sizes;
  bool tied = vocab > 0;
  if (header.version > 0) {
    tied = source.take<uint8_t>() != 0;
    if (header.version == 2) header.group = source.take<int32_t>();
    const size_t read = 4 * 9 + 1 + (header.version == 2 ? 4u : 0u);
    source.bytes(256 - read);
    header.size = 256;
  }
  constexpr int32_t most = 1 << 24;
  const auto possible = [](int32_t size) { return size > 0 && size <= most; };
  check<FormatError>(possible(width) && possible(hidden) && possible(layers) && possible(heads) && possible(kv_heads) &&
                         vocab != INT32_MIN && possible(std::abs(vocab)) && possible(context) && layers <= 4096 &&
                         width % heads == 0 && heads % kv_heads == 0 && width / heads % 2 == 0 &&
                         (header.version != 2 || (header.group > 0 && header.group <= most)),
                     quote(name), ": the header says width ", width, ", hidden ", hidden, ", layers ", layers,
                     ", heads ", heads, ", kv_heads ", kv_heads, ", vocab ", vocab, ", context ", context,
                     ": no model has these: not a llama2.c file");
  header.options = {.vocab = std::abs(vocab),
                    .context = context,
                    .width = width,
                    .hidden = hidden,
                    .layers = layers,
                    .heads = heads,
                    .kv_heads = kv_heads,
                    .rope_layout = nn::RopeLayout::interleaved,
                    .tied = tied};
  return header;
}

// What one of the kinds of matrices takes: `count` of them, rows × columns each.
struct Kind {
  int64_t count, rows, columns;
  int64_t elements() const { return count * rows * columns; }
};

struct Kinds {
  Kind embedding, norms, last_norm, q, kv, o, up, down, rotations, head;

  Kinds(const nn::LlamaOptions& o_, bool with_rotations)
      : embedding{1, o_.vocab, o_.width},
        norms{o_.layers, 1, o_.width},
        last_norm{1, 1, o_.width},
        q{o_.layers, o_.width, o_.width},
        kv{o_.layers, *o_.kv_heads * (o_.width / o_.heads), o_.width},
        o{o_.layers, o_.width, o_.width},
        up{o_.layers, o_.hidden, o_.width},
        down{o_.layers, o_.width, o_.hidden},
        rotations{with_rotations ? 1 : 0, o_.context, o_.width / o_.heads},
        head{o_.tied ? 0 : 1, o_.vocab, o_.width} {}
};

// The bytes that the weights take; with sizes of at most 2²⁴ a sum of products of three stays exact in double.
double bytes_of(const Header& header) {
  const Kinds k(header.options, header.version == 0);
  const auto elements = [](const Kind& kind) {
    return static_cast<double>(kind.count) * static_cast<double>(kind.rows) * static_cast<double>(kind.columns);
  };
  const double matrices = elements(k.embedding) + elements(k.q) + 2 * elements(k.kv) + elements(k.o) +
                          2 * elements(k.up) + elements(k.down) + elements(k.head);
  const double others = 2 * elements(k.norms) + elements(k.last_norm) + elements(k.rotations);
  const double matrix_bytes =
      header.version == 2 ? matrices + 4 * matrices / static_cast<double>(header.group) : 4 * matrices;
  return matrix_bytes + 4 * others;
}

// One matrix or vector, from the file into a parameter.
void read_into(Source& source, const Tensor& parameter, int64_t group) {
  const auto n = static_cast<size_t>(parameter.numel());
  float* to = parameter.array().data<float>();
  if (group == 0) {
    std::memcpy(to, source.bytes(4 * n).data(), 4 * n);
    return;
  }
  const std::string_view elements = source.bytes(n);
  for (size_t first = 0; first < n; first += static_cast<size_t>(group)) {
    const auto scale = source.take<float>();
    for (size_t i = first; i < first + static_cast<size_t>(group); ++i)
      to[i] = scale * static_cast<float>(static_cast<signed char>(elements[i]));
  }
}

}  // namespace

bool is_llama2c_file(const std::filesystem::path& file) { return file.extension() == ".bin"; }

nn::Llama load_llama2c(const std::filesystem::path& file) {
  const std::string name = file.string();
  const core::MappedFile mapped(name);
  Source source(mapped.bytes(), name);
  const Header header = read_header(source, name);
  if (header.version == 2)
    check<FormatError>(header.options.width % header.group == 0 && header.options.hidden % header.group == 0,
                       quote(name), ": groups of ", header.group, ": must divide the width ", header.options.width,
                       " and hidden ", header.options.hidden);
  const double wanted = bytes_of(header);
  check<FormatError>(static_cast<double>(source.left()) == wanted, quote(name), ": has ", source.left(),
                     " bytes of weights, its header asks for ", shortest(wanted),
                     ": not a llama2.c file, or its download is incomplete");
  check_size(header.options, header.version == 2 ? wanted : wanted / 4, quote(name));

  nn::Llama llama(header.options);
  std::vector<nn::LlamaLayer>& layers = llama.model.layers;
  const auto read_one = [&](const Tensor& parameter, bool matrix) {
    read_into(source, parameter, matrix ? header.group : 0);
  };
  const auto read_all = [&](auto&& member, bool matrix = true) {
    for (nn::LlamaLayer& layer : layers) read_one(member(layer), matrix);
  };
  const auto embedding = [&] { read_one(llama.model.embed_tokens.weight, true); };
  const auto input_norms = [&] { read_all([](auto& l) { return l.input_layernorm.weight; }, false); };
  const auto later_norms = [&] { read_all([](auto& l) { return l.post_attention_layernorm.weight; }, false); };
  const auto last_norm = [&] { read_one(llama.model.norm.weight, false); };
  const auto attention = [&] {
    read_all([](auto& l) { return l.self_attn.q_proj.weight; });
    read_all([](auto& l) { return l.self_attn.k_proj.weight; });
    read_all([](auto& l) { return l.self_attn.v_proj.weight; });
    read_all([](auto& l) { return l.self_attn.o_proj.weight; });
  };
  const auto feed_forward = [&] {
    read_all([](auto& l) { return l.mlp.gate_proj.weight; });
    read_all([](auto& l) { return l.mlp.down_proj.weight; });
    read_all([](auto& l) { return l.mlp.up_proj.weight; });
  };
  const NoGrad no_history;
  if (header.version == 0) {
    embedding(), input_norms(), attention(), later_norms(), feed_forward(), last_norm();
    source.bytes(static_cast<size_t>(4 * Kinds(header.options, true).rotations.elements()));
  } else {
    input_norms(), later_norms(), last_norm(), embedding(), attention(), feed_forward();
  }
  if (!header.options.tied) read_one(llama.lm_head.weight, true);
  check_weights(llama.state_dict(), name);
  return llama;
}

}  // namespace heed::kit
