// Batches of CIFAR as Python and NumPy 2.4 pickle them: folder cifar_batches has two images each,
// whose byte i is (7 i + i / 256) mod 256, with the labels 3 and 7.
#include <cstdlib>

#include "base/bad_input.h"
#include "data/dataset.h"
#include "data/formats/readers.h"
#include "file_bytes.h"
#include "files.h"
#include "tests/support/pickle_bytes.h"

namespace gauntlet::testing {
namespace {
namespace fs = std::filesystem;

class CifarPickle : public FilesTest {
 protected:
  static fs::path batch(const std::string& name) {
    const char* source = std::getenv("GAUNTLET_SOURCE_DIR");
    return fs::path(source ? source : ".") / "tests/unit/data/cifar_batches" / (name + ".pkl.gz");
  }
  static Tensor pixels() {
    const Tensor i = torch::arange(2 * 3072);
    return (7 * i + i.div(256, "floor")).remainder(256).to(torch::kByte).view({2, 3, 32, 32});
  }
  static void expect_right(const fs::path& file) {
    const data::Dataset data = data::read_cifar({file}, 1, 10);
    EXPECT_TRUE(data.images.equal(pixels())) << file;
    EXPECT_TRUE(data.labels.equal(torch::tensor({3, 7}, torch::kLong))) << file;
  }
  static std::string problem(const fs::path& file) {
    return error<BadInput>([&] { data::read_cifar({file}, 1, 10); });
  }
};

TEST_F(CifarPickle, OfEveryProtocolIsReadAlike) {
  for (int protocol = 0; protocol <= 5; ++protocol)
    expect_right(batch("protocol" + std::to_string(protocol)));
}

TEST_F(CifarPickle, MayHaveLabelsOfNumPys) {
  for (const char* name : {"numpy_labels0", "numpy_labels2", "numpy_labels4", "int32_labels",
                           "label_array0", "label_array2", "label_array5", "label_column"})
    expect_right(batch(name));
}

TEST_F(CifarPickle, MayHaveItsPixelsColumnByColumn) {
  expect_right(batch("column_major"));
  expect_right(batch("column_major5"));
}

// As Python 2 wrote them with protocol 0: strings with the escapes of repr().
TEST_F(CifarPickle, OfPython2AsTextIsRead) {
  const std::string raw = bytes_of(pixels());
  std::string quoted;
  for (const char c : raw) {
    const auto code = uint8_t(c);
    char hex[5];
    std::snprintf(hex, sizeof hex, "\\x%02x", code);
    quoted += c == '\\'                 ? "\\\\"
              : c == '\''               ? "\\'"
              : c == '\n'               ? "\\n"
              : code < 32 || code > 126 ? std::string(hex)
                                        : std::string(1, c);
  }
  const std::string text =
      "(dp1\nS'data'\np2\ncnumpy.core.multiarray\n_reconstruct\np3\n(cnumpy\nndarray\np4\n("
      "I0\ntp5\n"
      "S'b'\np6\ntp7\nRp8\n(I1\n(I2\nI3072\ntp9\ncnumpy\ndtype\np10\n(S'u1'\np11\nI0\nI1\ntp12\n"
      "Rp13\n(I3\nS'|'\np14\nNNNI-1\nI-1\nI0\ntp15\nbI00\nS'" +
      quoted + "'\np16\ntp17\nbsS'labels'\np18\n(lp19\nI3\naL7L\nas.";
  expect_right(write("batch", text));
}

TEST_F(CifarPickle, SaysWhatItHasInstead) {
  const auto says = [&](const std::string& name, const std::string& words) {
    const std::string text = problem(batch(name));
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  says("float_labels", "a label is no whole number");
  says("channels_last", "its channels are last: data.transpose(0, 3, 1, 2)");
  says("float_data", "but 2 x 3072 of '<f8' in 49152 bytes");
  EXPECT_NE(problem(write("b", pickled(p_dict({{"images", p_int(1)}, {"labels", "]"}}))))
                .find("it has no 'data', but 'images', 'labels'"),
            std::string::npos);
}

TEST_F(CifarPickle, AsTextAsksForNothingEither) {
  const std::string text = problem(write("b", "(dp1\nS'data'\np2\ncos\nsystem\n(S'ls'\ntRs."));
  EXPECT_NE(text.find("nothing of it was run"), std::string::npos) << text;
}

}  // namespace
}  // namespace gauntlet::testing
