// einsum by permute, reshape and matmul, which also give its gradients.
//
// Internally each axis has a letter; axes of "..." get the digits … 2 1 0, the last axis 0, which
// aligns them at the right as broadcasting does. Axes of size 1 are dropped from the operands, where they
// would only repeat against a longer axis. The output gets them back.
#include <heed/autograd/ops/einsum.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/ops/linalg.h>
#include <heed/autograd/ops/reduce.h>
#include <heed/core/text.h>

namespace heed {

namespace {

bool has_letter(const std::string& letters, char letter) { return letters.find(letter) != std::string::npos; }

struct Equation {
  const std::string& text;
  std::vector<std::string> inputs;  // "..." as one '.'
  std::string output;

  explicit Equation(const std::string& text_) : text(text_) {
    const size_t arrow = text.find("->"), last = std::min(arrow, text.size());
    for (size_t begin = 0; begin <= last;) {
      const size_t end = std::min(text.find(',', begin), last);
      inputs.push_back(read(begin, end));
      begin = end + 1;
    }
    output = arrow == std::string::npos ? implicit_output() : read(arrow + 2, text.size());
    for (size_t i = 0; i < output.size(); ++i) {
      const auto names = [c = output[i]](const std::string& input) { return has_letter(input, c); };
      check(output.find(output[i]) == i, "einsum: ", quote(text), ": the output names ", output[i],
            " twice: an axis of the output needs a letter of its own");
      check(output[i] == '.' || std::any_of(inputs.begin(), inputs.end(), names), "einsum: ", quote(text),
            ": the output names ", output[i], ", which is in no input: its size is unknown");
    }
  }

 private:
  std::string read(size_t begin, size_t end) const {
    std::string letters;
    for (size_t i = begin; i < end; ++i) {
      const char c = text[i];
      if (c == ' ') continue;
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        letters += c;
        continue;
      }
      check(std::string_view(text).substr(i, std::min<size_t>(end - i, 3)) == "...", "einsum: ", quote(text),
            ": character ", i, ": is not a subscript: use letters a … z, A … Z, or ... for the other axes");
      check(!has_letter(letters, '.'), "einsum: ", quote(text), ": character ", i,
            ": is a second ... in one group: use at most one per group");
      letters += '.';
      i += 2;
    }
    return letters;
  }

