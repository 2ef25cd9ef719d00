// The program translate: small runs of every model, pairs, resuming, messages.
#include "support/catch.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <heed/core/files/file.h>

#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::test::contains;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::run_shell;
using heed::test::TempDir;

namespace {

const std::vector<std::string> models = {"none", "location", "bahdanau", "transformer"};

// A few steps of small models.
const std::string plain = "translate --train-size 200 --test-size 20 --width 16 --batch 8 --dropout 0.1 --quiet";
const std::string tiny = plain + " --teacher-forcing 0.5";

std::string out_to(const TempDir& dir) { return " --out '" + dir.path().string() + "'"; }

// What a run prints and writes, without times and paths.
std::string results_of(const TempDir& dir, const std::string& options) {
  const Ran ran = run_program(tiny + options + " --json" + out_to(dir));
  CHECK(ran.exit_code == 0);
  const kit::Json json = ran.json();
  std::string all = kit::to_json(json.at("exact_match")) + kit::to_json(json.at("bleu")) +
                    kit::to_json(json.at("loss")) + kit::to_json(json.at("parameters"));
  for (const std::string& model : models)
    for (const char* file : {".model.safetensors", ".metrics.jsonl"})
      if (std::filesystem::exists(dir / (model + file))) all += core::read_file(dir / (model + file));
  for (const char* file : {"loss.svg", "alignment.svg", "attention.html"})
    if (std::filesystem::exists(dir / file)) all += core::read_file(dir / file);
  return all;
}

const char* const pairs_text =
    "Go.\tVa !\tA\nI'm cold.\tJ'ai froid.\tB\nI'm cold.\tJe suis gelée.\tC\nI lost.\tJ'ai perdu.\tD\n"
    "He is here.\tIl est ici.\tE\nWe are late.\tNous sommes en retard.\tF\nI am ill.\tJe suis malade.\tG\n"
    "She is ill.\tElle est malade.\tH\nYou are late.\tTu es en retard.\tI\nThey are ill.\tIls sont malades.\tJ\n"
    "I'm calm.\tJe suis calme.\tK\nI'm late.\tJe suis en retard.\tL\nHe is calm.\tIl est calme.\tM\n";

}  // namespace

TEST_CASE("translate: --help says what each option does and its default") {
  const Ran ran = run_program("translate --help");
  CHECK(ran.exit_code == 0);
  CHECK(ran.err.empty());
  for (const char* said : {"--pairs FILE",
                           "--recipe tutorial|d2l",
                           "--direction fr-en|en-fr",
                           "--dialect france|belgium|switzerland|octante",
                           "--spelling traditional|1990",
                           "--train-size N",
                           "30,000 numbers",
                           "--test-size N",
                           "2000, at least 1",
                           "--resume DIR",
                           "--model all|bahdanau|transformer|location|none",
                           "--teacher-forcing X",
                           "--beam N",
                           "--seed N",
                           "--threads N",
                           "--out DIR",
                           "default out/translate",
                           "--steps N",
                           "--json",
                           "--quiet",
                           "\n  exact_match ",
                           "\n  bleu "}) {
    INFO(said);
    CHECK(contains(ran.out, said));
  }
}

TEST_CASE("translate: every model learns a little, and makes all the files that it names", "[slow]") {
  const TempDir dir;
  const Ran ran = run_program(tiny + " --steps 6 --samples 2 --json" + out_to(dir));
  CHECK(ran.exit_code == 0);
  CHECK(ran.err.empty());
  const kit::Json json = ran.json();
  const std::vector<std::string> keys = {"exact_match", "bleu",    "loss",         "parameters",
                                         "steps",       "seconds", "d2l_sentences"};
  REQUIRE(json.as_object().size() == keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    CHECK(json.as_object()[i].first == keys[i]);
    const auto& by_model = json.as_object()[i].second.as_object();
    if (keys[i] == "d2l_sentences") {
      CHECK(by_model.empty());
      continue;
    }
    REQUIRE(by_model.size() == models.size());
    for (size_t m = 0; m < models.size(); ++m) CHECK(by_model[m].first == models[m]);
  }
  for (const std::string& model : models) {
    CHECK(json.at("loss").at(model).as_number() < 4.5);
    CHECK(json.at("steps").at(model).as_integer() == 6);
    for (const char* file : {".checkpoint.safetensors", ".metrics.jsonl", ".model.safetensors"})
      CHECK(contains(ran.out, dir / (model + file)));
    const std::string metrics = core::read_file(dir / (model + ".metrics.jsonl"));
    CHECK(std::count(metrics.begin(), metrics.end(), '\n') == 6 + 1);
  }
  CHECK(dir.count() == 5 + 3 * 4);
  CHECK(core::read_file(dir / "loss.svg").ends_with("</svg>\n"));
  CHECK(contains(core::read_file(dir / "alignment.svg"), "quatre"));
  const std::string page = core::read_file(dir / "attention.html");
  CHECK(page.ends_with("</html>\n"));
  CHECK(contains(page, "quatre"));
  for (const char* said : {"French number words to English: 200 training and 20 test pairs",
                           "traditional, hyphens below", "  > input   = correct   < model\n", "  > ", "  = ", "  < ",
                           "quatre vingt dix sept <eos>", "exact match", "BLEU"})
    CHECK(contains(ran.out, said));
}

