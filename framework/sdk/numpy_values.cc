#include "sdk/numpy_values.h"

#include <algorithm>

#include "base/bad_input.h"

namespace gauntlet {

std::optional<NumpyType> numpy_type(std::string_view name) {
  constexpr std::pair<std::string_view, at::ScalarType> kTypes[] = {
      {"b1", at::kBool},   {"i1", at::kChar}, {"u1", at::kByte},   {"i2", at::kShort},
      {"u2", at::kUInt16}, {"i4", at::kInt},  {"u4", at::kUInt32}, {"i8", at::kLong},
      {"u8", at::kUInt64}, {"f2", at::kHalf}, {"f4", at::kFloat},  {"f8", at::kDouble}};
  constexpr std::string_view kOrders = "<>|=";
  const bool ordered = !name.empty() && kOrders.find(name[0]) != std::string_view::npos;
  for (const auto& [code, type] : kTypes)
    if (name.substr(ordered) == code)
      return NumpyType{type, name[0] == '>' && at::elementSize(type) > 1};
  return {};
}

void to_native_order(char* bytes, uint64_t count, const NumpyType& type) {
  if (!type.swapped) return;
  const size_t size = at::elementSize(type.stored);
  for (char* at = bytes; at + size <= bytes + count; at += size) std::reverse(at, at + size);
}

Tensor computable(const Tensor& stored, const std::string& what) {
  switch (stored.scalar_type()) {
    case at::kUInt16:
      return stored.to(at::kInt);
    case at::kUInt32:
      return stored.to(at::kLong);
    case at::kHalf:
      return stored.to(at::kFloat);
    case at::kUInt64: {
      const Tensor signed_ones = stored.view(at::kLong);
      if (stored.numel() > 0 && signed_ones.min().item<int64_t>() < 0)
        throw BadInput(what + "has whole numbers beyond 2^63");
      return signed_ones;
    }
    default:
      return stored;
  }
}

}  // namespace gauntlet
