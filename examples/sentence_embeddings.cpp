// Sentences as vectors: a small BERT turns each sentence into one, and sentences that mean the same point the same way.
//
//     sentence_embeddings --model all-MiniLM-L6-v2 --first "A cat sat down." --second "The kitten took a seat."
//     sentence_embeddings --model all-MiniLM-L6-v2 --file notes.txt --query "when is the exam"
//
// The model is nn/models/bert.h; --model is a folder as Hugging Face's hub has them, with model.safetensors, config.json
// and vocab.txt or tokenizer.json. The similarity of two sentences is the cosine of the angle between their vectors: 1
// for the same sentence, about 0 for sentences that have nothing to do with each other.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <numeric>

#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/core/files/npy.h>
#include <heed/core/text.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/data/tables.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/models/model_files.h>
#include <heed/examples/kit/models/model_size.h>
#include <heed/examples/kit/progress.h>
#include <heed/nn/models/bert.h>
#include <heed/nn/models/config.h>

using namespace heed;
namespace fs = std::filesystem;

namespace {

struct Settings {
  kit::Common common{.steps_help = {}};
  fs::path model, tokenizer, file, embeddings;
  std::string first, second, query;
  int64_t top = 5, max_length = 256, batch = 32;
};

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

struct Embedder {
  nn::Bert model;
  kit::FoundTokeniser tokeniser;
  int64_t max_length, batch;

  // [CLS] sentence [SEP]
  kit::Ids ids(const std::string& sentence) const {
    kit::Ids ids = tokeniser->encode(sentence);
    ids.resize(std::min(ids.size(), static_cast<size_t>(max_length - 2)));
    ids.insert(ids.begin(), *tokeniser->bos());
    ids.push_back(*tokeniser->eos());
    return ids;
  }

  // (sentences, width). Sentences of similar length are read together, so that few positions are padding.
  Tensor operator()(const std::vector<std::string>& sentences, bool quiet = true) const {
    const NoGrad no_history;
    std::vector<kit::Ids> all;
    for (const std::string& sentence : sentences) all.push_back(ids(sentence));
    std::vector<int64_t> order(all.size());
    std::iota(order.begin(), order.end(), int64_t{0});
    const auto length = [&](int64_t i) { return static_cast<int64_t>(all[static_cast<size_t>(i)].size()); };
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return length(a) < length(b); });

    Tensor result = zeros({static_cast<int64_t>(all.size()), model.options.width});
    kit::Progress progress("reading", static_cast<int64_t>(all.size()), {.quiet = quiet});
    for (size_t at = 0; at < order.size() && !kit::interrupted(); at += static_cast<size_t>(batch)) {
      const size_t end = std::min(order.size(), at + static_cast<size_t>(batch));
      const std::vector<int64_t> rows(order.begin() + static_cast<int64_t>(at),
                                      order.begin() + static_cast<int64_t>(end));
      const int64_t n = length(rows.back());
      kit::Ids tokens;
      std::vector<double> real;
      for (const int64_t row : rows) {
        const kit::Ids& some = all[static_cast<size_t>(row)];
        for (int64_t i = 0; i < n; ++i) {
          tokens.push_back(i < length(row) ? some[static_cast<size_t>(i)] : 0);
          real.push_back(i < length(row) ? 1.0 : 0.0);
        }
      }
      const auto B = static_cast<int64_t>(rows.size());
      const Tensor mask = tensor(real, {B, n}, Dtype::boolean);
      const Tensor vectors = nn::sentence_embedding(model(tensor_i64(tokens, {B, n}), {.key_mask = mask}), mask);
      for (int64_t i = 0; i < B; ++i) result[rows[static_cast<size_t>(i)]].copy_(vectors[i]);
      progress.update(static_cast<int64_t>(end));
    }
    return result;
  }
};

// Models of this layout say beside their weights how a sentence becomes one vector.
void check_pooling(const fs::path& file) {
  if (!fs::exists(file)) return;
  const kit::Json pooling = kit::parse_json(core::read_file(file.string()), file.string());
  const kit::Json* cls = pooling.find("pooling_mode_cls_token");
  const kit::Json* mean = pooling.find("pooling_mode_mean_tokens");
  check<FormatError>((!cls || !cls->as_bool()) && (!mean || mean->as_bool()), quote(file.string()),
                     ": the model does not take the mean of all tokens: this program has no other pooling");
}

Embedder load(const Settings& s) {
  const kit::ModelFiles files(s.model);
  check_pooling(files.folder / "1_Pooling" / "config.json");
  const core::SafeTensors tensors = files.open();
  const std::string config = files.config(tensors);
  check<kit::UsageError>(!config.empty(), "--model: ", quote(s.model.string()),
                         ": has no configuration: put the model's config.json beside its weights");
  const nn::BertOptions sizes = nn::bert_config(config, files.config_source(tensors));
  kit::check_size(sizes, kit::elements_of(tensors), files.config_source(tensors));
  Embedder embedder{nn::Bert(sizes), files.tokeniser(tensors, s.tokenizer), s.max_length, s.batch};
  check<kit::UsageError>(embedder.tokeniser->bos() && embedder.tokeniser->eos(),
                         "--tokenizer: ", quote(embedder.tokeniser.source),
                         ": has no [CLS] and [SEP]: give the tokens of a BERT");
  kit::check_tokens_fit(*embedder.tokeniser, sizes.vocab, embedder.tokeniser.source);
  embedder.max_length = std::min(s.max_length, embedder.model.options.positions);
  kit::load_weights(embedder.model, tensors, files.weights.string(), nn::bert_names());
  embedder.model.eval();
  return embedder;
}

