#include <doctest/doctest.h>

#include <cmath>
#include <sstream>
#include <tessera/core/tensor.hpp>

using namespace tessera;

TEST_CASE("a tensor prints its type, its shape and its rows, columns aligned") {
  CHECK(Tensor::from({1.0f, -20.0f, 3.0f, 4.0f, 5.0f, 6.0f}, {2, 3}).str() ==
        "f32 [2, 3]\n"
        "[[  1, -20,   3],\n"
        " [  4,   5,   6]]");
  CHECK(Tensor::arange(8, i32).reshape({2, 2, 2}).str() ==
        "i32 [2, 2, 2]\n"
        "[[[0, 1],\n"
        "  [2, 3]],\n"
        "\n"
        " [[4, 5],\n"
        "  [6, 7]]]");
  CHECK(Tensor::from<std::uint8_t>({7, 255}, {2}).str() == "u8 [2] [  7, 255]");
}

TEST_CASE("fractions print with four places, far ranges in powers of ten") {
  CHECK(Tensor::from({0.5, -12.25, 0.0}, {3}).str() == "f64 [3] [  0.5000, -12.2500,   0.0000]");
  CHECK(Tensor::from({0.00001, 2.5}, {2}).str() == "f64 [2] [1.0000e-05, 2.5000e+00]");
  CHECK(Tensor::from({1e12, 1.0}, {2}).str() == "f64 [2] [1.0000e+12, 1.0000e+00]");
  CHECK(Tensor::from({std::nan(""), -HUGE_VAL, 1.0}, {3}).str() == "f64 [3] [ nan, -inf,    1]");
}

TEST_CASE("tensors of rank 0, without elements and without a value print too") {
  CHECK(Tensor::scalar(2.5).str() == "f32 [] 2.5000");
  CHECK(Tensor::zeros({0}).str() == "f32 [0] []");
  CHECK(Tensor::zeros({2, 0}).str() == "f32 [2, 0]\n[[],\n []]");
  CHECK(Tensor::zeros({0, 3}).str() == "f32 [0, 3]\n[]");
  CHECK(Tensor().str() == "undefined");
}

TEST_CASE("long axes show their ends") {
  CHECK(Tensor::arange(20, i32).str() ==
        "i32 [20] [ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]");
  CHECK(Tensor::arange(100, i32).str() ==
        "i32 [100] [ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, ..., 90, 91, 92, 93, 94, 95, 96, 97, 98, 99]");
  CHECK(Tensor::arange(10000, i32).reshape({100, 100}).str() ==
        "i32 [100, 100]\n"
        "[[   0,    1,    2, ...,   97,   98,   99],\n"
        " [ 100,  101,  102, ...,  197,  198,  199],\n"
        " [ 200,  201,  202, ...,  297,  298,  299],\n"
        " ...,\n"
        " [9700, 9701, 9702, ..., 9797, 9798, 9799],\n"
        " [9800, 9801, 9802, ..., 9897, 9898, 9899],\n"
        " [9900, 9901, 9902, ..., 9997, 9998, 9999]]");
}

TEST_CASE("a tensor can be written to a stream") {
  std::ostringstream out;
  out << Tensor::ones({2});
  CHECK(out.str() == "f32 [2] [1, 1]");
}
