#include <heed/examples/kit/tokens/llama_tokeniser.h>

#include <algorithm>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/tokens/pieces.h>

namespace heed::kit {
namespace {

/// The byte that "<0x0A>" stands for, or -1.
int byte_of_name(std::string_view name) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  if (name.size() != 6 || !name.starts_with("<0x") || name[5] != '>') return -1;
  const size_t high = hex.find(name[3]), low = hex.find(name[4]);
  return high == std::string_view::npos || low == std::string_view::npos ? -1 : static_cast<int>(16 * high + low);
}

size_t pair_index(char first, char second) {
  return static_cast<size_t>(static_cast<unsigned char>(first)) * 256 + static_cast<unsigned char>(second);
}

/// The bytes of the first character. What is not UTF-8 is grouped as llama2.c does: up to three bytes 10xxxxxx
/// follow any other, or four stand alone.
size_t character_length(std::string_view text) {
  const auto continues = [&](size_t i) {
    return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
  };
  size_t n = 1;
  while (n < 4 && continues(n)) ++n;
  return n;
}

}  // namespace

/// The bytes and controls are pieces of their own: no text becomes them, and they merge with nothing.
void LlamaTokeniser::add_pieces(const std::vector<std::string>& names, const std::vector<bool>& control) {
  bytes_.fill(-1);
  std::vector<PrefixTable::Entry> entries;
  for (size_t id = 0; id < names.size(); ++id) {
    const int byte = byte_of_name(names[id]);
    if (control[id]) {
      pieces_.push_back({names[id], Role::control, ""});
    } else if (byte >= 0) {
      pieces_.push_back({names[id], Role::byte, std::string(1, static_cast<char>(byte))});
      int32_t& of_byte = bytes_[static_cast<size_t>(byte)];
      if (of_byte < 0) of_byte = static_cast<int32_t>(id);
    } else {
      pieces_.push_back({names[id], Role::text, names[id]});
      entries.push_back({names[id], static_cast<int32_t>(id)});
    }
  }
  for (size_t b = 0; b < 256; ++b)
    check<FormatError>(bytes_[b] >= 0, "there is no piece for byte ", b, " among the ", names.size(),
                       " pieces: is this a tokeniser with byte fallback?");
  ids_ = PrefixTable(std::move(entries));
}

void LlamaTokeniser::set_merges(std::vector<Merge> merges) {
  inside_.assign(65536, false);
  for (const Merge& merge : merges) {
    const std::string& bytes = pieces_[static_cast<size_t>(merge.joined)].bytes;
    for (size_t i = 0; i + 1 < bytes.size(); ++i) inside_[pair_index(bytes[i], bytes[i + 1])] = true;
  }
  merges_ = MergeTable(std::move(merges), pieces_.size());
}

void LlamaTokeniser::append_symbols(std::string_view text, std::vector<int32_t>& symbols) const {
  while (!text.empty()) {
    const std::string_view character = text.substr(0, character_length(text));
    const int32_t id = ids_.find(character);
    if (id >= 0) symbols.push_back(id);
    else
      for (const char byte : character) symbols.push_back(bytes_[static_cast<unsigned char>(byte)]);
    text.remove_prefix(character.size());
  }
}

// Between characters whose bytes stand side by side in no piece nothing can merge: there the text is cut, and the parts
// come out as they would from the whole.
Ids LlamaTokeniser::encode(std::string_view text) const {
  Ids ids;
  if (text.empty()) return ids;
  const std::string whole = (blank_first_ ? " " : "") + std::string(text);
  const std::string_view rest = whole;
  PieceMemory memory(whole, ids);
  std::vector<int32_t> symbols;
  for (size_t begin = 0, end = 0; begin < whole.size(); begin = end) {
    do end += character_length(rest.substr(end));
    while (end < whole.size() && inside_[pair_index(whole[end - 1], whole[end])]);
    memory.append(begin, end - begin, [&](std::string_view part) {
      symbols.clear();
      append_symbols(part, symbols);
      merges_.apply(symbols);
      ids.insert(ids.end(), symbols.begin(), symbols.end());
    });
  }
  return ids;
}

const LlamaTokeniser::Piece& LlamaTokeniser::at(int64_t id) const {
  check_token(id, size());
  return pieces_[static_cast<size_t>(id)];
}

std::string LlamaTokeniser::decode(const Ids& ids) const {
  std::string text;
  bool begins = blank_first_;
  for (const int64_t id : ids) {
    const Piece& piece = at(id);
    text += begins && piece.bytes.starts_with(' ') ? std::string_view(piece.bytes).substr(1) : piece.bytes;
    begins = blank_first_ && (id == bos_ || (begins && piece.role == Role::control));
  }
  return text;
}

std::string LlamaTokeniser::piece(int64_t id) const { return at(id).bytes; }

std::string LlamaTokeniser::name(int64_t id) const {
  const Piece& piece = at(id);
  return piece.role == Role::control ? piece.name : piece.bytes;
}

}  // namespace heed::kit
