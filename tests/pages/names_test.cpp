// Every file, folder, function and link that a page or a comment names exists.
#include <cctype>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "prose.h"
#include "support/catch.h"

using namespace heed::test;
using Names = std::vector<std::string>;

namespace {

const Tree& tree() {
  static const Tree one;
  return one;
}

// Other people's, or made by a program: they need not be here.
const std::set<std::string> foreign_files{"blis.h", "model.py", "mine.h", "mine.cpp"};
const std::set<std::string> made_folders{"build/embedded"};
const std::set<std::string> foreign_functions{"fork", "main"};
const std::set<std::string> foreign_names{"once_differentiable", "proj_size"};

// visit("path:line", path, prose) for each line that is written for readers.
template <class Visit> void for_each_prose(Visit visit) {
  for (const std::string& file : tree().texts) {
    const bool page = ends_with(file, ".md");
    int number = 0;
    for (const std::string& line : lines_of(tree().root / file)) {
      ++number;
      const std::string prose = page ? line : comment_of(line, "//");
      if (!prose.empty()) visit(file + ":" + std::to_string(number), file, prose);
    }
  }
  for (const std::string& file : tree().files) {
    const std::string kind = fs::path(file).extension().string();
    if (kind != ".cmake" && kind != ".sh" && kind != ".py" && file != "CMakeLists.txt" && file != ".ci/run") continue;
    int number = 0;
    for (const std::string& line : lines_of(tree().root / file)) {
      ++number;
      const std::string prose = comment_of(line, "#");
      if (!prose.empty() && number > 1) visit(file + ":" + std::to_string(number), file, prose);
    }
  }
}

// "nn/module.h:3: what is missing", one a line: what is named and is not there.
class Missing {
 public:
  void note(const std::string& where, const std::string& name, bool there) {
    ++named;
    if (!there) list_ += "  " + where + ": " + name + "\n";
  }
  void check(int at_least) const {
    INFO("not there:\n"
         << list_ << "write the name as it is now, or, where it is somebody else's, add it to the lists above");
    CHECK(list_.empty());
    CHECK(named > at_least);
  }

 private:
  int named = 0;
  std::string list_;
};

}  // namespace

TEST_CASE("the reader of prose reads names") {
  CHECK(files_named_in("see `nn/nn.h`, (masks.h) and <heed/nn/nn.h>.") == Names{"nn/nn.h", "masks.h", "nn/nn.h"});
  CHECK(files_named_in("tasks_*.cpp kernels_<isa>.cpp {a,b}.h *.md https://x.org/y.md 1.h. f.hpp") ==
        Names{"tasks_*.cpp", "kernels_*.cpp", "1.h"});
  CHECK(folders_named_in("in `nn/layers/`, tests/golden/ and core/array.h or 1/2") ==
        Names{"nn/layers", "tests/golden"});
  CHECK(functions_named_in("`x.sum()` and backward(), torch.sum(), std::sort(), nn::load()") ==
        Names{"sum", "backward", "load"});
  CHECK(links_in("[a](b.md) and ![c](d/e.png)") == Names{"b.md", "d/e.png"});
  CHECK(code_spans("`a` b `c|d`") == Names{"a", "c|d"});
  CHECK(name_in("nn::load()") == "load");
  CHECK(name_in("x + y").empty());
  CHECK(comment_of("x = \"//\";  // y", "//") == "// y");
  CHECK(matches("kernels_*.cpp", "core/kernels/kernels_avx2.cpp"));
  CHECK_FALSE(matches("kernel_*.cpp", "core/kernels/kernels_avx2.cpp"));
}

TEST_CASE("every file that a page or a comment names exists") {
  Missing missing;
  for_each_prose([&](const std::string& where, const std::string& file, const std::string& prose) {
    if (file == "CHANGELOG.md") return;  // it says what there was
    for (const std::string& name : files_named_in(prose)) {
      if (foreign_files.count(name) == 1) continue;
      missing.note(where, name, tree().has_file(name, file));
    }
  });
  missing.check(400);
}

TEST_CASE("every folder that a page or a comment names exists") {
  Missing missing;
  for_each_prose([&](const std::string& where, const std::string& file, const std::string& prose) {
    if (prose.find("http") != std::string::npos) return;
    for (const std::string& name : folders_named_in(prose)) {
      if (made_folders.count(name) == 1) continue;
      missing.note(where, name, tree().has_folder(name, file));
    }
  });
  missing.check(50);
}

TEST_CASE("every function that a page or a comment names exists") {
  Missing missing;
  for_each_prose([&](const std::string& where, const std::string& file, const std::string& prose) {
    const bool theirs = file.find("pytorch.md") != std::string::npos;
    for (const std::string& name : functions_named_in(theirs ? "" : prose)) {
      if (foreign_functions.count(name) == 1) continue;
      missing.note(where, name, tree().called.count(name) == 1);
    }
  });
  missing.check(150);
}

