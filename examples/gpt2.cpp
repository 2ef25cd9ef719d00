// GPT-2 writes: a model with the layout of OpenAI's GPT-2 continues a text (Radford et al. 2019).
//
//     gpt2 --model gpt2 --prompt "Hello, I am"
//
// The model is nn/models/gpt.h, the one that char_gpt trains. --model is a folder as Hugging Face's hub has them
// (model.safetensors, config.json, tokenizer.json or vocab.json and merges.txt), or a .safetensors file, also one that
// char_gpt has written. Names and layouts of the hub's files differ a little from heed's: nn::gpt2_names() is the table.
// To train such a model on with a text of your own: char_gpt --load gpt2 --text mine.txt --lora 8.
#include <heed/examples/kit/models/gpt_files.h>
#include <heed/examples/kit/models/writer.h>

using namespace heed;

namespace {

int run(int argc, char** argv) {
  kit::WriterSettings s;
  s.writing = {.prompt = "Hello", .sampling = {.temperature = 0.8, .top_k = 40}, .begin_with_bos = false};
  kit::Cli cli("gpt2", "Continues a text with a model of GPT-2's layout.");
  cli.example("gpt2 --model gpt2 --prompt \"Once upon a time\" --temperature 0", "the likeliest continuation");
  if (!kit::parse_writer(cli, s, argc, argv)) return 0;
  kit::LoadedGPT gpt = kit::load_gpt(s.model, s.tokenizer, {.keep_16_bit = s.keep_16_bit()});
  return kit::run_writer(cli, s, gpt.model, gpt.parameters, gpt.tokeniser);
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
