#include <doctest/doctest.h>

#include <memory>
#include <tessera/core/autograd.hpp>
#include <tessera/layers/layer_gradcheck.hpp>
#include <tessera/models/conv_autoencoder.hpp>
#include <tessera/models/erfnet.hpp>
#include <tessera/models/fcn.hpp>
#include <tessera/models/make_model.hpp>
#include <tessera/models/tiny_segnet.hpp>
#include <tessera/models/unet.hpp>

#include "tests/support/message_of.hpp"
#include "tests/support/values.hpp"

using namespace tessera;

namespace {

Shape output_shape(Layer& model, const Shape& input) {
  const NoGrad no_grad;
  model.eval();
  return model(Tensor::zeros(input)).shape();
}

}  // namespace

TEST_CASE("a model made by name has the first values of the same model constructed") {
  const auto made = make_model({.name = "unet", .classes = 3, .width = 4, .depth = 2});
  const UNet constructed({.classes = 3, .base_width = 4, .depth = 2});
  const auto theirs = constructed.state_dict();
  REQUIRE(!theirs.empty());
  for (const auto& [path, tensor] : made->state_dict()) CHECK(test::difference(tensor, theirs.at(path)) == 0);
  CHECK(test::difference(theirs.at("head.kernel"), Tensor::zeros(theirs.at("head.kernel").shape())) > 0);
}

TEST_CASE("every model scores each pixel of the image") {
  struct Row {
    ModelOptions options;
    Size2D size;
  };
  for (const Row& row :
       {Row{{.name = "tiny", .classes = 4}, {8, 12}}, Row{{.name = "unet", .classes = 2}, {19, 24}},
        Row{{.name = "unet", .in_channels = 1, .classes = 3, .width = 4, .depth = 1}, {2, 3}},
        Row{{.name = "unet", .classes = 3, .width = 12, .normalization = "group"}, {8, 8}},
        Row{{.name = "fcn", .classes = 11, .width = 8}, {16, 33}}, Row{{.name = "erfnet", .classes = 5}, {8, 16}}}) {
    CAPTURE(row.options.name);
    const auto model = make_model(row.options);
    CHECK(output_shape(*model, {2, row.size.height, row.size.width, row.options.in_channels}) ==
          Shape{2, row.size.height, row.size.width, row.options.classes});
    CHECK(model->classes() == row.options.classes);
    CHECK(model->in_channels() == row.options.in_channels);
  }
}

TEST_CASE("the autoencoder gives an image of values between 0 and 1") {
  const NoGrad no_grad;
  ConvAutoencoder model({.in_channels = 1, .latent_channels = 5});
  const Tensor image = test::random_tensor({2, 8, 12, 1}, 1, f32);
  CHECK(model.encode(image).shape() == Shape{2, 2, 3, 5});
  const std::vector<double> drawn = test::values(model(image));
  CHECK(drawn.size() == 2 * 8 * 12);
  for (const double value : drawn) CHECK((value > 0 && value < 1));
}

TEST_CASE("models have the number of weights that their papers state") {
  CHECK(TinySegNet({.classes = 4}).parameter_count() == 46852);
  CHECK(UNet({.classes = 2}).parameter_count() == 482754);
  CHECK(UNet({.classes = 2, .base_width = 32, .depth = 4}).parameter_count() == 7763074);
  CHECK(FCN({.classes = 11}).parameter_count() == 646583);      // 0.65 M
  CHECK(ERFNet({.classes = 20}).parameter_count() == 2061043);  // 2.06 M
  CHECK(ConvAutoencoder().parameter_count() == 12747);
}

TEST_CASE("a size that does not fit names the nearest that does") {
  TinySegNet tiny({.classes = 4});
  CHECK(test::message_of<ShapeError>([&] {
          tiny(Tensor::zeros({1, 30, 33, 3}));
        }) ==
        "TinySegNet: height and width must be multiples of 4, got [1, 30, 33, 3]: the nearest valid size is 32x32");
  CHECK(test::message_of<ShapeError>([&] {
          tiny(Tensor::zeros({1, 32, 32, 1}));
        }) == "TinySegNet: expected input [N, H, W, 3], got [1, 32, 32, 1]");
  UNet unet({.classes = 2, .base_width = 4});
  CHECK(test::message_of<ShapeError>([&] {
          unet(Tensor::zeros({1, 7, 30, 3}));
        }) == "UNet: height and width must be at least 8, got [1, 7, 30, 3]: the nearest valid size is 8x30");
  FCN fcn({.classes = 2, .width = 4});
  CHECK(test::message_of<ShapeError>([&] {
          fcn(Tensor::zeros({1, 16, 15, 3}));
        }) == "FCN: height and width must be at least 16, got [1, 16, 15, 3]: the nearest valid size is 16x16");
  ERFNet erfnet({.classes = 2});
  CHECK(test::message_of<ShapeError>([&] {
          erfnet(Tensor::zeros({1, 27, 3, 3}));
        }) == "ERFNet: height and width must be multiples of 8, got [1, 27, 3, 3]: the nearest valid size is 24x8");
  ConvAutoencoder autoencoder;
  CHECK(test::message_of<ShapeError>([&] {
          autoencoder(Tensor::zeros({1, 4, 6, 3}));
        }) ==
        "ConvAutoencoder: height and width must be multiples of 4, got [1, 4, 6, 3]: the nearest valid size is 4x8");
}

