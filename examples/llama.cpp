// Llama writes: a trained model of the Llama family continues a text.
//
//     llama --model stories15M.bin --prompt "Once upon a time"           with tokenizer.bin beside it
//     llama --model TinyLlama-1.1B --prompt "The capital of France is" --temperature 0
//
// The model is nn/models/llama.h, a page that reads like the papers. Its weights come from a file of llama2.c, or from a
// folder as Hugging Face's hub has them: model.safetensors, config.json, tokenizer.json. Each new token takes one
// pass through the model, of which only the new position is computed: keys and values of the others are kept
// (nn/attention/kv_cache.h). Such a pass reads every weight once, so its speed is that of the memory, and narrower
// weights are faster (--weights).
#include <algorithm>

#include <heed/core/text.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/models/llama2c.h>
#include <heed/examples/kit/models/model_files.h>
#include <heed/examples/kit/models/model_size.h>
#include <heed/examples/kit/models/writer.h>
#include <heed/examples/kit/pictures/model_page.h>
#include <heed/nn/models/config.h>
#include <heed/nn/models/llama.h>
#include <heed/nn/pretrained.h>

using namespace heed;

namespace {

// heed's names are Hugging Face's; old files have a table that no model learns.
const nn::Renames llama_names = {{"model.layers.*.self_attn.rotary_emb.inv_freq", ""}};

// The model as a page to type into, if it is asked for.
void write_page(const std::filesystem::path& file, const nn::Llama& model, const kit::Tokeniser& tokeniser,
                const kit::WriterSettings& s) {
  if (file.empty()) return;
  check<kit::UsageError>(!s.keep_16_bit(), "--page: the page has weights of its own: leave out --weights file");
  check<kit::UsageError>(model.num_parameters() <= kit::largest_model_page, "--page: the model has ",
                         kit::grouped(model.num_parameters()), " parameters, and a page at most ",
                         kit::grouped(kit::largest_model_page));
  kit::write_model_page(
      file, model, tokeniser,
      {.title = "llama: a model to type into",
       .note = "Type a text: the model says what comes next, and shows how it gets there. Everything is "
               "computed in this page, with the weights inside it.",
       .text = s.writing.prompt});
}

int run(int argc, char** argv) {
  kit::WriterSettings s;
  std::filesystem::path page;
  kit::Cli cli("llama", "Continues a text with a trained model of the Llama family.");
  cli.example("llama --model stories260K.bin --tokenizer tok512.bin --steps 200 --temperature 0",
              "a small model's likeliest story");
  cli.example("llama --model stories260K.bin --tokenizer tok512.bin --page model.html", "and the model as a page");
  cli.group("Page",
            {{"page", &page, "write the model itself as a page to type into, for a browser", {.value = "FILE"}}});
  if (!kit::parse_writer(cli, s, argc, argv)) return 0;

  if (kit::is_llama2c_file(s.model)) {
    const kit::FoundTokeniser tokeniser =
        kit::find_tokeniser(s.model.parent_path(), s.tokenizer, {"tokenizer.bin", "tokenizer.json"});
    nn::Llama model = kit::load_llama2c(s.model);
    write_page(page, model, *tokeniser, s);
    return kit::run_writer(cli, s, model, model.num_parameters(), tokeniser);
  }
  const kit::ModelFiles files(s.model);
  const core::SafeTensors tensors = files.open();
  const std::string config = files.config(tensors);
  check<kit::UsageError>(!config.empty(), "--model: ", quote(s.model.string()),
                         ": has no configuration: put the model's config.json beside its weights");
  nn::LlamaOptions sizes = nn::llama_config(config, files.config_source(tensors));
  kit::check_size(sizes, kit::elements_of(tensors), files.config_source(tensors));
  sizes.context = std::min(sizes.context, s.longest_text());  // caches and tables are made for all of it
  nn::Llama model(sizes);
  const int64_t parameters = model.num_parameters();
  kit::load_weights(model, tensors, files.weights.string(), llama_names, {.keep_16_bit = s.keep_16_bit()});
  const kit::FoundTokeniser tokeniser = files.tokeniser(tensors, s.tokenizer);
  write_page(page, model, *tokeniser, s);
  return kit::run_writer(cli, s, model, parameters, tokeniser);
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
