// Progress lines, the metrics log, and the list of what a run made.
#include "support/catch.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/progress.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/terminal.h>
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using heed::test::message_of;
using heed::test::TempDir;

namespace {

const kit::ProgressState half{"training", 840, 2000, 12.3, 71.2, {{"loss", 1.2345}}};

}  // namespace

TEST_CASE("kit progress: the bar shows name, percentage, count, times, rate and value") {
  CHECK(kit::progress_bar(half, 79) ==
        "training  42% ━━━━━━━━───────────── 840/2000 [00:12<00:16, 71.2/s, loss 1.2345]");
  CHECK(kit::progress_bar(half, 79, false) ==
        "training  42% ########------------- 840/2000 [00:12<00:16, 71.2/s, loss 1.2345]");
}

TEST_CASE("kit progress: on narrow terminals the rate, the times, the value and the bar are dropped") {
  CHECK(kit::progress_bar(half, 60, false) == "training  42% ####------ 840/2000 [00:12<00:16, loss 1.2345]");
  CHECK(kit::progress_bar(half, 50, false) == "training  42% #####-------- 840/2000 [loss 1.2345]");
  CHECK(kit::progress_bar(half, 40, false) == "training  42% #######---------- 840/2000");
  CHECK(kit::progress_bar(half, 22, false) == "training  42% 840/2000");
  CHECK(kit::progress_bar(half, 10, false) == "training …");
  CHECK(kit::progress_bar(half, 0, false).empty());
  for (int columns = 0; columns <= 200; ++columns) CHECK(kit::text_width(kit::progress_bar(half, columns)) <= columns);
}

