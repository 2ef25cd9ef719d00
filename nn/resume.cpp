#include <heed/nn/resume.h>

#include <algorithm>

#include <heed/core/problems.h>
#include <heed/nn/load.h>

namespace heed::nn {

namespace {

constexpr const char* list_key = "parts";  // in the metadata: the names of all parts
constexpr const char* generator_key = "default_generator";

bool is_within(std::string_view name, std::string_view part) {
  return name.size() > part.size() && name[part.size()] == '.' && name.starts_with(part);
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

}  // namespace

const std::string& Part::Stored::text(const std::string& name) const {
  const auto found = texts.find(name);
  check<FormatError>(found != texts.end(), name.empty() ? "its value" : name, ": missing");
  return found->second;
}

Part::Part(std::string name, Module& model)
    : name_(std::move(name)),
      save_([&model] {
        Stored stored;
        stored.tensors = model.state_dict();
        return stored;
      }),
      prepare_([&model](const Stored& stored) { return prepare_load(model, stored.tensors); }) {}

Part::Part(std::string name, Resumable& resumable)
    : name_(std::move(name)),
      save_([&resumable] {
        const ResumeState state = resumable.state_dict();
        Stored stored;
        stored.texts[""] = state.kind;
        for (const auto& [key, x] : state) stored.tensors.push_back({key, x});
        return stored;
      }),
      prepare_([&resumable](const Stored& stored) {
        ResumeState state;
        state.kind = stored.text("");
        for (const NamedTensor& entry : stored.tensors) state[entry.name] = entry.tensor;
        return resumable.prepare_load(state);
      }) {}

Part::Part(std::string name, Generator& generator)
    : name_(std::move(name)),
      save_([&generator] {
        return Stored{{},
                      {{"seed", std::to_string(generator.seed())}, {"counter", std::to_string(generator.counter())}}};
      }),
      prepare_([&generator](const Stored& stored) -> std::function<void()> {
        const std::optional<uint64_t> seed = parse<uint64_t>(stored.text("seed")),
                                      counter = parse<uint64_t>(stored.text("counter"));
        check<FormatError>(seed && counter, "seed ", quote(stored.text("seed")), ", counter ",
                           quote(stored.text("counter")), ": must be whole numbers below 2^64");
        return [&generator, seed = *seed, counter = *counter] {
          generator.seed(seed);
          generator.set_counter(counter);
        };
      }) {}

Part::Part(std::string name, std::string& text)
    : name_(std::move(name)),
      save_([&text] {
        Stored stored;
        stored.texts[""] = text;
        return stored;
      }),
      prepare_([&text](const Stored& stored) -> std::function<void()> {
        return [&text, value = stored.text("")]() mutable { text.swap(value); };
      }) {}

std::vector<Part> Part::with_default_generator(std::vector<Part> parts) {
  parts.emplace_back(generator_key, default_generator());
  for (const Part& part : parts) {
    const bool usable = !part.name_.empty() && part.name_ != list_key && part.name_ != "format" &&
                        part.name_.find(',') == std::string::npos;
    check(usable, "checkpoint: a part named ", quote(part.name_),
          ": is reserved, empty, or has a comma: choose another name");
    for (const Part& other : parts)
      check(&part == &other || (part.name_ != other.name_ && !is_within(other.name_, part.name_)), "checkpoint: parts ",
            readable(part.name_), " and ", readable(other.name_),
            ": are equal, or one contains the other: choose other names");
  }
  return parts;
}

Part::Stored Part::stored_in(const Checkpoint& file, const TensorsByName& tensors, const std::string& name) {
  const std::string prefix = name + ".";
  Stored stored;
  for (const NamedTensor& entry : file.state)
    if (entry.name.starts_with(prefix)) stored.tensors.push_back({entry.name.substr(prefix.size()), entry.tensor});
  for (const auto& [key, text] : file.metadata) {
    if (key == name) stored.texts[""] = text;
    if (!key.starts_with(prefix)) continue;
    // A tensor with several names is in the file once, perhaps under another part's; the text gives that name.
    const auto kept = tensors.find(text);
    if (kept != tensors.end() && tensors.count(key) == 0)
      stored.tensors.push_back({key.substr(prefix.size()), *kept->second});
    else stored.texts[key.substr(prefix.size())] = text;
  }
  return stored;
}

void save_checkpoint(const std::filesystem::path& file, const std::vector<Part>& parts,
                     const std::map<std::string, std::string>& notes) {
  StateDict all;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> names;
  for (const Part& part : Part::with_default_generator(parts)) {
    const Part::Stored stored = part.save_();
    names.push_back(part.name_);
    for (const NamedTensor& entry : stored.tensors) all.push_back({part.name_ + "." + entry.name, entry.tensor});
    for (const auto& [key, text] : stored.texts) metadata[key.empty() ? part.name_ : part.name_ + "." + key] = text;
  }
  metadata[list_key] = join(names);
  for (const auto& [key, text] : notes) {
    const bool within = std::any_of(names.begin(), names.end(),
                                    [&note = key](const std::string& part) { return is_within(note, part); });
    check(!within && metadata.emplace(key, text).second, "save_checkpoint: ", quote(file.string()), ": the note ",
          quote(key), " has the name of a part: choose another name");
  }
  save(file, all, metadata);
}

void load_checkpoint(const Checkpoint& saved, const std::vector<Part>& asked_for) {
  const std::string where = "load_checkpoint: " + quote(saved.source);
  const auto list = saved.metadata.find(list_key);
  check<FormatError>(list != saved.metadata.end(), where,
                     ": lists no parts: it holds weights only, or was not written by save_checkpoint(): use load()");
  std::set<std::string> there;
  for (size_t begin = 0; begin <= list->second.size();) {
    const size_t end = std::min(list->second.find(',', begin), list->second.size());
    there.insert(list->second.substr(begin, end - begin));
    begin = end + 1;
  }
  Part::TensorsByName tensors;
  for (const NamedTensor& entry : saved.state) tensors.emplace(entry.name, &entry.tensor);

  Problems problems;
  std::vector<std::function<void()>> take_over;
  const std::vector<Part> parts = Part::with_default_generator(asked_for);
  for (const Part& part : parts) {
    if (there.erase(part.name_) == 0) {
      problems.add(part.name_, ": is not in the file");
      continue;
    }
    try {
      take_over.push_back(part.prepare_(Part::stored_in(saved, tensors, part.name_)));
    } catch (const Error& error) { problems.add(part.name_, ": ", error.what()); }
  }
  for (const std::string& name : there) problems.add(readable(name), ": is in the file, but was not requested");
  // (A foreign file's list of parts may have any length, the caller's is short.)
  for (const NamedTensor& entry : saved.state)
    if (there.empty() &&
        std::none_of(parts.begin(), parts.end(), [&](const Part& part) { return is_within(entry.name, part.name_); }))
      problems.add(readable(entry.name), ": belongs to no part");
  check(problems.empty(), where, ": does not fit, nothing is changed:", problems.text());
  for (const std::function<void()>& take : take_over) take();
}

}  // namespace heed::nn
