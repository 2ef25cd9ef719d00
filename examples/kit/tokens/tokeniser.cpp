#include <heed/examples/kit/tokens/tokeniser.h>

#include <utility>
#include <vector>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/core/files/safetensors.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/char_tokeniser.h>
#include <heed/examples/kit/tokens/json_fields.h>
#include <heed/examples/kit/tokens/llama_tokeniser.h>
#include <heed/examples/kit/tokens/word_piece.h>
#include <heed/examples/kit/tokens/word_tokeniser.h>

namespace heed::kit {
namespace {

namespace fs = std::filesystem;

template <class T> std::unique_ptr<Tokeniser> owned(T tokeniser) { return std::make_unique<T>(std::move(tokeniser)); }

std::unique_ptr<Tokeniser> from_model(const Json& json) {
  const std::string model = type_of(member(&json, "model"));
  if (model == "BPE") {
    const Json* fallback = member(&json.at("model"), "byte_fallback");
    if (fallback != nullptr && fallback->as_bool()) return owned(LlamaTokeniser::from_json(json));
    return owned(BytePairTokeniser::from_json(json));
  }
  if (model == "WordPiece") return owned(WordPieceTokeniser::from_json(json));
  const std::string type = type_of(&json);
  if (type == "characters") {
    const std::string& symbols = json.at("symbols").as_string();
    CharTokeniser tokeniser(symbols);
    check<FormatError>(static_cast<int64_t>(tokeniser.encode(symbols).size()) == tokeniser.size(),
                       "\"symbols\" has a character twice: ids after it would be those of others: the file is damaged");
    return owned(std::move(tokeniser));
  }
  if (type == "words") return owned(WordTokeniser::from_json(json));
  if (type == "llama2.c") return owned(LlamaTokeniser::from_scores(json));
  fail<FormatError>("model.type ", quote(model), ": heed reads tokenizer.json with \"BPE\" and \"WordPiece\" only");
}

/// Files that hold a vocabulary, and those beside them that hold its merges. The first that is there is read.
struct Gpt2Files {
  const char *merges, *vocabulary;
};
constexpr Gpt2Files gpt2_files[] = {
    {"vocab.bpe", "encoder.json"}, {"merges.txt", "vocab.json"}, {"gpt2-vocab.bpe", "gpt2-encoder.json"}};

/// No published vocabulary has so many bytes; a file of any other kind may.
std::string read_tokens(const fs::path& file) { return core::read_file(file.string(), 100'000'000); }

std::unique_ptr<Tokeniser> load_gpt2(const fs::path& merges, const fs::path& vocabulary) {
  for (const auto& [needed, given] : {std::pair(vocabulary, merges), std::pair(merges, vocabulary)})
    check<IoError>(fs::exists(needed) || !fs::exists(given), quote(given.string()), ": needs ",
                   needed.filename().string(), " beside it: GPT-2's tokens are in two files");
  const std::string text = read_tokens(merges);
  return owned(BytePairTokeniser::from_gpt2(read_tokens(vocabulary), vocabulary.string(), text, merges.string()));
}

}  // namespace

Tokeniser::~Tokeniser() = default;

const std::vector<std::string>& tokeniser_names() {
  static const std::vector<std::string> names = {"tokenizer.json", "vocab.bpe",     "merges.txt",
                                                 "gpt2-vocab.bpe", "tokenizer.bin", "vocab.txt"};
  return names;
}

fs::path tokeniser_in(const fs::path& folder, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (fs::exists(folder / name)) return folder / name;
  return {};
}

void check_token(int64_t id, int64_t size) {
  check<IndexError>(id >= 0 && id < size, "tokeniser: id ", id, ": is not in 0 … ", size - 1,
                    ": was it made with another tokeniser?");
}

std::unique_ptr<Tokeniser> parse_tokeniser(std::string_view text, std::string_view source) {
  const Json json = parse_json(text, source);
  return name_source(source, [&] { return from_model(json); });
}

std::unique_ptr<Tokeniser> load_tokeniser(const fs::path& path) {
  if (fs::is_directory(path)) {
    const fs::path file = tokeniser_in(path);
    check<IoError>(!file.empty(), readable(path.string()), ": a folder without a tokeniser: none of ",
                   joined(tokeniser_names()), ": name the file");
    return load_tokeniser(file);
  }
  const std::string name = path.filename().string(), extension = path.extension().string();
  for (const auto& [merges, vocabulary] : gpt2_files)
    if (name == merges || name == vocabulary)
      return load_gpt2(path.parent_path() / merges, path.parent_path() / vocabulary);
  if (extension == ".bpe")
    for (const auto& [merges, vocabulary] : gpt2_files)
      if (const fs::path beside = path.parent_path() / vocabulary; fs::exists(beside)) return load_gpt2(path, beside);
  if (extension == ".bin") return owned(LlamaTokeniser::from_llama2c(read_tokens(path), path.string()));
  if (name == "vocab.txt" || name.ends_with("-vocab.txt"))
    return owned(WordPieceTokeniser::from_vocab(read_tokens(path), path.string()));
  if (extension == ".json") return parse_tokeniser(read_tokens(path), path.string());
  if (extension == ".safetensors") {
    const core::SafeTensors model = core::open_safetensors(path.string());
    const auto inside = model.metadata().find("tokeniser");
    check<FormatError>(inside != model.metadata().end(), quote(path.string()),
                       ": has no tokens: name the model's tokenizer.json");
    return parse_tokeniser(inside->second, path.string());
  }
  check<IoError>(fs::exists(path), quote(path.string()), ": there is no such file: check the path of the tokeniser");
  fail<IoError>(readable(path.string()),
                ": is not the name of a tokeniser: expected tokenizer.json, char_gpt's model.safetensors, *.bin "
                "(llama2.c), vocab.bpe or merges.txt "
                "with its vocabulary beside it, or vocab.txt");
}

}  // namespace heed::kit
