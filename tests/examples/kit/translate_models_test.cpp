// The four translators through their interface, their recipes, their scores and their pictures.
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/core/random.h>
#include <heed/examples/kit/translation/translation_report.h>
#include <heed/examples/kit/translation/translation_score.h>
#include <heed/examples/kit/translation/translators.h>
#include "support/errors.h"

using namespace heed;
using heed::kit::TaskKind;
using heed::kit::WordVocab;
using heed::test::message_of;

namespace {

const char* const every_model[] = {"bahdanau", "transformer", "location", "none"};

kit::TranslationTask letters_task() {
  return {"letters",
          {{{"a", "b", "c"}, {"x", "y"}}, {{"a"}, {"x"}}, {{"c", "b"}, {"z", "y", "x", "x"}}},
          {{{"b"}, {"y"}}, {{"a", "c"}, {"x", "z"}}},
          kit::join_words};
}

kit::TranslationRecipe small_recipe() { return {.width = 8, .layers = 2, .heads = 2, .feed_forward = 16}; }

bool close(const Tensor& a, const Tensor& b, double tolerance) {
  const std::vector<double> x = a.to_vector(), y = b.to_vector();
  if (x.size() != y.size()) return false;
  for (size_t i = 0; i < x.size(); ++i)
    if (!(std::abs(x[i] - y[i]) <= tolerance)) return false;
  return true;
}

// Writes the given words, in the order of the calls; all words are equally likely.
struct Parrot : kit::Translator {
  int64_t words;
  std::vector<kit::Ids> says;
  mutable size_t said = 0;
  mutable bool always_evaluated = true;

  Parrot(int64_t words_, std::vector<kit::Ids> says_) : words(words_), says(std::move(says_)) {}
  Tensor operator()(const kit::TranslationBatch& batch, double) const override {
    return zeros({batch.input.size(0), batch.input.size(1), words});
  }
  std::vector<kit::Ids> translate(const kit::TranslationBatch& batch, const kit::SearchSettings&) const override {
    always_evaluated = always_evaluated && !training;
    std::vector<kit::Ids> out;
    for (int64_t i = 0; i < batch.input.size(0); ++i) out.push_back(says.at(said++));
    return out;
  }
  kit::Alignment alignment(const kit::TranslationBatch& batch) const override {
    return {{full({batch.input.size(1), batch.source.ids.size(1)}, 0.5)}};
  }
  void visit(nn::Visitor&) override {}
};

}  // namespace

TEST_CASE("translators: logits for every word of the target, alignment for every source word") {
  const kit::TranslationTask task = letters_task();
  for (const char* model : every_model) {
    INFO(model);
    manual_seed(1);
    kit::TranslationRecipe recipe = small_recipe();
    recipe.bidirectional = std::string(model) == "bahdanau";
    const auto translator = kit::make_translator(model, recipe, task);
    const kit::TranslationBatch batch = kit::make_batch(task, task.training, {0, 1, 2});
    const Tensor logits = (*translator)(batch);
    CHECK(logits.shape() == Shape({3, 5, task.target.size()}));

    const NoGrad no_history;
    translator->eval();
    const kit::Alignment alignment = translator->alignment(kit::make_batch(task, task.training, {0}));
    const bool transformer = std::string(model) == "transformer";
    REQUIRE(alignment.size() == (std::string(model) == "none" ? 0 : transformer ? 2 : 1));
    for (const auto& layer : alignment) {
      REQUIRE(layer.size() == (transformer ? 2 : 1));
      for (const Tensor& head : layer) {
        CHECK(head.shape() == Shape({3, 4}));
        CHECK(close(sum(head, {1}), ones({3}), 1e-5));  // the longest source: no position is cut off
      }
    }
    for (const kit::SearchSettings search : {kit::SearchSettings{}, kit::SearchSettings{3, 0.6}}) {
      const auto written = translator->translate(batch, search);
      REQUIRE(written.size() == 3);
      for (const kit::Ids& ids : written) {
        CHECK(ids.size() <= static_cast<size_t>(task.target_steps) + 2);
        for (const int64_t id : ids) CHECK((id >= 0 && id < task.target.size() && id != WordVocab::eos));
      }
    }
  }
}

