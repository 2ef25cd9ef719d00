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

double without_all(kit::SequenceModel& model, const std::vector<kit::Example>& test, const std::vector<Head>& heads) {
  std::vector<Patch> off;
  for (const Head& head : heads) off.push_back(nn::ablate_head(model, head.path(), head.index));
  return kit::evaluate(model, test).accuracy;
}

/// 4. The accuracy if q, k or v of the induction heads (`point`) come from a run without the previous-token head.
double composed(kit::SequenceModel& model, const std::vector<kit::Example>& test, const Head& first,
                const std::vector<Head>& second, const std::string& point) {
  const std::string path = second[0].path() + ":" + point;
  const nn::Captured without = [&] {
    const Patch off = nn::ablate_head(model, first.path(), first.index);
    return nn::capture(model, kit::collate(test), {path});
  }();
  std::vector<int64_t> indices;
  for (const Head& head : second) indices.push_back(head.index);
  const Patch put = nn::patch_from(model, without, path, {.heads = indices});
  const kit::SequenceBatch batch = kit::collate(test);
  const Tensor right = eq(argmax(model(batch), -1), batch.target), counts = ne(batch.target, kit::ignored);
  return sum(right.to(Dtype::f64)).item() / sum(counts.to(Dtype::f64)).item();
}

/// Returns how many steps were taken.
int64_t train(kit::Learner& learner, const kit::TaskData& data, const kit::Recipe& recipe, bool quiet) {
  kit::Progress progress("training", recipe.steps, {.quiet = quiet});
  int64_t step = 0;
  for (; step < recipe.steps && !kit::interrupted(); ++step)
    progress.update(step + 1, "loss", learner.learn(kit::collate(data.batch(step, recipe.batch))));
  return step;
}

using Measure = decltype(&Findings::induction);
kit::HeatMap by_head(const std::string& title, const std::vector<Findings>& all, Measure value) {
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
                 {"induction_heads", "those of layer 1 that look at the answer, the strongest first"},
                 {"previous", "mean weight on the previous token, by head"},
                 {"induction", "mean weight on the answer, by head"},
                 {"without", "accuracy without the head, by head"},
                 {"without_induction", "accuracy without all induction heads"},
                 {"from_keys", "accuracy if their keys come from a run without the previous-token head"},
                 {"from_queries", "the same of their queries"},
                 {"from_values", "the same of their values"},
                 {"proved", "whether accuracy falls by half without the first, without the others, and by the keys"}});
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
  kit::Learner learner("transformer", problem.models[0].second(), s.recipe);
  kit::SequenceModel& model = *learner.model;
  const int64_t taken = weights.empty() ? train(learner, problem.data, s.recipe, common.quiet) : 0;
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
  const Head first =
      std::max_element(of_layer(0), of_layer(1), [](auto& a, auto& b) { return a.previous < b.previous; })->head;
  double best = 0;
  for (auto f = of_layer(1); f != of_layer(2); ++f) best = std::max(best, f->induction);
  std::vector<Head> second;  // all of layer 1 that look at the answer, the strongest first
  for (auto f = of_layer(1); f != of_layer(2); ++f)
    if (f->induction >= 0.5 * best) second.insert(f->induction == best ? second.begin() : second.end(), f->head);
  std::string names = second[0].name();
  for (size_t i = 1; i < second.size(); ++i) names += " and " + second[i].name();
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
  const double without_first = without_all(model, test, {first}), without_second = without_all(model, test, second);
  std::cout << "\n   Previous-token head: " << first.name() << ". Without it " << percent(without_first)
            << " are right.\n"
            << "   Induction: " << names << ". Without " << percent(without_second) << " are right.\n\n"
            << "4. What does the induction read of " << first.name() << "? Accuracy if one input of " << names
            << "\n   comes from a run without that head:\n\n";
  std::vector<double> from;
  for (const auto& [point, what] : {std::pair("k", "keys"), std::pair("q", "queries"), std::pair("v", "values")}) {
    from.push_back(composed(model, test, first, second, point));
    std::cout << "  " << kit::fit(what, 8) << kit::right(percent(from.back()), 10) << '\n';
  }
  const bool proved = std::max({without_first, without_second, from[0]}) <= 0.5 * accuracy;
  std::cout << (proved ? "\n   Half of the answers or more are lost without the first, without the others, and with\n"
                         "   keys that do not know the previous token: one circuit, joined by the keys.\n\n"
                       : "\n   Nothing here is indispensable, or the model is not trained: see the tables.\n\n");
  kit::save_svg(scores, {.title = "Where each head looks, and which fraction is right without it",
                         .panels = {by_head("weight on the previous token", all, &Findings::previous),
                                    by_head("weight on the answer", all, &Findings::induction),
                                    by_head("accuracy without the head", all, &Findings::without)},
                         .columns = 3,
                         .panel_width = 260});
  kit::save_svg(patterns,
                {.title = "Weights: look for a line one step below the diagonal, and one almost a period below it",
                 .panels = {kit::pattern_map(model, test[0], first, "head " + first.name() + ": one step back?"),
                            kit::pattern_map(model, test[0], second[0],
                                             "head " + second[0].name() + ": at what followed last time?")},
                 .columns = 2});
  folder.print();
  if (kit::interrupted() && !kit::reader_is_gone())
    std::cerr << "\nstopped after step " << taken << " of " << common.steps
              << ": the results are those of a model that is not trained to the end" << std::endl;
  cli.print_json({{"accuracy", accuracy},
                  {"previous_head", first.name()},
                  {"induction_heads", names},
                  {"previous", previous},
                  {"induction", induction},
                  {"without", without},
                  {"without_induction", without_second},
                  {"from_keys", from[0]},
                  {"from_queries", from[1]},
                  {"from_values", from[2]},
                  {"proved", proved}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