TEST_CASE("kit progress: the course of the first value, where there is room and the terminal has the characters") {
  const kit::ProgressState state{"fit", 5, 10, 1, 0, {{"loss", 1}}, {4, 3, 2, 1}};
  CHECK(kit::progress_bar(state, 60) == "fit  50% ━━━━━━━━━━────────── 5/10 [00:01, loss 1.0000 █▆▃▁]");
  CHECK(kit::progress_bar(state, 45) == "fit  50% ━━━━━───── 5/10 [00:01, loss 1.0000]");
  CHECK(kit::progress_bar(state, 60, false).find("[00:01, loss 1.0000]") != std::string::npos);
  CHECK(kit::progress_line(state) == "fit: step 5 of 10, loss 1.0000");
  kit::ProgressState done = state;
  done.done = 10;
  CHECK(kit::progress_line(done) == "fit: step 10 of 10, loss 1.0000, 00:01 in all █▆▃▁");
  CHECK(kit::progress_line(done, false) == "fit: step 10 of 10, loss 1.0000, 00:01 in all");
  for (int columns = 0; columns <= 100; ++columns) CHECK(kit::text_width(kit::progress_bar(state, columns)) <= columns);

  kit::History history;
  for (int i = 0; i < 100'000; ++i) history.add(i);
  CHECK(history.values().size() <= 512);
  CHECK(history.values().size() >= 256);
  CHECK(history.values().front() < 400);
  CHECK(std::is_sorted(history.values().begin(), history.values().end()));
  CHECK(history.values().back() > 99'000);
}

TEST_CASE("kit progress: the ends, no steps, no rate, slow steps") {
  CHECK(kit::progress_bar({"a", 0, 10, 0, 0}, 30, false) == "a   0% ---------- 0/10 [00:00]");
  CHECK(kit::progress_bar({"a", 10, 10, 1, 10}, 50, false) == "a 100% ################# 10/10 [00:01<00:00, 10/s]");
  CHECK(kit::progress_bar({"a", 30, 10, 1, 0.5}, 50, false) == "a 100% ################## 30/10 [00:01<00:00, 2 s]");
  CHECK(kit::progress_bar({"a", 0, 0, 0, 0}, 25, false) == "a 100% ############## 0/0");
  CHECK(kit::progress_line({"a", 0, 0, 0, 0}) == "a: step 0 of 0, 00:00 in all");
  CHECK(kit::progress_line(half) == "training: step 840 of 2000, loss 1.2345, 71.2 steps/s, 00:16 left");
  CHECK(kit::progress_line({"a", 1, 2, 4, 0.25, {{"loss", NAN}}}) ==
        "a: step 1 of 2, loss nan, 4 s per step, 00:04 left");
  CHECK(kit::progress_line({"a", 2, 2, 8, 0.25}) == "a: step 2 of 2, 4 s per step, 00:08 in all");
}

TEST_CASE("kit progress: the rate follows a change within seconds") {
  kit::SmoothedRate rate;
  CHECK(rate.value() == 0);
  rate.add(10, 1);
  CHECK(std::abs(rate.value() - 10) < 1e-9);
  for (int i = 0; i < 100; ++i) rate.add(10, 1);
  CHECK(std::abs(rate.value() - 10) < 1e-9);
  for (int i = 0; i < 20; ++i) rate.add(100, 1);
  CHECK(rate.value() > 80);
  CHECK(rate.value() < 100);
}

TEST_CASE("kit progress: without a terminal there are plain lines, and none with quiet") {
  std::ostringstream text;
  std::streambuf* old = std::cerr.rdbuf(text.rdbuf());
  setenv("TERM", "dumb", 1);
  CHECK_FALSE(kit::is_terminal(kit::Stream::err));
  {
    kit::Progress progress("fit", 3, {.line_seconds = 1e9});
    for (int step = 1; step <= 3; ++step) progress.update(step, "loss", 1.0 / step);
    progress.note("a note");
  }
  {
    kit::Progress silent("fit", 3, {.quiet = true});
    silent.update(3);
    silent.note("nothing");
  }
  { kit::Progress untouched("fit", 3); }
  std::cerr.rdbuf(old);
  CHECK(text.str().find("a note\nfit: step 3 of 3, loss 0.3333, ") == 0);
  CHECK(text.str().find('\r') == std::string::npos);
}

TEST_CASE("kit progress: the locale decides whether the bar uses box characters") {
  unsetenv("LC_ALL");
  unsetenv("LC_CTYPE");
  setenv("LANG", "C", 1);
  CHECK_FALSE(kit::unicode_wanted());
  setenv("LANG", "de_DE.UTF-8", 1);
  CHECK(kit::unicode_wanted());
  setenv("LC_ALL", "C", 1);
  CHECK_FALSE(kit::unicode_wanted());
  setenv("LC_ALL", "C.utf8", 1);
  CHECK(kit::unicode_wanted());
  unsetenv("LC_ALL");
}

TEST_CASE("kit format: numbers, times, widths") {
  CHECK(kit::fixed(0.625, 2) == "0.62");
  CHECK(kit::fixed(-1e300, 0).size() == 302);
  CHECK(kit::general(0.001) == "0.001");
  CHECK(kit::general(1234567, 3) == "1.23e+06");
  CHECK(kit::shortest(0.1f) == "0.1");
  CHECK(kit::shortest(0.1) == "0.1");
  for (const double nan : {double(NAN), std::copysign(double(NAN), -1.0)})
    CHECK(kit::fixed(nan, 4) + kit::general(nan) + kit::shortest(nan) + kit::shortest(float(nan)) == "nannannannan");
  CHECK(kit::grouped(0) + ' ' + kit::grouped(999) + ' ' + kit::grouped(2000) == "0 999 2,000");
  CHECK(kit::grouped(-100) + ' ' + kit::grouped(-1234567) + ' ' + kit::grouped(100000) == "-100 -1,234,567 100,000");
  CHECK(kit::clock_time(0) == "00:00");
  CHECK(kit::clock_time(59.6) == "01:00");
  CHECK(kit::clock_time(3725) == "1:02:05");
  CHECK(kit::clock_time(INFINITY) == "1000000:00:00");
  CHECK(kit::text_width("aé…") == 3);
  CHECK(kit::fit("aé", 4) == "aé  ");
  CHECK(kit::fit("aébcd", 3) == "aé…");
  CHECK(kit::fit("abc", 1) == "…");
  CHECK(kit::fit("abc", 0).empty());
  CHECK(kit::right("aé", 4) == "  aé");
  CHECK(kit::right("aébc", 3) == "aébc");
}

TEST_CASE("kit metrics log: one object per line, values that are not finite are null") {
  const TempDir dir;
  {
    kit::MetricsLog log(dir / "metrics.jsonl");
    log.write(1, {{"loss", 0.1}, {"lr", 1e-3}});
    log.write(2, {{"loss", NAN}});
    log.write(3, {});
    CHECK(core::read_file(dir / "metrics.jsonl") ==
          "{\"step\":1,\"loss\":0.1,\"lr\":0.001}\n{\"step\":2,\"loss\":null}\n{\"step\":3}\n");
  }
  const kit::MetricsLog anew(dir / "metrics.jsonl");
  CHECK(core::read_file(dir / "metrics.jsonl").empty());
}

TEST_CASE("kit metrics log: one metric of all steps can be read back") {
  const TempDir dir;
  {
    kit::MetricsLog log(dir / "m.jsonl");
    log.write(10, {{"loss", 0.5}});
    log.write(20, {{"loss", NAN}, {"val_loss", 3}});
    log.write(30, {{"loss", 0.25}});
  }
  const auto [steps, losses] = kit::read_metric(dir / "m.jsonl", "loss");
  CHECK(steps == std::vector<double>{10, 30});
  CHECK(losses == std::vector<double>{0.5, 0.25});
  CHECK(kit::read_metric(dir / "m.jsonl", "val_loss").values == std::vector<double>{3});
  core::write_file_atomic(dir / "m.jsonl", core::read_file(dir / "m.jsonl") + "{\"step\":40,\"lo");
  CHECK(kit::read_metric(dir / "m.jsonl", "loss").steps == std::vector<double>{10, 30});
  core::write_file_atomic(dir / "m.jsonl", "{\"step\":1}\n{\"step\"\n");
  CHECK(message_of<FormatError>([&] { kit::read_metric(dir / "m.jsonl", "loss"); }).find("m.jsonl:2") !=
        std::string::npos);
}

TEST_CASE("kit metrics log: a resumed run cuts back to its checkpoint") {
  const TempDir dir;
  const std::string file = dir / "metrics.jsonl";
  {
    kit::MetricsLog log(file);
    for (int step = 10; step <= 50; step += 10) log.write(step, {{"loss", 1.0}});
  }
  core::write_file_atomic(file,
                          core::read_file(file) + "{\"step\":60,\"lo");  // killed while writing
  {
    kit::MetricsLog log(file, 30);
    log.write(40, {{"loss", 2.0}});
  }
  CHECK(core::read_file(file) ==
        "{\"step\":10,\"loss\":1.0}\n{\"step\":20,\"loss\":1.0}\n{\"step\":30,\"loss\":1.0}\n"
        "{\"step\":40,\"loss\":2.0}\n");
  { kit::MetricsLog log(dir / "new.jsonl", 30); }
  CHECK(core::read_file(dir / "new.jsonl").empty());
}

TEST_CASE("kit metrics log: a file with other contents is left unchanged") {
  const TempDir dir;
  const std::string file = dir / "metrics.jsonl";
  core::write_file_atomic(file, "{\"step\":1}\nhello\n");
  CHECK(message_of<FormatError>([&] { kit::MetricsLog(file, 5); }) ==
        file + ":2: \"hello\": is not a step with its values: move the file away to start a new one");
  CHECK(core::read_file(file) == "{\"step\":1}\nhello\n");
  // A line that could not be read when the run ends is refused when it begins.
  for (const char* line :
       {"{\"step\":1,\"loss\":}", "{\"step\":1,\"loss\":\"x\"}", "{\"step\":1.5}", "{\"step\":1}}", ""}) {
    INFO(line);
    core::write_file_atomic(file, line + std::string("\n{\"step\":2}\n"));
    CHECK_THROWS_AS(kit::MetricsLog(file, 5), FormatError);
  }
  CHECK(message_of<IoError>([&] { kit::MetricsLog(dir / "none/metrics.jsonl"); }) != "no error");
}

TEST_CASE("kit run folder: lists what was made, in order") {
  const TempDir dir;
  kit::RunFolder folder(dir.path() / "a" / "b");
  core::write_file_atomic(folder.file("loss.svg", "loss curve").string(), "x");
  core::write_file_atomic(folder.file("page.html", "attention").string(), "x");
  core::write_file_atomic(folder.file("other.txt").string(), "x");
  folder.file("never.txt", "not written");
  folder.file("loss.svg", "again");
  std::ostringstream text;
  folder.print(text);
  const std::string at = (dir.path() / "a" / "b").string();
  CHECK(text.str() == "made  " + at + "/loss.svg   loss curve\nmade  " + at + "/page.html  attention\n");

  core::write_file_atomic(dir / "file", "x");
  CHECK(message_of<IoError>([&] { kit::RunFolder(dir.path() / "file"); }) ==
        "--out: \"" + (dir / "file") + "\": cannot be created (Not a directory): name another folder");
}