TEST_CASE("images are enlarged to the next valid size") {
  const InputSizes eights{.multiple = 8, .smallest = 16};
  CHECK(eights.enlarged({1, 17}) == Size2D(16, 24));
  CHECK(eights.enlarged({24, 32}) == Size2D(24, 32));
  CHECK(eights.nearest({27, 28}) == Size2D(24, 32));
  CHECK(eights.hold({24, 32}));
  CHECK_FALSE(eights.hold({8, 32}));
  CHECK_FALSE(eights.hold({20, 32}));
  CHECK(eights.str() == "multiples of 8 from 16 on");
  CHECK(make_model({.name = "unet", .classes = 2, .depth = 5})->input_sizes().enlarged({20, 33}) == Size2D(32, 33));
}

TEST_CASE("options that no model can have are refused by name") {
  CHECK(test::message_of<ValueError>([] { make_model({.name = "segnet", .classes = 2}); }) ==
        "model: there is no model \"segnet\"; there are tiny, unet, fcn, erfnet");
  CHECK(test::message_of<ValueError>([] { make_model({.name = "tiny", .classes = 2, .width = 8}); }) ==
        "model: tiny takes no width");
  CHECK(test::message_of<ValueError>([] { make_model({.name = "fcn", .classes = 2, .depth = 2}); }) ==
        "model: fcn takes no depth");
  CHECK(test::message_of<ValueError>([] { make_model({.name = "erfnet", .classes = 2, .normalization = "group"}); }) ==
        "model: erfnet takes no normalization");
  CHECK(test::message_of<ValueError>([] { UNet({.classes = 2, .normalization = "layer"}); }) ==
        "UNet: .normalization must be \"batch\", \"group\" or \"none\", got \"layer\"");
  CHECK(test::message_of<ValueError>([] { UNet({.classes = 2, .depth = 0}); }) ==
        "UNet: .depth must be from 1 to 16, got 0");
  CHECK(test::message_of<ValueError>([] { UNet({.classes = 2, .base_width = -1}); }) ==
        "UNet: .base_width must be 1 or more, got -1");
  CHECK(test::message_of<ValueError>([] { TinySegNet({}); }) ==
        "TinySegNet: .classes is required and must be 1 or more, got 0");
}

TEST_CASE("a model's state makes a second one that computes the same") {
  for (const std::string& name : model_names()) {
    CAPTURE(name);
    const ModelOptions options{.name = name, .classes = 3};
    const auto first = make_model(options), second = make_model(options);
    first->initialize(7);
    const Tensor image = test::random_tensor({2, 16, 24, 3}, 1, f32);
    (*first)(image);  // moves the running statistics
    second->load_state_dict(first->state_dict());
    first->eval();
    second->eval();
    const NoGrad no_grad;
    CHECK(test::difference((*first)(image), (*second)(image)) == 0);
  }
}

TEST_CASE("learned upsampling of the FCN starts as interpolation that keeps a plane's height") {
  FCN model({.classes = 2, .width = 4});
  for (const auto& [path, kernel] : model.named_parameters()) {
    if (path != "up1.kernel") continue;
    CHECK(kernel.shape() == Shape{8, 8, 2, 2});
    for (std::int64_t row = 0; row < 2; ++row)  // the taps that meet in one output pixel
      for (std::int64_t column = 0; column < 2; ++column) {
        double sum = 0;
        for (std::int64_t i = row; i < 8; i += 2)
          for (std::int64_t j = column; j < 8; j += 2) sum += kernel.at({i, j, 0, 0});
        CHECK(sum == doctest::Approx(1));
      }
    CHECK(kernel.at({3, 3, 0, 1}) == 0);
  }
}

TEST_CASE("gradients of whole models hold in double") {
  const GradcheckOptions fast{.fast = true};
  TinySegNet tiny({.classes = 3});
  tiny.to(f64);
  const GradcheckReport of_tiny = gradcheck(tiny, test::distinct_tensor({2, 8, 8, 3}), fast);
  CHECK_MESSAGE(of_tiny, of_tiny.str());
  UNet unet({.classes = 3, .base_width = 2, .depth = 2});
  unet.to(f64);
  const GradcheckReport of_unet = gradcheck(unet, test::distinct_tensor({2, 9, 10, 3}), fast);
  CHECK_MESSAGE(of_unet, of_unet.str());
}
