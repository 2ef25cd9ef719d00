// Places: which values of a running model a list of patterns names. For capture.h, which explains patterns, and patch.h.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <heed/nn/module.h>

namespace heed::nn {

class Places {
 public:
  /// Throws Error, beginning with `who`, if a pattern matches no module of the model; it names the nearest path and lists
  /// the others. The model must stay where it is.
  Places(const char* who, const Module& model, const std::vector<std::string>& patterns);

  /// The path of this value if a pattern names it, else null. A point belongs to the innermost running module that the
  /// model names.
  const std::string* find(const core::ScopeFrame& at, const char* point);

  /// Error if a pattern without a * named a point of the module whose call ends, and it has no such point.
  void check_points(const core::ScopeFrame& at) const;
  /// The patterns that named no value so far, with the points that there were.
  std::string never_found() const;

 private:
  struct Pattern {
    std::string text, point;  // "h.3.attn:heads", "heads"
    bool exact;               // no * before the point
    int found = 0;
  };
  struct Known {
    std::string path;
    std::vector<size_t> patterns;               // that match the path
    std::set<std::string> points;               // met so far
    std::map<std::string, std::string> wanted;  // point -> full path, or "" if no pattern names it
  };
  Known* of(const core::ScopeFrame& at, bool output);
  std::string has_points(const Known& m) const;

  std::string who_;
  std::vector<Pattern> patterns_;
  std::map<const void*, Known> known_;
};

/// Whether a pattern matches all of `text`: * is one character or more but a dot, ** any run.
bool path_matches(std::string_view pattern, std::string_view text);

/// Error: `who`, the path, what is wrong, the candidate that is nearest to `near`, and a list of them.
[[noreturn]] void fail_unknown(const std::string& who, const std::string& path, const std::string& near,
                               const std::string& wrong, const std::vector<std::string>& candidates);

}  // namespace heed::nn