TEST_CASE("translate: same seed, same bits for any number of threads", "[slow]") {
  const TempDir one, three, other;
  const std::string seven = results_of(one, " --steps 4 --seed 7 --threads 1");
  CHECK(seven == results_of(three, " --steps 4 --seed 7 --threads 3"));
  CHECK(seven != results_of(other, " --steps 4 --seed 8 --threads 1"));
}

TEST_CASE("translate: a run that is stopped and resumed equals one that was not", "[slow]") {
  const std::string options = " --model bahdanau --steps 600 --save-every 5";
  const TempDir whole, stopped;
  // Stopped by a signal as soon as there is a checkpoint.
  const Ran ran =
      run_shell(HEED_BIN_DIR "/" + tiny + options + out_to(stopped) + " & pid=$!; until [ -e '" +
                stopped / "bahdanau.checkpoint.safetensors" + "' ]; do :; done; kill -TERM $pid; wait $pid");
  CHECK(ran.exit_code == 143);
  CHECK(contains(ran.err, "stopped bahdanau at step "));
  CHECK(contains(ran.err, "--resume"));
  CHECK(contains(ran.out, "bahdanau, trained so far:"));
  CHECK(std::filesystem::exists(stopped / "loss.svg"));
  CHECK_FALSE(std::filesystem::exists(stopped / "bahdanau.model.safetensors"));
  const std::string resumed = results_of(stopped, options + " --resume '" + stopped.path().string() + "'");
  CHECK(resumed == results_of(whole, options));

  // The run is finished: nothing is trained again, and the results are the same.
  const Ran again = run_program(tiny + options + " --json --resume '" + whole.path().string() + "'" + out_to(whole));
  CHECK(again.exit_code == 0);
  CHECK(again.json().at("steps").at("bahdanau").as_integer() == 600);
  CHECK(contains(resumed, kit::to_json(again.json().at("loss"))));

  for (const auto& [changed, said] :
       {std::pair(" --lr 0.5", ": was made with --lr 0.003 (here 0.5): give the options"),
        {" --seed 9", ": was made with another training set, --seed 1 (here 9): give the"},
        {" --layers 2", ": was made with --layers 1 (here 2)"}}) {
    const Ran refused =
        run_program(tiny + options + changed + " --resume '" + whole.path().string() + "'" + out_to(stopped));
    CHECK(refused.exit_code == 2);
    CHECK(contains(refused.err, said));
    CHECK(refused.err.find('\n') == refused.err.size() - 1);
  }
}

TEST_CASE("translate: pairs of a file, as the tutorial and as the book", "[slow]") {
  const TempDir dir;
  core::write_file_atomic(dir / "pairs.tsv", pairs_text);
  const std::string small = " --steps 4 --width 16 --batch 4 --quiet --json --pairs '" + dir / "pairs.tsv" + "'";
  Ran ran =
      run_program("translate" + small + " --recipe d2l --model bahdanau --beam 3 --length-penalty 0.6" + out_to(dir));
  CHECK(ran.exit_code == 0);
  CHECK(contains(ran.out, "English to French: 12 training pairs, tested on 12 of them"));
  CHECK(contains(ran.out, "i'm calm .   => "));
  const kit::Json judged = ran.json().at("d2l_sentences");
  CHECK(judged.at("bahdanau").as_integer() >= 0);

  ran = run_program("translate" + small + " --model transformer --show \"J'ai froid.\"" + out_to(dir));
  CHECK(ran.exit_code == 0);
  CHECK(contains(ran.out, "French to English: 10 training and 1 test pairs"));
  CHECK(contains(ran.out, "j  ai froid .  <eos>"));
  CHECK(ran.json().at("d2l_sentences").as_object().empty());

  ran = run_program("translate" + small + " --direction en-fr --model location --samples 1" + out_to(dir));
  CHECK(ran.exit_code == 0);
  CHECK(contains(ran.out, "English to French: 10 training and 1 test pairs"));

  ran = run_program("translate --model none --width 8 --steps 0 --quiet --pairs '" + dir / "pairs.tsv" + "'" +
                    out_to(dir));
  CHECK(ran.exit_code == 0);  // steps of the recipe: 80 passes over 10 pairs
  CHECK(contains(ran.out, "none: "));
  CHECK(contains(ran.out, " 80 steps in "));
  CHECK(contains(ran.out, "  pairs seen   published loss   this one\n"));
  CHECK(contains(ran.out, "        1000           3.2168"));
}

