// Induction heads: find the two heads that continue a pattern, and prove it by switching them off.
//
// The task: random tokens that start to repeat, … a b c d … a b c ?. To answer, look for the token before which the
// present one stood last time. One layer of attention cannot do that, two can (Elhage et al. 2021, "A Mathematical
// Framework for Transformer Circuits"; Olsson et al. 2022, "In-context Learning and Induction Heads"):
//
//     layer 0, previous-token head     at each position, writes which token came just before
//     layer 1, induction head          looks for the position whose previous token is the present one: the answer
//
// 1. Train.     Two layers of attention, nothing else.
// 2. Look.      Where does each head attend? To the previous token, or to what followed the present one last time?
// 3. Ablate.    Without a head, how many answers are right?
// 4. Compose.   The two heads are one circuit if the keys of the second carry what the first has written: take only its
//               keys (then its queries, its values) from a run without the first head.
#include <algorithm>
#include <iostream>

#include <heed/autograd/ops.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/progress.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/tasks/heads.h>
#include <heed/examples/kit/tasks/sequence_measures.h>
#include <heed/examples/kit/tasks/task_list.h>
#include <heed/nn/checkpoint.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/patch.h>

using namespace heed;
using kit::Head, nn::Ablation, nn::Patch;

namespace {

/// What a head does, and what the model is without it.
struct Findings {
  Head head;
  double previous, induction;    // mean weight on the previous token, on what followed the present one last time
  double without, without_mean;  // accuracy if it writes 0, if it writes its mean
};

std::string percent(double part) { return kit::fixed(100 * part, 1) + " %"; }

Findings examine(kit::SequenceModel& model, const std::vector<kit::Example>& test, const Head& head) {
  const auto without = [&](Ablation how) {
    const Patch off = nn::ablate_head(model, head.path(), head.index, how);
    return kit::evaluate(model, test).accuracy;
  };
  const Tensor weights = kit::weights_of(model, test, head);
  return {head, kit::mean_weight(weights, head, test, kit::one_back),
          kit::mean_weight(weights, head, test, kit::to_answer), without(Ablation::zero), without(Ablation::mean)};
}

/// 4. The model in which q, k or v of the second head ("…:k") come from a run without the first.
struct Composed {
  double accuracy, induction;
};
Composed composed(kit::SequenceModel& model, const std::vector<kit::Example>& test, const Head& first,
                  const Head& second, const std::string& point) {
  const NoGrad no_history;
  const std::string path = second.path() + ":" + point;
  const nn::Captured without = [&] {
    const Patch off = nn::ablate_head(model, first.path(), first.index);
    return nn::capture(model, kit::collate(test), {path});
  }();
  const Patch put = nn::patch_from(model, without, path, {.heads = {second.index}});
  const kit::SequenceBatch batch = kit::collate(test);
  const Tensor right = eq(argmax(model(batch), -1), batch.target), counts = ne(batch.target, kit::ignored);
  return {sum(right.to(Dtype::f64)).item() / sum(counts.to(Dtype::f64)).item(),
          kit::mean_weight(kit::weights_of(model, test, second), second, test, kit::to_answer)};
}

/// Returns how many steps were taken.
int64_t train(kit::SequenceModel& model, const kit::TaskData& data, const kit::Recipe& recipe, bool quiet) {
  kit::Progress progress("training", recipe.steps, {.quiet = quiet});
  optim::AdamW adamw(model.parameters(), {.lr = recipe.lr, .weight_decay = recipe.weight_decay});
  int64_t step = 0;
  for (; step < recipe.steps && !kit::interrupted(); ++step) {
    const kit::SequenceBatch batch = kit::collate(data.batch(step, recipe.batch));
    const Tensor loss = nn::cross_entropy(model(batch), batch.target);
    adamw.zero_grad();
    loss.backward();
    adamw.step();
    progress.update(step + 1, "loss", loss.item());
  }
  return step;
}

kit::HeatMap by_head(const std::string& title, const std::vector<Findings>& all, double Findings::* value) {
  std::vector<double> values;
  for (const Findings& f : all) values.push_back(f.*value);
  return kit::heads_map(title, all.back().head.layer + 1, values);
}

int run(int argc, char** argv) {
  kit::TaskSettings s = kit::induction_task().defaults;
  kit::Common common{.seed = 1, .steps = s.recipe.steps};
  std::filesystem::path weights;
  kit::Cli cli("induction_head",
               "Finds the heads that continue a repeated pattern, and proves it by switching them off.");
  cli.group("Model", {{"heads", &s.heads, "attention heads per layer", {.min = 1, .max = 32}},
                      {"width", &s.width, "width of the model", {.min = 1, .max = 4096}},
                      {"load", &weights, "weights of an earlier run (model.safetensors) instead of training"}});
  cli.common(common);
  cli.example("induction_head", "train, look, ablate, compose: some seconds");
  cli.example("induction_head --steps 0", "untrained: no head does anything in particular");
  cli.json_keys({{"accuracy", "fraction of repeated tokens that the model predicts"},
                 {"previous_head", "layer.head that looks most at the previous token, in layer 0"},
                 {"induction_head", "layer.head that looks most at the answer, in layer 1"},
                 {"previous", "mean weight on the previous token, by head"},
                 {"induction", "mean weight on the answer, by head"},
                 {"without", "accuracy without the head, by head"},
                 {"from_keys", "accuracy if the induction head's keys come from a run without the previous-token head"},
                 {"from_queries", "the same of its queries"},
                 {"from_values", "the same of its values"},
                 {"proved", "whether each head and the keys between them are needed: accuracy falls by half or more"}});
  if (!cli.parse(argc, argv)) return 0;
  check<kit::UsageError>(s.width % s.heads == 0, "--heads ", s.heads, ": every head gets an equal part of --width ",
                         s.width, ": give a divisor of it");
  kit::watch_interrupts();
  kit::RunFolder folder(common.out);
  const std::filesystem::path saved = folder.file("model.safetensors", "the weights, for --load"),
                              scores = folder.file("heads.svg", "what each head looks at, and the accuracy without it"),
                              patterns = folder.file("patterns.svg", "the weights of the two heads in one sequence");
  manual_seed(static_cast<uint64_t>(common.seed));
  s.common = common, s.recipe.steps = common.steps;
  const kit::Problem problem = kit::induction_task().make(s);
  const std::unique_ptr<kit::SequenceModel> made = problem.models[0].second();
  kit::SequenceModel& model = *made;
  const int64_t taken = weights.empty() ? train(model, problem.data, s.recipe, common.quiet) : 0;
  if (!weights.empty()) model.load_state_dict(nn::load(weights).state);
  nn::save(saved, model.state_dict());
  model.eval();
  const NoGrad no_history;
  const std::vector<kit::Example> test(problem.data.test.begin(),
                                       problem.data.test.begin() + std::min<int64_t>(200, s.test_size));
  const double accuracy = kit::evaluate(model, test).accuracy;

  std::vector<Findings> all;
  for (int64_t layer = 0; layer < s.layers; ++layer)
    for (int64_t head = 0; head < s.heads; ++head) all.push_back(examine(model, test, {layer, head}));
  const auto of_layer = [&](size_t i) { return all.begin() + static_cast<int64_t>(i) * s.heads; };
  const Findings first =
      *std::max_element(of_layer(0), of_layer(1), [](const auto& a, const auto& b) { return a.previous < b.previous; });
  const Findings second = *std::max_element(of_layer(1), of_layer(2),
                                            [](const auto& a, const auto& b) { return a.induction < b.induction; });
  std::cout
      << "1. Random tokens that start to repeat. The model predicts " << percent(accuracy)
      << " of the repeated ones;\n   guessing would give " << percent(1.0 / static_cast<double>(s.symbols))
      << ".\n\n2. Where each head looks (mean weight), and 3. the accuracy without it: it writes 0, or its mean.\n\n"
      << "  layer.head   previous token   answer   without   by its mean\n";
  kit::Json::Object previous, induction, without;
  for (const Findings& f : all) {
    std::cout << "  " << kit::fit(f.head.name(), 13) << kit::right(kit::fixed(f.previous, 2), 14)
              << kit::right(kit::fixed(f.induction, 2), 9) << kit::right(percent(f.without), 10)
              << kit::right(percent(f.without_mean), 14) << '\n';
    previous.emplace_back(f.head.name(), f.previous);
    induction.emplace_back(f.head.name(), f.induction);
    without.emplace_back(f.head.name(), f.without);
  }
  std::cout << "\n   Previous-token head: " << first.head.name() << ". Induction head: " << second.head.name()
            << ".\n\n4. What does " << second.head.name() << " read of " << first.head.name()
            << "? One of its inputs comes from a run without that head:\n\n"
            << "  input     accuracy   weight on the answer\n";
  kit::Json::Object from;
  double from_keys = 0;
  for (const auto& [point, what] : {std::pair("k", "keys"), std::pair("q", "queries"), std::pair("v", "values")}) {
    const Composed c = composed(model, test, first.head, second.head, point);
    if (*point == 'k') from_keys = c.accuracy;
    std::cout << "  " << kit::fit(what, 8) << kit::right(percent(c.accuracy), 10)
              << kit::right(kit::fixed(c.induction, 2), 23) << '\n';
    from.emplace_back(cat("from_", what), c.accuracy);
  }
  const bool proved = std::max({first.without, second.without, from_keys}) <= 0.5 * accuracy;
  std::cout << (proved
                    ? "\n   Without either head, or with keys that do not know the previous token, more than half of\n"
                      "   the answers are lost: the two heads are one circuit, joined by the keys.\n\n"
                    : "\n   No two heads are indispensable here: the model is not trained, or several heads share the "
                      "work.\n\n");
  kit::save_svg(scores, {.title = "Two heads do the work",
                         .panels = {by_head("weight on the previous token", all, &Findings::previous),
                                    by_head("weight on the answer", all, &Findings::induction),
                                    by_head("accuracy without the head", all, &Findings::without)},
                         .columns = 3,
                         .panel_width = 260});
  kit::save_svg(
      patterns,
      {.title = "One step back, and to what followed last time",
       .panels = {kit::pattern_map(model, test[0], first.head, "head " + first.head.name() + ": the previous token"),
                  kit::pattern_map(model, test[0], second.head,
                                   "head " + second.head.name() + ": what followed last time")},
       .columns = 2});
  folder.print();
  if (kit::interrupted() && !kit::reader_is_gone())
    std::cerr << "\nstopped after step " << taken << " of " << common.steps
              << ": the results are those of a model that is not trained to the end" << std::endl;
  cli.print_json({{"accuracy", accuracy},
                  {"previous_head", first.head.name()},
                  {"induction_head", second.head.name()},
                  {"previous", previous},
                  {"induction", induction},
                  {"without", without},
                  from[0],
                  from[1],
                  from[2],
                  {"proved", proved}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
