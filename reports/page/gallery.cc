#include "reports/page/gallery.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/bad_input.h"
#include "reports/drawing/png.h"
#include "reports/text/text.h"
#include "results/artifacts.h"
#include "results/settings.h"

namespace gauntlet::reports::page {
namespace {

constexpr size_t kPictures = 4;  // of a defense
constexpr size_t kDefenses = 12;

/// The images of a run, before attacks and after one.
/// One of the images, [C, H, W]; undefined where it is not among them.
Tensor image_of(const results::KeptImages& images, int64_t wanted) {
  const Tensor found = (images.index == wanted).nonzero();
  return found.size(0) ? images.x[found[0][0].item<int64_t>()] : Tensor();
}

std::optional<results::KeptImages> images_in(const std::filesystem::path& file, results::Kept kept,
                                             const std::string& sum) {
  try {
    results::KeptImages images = results::read_images(file, kept, sum);
    images.x = images.pixels();
    return images;
  } catch (const BadInput&) {  // removed since, or damaged: the report is of the records
    return {};
  }
}

/// The attack that left this defense least and whose images are kept.
const Group<results::CellRecord>* strongest(const Summary& summary, const std::string& defense) {
  const Group<results::CellRecord>* best = nullptr;
  for (const std::string& attack : summary.attacks) {
    const auto* group = summary.cell(defense, attack, summary.threats.front());
    if (!group || !group->robust || group->records.front()->x_adv.empty()) continue;
    if (!best || group->robust->mean < best->robust->mean) best = group;
  }
  return best;
}

View picture_view(const Tensor& clean, const Tensor& adversarial, const results::Outcome& outcome,
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

View pictures_of(const results::CellRecord& record, const results::RunRecords& records,
                 const results::KeptImages& clean, const RunImages& images) {
  View pictures = View::array();
  const auto adversarial =
      images_in(records.artifacts / record.x_adv, results::Kept::kAdversarial, record.x_adv_sha256);
  if (!adversarial) return pictures;
  std::set<int64_t> seen;  // classes
  for (const results::Outcome& outcome : records.outcomes(record)) {
    if (pictures.size() == kPictures) break;
    if (outcome.clean_right < record.trials || 2 * outcome.robust_right >= record.trials ||
        outcome.predicted == outcome.label || !seen.insert(outcome.label).second)
      continue;
    const Tensor before = image_of(clean, outcome.index),
                 after = image_of(*adversarial, outcome.index);
    if (!before.defined() || !after.defined() || before.sizes() != after.sizes()) continue;
    if (View view = picture_view(before, after, outcome, images); !view.empty())
      pictures.push_back(std::move(view));
  }
  return pictures;
}

}  // namespace

View gallery_of(const Summary& summary, const results::RunRecords& records,
                const RunImages& images) {
  View rows = View::array();
  const results::Settings::Data data = results::settings_of(summary.run.settings).data;
  if (records.artifacts.empty() || summary.threats.empty() || data.images.empty()) return rows;
  const auto clean =
      images_in(records.artifacts / data.images, results::Kept::kClean, data.images_sha256);
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

}  // namespace gauntlet::reports::page
