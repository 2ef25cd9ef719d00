// No include points up: core <- autograd <- nn, and optim -> autograd.
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "support/catch.h"

namespace {

namespace fs = std::filesystem;

// The folders whose headers a folder may include.
const std::map<std::string, std::set<std::string>> allowed{
    {"core", {"core"}},
    {"autograd", {"core", "autograd"}},
    {"nn", {"core", "autograd", "nn"}},
    {"optim", {"core", "autograd", "optim"}},
};

// "autograd" of  #include <heed/autograd/node.h>;  "" of other lines, the whole target of "quoted" ones.
std::string folder_of(const std::string& line) {
  const size_t hash = line.find_first_not_of(' ');
  if (hash == std::string::npos || line.compare(hash, 8, "#include") != 0) return "";
  const size_t quote = line.find('"'), mark = line.find("<heed/");
  if (quote != std::string::npos && quote < line.find('<')) return line.substr(quote);
  if (mark == std::string::npos) return "";
  const size_t begin = mark + 6;
  return line.substr(begin, line.find('/', begin) - begin);
}

}  // namespace

TEST_CASE("the reader of includes reads includes") {
  CHECK(folder_of("#include <heed/nn/module.h>") == "nn");
  CHECK(folder_of("  #include <heed/core/kernels/kernels.h>  // why") == "core");
  CHECK(folder_of("#include \"node.h\"") == "\"node.h\"");
  CHECK(folder_of("#include <vector>").empty());
  CHECK(folder_of("// #include <heed/nn/module.h>").empty());
}

TEST_CASE("no include points up") {
  const fs::path root = fs::path(HEED_TESTS_DIR).parent_path();
  for (const auto& [folder, may] : allowed) {
    int files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string kind = entry.path().extension().string();
      if (kind != ".h" && kind != ".cpp" && kind != ".inc") continue;
      ++files;
      std::ifstream file(entry.path());
      std::string line;
      for (int number = 1; std::getline(file, line); ++number) {
        const std::string target = folder_of(line);
        if (target.empty()) continue;
        INFO(entry.path().string() << ":" << number << ": " << line);
        CHECK(may.count(target) == 1);
      }
    }
    INFO(folder);
    CHECK(files >= 5);
  }
}

// The standard library's hashes have a fixed seed: whoever writes a file can choose keys that all fall into
// one place, and time grows with their square.
TEST_CASE("nothing that reads files keeps its words in hash tables") {
  const fs::path root = fs::path(HEED_TESTS_DIR).parent_path();
  for (const char* folder : {"core", "autograd", "nn", "optim", "examples"})
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      std::ifstream file(entry.path());
      std::string line;
      for (int number = 1; std::getline(file, line); ++number) {
        INFO(entry.path().string() << ":" << number << ": " << line);
        CHECK(line.find("std::unordered_") == std::string::npos);
      }
    }
}

// Paths are given on command lines: a message quotes them, and cuts them where they are long.
TEST_CASE("every path in a message is quoted") {
  const std::regex bare(R"RE(", [a-z_.]+\.string\(\),)RE");  // not readable(path.string())
  const fs::path root = fs::path(HEED_TESTS_DIR).parent_path();
  for (const char* folder : {"core", "autograd", "nn", "optim", "examples"})
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      std::ifstream file(entry.path());
      std::string line;
      for (int number = 1; std::getline(file, line); ++number) {
        INFO(entry.path().string() << ":" << number << ": " << line);
        CHECK_FALSE(std::regex_search(line, bare));
      }
    }
}

// Clang before 16 captures no structured binding, and clang from 16 on says that a capture of its name shadows it.
TEST_CASE("no capture has the name of what it captures") {
  const std::regex same(R"RE(\[(.*, )?&?([a-z_]+) = \2[,\]])RE");
  CHECK(std::regex_search("[&key = key](", same));
  CHECK(std::regex_search("[this, n = n, &m](", same));
  CHECK_FALSE(std::regex_search("[&note = key](", same));
  const fs::path root = fs::path(HEED_TESTS_DIR).parent_path();
  for (const char* folder : {"core", "autograd", "nn", "optim", "examples"})
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      std::ifstream file(entry.path());
      std::string line;
      for (int number = 1; std::getline(file, line); ++number) {
        INFO(entry.path().string() << ":" << number << ": " << line);
        CHECK_FALSE((line.find('[') != std::string::npos && std::regex_search(line, same)));
      }
    }
}

TEST_CASE("every header has a guard, and no source is longer than a reader would accept") {
  const fs::path root = fs::path(HEED_TESTS_DIR).parent_path();
  for (const auto& [folder, may] : allowed)
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string kind = entry.path().extension().string();
      if (kind != ".h" && kind != ".cpp") continue;
      std::ifstream file(entry.path());
      std::string line;
      int lines = 0;
      bool guarded = false;
      for (; std::getline(file, line); ++lines) guarded |= line == "#pragma once";
      INFO(entry.path().string() << " has " << lines << " lines");
      CHECK((kind != ".h" || guarded));
      CHECK(lines <= (kind == ".h" ? 200 : 400));
    }
}

TEST_CASE("tests reach Catch2 through support/catch.h, under names that every CTest can hand back") {
  const fs::path tests(HEED_TESTS_DIR);
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(tests)) {
    const std::string kind = entry.path().extension().string(), name = entry.path().filename().string();
    if ((kind != ".h" && kind != ".cpp") || name == "catch.h" || name == "catch_main.cpp") continue;
    ++files;
    std::ifstream file(entry.path());
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
      INFO(entry.path().string() << ":" << number << ": " << line);
      CHECK((line.find("#include") != 0 || line.find("catch2/") == std::string::npos));
      const size_t begin = line.find('"');
      if (line.find("TEST_CASE(") != 0 || begin == std::string::npos) continue;
      const std::string title = line.substr(begin + 1, line.find('"', begin + 1) - begin - 1);
      CHECK(title.find_first_of("[];\\") == std::string::npos);
    }
  }
  CHECK(files > 100);
}
