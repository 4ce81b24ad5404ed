// Reading the pages that reports write.
#pragma once
#include <cctype>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace gauntlet {

struct Tag {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;  ///< everything inside, tags left out
};

/// A strict reader of the HTML we write: lower-case tags, quoted attributes, everything closed.
/// Throws std::runtime_error where the page is not that.
class Page {
 public:
  explicit Page(const std::string& html) : html_(html) {
    while (at_ < html_.size()) html_[at_] == '<' ? read_tag() : read_text();
    if (!open_.empty()) throw std::runtime_error("never closed: " + tags_[open_.back()].name);
  }
  const std::vector<Tag>& tags() const { return tags_; }

  std::vector<Tag> of_class(const std::string& tag, const std::string& wanted) const {
    std::vector<Tag> found;
    for (const Tag& each : tags_) {
      const auto classes = each.attributes.find("class");
      if (each.name != tag || classes == each.attributes.end()) continue;
      std::istringstream words(classes->second);
      for (std::string word; words >> word;)
        if (word == wanted) found.push_back(each);
    }
    return found;
  }

 private:
  void read_text() {
    const size_t end = html_.find('<', at_);
    for (const size_t tag : open_) tags_[tag].text += html_.substr(at_, end - at_);
    at_ = std::min(end, html_.size());
  }

  std::string word() {
    const size_t start = at_;
    while (at_ < html_.size() && (std::isalnum(html_[at_]) || html_[at_] == '-')) ++at_;
    if (at_ == start) throw std::runtime_error("no name at ..." + html_.substr(start, 40));
    return html_.substr(start, at_ - start);
  }

  void expect(char c) {
    if (html_.at(at_++) != c)
      throw std::runtime_error(std::string("expected ") + c + " at ..." +
                               html_.substr(at_ - 1, 40));
  }

  void read_tag() {
    if (html_.compare(at_, 15, "<!doctype html>") == 0) return void(at_ += 15);
    expect('<');
    if (html_[at_] == '/') return close();
    Tag tag{word(), {}, {}};
    while (html_.at(at_) != '>') {
      while (std::isspace(html_.at(at_))) ++at_;
      const std::string name = word();
      if (html_.at(at_) != '=') {
        tag.attributes[name] = "";
        continue;
      }
      ++at_;
      expect('"');
      const size_t end = html_.find('"', at_);
      tag.attributes[name] = html_.substr(at_, end - at_);
      at_ = end + 1;
    }
    ++at_;
    tags_.push_back(tag);
    static const std::set<std::string> never_closed = {"meta", "link", "input", "img", "br", "wbr"};
    if (!never_closed.count(tag.name)) open_.push_back(tags_.size() - 1);
    if (tag.name == "style" || tag.name == "script") at_ = html_.find("</" + tag.name, at_);
  }

  void close() {
    ++at_;
    const std::string name = word();
    expect('>');
    if (open_.empty() || tags_[open_.back()].name != name)
      throw std::runtime_error("</" + name + "> closes nothing");
    open_.pop_back();
  }

  std::string html_;
  size_t at_ = 0;
  std::vector<Tag> tags_;
  std::vector<size_t> open_;
};

inline size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

}  // namespace gauntlet
