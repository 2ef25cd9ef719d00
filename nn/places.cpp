#include <heed/nn/places.h>

#include <algorithm>

#include <heed/core/text.h>
#include <heed/nn/clone.h>
#include <heed/nn/load.h>

namespace heed::nn {

bool path_matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] != '*')
    return !text.empty() && text[0] == pattern[0] && path_matches(pattern.substr(1), text.substr(1));
  const bool any = pattern.starts_with("**");
  const std::string_view rest = pattern.substr(any ? 2 : 1);
  for (size_t n = any ? 0 : 1; n <= text.size(); ++n) {
    if (!any && text[n - 1] == '.') return false;
    if (path_matches(rest, text.substr(n))) return true;
  }
  return false;
}

void fail_unknown(const std::string& who, const std::string& path, const std::string& near, const std::string& wrong,
                  const std::vector<std::string>& candidates) {
  constexpr size_t shown = 30;
  std::string list;
  for (size_t i = 0; i < std::min(candidates.size(), shown); ++i)
    list += (i > 0 ? ", " : "") + (candidates[i].empty() ? "\"\"" : candidates[i]);
  if (candidates.size() > shown) list += ", … (" + std::to_string(candidates.size()) + " in all)";
  fail(who, ": ", quote(path), ": ", wrong, suggestion(near, candidates), ": there is ", list.empty() ? "none" : list);
}

Places::Places(const char* who, const Module& model, const std::vector<std::string>& patterns) : who_(who) {
  std::vector<std::string> names;
  const std::vector<NamedModule> modules = named_modules(model);
  for (const NamedModule& m : modules) {
    names.push_back(m.name);
    known_.try_emplace(m.module).first->second.path = m.name;
  }
  for (size_t i = modules.size(); i-- > 0;) known_[modules[i].module].path = modules[i].name;  // the first of several
  for (const std::string& text : patterns) {
    const size_t colon = std::min(text.find(':'), text.size());
    const std::string path = text.substr(0, colon);
    patterns_.push_back({text, colon < text.size() ? text.substr(colon + 1) : "", path.find('*') == std::string::npos});
    bool matches = false;
    for (const NamedModule& m : modules) {
      if (!path_matches(path, m.name)) continue;
      matches = true;
      std::vector<size_t>& of_module = known_[m.module].patterns;
      if (of_module.empty() || of_module.back() != patterns_.size() - 1) of_module.push_back(patterns_.size() - 1);
    }
    if (!matches) fail_unknown(who_, path, path, cat(class_name(model), " has no such module"), names);
  }
}

Places::Known* Places::of(const core::ScopeFrame& at, bool output) {
  for (const core::ScopeFrame* frame = &at; frame; frame = output ? nullptr : frame->outer)
    if (const auto found = known_.find(frame->module); found != known_.end()) return &found->second;
  return nullptr;
}

const std::string* Places::find(const core::ScopeFrame& at, const char* point) {
  Known* const m = of(at, *point == '\0');
  if (!m || m->patterns.empty()) return nullptr;
  m->points.insert(point);
  const auto [entry, is_new] = m->wanted.try_emplace(point);
  bool named = false;
  for (const size_t i : m->patterns) {
    Pattern& pattern = patterns_[i];
    if (pattern.point.empty() ? *point != '\0' : *point == '\0' || !path_matches(pattern.point, point)) continue;
    ++pattern.found;
    named = true;
  }
  if (!named) return nullptr;
  if (is_new) entry->second = *point ? m->path + ":" + point : m->path;
  return &entry->second;
}

void Places::check_points(const core::ScopeFrame& at) const {
  const auto found = known_.find(at.module);
  if (found == known_.end()) return;
  for (const size_t i : found->second.patterns) {
    const Pattern& pattern = patterns_[i];
    if (!pattern.exact || pattern.found > 0 || pattern.point.empty()) continue;
    fail_unknown(who_, pattern.text, pattern.point, "this call has no such point",
                 {found->second.points.upper_bound(""), found->second.points.end()});
  }
}

std::string Places::never_found() const {
  std::string text;
  for (const Pattern& pattern : patterns_) {
    if (pattern.found > 0) continue;
    std::set<std::string> points;
    for (const auto& [module, m] : known_) points.insert(m.points.upper_bound(""), m.points.end());
    text += (text.empty() ? "" : ", ") + quote(pattern.text);
    if (!pattern.point.empty()) {
      text += " (points that there were:";
      for (const std::string& point : points) text += " " + point;
      text += points.empty() ? " none)" : ")";
    }
  }
  return text;
}

}  // namespace heed::nn
