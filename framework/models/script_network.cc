#include "models/script_network.h"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include "base/bad_input.h"
#include "base/shape_text.h"
#include "base/shown.h"
#include "models/crash.h"
#include "models/graph.h"
#include "models/program_state.h"
#include "models/weights/weights.h"

namespace gauntlet::models {
namespace {
// The line of a long error that says what went wrong.
std::string reason(const std::string& text) {
  const size_t error = text.find("Error: "),
               begin = error == std::string::npos ? 0 : text.rfind('\n', error) + 1;
  return shown(std::string_view(text).substr(begin, text.find('\n', begin) - begin));
}

class ScriptNetwork final : public Network {
 public:
  explicit ScriptNetwork(NetworkSpec spec) : spec_(std::move(spec)) {
    if (!spec_.mean.empty()) {
      const int64_t channels = spec_.input[0];
      mean_ = torch::tensor(spec_.mean, torch::kFloat).view({channels, 1, 1});
      std_ = torch::tensor(spec_.std, torch::kFloat).view({channels, 1, 1});
    }
  }

  void load(const std::filesystem::path& file) {
    const std::string name = file.string();
    if (!is_torchscript(file)) {
      refuse_pointer(file);
      throw BadInput(name +
                     ": is no TorchScript program; write it with "
                     "torch.jit.script(model).save('model.pt')");
    }
    // LibTorch trusts such files; a damaged one may take the process with it.
    constexpr unsigned kSeconds = 120;
    if (const std::string end =
            fatal_end([&] { (void)torch::jit::load(name, at::kCPU); }, kSeconds);
        !end.empty())
      throw BadInput(name + ": loading the TorchScript program " + end + ", so it is refused");
    try {
      module_ = torch::jit::load(name, at::kCPU);
      module_.eval();
      for (const Tensor& parameter : module_.parameters()) parameter.set_requires_grad(false);
    } catch (const std::exception& error) {
      throw BadInput(name + ": cannot be loaded as TorchScript: " + reason(error.what()));
    }
    loaded_ = true;
    try {
      state_.emplace(module_);
      try_out();
      state_->tried();
    } catch (const BadInput& error) {
      throw BadInput(name + ": " + error.what());
    }
  }

  const NetworkSpec& spec() const override { return spec_; }
  Outputs forward(const Tensor& x, const Noise&, const std::vector<PerturbsLayers*>&, Mode mode,
                  const std::vector<std::string>& features = {}) override {
    if (trains(mode)) refuse_training();
    if (const std::string wrong = features_problem(*this, features); !wrong.empty())
      throw BadInput(wrong);
    return {ask(x), {}};
  }
  const std::vector<Layer>& layers() const override { return layers_; }
  void declare(PerturbsLayers&, const std::string& prefix) override {
    throw BadInput("layer plugin '" + prefix +
                   "': a TorchScript network has no layers that the host owns");
  }
  std::vector<NamedTensor> tensors() const override {
    std::vector<NamedTensor> all;
    for (const auto& parameter : module_.named_parameters())
      all.push_back({parameter.name, parameter.value, false, false});
    for (const auto& buffer : module_.named_buffers())
      all.push_back({buffer.name, buffer.value, false, false});
    return all;
  }
  std::string remark() const override {
    if (!state_ || state_->changed().empty()) return "";
    return "the program changes " + shown(state_->changed()) +
           " while it answers: every answer here is that of the program as its file has it";
  }
  void weights_changed() override {}
  void set_trainable(bool on) override {
    if (on) refuse_training();
  }
  void to(at::Device device) override {
    module_.to(device);
    if (mean_.defined()) mean_ = mean_.to(device), std_ = std_.to(device);
    if (!loaded_ || device.is_cpu()) return;
    state_.emplace(module_);
    const at::NoGradGuard no_graph;
    (void)ask(trial_images(1).to(device));
    state_->tried();
  }

 private:
  [[noreturn]] static void refuse_training() {
    throw BadInput("architecture 'torchscript': a TorchScript network cannot be trained here");
  }

