// Runs that are stopped by a signal or refused by a second run in their folder, and how they are resumed.
#include <string>
#include <vector>

#include <heed/core/files/file.h>
#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/run_folder.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::test::contains;
using heed::test::message_of;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::run_shell;
using heed::test::TempDir;

namespace {

std::string write_text(const TempDir& dir) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "abcd e\n"[i * i % 7];
  core::write_file_atomic(dir / "text", text);
  return dir / "text";
}

const std::string small = " --layers 1 --heads 1 --width 8 --context 4 --batch 2 --warmup 1 --characters 5 --quiet";

/// Runs `command` and sends the signals once the run has taken its first steps.
Ran signalled(const std::string& command, const std::string& metrics, const std::string& signals) {
  return run_shell(HEED_BIN_DIR "/" + command + " & pid=$!; until [ -s '" + metrics + "' ]; do :; done; " + signals +
                   " wait $pid");
}

}  // namespace

TEST_CASE("Interrupted: Ctrl-C, SIGTERM and SIGHUP leave checkpoint, plot and samples, and say how to resume") {
  const TempDir data;
  const std::string text = write_text(data);
  // A shell starts background jobs with SIGINT ignored: env restores it.
  for (const auto& [signal, code] : {std::pair("INT", 130), {"TERM", 143}, {"HUP", 129}}) {
    const TempDir out;
    const Ran ran = run_shell("env --default-signal=INT,HUP " HEED_BIN_DIR "/char_gpt --text '" + text + "'" + small +
                              " --steps 100000000 --out '" + out.path().string() + "' & pid=$!; until [ -s '" +
                              out / "metrics.jsonl" + "' ]; do :; done; kill -" + signal + " $pid; wait $pid");
    CAPTURE(signal, ran.err, ran.out);
    CHECK(ran.exit_code == code);
    for (const char* file : {"checkpoint.safetensors", "model.safetensors", "loss.svg"})
      CHECK(std::filesystem::exists(out / file));
    CHECK(contains(ran.out, "it writes:\n"));
    CHECK(contains(ran.err, "; checkpoint and model saved. To write with it:\n"));
    CHECK(contains(ran.err, "\nTo resume:\n"));
    CHECK(contains(ran.err, "--resume="));
  }
  const TempDir out;
  const Ran ran =
      signalled("tasks sort --width 12 --heads 1 --layers 1 --test-size 20 --quiet --steps 100000000 --out '" +
                    out.path().string() + "'",
                out / "metrics.jsonl", "kill -TERM $pid;");
  CHECK(ran.exit_code == 143);
  for (const char* file : {"checkpoint.safetensors", "loss.svg", "attention.svg"})
    CHECK(std::filesystem::exists(out / file));
  CHECK(contains(ran.out, "examples entirely right"));
  CHECK(contains(ran.err, "; checkpoint saved. To resume:\n"));
}

TEST_CASE("Interrupted: programs without a checkpoint leave pictures of their results so far") {
  const TempDir dir;
  const std::pair<const char*, std::vector<const char*>> programs[] = {
      {"two_moons --steps 100000000", {"boundary.svg", "loss.svg"}},
      {"two_moons --steps 10 --seeds 1000000", {"boundary.svg", "loss.svg"}},
      {"induction_head --steps 100000000", {"model.safetensors", "heads.svg", "patterns.svg"}},
      {"kernel_regression --seeds 1000000", {"curves.svg", "weights.svg", "learnt_width.svg"}},
      {"attention_scores --steps 100000000", {}}};
  int number = 0;
  for (const auto& [program, files] : programs)
    for (const auto& [signal, code] : {std::pair("INT", 130), {"TERM", 143}, {"HUP", 129}}) {
      const std::string out = dir / std::to_string(++number);
      const Ran ran =
          run_shell("env --default-signal=INT,HUP " HEED_BIN_DIR "/" + std::string(program) + " --quiet --out '" + out +
                    "' & pid=$!; until [ -d '" + out + "' ]; do :; done; kill -" + signal + " $pid; wait $pid");
      CAPTURE(program, signal, ran.err, ran.out);
      CHECK(ran.exit_code == code);
      for (const char* file : files) CHECK(std::filesystem::exists(std::filesystem::path(out) / file));
      CHECK(contains(ran.err, "\nstopped a"));
    }
}

