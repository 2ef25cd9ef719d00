#include <heed/examples/kit/option.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <heed/core/text.h>
#include <heed/examples/kit/format.h>

namespace heed::kit {
namespace {

[[noreturn]] void refuse(const Option& option, const std::string& text, const char* why) {
  const std::string near = nearest(text, option.rules.choices);
  throw UsageError(cat("--", option.name, ": ", quote(text), ": ", why, ": ",
                       near.empty() ? "" : "did you mean " + near + "? ", "give ", expectation(option)));
}

void check_range(const Option& option, const std::string& text, double value) {
  const OptionRules& rules = option.rules;
  if ((rules.min && value < *rules.min) || (rules.above && value <= *rules.above) || (rules.max && value > *rules.max))
    refuse(option, text, "is out of range");
}

template <class T> void assign_integer(const Option& option, T& target, const std::string& text) {
  const auto value = parse_int(text);
  if (!value || !std::in_range<T>(*value)) refuse(option, text, "is not an integer");
  check_range(option, text, static_cast<double>(*value));
  target = static_cast<T>(*value);
}

}  // namespace

void assign(const Option& option, const std::string& text) {
  if (auto target = std::get_if<bool*>(&option.target)) {
    if (text != "true" && text != "false") refuse(option, text, "is not a truth value");
    **target = text == "true";
  } else if (auto target = std::get_if<int*>(&option.target)) {
    assign_integer(option, **target, text);
  } else if (auto target = std::get_if<int64_t*>(&option.target)) {
    assign_integer(option, **target, text);
  } else if (auto target = std::get_if<double*>(&option.target)) {
    const auto value = parse_double(text);
    if (!value || !std::isfinite(*value)) refuse(option, text, "is not a number");
    check_range(option, text, *value);
    **target = *value;
  } else if (auto target = std::get_if<std::string*>(&option.target)) {
    const auto& choices = option.rules.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end())
      refuse(option, text, "is not a choice");
    **target = text;
  } else {
    if (text.empty()) refuse(option, text, "is empty");
    *std::get<std::filesystem::path*>(option.target) = text;
  }
}

std::string value_name(const Option& option) {
  if (!option.rules.value.empty()) return option.rules.value;
  if (!option.rules.choices.empty()) return joined(option.rules.choices, "|");
  static const char* const names[] = {"", "N", "N", "X", "TEXT", "PATH"};
  return names[option.target.index()];
}

std::string expectation(const Option& option) {
  static const char* const kinds[] = {"true or false", "an integer", "an integer", "a number", "a text", "a path"};
  const OptionRules& rules = option.rules;
  if (!rules.choices.empty()) return "one of " + joined(rules.choices, ", ");
  std::vector<std::string> bounds;
  if (rules.min) bounds.push_back("of at least " + general(*rules.min));
  if (rules.above) bounds.push_back("above " + general(*rules.above));
  if (rules.max) bounds.push_back((bounds.empty() ? "of at most " : "at most ") + general(*rules.max));
  const std::string kind = kinds[option.target.index()];
  return bounds.empty() ? kind : kind + ' ' + joined(bounds, " and ");
}

std::string shown_default(const Option& option) {
  if (!option.rules.shown_default.empty()) return option.rules.shown_default;
  if (auto target = std::get_if<bool*>(&option.target)) return **target ? "on" : "";
  if (auto target = std::get_if<double*>(&option.target)) return general(**target, 10);
  return value_of(option);
}

std::string value_of(const Option& option) {
  if (auto target = std::get_if<bool*>(&option.target)) return **target ? "true" : "false";
  if (auto target = std::get_if<int*>(&option.target)) return std::to_string(**target);
  if (auto target = std::get_if<int64_t*>(&option.target)) return std::to_string(**target);
  if (auto target = std::get_if<double*>(&option.target)) return shortest(**target);
  if (auto target = std::get_if<std::string*>(&option.target)) return **target;
  return std::get<std::filesystem::path*>(option.target)->string();
}

std::string nearest(const std::string& word, const std::vector<std::string>& words) {
  std::string best;
  if (word.size() > 100) return best;          // no name is near that, and the distance would cost its length squared
  size_t best_distance = 2 + word.size() / 4;  // a larger distance is not a typing error
  for (const auto& candidate : words) {
    const bool starts = word.size() >= 3 && candidate.rfind(word, 0) == 0;
    const size_t distance = starts ? 1 : edit_distance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace heed::kit
