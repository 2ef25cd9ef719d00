#include <heed/core/files/npz.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <heed/core/files/element_types.h>
#include <heed/core/files/file.h>
#include <heed/core/files/inflate.h>
#include <heed/core/files/mapped_file.h>
#include <heed/core/files/npy.h>
#include <heed/core/text.h>

namespace heed::core {
namespace {

constexpr std::string_view local_mark = "PK\x03\x04", directory_mark = "PK\x01\x02", end_mark = "PK\x05\x06";
constexpr std::string_view wide_end_mark = "PK\x06\x06", wide_locator_mark = "PK\x06\x07";
constexpr size_t local_size = 30, directory_size = 46, end_size = 22, wide_end_size = 56, wide_locator_size = 20;
constexpr uint64_t in_wide_field = 0xffffffff;  // the value of a 32-bit field whose real one is in a zip64 field
constexpr size_t max_entry_name = 4096;
constexpr std::string_view npy_end = ".npy";

/// Unsigned little-endian fields of a record that is there.
uint64_t field(std::string_view record, size_t at, size_t width) {
  uint64_t value = 0;
  std::memcpy(&value, record.data() + at, width);
  return value;
}

struct Entry {
  std::string name;
  uint64_t flags, method, checksum, packed, size, start;  // start: of its local header
};

class ZipReader {
 public:
  ZipReader(std::string_view bytes, std::string_view source) : bytes_(bytes), source_(source) {}

  /// What the directory says; throws if it cannot be.
  std::vector<Entry> directory() {
    find_directory();
    return read_directory();
  }

  std::map<std::string, Array> arrays() {
    std::vector<Entry> entries = directory();
    std::map<std::string, Array> arrays;
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.start < b.start; });
    size_t end = 0;  // of the entries so far
    for (const Entry& entry : entries) {
      require(entry, entry.start >= end, "shares bytes with another entry");
      const std::string_view packed = data_of(entry);
      end = static_cast<size_t>(packed.data() + packed.size() - bytes_.data());
      const std::string path = cat(source_, "/", entry.name);
      const std::string key = entry.name.substr(0, entry.name.size() - npy_end.size());
      require(entry, !arrays.count(key), "appears twice");
      std::string room;
      arrays[key] = parse_npy(content_of(entry, packed, room), path);
    }
    return arrays;
  }

 private:
  template <class... Wrong> [[noreturn]] void damaged(const Wrong&... wrong) const {
    fail<FormatError>("npz: ", quote(source_), ": ", wrong...);
  }
  template <class... Wrong> void require(const Entry& entry, bool ok, const Wrong&... wrong) const {
    if (!ok) damaged("entry ", quote(entry.name), ": ", wrong...);
  }

  /// The record of this size at a position, which must begin with its mark.
  std::string_view record(uint64_t at, size_t size, std::string_view mark, const char* what) const {
    if (at > bytes_.size() || bytes_.size() - at < size || bytes_.substr(at, mark.size()) != mark)
      damaged("no ", what, " at byte ", at, ": the file is damaged");
    return bytes_.substr(at, size);
  }

