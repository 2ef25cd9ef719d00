// Command lines: what is read, what --help says, and the message for every mistake.
#include "support/catch.h"

#include <csignal>
#include <cstdio>
#include <iostream>
#include <new>
#include <sstream>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <heed/autograd/ops/create.h>
#include <heed/core/error.h>
#include <heed/core/parallel.h>
#include <heed/core/text.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/option.h>
#include <heed/examples/kit/terminal.h>
#include <heed/nn/layers/linear.h>
#include "support/errors.h"

using namespace heed;
using heed::test::contains;
using heed::test::message_of;

namespace {

struct Captured {
  explicit Captured(std::ostream& stream) : stream_(stream), old_(stream.rdbuf(text.rdbuf())) {}
  ~Captured() { stream_.rdbuf(old_); }
  std::ostringstream text;

 private:
  std::ostream& stream_;
  std::streambuf* old_;
};

/// Arguments as main gets them.
struct Arguments {
  explicit Arguments(std::vector<std::string> given) : words(std::move(given)) {
    words.insert(words.begin(), "demo");
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
  }
  int count() { return static_cast<int>(words.size()); }
  std::vector<std::string> words;
  std::vector<char*> pointers;
};

/// A command line with an option of each kind.
struct Demo {
  Demo() : cli("demo", "Shows what the kit can do.") {
    cli.group("Training", {{"lr", &lr, "peak learning rate", {.above = 0, .max = 10}},
                           {"layers", &layers, "blocks", {.min = 1}},
                           {"norm", &norm, "where the norm is", {.choices = {"pre", "post"}}},
                           {"bias", &bias, "a bias in each linear layer"},
                           {"fast", &fast, "skip the pictures"},
                           {"text", &text, "file to learn from", {.value = "FILE"}},
                           {"name", &name, "title"}});
    cli.common(common);
    cli.example("demo --steps 10", "a first look");
    cli.json_keys({{"val_loss", "nats per character"}, {"steps", "steps done"}});
  }
  bool parse(const std::vector<std::string>& given) {
    Arguments arguments(given);
    return cli.parse(arguments.count(), arguments.pointers.data());
  }
  std::string refusal(const std::vector<std::string>& given) {
    return message_of<kit::UsageError>([&] { static_cast<void>(parse(given)); });
  }
  double lr = 1e-3;
  int layers = 4;
  std::string norm = "pre", name;
  bool bias = true, fast = false;
  std::filesystem::path text;
  kit::Common common{.steps = 2000};
  kit::Cli cli;
};

}  // namespace

TEST_CASE("kit cli: each kind of option, in both spellings") {
  Demo demo;
  REQUIRE(demo.parse({"--lr", "0.5", "--layers=2", "--norm", "post", "--no-bias", "--fast", "--text=a b.txt",
                      "--name=", "--steps", "7", "--seed=9", "--out", "x/y", "--quiet", "--json"}));
  CHECK(demo.lr == 0.5);
  CHECK(demo.layers == 2);
  CHECK(demo.norm == "post");
  CHECK_FALSE(demo.bias);
  CHECK(demo.fast);
  CHECK(demo.text == "a b.txt");
  CHECK(demo.name.empty());
  CHECK(demo.common.steps == 7);
  CHECK(demo.common.seed == 9);
  CHECK(demo.common.out == std::filesystem::path("x/y"));
  CHECK(demo.common.quiet);
  CHECK(demo.common.json);
  CHECK(demo.cli.command({{"steps", "100"}}) ==
        "demo --lr 0.5 --layers=2 --norm post --no-bias --fast '--text=a b.txt' --name= --seed=9 "
        "--out x/y "
        "--quiet --json --steps=100");
}

TEST_CASE("kit cli: defaults stay, the last of two wins, flags take words") {
  Demo demo;
  REQUIRE(demo.parse({}));
  CHECK(demo.lr == 1e-3);
  CHECK(demo.common.out == std::filesystem::path("out/demo"));
  REQUIRE(demo.parse({"--lr=1", "--lr=2", "--bias=false", "--fast=true", "--no-fast"}));
  CHECK(demo.lr == 2);
  CHECK_FALSE(demo.bias);
  CHECK_FALSE(demo.fast);
}