TEST_CASE("translators: padding changes nothing, whatever else is in the batch") {
  const kit::TranslationTask task = letters_task();
  for (const char* model : {"bahdanau", "transformer", "none"}) {  // location weights padding, too
    INFO(model);
    manual_seed(2);
    const auto translator = kit::make_translator(model, small_recipe(), task);
    const NoGrad no_history;
    translator->eval();
    const Tensor alone = (*translator)(kit::make_batch(task, task.training, {1}));
    const Tensor shared = (*translator)(kit::make_batch(task, task.training, {0, 1, 2}))[1];
    CHECK(close(alone[0], shared.slice(0, 0, 2), 1e-5));
  }
}

TEST_CASE("translators: without teacher forcing a recurrent decoder reads what it wrote") {
  const kit::TranslationTask task = letters_task();
  for (const char* model : every_model) {
    INFO(model);
    manual_seed(3);
    const auto translator = kit::make_translator(model, small_recipe(), task);
    const NoGrad no_history;
    translator->eval();
    const kit::TranslationBatch batch = kit::make_batch(task, task.training, {0, 2});
    kit::TranslationBatch other = batch;
    other.input = cat({batch.input.slice(1, 0, 1), full({2, 4}, 4.0).to(Dtype::i64)}, 1);
    const bool same = close((*translator)(batch, 0.0), (*translator)(other, 0.0), 0);
    CHECK(same == (std::string(model) != "transformer"));  // that one reads the input in any case
    CHECK_FALSE(close((*translator)(batch), (*translator)(other), 1e-6));
  }
}

TEST_CASE("translators: names of parameters, and initial values by Glorot and Bengio's rule") {
  const kit::TranslationTask task = letters_task();
  kit::TranslationRecipe recipe = small_recipe();
  recipe.xavier = true;
  const auto transformer = kit::make_translator("transformer", recipe, task);
  const auto bahdanau = kit::make_translator("bahdanau", recipe, task);
  CHECK(bahdanau->state_dict().find("encoder.embedding.weight") != nullptr);
  CHECK(bahdanau->state_dict().find("decoder.gru.weight_ih_l1") != nullptr);
  CHECK(bahdanau->state_dict().find("decoder.score.query_layer.weight") != nullptr);
  CHECK(transformer->state_dict().find("transformer.encoder.layers.1.self_attn.in_proj_weight") != nullptr);
  int64_t matrices = 0;
  for (const auto* model : {transformer.get(), bahdanau.get()})
    for (const auto& [name, x] : model->named_parameters()) {
      if (x.dim() != 2 || name.find("embedding") != std::string::npos) continue;
      INFO(name);
      const bool packed = name.ends_with("in_proj_weight");
      const double bound = std::sqrt(6.0 / static_cast<double>((packed ? 2 * x.size(1) : x.size(0) + x.size(1))));
      const double largest = amax(heed::abs(x)).item();
      CHECK(largest <= bound * (1 + 1e-6));
      CHECK(largest > 0.6 * bound);
      ++matrices;
    }
  CHECK(matrices > 20);
}

TEST_CASE("translators: a name that is none of the four") {
  const kit::TranslationTask task = letters_task();
  CHECK(message_of<Error>([&] { kit::make_translator("lstm", small_recipe(), task); }) ==
        "translator: \"lstm\": is not a model: give bahdanau, transformer, location or none");
  CHECK_THROWS_AS(kit::translation_recipe(TaskKind::d2l, "lstm"), Error);
}