  void find_directory() {
    if (!bytes_.starts_with("PK"))
      damaged("does not begin with PK: it is not a .npz file",
              bytes_.starts_with("\x93NUMPY") ? ", but a .npy: use load_npy" : "");
    const size_t end_at = bytes_.size() - std::min(bytes_.size(), end_size);
    if (!bytes_.substr(end_at).starts_with(end_mark) || bytes_.size() < end_size)
      damaged("does not end with the directory of a zip archive: it is cut short, or something was appended");
    const std::string_view end = bytes_.substr(end_at);
    uint64_t disk = field(end, 4, 2), directory_disk = field(end, 6, 2), here = field(end, 8, 2);
    count_ = field(end, 10, 2), directory_bytes_ = field(end, 12, 4), directory_ = field(end, 16, 4);
    if (field(end, 20, 2) != 0) damaged("the end states a comment that is not there: the file is cut short");
    size_t records_end = end_at;
    if (end_at >= wide_locator_size && bytes_.substr(end_at - wide_locator_size).starts_with(wide_locator_mark)) {
      const std::string_view locator = bytes_.substr(end_at - wide_locator_size, wide_locator_size);
      if (field(locator, 4, 4) != 0 || field(locator, 16, 4) > 1) disk = 1;
      const uint64_t wide_at = field(locator, 8, 8);
      const std::string_view wide = record(wide_at, wide_end_size, wide_end_mark, "zip64 end of the directory");
      disk |= field(wide, 16, 4), directory_disk |= field(wide, 20, 4);
      here = field(wide, 24, 8), count_ = field(wide, 32, 8);
      directory_bytes_ = field(wide, 40, 8), directory_ = field(wide, 48, 8);
      records_end = static_cast<size_t>(wide_at);
    }
    if ((disk | directory_disk) != 0 || here != count_) damaged("is one part of several: only whole archives are read");
    if (directory_ > records_end || directory_bytes_ != records_end - directory_)
      damaged("its directory of ", directory_bytes_, " bytes at byte ", directory_, " does not end at byte ",
              records_end, ": the file is cut short or damaged");
  }

  std::vector<Entry> read_directory() const {
    std::vector<Entry> entries;
    uint64_t at = directory_;
    const uint64_t end = directory_ + directory_bytes_;
    while (at < end) {
      const std::string_view start = record(at, directory_size, directory_mark, "directory entry");
      const size_t name = field(start, 28, 2), extra = field(start, 30, 2), comment = field(start, 32, 2);
      if (end - at < directory_size + name + extra + comment) damaged("its directory is cut short at byte ", at);
      Entry entry{std::string(bytes_.substr(at + directory_size, name)),
                  field(start, 8, 2),
                  field(start, 10, 2),
                  field(start, 16, 4),
                  field(start, 20, 4),
                  field(start, 24, 4),
                  field(start, 42, 4)};
      require(entry, name <= max_entry_name, "its name has ", name, " bytes: at most ", max_entry_name, " are allowed");
      uint64_t disk = field(start, 34, 2);
      read_wide_fields(entry, disk, bytes_.substr(at + directory_size + name, extra));
      check_entry(entry, disk);
      entries.push_back(std::move(entry));
      at += directory_size + name + extra + comment;
    }
    if (entries.size() != count_) damaged("its directory has ", entries.size(), " entries, its end states ", count_);
    return entries;
  }

  /// Zip64: 64-bit values for the fields that are all ones, in this order.
  void read_wide_fields(Entry& entry, uint64_t& disk, std::string_view extra) const {
    while (!extra.empty()) {
      require(entry, extra.size() >= 4 && field(extra, 2, 2) <= extra.size() - 4, "its extra fields are cut short");
      const uint64_t kind = field(extra, 0, 2), size = field(extra, 2, 2);
      std::string_view values = extra.substr(4, size);
      extra.remove_prefix(4 + size);
      if (kind != 1) continue;
      for (uint64_t* value : {&entry.size, &entry.packed, &entry.start}) {
        if (*value != in_wide_field) continue;
        require(entry, values.size() >= 8, "its zip64 field is cut short");
        *value = field(values, 0, 8);
        values.remove_prefix(8);
      }
      if (disk == 0xffff && values.size() >= 4) disk = field(values, 0, 4);
    }
  }

