#include "bundle/bundle_file.h"

#include <regex>

#include "base/bad_input.h"
#include "base/plausible_size.h"
#include "base/sha256.h"
#include "base/shown.h"
#include "boards/json_fields.h"
#include "bundle/layout.h"

namespace gauntlet::bundle {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

// A name that would lie outside of the folder it is unpacked in, on one system or another.
bool leaves_folder(const std::string& name) {
  if (name.find('\\') != std::string::npos) return true;
  for (const fs::path& part : fs::path(name))
    if (part == "..") return true;
  return false;
}

bool is_absolute(const std::string& name) {
  return name.starts_with('/') || (name.size() > 1 && name[1] == ':');
}

bool belongs(const std::string& name) {
  static const std::regex known(
      R"(bundle\.json|settings\.json|images\.safetensors|entries/[a-z0-9-]{1,64}\.json|)"
      R"(x_adv/[0-9a-f]{64}\.safetensors)");
  return std::regex_match(name, known);
}

bool is_text(const std::string& name) { return name.ends_with(".json"); }
}  // namespace

BundleFile::BundleFile(const fs::path& file) : name_(file.string()), zip_(file) {
  check_names();
  check_sizes(fs::file_size(file));
  sha256_ = sha256_of_file(file);
  read_index();
  settings_ = json_of(bundle::kSettings);
  if (!settings_.is_object()) fail("settings.json is no JSON object");
  for (const ZipFile::Entry& entry : zip_.entries()) {
    if (!entry.name.starts_with("entries/")) continue;
    entries_.push_back(
        boards::board_entry_from_json(content(entry.name), name_ + ": " + entry.name));
    if (bundle::entry_file(entries_.back().id) != entry.name)
      fail(entry.name + " holds the entry " + shown(entries_.back().id));
  }
  if (entries_.empty()) fail("the bundle holds no entry");
}

void BundleFile::check_names() const {
  for (const ZipFile::Entry& entry : zip_.entries()) {
    const std::string name = shown(entry.name);
    if (is_absolute(entry.name)) fail("the bundle holds an absolute name, " + name);
    if (leaves_folder(entry.name)) fail("the bundle holds a name that leaves its folder, " + name);
    if (entry.link) fail("the bundle holds a link, " + name);
    if (!belongs(entry.name)) fail("the bundle holds " + name + ", which belongs to no bundle");
  }
}

// ZipFile has bounded each file by what deflate can pack at all; a bundle holds less.
void BundleFile::check_sizes(uint64_t bytes) const {
  uint64_t total = 0;
  for (const ZipFile::Entry& entry : zip_.entries()) {
    const uint64_t most = is_text(entry.name) ? bundle::kMostText : bundle::kMostTensors;
    if (entry.size > most)
      fail(shown(entry.name) + " is said to unpack to " + std::to_string(entry.size) +
           " bytes, more than the " + std::to_string(most) + " that a bundle holds there");
    total += entry.size;
  }
  if (total > uint64_t(plausible_bytes(bytes)))
    fail("the bundle is said to unpack to " + std::to_string(total) +
         " bytes, more than its size of " + std::to_string(bytes) + " lets expect");
}

void BundleFile::read_index() {
  if (!zip_.find(bundle::kIndex)) fail("no bundle: there is no bundle.json in it");
  const json index = json_of(bundle::kIndex);
  const json schema = index.is_object() ? index.value("schema", json()) : json();
  if (schema != bundle::kSchema)
    fail("bundle.json has schema " + shown(schema.dump()) + ", expected " +
         std::to_string(bundle::kSchema));
  const json files = index.value("files", json());
  if (!files.is_object()) fail("bundle.json has no list of files");
  for (const auto& [name, sum] : files.items()) {
    if (!sum.is_string()) fail("bundle.json: the sum of " + shown(name) + " is no text");
    if (!zip_.find(name)) fail("bundle.json lists " + shown(name) + ", which is not there");
    listed_[name] = sum.get<std::string>();
  }
  for (const ZipFile::Entry& entry : zip_.entries())
    if (entry.name != bundle::kIndex && !listed_.contains(entry.name))
      fail("the bundle holds " + shown(entry.name) + ", which bundle.json does not list");
  for (const char* needed : {bundle::kSettings, bundle::kImages})
    if (!listed_.contains(needed)) fail(std::string("the bundle lacks ") + needed);
}

json BundleFile::json_of(const std::string& name) const {
  return parse_strictly(content(name), boards::JsonPlace(name_ + ": " + name), bundle::kMostText);
}

std::string BundleFile::content(const std::string& name) const {
  const ZipFile::Entry* entry = zip_.find(name);
  if (!entry) fail("there is no " + shown(name) + " in it");
  return zip_.read(*entry, is_text(name) ? bundle::kMostText : bundle::kMostTensors);
}

results::KeptImages BundleFile::images(const std::string& name, results::Kept kept) const {
  return results::parse_images(content(name), kept, name_ + ": " + name);
}

std::vector<std::string> BundleFile::changed_files() const {
  std::vector<std::string> out;
  for (const auto& [name, sum] : listed_) {
    const std::string found = gauntlet::sha256(content(name));
    if (found != sum)
      out.push_back(name + " has SHA-256 " + found + ", bundle.json declares " + shown(sum));
    if (name.starts_with("x_adv/") && name != bundle::x_adv_file(found))
      out.push_back(name + " has SHA-256 " + found + ", which is not its name");
  }
  return out;
}

void BundleFile::fail(const std::string& problem) const { throw BadInput(name_ + ": " + problem); }

}  // namespace gauntlet::bundle
