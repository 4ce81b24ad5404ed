#include "models/graph.h"

#include <algorithm>

#include "base/bad_input.h"
#include "base/shape_text.h"

namespace gauntlet::models {
namespace {
constexpr const char* kPenultimate = "penultimate";

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
// Adds a name of this kind ("layer name"). Throws BadInput for one that is empty or there already.
void take(std::vector<std::string>& names, const std::string& name, const char* kind) {
  if (name.empty() || holds(names, name))
    throw BadInput(std::string("the ") + kind + " '" + name + "' is " +
                   (name.empty() ? "empty" : "there twice"));
  names.push_back(name);
}
}  // namespace

Graph::Graph(const std::vector<int64_t>& input) {
  Node node;
  node.shape = input;
  push(std::move(node));
}

int Graph::push(Node node) {
  nodes_.push_back(std::move(node));
  return int(nodes_.size()) - 1;
}

Node Graph::reading(Node::Op op, int from) const {
  Node node;
  node.op = op, node.inputs = {from}, node.shape = shape(from);
  return node;
}

void Graph::expect_image(int from, const std::string& what) const {
  if (shape(from).size() != 3)
    throw BadInput(what + " needs an image [C, H, W], not a flat input " + shape_text(shape(from)));
}

void Graph::unique(const std::string& name) { take(names_, name, "layer name"); }

void Graph::feature(int value, const std::string& name) {
  take(features_, name, "feature name");
  std::string& known = nodes_[size_t(value)].feature;
  if (!known.empty())
    throw BadInput("the feature '" + name + "' is called '" + known + "' already");
  known = name;
}

void Graph::name_penultimate() {
  const Node& last = nodes_.back();
  if (last.op != Node::Op::kLinear || !nodes_[size_t(last.inputs[0])].feature.empty()) return;
  if (!holds(features_, kPenultimate)) feature(last.inputs[0], kPenultimate);
}

std::vector<Node> Graph::finish() && {
  name_penultimate();
  std::vector<int> last_reader(nodes_.size(), -1);
  for (size_t i = 0; i < nodes_.size(); ++i)
    for (const int from : nodes_[i].inputs) {
      ++nodes_[size_t(from)].readers;
      last_reader[size_t(from)] = int(i);
    }
  for (size_t value = 0; value < nodes_.size(); ++value)
    if (last_reader[value] >= 0) nodes_[size_t(last_reader[value])].drops.push_back(int(value));
  for (size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].op == Node::Op::kBatchNorm)
      if (Node& source = nodes_[size_t(nodes_[i].inputs[0])];
          source.layer >= 0 && source.readers == 1)
        source.batch_norm = int(i);
  for (const Node& node : nodes_)
    if (node.batch_norm >= 0 && !node.feature.empty())
      throw BadInput("the feature '" + node.feature +
                     "' is what batch norm reads, which need not be computed; name the value "
                     "behind it");
  return std::move(nodes_);
}

}  // namespace gauntlet::models
