#include <kainjow/mustache.hpp>
#include <stdexcept>

#include "reports/page/view.h"

namespace gauntlet::reports::page {
namespace {

using kainjow::mustache::data;

data data_of(const View& view) {
  if (view.is_object()) {
    data object(data::type::object);
    for (const auto& [name, value] : view.items()) object.set(name, data_of(value));
    return object;
  }
  if (view.is_array()) {
    data list(data::type::list);
    for (const View& value : view) list.push_back(data_of(value));
    return list;
  }
  if (view.is_boolean()) return data(view.get<bool>());
  if (view.is_string()) {
    const auto& text = view.get_ref<const std::string&>();
    if (text.empty()) return data(false);  // a section over an empty text is left out
    return data(text);
  }
  throw std::logic_error("a view holds texts, switches, lists and objects only");
}

}  // namespace

std::string render(std::string_view text, const View& view,
                   const std::function<std::string(const std::string&)>& escape) {
  kainjow::mustache::mustache page{std::string(text)};
  if (!page.is_valid()) throw std::logic_error("report template: " + page.error_message());
  page.set_custom_escape(escape);
  return page.render(data_of(view));
}

}  // namespace gauntlet::reports::page
