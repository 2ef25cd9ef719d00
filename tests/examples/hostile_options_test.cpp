// Every option of every program with values that a mistake or a script may give it: each is refused in one
// line before anything is computed, or does no harm.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <heed/core/files/file.h>
#include <heed/core/text.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::test::contains;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::run_shell;
using heed::test::TempDir;

namespace {

std::string in(const TempDir& dir) { return " --out '" + dir.path().string() + "'"; }

/// The options that --help lists, with the name of their value; flags are left out.
std::vector<std::pair<std::string, std::string>> options_of(const std::string& program) {
  std::vector<std::pair<std::string, std::string>> options;
  std::string help = run_program(program + " --help").out;
  help.resize(std::min(help.find("\nExamples\n"), help.size()));
  for (size_t at = help.find("\n  --"); at != std::string::npos; at = help.find("\n  --", at + 1)) {
    const size_t name = at + 5, end = help.find_first_of(" \n", name);
    if (help[end] != ' ' || help[end + 1] == ' ' || help[end + 1] == '\n') continue;
    const size_t value = end + 1;
    options.emplace_back(help.substr(name, end - name), help.substr(value, help.find_first_of(" \n", value) - value));
  }
  return options;
}

bool one_line(const Ran& ran, const std::string& program) {
  return ran.err.rfind(program + ": ", 0) == 0 && ran.err.find('\n') == ran.err.size() - 1;
}

const char* const programs[] = {"attention_by_hand", "attention_scores", "kernel_regression",
                                "two_moons",         "char_gpt",         "tasks",
                                "translate",         "tokenise",         "induction_head"};

}  // namespace

TEST_CASE("Programs: every option refuses a value of another kind, in one line, with exit code 2", "[slow]") {
  int checked = 0;
  std::vector<std::string> all(std::begin(programs), std::end(programs));
  for (const char* of_a_model : {"gpt2", "llama", "sentence_embeddings"}) all.emplace_back(of_a_model);
  for (const std::string& program : all)
    for (const auto& [option, value] : options_of(program)) {
      std::vector<std::string> hostile;
      if (value == "N")
        hostile = {"", "x", "-1", "1.5", "1e3", "99999999999999999999", "nan", "0x10", " 1", "1 ", "--json"};
      else if (value == "X") hostile = {"", "x", "nan", "inf", "-inf", "-1e-9", "-1", "1e999", "1,5", "0.5x", "1e39e"};
      else if (contains(value, "|") || value == "NAME") hostile = {"", "srot", "-1", "\"$(printf 'a\\033b')\""};
      else if (value == "FILE" || value == "DIR" || value == "PATH") hostile = {"", "--json"};
      for (const std::string& text : hostile) {
        const bool raw = text.find('$') != std::string::npos;
        const Ran ran = run_program(program + " --" + option + ' ' + (raw ? text : '\'' + text + '\''));
        CAPTURE(program, option, text, ran.err);
        CHECK(ran.exit_code == 2);
        CHECK(ran.out.empty());
        CHECK(one_line(ran, program));
        CHECK(contains(ran.err, "--" + option));
        ++checked;
      }
    }
  CAPTURE(checked);
  CHECK(checked >= 500);
}

TEST_CASE("Programs: a folder that cannot be used is found out before anything is computed") {
  const TempDir dir;
  core::write_file_atomic(dir / "file", "x");
  std::filesystem::create_directories(dir.path() / "taken" / "loss.svg");
  for (const std::string program : programs) {
    for (const std::string& out : {std::string("/dev/null/folder"), dir / "file", std::string("/proc/heed")}) {
      const Ran ran = run_program(program + " --out '" + out + "'");
      CAPTURE(program, out, ran.err, ran.out);
      CHECK(ran.exit_code == 1);
      CHECK(ran.out.empty());
      CHECK(one_line(ran, program));
    }
  }
  for (const std::string program : {"two_moons", "char_gpt", "tasks", "translate"}) {
    const Ran ran = run_program(program + " --out '" + dir / "taken" + "'");
    CAPTURE(program, ran.err);
    CHECK(ran.exit_code == 1);
    CHECK(ran.out.empty());
    CHECK(contains(ran.err, "loss.svg\": is not a file, but one is to be written there: move it away"));
  }
}

