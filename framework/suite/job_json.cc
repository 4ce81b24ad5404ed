#include "suite/job_json.h"

#include <nlohmann/json.hpp>

#include "base/bad_input.h"
#include "registry/registry_entry.h"
#include "suite/names.h"
#include "suite/param_json.h"

namespace gauntlet::suite {
namespace {
using nlohmann::json;

// ---- What each type is made of, for writing and reading alike ----------------------------------

template <class Visit>
void fields(Visit visit, Use& use) {
  visit("plugin", use.plugin), visit("with", use.with);
}
template <class Visit>
void fields(Visit visit, models::NetworkSpec& network) {
  visit("architecture", network.architecture), visit("input", network.input);
  visit("classes", network.classes), visit("mean", network.mean), visit("std", network.std);
  visit("options", network.options);
}
template <class Visit>
void fields(Visit visit, registry::DeclaredAccuracy& accuracy) {
  visit("dataset", accuracy.dataset), visit("split", accuracy.split);
  visit("samples", accuracy.samples), visit("correct", accuracy.correct);
}
template <class Visit>
void fields(Visit visit, registry::LearnedEntry& learned) {
  visit("weights", learned.weights), visit("sha256", learned.sha256);
  visit("plugins", learned.plugins), visit("method", learned.method);
}
template <class Visit>
void fields(Visit visit, registry::ModelEntry& model) {
  visit("id", model.id), visit("summary", model.summary), visit("dataset", model.dataset);
  visit("network", model.network), visit("layer_plugins", model.layer_plugins);
  visit("weights", model.weights), visit("sha256", model.sha256);
  visit("learned", model.learned);
  visit("licence", model.licence), visit("citation", model.citation);
  visit("accuracy", model.accuracy), visit("training", model.training), visit("log", model.log);
  visit("entry_file", model.entry_file);
}
template <class Visit>
void fields(Visit visit, registry::DatasetEntry::DataFile& file) {
  visit("path", file.path), visit("sha256", file.sha256);
  visit("content_sha256", file.content_sha256), visit("dataset", file.dataset);
  visit("folders", file.folders), visit("beside", file.beside), visit("folder", file.folder);
  visit("bytes", file.bytes), visit("urls", file.urls);
}
template <class Visit>
void fields(Visit visit, registry::DatasetEntry::Split& split) {
  visit("name", split.name), visit("format", split.format), visit("files", split.files);
  visit("samples", split.samples), visit("resize", split.resize);
  visit("channels_last", split.channels_last), visit("images_array", split.images_array);
  visit("labels_array", split.labels_array);
}
template <class Visit>
void fields(Visit visit, registry::DatasetEntry::Archive& archive) {
  visit("urls", archive.urls), visit("sha256", archive.sha256), visit("bytes", archive.bytes);
  visit("strip", archive.strip);
}
template <class Visit>
void fields(Visit visit, registry::DatasetEntry& entry) {
  visit("id", entry.id), visit("title", entry.title), visit("licence", entry.licence);
  visit("citation", entry.citation), visit("homepage", entry.homepage);
  visit("classes", entry.classes), visit("shape", entry.shape);
  visit("class_names", entry.class_names), visit("splits", entry.splits);
  visit("archive", entry.archive), visit("embedded_of", entry.embedded_of);
  visit("obtain", entry.obtain), visit("folders", entry.folders);
  visit("entry_file", entry.entry_file);
}
template <class Visit>
void fields(Visit visit, DefenseSpec& defense) {
  visit("name", defense.name), visit("model", defense.model), visit("stack", defense.stack);
  visit("baseline", defense.baseline);
}
template <class Visit>
void fields(Visit visit, HostKeys& host) {
  visit("restarts", host.restarts), visit("draws", host.draws), visit("average", host.average);
  visit("goal", host.goal), visit("access", host.access), visit("max_queries", host.max_queries);
  visit("samples", host.samples), visit("precision", host.mode);
  visit("saturation", host.saturation), visit("division", host.division);
}
template <class Visit>
void fields(Visit visit, AttackSpec& attack) {
  visit("name", attack.name), visit("plugin", attack.plugin), visit("params", attack.params);
  visit("host", attack.host), visit("entry", attack.entry);
  visit("additional", attack.additional);
}
template <class Visit>
void fields(Visit visit, ThreatSpec& threat) {
  visit("name", threat.name), visit("norm", threat.norm), visit("epsilon", threat.epsilon);
  visit("written", threat.epsilon_text);
}
template <class Visit>
void fields(Visit visit, Scoring& scoring) {
  visit("trials", scoring.trials), visit("draws", scoring.draws);
  visit("success", scoring.success);
}
template <class Visit>
void fields(Visit visit, DataSpec& data) {
  visit("dataset", data.dataset), visit("split", data.split), visit("entry", data.entry);
  visit("indices", data.indices);
}
template <class Visit>
void fields(Visit visit, Job& job) {
  visit("suite", job.suite), visit("label", job.label), visit("defense", job.defense);
  visit("attack", job.attack), visit("threat", job.threat), visit("seed", job.seed);
  visit("scoring", job.scoring), visit("data", job.data);
}

// ---- Words of choices --------------------------------------------------------------------------

const auto& names_of(Norm) { return kNorms; }
const auto& names_of(Goal) { return kGoals; }
const auto& names_of(Access) { return kAccesses; }
const auto& names_of(Average) { return kAverages; }
const auto& names_of(Division) { return kDivisions; }
const auto& names_of(models::Mode) { return kPrecisions; }
const auto& names_of(Saturation) { return kSaturations; }
const auto& names_of(Success) { return kSuccesses; }
const auto& names_of(data::DataFormat) { return registry::kDataFormats; }

// ---- Writing and reading -----------------------------------------------------------------------

struct NoVisitor {
  template <class T>
  void operator()(const char*, T&) const {}
};
template <class T>
concept HasFields = requires(T& value) {
  fields(NoVisitor{}, value);
};
template <class T>
concept IsChoice = requires(T value) {
  names_of(value);
};

struct Writer {
  json& out;
  template <class T>
  void operator()(const char* key, T& field) const {
    out[key] = written(field);
  }

