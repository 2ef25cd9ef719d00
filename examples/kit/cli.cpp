#include <heed/examples/kit/cli.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <csignal>
#include <exception>
#include <iostream>
#include <new>
#include <string_view>

#include <heed/core/parallel.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/option.h>
#include <heed/examples/kit/terminal.h>
#include <heed/nn/summary.h>

#ifndef HEED_VERSION
#define HEED_VERSION "(version unknown: built without CMake)"
#endif

namespace heed::kit {
namespace {

/// "  left      right …", the right part wrapped at column 100 and indented to its own column.
std::string two_columns(const std::string& left, const std::string& right, int left_width) {
  std::string text = "  " + left;
  int column = 2 + text_width(left);
  const int indent = left_width + 4;
  if (column + 2 > indent) text += '\n', column = 0;
  text += std::string(indent - column, ' ');
  column = indent;
  for (size_t begin = 0; begin < right.size();) {
    size_t end = std::min(right.find(' ', begin), right.size());
    const std::string word = right.substr(begin, end - begin);
    if (column > indent && column + 1 + text_width(word) > 100) {
      text += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      text += ' ';
      ++column;
    }
    text += word;
    column += text_width(word);
    begin = end + 1;
  }
  return text + '\n';
}

std::string left_of(const Option& option) {
  const bool on = std::holds_alternative<bool*>(option.target) && *std::get<bool*>(option.target);
  const std::string value = value_name(option);
  return (on ? "--no-" : "--") + option.name + (value.empty() ? "" : " " + value);
}

std::string right_of(const Option& option) {
  std::vector<std::string> notes;
  const std::string value = shown_default(option);
  const OptionRules& rules = option.rules;
  if (!value.empty()) notes.push_back("default " + value);
  if (rules.min && *rules.min != 0) notes.push_back("at least " + general(*rules.min));
  if (rules.max && *rules.max < 1e8) notes.push_back("at most " + general(*rules.max));
  std::string text;
  for (const auto& note : notes) text += (text.empty() ? " (" : ", ") + note;
  return option.help + text + (text.empty() ? "" : ")");
}

/// A word quoted for a POSIX shell, if it needs quotes; control characters (except newlines) are written
/// with printf, since a terminal would obey them.
std::string for_the_shell(const std::string& word) {
  constexpr std::string_view plain = "-_./=,:+@%";
  const auto is_plain = [&](unsigned char c) {
    return std::isalnum(c) || plain.find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return word;
  std::string quoted = "'";
  for (size_t i = 0; i < word.size(); ++i) {
    const auto c = static_cast<unsigned char>(word[i]);
    const bool c1 = c == 0xC2 && i + 1 < word.size() && static_cast<unsigned char>(word[i + 1]) < 0xA0;
    if (c == '\'') {
      quoted += "'\\''";
    } else if ((c < 0x20 && c != '\n') || c == 0x7F || c1) {
      const char octal[] = {'\\', static_cast<char>('0' + c / 64), static_cast<char>('0' + c / 8 % 8),
                            static_cast<char>('0' + c % 8), '\0'};
      quoted += std::string("'\"$(printf '") + octal;
      if (c1) {
        const auto next = static_cast<unsigned char>(word[++i]);
        quoted += {'\\', static_cast<char>('0' + next / 64), static_cast<char>('0' + next / 8 % 8),
                   static_cast<char>('0' + next % 8)};
      }
      quoted += "')\"'";
    } else {
      quoted += word[i];
    }
  }
  return quoted + "'";
}

}  // namespace

Cli::Cli(std::string program, std::string what_it_does)
    : program_(std::move(program)), what_(std::move(what_it_does)) {}

void Cli::group(const std::string& heading, const std::vector<Option>& options) {
  groups_.push_back({heading, {}});
  for (const Option& option : options) {
    check(!find(option.name) && option.name != "help" && option.name != "version", "command line: --", option.name,
          ": is defined twice: give each option a name of its own");
    groups_.back().options.push_back(option);
  }
}

void Cli::common(Common& common) {
  common_ = &common;
  if (common.out.empty()) common.out = std::filesystem::path("out") / program_;
  std::vector<Option> options;
  if (!common.steps_help.empty()) options = {{"steps", &common.steps, common.steps_help, {.min = 0, .max = 1e9}}};
  const std::vector<Option> others = {
      {"seed",
       &common.seed,
       "seed of all random numbers; the same seed gives the same result",
       {.min = 0, .max = 9e18}},
      {"threads",
       &common.threads,
       "number of threads; results do not depend on it",
       {.min = 0, .max = 1024, .shown_default = "all processors"}},
      {"out", &common.out, "folder for the files made", {.value = "DIR"}},
      {"quiet", &common.quiet, "no progress on stderr"},
      {"json", &common.json, "results as one JSON object on the last line of stdout"},
      {"summary", &common.summary, "print the first model's layers: shapes, parameters, time, memory"}};
  options.insert(options.end(), others.begin(), others.end());
  group("Common", options);
}

void Cli::example(const std::string& command, const std::string& what) { examples_.emplace_back(command, what); }

void Cli::json_keys(const std::vector<std::pair<std::string, std::string>>& keys) {
  json_keys_.insert(json_keys_.end(), keys.begin(), keys.end());
}

const Option* Cli::find(const std::string& name) const {
  for (const Group& group : groups_)
    for (const Option& option : group.options)
      if (option.name == name) return &option;
  return nullptr;
}

void Cli::unknown(const std::string& name) const {
  std::vector<std::string> names = {"help", "version"};
  for (const Group& group : groups_)
    for (const Option& option : group.options) {
      names.push_back(option.name);
      if (std::holds_alternative<bool*>(option.target)) names.push_back("no-" + option.name);
    }
  const std::string near = nearest(name, names);
  throw UsageError(readable("--" + name) + ": unknown option: " +
                   (near.empty() ? program_ + " --help lists all" : "did you mean --" + near + "?"));
}

bool Cli::parse(int argc, char** argv) {
  if (argc > 0 && *argv[0] != '\0') called_ = argv[0];
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      std::cout << help();
      return false;
    }
    if (argument == "--version") {
      std::cout << program_ << ", an example of heed " << HEED_VERSION << '\n';
      return false;
    }
    if (argument.size() < 3 || argument.compare(0, 2, "--") != 0)
      throw UsageError(quote(argument) + ": is not an option: options begin with --, and " + program_ +
                       " --help lists them");
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    const Option* option = find(name);
    if (equals != std::string::npos) {
      if (!option) unknown(name);
      assign(*option, argument.substr(equals + 1));
      given_.push_back({name, {argument}});
      continue;
    }
    const bool negated = !option && name.compare(0, 3, "no-") == 0;
    if (negated) option = find(name.substr(3));
    if (!option || (negated && !std::holds_alternative<bool*>(option->target))) unknown(name);
    if (std::holds_alternative<bool*>(option->target)) {
      assign(*option, negated ? "false" : "true");
      given_.push_back({option->name, {argument}});
      continue;
    }
    if (i + 1 >= argc || std::string(argv[i + 1]).compare(0, 2, "--") == 0)
      throw UsageError("--" + name + ": no value follows: give " + expectation(*option) + ", as in --" + name + "=" +
                       value_name(*option));
    assign(*option, argv[++i]);
    given_.push_back({name, {argument, argv[i]}});
  }
  if (common_ && common_->threads > 0) set_num_threads(common_->threads);
  if (common_ && common_->summary) summary_ = std::make_shared<nn::SummaryOfFirst>(std::cout);
  return true;
}