TEST_CASE("kit cli: which options were given, and their values") {
  Demo demo;
  REQUIRE(demo.parse({"--lr", "1e-4", "--layers=4", "--no-bias"}));
  for (const char* name : {"lr", "layers", "bias"}) CHECK(demo.cli.given(name));
  for (const char* name : {"fast", "seed", "norm"}) CHECK_FALSE(demo.cli.given(name));
  CHECK(demo.cli.value("lr") == shortest(1e-4));
  CHECK(demo.cli.value("layers") == "4");
  CHECK(demo.cli.value("bias") == "false");
  CHECK(demo.cli.value("norm") == "pre");
  CHECK(demo.cli.bare_command({{"text", "a b"}, {"name", ""}}) == "demo '--text=a b' --name=");
  CHECK(message_of([&] { static_cast<void>(demo.cli.given("layer")); }) ==
        "command line: --layer: is not defined: give the name of an option in a group");
}

TEST_CASE("kit cli: options that change nothing in a run are refused, all of a kind at once, if they were given") {
  Demo demo;
  REQUIRE(demo.parse({"--layers=4", "--no-bias", "--steps", "3"}));
  const auto refusal = [&](const std::vector<kit::Unused>& rows) {
    return message_of<kit::UsageError>([&] { demo.cli.refuse_unused(rows); });
  };
  CHECK(refusal({{true, {"lr", "fast"}, "x: y"}, {false, {"layers"}, "x: y"}}) == "no error");
  CHECK(refusal({{true, {"bias", "lr", "layers"}, "a loaded model has its own: leave out"}}) ==
        "--bias, --layers: a loaded model has its own: leave out");
  CHECK(refusal({{true, {"lr"}, "x: y"}, {true, {"steps"}, "nothing is trained: give a text"}}) ==
        "--steps: nothing is trained: give a text");
}

TEST_CASE("kit cli: a program without --steps, and a run without some results") {
  kit::Common common{.steps_help = {}, .json = true};
  kit::Cli cli("demo", "Shows.");
  cli.common(common);
  cli.json_keys({{"a", "x"}, {"b", "y"}, {"c", "z"}});
  CHECK_FALSE(contains(cli.help(), "--steps"));
  CHECK(contains(cli.help(), "--seed"));
  std::ostringstream out;
  std::streambuf* const stdout_buffer = std::cout.rdbuf(out.rdbuf());
  cli.print_json_partly({{"b", 1}});
  std::cout.rdbuf(stdout_buffer);
  CHECK(out.str() == "{\"a\":null,\"b\":1,\"c\":null}\n");
  CHECK(contains(message_of([&] { cli.print_json_partly({{"c", 1}, {"a", 1}}); }), "--json: a key is not documented"));
}

TEST_CASE("kit cli: --threads sets the library's threads") {
  const int before = num_threads();
  Demo demo;
  REQUIRE(demo.parse({"--threads", "1"}));
  CHECK(num_threads() == 1);
  set_num_threads(before);
}

TEST_CASE("kit cli: the message for an unknown option names the nearest one") {
  Demo demo;
  CHECK(demo.refusal({"--lt", "1"}) == "--lt: unknown option: did you mean --lr?");
  CHECK(demo.refusal({"--laers=2"}) == "--laers: unknown option: did you mean --layers?");
  CHECK(demo.refusal({"--setps"}) == "--setps: unknown option: did you mean --steps?");
  CHECK(demo.refusal({"--thr"}) == "--thr: unknown option: did you mean --threads?");
  CHECK(demo.refusal({"--no-bais"}) == "--no-bais: unknown option: did you mean --no-bias?");
  CHECK(demo.refusal({"--halp"}) == "--halp: unknown option: did you mean --help?");
  CHECK(demo.refusal({"--xyzzy"}) == "--xyzzy: unknown option: demo --help lists all");
  CHECK(demo.refusal({"--\x1b[2J=1"}) == "\"--\\x1b[2J\": unknown option: demo --help lists all");
  CHECK(demo.refusal({"--" + std::string(100000, 'x')}) ==
        "\"--" + std::string(97, 'x') + "…\": unknown option: demo --help lists all");
  CHECK(demo.refusal({"--no-lr"}) == "--no-lr: unknown option: demo --help lists all");
}

