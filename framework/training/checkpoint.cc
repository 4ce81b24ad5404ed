#include "training/checkpoint.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "base/write_atomically.h"
#include "models/weights/safetensors.h"

namespace gauntlet::training {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
constexpr int kSchema = 2;  // 2: the best epoch's tensors are the network's and the method's

fs::path json_file(const fs::path& prefix) { return prefix.string() + ".json"; }
fs::path tensor_file(const fs::path& prefix, int64_t epoch) {
  return prefix.string() + "." + std::to_string(epoch) + ".safetensors";
}

json optional_number(const std::optional<double>& value) {
  return value ? json(*value) : json(nullptr);
}

json to_json(const EpochLog& line) {
  return {{"epoch", line.epoch},
          {"learning_rate", line.learning_rate},
          {"loss", line.loss},
          {"accuracy", line.accuracy},
          {"validation_clean", optional_number(line.validation_clean)},
          {"validation_robust", optional_number(line.validation_robust)},
          {"seconds", line.seconds}};
}

EpochLog log_line(const json& from) {
  const auto maybe = [&](const char* key) {
    const json& value = from.at(key);
    return value.is_null() ? std::nullopt : std::optional(value.get<double>());
  };
  return {from.at("epoch"),    from.at("learning_rate"),  from.at("loss"),
          from.at("accuracy"), maybe("validation_clean"), maybe("validation_robust"),
          from.at("seconds")};
}

Checkpoint from_json(const json& state) {
  Checkpoint checkpoint;
  checkpoint.recipe = state.at("recipe");
  if (state.contains("models"))
    checkpoint.models = state.at("models").get<std::map<std::string, std::string>>();
  checkpoint.epoch = state.at("epoch");
  checkpoint.finished = state.at("finished");
  checkpoint.best = state.at("best");
  checkpoint.best_epoch = state.at("best_epoch");
  for (const json& line : state.at("log")) checkpoint.log.push_back(log_line(line));
  return checkpoint;
}
}  // namespace

std::string to_csv(const std::vector<EpochLog>& log) {
  std::ostringstream out;
  out << "epoch,learning_rate,loss,accuracy,validation_clean,validation_robust,seconds\n";
  const auto maybe = [&](const std::optional<double>& value) {
    out << ',';
    if (value) out << *value;
  };
  for (const EpochLog& line : log) {
    out << line.epoch << ',' << line.learning_rate << ',' << line.loss << ',' << line.accuracy;
    maybe(line.validation_clean);
    maybe(line.validation_robust);
    out << ',' << line.seconds << '\n';
  }
  return out.str();
}

void write_checkpoint(const fs::path& prefix, const Checkpoint& checkpoint) {
  const fs::path tensors = tensor_file(prefix, checkpoint.epoch);
  models::write_safetensors(tensors, checkpoint.tensors);
  json state = {{"schema", kSchema},
                {"recipe", checkpoint.recipe},
                {"epoch", checkpoint.epoch},
                {"finished", checkpoint.finished},
                {"best", checkpoint.best},
                {"best_epoch", checkpoint.best_epoch},
                {"tensors", tensors.filename().string()},
                {"sha256", sha256_of_file(tensors)},
                {"log", json::array()}};
  if (checkpoint.models) state["models"] = *checkpoint.models;
  for (const EpochLog& line : checkpoint.log) state["log"].push_back(to_json(line));
  write_atomically(json_file(prefix), state.dump(2) + "\n");
  write_atomically(prefix.string() + ".csv", to_csv(checkpoint.log));
  fs::remove(tensor_file(prefix, checkpoint.epoch - 1));
}

bool has_checkpoint(const fs::path& prefix) { return fs::exists(json_file(prefix)); }

std::optional<Checkpoint> read_checkpoint(const fs::path& prefix) {
  const fs::path file = json_file(prefix);
  if (!fs::exists(file)) return std::nullopt;
  std::ifstream in(file, std::ios::binary);
  try {
    const json state = json::parse(in);
    if (state.at("schema") != kSchema)
      throw BadInput(file.string() +
                     ": was written by another version of this program; begin anew with "
                     "--overwrite");
    Checkpoint checkpoint = from_json(state);
    const fs::path tensors = tensor_file(prefix, checkpoint.epoch);
    if (sha256_of_file(tensors) != state.at("sha256").get<std::string>())
      throw BadInput(tensors.string() + ": is not the file its checkpoint names (other SHA-256)");
    checkpoint.tensors = models::read_safetensors(tensors);
    return checkpoint;
  } catch (const json::exception&) {
    throw BadInput(file.string() + ": is no checkpoint of a training; begin anew with --overwrite");
  }
}

void remove_checkpoint(const fs::path& prefix) {
  const std::string begin = prefix.filename().string() + ".";
  if (!fs::is_directory(prefix.parent_path())) return;
  fs::remove(json_file(prefix));  // first: tensors without it are no checkpoint
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(prefix.parent_path()))
    if (entry.path().filename().string().starts_with(begin)) files.push_back(entry.path());
  for (const fs::path& file : files) fs::remove(file);
}

}  // namespace gauntlet::training