TEST_CASE("every name that a page sets as code exists") {
  Missing missing;
  for (const std::string& page : tree().texts) {
    if (!ends_with(page, ".md") || page == "CHANGELOG.md") continue;
    int number = 0;
    for (const std::string& line : lines_of(tree().root / page)) {
      ++number;
      const size_t second = line.find('|', 1);  // of the first column PyTorch's names are
      const bool theirs = (page.find("pytorch") != std::string::npos || page == "nn/index.md") && line[0] == '|' &&
                          second != std::string::npos;
      for (const std::string& code : code_spans(theirs ? line.substr(second) : line)) {
        const std::string name = name_in(code);
        if (name.empty() || foreign_names.count(name) == 1 || !files_named_in(code).empty()) continue;
        missing.note(page + ":" + std::to_string(number), code, tree().words.count(name) == 1);
      }
    }
  }
  missing.check(100);
}

TEST_CASE("the index leads from at least two hundred terms to a file that says them") {
  const std::string page = "nn/index.md";
  std::set<std::string> terms;
  std::string last;
  Missing missing;
  for (const Cells& row : table_rows(tree().root, page)) {
    if (row.cells.size() != 3 || row.cells[0] == "term") continue;
    const std::string where = page + ":" + std::to_string(row.line);
    INFO(where << ": " << row.cells[0]);
    CHECK(terms.insert(row.cells[0]).second);  // each once …
    std::string key;
    for (const char c : row.cells[0])
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == ' ')
        key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    CHECK(last <= key);  // … in the order of the alphabet
    last = key;
    std::string files;
    for (const std::string& link : links_in(row.cells[1])) files += link + " " + text_of(tree().root / "nn" / link);
    for (const std::string& code : code_spans(row.cells[2])) {
      const std::string name = name_in(code);
      if (!name.empty() && files_named_in(code).empty())
        missing.note(where, code, files.find(name) != std::string::npos);
    }
  }
  missing.check(250);
  CHECK(terms.size() >= 200);
}

// "Vaswani et al. 2017", "Ba & Kingma 2015" -> "Vaswani 2017", …: the first name before the year, in a comment.
TEST_CASE("the reading list has every work that a comment cites") {
  const std::string list = text_of(tree().root / "nn/reading.md");
  const std::regex cited("([A-Z][a-z]+(?: [a-z]+)?) (?:et al\\.|& (?:van de )?[A-Z][a-z]+),? ([12][0-9]{3})");
  Missing missing;
  for_each_prose([&](const std::string& where, const std::string& file, const std::string& prose) {
    if (ends_with(file, ".md") || file.find("tests/") == 0) return;
    for (std::sregex_iterator it(prose.begin(), prose.end(), cited), end; it != end; ++it) {
      const std::string name = (*it)[1].str(), year = (*it)[2].str();
      bool listed = false;
      std::istringstream lines(list);
      for (std::string line; std::getline(lines, line);)
        listed |=
            line.find(name.substr(0, name.find(' '))) != std::string::npos && line.find(year) != std::string::npos;
      missing.note(where, it->str(), listed);
    }
  });
  missing.check(50);
}

TEST_CASE("every preset that a page names exists") {
  const std::string presets = text_of(tree().root / "CMakePresets.json");
  Missing missing;
  for_each_prose([&](const std::string& where, const std::string&, const std::string& prose) {
    const std::string option = "--preset ";
    for (size_t at = 0; (at = prose.find(option, at)) != std::string::npos;) {
      at += option.size();
      size_t end = at;
      while (end < prose.size() && is_word(prose[end])) ++end;
      const std::string name = prose.substr(at, end - at);
      missing.note(where, name, presets.find("\"name\": \"" + name + "\"") != std::string::npos);
    }
  });
  missing.check(4);
}

TEST_CASE("every link of a page leads somewhere") {
  int followed = 0;
  for (const std::string& page : tree().texts) {
    if (!ends_with(page, ".md")) continue;
    for (const std::string& line : lines_of(tree().root / page))
      for (const std::string& target : links_in(line)) {
        if (target.find("://") != std::string::npos || target.find(' ') != std::string::npos) continue;
        ++followed;
        INFO(page << " links to " << target);
        const size_t hash = target.find('#');
        const std::string path = target.substr(0, hash);
        const fs::path to = path.empty() ? tree().root / page : (tree().root / page).parent_path() / path;
        REQUIRE(fs::exists(to));
        if (hash != std::string::npos) CHECK(anchors_of(to).count(target.substr(hash + 1)) == 1);
      }
  }
  CHECK(followed > 20);
}
