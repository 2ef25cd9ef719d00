// Command lines: a table of options, bound to variables.
//
//     int run(int argc, char** argv) {
//       kit::Common common{.steps = 2000};
//       double lr = 1e-3;
//       kit::Cli cli("char_gpt", "Trains a character transformer and samples from it.");
//       cli.group("Training", {{"lr", &lr, "peak learning rate", {.above = 0}}});
//       cli.common(common);
//       cli.json_keys({{"val_loss", "nats per character on the validation split"}});
//       if (!cli.parse(argc, argv)) return 0;             // --help or --version was printed
//       …
//       cli.print_json({{"val_loss", loss}});             // prints only with --json
//       return 0;
//     }
//     int main(int argc, char** argv) { return heed::kit::run_main(argc, argv, run); }
//
// A variable's value before parse is the default that --help shows. `--opt value` and `--opt=value`
// are the same; a flag is `--flag`, `--no-flag` or `--flag=true|false`; the last one given wins.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <heed/core/error.h>
#include <heed/examples/kit/json.h>

namespace heed::nn {
class SummaryOfFirst;
}

namespace heed::kit {

/// A command line that cannot be understood; run_main ends the program with exit code 2.
struct UsageError : Error {
  using Error::Error;
};

/// Calls make(), which depends on the command line only, so an Error of it becomes a UsageError. Errors about
/// files that cannot be read or understood stay as they are.
template <class Make> auto from_settings(const Make& make) {
  try {
    return make();
  } catch (const IoError&) { throw; } catch (const FormatError&) {
    throw;
  } catch (const Error& error) { throw UsageError(error.what()); }
}

/// The same for the value of a single option, as --prompt; the message begins with its name.
template <class Make> auto from_option(const std::string& option, const Make& make) {
  try {
    return make();
  } catch (const Error& error) { throw UsageError(option + ": " + error.what()); }
}

/// Throws UsageError if training would need more memory than the machine has, estimated from the number of
/// parameters (with gradients and an optimizer's two means) and of values kept for backward.
void check_memory(double parameters, double kept_values);

/// The parameters of a Transformer's blocks, and the values that they keep for `tokens` tokens.
double transformer_parameters(int64_t layers, int64_t width);
double transformer_values(int64_t layers, int64_t width, int64_t tokens);

/// What is allowed for a value, and how --help shows it.
struct OptionRules {
  std::optional<double> min = std::nullopt;    // at least
  std::optional<double> above = std::nullopt;  // more than
  std::optional<double> max = std::nullopt;    // at most
  std::vector<std::string> choices = {};       // for strings
  std::string value = {};                      // "FILE"; by default N, X, TEXT, PATH or the choices
  std::string shown_default = {};              // instead of the variable's value
};

struct Option {
  using Target = std::variant<bool*, int*, int64_t*, double*, std::string*, std::filesystem::path*>;
  std::string name;  // without the dashes
  Target target;
  std::string help;
  OptionRules rules = {};
};

/// Options that change nothing in a run of this kind. Those that every program has (--seed, --threads, --out, --quiet,
/// --json) are never among them, so that a script can give them to all.
struct Unused {
  bool now;                          // in the run that the command line asks for
  std::vector<std::string> options;  // without the dashes
  std::string why;                   // and what to do: "a loaded model has its own: train a new one without --load"
};

/// What every example has.
struct Common {
  int64_t seed = 0;
  int threads = 0;                 // 0: as many as there are processors
  std::filesystem::path out = {};  // by default out/<program>
  int64_t steps = 1000;
  std::string steps_help = "training steps";  // "": the program has no --steps
  bool quiet = false;
  bool json = false;
  bool summary = false;
};

class Cli {
 public:
  Cli(std::string program, std::string what_it_does);

  /// Adds options under a heading of --help. Throws Error if a name is taken.
  void group(const std::string& heading, const std::vector<Option>& options);

  /// Adds --steps, --seed, --threads, --out, --quiet, --json and --summary. With the last, parse() begins to wait for
  /// the first model that is called, and prints its layers (nn::SummaryOfFirst).
  void common(Common& common);

  /// A line under "Examples" of --help: the command and what it shows.
  void example(const std::string& command, const std::string& what);

  /// The keys of the object that --json prints, with what they mean.
  void json_keys(const std::vector<std::pair<std::string, std::string>>& keys);

  /// Sets the variables. Returns false after printing --help or --version: the program then ends.
  /// Throws UsageError.
  [[nodiscard]] bool parse(int argc, char** argv);

  /// Whether the command line gave this option, be it with its default. Throws Error if there is no such option.
  bool given(const std::string& name) const;

  /// The option's present value, exactly: "0.001", "true".
  std::string value(const std::string& name) const;

  /// For after parse: throws UsageError if an option was given that changes nothing, so that nobody waits for its effect.
  /// The first row that concerns the run is reported, with all of its options that were given:
  ///     --layers, --width: a loaded model has its own: train a new one without --load
  void refuse_unused(const std::vector<Unused>& rows) const;

  std::string help() const;

  /// With --json, one line on stdout. Throws Error unless exactly the documented keys are given.
  void print_json(const Json::Object& results) const;

  /// The same for a run without some of the results: they are null.
  void print_json_partly(const Json::Object& results) const;

  /// Every option in the order of --help, with its present value, or, where --help says so, with words for its default.
  struct Setting {
    std::string name, value;
    bool given;  // on the command line
  };
  std::vector<Setting> settings() const;
  const std::string& program() const { return program_; }
  const std::string& what_it_does() const { return what_; }

  /// The command line that runs the program as it was called, with options added, replaced or, by an empty value, left out:
  /// "bin/char_gpt --steps 500 --resume=out/char_gpt/checkpoint.safetensors". Words are quoted for a shell.
  using NamesAndValues = std::vector<std::pair<std::string, std::string>>;
  std::string command(const NamesAndValues& extra) const;

  /// The same with these options only: "bin/char_gpt --load=out/char_gpt/model.safetensors --prompt=a".
  std::string bare_command(const NamesAndValues& options) const;

 private:
  struct Group {
    std::string heading;
    std::vector<Option> options;
  };
  const Option* find(const std::string& name) const;
  const Option& known(const std::string& name) const;
  [[noreturn]] void unknown(const std::string& name) const;

  std::string program_, what_;
  std::vector<Group> groups_;
  std::vector<std::pair<std::string, std::string>> examples_, json_keys_;
  std::string called_;                                                   // argv[0]
  std::vector<std::pair<std::string, std::vector<std::string>>> given_;  // (option, its words)
  const Common* common_ = nullptr;
  std::shared_ptr<nn::SummaryOfFirst> summary_;  // watches while the Cli lives
};

/// Runs body(argc, argv) and turns what it throws into one line on stderr and an exit code: 2 for a
/// UsageError, 1 for any other exception, 129, 130 or 143 after an interrupt, else what body returns.
/// Every main consists of this call. Before it, closed standard streams are opened on /dev/null; after it, a
/// stdout that could not be written (closed, disk full) is an error. A pipe without a reader (`| head`)
/// ends the program silently.
int run_main(int argc, char** argv, const std::function<int(int, char**)>& body);

}  // namespace heed::kit