  template <class T>
  static json written(T& value) {
    if constexpr (HasFields<T>) {
      json object = json::object();
      fields(Writer{object}, value);
      return object;
    } else if constexpr (IsChoice<T>) {
      return word_for(names_of(value), value);
    } else if constexpr (std::is_same_v<T, ParamMap>) {
      return to_json(value);
    } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
      return value.string();
    } else {
      return value;
    }
  }
  template <class T>
  static json written(std::vector<T>& list) {
    json out = json::array();
    for (T& value : list) out.push_back(written(value));
    return out;
  }
  template <class T>
  static json written(std::optional<T>& value) {
    return value ? written(*value) : json();
  }
};

struct Reader {
  const json& in;
  template <class T>
  void operator()(const char* key, T& field) const {
    if (!in.is_object() || !in.contains(key))
      throw BadInput(std::string("a job lacks '") + key + "'");
    try {
      read(in.at(key), field);
    } catch (const json::exception&) {
      throw BadInput(std::string("a job's '") + key + "' is " + in.at(key).dump());
    }
  }

  template <class T>
  static void read(const json& from, T& value) {
    if constexpr (HasFields<T>) {
      fields(Reader{from}, value);
    } else if constexpr (IsChoice<T>) {
      const auto found = value_for(names_of(value), from.get<std::string>());
      if (!found) throw BadInput("a job says " + from.dump() + ", which is none of its choices");
      value = *found;
    } else if constexpr (std::is_same_v<T, ParamMap>) {
      value = params_of(from);
    } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
      value = from.get<std::string>();
    } else {
      from.get_to(value);
    }
  }
  template <class T>
  static void read(const json& from, std::vector<T>& list) {
    list.clear();
    for (const json& value : from) read(value, list.emplace_back());
  }
  template <class T>
  static void read(const json& from, std::optional<T>& value) {
    value.reset();
    if (!from.is_null()) read(from, value.emplace());
  }
};
}  // namespace

std::string to_json(const Job& job) {
  Job copy = job;  // visited by reference for reading's sake
  return Writer::written(copy).dump();
}

Job job_from_json(const std::string& text) {
  const json in = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!in.is_object()) throw BadInput("a job is no JSON object");
  Job job;
  Reader::read(in, job);
  return job;
}

}  // namespace gauntlet::suite