TEST_CASE("translate: other dialects, spellings and directions", "[slow]") {
  const TempDir dir;
  Ran ran = run_program(tiny + " --steps 1 --model bahdanau --dialect switzerland --spelling 1990" + out_to(dir));
  CHECK(ran.exit_code == 0);
  CHECK(contains(ran.out, "spelling: 1990, hyphens between all words, as in mille-septante-et-un"));
  CHECK(contains(ran.out, "nonante sept <eos>"));
  ran = run_program(plain + " --steps 1 --model transformer --direction en-fr" + out_to(dir));
  CHECK(ran.exit_code == 0);
  CHECK(contains(ran.out, "English number words to French"));
  CHECK(contains(ran.out, "ninety seven <eos>"));
}

TEST_CASE("translate: a mistake in the command line gives one line and exit code 2") {
  for (const auto& [options, said] :
       {std::pair(" --sede 3", "translate: --sede: unknown option: did you mean --seed?\n"),
        {" --model gru",
         "translate: --model: \"gru\": is not a choice: give one of all, bahdanau, transformer, location, none\n"},
        {" --beam 0", "translate: --beam: \"0\": is out of range: give an integer of at least 1 and at most 1000\n"},
        {" --train-size 999999",
         "translate: number_task: 999999 numbers to train on and 2000 to test with: there are"
         " 1000000: give two numbers that fit\n"},
        {" --recipe d2l", "translate: --recipe: is for sentence pairs: give --pairs FILE as well\n"},
        {" --pairs x --dialect belgium --spelling 1990",
         "translate: --dialect, --spelling: for number words only: leave out with --pairs\n"},
        {" --pairs x --recipe d2l --test-size 5",
         "translate: --test-size: the book tests on the training pairs: leave out with --recipe d2l\n"},
        {" --model transformer --teacher-forcing 1",
         "translate: --teacher-forcing: a transformer is always given the true words: leave out\n"},
        {" --model location --layers 1", "translate: --layers: location has one layer: choose another --model\n"},
        {" --model none --show dix",
         "translate: --show: without attention no alignment is drawn: choose another --model\n"},
        {" --length-penalty 1", "translate: --length-penalty: is for beam search: give --beam above 1\n"}}) {
    const Ran ran = run_program(std::string("translate") + options);
    CHECK(ran.exit_code == 2);
    CHECK(ran.out.empty());
    CHECK(ran.err == said);
  }
}

TEST_CASE("translate: an error at run time is one line on stderr and exit code 1") {
  const TempDir dir;
  core::write_file_atomic(dir / "no.tsv", "Go.\tVa !\n");
  core::write_file_atomic(dir / "one.tsv", "Go.\n");
  for (const auto& [options, said] :
       {std::pair<std::string, std::string>(" --out /dev/null/folder", "/dev/null/folder"),
        {" --pairs /no/such/file", "/no/such/file"},
        {" --pairs '" + dir / "no.tsv" + "'", "no pair is left after the filter"},
        {" --pairs '" + dir / "one.tsv" + "'", ":1: 1 tab-separated fields"},
        {" --resume '" + dir / "nowhere" + "'", "is not a folder: give the one that an earlier run wrote into"},
        {" --resume '" + dir.path().string() + "'", "holds no checkpoint of bahdanau"}}) {
    INFO(options);
    const Ran ran = run_program("translate --quiet --steps 1 --model bahdanau --out '" + dir / "out" + "'" + options);
    CHECK(ran.exit_code == 1);
    CHECK(ran.err.rfind("translate: ", 0) == 0);
    CHECK(contains(ran.err, said));
    CHECK(ran.err.find('\n') == ran.err.size() - 1);
  }
}
