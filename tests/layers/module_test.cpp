#include <doctest/doctest.h>

#include <tessera/core/error.hpp>
#include <tessera/layers/layer.hpp>

#include "tests/support/message_of.hpp"

using namespace tessera;
using tessera::test::message_of;

namespace {

Initializer from_stream() {
  return [](Tensor& w, const RandomStream& stream) {
    for (std::int64_t i = 0; i < w.numel(); ++i)
      w.mutable_data<float>()[i] = static_cast<float>(stream.uniform(static_cast<std::uint64_t>(i)));
  };
}

/// Returns its weight and notes which path runs; a weight of 13 elements makes it throw.
class Leaf : public Layer {
 public:
  explicit Leaf(std::int64_t size = 2) : weight_(add_parameter("weight", {size}, {.initializer = from_stream()})) {
    add_buffer("count", Tensor::zeros({}, i32));
  }
  Tensor forward(const Tensor&) override {
    seen_path = running_module_path();
    if (weight_.size(0) == 13) raise<ShapeError>("leaf", "expected luck");
    return weight_.clone();
  }
  static inline std::string seen_path;

 private:
  Tensor weight_;
};

class Pair : public Layer {
 public:
  Tensor forward(const Tensor& x) override { return second_(first_(x)); }

 private:
  Leaf first_ = add("first", Leaf(2));
  Leaf second_ = add("second", Leaf(3));
};

class Net : public Layer {
 public:
  Tensor forward(const Tensor& x) override { return head_(pair_(x)); }
  Pair& pair() { return pair_; }

 private:
  Pair pair_ = add("pair", Pair());
  Leaf head_ = add("head", Leaf(4));
};

class Forgetful : public Layer {
 public:
  Tensor forward(const Tensor& x) override { return inner(x); }
  Leaf inner;
};

std::vector<std::string> paths_of(const std::vector<std::pair<std::string, Tensor>>& named) {
  std::vector<std::string> paths;
  for (const auto& item : named) paths.push_back(item.first);
  return paths;
}

const Tensor nothing = Tensor::zeros({1});

}  // namespace

TEST_CASE("parameters and buffers have paths that begin at the module asked") {
  const Net net;
  using Paths = std::vector<std::string>;
  CHECK(paths_of(net.named_parameters()) == Paths{"pair.first.weight", "pair.second.weight", "head.weight"});
  CHECK(paths_of(net.named_buffers()) == Paths{"pair.first.count", "pair.second.count", "head.count"});
  CHECK(paths_of(net.child("pair").named_parameters()) == Paths{"first.weight", "second.weight"});
  CHECK(net.child("pair.second").path() == "pair.second");
  CHECK(net.child("pair.second").type_name() == "Leaf");
  CHECK(net.children().size() == 2);
  CHECK(net.parameter_count() == 9);
  CHECK(net.parameters()[2].path == "head.weight");
  CHECK(net.parameters()[2].tensor.requires_grad());
}

TEST_CASE("a child that is not there is named beside those that are") {
  const Net net;
  CHECK(message_of<ValueError>([&] { net.child("pair.third"); }) ==
        "child: pair has no child \"third\"; it has: first, second");
  CHECK(message_of<ValueError>([&] { net.child("tail"); }) ==
        "child: the module has no child \"tail\"; it has: pair, head");
}

TEST_CASE("a name is used once and a module is added once") {
  Module module;
  const Leaf leaf = module.add("leaf", Leaf());
  CHECK(message_of<ValueError>([&] { module.add_buffer("leaf", nothing); }) ==
        "Module: there is already something called \"leaf\" here");
  CHECK(message_of<ValueError>([&] { module.add("again", leaf); }) ==
        "add: \"again\" is already part of a module, as \"leaf\"");
  CHECK_THROWS_AS(module.add("self", module), ValueError);
  CHECK_THROWS_AS(module.add("a.b", Leaf()), ValueError);
  CHECK_THROWS_AS(module.add("", Leaf()), ValueError);
  CHECK_THROWS_AS(module.add("@optim", Leaf()), ValueError);
}

TEST_CASE("copies are the same module") {
  const Net net;
  Net copy = net;
  copy.eval();
  CHECK_FALSE(net.training());
  CHECK_FALSE(net.child("pair.first").training());
  CHECK(copy.is_same(net));
  CHECK(copy.parameters()[0].tensor.is_same(net.parameters()[0].tensor));
}

TEST_CASE("the running layer's path is known to its ops, and errors begin with it") {
  Net net;
  net(nothing);
  CHECK(Leaf::seen_path == "head");
  net.pair()(nothing);
  CHECK(Leaf::seen_path == "pair.second");
  CHECK(running_module_path().empty());

  Module root;
  Leaf unlucky = root.add("unlucky", Leaf(13));
  CHECK(message_of<ShapeError>([&] { unlucky(nothing); }) == "unlucky: expected luck");
  CHECK(running_module_path().empty());
  CHECK(message_of<ShapeError>([&] { Leaf(13)(nothing); }) == "leaf: expected luck");
}

