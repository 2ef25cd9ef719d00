// Tokeniser: text <-> ids 0 … size-1. Each scheme is a class in a header of its own; this is what programs see.
//
//     const auto tokeniser = load_tokeniser("gpt2/tokenizer.json");
//     const Ids ids = tokeniser->encode("Hello world!");       // 15496 995 0
//     std::cout << tokeniser->decode(ids);
//
// Files are not trusted: whatever is wrong with one is a FormatError that names it. Thread-safe: nothing changes after
// the constructor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <heed/examples/kit/data/vocabulary.h>

namespace heed::kit {

class Tokeniser {
 public:
  virtual ~Tokeniser();

  /// The ids of a text. No special tokens are added, and none is read: "<|endoftext|>" in a text is only text, so that
  /// the writer of a prompt cannot forge the end of it.
  virtual Ids encode(std::string_view text) const = 0;

  /// The bytes that the ids stand for; they need not be UTF-8. Special tokens stand for nothing, unknown words for "<unk>".
  /// decode(encode(text)) == text unless the scheme's header says what it drops. Throws IndexError for unknown ids.
  virtual std::string decode(const Ids& ids) const = 0;

  /// The bytes that this id adds to a text that it does not begin; "" for special tokens. Throws IndexError.
  virtual std::string piece(int64_t id) const = 0;

  /// The piece to be shown to people; special tokens have their names: "<|endoftext|>". Throws IndexError.
  virtual std::string name(int64_t id) const { return piece(id); }

  virtual int64_t size() const = 0;

  /// The tokens that begin and end a text, if the scheme has them.
  virtual std::optional<int64_t> bos() const { return std::nullopt; }
  virtual std::optional<int64_t> eos() const { return std::nullopt; }

  /// All of it as JSON, to be stored in a model's metadata: parse_tokeniser reads it. Where Hugging Face's
  /// tokenizer.json can express the scheme, it is one.
  virtual std::string to_text() const = 0;
};

/// What to_text() wrote, or a tokenizer.json of a scheme that is here. `source` is named in messages.
std::unique_ptr<Tokeniser> parse_tokeniser(std::string_view text, std::string_view source);

/// From a file, chosen by its name:
///     *.json        Hugging Face's tokenizer.json, or what to_text() wrote
///     *.bin         llama2.c
///     *.bpe, merges.txt       GPT-2's merges; its vocabulary stands beside it (encoder.json, vocab.json, …)
///     vocab.txt, *-vocab.txt  WordPiece, as BERT's (uncased)
/// or from a folder that holds one of these.
std::unique_ptr<Tokeniser> load_tokeniser(const std::filesystem::path& path);

/// Names of files that hold a tokeniser, in the order in which a folder is searched for them.
const std::vector<std::string>& tokeniser_names();

/// The first of these that is in the folder; empty if there is none.
std::filesystem::path tokeniser_in(const std::filesystem::path& folder,
                                   const std::vector<std::string>& names = tokeniser_names());

/// Throws IndexError unless 0 <= id < size.
void check_token(int64_t id, int64_t size);

}  // namespace heed::kit