TEST_CASE("kit cli: bad values name the option, the value and what is expected") {
  Demo demo;
  CHECK(demo.refusal({"--lr", "fast"}) == "--lr: \"fast\": is not a number: give a number above 0 and at most 10");
  CHECK(demo.refusal({"--lr=nan"}) == "--lr: \"nan\": is not a number: give a number above 0 and at most 10");
  CHECK(demo.refusal({"--lr", "-1"}) == "--lr: \"-1\": is out of range: give a number above 0 and at most 10");
  CHECK(demo.refusal({"--lr=0"}) == "--lr: \"0\": is out of range: give a number above 0 and at most 10");
  CHECK(demo.refusal({"--lr=11"}) == "--lr: \"11\": is out of range: give a number above 0 and at most 10");
  CHECK(demo.refusal({"--lr=1x"}) == "--lr: \"1x\": is not a number: give a number above 0 and at most 10");
  CHECK(demo.refusal({"--layers", "2.5"}) == "--layers: \"2.5\": is not an integer: give an integer of at least 1");
  CHECK(demo.refusal({"--layers=99999999999"}) ==
        "--layers: \"99999999999\": is not an integer: give an integer of at least 1");
  CHECK(demo.refusal({"--layers=0"}) == "--layers: \"0\": is out of range: give an integer of at least 1");
  CHECK(demo.refusal({"--norm", "mid"}) == "--norm: \"mid\": is not a choice: give one of pre, post");
  CHECK(demo.refusal({"--fast=maybe"}) == "--fast: \"maybe\": is not a truth value: give true or false");
  CHECK(demo.refusal({"--text="}) == "--text: \"\": is empty: give a path");
  CHECK(demo.refusal({"--steps=-1"}) ==
        "--steps: \"-1\": is out of range: give an integer of at least 0 and at most 1e+09");
  CHECK(demo.refusal({"--lr"}) == "--lr: no value follows: give a number above 0 and at most 10, as in --lr=X");
  CHECK(demo.refusal({"--text", "--fast"}) == "--text: no value follows: give a path, as in --text=FILE");
  CHECK(demo.refusal({"words"}) == "\"words\": is not an option: options begin with --, and demo --help lists them");
  CHECK(demo.refusal({"-x"}) == "\"-x\": is not an option: options begin with --, and demo --help lists them");
}

TEST_CASE("kit cli: help shows groups, defaults, ranges, examples and the keys of --json") {
  Demo demo;
  CHECK(demo.cli.help() ==
        "Shows what the kit can do.\n"
        "\n"
        "usage: demo [options]\n"
        "\n"
        "Training\n"
        "  --lr X           peak learning rate (default 0.001, at most 10)\n"
        "  --layers N       blocks (default 4, at least 1)\n"
        "  --norm pre|post  where the norm is (default pre)\n"
        "  --no-bias        a bias in each linear layer (default on)\n"
        "  --fast           skip the pictures\n"
        "  --text FILE      file to learn from\n"
        "  --name TEXT      title\n"
        "\n"
        "Common\n"
        "  --steps N        training steps (default 2000)\n"
        "  --seed N         seed of all random numbers; the same seed gives the same result (default 0)\n"
        "  --threads N      number of threads; results do not depend on it (default all processors, at most\n"
        "                   1024)\n"
        "  --out DIR        folder for the files made (default out/demo)\n"
        "  --quiet          no progress on stderr\n"
        "  --json           results as one JSON object on the last line of stdout\n"
        "  --summary        print the first model's layers: shapes, parameters, time, memory\n"
        "  -h, --help       this text\n"
        "  --version        the version\n"
        "\n"
        "Examples\n"
        "  demo --steps 10  a first look\n"
        "\n"
        "Keys of the object that --json prints\n"
        "  val_loss  nats per character\n"
        "  steps     steps done\n");
}