TEST_CASE("Programs: sizes that no machine or model can have are refused before training") {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "abcd\n"[i * i % 5];
  core::write_file_atomic(dir / "text", text);
  const std::string gpt = "char_gpt --steps 1 --characters 0 --text '" + dir / "text" + "' --context 8";
  const std::pair<std::string, const char*> slips[] = {
      {gpt + " --width 100000 --layers 1000", "training would need about"},
      {gpt + " --batch 1000000 --accumulate 1000000", "training would need about"},
      {gpt + " --heads 3 --width 16", "--heads 3: every head gets an equal part of --width 16"},
      {gpt + " --context 100", "its last tenth must be longer than --context 100"},
      {gpt + " --characters 1 --prompt xyz", "--prompt: vocabulary: \"x\" (U+0078) at line 1, column 1: is not among"},
      {gpt + " --characters 1 --prompt \"$(printf '\\377')\"", "--prompt: vocabulary: line 1, column 1: is not UTF-8"},
      {"tasks sort --length 0", "sorting: a length of 0"},
      {"tasks sort --symbols 0", "sorting: a length of 6, 0 symbols"},
      {"tasks sort --heads 5", "--heads 5: every head gets an equal part of --width 48"},
      {"tasks sort --text x", "--text: is for the task names, this is sort"},
      {"tasks sort --pairs 2 --depth 3", "--pairs, --depth: without effect in the task sort: leave out"},
      {"tasks copy --compare", "--compare: there is no control for copy: leave out"},
      {"tasks sort --width 100000 --layers 1000 --heads 1", "training would need about"},
      {"tasks copy --length 1", "copying: a length of 1"},
      {"tasks reverse --length 1 --symbols 2", "2 different examples found"},
      {"tasks addition --length 0", "addition: numbers of 0 digits: give 1 to 9"},
      {"tasks addition --length 19", "addition: numbers of 19 digits: give 1 to 9"},
      {"tasks addition-gru --length 10000", "addition: numbers of 10000 digits"},
      {"tasks modular --symbols 1", "modular sums: a modulus of 1"},
      {"tasks modular --symbols 99999", "modular sums: a modulus of 99999"},
      {"tasks modular --symbols 5 --train-size 25", "some must be left for testing: give 1 to 24"},
      {"tasks dyck --length 7", "give an even length"},
      {"tasks dyck --symbols 5", "there are signs for four"},
      {"tasks dyck --symbols 0", "brackets: 0 kinds"},
      {"tasks recall --pairs 100", "recall: 100 pairs"},
      {"tasks induction --length 3", "cycles: a length of 3"},
      {"tasks copy-length --length 0", "copying strings: a length of 0"},
      {"translate --train-size 1000000", "number_task: 1000000 numbers to train on"},
      {"translate --model transformer --width 15", "--width 15: the transformer's 4 heads get equal parts of it"},
      {"translate --width 100000 --layers 1000", "training would need about"},
      {"translate --recipe d2l", "--recipe: is for sentence pairs"},
      {"kernel_regression --steps 0", "--steps: 0: nothing would be learnt"}};
  for (const auto& [command, said] : slips) {
    const std::string program = command.substr(0, command.find(' '));
    const Ran ran = run_program(command + " --quiet" + in(dir));
    CAPTURE(command, ran.err);
    CHECK(ran.exit_code == 2);
    CHECK(ran.out.empty());
    CHECK(one_line(ran, program));
    CHECK(contains(ran.err, said));
    CHECK_FALSE(contains(ran.err, program + ": " + program));
  }
}

