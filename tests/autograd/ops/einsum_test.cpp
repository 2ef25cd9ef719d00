// einsum beside the ops that it stands for, its derivatives, and what it says of equations that do
// not fit. (Its values are compared with PyTorch's in golden/einsum_test.cpp.)
#include <functional>
#include <string>
#include <vector>

#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/layouts.h"

using namespace heed;
using test::message_of, test::spread;

TEST_CASE("einsum of a matrix product is that product, bit for bit, and copies nothing") {
  const Tensor a = spread({17, 33}, -1, 1), b = spread({33, 9}, -1, 1, 1);
  const std::vector<double> product = matmul(a, b).to_vector();
  CHECK(einsum("ik,kj->ij", {a, b}).to_vector() == product);
  CHECK(einsum("ki,kj", {a.transpose(0, 1), b}).to_vector() == product);
  const Tensor q = spread({2, 5, 3, 4}, -1, 1), k = spread({2, 6, 3, 4}, -1, 1, 1);  // (b, n, h, d)
  CHECK(einsum("bihd,bjhd->bhij", {q, k}).to_vector() ==
        matmul(q.permute({0, 2, 1, 3}), k.permute({0, 2, 3, 1})).to_vector());

  const Tensor p = parameter(spread({8, 50, 3, 4}, -1, 1)), r = parameter(spread({8, 6, 3, 4}, -1, 1));
  const int64_t before = core::memory_stats().in_use, bytes = p.numel() * 8;
  const Tensor y = einsum("bihd,bjhd->bhij", {p, r});  // its graph keeps both operands, as views
  CHECK(core::memory_stats().in_use - before < y.numel() * 8 + bytes);
  CHECK(einsum("ij->ji", {a}).array().storage() == a.array().storage());
}

TEST_CASE("einsum says the well-known sums") {
  const Tensor x = spread({3, 3}, -1, 1), y = spread({3, 3}, -1, 1, 1), v = spread({3}, -1, 1, 2);
  const auto near = [](const Tensor& a, const Tensor& b) {
    REQUIRE(a.shape() == b.shape());
    CHECK((a.numel() == 0 || amax(abs(a - b)).item() < 1e-15));
  };
  near(einsum("ii", {x}), sum(x.diagonal()));
  near(einsum("ij->j", {x}), sum(x, 0));
  near(einsum("ij,ij->ij", {x, y}), x * y);
  near(einsum("i,j", {v, v}), v.unsqueeze(1) * v);
  near(einsum("i,ij,j", {v, x, v}), matmul(matmul(v, x), v));
  near(einsum("...i,ij->...j", {x, y}), matmul(x, y));
  near(einsum("ij,j->i", {zeros({2, 0}, Dtype::f64), zeros({0}, Dtype::f64)}), zeros({2}, Dtype::f64));
}

