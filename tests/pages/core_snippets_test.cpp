// The code in core/'s headers, as it stands there.
#include "snippets.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/core/dtype.h>
#include <heed/core/files/json_reader.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>
#include <heed/core/random.h>
#include "support/errors.h"

using namespace heed;

namespace {

namespace in_core {

using namespace heed::core;

#undef ELLIPSIS
#define ELLIPSIS return core::softmax(x, axis);
#include <snippets/core_op_name_h_1.inc>
#undef ELLIPSIS
#define ELLIPSIS

}  // namespace in_core

constexpr int model = 0;
std::vector<double> drawn;
void train(int) { drawn = randn({3}).to_vector(); }

}  // namespace

TEST_CASE("core's headers: an op names itself for the errors below it") {
  const core::Array x = core::full({2, 3}, 1.0);
  CHECK(core::item(core::sum(in_core::softmax(x, 1), {}, false)) == Approx(2.0));
  CHECK(test::contains(test::message_of([&] { in_core::softmax(core::Array(), 1); }), "softmax: "));
}

TEST_CASE("core's headers: dispatch calls with the C++ type") {
  const Tensor x = zeros({2}, Dtype::f64);
  size_t size = 0;
#undef ELLIPSIS
#define ELLIPSIS size = sizeof(T);
#include <snippets/core_dtype_h_1.inc>
#undef ELLIPSIS
#define ELLIPSIS
  CHECK(size == 8);
}

TEST_CASE("core's headers: check throws what its parts say") {
  const Tensor a = zeros({2}), b = zeros({3});
  const auto n = a.size(0), m = b.size(0);
  const std::string message = test::message_of<ShapeError>([&] {
#include <snippets/core_error_h_1.inc>
  });
  CHECK(message == "dot: (2,) · (3,): lengths differ");
}

TEST_CASE("core's headers: JSON is read value by value") {
  using core::JsonReader;
  const auto read = [](std::string_view text) {
    int64_t width = 0;
#include <snippets/core_files_json_reader_h_1.inc>
    return width;
  };
  CHECK(read("{\"width\": 64}") == 64);
  CHECK(test::contains(test::message_of<FormatError>([&] { read("{\"depth\": 2}"); }), "unknown key \"depth\""));
}

TEST_CASE("core's headers: a thread's own generator") {
#include <snippets/core_random_h_1.inc>
  worker.join();
  Generator again(7);
  CHECK(drawn == randn({3}, again).to_vector());
}

TEST_CASE("core's headers: numbers of a call and a position") {
  using core::uniform_at;
  Generator generator(3);
  const uint64_t index = 5;
  {
#include <snippets/core_random_h_2.inc>
    CHECK(uniform_at(3, call, 5) == uniform_at(generator.seed(), call, index));
  }
  CHECK(generator.counter() == 1);
}

TEST_CASE("core's headers: a tensor prints as the comment of print.h shows") {
  CHECK(to_string(tensor({0.1, -2.5, 1.0, 3.14159}, {2, 2})) ==
        "tensor([[ 0.1000, -2.5000],\n        [ 1.0000,  3.1416]])");
}