TEST_CASE("char_gpt: every kind of text is learnt and continued, or refused in one line") {
  const std::string options =
      " --layers 1 --heads 1 --width 8 --context 4 --batch 2 --steps 2 --warmup 1"
      " --characters 3 --quiet";
  const auto repeated = [](const std::string& unit) {
    std::string text;
    while (text.size() < 300) text += unit;
    return text;
  };
  using namespace std::string_literals;
  const std::pair<std::string, int> texts[] = {
      {repeated("abc"), 0},                    // no newline
      {repeated("a"), 0},                      // one symbol
      {repeated("ab\r\n"), 0},                 // CR/LF
      {repeated("ab\r"), 0},                   // CR
      {repeated("a\0b"s), 0},                  // NUL
      {"\xEF\xBB\xBF" + repeated("ab\n"), 0},  // byte-order mark
      {repeated("é€😀\n"), 0},
      {repeated("ab \n\n"), 0},
      {repeated("\x1b]0;a\a\xC2\x9B\u202E"), 0},  // what could control a terminal
      {repeated("a\tb"), 0},
      {"", 2},
      {"a", 2},
      {"a\n", 2},
      {"\xEF\xBB\xBF", 2},
      {repeated("a\xFF"), 1},           // not UTF-8
      {repeated("a\xED\xA0\x80"), 1}};  // a surrogate
  for (const auto& [text, code] : texts) {
    const TempDir dir;
    core::write_file_atomic(dir / "text", text);
    const Ran ran = run_program("char_gpt --text '" + dir / "text" + "'" + options + in(dir));
    CAPTURE(text.substr(0, 8), ran.err);
    CHECK(ran.exit_code == code);
    if (code == 0) {
      CHECK(contains(ran.out, "it writes:\n"));
      for (const std::string& bad : {"\x1b"s, "\a"s, "\xC2\x9B"s, "\u202E"s, "\r"s, "\0"s})
        CHECK_FALSE(contains(ran.out, bad));
      CHECK(std::filesystem::exists(dir / "model.safetensors"));
    } else {
      CHECK(ran.out.empty());
      CHECK(one_line(ran, "char_gpt"));
    }
  }
}

TEST_CASE("char_gpt: no steps at all, an empty prompt, no temperature") {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 500; ++i) text += "abcd\n"[i * i % 5];
  core::write_file_atomic(dir / "text", text);
  const Ran ran = run_program(
      "char_gpt --layers 1 --heads 1 --width 8 --context 4 --steps 0 --characters 2 --prompt ''"
      " --temperature 0 --json --quiet --text '" +
      dir / "text" + "'" + in(dir));
  CHECK(ran.exit_code == 0);
  CHECK(ran.json().at("steps").as_integer() == 0);
}

TEST_CASE("two_moons: points that are not finite are left out of the pictures, which say so") {
  for (const char* noise : {"1e39", "1e300", "1e38", "1e19"}) {
    const TempDir dir;
    const Ran ran = run_program("two_moons --steps 3 --quiet --noise " + std::string(noise) + in(dir));
    CAPTURE(noise, ran.err);
    CHECK(ran.exit_code == 0);
    const std::string picture = core::read_file(dir / "boundary.svg"), loss = core::read_file(dir / "loss.svg");
    const bool beyond = std::strlen(noise) == 4 ? std::string(noise) == "1e39" : true;
    CHECK(contains(ran.out, "left out because they are not finite: ") == beyond);
    if (beyond) CHECK(contains(picture, " values left out: not finite"));
    for (const std::string& svg : {picture, loss})
      for (const char* bad : {"\"nan", "\"-nan", "\"inf", "\"-inf", "Mnan", "Lnan"}) CHECK_FALSE(contains(svg, bad));
    if (beyond) CHECK(contains(loss, " values left out: not finite"));
  }
}

TEST_CASE("Programs: a stdout that is closed or full is an error at the end, and no file receives its text") {
  for (const std::string program : {"attention_by_hand", "two_moons --steps 1", "kernel_regression --seeds 1"}) {
    const std::string name = program.substr(0, program.find(' '));
    for (const char* where : {" >&-", " >/dev/full", " >&- <&-"}) {
      const TempDir dir;
      const Ran ran = run_shell("(" HEED_BIN_DIR "/" + program + " --quiet" + in(dir) + where + ")");
      CAPTURE(program, where, ran.err);
      CHECK(ran.exit_code == 1);
      CHECK(one_line(ran, name));
      CHECK(contains(ran.err, "results were lost"));
      CHECK(dir.count() > 0);  // the files are whole
    }
    const TempDir dir;
    const Ran closed = run_shell("(" HEED_BIN_DIR "/" + program + in(dir) + " <&- 2>&-)");
    CHECK(closed.exit_code == 0);
    for (const auto& file : std::filesystem::directory_iterator(dir.path()))
      CHECK_FALSE(contains(core::read_file(file.path().string()), ": step 1 of 1"));  // progress is not written into it
  }
  CHECK(run_shell("(" HEED_BIN_DIR "/linear_regression >/dev/full)").exit_code == 1);
  CHECK(run_shell("(" HEED_BIN_DIR "/two_moons --help >/dev/full)").exit_code == 1);
}