  // Images in which no two pixels are alike, so that a program may divide by their spread.
  Tensor trial_images(int64_t rows) const {
    std::vector<int64_t> shape = {rows};
    shape.insert(shape.end(), spec_.input.begin(), spec_.input.end());
    return (torch::arange(c10::multiply_integers(shape), torch::kFloat) * 0.7)
        .sin()
        .mul(0.5)
        .add(0.5)
        .view(shape);
  }

  // On one image and on three: a program traced with a batch size of its own fails on one of them.
  void try_out() {
    const at::NoGradGuard no_graph;
    for (const NamedTensor& named : tensors())
      if (at::isFloatingType(named.tensor.scalar_type()) &&
          !named.tensor.isfinite().all().item<bool>())
        throw BadInput("tensor " + shown(named.name) + " has values that are not finite");
    choose_type();
    for (const int64_t rows : {1, 3})
      if (!ask(trial_images(rows)).isfinite().any().item<bool>())
        throw BadInput(
            "the program gives logits that are not finite for every image it is tried on");
  }

  // A program saved in float64 or half precision may want its images in it.
  void choose_type() {
    try {
      (void)ask(trial_images(1));
      return;
    } catch (const BadInput&) {
    }
    for (const Tensor& parameter : module_.parameters()) {
      if (!at::isFloatingType(parameter.scalar_type()) || parameter.scalar_type() == torch::kFloat)
        continue;
      type_ = parameter.scalar_type();
      try {
        (void)ask(trial_images(1));
        return;
      } catch (const BadInput&) {
      }
      break;
    }
    type_ = torch::kFloat;  // with which the trial tells what is wrong
  }

  torch::jit::IValue run(const Tensor& x) try {
    // Rewritten after the first calls, a program would round otherwise than on its first.
    torch::jit::GraphOptimizerEnabledGuard as_written(false);
    // A tensor of its own: programs work in place, too.
    state_->put_back();
    const Tensor input = mean_.defined() ? (x - mean_) / std_ : x.clone();
    torch::jit::IValue answer = module_.forward({input.to(type_)});
    if (at::GradMode::is_enabled() || state_->changed().empty()) return answer;
    if (answer.isTensor()) answer = answer.toTensor().clone();  // it may be part of the state
    state_->put_back();  // with a graph only before the next call: it may hold the state
    return answer;
  } catch (const std::exception& error) {
    throw BadInput("the TorchScript program fails on inputs " + shape_text(x.sizes()) + ": " +
                   reason(error.what()));
  }

  Tensor ask(const Tensor& x) {
    if (!loaded_) throw BadInput("architecture 'torchscript': no weights file was loaded");
    const torch::jit::IValue answer = run(x);
    const std::vector<int64_t> wanted = {x.size(0), spec_.classes};
    if (!answer.isTensor())
      throw BadInput("the program returns a " + answer.tagKind() + ", expected logits " +
                     shape_text(wanted));
    const Tensor& logits = answer.toTensor();
    if (logits.sizes() != wanted || !at::isFloatingType(logits.scalar_type()))
      throw BadInput("the program returns " + shape_text(logits.sizes()) + ", expected logits " +
                     shape_text(wanted));
    return logits.to(torch::kFloat);  // whatever it computes in
  }

  const NetworkSpec spec_;
  const std::vector<Layer> layers_;
  torch::jit::Module module_;
  Tensor mean_, std_;
  at::ScalarType type_ = torch::kFloat;  // of its images
  std::optional<ProgramState> state_;
  bool loaded_ = false;
};
}  // namespace

std::unique_ptr<Network> script_network(const NetworkSpec& spec) {
  if (!spec.options.empty())
    throw BadInput("torchscript: unknown option '" + spec.options.begin()->first +
                   "': a TorchScript network has none");
  return std::make_unique<ScriptNetwork>(spec);
}

bool load_script(Network& network, const std::filesystem::path& file) {
  auto* script = dynamic_cast<ScriptNetwork*>(&network);
  if (script) script->load(file);
  return script != nullptr;
}

}  // namespace gauntlet::models