const Option& Cli::known(const std::string& name) const {
  const Option* option = find(name);
  check(option != nullptr, "command line: --", name, ": is not defined: give the name of an option in a group");
  return *option;
}

std::string Cli::value(const std::string& name) const { return value_of(known(name)); }

bool Cli::given(const std::string& name) const {
  known(name);
  return std::any_of(given_.begin(), given_.end(), [&](const auto& option) { return option.first == name; });
}

void Cli::refuse_unused(const std::vector<Unused>& rows) const {
  for (const Unused& row : rows) {
    std::string names;
    for (const std::string& name : row.options)
      if (given(name)) names += (names.empty() ? "--" : ", --") + name;
    check<UsageError>(!row.now || names.empty(), names, ": ", row.why);
  }
}

std::string Cli::help() const {
  std::string text = what_ + "\n\nusage: " + program_ + " [options]\n";
  int width = text_width("-h, --help");
  for (const Group& group : groups_)
    for (const Option& option : group.options) width = std::max(width, std::min(30, text_width(left_of(option))));
  for (const Group& group : groups_) {
    text += '\n' + group.heading + '\n';
    for (const Option& option : group.options) text += two_columns(left_of(option), right_of(option), width);
  }
  text += two_columns("-h, --help", "this text", width) + two_columns("--version", "the version", width);

  const auto section = [&text](const std::string& heading, const auto& rows) {
    if (rows.empty()) return;
    text += '\n' + heading + '\n';
    int column = 0;
    for (const auto& [left, right] : rows) column = std::max(column, text_width(left));
    for (const auto& [left, right] : rows) text += two_columns(left, right, column);
  };
  section("Examples", examples_);
  section("Keys of the object that --json prints", json_keys_);
  return text;
}