TEST_CASE("kit cli: --help and --version print and end") {
  for (const char* option : {"--help", "-h", "--version"}) {
    Demo demo;
    Captured out(std::cout);
    CHECK_FALSE(demo.parse({"--lr", "1", option, "--nonsense"}));
    const std::string text = out.text.str();
    if (option == std::string("--version")) CHECK(text.rfind("demo, an example of heed ", 0) == 0);
    else CHECK(text == demo.cli.help());
  }
}

TEST_CASE("kit cli: long help texts wrap below themselves") {
  int n = 1;
  kit::Cli cli("demo", "Wraps.");
  std::string words;
  for (int i = 0; i < 30; ++i) words += (i ? " word" : "word");
  cli.group("G", {{"a-very-long-option-name-of-forty-letters", &n, words}});
  std::istringstream lines(cli.help());
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
  CHECK(cli.help().find("\n  --a-very-long-option-name-of-forty-letters N\n") != std::string::npos);
}

TEST_CASE("kit cli: an option can be defined only once") {
  Demo demo;
  int n = 0;
  CHECK(message_of<Error>([&] { demo.cli.group("Again", {{"lr", &n, ""}}); }) ==
        "command line: --lr: is defined twice: give each option a name of its own");
}

TEST_CASE("kit cli: --summary prints the layers of the first model, before the results") {
  Captured out(std::cout);
  {
    Demo demo;
    REQUIRE(demo.parse({"--summary", "--json"}));
    nn::Linear(3, 5)(ones({4, 3}));
    demo.cli.print_json({{"val_loss", 1.5}, {"steps", 1}});
  }
  const std::string text = out.text.str();
  INFO(text);
  const size_t tree = text.find("(model)  Linear  (4, 3)  (4, 5)"), json = text.find("{\"val_loss\"");
  CHECK((tree != std::string::npos && json != std::string::npos && tree < json));
  CHECK(text.find('\n', json) == text.size() - 1);
}

TEST_CASE("kit cli: --json prints exactly the documented keys") {
  Demo demo;
  {
    Captured out(std::cout);
    demo.cli.print_json({{"val_loss", 1.5}, {"steps", 7}});
    CHECK(out.text.str().empty());
    REQUIRE(demo.parse({"--json"}));
    demo.cli.print_json({{"val_loss", 1.5}, {"steps", 7}});
    CHECK(out.text.str() == "{\"val_loss\":1.5,\"steps\":7}\n");
  }
  CHECK(message_of<Error>([&] { demo.cli.print_json({{"val_loss", 1.5}}); }) ==
        "--json: 1 results: --help documents 2: give each documented key once");
  CHECK(message_of<Error>([&] { demo.cli.print_json({{"loss", 1.5}, {"steps", 7}}); }) ==
        "--json: 'loss': --help documents 'val_loss' in this position: use the same names in the same "
        "order");
}

TEST_CASE("kit cli: words for a shell are quoted") {
  Demo demo;
  REQUIRE(demo.parse({"--name", "it's here"}));
  CHECK(demo.cli.command({{"text", "a b"}}) == "demo --name 'it'\\''s here' '--text=a b'");
}

TEST_CASE("kit cli: run_main turns exceptions into a line and an exit code") {
  Arguments arguments({});
  const auto run = [&](const std::function<int(int, char**)>& body) {
    Captured err(std::cerr);
    const int code = kit::run_main(arguments.count(), arguments.pointers.data(), body);
    return std::to_string(code) + " " + err.text.str();
  };
  CHECK(run([](int, char**) { return 0; }) == "0 ");
  CHECK(run([](int, char**) { return 3; }) == "3 ");
  CHECK(run([](int, char**) -> int { throw kit::UsageError("--x: unknown option"); }) ==
        "2 demo: --x: unknown option\n");
  CHECK(run([](int, char**) -> int { throw ShapeError("matmul: no"); }) == "1 demo: matmul: no\n");
  CHECK(run([](int, char**) -> int { throw Error("demo: no"); }) == "1 demo: no\n");  // the program is named once
  CHECK(run([](int, char**) -> int { throw std::bad_alloc(); }) ==
        "1 demo: out of memory: make the model or the batch smaller\n");
}

