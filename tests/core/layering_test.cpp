// No include points up: core <- autograd <- nn, and optim -> autograd; nor does one between their rooms.
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "support/catch.h"

namespace {

namespace fs = std::filesystem;

// The rooms, and those whose headers each may include beside its own. An arrow that is not here is a new
// dependency: argue for it, or turn it round.
const std::map<std::string, std::set<std::string>> allowed{
    {"core", {"core/memory", "core/kernels"}},
    {"core/memory", {"core"}},
    {"core/kernels", {"core"}},
    {"core/ops", {"core", "core/kernels", "core/memory"}},
    {"core/files", {"core"}},
    {"autograd", {"core", "core/files", "core/memory", "core/ops", "autograd/ops"}},
    {"autograd/ops", {"core", "core/ops", "autograd"}},
    {"nn", {"core", "core/files", "autograd", "autograd/ops", "nn/layers"}},
    {"nn/layers", {"core", "core/ops", "autograd", "autograd/ops", "nn"}},
    {"nn/attention", {"core", "core/ops", "autograd", "autograd/ops", "nn", "nn/layers"}},
    {"nn/recurrent", {"core/ops", "autograd", "autograd/ops", "nn", "nn/layers", "nn/attention"}},
    {"nn/models", {"core", "core/files", "autograd", "autograd/ops", "nn", "nn/layers", "nn/attention"}},
    {"nn/doctor", {"core", "core/ops", "autograd", "autograd/ops", "nn", "nn/layers", "nn/attention"}},
    {"optim", {"core", "core/kernels", "autograd", "autograd/ops"}},
};
constexpr const char* folders[] = {"core", "autograd", "nn", "optim"};
// These list all that users include, and may look anywhere below themselves.
const std::set<std::string> lists = {"autograd/ops.h", "nn/nn.h"};
// These stand on top of the rooms of their folder: they look into all of them, and only a list looks at them.
const std::set<std::string> tops = {"nn/tutorial.h", "nn/tutorial.cpp"};

// "autograd/ops" of  #include <heed/autograd/ops/reduce.h>;  "" of other lines, the whole target of "quoted" ones.
std::string room_of(const std::string& line) {
  const size_t hash = line.find_first_not_of(' ');
  if (hash == std::string::npos || line.compare(hash, 8, "#include") != 0) return "";
  const size_t quote = line.find('"'), mark = line.find("<heed/");
  if (quote != std::string::npos && quote < line.find('<')) return line.substr(quote);
  if (mark == std::string::npos) return "";
  const size_t begin = mark + 6;
  return line.substr(begin, line.rfind('/', line.find('>')) - begin);
}

// visit("path:line: ", line) for every line of the library and the examples.
template <class Visit> void for_each_line(Visit&& visit) {
  const fs::path root = fs::path(HEED_TESTS_DIR).parent_path();
  int files = 0;
  for (const char* folder : {"core", "autograd", "nn", "optim", "examples"})
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (!entry.is_regular_file()) continue;
      ++files;
      std::ifstream file(entry.path());
      std::string line;
      for (int number = 1; std::getline(file, line); ++number)
        visit(entry.path().string() + ":" + std::to_string(number) + ": ", line);
    }
  REQUIRE(files > 300);
}

}  // namespace

TEST_CASE("the reader of includes reads includes") {
  CHECK(room_of("#include <heed/nn/module.h>") == "nn");
  CHECK(room_of("  #include <heed/core/kernels/kernels.h>") == "core/kernels");
  CHECK(room_of("#include \"node.h\"") == "\"node.h\"");
  CHECK(room_of("#include <heed/nn/scope.h>  // and / or") == "nn");
  CHECK(room_of("#include <vector>").empty());
  CHECK(room_of("// #include <heed/nn/module.h>").empty());
}

TEST_CASE("no include points up") {
  const fs::path root = fs::path(HEED_TESTS_DIR).parent_path();
  std::map<std::string, int> files;
  std::set<std::string> unused;
  for (const auto& [room, may] : allowed)
    for (const std::string& target : may) unused.insert(room + " -> " + target);
  for (const char* folder : folders)
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string kind = entry.path().extension().string();
      if (kind != ".h" && kind != ".cpp" && kind != ".inc") continue;
      const std::string path = fs::relative(entry.path(), root).generic_string(),
                        room = path.substr(0, path.rfind('/'));
      ++files[room];
      std::ifstream file(entry.path());
      std::string line;
      for (int number = 1; std::getline(file, line); ++number) {
        const std::string target = room_of(line);
        if (target.empty() || lists.count(path) == 1) continue;
        INFO(path << ":" << number << ": " << line);
        for (const std::string& top : tops)
          if (tops.count(path) == 0) CHECK(line.find("<heed/" + top + ">") == std::string::npos);
        if (target == room) continue;
        if (tops.count(path) == 1 && target.rfind(room + "/", 0) == 0) continue;
        REQUIRE(allowed.count(room) == 1);
        CHECK(allowed.at(room).count(target) == 1);
        unused.erase(room + " -> " + target);
      }
    }
  for (const auto& [room, may] : allowed) {
    INFO(room);
    CHECK(files[room] >= 4);
  }
  for (const std::string& arrow : unused) {
    INFO(arrow << " is allowed, and no include needs it");
    CHECK(false);
  }
}

// The standard library's hashes have a fixed seed: the author of a file can choose keys that all fall into
// one bucket, and time grows with their square.
TEST_CASE("nothing that reads files keeps its words in hash tables") {
  for_each_line([&](const std::string& where, const std::string& line) {
    INFO(where << line);
    CHECK(line.find("std::unordered_") == std::string::npos);
  });
}

// Paths are given on command lines: a message quotes them, and cuts them where they are long.
TEST_CASE("every path in a message is quoted") {
  const std::regex bare(R"RE(", [a-z_.]+\.string\(\),)RE");  // not readable(path.string())
  for_each_line([&](const std::string& where, const std::string& line) {
    INFO(where << line);
    CHECK_FALSE(std::regex_search(line, bare));
  });
}

// Clang before 16 captures no structured binding, and clang from 16 on says that a capture of its name shadows it.
TEST_CASE("no capture has the name of what it captures") {
  const std::regex same(R"RE(\[(.*, )?&?([a-z_]+) = \2[,\]])RE");
  CHECK(std::regex_search("[&key = key](", same));
  CHECK(std::regex_search("[this, n = n, &m](", same));
  CHECK_FALSE(std::regex_search("[&note = key](", same));
  for_each_line([&](const std::string& where, const std::string& line) {
    INFO(where << line);
    CHECK_FALSE((line.find('[') != std::string::npos && std::regex_search(line, same)));
  });
}

TEST_CASE("every header has a guard, and no source is longer than a reader would accept") {
  const fs::path root = fs::path(HEED_TESTS_DIR).parent_path();
  for (const char* folder : folders)
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