  /// What can be seen before any of its bytes is read.
  void check_entry(const Entry& entry, uint64_t disk) const {
    require(entry, (entry.flags & 0x2041) == 0, "is encrypted: save it without a password");
    require(entry, disk == 0, "is in another part of the archive: only whole archives are read");
    require(entry, entry.method == 0 || entry.method == 8, "is compressed by method ", entry.method,
            ": only stored and deflated entries are read: save it with numpy.savez_compressed");
    require(entry, entry.name.ends_with(npy_end), "is not a .npy file");
    std::string_view rest = entry.name;
    while (!rest.empty()) {
      const std::optional<char32_t> c = take_code_point(rest);
      require(entry, c && *c >= 0x20 && *c != 0x7f, "its name is not UTF-8 text, or holds a control character");
    }
    const bool possible = entry.method == 0 ? entry.size == entry.packed : entry.size / max_inflation <= entry.packed;
    require(entry, possible, "states ", entry.size, " bytes in ", entry.packed, ": these cannot hold as many");
  }

  /// Its bytes in the file, after a local header that says the same as the directory.
  std::string_view data_of(const Entry& entry) const {
    const std::string_view local = record(entry.start, local_size, local_mark, "entry");
    const uint64_t name = field(local, 26, 2), extra = field(local, 28, 2);
    const uint64_t start = entry.start + local_size + name + extra;
    require(entry, start <= directory_ && entry.packed <= directory_ - start, "its ", entry.packed,
            " bytes do not end before the directory: the file is cut short or damaged");
    Entry again{std::string(bytes_.substr(entry.start + local_size, name)),
                field(local, 6, 2),
                field(local, 8, 2),
                field(local, 14, 4),
                field(local, 18, 4),
                field(local, 22, 4),
                0};
    uint64_t disk = 0;
    read_wide_fields(again, disk, bytes_.substr(entry.start + local_size + name, extra));
    // With flag 8, checksum and sizes follow the data instead, because they were not known before.
    const bool later = (again.flags & 8) != 0;
    const bool agrees =
        again.name == entry.name && again.method == entry.method && again.flags == entry.flags &&
        (later || (again.checksum == entry.checksum && again.size == entry.size && again.packed == entry.packed));
    require(entry, agrees, "its header is not what the directory says: the file is damaged");
    return bytes_.substr(start, entry.packed);
  }

  /// The .npy file in it: where it is, or in `room`.
  std::string_view content_of(const Entry& entry, std::string_view packed, std::string& room) const {
    if (entry.method == 8)
      room = inflate(packed, entry.size, cat("npz: ", quote(source_), ": entry ", quote(entry.name)));
    const std::string_view content = entry.method == 8 ? room : packed;
    require(entry, content.size() == entry.size && (entry.method == 0 || packed.empty()),
            "its compressed data have another length: the file is damaged");
    require(entry, crc32(content) == entry.checksum, "its checksum is another: the file is damaged");
    return content;
  }

  std::string_view bytes_, source_;
  uint64_t directory_ = 0, directory_bytes_ = 0, count_ = 0;
};

void put(std::string& to, uint64_t value, size_t width) { to.append(reinterpret_cast<const char*>(&value), width); }

/// The parts of a file, in order; the arrays keep the elements alive.
struct ZipWriter {
  std::vector<Array> arrays;
  std::vector<std::string> headers;  // before each array; the last one is the directory

  explicit ZipWriter(const std::map<std::string, Array>& named) {
    std::string directory;
    uint64_t at = 0;
    for (const auto& [key, x] : named) {
      check<FormatError>(x.defined(), "save_npz: array ", quote(key), ": has no storage: leave it out");
      check<FormatError>(key.size() <= max_entry_name - npy_end.size(), "save_npz: array ", quote(key), ": a name of ",
                         key.size(), " bytes: at most ", max_entry_name - npy_end.size(), " are allowed");
      arrays.push_back(contiguous(x));
      const std::string npy = npy_header(x);
      const std::string_view elements = bytes_of(arrays.back());
      headers.push_back(
          entry(key + std::string(npy_end), crc32(elements, crc32(npy)), npy.size() + elements.size(), at, directory) +
          npy);
      at += headers.back().size() + elements.size();
    }
    end(directory, at, named.size());
    headers.push_back(std::move(directory));
  }

