// Out of memory, at every allocation in turn: each run ends in an exception, and the next one has the
// bits that it always has. Nothing is lost, as AddressSanitizer sees (the whole suite runs under it).
#include <atomic>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <list>
#include <new>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <heed/autograd/ops.h>
#include <heed/core/memory/pool.h>
#include <heed/core/memory/storage.h>
#include <heed/core/parallel.h>
#include <heed/nn/nn.h>
#include <heed/optim/optim.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/sanitizer.h"
#include "support/temp_dir.h"

namespace {

// Allocations until one fails; below 0 none does. All of this program's are counted: those that
// operator new serves, and those of heed's pools (core/memory/pool.h).
std::atomic<int64_t> to_go{-1};
std::atomic<bool> once{true}, failed{false};

bool fails_now() {
  int64_t now = to_go.load();
  if (now < 0) return false;
  if (now > 0) {
    --to_go;
    return false;
  }
  if (once) to_go = -1;
  failed = true;
  return true;
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  void* const memory =
      fails_now() ? nullptr : std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t bytes) { return allocate(bytes, alignof(std::max_align_t)); }
[[gnu::noinline]] void* operator new[](std::size_t bytes) { return allocate(bytes, alignof(std::max_align_t)); }
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t a) {
  return allocate(bytes, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void* operator new[](std::size_t bytes, std::align_val_t a) {
  return allocate(bytes, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return fails_now() ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
}
[[gnu::noinline]] void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return operator new(bytes, std::nothrow);
}
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

using namespace heed;

namespace {

// While it lives, the k-th allocation fails, and with `forever` all later ones.
struct Failing {
  Failing(int64_t k, bool forever) {
    once = !forever;
    failed = false;
    core::refuse_memory = [] {
      if (fails_now()) throw std::bad_alloc();
    };
    to_go = k;
  }
  ~Failing() {
    core::refuse_memory = nullptr;
    to_go = -1;
  }
};

struct Counts {
  int64_t runs = 0, thrown = 0, named = 0;
};

// Runs body with the first, second, … allocation failing, until it needs no more; `after` sees each
// failure's consequences.
template <class Body, class After> Counts fail_each(bool forever, Body&& body, After&& after) {
  Counts counts;
  for (int64_t k = 0;; ++k) {
    bool thrown = false, named = false, through = false;
    {
      const Failing failing(k, forever);
      try {
        body();
      } catch (const Error&) { thrown = named = true; } catch (const std::bad_alloc&) {
        thrown = true;
      }
      through = !failed;
    }
    if (through) {
      CHECK_FALSE(thrown);
      return counts;
    }
    if (forever) CHECK(thrown);  // one failure alone may be made good, by memory that was kept free
    ++counts.runs;
    counts.thrown += thrown;
    counts.named += named;
    after(thrown);
  }
}

using Bits = std::vector<double>;

template <class Model> Bits bits_of(const Model& model) {
  Bits bits;
  for (const Tensor& p : model.parameters())
    for (double value : p.to_vector()) bits.push_back(value);
  return bits;
}

// A whole run from a seed: what it computes is always the same.
Bits train_perceptron() {
  manual_seed(1);
  nn::Sequential model(nn::Linear(3, 5), nn::Dropout(0.2), nn::LayerNorm(5), nn::Linear(5, 2));
  optim::SGD sgd(model.parameters(), {.lr = 0.1, .momentum = 0.9});
  const Tensor x = randn({4, 3}), y = randn({4, 2});
  nn::mse_loss(model(x), y).backward();
  sgd.step();
  return bits_of(model);
}

constexpr nn::GPTOptions tiny{.vocab = 5, .context = 4, .width = 8, .heads = 2, .layers = 1};

Bits train_gpt() {
  manual_seed(2);
  nn::GPT model(tiny);
  optim::AdamW adam(model.parameters(), {.lr = 0.01});
  const Tensor tokens = randint(0, 5, {2, 4});
  nn::cross_entropy(model(tokens).reshape({8, 5}), tokens.reshape({8})).backward();
  adam.step();
  return bits_of(model);
}

template <class Run> void check_run(Run run) {
  set_num_threads(1);  // the order of allocations is then the same in each run
  const Bits right = run();
  CHECK(right == run());
  for (bool forever : {false, true}) {
    int64_t different = 0;
    const Counts counts = fail_each(forever, run, [&](bool) { different += run() != right; });
    CAPTURE(forever, counts.runs, counts.thrown, counts.named);
    CHECK(different == 0);
    CHECK(counts.runs > 100);
    CHECK(counts.thrown > 100);
    if (!forever) CHECK(counts.named > 20);
    CHECK(grad_enabled());
  }
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("out of memory: a perceptron's step fails cleanly at every allocation", "[slow]") {
  check_run(train_perceptron);
}

TEST_CASE("out of memory: a GPT's step fails cleanly at every allocation", "[slow]") { check_run(train_gpt); }

TEST_CASE("out of memory: a model and its optimizer survive a failed forward and backward", "[slow]") {
  set_num_threads(1);
  manual_seed(2);
  nn::GPT model(tiny);
  const Tensor tokens = randint(0, 5, {2, 4});
  const auto gradients = [&] {
    model.zero_grad();
    nn::cross_entropy(model(tokens).reshape({8, 5}), tokens.reshape({8})).backward();
    Bits bits;
    for (const Tensor& p : model.parameters())
      for (double value : p.grad().to_vector()) bits.push_back(value);
    return bits;
  };
  const Bits weights = bits_of(model), right = gradients();
  for (bool forever : {false, true}) {
    int64_t different = 0;
    fail_each(forever, gradients, [&](bool) { different += bits_of(model) != weights || gradients() != right; });
    CHECK(different == 0);
  }
}

TEST_CASE("out of memory: a failed save leaves the old file, a failed load the model", "[slow]") {
  set_num_threads(1);
  const test::TempDir dir;
  const auto file = dir.path() / "model.safetensors";
  manual_seed(3);
  nn::Sequential model(nn::Linear(3, 5), nn::Linear(5, 2)), other(nn::Linear(3, 5), nn::Linear(5, 2));
  const nn::Sequential unloaded = nn::clone(other);
  nn::save(file, model.state_dict(), {{"step", "1"}});
  const std::string old = bytes_of(file);
  const Bits saved = bits_of(model), before = bits_of(other);
  for (bool forever : {false, true}) {
    int64_t different = 0;
    fail_each(
        forever, [&] { nn::save(file, other.state_dict()); },
        [&](bool thrown) {
          different += thrown && bytes_of(file) != old;
          nn::save(file, model.state_dict(), {{"step", "1"}});
          different += bytes_of(file) != old;
        });
    CHECK(different == 0);
    nn::save(file, model.state_dict(), {{"step", "1"}});
    other.load_state_dict(unloaded.state_dict());
    fail_each(
        forever, [&] { other.load_state_dict(nn::load(file).state); },
        [&](bool thrown) {
          different += thrown && bits_of(other) != before;
          other.load_state_dict(nn::load(file).state);
          different += bits_of(other) != saved;
          other.load_state_dict(unloaded.state_dict());
        });
    CHECK(different == 0);
  }
  CHECK(dir.count() == 1);  // no half a file is left
}

// Many small tensors until nothing is left, not even for a message, in a child whose memory is bounded.
TEST_CASE("out of memory: of many small things it is an Error, too, and what is dropped can be had again") {
  if (test::address_sanitizer || test::thread_sanitizer) return;  // they reserve more than any bound
  const auto in_child = [](const std::function<void()>& fill) {
    const pid_t child = ::fork();
    if (child == 0) {
      size_t pages = 0;
      std::ifstream("/proc/self/statm") >> pages;
      const rlim_t bound = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (rlim_t{64} << 20);
      const rlimit limit{bound, bound};
      if (::setrlimit(RLIMIT_AS, &limit) != 0) ::_exit(90);
      int code = 91;
      try {
        fill();
      } catch (const MemoryError& error) {
        const std::string_view said = error.what();
        code = said.find(" cannot be allocated; ") != said.npos && said.ends_with("drop what is no longer needed") ? 0
                                                                                                                   : 92;
      } catch (const std::bad_alloc&) { code = 93; }
      try {
        if (code == 0 && sum(ones({1000})).item() != 1000) code = 94;
      } catch (const std::exception&) { code = 95; }
      ::_exit(code);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  };
  CHECK(in_child([] {
          const Tensor x = parameter(ones({4}));
          for (Tensor y = x;;) y = y + 1.0;
        }) == 0);
  CHECK(in_child([] {
          std::list<Tensor, core::PoolAllocator<Tensor>> all;
          while (true) all.push_back(ones({2}));
        }) == 0);
  CHECK(in_child([] {
          const Tensor x = parameter(ones({64}));
          for (Tensor y = x;;) y = y * x;
        }) == 0);
}

TEST_CASE("out of memory is an Error that names op and shape") {
  constexpr int64_t many = int64_t{1} << 44;
  const Tensor view = ones({1}).expand({many});
  const struct {
    std::string says;
    std::function<void()> make;
  } rows[] = {
      {"zeros: (17592186044416,) float32: its 70368744177664 bytes cannot be allocated; ", [] { zeros({many}); }},
      {"ones: (17592186044416,) float64: its 140737488355328 bytes cannot be allocated; ",
       [] { ones({many}, Dtype::f64); }},
      {"exp: (17592186044416,) float32: its ", [&] { exp(view); }},
      {"mul: (17592186044416,) float32: its ", [&] { view* view; }},
      {"clone: (17592186044416,) float32: its ", [&] { view.clone(); }},
      {"randn: (17592186044416,) float32: its ", [] { randn({many}); }},
      {"matmul: (8388608, 8388608) float32: its ",
       [] { matmul(ones({1, 1}).expand({1 << 23, 1}), ones({1, 1}).expand({1, 1 << 23})); }},
      {"softmax: (17592186044416,) float32: its ", [&] { softmax(view, 0); }},
      {"argsort: (17592186044416,) int64: its ", [&] { argsort(view); }},
      {"cat: (35184372088832,) float32: its ", [&] { heed::cat({view, view}); }},
      {"one_hot: (2, 17592186044416) int64: its ", [] { one_hot(arange(2), many); }},
      {"sum: (17592186044416,) float32: its ", [] { sum(ones({1, 1}).expand({2, many}), 0); }},
  };
  for (const auto& row : rows) {
    const std::string text = test::message_of<MemoryError>(row.make);
    INFO(row.says << "\n" << text);
    CHECK(text.starts_with(row.says));
    CHECK(text.ends_with(" are in use: use smaller sizes, or drop what is no longer needed"));
  }
}
