// What a source takes from the standard library it includes, itself or through a header of heed. What happens to
// come along with another standard header differs by compiler, library and version of Catch2.
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "support/catch.h"

namespace {

namespace fs = std::filesystem;

struct Header {
  const char* name;
  const char* gives;  // names after std::, and words that stand alone
};

constexpr Header headers[] = {
    {"algorithm",
     "sort stable_sort partial_sort nth_element min max minmax min_element max_element clamp find find_if any_of "
     "all_of none_of count count_if copy copy_n copy_if fill fill_n generate transform reverse rotate shuffle unique "
     "remove_if replace equal mismatch lexicographical_compare lower_bound upper_bound binary_search equal_range "
     "for_each is_sorted swap_ranges search partition adjacent_find next_permutation"},
    {"array", "array"},
    {"atomic", "atomic memory_order memory_order_relaxed memory_order_acquire memory_order_release"},
    {"bit", "bit_cast bit_width bit_ceil countr_zero countl_zero popcount endian has_single_bit"},
    {"charconv", "from_chars to_chars"},
    {"chrono", "chrono"},
    {"cmath",
     "abs fabs sqrt cbrt pow exp exp2 expm1 log log2 log10 log1p sin cos tan tanh sinh cosh atan atan2 acos asin erf "
     "erfc tgamma lgamma floor ceil round lround llround trunc nearbyint rint fmod remainder fma hypot copysign isnan "
     "isinf isfinite signbit nan nextafter ldexp frexp ilogb scalbn fmin fmax modf INFINITY NAN"},
    {"concepts", "integral floating_point same_as convertible_to invocable"},
    {"condition_variable", "condition_variable"},
    {"cstdint", "int8_t uint8_t int16_t uint16_t int32_t uint32_t int64_t uint64_t INT64_MAX INT64_MIN"},
    {"cstdio", "printf fprintf snprintf fopen fclose FILE fflush fputs fwrite"},
    {"cstdlib", "getenv exit abort system strtod strtol quick_exit"},
    {"cstring", "memcpy memset memcmp memmove strlen strcmp strchr strerror"},
    {"csignal", "signal raise sig_atomic_t"},
    {"exception", "exception_ptr current_exception rethrow_exception uncaught_exceptions terminate exception"},
    {"filesystem", "filesystem"},
    {"fstream", "ifstream ofstream fstream"},
    {"functional", "function reference_wrapper ref cref invoke"},
    {"initializer_list", "initializer_list"},
    {"iomanip", "setw setprecision setfill"},
    {"iostream", "cout cerr cin clog"},
    {"iterator", "back_inserter istreambuf_iterator ostream_iterator distance advance next prev size"},
    {"limits", "numeric_limits"},
    {"map", "map multimap"},
    {"memory", "unique_ptr shared_ptr weak_ptr make_unique make_shared"},
    {"mutex", "mutex lock_guard unique_lock once_flag call_once scoped_lock"},
    {"new", "bad_alloc align_val_t nothrow"},
    {"numbers", "numbers"},
    {"numeric", "accumulate iota reduce inner_product partial_sum gcd lcm midpoint"},
    {"optional", "optional nullopt"},
    {"queue", "queue priority_queue"},
    {"random", "mt19937 mt19937_64 uniform_int_distribution uniform_real_distribution normal_distribution"},
    {"regex", "regex regex_search regex_match regex_replace smatch"},
    {"set", "set multiset"},
    {"span", "span"},
    {"sstream", "stringstream ostringstream istringstream"},
    {"stdexcept", "runtime_error logic_error invalid_argument out_of_range length_error"},
    {"string", "string to_string getline"},
    {"string_view", "string_view"},
    {"system_error", "system_error error_code generic_category errc"},
    {"thread", "thread this_thread"},
    {"tuple", "tuple make_tuple tie apply"},
    {"type_traits", "is_same_v is_integral_v is_floating_point_v is_void_v decay_t remove_cvref_t conditional_t"},
    {"utility", "pair move exchange swap forward make_pair"},
    {"variant", "variant visit monostate get_if holds_alternative"},
    {"vector", "vector"},
};

const std::set<std::string> alone = {"INFINITY", "NAN",      "int8_t",  "uint8_t",  "int16_t",   "uint16_t",
                                     "int32_t",  "uint32_t", "int64_t", "uint64_t", "INT64_MAX", "INT64_MIN"};

const std::map<std::string, std::string>& header_of() {
  static const std::map<std::string, std::string> table = [] {
    std::map<std::string, std::string> made;
    for (const Header& header : headers) {
      std::istringstream names(header.gives);
      for (std::string name; names >> name;) made[name] = header.name;
    }
    return made;
  }();
  return table;
}

// Without comments and without what stands in quotes.
std::string code_of(const std::string& text) {
  std::string code;
  for (size_t i = 0; i < text.size(); ++i) {
    const char quote = text[i];
    if (quote == '/' && text.compare(i, 2, "//") == 0) {
      i = text.find('\n', i);
      if (i == std::string::npos) break;
      code += '\n';
    } else if (quote == '"' || (quote == '\'' && !(i > 0 && std::isxdigit(static_cast<unsigned char>(text[i - 1]))))) {
      for (++i; i < text.size() && text[i] != quote && text[i] != '\n'; ++i)
        if (text[i] == '\\') ++i;
    } else {
      code += quote;
    }
  }
  return code;
}

bool is_word(char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)); }

