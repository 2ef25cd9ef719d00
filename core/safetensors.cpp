#include <heed/core/safetensors.h>

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include <heed/core/file.h>
#include <heed/core/json_reader.h>
#include <heed/core/safetensors_format.h>
#include <heed/core/text.h>

namespace heed::core {

using namespace safetensors;

namespace {

// A file that is not even the beginning of a safetensors file: says what it is, if that can be told
// from its first bytes, else what is wrong.
[[noreturn]] void fail_start(const std::string& source, std::string_view bytes,
                             const std::string& wrong) {
  constexpr std::string_view pickle =
      "a PyTorch pickle: convert it with safetensors.torch.save_file";
  struct Magic {
    std::string_view start, meaning;
  };
  constexpr Magic magics[] = {
      {"PK\x03\x04", pickle},
      {"\x80\x02", pickle},
      {"\x80\x04", pickle},
      {"version https://git-lfs", "a git-lfs pointer: fetch the file itself with git lfs pull"},
      {"<", "a web page: download the file itself"},
      {"\x1f\x8b", "gzip data: unpack it with gunzip"},
      {"GGUF", "a GGUF file: find a .safetensors file of the model"},
      {"\x93NUMPY", "a .npy file: use load_npy"},
      {"{", "JSON: give a .safetensors file, or an index that ends in .index.json"},
  };
  for (const Magic& magic : magics)
    if (bytes.starts_with(magic.start))
      fail<FormatError>(source, ": no safetensors file, but ", magic.meaning);
  fail<FormatError>(source, ": ", wrong, ": no safetensors file, or its download is not complete");
}

struct Span {
  int64_t begin, end;
  const std::string* name;
};

struct Header {
  struct Tensor {
    std::string dtype;
    Shape shape;
    int64_t begin, end;
  };
  std::map<std::string, Tensor> tensors;
  Metadata metadata;
};

// {"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}, all keys there, none else.
Header::Tensor read_tensor(JsonReader& reader, const std::string& name) {
  Header::Tensor tensor;
  const size_t start = reader.position();
  bool has_dtype = false, has_shape = false, has_offsets = false;
  auto wrong = [&](const std::string& what, size_t position) {
    reader.fail(cat("tensor ", quote(name), ": ", what), position);
  };
  auto natural = [&](const char* of) {
    const size_t position = reader.position();
    const int64_t value = reader.integer();
    if (value < 0) wrong(cat(of, " ", value, " is negative"), position);
    return value;
  };
  reader.object([&](const std::string& key) {
    const size_t position = reader.position();
    if (key == "dtype") {
      has_dtype = true;
      tensor.dtype = reader.string();
      if (!find_type(tensor.dtype))
        wrong(cat("dtype ", quote(tensor.dtype), " is unknown"), position);
    } else if (key == "shape") {
      has_shape = true;
      reader.list([&] {
        if (tensor.shape.rank() == Shape::max_rank) wrong("more than 8 axes", position);
        tensor.shape.push_back(natural("size"));
      });
    } else if (key == "data_offsets") {
      has_offsets = true;
      int count = 0;
      reader.list([&] {
        if (++count > 2) wrong("data_offsets has more than 2 entries", position);
        (count == 1 ? tensor.begin : tensor.end) = natural("offset");
      });
      if (count < 2) wrong("data_offsets has less than 2 entries", position);
      if (tensor.begin > tensor.end)
        wrong(cat("data_offsets [", tensor.begin, ", ", tensor.end, "] run backwards"), position);
    } else {
      wrong(cat("the key ", quote(key), " is none of dtype, shape, data_offsets"), position);
    }
  });
  if (!has_dtype) wrong("dtype is missing", start);
  if (!has_shape) wrong("shape is missing", start);
  if (!has_offsets) wrong("data_offsets is missing", start);

  // An overflow is one even if a size is 0.
  int64_t bits = find_type(tensor.dtype)->bits;
  bool overflow = false, empty = false;
  for (int64_t size : tensor.shape) {
    overflow |= __builtin_mul_overflow(bits, std::max<int64_t>(size, 1), &bits);
    empty |= size == 0;
  }
  if (empty) bits = 0;
  if (overflow) wrong(cat("the size of shape ", tensor.shape, " overflows 63 bits"), start);
  if (bits % 8 != 0)
    wrong(cat("shape ", tensor.shape, " of ", tensor.dtype, " ends within a byte"), start);
  if (bits / 8 != tensor.end - tensor.begin)
    wrong(cat("shape ", tensor.shape, " of ", tensor.dtype, " takes ", bits / 8,
              " bytes, data_offsets [", tensor.begin, ", ", tensor.end, "] hold ",
              tensor.end - tensor.begin),
          start);
  return tensor;
}

Header read_header(std::string_view text, const std::string& source) {
  Header header;
  const std::string where = source + ": header";
  JsonReader reader(text, where);
  reader.object([&](const std::string& name) {
    if (name == metadata_key) {
      reader.object([&](const std::string& key) { header.metadata[key] = reader.string(); });
      return;
    }
    if (const std::string problem = problem_of_name(name); !problem.empty())
      reader.fail(cat("tensor ", quote(name), ": ", problem));
    header.tensors[name] = read_tensor(reader, name);
  });
  reader.finish();
  return header;
}

// Every byte of the data belongs to exactly one tensor.
void check_coverage(const Header& header, int64_t data_size, const std::string& source) {
  std::vector<Span> spans;
  for (const auto& [name, tensor] : header.tensors)
    spans.push_back({tensor.begin, tensor.end, &name});
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
    return std::tie(a.begin, a.end, *a.name) < std::tie(b.begin, b.end, *b.name);
  });
  int64_t at = 0;
  for (const Span& span : spans) {
    if (span.begin > at)
      fail<FormatError>(source, ": tensor ", quote(*span.name), ": begins at ", span.begin,
                        " where ", at,
                        " is expected: no tensor owns the bytes between: the file is damaged");
    if (span.begin < at)
      fail<FormatError>(source, ": tensor ", quote(*span.name), ": begins at ", span.begin,
                        " where ", at,
                        " is expected: it overlaps another tensor: the file is damaged");
    if (span.end > data_size)
      fail<FormatError>(source, ": tensor ", quote(*span.name), ": ends at ", span.end, " of ",
                        data_size, " bytes: the file is cut short: download it again");
    at = span.end;
  }
  if (at < data_size)
    fail<FormatError>(source, ": ", data_size - at,
                      " bytes follow the last tensor: the file is damaged");
}

}  // namespace

