#include <heed/core/files/safetensors.h>

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include <heed/core/files/file.h>
#include <heed/core/files/json_reader.h>
#include <heed/core/files/mapped_file.h>
#include <heed/core/files/safetensors_format.h>
#include <heed/core/text.h>

namespace heed::core {

using namespace safetensors;

namespace {

// For a file whose start is not that of a safetensors file: says what it is, if its first bytes
// tell, else what is wrong.
[[noreturn]] void fail_start(const std::string& source, std::string_view bytes, const std::string& wrong) {
  constexpr std::string_view pickle = "a PyTorch pickle: convert it with safetensors.torch.save_file";
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
    if (bytes.starts_with(magic.start)) fail<FormatError>(source, ": not a safetensors file, but ", magic.meaning);
  fail<FormatError>(source, ": ", wrong, ": not a safetensors file, or its download is incomplete");
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

// {"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}: exactly these keys.
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
      if (!find_type(tensor.dtype)) wrong(cat("dtype ", quote(tensor.dtype), " is unknown"), position);
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
      if (count < 2) wrong("data_offsets has fewer than 2 entries", position);
      if (tensor.begin > tensor.end)
        wrong(cat("data_offsets [", tensor.begin, ", ", tensor.end, "] run backwards"), position);
    } else {
      wrong(cat("the key ", quote(key), " is none of dtype, shape, data_offsets"), position);
    }
  });
  if (!has_dtype) wrong("dtype is missing", start);
  if (!has_shape) wrong("shape is missing", start);
  if (!has_offsets) wrong("data_offsets is missing", start);

  // An overflow is an error even if a size is 0.
  int64_t bits = find_type(tensor.dtype)->bits;
  bool overflow = false, empty = false;
  for (int64_t size : tensor.shape) {
    overflow |= __builtin_mul_overflow(bits, std::max<int64_t>(size, 1), &bits);
    empty |= size == 0;
  }
  if (empty) bits = 0;
  if (overflow) wrong(cat("the size of shape ", tensor.shape, " overflows 63 bits"), start);
  if (bits % 8 != 0) wrong(cat("shape ", tensor.shape, " of ", tensor.dtype, " ends within a byte"), start);
  if (bits / 8 != tensor.end - tensor.begin)
    wrong(cat("shape ", tensor.shape, " of ", tensor.dtype, " takes ", bits / 8, " bytes, data_offsets [", tensor.begin,
              ", ", tensor.end, "] hold ", tensor.end - tensor.begin),
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
  for (const auto& [name, tensor] : header.tensors) spans.push_back({tensor.begin, tensor.end, &name});
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
    return std::tie(a.begin, a.end, *a.name) < std::tie(b.begin, b.end, *b.name);
  });
  int64_t at = 0;
  for (const Span& span : spans) {
    if (span.begin > at)
      fail<FormatError>(source, ": tensor ", quote(*span.name), ": begins at ", span.begin, " where ", at,
                        " is expected: no tensor owns the bytes between: the file is damaged");
    if (span.begin < at)
      fail<FormatError>(source, ": tensor ", quote(*span.name), ": begins at ", span.begin, " where ", at,
                        " is expected: it overlaps another tensor: the file is damaged");
    if (span.end > data_size)
      fail<FormatError>(source, ": tensor ", quote(*span.name), ": ends at ", span.end, " of ", data_size,
                        " bytes: the file is cut short: download it again");
    at = span.end;
  }
  if (at < data_size)
    fail<FormatError>(source, ": ", data_size - at, " bytes follow the last tensor: the file is damaged");
}

// What is wrong with the length that a file of `size` bytes begins with, or "".
std::string problem_of_length(std::string_view start, size_t size) {
  uint64_t length = 0;
  if (start.size() < sizeof length) return cat(size, " bytes: header too small");
  std::memcpy(&length, start.data(), sizeof length);
  if (length > max_header) return cat("header of ", length, " bytes: header too large");
  if (length > size - sizeof length)
    return cat("header of ", length, " bytes in a file of ", size, ": invalid header length");
  return "";
}

size_t length_at(std::string_view start) {
  uint64_t length;
  std::memcpy(&length, start.data(), sizeof length);
  return static_cast<size_t>(length);
}

constexpr size_t length_bytes = sizeof(uint64_t);
constexpr size_t magic_bytes = 32;  // more than any magic has
constexpr std::string_view index_end = ".index.json";

}  // namespace

struct SafeTensorsReader {
  using Owner = std::shared_ptr<const void>;
  using Open = SafeTensors (*)(const std::string& path);

