// No code that readers are shown escapes the compiler.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/pages.h"

using namespace heed::test;

namespace {

const fs::path root = fs::path(HEED_TESTS_DIR).parent_path();

// "nn_module_h_1" of  #include <snippets/nn_module_h_1.inc>, for every such line of the tests.
std::map<std::string, int> included_snippets() {
  std::map<std::string, int> included;
  for (const char* folder : {"tests/pages", "tests/consumer"})
    for (const auto& entry : fs::directory_iterator(root / folder)) {
      if (entry.path().extension() != ".cpp") continue;
      for (const std::string& line : lines_of(entry.path())) {
        const std::string begin = "#include <snippets/";
        if (line.find(begin) == 0) ++included[line.substr(begin.size(), line.rfind(".inc>") - begin.size())];
      }
    }
  return included;
}

}  // namespace

TEST_CASE("snippets: every block of code in a page or a header is compiled") {
  std::map<std::string, int> included = included_snippets();
  int blocks = 0;
  for (const std::string& file : readable_files(root)) {
    for (const Block& block : snippets_of(root, file)) {
      INFO(file << ":" << block.line << ": include <snippets/" << block.name << ".inc> in a test of tests/pages/");
      CHECK(included.erase(block.name) == 1);
      ++blocks;
    }
    for (const Cells& row : table_rows(root, file))
      if (is_heading_of_code(row.cells)) {
        INFO(file << ":" << row.line << ": include <snippets/" << row.table << ".inc>");
        CHECK(included.erase(row.table) == 1);
      }
  }
  for (const auto& [name, count] : included) {
    INFO(name << " is included, and no page has it");
    CHECK(false);
  }
  CHECK(blocks > 60);
}

TEST_CASE("snippets: what is indented and ends as code does is code") {
  using Lines = std::vector<std::string>;
  CHECK(looks_like_code({"f(x);  // what it does"}));
  CHECK(looks_like_code({"#include <heed/nn/nn.h>"}));
  CHECK(looks_like_code(Lines{"for (;;) {", "  …", "}"}));
  CHECK_FALSE(looks_like_code({"y = max(x, 0);  y' = [x > 0]"}));
  CHECK_FALSE(looks_like_code({"m = β₁m + (1-β₁)g"}));
}

TEST_CASE("snippets: what a line says it gives is compared") {
  const Block block{"", "nn/x.h", 7, {"f(1, {.a = 2});  // -> 3", "for (…) g();  // … stays"}};
  CHECK(compilable(block) ==
        "#line 7 \"nn/x.h\"\nSAYS(R\"__(3)__\", f(1, {.a = 2}));\nfor (ELLIPSIS) g();  // … stays\n");
}

TEST_CASE("snippets: a cell may hold a bar") {
  for (const Cells& row : table_rows(root, "nn/from_pytorch.md"))
    if (row.cells[0].find("`mask |") == 0) {
      CHECK(row.cells[1] == "`mask | (x < 2)`");
      return;
    }
  FAIL("nn/from_pytorch.md has no row for |");
}