  std::string implicit_output() const {
    std::map<char, int> count;  // '.' comes first, then capitals
    for (const std::string& input : inputs)
      for (char c : input) ++count[c];
    std::string once;
    for (const auto& [c, times] : count)
      if (c == '.' || times == 1) once += c;
    return once;
  }
};

// Replaces the '.' by `count` axes.
std::string expand_ellipsis(std::string letters, size_t count) {
  const size_t at = letters.find('.');
  if (at == std::string::npos) return letters;
  std::string digits;
  while (count > 0) digits += static_cast<char>('0' + --count);
  return letters.replace(at, 1, digits);
}

struct EinsumTerm {
  Tensor x;
  std::string axes;  // one letter per axis
};

// Operand i with its axes named.
EinsumTerm name_axes(const Equation& equation, size_t i, const Tensor& x) {
  check(x.defined(), "einsum: ", quote(equation.text), ", operand ", i, ": is an empty Tensor: it has no elements");
  const std::string& letters = equation.inputs[i];
  const bool ellipsis = has_letter(letters, '.');
  const int named = static_cast<int>(letters.size()) - ellipsis;
  check<ShapeError>(ellipsis ? named <= x.dim() : named == x.dim(), "einsum: ", quote(equation.text), ", operand ", i,
                    " ", x.shape(), ": has ", x.dim(), " axes, its letters name ", named,
                    ": give each axis a letter, or ... for those that have none");
  return {x, expand_ellipsis(letters, static_cast<size_t>(x.dim() - named))};
}

// Axes that share a letter are replaced by their diagonal, as the last axis.
EinsumTerm take_diagonals(const Equation& equation, size_t operand, EinsumTerm term) {
  auto& [x, axes] = term;
  for (size_t i = 0; i < axes.size();) {
    const char letter = axes[i];
    const size_t j = axes.find(letter, i + 1);
    if (j == std::string::npos) {
      ++i;
      continue;
    }
    const auto first = static_cast<int>(i), second = static_cast<int>(j);
    check<ShapeError>(x.size(first) == x.size(second), "einsum: ", quote(equation.text), ", operand ", operand, ": ",
                      letter, " names axes of sizes ", x.size(first), " and ", x.size(second),
                      ": a diagonal needs equal sizes");
    Shape order;
    for (int d = 0; d < x.dim(); ++d)
      if (d != first && d != second) order.push_back(d);
    order.push_back(first);
    order.push_back(second);
    x = x.permute(order).diagonal();
    axes.erase(j, 1).erase(i, 1) += letter;
  }
  return term;
}

// Removes the axes of size 1. `sizes` are the sizes of all letters so far.
EinsumTerm drop_ones(const Equation& equation, size_t operand, EinsumTerm term, std::map<char, int64_t>& sizes) {
  auto& [x, axes] = term;
  for (int d = x.dim() - 1; d >= 0; --d) {
    const int64_t n = x.shape()[d];
    const char letter = axes[static_cast<size_t>(d)];
    int64_t& size = sizes.try_emplace(letter, 1).first->second;
    const bool unnamed = letter >= '0' && letter <= '9';
    check<ShapeError>(n == 1 || size == 1 || n == size, "einsum: ", quote(equation.text), ", operand ", operand, ": ",
                      unnamed ? "an axis of ..." : std::string(1, letter), " has size ", n, ", earlier it had ", size,
                      ": must be equal, or 1");
    if (n != 1) {
      size = n;
      continue;
    }
    x = x.squeeze(d);
    axes.erase(static_cast<size_t>(d), 1);
  }
  return term;
}

// x's axes in the order of `axes`; a missing axis becomes one of size 1.
Tensor align_axes(const EinsumTerm& term, const std::string& axes) {
  Shape order, shape;
  for (char c : axes) {
    const size_t at = term.axes.find(c);
    if (at != std::string::npos) order.push_back(static_cast<int64_t>(at));
    shape.push_back(at == std::string::npos ? 1 : term.x.shape()[static_cast<int>(at)]);
  }
  return term.x.permute(order).reshape(shape);
}

// x as (separate…, all of first as one axis, all of second as one).
Tensor merge_axes(const EinsumTerm& term, const std::string& separate, const std::string& first,
                  const std::string& second) {
  const Tensor x = align_axes(term, separate + first + second);
  Shape shape(std::span(x.shape().begin(), separate.size()));
  int at = static_cast<int>(separate.size());
  for (const std::string& letters : {first, second}) {
    int64_t size = 1;
    for (size_t i = 0; i < letters.size(); ++i) size *= x.shape()[at++];
    shape.push_back(size);
  }
  return x.reshape(shape);
}

EinsumTerm sum_letters(const EinsumTerm& term, const std::string& needed) {
  Axes gone;
  std::string left;
  for (size_t i = 0; i < term.axes.size(); ++i) {
    if (has_letter(needed, term.axes[i])) left += term.axes[i];
    else gone.push_back(static_cast<int64_t>(i));
  }
  return gone.rank() == 0 ? term : EinsumTerm{sum(term.x, gone), left};
}

// Σ a b over the letters that both have and `needed` does not.
EinsumTerm multiply_terms(const Equation& equation, const EinsumTerm& a, const EinsumTerm& b,
                          const std::string& needed) {
  std::string batch, left, right, summed;
  for (char c : a.axes) (!has_letter(b.axes, c) ? left : has_letter(needed, c) ? batch : summed) += c;
  for (char c : b.axes)
    if (!has_letter(a.axes, c)) right += c;
  const std::string axes = batch + left + right;
  const bool elementwise = summed.empty() || (left.empty() && right.empty()) || !is_floating(a.x.dtype());
  const size_t rank = axes.size() + (elementwise ? summed.size() : 0);
  check<ShapeError>(rank <= Shape::max_rank, "einsum: ", quote(equation.text), ": a product has ", rank,
                    " axes: at most ", Shape::max_rank, " are possible: sum over some of them first");
  if (elementwise) {
    const Tensor y = align_axes(a, axes + summed) * align_axes(b, axes + summed);
    Axes gone;
    for (size_t i = axes.size(); i < rank; ++i) gone.push_back(static_cast<int64_t>(i));
    return {summed.empty() ? y : sum(y, gone), axes};
  }
  // (batch…, left, summed) @ (batch…, summed, right)
  const Tensor y = matmul(merge_axes(a, batch, left, summed), merge_axes(b, batch, summed, right));
  Shape shape(std::span(y.shape().begin(), batch.size()));
  for (char c : left) shape.push_back(a.x.shape()[static_cast<int>(a.axes.find(c))]);
  for (char c : right) shape.push_back(b.x.shape()[static_cast<int>(b.axes.find(c))]);
  return {y.reshape(shape), axes};
}

}  // namespace

Tensor einsum(const std::string& text, const std::vector<Tensor>& operands) {
  const Equation equation(text);
  check(operands.size() == equation.inputs.size(), "einsum: ", quote(text), " of ", operands.size(),
        " operands: it has ", equation.inputs.size(),
        " groups of letters: pass one operand per group, with commas between groups");
  std::map<char, int64_t> sizes;
  std::vector<EinsumTerm> terms;
  size_t unnamed = 0;  // axes that the longest "..." stands for
  for (size_t i = 0; i < operands.size(); ++i) {
    check<DtypeError>(operands[i].dtype() == operands[0].dtype(), "einsum: ", quote(text), ": ", operands[0].dtype(),
                      " and ", operands[i].dtype(), ": dtypes differ: convert one with to(Dtype)");
    EinsumTerm term = take_diagonals(equation, i, name_axes(equation, i, operands[i]));
    terms.push_back(drop_ones(equation, i, std::move(term), sizes));
  }
  while (sizes.count(static_cast<char>('0' + unnamed))) ++unnamed;
  const std::string output = expand_ellipsis(equation.output, unnamed);
  check<ShapeError>(output.size() <= Shape::max_rank, "einsum: ", quote(text), ": the output has ", output.size(),
                    " axes: at most ", Shape::max_rank, " are possible");
  EinsumTerm result = terms[0];
  for (size_t i = 1; i < terms.size(); ++i) {
    std::string later = output;
    for (size_t j = i + 1; j < terms.size(); ++j) later += terms[j].axes;
    const EinsumTerm a = sum_letters(result, later + terms[i].axes), b = sum_letters(terms[i], later + result.axes);
    result = multiply_terms(equation, a, b, later);
  }
  return align_axes(sum_letters(result, output), output);
}

}  // namespace heed