void Cli::print_json(const Json::Object& results) const {
  if (summary_) summary_->finish();  // the object is the last line
  check(results.size() == json_keys_.size(), "--json: ", results.size(), " results: --help documents ",
        json_keys_.size(), ": give each documented key once");
  for (size_t i = 0; i < results.size(); ++i)
    check(results[i].first == json_keys_[i].first, "--json: '", results[i].first, "': --help documents '",
          json_keys_[i].first, "' in this position: use the same names in the same order");
  if (common_ && common_->json) std::cout << Json(results) << std::endl;
}

std::vector<Cli::Setting> Cli::settings() const {
  std::vector<Setting> all;
  for (const Group& group : groups_)
    for (const Option& option : group.options) {
      const bool was_given = given(option.name);
      const std::string& words = option.rules.shown_default;
      all.push_back({option.name, was_given || words.empty() ? value_of(option) : words, was_given});
    }
  return all;
}

void Cli::print_json_partly(const Json::Object& results) const {
  Json::Object all;
  auto next = results.begin();
  for (const auto& [key, meaning] : json_keys_) {
    const bool there = next != results.end() && next->first == key;
    all.emplace_back(key, there ? next->second : Json());
    next += there;
  }
  check(next == results.end(), "--json: a key is not documented, or not in this position: use --help's, in its order");
  print_json(all);
}

namespace {

// Each as one word, since a value may begin with a dash.
std::string shell_words(const Cli::NamesAndValues& options) {
  std::string text;
  for (const auto& [name, value] : options) text += ' ' + for_the_shell("--" + name + '=' + value);
  return text;
}

}  // namespace

std::string Cli::command(const NamesAndValues& extra) const {
  std::string text = bare_command({});
  for (const auto& was : given_)
    if (std::none_of(extra.begin(), extra.end(), [&](const auto& option) { return option.first == was.first; }))
      for (const std::string& word : was.second) text += ' ' + for_the_shell(word);
  NamesAndValues added = extra;
  std::erase_if(added, [](const auto& option) { return option.second.empty(); });
  return text + shell_words(added);
}

std::string Cli::bare_command(const NamesAndValues& options) const {
  return for_the_shell(called_.empty() ? program_ : called_) + shell_words(options);
}

void check_memory(double parameters, double kept_values) {
  const double needed = 16 * parameters + 4 * kept_values, there = physical_memory();
  check<UsageError>(there == 0 || needed <= there, "sizes: training would need about ",
                    general(std::ceil(needed / 1e9), 6), " GB, this machine has ", general(std::round(there / 1e9), 6),
                    ": make the model or the batch smaller");
}

double transformer_parameters(int64_t layers, int64_t width) {
  return 12.0 * static_cast<double>(layers) * static_cast<double>(width) * static_cast<double>(width);
}

double transformer_values(int64_t layers, int64_t width, int64_t tokens) {
  return 16.0 * static_cast<double>(layers) * static_cast<double>(width) * static_cast<double>(tokens);
}

int run_main(int argc, char** argv, const std::function<int(int, char**)>& body) {
  open_standard_streams();
#ifdef SIGPIPE
  std::signal(SIGPIPE, SIG_DFL);  // a parent may have ignored it, and `| head` would then be an error
#endif
  const std::string program = argc > 0 ? readable(std::filesystem::path(argv[0]).filename().string()) : "heed";
  // Some messages begin with the program's name as the name of the operation: it is printed once.
  const auto report = [&program](std::string_view what) {
    if (what.substr(0, program.size() + 2) == program + ": ") what.remove_prefix(program.size() + 2);
    std::cerr << program << ": " << harmless(what) << std::endl;
  };
  int code = 1;
  try {
    code = body(argc, argv);
    if (code == 0) code = interrupt_exit_code();
  } catch (const UsageError& error) {
    report(error.what());
    return 2;
  } catch (const std::bad_alloc&) {
    report("out of memory: make the model or the batch smaller");
  } catch (const std::exception& error) { report(error.what()); }
  std::cout.flush();
  if (reader_is_gone() || std::cout.good()) return code;
  report(stdout_fault());
  return 1;
}

}  // namespace heed::kit
