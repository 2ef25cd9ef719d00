#include <heed/nn/doctor/report.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <heed/core/error.h>
#include <heed/core/text.h>

namespace heed::nn {

namespace {

const char* name_of(Severity severity) {
  constexpr std::array names{"note", "warning", "fault"};
  return names[static_cast<size_t>(severity)];
}

}  // namespace

std::string three_digits(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 3).ptr;
  return {text.data(), end};
}

bool Report::healthy() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.severity != Severity::note; });
}

const Finding* Report::find(const std::string& check) const {
  for (const Finding& finding : findings)
    if (finding.check == check) return &finding;
  return nullptr;
}

std::string Report::text() const {
  std::string text =
      cat(batches, batches == 1 ? " batch" : " batches", ", loss ", three_digits(loss), " at the start\n");
  if (gradients.size() > 1)
    text += cat("gradients at linear layers: ", three_digits(gradients.front().size), " near the loss, ",
                three_digits(gradients.back().size), " near the input\n");
  const auto best = std::min_element(rates.begin(), rates.end(),
                                     [](const RateLoss& a, const RateLoss& b) { return a.loss < b.loss; });
  for (const RateLoss& rate : rates)
    if (lr && rate.lr == *lr)
      text += cat("learning rate ", three_digits(*lr), ": loss ", three_digits(rate.loss), " after ", steps,
                  " steps; lowest, ", three_digits(best->loss), ", at ", three_digits(best->lr), '\n');
  for (const Finding& finding : findings)
    text += cat(name_of(finding.severity), ": ", finding.check, ": ", finding.path, finding.path.empty() ? "" : ": ",
                finding.sentence, ": ", finding.advice, '\n');
  if (healthy()) text += "healthy: no check found a fault\n";
  return harmless(text);
}

std::ostream& operator<<(std::ostream& out, const Report& report) { return out << report.text(); }

}  // namespace heed::nn
