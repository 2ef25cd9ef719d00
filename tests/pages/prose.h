// What pages and comments name: files, folders, functions, links. And what there is of them.
#pragma once

#include <cctype>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "support/pages.h"

namespace heed::test {

inline bool is_word(char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// The words of a line for readers: all of it in a page, the comment in a source. Quoted text is no comment.
inline std::string comment_of(const std::string& line, const std::string& mark) {
  bool quoted = false;
  for (size_t i = 0; i + mark.size() <= line.size(); ++i) {
    if (line[i] == '"' && (i == 0 || line[i - 1] != '\\')) quoted = !quoted;
    const bool after_space = i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t' || line[i - 1] == '/';
    if (!quoted && after_space && line.compare(i, mark.size(), mark) == 0) return line.substr(i);
  }
  return "";
}

/// Names of files in prose: what ends in .h, .cpp, .inc, .cmake, .md, .py or .sh. "heed/" in front is left out, and
/// <isa>, {a,b} and * stand for anything.
inline std::vector<std::string> files_named_in(const std::string& prose) {
  std::vector<std::string> names;
  const auto part_of_name = [](char c) {
    return is_word(c) || c == '.' || c == '/' || c == '-' || c == '*' || c == '<' || c == '>' || c == '{' || c == '}';
  };
  for (size_t i = 0; i < prose.size();) {
    if (!part_of_name(prose[i])) {
      ++i;
      continue;
    }
    const size_t begin = i;
    bool braces = false;
    while (i < prose.size() && (part_of_name(prose[i]) || (braces && prose[i] == ','))) {
      if (prose[i] == '{') braces = true;
      if (prose[i] == '}') braces = false;
      ++i;
    }
    std::string name = prose.substr(begin, i - begin);
    while (!name.empty() && (name.back() == '.' || name.back() == '>' || name.back() == '/')) name.pop_back();
    if (name.find("<heed/") == 0) name = name.substr(6);
    if (name.find("heed/") == 0) name = name.substr(5);
    for (size_t open; (open = name.find_first_of("<{")) != std::string::npos;) {
      const size_t close = name.find_first_of(">}", open);
      name = name.substr(0, open) + "*" + (close == std::string::npos ? "" : name.substr(close + 1));
    }
    const size_t dot = name.rfind('.');
    if (dot == std::string::npos || name.find("//") == 0 || name.find("*.") == 0) continue;
    static const std::set<std::string> kinds{"h", "cpp", "inc", "cmake", "md", "py", "sh"};
    if (dot > 0 && kinds.count(name.substr(dot + 1)) == 1 && name[dot - 1] != '/') names.push_back(name);
  }
  return names;
}

/// Names of folders in prose: `nn/attention/`, with the slash at the end.
inline std::vector<std::string> folders_named_in(const std::string& prose) {
  std::vector<std::string> names;
  for (size_t end = 0; (end = prose.find('/', end)) != std::string::npos; ++end) {
    if (end + 1 < prose.size() && (is_word(prose[end + 1]) || prose[end + 1] == '/' || prose[end + 1] == '.' ||
                                   prose[end + 1] == '*' || prose[end + 1] == '<' || prose[end + 1] == '{'))
      continue;
    size_t begin = end;
    while (begin > 0 && (std::islower(static_cast<unsigned char>(prose[begin - 1])) != 0 || prose[begin - 1] == '_' ||
                         prose[begin - 1] == '/'))
      --begin;
    const bool whole = begin == 0 || prose[begin - 1] == ' ' || prose[begin - 1] == '`' || prose[begin - 1] == '(';
    if (whole && end - begin > 1 && prose[begin] != '/') names.push_back(prose.substr(begin, end - begin));
  }
  return names;
}

/// Names in prose that are followed by (), as heed's: not those after torch., std:: and their like.
inline std::vector<std::string> functions_named_in(const std::string& prose) {
  std::vector<std::string> names;
  for (size_t at = 0; (at = prose.find("()", at)) != std::string::npos; at += 2) {
    size_t begin = at;
    while (begin > 0 && (is_word(prose[begin - 1]) || prose[begin - 1] == '.' || prose[begin - 1] == ':')) --begin;
    const std::string whole = prose.substr(begin, at - begin);
    if (whole.find("torch.") == 0 || whole.find("std::") == 0 || whole.find("np.") == 0 || whole.find("F.") == 0)
      continue;
    const size_t last = whole.find_last_of(".:");
    const std::string name = last == std::string::npos ? whole : whole.substr(last + 1);
    if (!name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0) names.push_back(name);
  }
  return names;
}

/// The targets of a line's links, [text](target).
inline std::vector<std::string> links_in(const std::string& line) {
  std::vector<std::string> targets;
  for (size_t at = 0; (at = line.find("](", at)) != std::string::npos; ++at) {
    const size_t end = line.find(')', at);
    if (end != std::string::npos) targets.push_back(line.substr(at + 2, end - at - 2));
  }
  return targets;
}

/// `code` in a line of a page.
inline std::vector<std::string> code_spans(const std::string& line) {
  std::vector<std::string> spans;
  for (size_t at = 0; (at = line.find('`', at)) != std::string::npos;) {
    const size_t end = line.find('`', at + 1);
    if (end == std::string::npos) break;
    if (end > at + 1) spans.push_back(line.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return spans;
}

/// The name that a piece of code is made of, or "" where it is more than one: "nn::load()" -> "load".
inline std::string name_in(const std::string& code) {
  std::string name = ends_with(code, "()") ? code.substr(0, code.size() - 2) : code;
  const size_t last = name.find_last_of(".:");
  if (name.find("torch.") == 0 || name.find("std::") == 0 || last + 1 == name.size()) return "";
  for (const char c : name)
    if (!is_word(c) && c != '.' && c != ':') return "";
  name = last == std::string::npos ? name : name.substr(last + 1);
  return std::isalpha(static_cast<unsigned char>(name[0])) != 0 ? name : "";
}

/// The anchors of a page's headings, as hosting sites make them.
inline std::set<std::string> anchors_of(const fs::path& page) {
  std::set<std::string> anchors;
  for (const std::string& line : lines_of(page)) {
    if (line.empty() || line[0] != '#') continue;
    std::string anchor;
    for (const char c : trimmed(line.substr(line.find_first_not_of('#')))) {
      if (c == ' ') anchor += '-';
      else if (is_word(c) || c == '-' || (static_cast<unsigned char>(c) & 0x80) != 0)
        anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    anchors.insert(anchor);
  }
  return anchors;
}

/// pattern, in which * is anything, is text or what follows its last /.
inline bool matches(const std::string& pattern, const std::string& text) {
  const size_t star = pattern.find('*');
  if (star == std::string::npos) return text == pattern || ends_with(text, "/" + pattern);
  const std::string head = pattern.substr(0, star), tail = pattern.substr(star + 1);
  for (size_t begin = 0; begin != std::string::npos;) {
    const std::string rest = text.substr(begin);
    if (rest.compare(0, head.size(), head) == 0)
      for (size_t i = head.size(); i <= rest.size(); ++i)
        if (tail.find('*') != std::string::npos ? matches(tail, rest.substr(i)) : rest.substr(i) == tail) return true;
    begin = text.find('/', begin);
    if (begin != std::string::npos) ++begin;
  }
  return false;
}

/// The tree: which files there are, which words its code holds, and which of them are called or declared.
struct Tree {
  fs::path root = fs::path(HEED_TESTS_DIR).parent_path();
  std::vector<std::string> texts = readable_files(root);  // what readers read: pages and sources
  std::set<std::string> files, folders, words, called;

  Tree() {
    for (const char* folder : {"core", "autograd", "nn", "optim", "examples", "tests", ".ci"})
      for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
        const std::string name = fs::relative(entry.path(), root).generic_string();
        if (entry.is_directory()) folders.insert(name);
        else if (name.find("/corpus/") == std::string::npos) files.insert(name);
      }
    for (const char* folder : {"core", "autograd", "nn", "optim", "examples", "tests", ".ci"}) folders.insert(folder);
    for (const auto& entry : fs::directory_iterator(root))
      if (entry.is_regular_file()) files.insert(entry.path().filename().string());
    for (const std::string& file : files) {
      static const std::set<std::string> kinds{".h",    ".cpp", ".inc", ".cmake", ".txt",
                                               ".json", ".py",  ".sh",  ".js",    ""};
      const std::string kind = fs::path(file).extension().string();
      if (kinds.count(kind) == 0 || file.find("tests/golden/data") == 0 || file.find("tests/pages/") == 0) continue;
      const bool cpp = kind == ".h" || kind == ".cpp" || kind == ".inc";
      for (const std::string& line : lines_of(root / file)) add_words(cpp ? code_of(line) : line);
    }
  }

  bool has_file(const std::string& name, const std::string& from) const {
    const std::string beside = (fs::path(from).parent_path() / name).lexically_normal().generic_string();
    if (files.count(name) == 1 || files.count(beside) == 1) return true;
    for (const std::string& file : files)
      if (matches(name, file)) return true;
    return false;
  }

  bool has_folder(const std::string& name, const std::string& from) const {
    const std::string beside = (fs::path(from).parent_path() / name).lexically_normal().generic_string();
    if (folders.count(name) == 1 || folders.count(beside) == 1) return true;
    for (const std::string& folder : folders)
      if (ends_with(folder, "/" + name)) return true;
    return false;
  }

 private:
  static std::string code_of(const std::string& line) {
    const std::string comment = comment_of(line, "//");
    return line.substr(0, line.size() - comment.size());
  }

  void add_words(const std::string& code) {
    for (size_t i = 0; i < code.size();) {
      if (!is_word(code[i])) {
        ++i;
        continue;
      }
      const size_t begin = i;
      while (i < code.size() && is_word(code[i])) ++i;
      const std::string word = code.substr(begin, i - begin);
      words.insert(word);
      if (i < code.size() && (code[i] == '(' || code[i] == '{' || code.compare(i, 2, ")(") == 0 || code[i] == '<'))
        called.insert(word);
    }
  }
};

}  // namespace heed::test