bool parse(kit::Cli& cli, Settings& s, int argc, char** argv) {
  cli.group(
      "Model",
      {{"model", &s.model, "a folder of Hugging Face's layout: model.safetensors, config.json, vocab.txt"},
       {"tokenizer", &s.tokenizer, "its tokens", {.value = "FILE", .shown_default = "the files beside the model"}},
       {"max-length", &s.max_length, "tokens read of a sentence; the rest is cut off", {.min = 3, .max = 1e6}},
       {"batch", &s.batch, "sentences read at once", {.min = 1, .max = 1e5}}});
  cli.group("Two sentences", {{"first", &s.first, "a sentence"}, {"second", &s.second, "one to compare it with"}});
  cli.group("A file of sentences, one per line",
            {{"file", &s.file, "the file"},
             {"query", &s.query, "find the lines nearest to this in meaning"},
             {"top", &s.top, "how many of them", {.min = 1}},
             {"embeddings", &s.embeddings, "save the vectors, (lines, width), as .npy", {.value = "FILE"}}});
  cli.common(s.common);
  cli.example("sentence_embeddings --model all-MiniLM-L6-v2 --file notes.txt --query \"when is the exam\"",
              "search by meaning");
  cli.json_keys({{"similarity", "of --first and --second, -1 … 1; null without them"},
                 {"matches", "for --query: line (from 1), similarity and text, best first"},
                 {"sentences", "how many were read"},
                 {"sentences_per_s", "reading speed"},
                 {"width", "elements of a vector"}});
  if (!cli.parse(argc, argv)) return false;
  check<kit::UsageError>(!s.model.empty(), "--model: is missing: give a folder of Hugging Face's layout");
  for (const auto& [option, text] : {std::pair("first", &s.first), {"second", &s.second}, {"query", &s.query}})
    check<kit::UsageError>(!cli.given(option) || !is_blank(*text), "--", option, ": ", quote(*text),
                           ": has no words: give a sentence");
  check<kit::UsageError>(s.first.empty() == s.second.empty(), "--first and --second: give both, or none");
  check<kit::UsageError>(!s.first.empty() || !s.file.empty() || !s.query.empty() || !s.embeddings.empty(),
                         "nothing to read: give --first and --second, or --file with --query or --embeddings");
  check<kit::UsageError>(s.file.empty() || !s.query.empty() || !s.embeddings.empty(),
                         "--file: is for --query or --embeddings: give one of them as well");
  cli.refuse_unused({{s.file.empty(), {"query", "embeddings"}, "for the lines of a file: give it with --file"},
                     {s.query.empty(), {"top"}, "for a search: say with --query what is searched for"}});
  return true;
}

int run(int argc, char** argv) {
  Settings s;
  kit::Cli cli("sentence_embeddings", "Compares sentences by meaning, with a trained BERT.");
  if (!parse(cli, s, argc, argv)) return 0;
  kit::watch_interrupts();
  const std::vector<std::string> lines = s.file.empty() ? std::vector<std::string>() : kit::read_lines(s.file);
  check<kit::UsageError>(s.file.empty() || !std::all_of(lines.begin(), lines.end(), is_blank),
                         "--file: ", quote(s.file.string()), ": has no sentence: give a file with one per line");
  const Embedder embed = load(s);

  kit::Json similarity;
  if (!s.first.empty()) {
    const Tensor pair = embed({s.first, s.second});
    const double cosine = sum(pair[0] * pair[1]).item();
    std::cout << kit::fixed(cosine, 4) << "  " << quote(s.first) << " and " << quote(s.second) << '\n';
    similarity = cosine;
  }

  kit::Json::List matches;
  double seconds = 0;
  if (!s.file.empty()) {
    const auto begin = std::chrono::steady_clock::now();
    const Tensor vectors = embed(lines, s.common.quiet);
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (kit::interrupted()) return kit::interrupt_exit_code();
    if (!s.embeddings.empty()) {
      core::save_npy(s.embeddings.string(), vectors.array());
      std::cerr << "made " << readable(s.embeddings.string()) << ' ' << vectors.shape() << '\n';
    }
    if (!s.query.empty()) {
      const Tensor scores = matmul(vectors, embed({s.query})[0]);
      const std::vector<double> values = scores.to_vector();
      std::vector<size_t> order(values.size());
      std::iota(order.begin(), order.end(), size_t{0});
      std::erase_if(order, [&](size_t i) { return is_blank(lines[i]); });
      std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] > values[b]; });
      order.resize(std::min(order.size(), static_cast<size_t>(s.top)));
      for (const size_t i : order) {
        std::cout << kit::fixed(values[i], 4) << "  line " << i + 1 << ": " << harmless(lines[i]) << '\n';
        matches.push_back(
            kit::Json::Object{{"line", static_cast<int64_t>(i) + 1}, {"similarity", values[i]}, {"text", lines[i]}});
      }
    }
  }
  cli.print_json(
      {{"similarity", similarity},
       {"matches", std::move(matches)},
       {"sentences", static_cast<int64_t>(lines.size()) + (s.first.empty() ? 0 : 2)},
       {"sentences_per_s", seconds > 0 ? kit::Json(static_cast<double>(lines.size()) / seconds) : kit::Json()},
       {"width", embed.model.options.width}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