namespace {

/// Runs `body` in a child process; its exit code, or 1000 + the signal that ended it.
template <class Body> int in_child(const Body& body) {
  std::cout.flush();  // or the child would write what is buffered
  const pid_t child = fork();
  if (child == 0) {
    Arguments arguments({});
    _exit(kit::run_main(arguments.count(), arguments.pointers.data(), [&](int, char**) { return body(); }));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("kit interrupt: the first signal is noted, the second ends the program") {
  const auto raised = [](int first, int second) {
    return in_child([=] {
      for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_DFL);  // nohup ignores one
      kit::watch_interrupts();
      if (kit::interrupted()) return 90;
      raise(first);
      if (!kit::interrupted()) return 91;
      if (second) raise(second);
      return 0;
    });
  };
  CHECK(raised(SIGINT, 0) == 130);
  CHECK(raised(SIGTERM, 0) == 143);
  CHECK(raised(SIGINT, SIGINT) == 1000 + SIGINT);
  CHECK(raised(SIGINT, SIGTERM) == 1000 + SIGTERM);
  CHECK(raised(SIGHUP, 0) == 129);
  CHECK(raised(SIGHUP, SIGHUP) == 129);  // a closing terminal hangs up twice
  CHECK(raised(SIGHUP, SIGTERM) == 1000 + SIGTERM);
  CHECK(raised(SIGTERM, SIGHUP) == 143);
  CHECK(in_child([] { return kit::interrupt_exit_code(); }) == 0);
}

TEST_CASE("kit interrupt: an ignored SIGINT stays ignored") {
  CHECK(in_child([] {
          std::signal(SIGINT, SIG_IGN);
          kit::watch_interrupts();
          raise(SIGINT);
          return kit::interrupted() ? 91 : 0;
        }) == 0);
}

TEST_CASE("kit interrupt: a pipe without a reader stops a run that watches, silently") {
  const int code = in_child([] {
    kit::watch_interrupts();
    int ends[2];
    if (pipe(ends) != 0) return 90;
    close(ends[0]);
    dup2(ends[1], 1);
    std::cout << "results\n" << std::flush << "more\n" << std::flush;
    return kit::interrupted() && kit::reader_is_gone() ? 0 : 91;
  });
  CHECK(code == 128 + SIGPIPE);
}

TEST_CASE("kit cli: closed standard streams are opened, so that no file becomes one of them") {
  const int code = in_child([] {  // run_main has done it already; here explicitly, once more
    for (const int number : {0, 1, 2}) close(number);
    kit::open_standard_streams();
    const int next = open("/dev/null", O_RDONLY);
    const bool writes_fail = write(1, "x", 1) == -1;
    return next > 2 && writes_fail && kit::stdout_fault().rfind("stdout: is closed", 0) == 0 ? 7 : 90;
  });
  CHECK(code == 7);
}

TEST_CASE("kit cli: a closed stdout ends the program silently") {
  const int code = in_child([] {
    int ends[2];
    if (pipe(ends) != 0) return 90;
    close(ends[0]);
    dup2(ends[1], 1);
    std::cout << "results\n" << std::flush;
    return 91;
  });
  CHECK(code == 1000 + SIGPIPE);
}

TEST_CASE("kit cli: a full disk under stdout is an error") {
  const int code = in_child([] {
    if (!freopen("/dev/full", "w", stdout)) return 90;
    std::cerr.setstate(std::ios::failbit);
    std::cout << "results\n";
    return 0;
  });
  CHECK(code == 1);
}
