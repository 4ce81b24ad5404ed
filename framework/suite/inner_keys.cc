#include "suite/inner_keys.h"

namespace gauntlet::suite {

Average InnerKeys::averaged() const {
  return value_for(kAverages, average).value_or(Average::kLoss);
}

InnerKeys take_inner_keys(Use& attack) {
  ParamMap taken;
  for (const ParamSpec& spec : schema_of<InnerKeys>())
    if (auto node = attack.with.extract(spec.name)) taken.insert(std::move(node));
  return gauntlet::bind<InnerKeys>(taken);
}

}  // namespace gauntlet::suite