  std::vector<std::string_view> parts() const {
    std::vector<std::string_view> parts;
    for (size_t i = 0; i < headers.size(); ++i) {
      parts.push_back(headers[i]);
      if (i < arrays.size()) parts.push_back(bytes_of(arrays[i]));
    }
    return parts;
  }

 private:
  static constexpr uint64_t limit = 0x7fffffff;  // Python's zipfile takes larger values for too large for 32 bits

  /// The local header; the directory's goes to the end of `directory`.
  static std::string entry(const std::string& name, uint32_t checksum, uint64_t size, uint64_t at,
                           std::string& directory) {
    const bool ascii =
        std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
    std::string common;  // version, flags (UTF-8), stored, 1 January 1980, checksum
    put(common, 45, 2), put(common, ascii ? 0 : 0x800, 2), put(common, 0, 2), put(common, 0x210000, 4);
    put(common, checksum, 4);

    std::string local = std::string(local_mark) + common;
    put(local, in_wide_field, 4), put(local, in_wide_field, 4), put(local, name.size(), 2), put(local, 20, 2);
    local += name;
    put(local, 1, 2), put(local, 16, 2), put(local, size, 8), put(local, size, 8);

    std::string wide;
    if (size > limit) put(wide, size, 8), put(wide, size, 8);
    if (at > limit) put(wide, at, 8);
    directory += directory_mark;
    put(directory, 0x032d, 2);  // made by version 4.5 on Unix
    directory += common;
    put(directory, size > limit ? in_wide_field : size, 4), put(directory, size > limit ? in_wide_field : size, 4);
    put(directory, name.size(), 2), put(directory, wide.empty() ? 0 : wide.size() + 4, 2);
    put(directory, 0, 6);            // no comment, the first disk, no internal attributes
    put(directory, 0600u << 16, 4);  // rw-------
    put(directory, at > limit ? in_wide_field : at, 4);
    directory += name;
    if (!wide.empty()) put(directory, 1, 2), put(directory, wide.size(), 2), directory += wide;
    return local;
  }

  static void end(std::string& directory, uint64_t at, uint64_t count) {
    const uint64_t size = directory.size();
    if (count > 0xffff || at > limit || size > limit) {
      const uint64_t wide_at = at + size;
      directory += wide_end_mark;
      put(directory, wide_end_size - 12, 8), put(directory, 45, 2), put(directory, 45, 2), put(directory, 0, 8);
      put(directory, count, 8), put(directory, count, 8), put(directory, size, 8), put(directory, at, 8);
      directory += wide_locator_mark;
      put(directory, 0, 4), put(directory, wide_at, 8), put(directory, 1, 4);
    }
    directory += end_mark;
    put(directory, 0, 4);
    put(directory, std::min<uint64_t>(count, 0xffff), 2), put(directory, std::min<uint64_t>(count, 0xffff), 2);
    put(directory, std::min(size, in_wide_field), 4), put(directory, std::min(at, in_wide_field), 4);
    put(directory, 0, 2);
  }
};

}  // namespace

std::map<std::string, Array> parse_npz(std::string_view bytes, std::string_view source) {
  return ZipReader(bytes, source).arrays();
}

std::map<std::string, Array> load_npz(const std::string& path) {
  {
    const MappedFile file(path);  // the directory stands at the end: it is judged before the rest is read
    ZipReader(file.bytes(), path).directory();
  }
  return parse_npz(read_file(path), path);
}

void save_npz(const std::string& path, const std::map<std::string, Array>& arrays) {
  const ZipWriter file(arrays);
  write_file_atomic(path, file.parts());
}

std::string to_npz(const std::map<std::string, Array>& arrays) {
  std::string bytes;
  const ZipWriter file(arrays);
  for (const std::string_view part : file.parts()) bytes += part;
  return bytes;
}

}  // namespace heed::core