TEST_CASE("translation recipes: the published and the measured settings") {
  for (const char* model : every_model) {
    INFO(model);
    const bool transformer = std::string(model) == "transformer";
    const auto numbers = kit::translation_recipe(TaskKind::numbers, model);
    CHECK(numbers.steps > 0);
    CHECK(numbers.decay);
    CHECK(numbers.batch == 64);
    CHECK(numbers.warmup == (transformer ? 400 : 0));
    const auto d2l = kit::translation_recipe(TaskKind::d2l, model);
    CHECK(d2l.passes == (transformer ? 200 : std::string(model) == "none" ? 300 : 250));
    CHECK(d2l.lr == 0.005);
    CHECK(d2l.width == 32);
    CHECK(d2l.layers == 2);
    CHECK(d2l.xavier);
    CHECK_FALSE(d2l.decay);
    const auto tutorial = kit::translation_recipe(TaskKind::tutorial, model);
    CHECK(tutorial.teacher_forcing == (transformer ? 1.0 : 0.5));
    CHECK(tutorial.passes == 80);
  }
}

TEST_CASE("translation score: exact matches, BLEU and nats a word") {
  const kit::TranslationTask task = letters_task();
  const kit::Ids y = task.target.encode({"y"}), wrong = task.target.encode({"x", "x"});
  Parrot parrot(task.target.size(), {y, wrong});
  const auto score = kit::score_translator(parrot, task, {});
  CHECK(score.exact_match == 0.5);
  CHECK(score.bleu == 0);  // no 4-gram is that short
  CHECK(std::abs(score.loss - std::log(static_cast<double>(task.target.size()))) < 1e-6);
  CHECK(score.written == std::vector<kit::Words>{{"y"}, {"x", "x"}});
  CHECK(parrot.always_evaluated);
  CHECK(parrot.training);

  const kit::Words long_one = {"x", "y", "z", "x"};
  const kit::TranslationTask longer("longer", {{{"a"}, long_one}}, {{{"a"}, long_one}, {{"a"}, long_one}},
                                    kit::join_words);
  Parrot right(longer.target.size(), {longer.target.encode(long_one), longer.target.encode(long_one)});
  const auto perfect = kit::score_translator(right, longer, {});
  CHECK(perfect.exact_match == 1);
  CHECK(std::abs(perfect.bleu - 1) < 1e-12);
}

TEST_CASE("translation score: a hyphen is never a mistake, since a rule adds it, but a wrong word is") {
  const auto task = kit::number_task({.train_size = 500, .test_size = 30}, {});
  std::vector<kit::Ids> says;
  for (const auto& pair : task.test) says.push_back(task.target.encode(pair.target));
  says[7].push_back(says[7].front());
  Parrot parrot(task.target.size(), says);
  CHECK(std::abs(kit::score_translator(parrot, task, {}).exact_match - 29.0 / 30) < 1e-12);
}

TEST_CASE("translation score: one sentence, its words and its alignment") {
  const kit::TranslationTask task = letters_task();
  Parrot parrot(task.target.size(), {task.target.encode({"x", "z"}), task.target.encode({"x", "z"})});
  CHECK(kit::translate_words(parrot, task, {"a", "c"}, {}) == kit::Words{"x", "z"});
  const kit::AlignedSentence aligned = kit::align_words(parrot, task, {"a", "c"}, {});
  CHECK(aligned.source == kit::Words{"a", "c", "<eos>"});
  CHECK(aligned.target == kit::Words{"x", "z", "<eos>"});
  CHECK(aligned.weights.at(0).at(0).shape() == Shape({3, 3}));
}

TEST_CASE("translation score: the book's four sentences") {
  const kit::TranslationTask task("book", {{{"go", "i", "lost"}, {"va", "!", "j'ai", "perdu", "."}}}, {},
                                  kit::join_words);
  Parrot parrot(
      task.target.size(),
      {task.target.encode({"va", "!"}), task.target.encode({"j'ai", "perdu", "."}), task.target.encode({"va"}), {}});
  const auto judged = kit::judge_by_d2l(parrot, task, {});
  REQUIRE(judged.size() == 4);
  CHECK(kit::join_words(judged[3].source) == "i'm late .");
  CHECK(judged[0].bleu == 1);
  CHECK(judged[1].bleu == 1);
  CHECK(judged[2].bleu == 0);
  CHECK(judged[3].bleu == 0);
  CHECK(judged[1].written == kit::Words{"j'ai", "perdu", "."});
}