SafeTensors parse_safetensors(std::string bytes, std::string_view source) {
  SafeTensors result;
  result.source_ = cat("safetensors: ", quote(source));
  const auto file = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view view = *file;
  uint64_t length = 0;
  auto check_start = [&](bool ok, const std::string& wrong) {
    if (!ok) fail_start(result.source_, view, wrong);
  };
  check_start(view.size() >= sizeof length, cat(view.size(), " bytes: header too small"));
  std::memcpy(&length, view.data(), sizeof length);
  check_start(length <= max_header, cat("header of ", length, " bytes: header too large"));
  check_start(
      length <= view.size() - sizeof length,
      cat("header of ", length, " bytes in a file of ", view.size(), ": invalid header length"));
  const std::string_view text = view.substr(sizeof length, length);
  const std::string_view data = view.substr(sizeof length + length);
  check_start(text.starts_with('{'), "header does not begin with {");

  Header header = read_header(text, result.source_);
  check_coverage(header, static_cast<int64_t>(data.size()), result.source_);
  for (auto& [name, tensor] : header.tensors)
    result.entries_[name] = {tensor.dtype, tensor.shape,
                             data.substr(static_cast<size_t>(tensor.begin),
                                         static_cast<size_t>(tensor.end - tensor.begin)),
                             file};
  // Tied tensors: metadata says where the numbers of a dropped name are.
  for (const auto& [dropped, kept] : header.metadata) {
    const bool nameable = dropped != metadata_key && problem_of_name(dropped).empty();
    if (nameable && header.tensors.count(kept) && !header.tensors.count(dropped))
      result.entries_[dropped] = result.entries_[kept];
  }
  result.metadata_ = std::move(header.metadata);
  return result;
}

SafeTensors load_safetensors(const std::string& path) {
  if (!path.ends_with(".index.json")) return parse_safetensors(read_file(path), path);

  // {"metadata":{"total_size":n},"weight_map":{"name":"model-00001-of-00002.safetensors", …}}
  SafeTensors result;
  result.source_ = cat("safetensors: ", quote(path));
  const std::string text = read_file(path);
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  std::map<std::string, SafeTensors> shards;
  std::vector<std::pair<std::string, std::string>> missing;
  bool has_map = false;
  JsonReader reader(text, result.source_);
  reader.object([&](const std::string& key) {
    if (key != "weight_map") return reader.skip();
    has_map = true;
    reader.object([&](const std::string& name) {
      const size_t position = reader.position();
      const std::string file = reader.string();
      // Only a plain name: an index must not reach for files elsewhere.
      if (file.empty() || file == "." || file == ".." ||
          file.find_first_of(std::string("/\\\0", 3)) != std::string::npos)
        reader.fail(cat("tensor ", quote(name), ": ", quote(file),
                        " is not the name of a file beside the index"),
                    position);
      if (!shards.count(file)) shards[file] = load_safetensors(directory + file);
      if (!shards[file].contains(name))
        reader.fail(cat("tensor ", quote(name), ": is not in ", quote(file)), position);
      result.entries_[name] = shards[file].entry(name);
    });
  });
  reader.finish();
  check<FormatError>(has_map, result.source_,
                     ": weight_map is missing: it is no index of safetensors files");
  for (const auto& [file, shard] : shards)
    result.metadata_.insert(shard.metadata().begin(), shard.metadata().end());
  return result;
}

std::vector<std::string> SafeTensors::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

const SafeTensors::Entry& SafeTensors::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  check<FormatError>(found != entries_.end(), source_, ": tensor ", quote(name),
                     ": there is no such tensor: names() lists all ", entries_.size());
  return found->second;
}

Array SafeTensors::at(const std::string& name) const {
  const Entry& found = entry(name);
  const FileType& type = *find_type(found.dtype);
  check<FormatError>(type.element.has_value(), source_, ": tensor ", quote(name), ": dtype ",
                     found.dtype,
                     " is not supported: supported are BOOL, U8, I8, U16, I16, F16, BF16, I32, "
                     "U32, F32, F64, I64");
  const std::optional<Array> x = decode(found.bytes, *type.element, found.shape);
  check<FormatError>(x.has_value(), source_, ": tensor ", quote(name),
                     ": a BOOL byte is neither 0 nor 1: the file is damaged");
  return *x;
}

}  // namespace heed::core
