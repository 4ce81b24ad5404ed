// What lies where in a bundle: a .zip file with the claims of a run on a board and all that they
// are recomputed from.
//
//     bundle.json              {"schema", "files": {name: SHA-256}} of every other file
//     settings.json            the run's settings (settings_of)
//     images.safetensors       clean images of the run: "x" [N, C, H, W], "label", "index" [N]
//     entries/ID.json          claims and per-sample outcomes of a row (boards/entry.h)
//     x_adv/SHA-256.safetensors   a cell's adversarial inputs: "x_adv" [n, C, H, W], "index" [n]
#pragma once
#include <cstdint>
#include <string>

namespace gauntlet::bundle {

constexpr int64_t kSchema = 1;
constexpr const char *kIndex = "bundle.json", *kSettings = "settings.json",
                     *kImages = "images.safetensors";

inline std::string entry_file(const std::string& id) { return "entries/" + id + ".json"; }
inline std::string x_adv_file(const std::string& sha256) {
  return "x_adv/" + sha256 + ".safetensors";
}

/// Bytes that a file of text, and one of tensors, may unpack to.
constexpr uint64_t kMostText = uint64_t{1} << 26, kMostTensors = uint64_t{1} << 32;

}  // namespace gauntlet::bundle
