// Writes the code of every page and comment to files of their own, for tests that compile it:
//     extract ROOT FOLDER
// For each block (support/pages.h says which there are) the folder gets a file, as nn_module_h_1 with the ending inc, and
// for each table "| PyTorch … | heed | …" of a page one, as nn_from_pytorch_md_table_1.
// What did not change is not written, so that nothing is compiled again for nothing; "done" in the folder is all of it,
// for builds to look at.
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "../support/pages.h"

using namespace heed::test;
using Names = std::vector<std::string>;

namespace {

void write(const fs::path& file, const std::string& text) {
  if (fs::exists(file) && text_of(file) == text) return;
  std::ofstream(file, std::ios::binary) << text;
}

// "`a`" -> "a"; of several pieces of code the first.
std::string code_in(const std::string& cell) {
  const size_t begin = cell.find('`'), end = cell.find('`', begin + 1);
  return begin == std::string::npos ? "" : cell.substr(begin + 1, end - begin - 1);
}

// row(line, what it gives, [] { ROW_CONTEXT return EXPRESSION; });  or statements, which end in ; or }
std::string row_as_code(const std::string& file, const Cells& row) {
  const std::string code = code_in(row.cells[1]), gives = row.cells.size() > 2 ? code_in(row.cells[2]) : "";
  const bool statement = ends_with(code, ";") || ends_with(code, "}");
  const bool shown = row.cells.size() > 2;  // what it gives has a column
  const std::string body = statement ? "{ " + code + " }" : shown ? "return " + code + ";" : "(void)(" + code + ");";
  return "#line " + std::to_string(row.line) + " \"" + file + "\"\nrow(" + std::to_string(row.line) + ", R\"__(" +
         gives + ")__\", [] { ROW_CONTEXT " + body + " });\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "extract: give the root and the folder to write to\n";
    return 2;
  }
  const fs::path root = argv[1], folder = argv[2];
  fs::create_directories(folder);
  std::string all;
  const auto write_snippet = [&](const std::string& name, const std::string& code) {
    write(folder / (name + ".inc"), code);
    all += name + "\n" + code;
  };
  for (const std::string& file : readable_files(root)) {
    for (const Block& block : snippets_of(root, file)) write_snippet(block.name, compilable(block));
    if (!ends_with(file, ".md")) continue;
    std::map<std::string, std::string> tables;
    for (const Cells& row : table_rows(root, file)) {
      if (is_heading_of_code(row.cells)) tables[row.table] = "";
      else if (tables.count(row.table) == 1 && row.cells.size() > 1 && !code_in(row.cells[1]).empty())
        tables[row.table] += row_as_code(file, row);
    }
    for (const auto& [name, code] : tables) write_snippet(name, code);
  }
  write(folder / "done", all);
}