TEST_CASE("a layer that was never added cannot be called by another one") {
  Forgetful forgetful;
  CHECK(message_of<ValueError>([&] { forgetful(nothing); }) ==
        "Forgetful called a Leaf it never added; its weights would be neither trained nor saved");
  forgetful.inner(nothing);

  Module root;
  Forgetful inside = root.add("inside", Forgetful());
  CHECK(message_of<ValueError>([&] { inside(nothing); }) ==
        "inside: Forgetful called a Leaf it never added; its weights would be neither trained nor saved");
}

TEST_CASE("first values are a function of the seed and the path") {
  Net net;
  const auto expected = [](std::uint64_t seed, const std::string& path, std::uint64_t element) {
    return static_cast<double>(static_cast<float>(RandomStream(seed, stream_of(path)).uniform(element)));
  };
  for (const auto& [path, tensor] : net.named_parameters()) CHECK(tensor.at({1}) == expected(0, path, 1));
  net.initialize(7);
  for (const auto& [path, tensor] : net.named_parameters()) CHECK(tensor.at({1}) == expected(7, path, 1));
  CHECK(net.child("pair.first").seed() == 7);
}

TEST_CASE("a parameter that was written to keeps its values when its module is added") {
  Leaf leaf, converted, replaced;
  leaf.parameters()[0].tensor.fill_(5);
  converted.parameters()[0].tensor.fill_(6);
  converted.to(f64);
  replaced.parameters()[0].tensor.set_data(Tensor::full({2}, 7));
  Module root;
  root.add("leaf", leaf);
  root.add("converted", converted);
  root.add("replaced", replaced);
  CHECK(leaf.parameters()[0].tensor.at({1}) == 5);
  CHECK(converted.parameters()[0].tensor.at({1}) == 6);
  CHECK(replaced.parameters()[0].tensor.at({1}) == 7);
}

TEST_CASE("conversion reaches every handle to a parameter and leaves integers alone") {
  Net net;
  const Tensor weight = net.parameters()[0].tensor;
  const double value = weight.at({1});
  net.to(f64);
  CHECK(weight.dtype() == f64);
  CHECK(weight.at({1}) == value);
  CHECK(weight.requires_grad());
  CHECK(net(nothing).dtype() == f64);
  CHECK(net.named_buffers()[0].second.dtype() == i32);
  CHECK_THROWS_AS(net.to(i32), ValueError);
}

TEST_CASE("a state goes into another network of the same build, in either float type") {
  Net net, twin;
  net.initialize(1);
  twin.initialize(2);
  twin.to(f64);
  twin.load_state_dict(net.state_dict());
  const auto mine = net.state_dict(), theirs = twin.state_dict();
  CHECK(mine.size() == 6);
  for (const auto& [path, tensor] : mine)
    if (tensor.rank() == 1) CHECK(tensor.at({1}) == theirs.at(path).at({1}));
  net.parameters()[0].tensor.fill_(9);
  CHECK(mine.at("pair.first.weight").at({0}) == 9);
  CHECK(theirs.at("pair.first.weight").at({0}) != 9);
}

TEST_CASE("a state that does not fit is refused as a whole, with everything that is wrong") {
  Net net;
  StateDict state = net.state_dict();
  for (auto& [path, tensor] : state) tensor = Tensor::zeros(tensor.shape(), tensor.dtype());
  state.erase("head.count");
  state.erase("head.weight");
  state.emplace("tail", Tensor::zeros({1}));
  state["pair.first.weight"] = Tensor::zeros({5});
  state["pair.second.count"] = Tensor::zeros({}, f32);
  const double before = net.parameters()[1].tensor.at({0});
  CHECK(
      message_of<ValueError>([&] { net.load_state_dict(state); }) ==
      "load_state_dict: missing: head.count, head.weight; unknown: tail; different: pair.first.weight is f32 [2], got "
      "f32 [5], pair.second.count is i32 [], got f32 []");
  CHECK(net.parameters()[1].tensor.at({0}) == before);
}

TEST_CASE("gradients are cleared and parameters frozen all at once") {
  Net net;
  net(nothing).backward(Tensor::ones({4}));
  CHECK(net.parameters()[2].tensor.grad().defined());
  net.zero_grad();
  CHECK_FALSE(net.parameters()[2].tensor.grad().defined());
  net.child("pair").set_requires_grad(false);
  CHECK_FALSE(net.parameters()[0].tensor.requires_grad());
  CHECK(net.parameters()[2].tensor.requires_grad());
}

TEST_CASE("a module hands out its own tensors by name, and lets them be taken away") {
  Module module, child;
  const Tensor weight = module.add_parameter("weight", Tensor::ones({2}));
  const Tensor count = module.add_buffer("count", Tensor::zeros({1}));
  child.add_parameter("inner", Tensor::ones({1}));
  module.add("child", child);
  CHECK(module.own("weight").identity() == weight.identity());
  CHECK(module.own("count").identity() == count.identity());
  CHECK_FALSE(module.own("inner").defined());
  module.remove("weight");
  module.remove("count");
  CHECK(module.state_dict().size() == 1);
  CHECK(message_of<ValueError>([&] { module.remove("weight"); }) ==
        "remove: there is no parameter or buffer called \"weight\" here");
}