TEST_CASE("einsum of whole numbers is exact") {
  const Tensor a = tensor_i64({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor large = tensor_i64({int64_t{1} << 60, 1, 1});
  CHECK(einsum("ij,kj->ik", {a, a}).to_vector() == std::vector<double>{14, 32, 32, 77});
  CHECK(einsum("ij,j->i", {a, large}).data<int64_t>()[0] == (int64_t{1} << 60) + 5);
}

TEST_CASE("derivatives of einsum, in every layout") {
  struct Row {
    const char* equation;
    std::vector<Shape> shapes;
  };
  const std::vector<Row> rows = {
      {"ij->ji", {{2, 3}}},
      {"ij->i", {{2, 3}}},
      {"ii->i", {{3, 3}}},
      {"iji->j", {{3, 2, 3}}},
      {"iii", {{2, 2, 2}}},
      {"...i->i", {{2, 2, 3}}},
      {"i,i", {{3}, {3}}},
      {"i,j", {{2}, {3}}},
      {"ij,jk", {{2, 3}, {3, 2}}},
      {"ij,kj->ki", {{2, 3}, {2, 3}}},
      {"ij,jk", {{2, 1}, {3, 2}}},
      {"bij,bjk->bik", {{2, 2, 3}, {2, 3, 2}}},
      {"bihd,bjhd->bhij", {{1, 2, 2, 2}, {2, 3, 2, 2}}},
      {"...ij,...jk->ik...", {{2, 3}, {2, 3, 2}}},
      {"ij,ij->i", {{2, 3}, {2, 3}}},
      {"ii,ij->j", {{2, 2}, {2, 3}}},
      {"bi,ijk,bk->bj", {{2, 2}, {2, 3, 2}, {2, 2}}},
      {"ij,jk", {{2, 0}, {0, 2}}},
  };
  for (const Row& row : rows)
    for (const test::Layout layout : test::all_layouts) {
      INFO(row.equation << ", " << test::name_of(layout));
      std::vector<Tensor> in;
      for (size_t i = 0; i < row.shapes.size(); ++i)
        in.push_back(test::laid_out(spread(row.shapes[i], -2, 2, static_cast<int>(i)), layout));
      CHECK_NOTHROW(gradcheck([&](const std::vector<Tensor>& x) { return einsum(row.equation, x); }, in));
    }
}

TEST_CASE("einsum says what is wrong with an equation or its operands") {
  const Tensor m = ones({2, 3}), v = ones({3}), wide = ones({2, 2, 2, 2, 2});
  struct Mistake {
    const char* equation;
    std::vector<Tensor> operands;
    std::string says;
  };
  const std::string subscript = ": is not a subscript: use letters a … z, A … Z, or ... for the other axes";
  const std::vector<Mistake> malformed = {
      {"i1", {m}, "\"i1\": character 1" + subscript},
      {"ij->i,j", {m}, "\"ij->i,j\": character 5" + subscript},
      {"ij->i->j", {m}, "\"ij->i->j\": character 5" + subscript},
      {"ij- >i", {m}, "\"ij- >i\": character 2" + subscript},
      {"ij>i", {m}, "\"ij>i\": character 2" + subscript},
      {"ä", {v}, "\"ä\": character 0" + subscript},
      {".i", {m}, "\".i\": character 0" + subscript},
      {"..i", {m}, "\"..i\": character 0" + subscript},
      {". ..i", {m}, "\". ..i\": character 0" + subscript},
      {"i..", {m}, "\"i..\": character 1" + subscript},
      {"..,.i", {m, v}, "\"..,.i\": character 0" + subscript},
      {"....i", {m}, "\"....i\": character 3" + subscript},
      {"...i...", {m}, "\"...i...\": character 4: is a second ... in one group: use at most one per group"},
      {"i->......i", {v}, "\"i->......i\": character 6: is a second ... in one group: "},
      {"ij->ii", {m}, "\"ij->ii\": the output names i twice: an axis of the output needs a letter of its own"},
      {"ij->k", {m}, "\"ij->k\": the output names k, which is in no input: its size is unknown"},
      {"ij,jk",
       {m},
       "\"ij,jk\" of 1 operands: it has 2 groups of letters: pass one operand per group, with commas "
       "between groups"},
      {"ij", {m, v}, "\"ij\" of 2 operands: it has 1 groups of letters: "},
      {"ij", {}, "\"ij\" of 0 operands: it has 1 groups of letters: "},
      {"", {}, "\"\" of 0 operands: it has 1 groups of letters: "},
  };
  const std::vector<Mistake> misfits = {
      {"i",
       {m},
       "\"i\", operand 0 (2, 3): has 2 axes, its letters name 1: give each axis a letter, or ... "
       "for those that have none"},
      {"ij,ijk", {m, m}, "\"ij,ijk\", operand 1 (2, 3): has 2 axes, its letters name 3: "},
      {"ijk...", {m}, "\"ijk...\", operand 0 (2, 3): has 2 axes, its letters name 3: "},
      {"", {m}, "\"\", operand 0 (2, 3): has 2 axes, its letters name 0: "},
      {"ii", {m}, "\"ii\", operand 0: i names axes of sizes 2 and 3: a diagonal needs equal sizes"},
      {"j,ii", {v, ones({1, 3})}, "\"j,ii\", operand 1: i names axes of sizes 1 and 3: "},
      {"ij,i", {m, v}, "\"ij,i\", operand 1: i has size 3, earlier it had 2: must be equal, or 1"},
      {"...,...i", {m, m}, "\"...,...i\", operand 1: an axis of ... has size 2, earlier it had 3: "},
      {"abcde,fghij", {wide, wide}, "\"abcde,fghij\": the output has 10 axes: at most 8 are possible"},
      {"abcde,fghij,abcdefghij->", {wide, wide, wide}, "\"abcde,fghij,abcdefghij->\", operand 2 "},
      {"abcde,fghij,abcde,fghij->",
       {wide, wide, wide, wide},
       "\"abcde,fghij,abcde,fghij->\": a product has 10 axes: at most 8 are possible: sum over "
       "some of them first"},
  };
  const auto check_says = [](const std::string& text, const Mistake& mistake) {
    INFO("expected: einsum: " << mistake.says << "\n     got: " << text);
    CHECK(text.starts_with("einsum: " + mistake.says));
    CHECK(test::follows_grammar(text));
  };
  for (const Mistake& x : malformed) check_says(message_of<Error>([&] { einsum(x.equation, x.operands); }), x);
  for (const Mistake& x : misfits) check_says(message_of<ShapeError>([&] { einsum(x.equation, x.operands); }), x);
  CHECK(message_of<DtypeError>([&] { einsum("i,i", {v, v.to(Dtype::f64)}); }) ==
        "einsum: \"i,i\": float32 and float64: dtypes differ: convert one with to(Dtype)");
  CHECK(message_of<Error>([&] { einsum("", {Tensor()}); }) ==
        "einsum: \"\", operand 0: is an empty Tensor: it has no elements");
}

TEST_CASE("einsum: an output of as many axes as there can be") {
  const Tensor a = tensor({1, 2, 3, 4}, {2, 1, 2, 1}), b = tensor({5, 6}, {1, 2, 1, 1});
  const Tensor y = einsum("abcd,efgh", {a, b});
  CHECK(y.shape() == Shape{2, 1, 2, 1, 1, 2, 1, 1});
  CHECK(y.to_vector() == std::vector<double>{5, 6, 10, 12, 15, 18, 20, 24});
}
