// One call that saves a whole run, and one that resumes it.
//
//     const auto parts = [&]() -> std::vector<nn::Part> {
//       return {{"model", model}, {"optimizer", adamw}, {"schedule", schedule}, {"data", generator}, {"step", step}};
//     };
//     nn::save_checkpoint("run.safetensors", parts());
//     nn::load_checkpoint("run.safetensors", parts());
//
// One list for both directions, so that exactly what is saved is resumed: a part is stored under its name
// here, and a part that is missing on one side is an Error. The default generator, which draws initial values and
// dropout, is always included. A run that is stopped and resumed ends with the same bits as one that was not.
//
// The file is an ordinary safetensors file (checkpoint.h), written atomically: tensors under "model." and "optimizer.";
// numbers, texts and generators as metadata.
#pragma once

#include <cmath>
#include <concepts>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <heed/autograd/resumable.h>
#include <heed/core/random.h>
#include <heed/core/text.h>
#include <heed/nn/checkpoint.h>

namespace heed::nn {

/// A part of the run, by reference, under a name ("model", or "model.teacher" if there are several): a model; an
/// optimizer, a schedule or any other Resumable; a generator; a number or text of the caller's.
class Part {
 public:
  Part(std::string name, Module& model);
  Part(std::string name, Resumable& resumable);
  Part(std::string name, Generator& generator);
  Part(std::string name, std::string& text);
  template <class T>
    requires std::integral<T> || std::floating_point<T>
  Part(std::string name, T& number);

 private:
  // What a part saves and loads. Names are relative to the part, "" is the part itself.
  using TensorsByName = std::map<std::string_view, const Tensor*>;  // from a file, which may have a million
  struct Stored {
    StateDict tensors;
    std::map<std::string, std::string> texts;
    const std::string& text(const std::string& name) const;  // throws Error if there is none
  };
  friend void save_checkpoint(const std::filesystem::path&, const std::vector<Part>&,
                              const std::map<std::string, std::string>&);
  friend void load_checkpoint(const Checkpoint&, const std::vector<Part>&);
  static Stored stored_in(const Checkpoint& file, const TensorsByName& tensors, const std::string& name);
  static std::vector<Part> with_default_generator(std::vector<Part> parts);
  template <class T> static std::optional<T> parse(const std::string& text);

  std::string name_;
  std::function<Stored()> save_;
  std::function<std::function<void()>(const Stored&)> prepare_;  // as Resumable::prepare_load
};

/// `notes` are stored in load(file).metadata: for example the run's settings. Throws Error for names that are
/// not unique, IoError if the file cannot be written; an old file of that name is then unchanged.
void save_checkpoint(const std::filesystem::path& file, const std::vector<Part>& parts,
                     const std::map<std::string, std::string>& notes = {});

/// Loads everything or, if anything is wrong, nothing: throws one Error that lists what is missing, not
/// requested, or does not fit.
void load_checkpoint(const Checkpoint& saved, const std::vector<Part>& parts);
inline void load_checkpoint(const std::filesystem::path& file, const std::vector<Part>& parts) {
  load_checkpoint(load(file), parts);
}

template <class T> std::optional<T> Part::parse(const std::string& text) {
  if constexpr (std::same_as<T, bool>) {
    if (text != "true" && text != "false") return std::nullopt;
    return text == "true";
  } else if constexpr (std::floating_point<T>) {
    const std::optional<double> value = parse_double(text);
    const auto beyond = [](double x) {
      return std::isfinite(x) && std::abs(x) > static_cast<double>((std::numeric_limits<T>::max)());
    };
    return value && !beyond(*value) ? std::optional(static_cast<T>(*value)) : std::nullopt;
  } else {
    const auto value = [&] {
      if constexpr (std::is_signed_v<T>) return parse_int(text);
      else return parse_uint(text);
    }();
    return value && std::in_range<T>(*value) ? std::optional(static_cast<T>(*value)) : std::nullopt;
  }
}

template <class T>
  requires std::integral<T> || std::floating_point<T>
Part::Part(std::string name, T& number)
    : name_(std::move(name)),
      save_([&number] {
        Stored stored;
        if constexpr (std::same_as<T, bool>) stored.texts[""] = number ? "true" : "false";
        else if constexpr (std::floating_point<T>) stored.texts[""] = shortest(static_cast<double>(number));
        else stored.texts[""] = std::to_string(number);
        return stored;
      }),
      prepare_([&number](const Stored& stored) -> std::function<void()> {
        const std::string& text = stored.text("");
        const std::optional<T> value = parse<T>(text);
        check<FormatError>(value.has_value(), "is ", quote(text), ", must be a number of its type");
        return [&number, value = *value] { number = value; };
      }) {}

}  // namespace heed::nn