TEST_CASE("Interrupted: the printed command runs as it stands, whatever its words contain") {
  const TempDir data, work;
  const std::string text = write_text(data);
  // A path and a prompt with every character that a shell interprets.
  const std::string folder = "it's \"$HOME\" & `x`; *", prompt = "ab c";
  std::filesystem::create_directories(work.path() / folder);
  core::write_file_atomic(work / (folder + "/my text"), core::read_file(text) + "'\"$`\\!*\x1b");
  std::filesystem::create_directories(work.path() / "a b");
  std::filesystem::create_symlink(HEED_BIN_DIR "/char_gpt", work.path() / "a b" / "char_gpt");
  const std::string quoted = "'it'\\''s \"$HOME\" & `x`; *'";
  const Ran first =
      run_shell("cd '" + work.path().string() + "' && './a b/char_gpt' --text " + quoted + "/'my text'" + small +
                " --steps 9 --stop-at 4 --prompt '\"$`\\!*'\\''a'\"$(printf '\\033')\"'b' --out=" + quoted + "/out");
  CAPTURE(first.err);
  REQUIRE(first.exit_code == 0);
  const std::string to_write = "To write with it:\n  ";
  const size_t line = first.err.find(to_write) + to_write.size();
  core::write_file_atomic(work / "write.sh", "cd '" + work.path().string() + "'\n" +
                                                 first.err.substr(line, first.err.find('\n', line) - line) +
                                                 " --characters 3 --quiet");
  const Ran written = run_shell("sh '" + work / "write.sh" + "'");
  CAPTURE(written.err);
  CHECK(written.exit_code == 0);
  CHECK(contains(written.out, "\"$`\\!*'a\\x1bb"));
  const std::string said = "To resume:\n  ";
  const std::string command = first.err.substr(first.err.find(said) + said.size());
  CHECK(command.find('\x1b') == std::string::npos);
  CHECK(command.rfind("'./a b/char_gpt' ", 0) == 0);
  core::write_file_atomic(work / "pasted.sh", "cd '" + work.path().string() + "'\n" + command);
  const Ran second = run_shell("sh '" + work / "pasted.sh" + "'");
  CAPTURE(command, second.err);
  CHECK(second.exit_code == 0);
  CHECK(contains(second.out, "\"$`\\!*'a\\x1bb"));
  CHECK(kit::read_metric(work / (folder + "/out/metrics.jsonl"), "loss").steps.back() == 9);
}

TEST_CASE("Interrupted: --resume names all differences, accepts more steps, and the program is named once") {
  const TempDir data, out;
  const std::string text = write_text(data);
  core::write_file_atomic(data / "other", core::read_file(text) + "abc");
  const auto run = [&](const std::string& file, const std::string& options) {
    return run_program("char_gpt --text '" + data / file + "' --layers 1 --context 4 --batch 2 --characters 0 --quiet" +
                       options + " --out '" + out.path().string() + "'");
  };
  const std::string resume = " --resume '" + out / "checkpoint.safetensors" + "'";
  REQUIRE(run("text", " --heads 1 --width 8 --steps 3").exit_code == 0);
  CHECK(run("other", " --heads 2 --width 16 --seed 7 --steps 3" + resume).err ==
        "char_gpt: --resume " + out / "checkpoint.safetensors" +
            ": was made with another text, --heads 1 (here 2), --width 8 (here 16), --seed 1 (here 7): give the text"
            " and the options that it was made with\n");
  CHECK(run("other", " --heads 1 --width 8 --steps 3" + resume).err ==
        "char_gpt: --resume " + out / "checkpoint.safetensors" +
            ": was made with another text: give the text that it was made with\n");
  const TempDir empty;
  CHECK(
      run_program("char_gpt --quiet --text '" + data / "other" + "'" + resume + " --out '" + empty / "new/folder" + "'")
          .exit_code == 2);
  CHECK(std::filesystem::is_empty(empty.path()));  // what was made for the results is removed
  CHECK(run("text", " --heads 1 --width 8 --steps 2" + resume).err ==
        "char_gpt: --steps 2: the checkpoint is already at step 3: give at least as many\n");
  CHECK(contains(run("text", " --heads 1 --width 8 --steps 3 --resume '" + out / "model.safetensors" + "'").err,
                 ": is a model, for --load: give the run's state, checkpoint.safetensors beside it\n"));
  CHECK(run("text", " --heads 1 --width 8 --steps 6" + resume).exit_code == 0);
  CHECK(kit::read_metric(out / "metrics.jsonl", "loss").steps == std::vector<double>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("Run folder: a second run is refused while the first lives, in its process and in another") {
  const TempDir dir;
  {
    const kit::RunFolder first(dir.path());
    const std::string refusal = message_of<IoError>([&] { kit::RunFolder(dir.path()); });
    CHECK(refusal == "--out: \"" + dir.path().string() +
                         "\": another run is writing into it: wait for its end, or name another folder");
    const Ran ran = run_program("two_moons --steps 1 --out '" + dir.path().string() + "'");
    CHECK(ran.exit_code == 1);
    CHECK(ran.out.empty());
    CHECK(ran.err == "two_moons: " + refusal + "\n");
    CHECK(dir.count() == 0);  // no lock file is left that could become stale
  }
  CHECK_NOTHROW(kit::RunFolder(dir.path()));
  // A killed run leaves no lock.
  const TempDir data, killed;
  const std::string command =
      "char_gpt --text '" + write_text(data) + "'" + small + " --out '" + killed.path().string() + "'";
  const Ran ran = signalled(command + " --steps 100000000", killed / "metrics.jsonl", "kill -KILL $pid;");
  CHECK(ran.exit_code == 137);
  CHECK(run_program(command + " --steps 1").exit_code == 0);
}
