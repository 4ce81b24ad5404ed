#include "reports/gallery.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/bad_input.h"
#include "models/safetensors.h"
#include "reports/png.h"
#include "reports/text.h"
#include "results/artifacts.h"

namespace gauntlet {
namespace {

constexpr size_t kPictures = 4;  // of a defense
constexpr size_t kDefenses = 12;

/// The images of a run, before attacks and after one.
struct Images {
  Tensor index;  ///< [N] int64, in the data set's split
  Tensor x;      ///< [N, C, H, W] float32 in [0, 1]

  /// Undefined where the image is not among them.
  Tensor of(int64_t wanted) const {
    const Tensor found = (index == wanted).nonzero();
    return found.size(0) ? x[found[0][0].item<int64_t>()] : Tensor();
  }
};

std::optional<Images> read_images(const std::filesystem::path& file, const std::string& sum,
                                  const char* name) {
  try {
    auto tensors = parse_safetensors(read_artifact(file, sum), file.string());
    if (!tensors.count(name) || !tensors.count("index")) return {};
    Tensor x = tensors.at(name);
    if (x.dim() != 4 || x.size(0) != tensors.at("index").size(0)) return {};
    if (x.scalar_type() == at::kByte) x = x.to(at::kFloat).div_(255);
    if (x.scalar_type() != at::kFloat) return {};
    return Images{tensors.at("index"), x};
  } catch (const BadInput&) {  // removed since, or damaged: the report is of the records
    return {};
  }
}

/// The attack that left this defense least and whose images are kept.
const Group<CellRecord>* strongest(const Summary& summary, const std::string& defense) {
  const Group<CellRecord>* best = nullptr;
  for (const std::string& attack : summary.attacks) {
    const auto* group = summary.cell(defense, attack, summary.threats.front());
    if (!group || !group->robust || group->records.front()->x_adv.empty()) continue;
    if (!best || group->robust->mean < best->robust->mean) best = group;
  }
  return best;
}

View picture_view(const Tensor& clean, const Tensor& adversarial, const Outcome& outcome,
                  const RunImages& images) {
  const Tensor delta = adversarial - clean;
  const double most = delta.abs().max().item<double>();
  if (!(most > 0)) return {};
  const auto name = [&](int64_t label) {
    return label >= 0 && label < int64_t(images.classes().size()) ? images.classes()[size_t(label)]
                                                                  : std::string("refused");
  };
  View view = {{"clean", picture(clean)},
               {"delta", picture(delta / (2 * most) + 0.5)},
               {"adversarial", picture(adversarial)},
               {"label", name(outcome.label)},
               {"predicted", name(outcome.predicted)},
               {"image", grouped(outcome.index)},
               {"scale", percent(0.5 / most / 100)},
               {"distance", epsilon_text(std::round(outcome.distance * 1e4) / 1e4)}};
  return view["clean"].get_ref<const std::string&>().empty() ? View{} : view;
}

View pictures_of(const CellRecord& record, const RunRecords& records, const Images& clean,
                 const RunImages& images) {
  View pictures = View::array();
  const auto adversarial =
      read_images(records.artifacts / record.x_adv, record.x_adv_sha256, "x_adv");
  if (!adversarial) return pictures;
  std::set<int64_t> seen;  // classes
  for (const Outcome& outcome : records.outcomes(record)) {
    if (pictures.size() == kPictures) break;
    if (outcome.clean_right < record.trials || 2 * outcome.robust_right >= record.trials ||
        outcome.predicted == outcome.label || !seen.insert(outcome.label).second)
      continue;
    const Tensor before = clean.of(outcome.index), after = adversarial->of(outcome.index);
    if (!before.defined() || !after.defined() || before.sizes() != after.sizes()) continue;
    if (View view = picture_view(before, after, outcome, images); !view.empty())
      pictures.push_back(std::move(view));
  }
  return pictures;
}

}  // namespace

View gallery_of(const Summary& summary, const RunRecords& records, const RunImages& images) {
  View rows = View::array();
  const auto settings = object_of(summary.run.settings);
  const nlohmann::ordered_json::json_pointer place("/data/images");
  if (records.artifacts.empty() || summary.threats.empty() || !settings.contains(place) ||
      !settings[place].is_string())
    return rows;
  const auto clean = read_images(records.artifacts / settings[place].get<std::string>(),
                                 settings["data"].value("images_sha256", std::string()), "x");
  if (!clean) return rows;
  for (const std::string& defense : summary.defenses) {
    if (rows.size() == kDefenses) break;
    const auto* group = strongest(summary, defense);
    if (!group) continue;
    View pictures = pictures_of(*group->records.front(), records, *clean, images);
    if (!pictures.empty())
      rows.push_back({{"defense", defense}, {"attack", group->attack}, {"pictures", pictures}});
  }
  return rows;
}

}  // namespace gauntlet