  /// A file of `size` bytes, requested in order: read(n) gives the next n bytes, read_rest(n) the
  /// last n and the owner that keeps them alive.
  template <class Read, class ReadRest>
  static SafeTensors read(size_t size, std::string_view name, Read&& read, ReadRest&& read_rest) {
    SafeTensors result;
    result.source_ = cat("safetensors: ", quote(name));
    const std::string start(read(std::min(size, length_bytes)));
    if (const std::string wrong = problem_of_length(start, size); !wrong.empty())
      fail_start(result.source_, start + std::string(read(std::min(size - start.size(), magic_bytes))), wrong);
    const std::string text(read(length_at(start)));
    if (!text.starts_with('{'))
      fail_start(result.source_, start + text.substr(0, magic_bytes), "header does not begin with {");
    Header header = read_header(text, result.source_);
    check_coverage(header, static_cast<int64_t>(size - length_bytes - text.size()), result.source_);
    result.metadata_ = std::move(header.metadata);

    const std::pair<std::string_view, Owner> data = read_rest(size - length_bytes - text.size());
    for (auto& [tensor_name, tensor] : header.tensors)
      result.entries_[tensor_name] = {
          tensor.dtype, tensor.shape,
          data.first.substr(static_cast<size_t>(tensor.begin), static_cast<size_t>(tensor.end - tensor.begin)),
          data.second};
    return result;
  }

  static SafeTensors load(const std::string& path) {
    InputFile input(path);
    return read(
        input.size(), path, [&](size_t count) { return input.read(count); },
        [&](size_t count) {
          const auto rest = std::make_shared<const std::string>(input.read(count));
          return std::pair<std::string_view, Owner>(*rest, rest);
        });
  }

  /// The same from bytes that are there, or are when they are used.
  static SafeTensors view(std::string_view bytes, const Owner& owner, std::string_view name) {
    return read(
        bytes.size(), name,
        [&](size_t count) {
          const std::string_view next = bytes.substr(0, count);
          bytes.remove_prefix(count);
          return next;
        },
        [&](size_t) { return std::pair(bytes, owner); });
  }

  static SafeTensors map(const std::string& path) {
    const auto file = std::make_shared<const MappedFile>(path);
    return view(file->bytes(), file, path);
  }

  static SafeTensors open_index(const std::string& path, Open open) {
    SafeTensors result;
    result.source_ = cat("safetensors: ", quote(path));
    InputFile input(path);
    check<FormatError>(input.size() <= max_header, result.source_, ": an index of ", input.size(), " bytes: at most ",
                       max_header, " are allowed");
    const std::string directory = path.substr(0, path.rfind('/') + 1);
    std::map<std::string, SafeTensors> shards;
    for (const auto& [name, file] : parse_index(input.read(input.size()), result.source_)) {
      if (!shards.count(file)) shards[file] = open(directory + file);
      const SafeTensors& shard = shards[file];
      check<FormatError>(shard.contains(name), result.source_, ": tensor ", quote(name), ": is not in ", quote(file),
                         ": get the files that belong together");
      result.entries_[name] = shard.entry(name);
    }
    for (const auto& [file, shard] : shards) result.metadata_.insert(shard.metadata().begin(), shard.metadata().end());
    return result;
  }

  static SafeTensors open_any(const std::string& path, Open open) {
    return path.ends_with(index_end) ? open_index(path, open) : open(path);
  }
};

SafeTensors parse_safetensors(std::string bytes, std::string_view source) {
  const auto file = std::make_shared<const std::string>(std::move(bytes));
  return SafeTensorsReader::view(*file, file, source);
}

SafeTensors load_safetensors(const std::string& path) {
  return SafeTensorsReader::open_any(path, SafeTensorsReader::load);
}
SafeTensors open_safetensors(const std::string& path) {
  return SafeTensorsReader::open_any(path, SafeTensorsReader::map);
}

std::map<std::string, std::string> safetensors::parse_index(std::string_view text, const std::string& source) {
  std::map<std::string, std::string> files;
  bool has_map = false;
  JsonReader reader(text, source);
  reader.object([&](const std::string& key) {
    if (key != "weight_map") return reader.skip();
    has_map = true;
    reader.object([&](const std::string& name) {
      const size_t position = reader.position();
      const std::string file = reader.string();
      auto refuse = [&](const char* why) {
        reader.fail(cat("tensor ", quote(name), ": ", quote(file), " ", why), position);
      };
      // Only a plain name: an index must not open files elsewhere, nor refer to itself.
      if (file.empty() || file == "." || file == ".." ||
          file.find_first_of(std::string("/\\\0", 3)) != std::string::npos)
        refuse("is not the name of a file beside the index");
      if (file.ends_with(index_end)) refuse("is an index: name the file that holds the tensor");
      if (const std::string problem = problem_of_name(name); !problem.empty()) refuse(("holds " + problem).c_str());
      files[name] = file;
    });
  });
  reader.finish();
  check<FormatError>(has_map, source, ": weight_map is missing: it is not an index of safetensors files");
  return files;
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
  check<FormatError>(type.element.has_value(), source_, ": tensor ", quote(name), ": dtype ", found.dtype,
                     " is not supported: supported are BOOL, U8, I8, U16, I16, F16, BF16, I32, "
                     "U32, F32, F64, I64");
  const std::optional<Array> x = decode(found.bytes, *type.element, found.shape);
  check<FormatError>(x.has_value(), source_, ": tensor ", quote(name),
                     ": a BOOL byte is neither 0 nor 1: the file is damaged");
  return *x;
}

}  // namespace heed::core
