#include <heed/examples/kit/tasks/task_list.h>

#include <algorithm>

namespace heed::kit {

const std::vector<Task>& all_tasks() {
  static const std::vector<Task> tasks = {sort_task(),         reverse_task(),     copy_task(),  addition_task(),
                                          addition_gru_task(), modular_task(),     dyck_task(),  recall_task(),
                                          induction_task(),    copy_length_task(), dates_task(), names_task()};
  return tasks;
}

Words numerals(int64_t n, const Words& more) {
  Words tokens;
  for (int64_t i = 0; i < n; ++i) tokens.push_back(std::to_string(i));
  tokens.insert(tokens.end(), more.begin(), more.end());
  return tokens;
}

Words letters_and_start(const CharVocab& vocab) {
  Words tokens;
  for (int64_t id = 0; id < vocab.size(); ++id) tokens.push_back(vocab.decode({id}));
  tokens.push_back("start");
  return tokens;
}

std::vector<Example> a_hundred(const TaskData& data) {
  const auto count = std::min<int64_t>(100, static_cast<int64_t>(data.test.size()));
  return {data.test.begin(), data.test.begin() + count};
}

std::vector<std::pair<std::string, MakeModel>> gpt_or_gru(const ModelSize& size) {
  return beside<nn::GRU>("gru", model_of<GptModel>(size), size);
}

}  // namespace heed::kit