TEST_CASE("translation report: samples, then mistakes") {
  const kit::TranslationTask task = letters_task();
  kit::TranslationScore score;
  score.written = {{"y"}, {"x", "x"}};
  const std::string right = "  > b\n  = y\n  < y\n\n", wrong = "  > a c\n  = x z\n  < x x\n\n";
  const std::string both = kit::samples_text(task, score, 5, 1);
  const std::string legend = "  > input   = correct   < model\n\n";
  CHECK(
      (both == legend + right + wrong + "  wrong:\n" + wrong || both == legend + wrong + right + "  wrong:\n" + wrong));
  CHECK(kit::samples_text(task, score, 5, 1) == both);
  CHECK(kit::samples_text(task, score, 0, 1).empty());
  score.written[1] = {"x", "z"};
  CHECK(kit::samples_text(task, score, 9, 1).find("wrong") == std::string::npos);
}

TEST_CASE("translation report: judged sentences") {
  const std::vector<kit::JudgedSentence> judged = {{{"go", "."}, {"va", "!"}, 1.0},
                                                   {{"i'm", "late", "."}, {"je"}, 0.25}};
  CHECK(kit::judged_text(judged) ==
        "  go .         => va !                     BLEU 1.000\n"
        "  i'm late .   => je                       BLEU 0.250\n\n");
  CHECK(kit::judged_right(judged) == 1);
  CHECK(kit::judged_right({}) == 0);
}

TEST_CASE("translation report: way points are means over a thousand pairs") {
  std::vector<double> losses(1000, 4.0);  // 10 pairs a step: 10,000 in all
  for (size_t i = 900; i < 1000; ++i) losses[i] = 2.0;
  CHECK(kit::way_points_text(losses, 10) ==
        "  pairs seen   published loss   this one\n"
        "        1000           3.2168     4.0000\n"
        "       10000           1.8463     2.0000\n\n");
  losses.pop_back();
  CHECK(kit::way_points_text(losses, 10).find("10000") == std::string::npos);
}

TEST_CASE("alignment: the mean of the last layer's heads as a heat map, every head for the page") {
  const Tensor zero = zeros({2, 3}), one = ones({2, 3}), ramp = arange(6).reshape({2, 3});
  const kit::AlignedSentence sentence{{"a", "b", "<eos>"}, {"x", "<eos>"}, {{zero, zero}, {ramp, one}}};
  const kit::HeatMap map = kit::alignment_map(sentence, "title");
  CHECK(map.title == "title");
  CHECK(map.rows == 2);
  CHECK(map.columns == 3);
  CHECK(map.row_labels == kit::Words{"x", "<eos>"});
  CHECK(map.column_labels == kit::Words{"a", "b", "<eos>"});
  CHECK(map.values == std::vector<double>{0.5, 1, 1.5, 2, 2.5, 3});
  const kit::AttentionSet set = kit::attention_set(sentence, "model");
  CHECK(set.name == "model");
  CHECK(set.queries == sentence.target);
  CHECK(set.keys == sentence.source);
  REQUIRE(set.layers.size() == 2);
  CHECK(set.layers[1] == std::vector<std::vector<float>>{{0, 1, 2, 3, 4, 5}, {1, 1, 1, 1, 1, 1}});

  // A Transformer has attention within each sentence, too: the decoder reads what was written so far.
  CHECK(kit::attention_sets(sentence, "model").size() == 1);
  kit::AlignedSentence more = sentence;
  more.trace = {{"transformer.encoder.layers.0.self_attn", full({1, 2, 3, 3}, 0.5)},
                {"transformer.decoder.layers.0.self_attn", full({1, 2, 2, 2}, 0.25)},
                {"transformer.decoder.layers.0.multihead_attn", full({1, 2, 2, 3}, 0.75)}};
  const auto sets = kit::attention_sets(more, "model");
  REQUIRE(sets.size() == 3);
  CHECK(sets[0].name == "model");
  CHECK(sets[0].layers == set.layers);
  CHECK(sets[1].name == "model: encoder");
  CHECK(sets[1].queries == sentence.source);
  CHECK(sets[2].name == "model: decoder");
  CHECK(sets[2].keys == kit::Words{"<sos>", "x"});
}