// Header -> one name that the code uses of it.
std::map<std::string, std::string> needs_of(const std::string& text) {
  const std::string code = code_of(text);
  std::map<std::string, std::string> needs;
  for (size_t i = 0; i < code.size();) {
    if (!is_word(code[i])) {
      ++i;
      continue;
    }
    const size_t begin = i;
    while (i < code.size() && is_word(code[i])) ++i;
    const std::string word = code.substr(begin, i - begin);
    const bool standard =
        begin >= 5 && code.compare(begin - 5, 5, "std::") == 0 && (begin < 6 || !is_word(code[begin - 6]));
    if (!standard && alone.count(word) == 0) continue;
    if (const auto it = header_of().find(word); it != header_of().end()) needs[it->second] = word;
  }
  return needs;
}

class Tree {
 public:
  explicit Tree(fs::path root) : root_(std::move(root)) {}

  std::string read(const fs::path& file) const {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  // The standard headers that a file includes, itself or through files of this tree.
  const std::set<std::string>& includes(const fs::path& file) {
    const auto [it, made] = known_.try_emplace(file.string());
    if (!made) return it->second;
    std::set<std::string>& all = it->second;
    std::istringstream lines(read(file));
    for (std::string line; std::getline(lines, line);) {
      const size_t hash = line.find_first_not_of(' ');
      if (hash == std::string::npos || line.compare(hash, 8, "#include") != 0) continue;
      const size_t begin = line.find_first_of("<\"", hash);
      if (begin == std::string::npos) continue;
      const std::string name = line.substr(begin + 1, line.find_first_of(">\"", begin + 1) - begin - 1);
      std::vector<fs::path> candidates = {root_ / "tests" / name, file.parent_path() / name};
      if (name.rfind("heed/", 0) == 0) candidates = {root_ / name.substr(5)};
      bool ours = false;
      for (const fs::path& path : candidates)
        if (std::error_code error; !ours && fs::is_regular_file(path, error)) {
          ours = true;
          const std::set<std::string> inner = includes(path);
          all.insert(inner.begin(), inner.end());
        }
      if (!ours) all.insert(name == "stdint.h" ? "cstdint" : name);
    }
    return all;
  }

 private:
  fs::path root_;
  std::map<std::string, std::set<std::string>> known_;
};

}  // namespace

TEST_CASE("the reader of standard names reads standard names") {
  using Needs = std::map<std::string, std::string>;
  CHECK(needs_of("x = std::pow(2.0, n);") == Needs{{"cmath", "pow"}});
  CHECK(needs_of("int64_t n = INFINITY;  // std::vector") == Needs{{"cmath", "INFINITY"}, {"cstdint", "int64_t"}});
  CHECK(needs_of("say(\"std::map\"); heed::pow(x); mystd::map m; 1'000'000; std::maps").empty());
}

TEST_CASE("every source includes the standard headers of what it uses") {
  const fs::path root = fs::path(HEED_TESTS_DIR).parent_path();
  Tree tree(root);
  int files = 0;
  for (const char* folder : {"core", "autograd", "nn", "optim", "examples", "tests"})
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string kind = entry.path().extension().string();
      if (kind != ".h" && kind != ".cpp") continue;
      ++files;
      const std::set<std::string>& has = tree.includes(entry.path());
      for (const auto& [header, name] : needs_of(tree.read(entry.path()))) {
        INFO(entry.path().string() << ": uses " << name << ": #include <" << header << ">");
        CHECK(has.count(header) == 1);
      }
    }
  CHECK(files > 400);
}
