// The pages of the tree (*.md) and the comments of its sources, as tests read them: blocks of code, rows of tables.
//
// Code is the text between ```cpp and ``` in a page, and in a comment lines indented by five characters or more,
// provided that one of its lines ends as code does (in ; or { or "; }") or begins with #include. All else that is
// indented is a formula or an output. How code is prepared for the compiler:
//
//   - … becomes ELLIPSIS, a macro that the file that includes the snippet may define;
//   - a line "f(x);  // -> 3" becomes SAYS("3", f(x)), so that its result is compared with the comment.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace heed::test {

namespace fs = std::filesystem;

struct Block {
  std::string name;  // "nn_module_h_1": the file, and the index of the block in it
  std::string file;  // relative to the root
  int line = 0;      // of its first line
  std::vector<std::string> lines;
};

struct Cells {
  std::string table;  // "nn_pytorch_md_table_1"
  int line = 0;
  std::vector<std::string> cells;  // of one row, the heading included
};

inline std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline std::vector<std::string> lines_of(const fs::path& file) {
  std::istringstream text(text_of(file));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

inline std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

inline bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Pages and sources, relative to the root, in order, without those of builds and corpora.
inline std::vector<std::string> readable_files(const fs::path& root) {
  std::vector<std::string> files;
  const auto take = [&](const fs::path& path) {
    const std::string kind = path.extension().string(), name = fs::relative(path, root).generic_string();
    if (kind != ".md" && kind != ".h" && kind != ".cpp" && kind != ".inc") return;
    if (name.find("/corpus/") == std::string::npos) files.push_back(name);
  };
  for (const auto& entry : fs::directory_iterator(root))
    if (entry.is_regular_file()) take(entry.path());
  for (const char* folder : {"core", "autograd", "nn", "optim", "examples", "tests"})
    for (const auto& entry : fs::recursive_directory_iterator(root / folder))
      if (entry.is_regular_file()) take(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

inline std::string as_name(std::string file) {
  for (char& c : file)
    if (c == '/' || c == '.') c = '_';
  return file;
}

/// The code of a line, without the comment at its end.
inline std::string without_comment(const std::string& line) {
  const size_t at = line.find("//");
  return trimmed(at == std::string::npos ? line : line.substr(0, at));
}

inline bool looks_like_code(const std::vector<std::string>& lines) {
  return std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    const std::string code = without_comment(line);
    return ends_with(code, ";") || ends_with(code, "{") || ends_with(code, "; }") || code.find("#include") == 0;
  });
}

/// Every block of a page that is fenced as ```cpp.
inline std::vector<Block> fenced_blocks(const fs::path& root, const std::string& file) {
  std::vector<Block> blocks;
  bool inside = false;
  int number = 0;
  for (const std::string& line : lines_of(root / file)) {
    ++number;
    const std::string text = trimmed(line);
    if (!inside && text == "```cpp") blocks.push_back({"", file, number + 1, {}}), inside = true;
    else if (inside && text == "```") inside = false;
    else if (inside) blocks.back().lines.push_back(line);
  }
  return blocks;
}

/// Every block of a source's comments that is indented, formulas too.
inline std::vector<Block> indented_blocks(const fs::path& root, const std::string& file) {
  std::vector<Block> blocks;
  bool inside = false, in_list = false;
  int number = 0;
  for (const std::string& line : lines_of(root / file)) {
    ++number;
    std::string text = trimmed(line);
    size_t slashes = 0;
    while (slashes < text.size() && text[slashes] == '/') ++slashes;
    text = slashes < 2 ? "" : text.substr(slashes);
    if (text.compare(0, 5, "     ") == 0 && slashes < 4 && !in_list) {
      if (!inside) blocks.push_back({"", file, number, {}});
      blocks.back().lines.push_back(text.substr(5));
      inside = true;
    } else {
      inside = false;
      in_list = text.compare(0, 4, "   -") == 0 || (in_list && text.compare(0, 5, "     ") == 0);
    }
  }
  return blocks;
}

/// All code that a file shows its readers, named by its position in the file.
inline std::vector<Block> snippets_of(const fs::path& root, const std::string& file) {
  const bool page = ends_with(file, ".md");
  std::vector<Block> snippets;
  if (!page && (!ends_with(file, ".h") || file.find("tests/") == 0)) return snippets;
  for (Block& block : page ? fenced_blocks(root, file) : indented_blocks(root, file)) {
    if (!page && !looks_like_code(block.lines)) continue;
    block.name = as_name(file) + "_" + std::to_string(snippets.size() + 1);
    snippets.push_back(std::move(block));
  }
  return snippets;
}

/// The code of a block as compiled; compiler errors name the page and its line.
inline std::string compilable(const Block& block) {
  std::string code = "#line " + std::to_string(block.line) + " \"" + block.file + "\"\n";
  for (std::string line : block.lines) {
    const size_t says = line.find("// -> ");
    if (says != std::string::npos) {
      std::string value = trimmed(line.substr(0, says));
      value.pop_back();  // the semicolon
      if (value.find("std::cout << ") == 0) value = value.substr(13);
      line = "SAYS(R\"__(" + trimmed(line.substr(says + 6)) + ")__\", " + value + ");";
    }
    const size_t comment = line.find("//");
    for (size_t at = 0; (at = line.find("…", at)) != std::string::npos && at < comment;)
      line.replace(at, std::string("…").size(), "ELLIPSIS");
    code += line + "\n";
  }
  return code;
}

/// Whether a table's first row says that its second column is code: "PyTorch …", "heed", and perhaps "gives".
inline bool is_heading_of_code(const std::vector<std::string>& cells) {
  return cells.size() > 1 && cells.size() < 4 && cells[0].find("PyTorch") == 0 && cells[1] == "heed" &&
         (cells.size() == 2 || cells[2] == "gives");
}

/// The rows of a page's tables, headings first, cells trimmed.
inline std::vector<Cells> table_rows(const fs::path& root, const std::string& file) {
  std::vector<Cells> rows;
  int number = 0, tables = 0;
  bool inside = false;
  for (const std::string& line : lines_of(root / file)) {
    ++number;
    const std::string text = trimmed(line);
    const bool row = text.size() > 2 && text.front() == '|' && text.back() == '|';
    tables += row && !inside;
    inside = row;
    if (!row || text.compare(0, 4, "|---") == 0) continue;
    Cells cells{as_name(file) + "_table_" + std::to_string(tables), number, {}};
    std::string cell;
    for (size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\' && text[i + 1] == '|') cell += text[++i];  // in code, too
      else if (text[i] != '|') cell += text[i];
      else cells.cells.push_back(trimmed(std::exchange(cell, "")));
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

}  // namespace heed::test
