#include "models/weights.h"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <random>
#include <set>

#include "base/bad_input.h"
#include "models/safetensors.h"
#include "networks.h"
#include "tests/support/pickle_bytes.h"

namespace gauntlet::testing {
namespace {
namespace fs = std::filesystem;

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}
const std::string kSix = floats({0, 1, 2, 3, 4, 5});
std::string tensor(bool legacy = false) { return p_tensor({}, 0, {2, 3}, {3, 1}, legacy); }
std::string zip_of(const std::string& body) { return torch_zip(pickled(body), {{"0", kSix}}); }
std::string legacy_of(const std::string& body) {
  return torch_legacy(pickled(body), {{"0", 6, kSix}});
}
std::string good_zip() { return zip_of(p_dict({{"a", tensor()}})); }
std::string good_legacy() { return legacy_of(p_dict({{"a", tensor(true)}})); }

class Weights : public ::testing::Test {
 protected:
  Weights() { fs::create_directories(folder_); }
  ~Weights() override { fs::remove_all(folder_); }

  fs::path file(const std::string& bytes) const {
    const fs::path path = folder_ / "w.pt";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  std::map<std::string, Tensor> read(const std::string& bytes) const {
    return read_weights(file(bytes)).tensors;
  }
  std::string problem(const std::string& bytes) const {
    const fs::path path = file(bytes);
    try {
      (void)read_weights(path);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }
  void says(const std::string& bytes, const std::string& words) const {
    const std::string text = problem(bytes);
    EXPECT_NE(text.find(words), std::string::npos) << text << "\nlacks\n" << words;
    EXPECT_NE(text.find("w.pt: "), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
  const fs::path folder_ =
      fs::temp_directory_path() / ("gauntlet_weights_" + std::to_string(::getpid()));
};

TEST_F(Weights, ReadsBothFormatsOfPyTorch) {
  const Tensor expected = torch::arange(6, torch::kFloat).view({2, 3});
  for (const std::string& bytes : {good_zip(), good_legacy()}) {
    const auto tensors = read(bytes);
    ASSERT_EQ(tensors.size(), 1u);
    EXPECT_TRUE(tensors.at("a").equal(expected));
  }
  EXPECT_EQ(read_weights(file(good_zip())).format, "PyTorch zip");
  EXPECT_EQ(read_weights(file(good_legacy())).format, "PyTorch legacy");
}

// A header may begin with the bytes of a pickle or an archive.
TEST_F(Weights, ReadsSafetensorsOfEveryHeaderLength) {
  const fs::path file = folder_ / "x.safetensors";
  std::set<int> first_bytes;
  for (size_t extra = 0; extra < 2048; ++extra) {
    write_safetensors(file, {{"weight", torch::ones({1})}}, {{"note", std::string(extra, 'x')}});
    std::ifstream in(file, std::ios::binary);
    first_bytes.insert(in.get());
    ASSERT_EQ(read_weights(file).tensors.size(), 1u) << extra;
  }
  EXPECT_TRUE(first_bytes.count(0x80));
}

TEST_F(Weights, KeepsStridesOffsetsAndSharing) {
  const auto tensors = read(zip_of(p_dict({{"t", p_tensor({}, 0, {3, 2}, {1, 3})},
                                           {"end", p_tensor({}, 4, {2}, {1})},
                                           {"scalar", p_tensor({}, 5, {}, {})},
                                           {"none", p_tensor({}, 6, {0, 4}, {4, 1})}})));
  EXPECT_TRUE(tensors.at("t").equal(torch::arange(6, torch::kFloat).view({2, 3}).t()));
  EXPECT_TRUE(tensors.at("end").equal(torch::tensor({4.f, 5.f})));
  EXPECT_EQ(tensors.at("scalar").item<float>(), 5);
  EXPECT_EQ(tensors.at("none").numel(), 0);
  EXPECT_TRUE(tensors.at("end").is_alias_of(tensors.at("t")));
}

TEST_F(Weights, ReadsOtherTypes) {
  const Tensor values = torch::tensor({1.5f, -2.f, 0.f});
  for (const auto& [type, name] : {std::pair{at::kDouble, "DoubleStorage"},
                                   {at::kHalf, "HalfStorage"},
                                   {at::kBFloat16, "BFloat16Storage"},
                                   {at::kLong, "LongStorage"},
                                   {at::kByte, "ByteStorage"},
                                   {at::kBool, "BoolStorage"}}) {
    const Tensor stored = values.abs().to(type);
    const std::string bytes(static_cast<const char*>(stored.const_data_ptr()), stored.nbytes());
    const auto tensors = read(
        torch_zip(pickled(p_dict({{"a", p_tensor({"7", name, 3}, 0, {3}, {1})}})), {{"7", bytes}}));
    EXPECT_TRUE(tensors.at("a").equal(stored)) << name;
  }
}

TEST_F(Weights, FindsTheWeightsOfACheckpoint) {
  const std::string two = p_dict({{"a", tensor()}, {"b", tensor()}});
  const auto taken = [&](const std::string& body) {
    return read_weights(file(zip_of(body))).taken;
  };
  EXPECT_EQ(taken(two), "");
  EXPECT_EQ(taken(p_dict({{"epoch", p_int(3)}, {"state_dict", two}})), "state_dict");
  EXPECT_EQ(taken(p_dict({{"ema", two}, {"net", two}})), "net");
  EXPECT_EQ(taken(p_dict({{"mean", tensor()}, {"deep", p_dict({{"w", two}})}})), "deep.w");
  const std::string optimizer = "}" + p_int(0) + p_dict({{"exp_avg", tensor()}}) + "s";
  EXPECT_EQ(taken(p_dict({{"optimizer", p_dict({{"state", optimizer}})}, {"model", two}})),
            "model");
  const std::string scalar = p_global("numpy.core.multiarray", "scalar") + "(" +
                             p_global("numpy", "dtype") + "(" + p_text("f8") + "tR" +
                             p_text("12345678") + "tR";
  EXPECT_EQ(taken(p_dict({{"best", scalar}, {"model", two}})), "model");
  says(zip_of(p_dict({{"one", two}, {"other", two}})), "equally large dicts");
}

struct Corrupt {
  std::string name, bytes, words;
};
std::vector<Corrupt> corrupt_files() {
  const auto in_dict = [](const std::string& value) { return zip_of(p_dict({{"a", value}})); };
  const auto call = [&](const std::string& module, const std::string& name) {
    return in_dict(p_global(module, name) + "(" + p_text("touch /tmp/x") + "tR");
  };
  const auto shape = [&](std::vector<int64_t> sizes, std::vector<int64_t> strides,
                         int64_t offset = 0) {
    return in_dict(p_tensor({}, offset, sizes, strides));
  };
  const auto raw = [](const std::string& pickle) { return torch_zip(pickle, {{"0", kSix}}); };
  std::string nest, memo = "]";
  for (int i = 0; i < 90'000; ++i) nest += "]";
  for (int i = 1; i < 90'000; ++i) nest += "a";
  for (int i = 0; i < 300'000; ++i) memo += "r" + little_endian(uint64_t(i), 4);
  const std::string list_of_itself = "]q" + std::string(1, '\0') + "h" + std::string(1, '\0') + "a";
  const std::string huge = little_endian(0x7fffffff, 4);
  return {
      {"os.system", call("os", "system"), "asks for 'os.system'"},
      {"posix.system", call("posix", "system"), "asks for 'posix.system'"},
      {"eval", call("builtins", "eval"), "asks for 'builtins.eval'"},
      {"exec of Python 2", call("__builtin__", "exec"), "nothing of it was run"},
      {"getattr", call("builtins", "getattr"), "save the weights alone"},
      {"subprocess", call("subprocess", "Popen"), "asks for 'subprocess.Popen'"},
      {"a module's class", call("__main__", "Net"), "torch.save(model.state_dict()"},
      {"a nested name", call("torch", "os.system"), "asks for 'torch.os.system'"},
      {"a name without text", call("a\x01\xff", "b"), "asks for 'a??.b'"},
      {"a long name", call(std::string(5000, 'm'), "b"), "mmm…'"},
      {"stack global", in_dict(p_text("os") + p_text("system") + "\x93"), "asks for 'os.system'"},
      {"stack global of numbers", in_dict("K\1K\1\x93"), "no strings"},
      {"extension code", in_dict("\x82\1"), "operation 0x82"},
      {"instance", in_dict("ios\nsystem\n"), "operation 0x69"},
      {"obj", in_dict("(o"), "operation 0x6f"},
      {"text persistent id", in_dict("Pa\n"), "operation 0x50"},
      {"unknown operation", in_dict("\xff"), "operation 0xff"},
      {"call of a value", in_dict("K\1)R"), "calls something"},
      {"call of a storage type", in_dict(p_global("torch", "FloatStorage") + ")R"),
       "makes a storage of its own"},
      {"call without arguments", in_dict(p_global("torch.x", "y")), "asks for"},
      {"parameter of nothing", in_dict(p_global("torch._utils", "_rebuild_parameter") + ")R"),
       "is no tensor"},
      {"state of a number", in_dict("K\1}b"), "sets the state"},
      {"nested lists", raw(pickled(nest)), "no dict of named tensors"},
      {"memo bomb", raw(pickled(memo)), "more values"},
      {"list of itself", raw(pickled(list_of_itself)), "no dict of named tensors"},
      {"absurd memo index", in_dict("j\xff\xff\xff\xff"), "refers to value 4294967295"},
      {"memo never stored", in_dict("h\x05"), "refers to value 5"},
      {"memo of nothing", raw("\x80\x02q\x01."), "where there is none"},
      {"huge long1", raw("\x80\x02\x8a\xff\x01."), "cut short: 255 bytes"},
      {"huge long4", raw("\x80\x02\x8b" + huge + "."), "cut short: 2147483647 bytes"},
      {"negative long4", raw("\x80\x02\x8b\xff\xff\xff\xff."), "cut short: 4294967295"},
      {"huge string", raw("\x80\x02X" + huge + "."), "cut short"},
      {"string of 2^64", raw("\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), "cut short"},
      {"endless name",
       raw("\x80\x02"
           "cos"),
       "a name does not end"},
      {"empty pickle", raw(""), "cut short"},
      {"protocol 9", raw("\x80\x09N."), "protocol 9"},
      {"values left over", raw("\x80\x02NN."), "left over"},
      {"pop at a mark", raw("\x80\x02N(a."), "where there is none"},
      {"group not begun", raw("\x80\x02t."), "not begun"},
      {"key without value", raw(pickled("}(" + p_text("a") + "u")), "without a value"},
      {"append to a number", raw(pickled("K\1K\1a")), "no list"},
      {"root is a number", raw(pickled("K\1")), "no dict of named tensors"},
      {"keys are numbers", zip_of("}K\1" + tensor() + "s"), "no dict of named tensors"},
      {"some keys are numbers", zip_of(p_dict({{"a", tensor()}}) + "K\1" + tensor() + "s"),
       "name is no string"},
      {"one name twice", zip_of(p_dict({{"a", tensor()}, {"a", tensor()}})), "there twice"},
      {"negative size", shape({-2, 3}, {3, 1}), "no count"},
      {"negative stride", shape({2, 3}, {-3, 1}), "no count"},
      {"negative offset", shape({2}, {1}, -1), "no count"},
      {"leaves the storage", shape({2, 4}, {3, 1}), "leaves storage '0' of 6"},
      {"offset outside", shape({2}, {1}, 5), "leaves storage"},
      {"empty far outside", shape({0}, {1}, 7), "leaves storage"},
      {"stride overflow", shape({2, 2}, {INT64_MAX, INT64_MAX}), "leaves storage"},
      {"size overflow", shape({int64_t{1} << 40, int64_t{1} << 40}, {0, 0}), "more elements"},
      {"absurd size beside zero", shape({0, INT64_MAX, INT64_MAX}, {1, 1, 1}), "absurd size"},
      {"expanded without end", shape({1'000'000'000}, {0}), "more elements than its storage"},
      {"sizes without strides", shape({2, 3}, {1}), "2 sizes and 1 strides"},
      {"too many dimensions", shape(std::vector<int64_t>(17, 1), std::vector<int64_t>(17, 1)),
       "at most 16"},
      {"storage larger than the file",
       in_dict(p_tensor({"0", "FloatStorage", int64_t{1} << 40}, 0, {2}, {1})),
       "24 bytes instead of"},
      {"absurd storage", in_dict(p_tensor({"0", "FloatStorage", INT64_MAX}, 0, {2}, {1})),
       "absurd size"},
      {"negative storage", in_dict(p_tensor({"0", "FloatStorage", -6}, 0, {2}, {1})), "no count"},
      {"absent storage", in_dict(p_tensor({"9"}, 0, {2}, {1})), "no entry 'archive/data/9'"},
      {"storage elsewhere", in_dict(p_tensor({"../data.pkl"}, 0, {2}, {1})), "no entry"},
      {"complex storage", in_dict(p_tensor({"0", "ComplexFloatStorage"}, 0, {2}, {1})),
       "asks for 'torch.ComplexFloatStorage'"},
      {"two types of one storage",
       zip_of(p_dict({{"a", tensor()}, {"b", p_tensor({"0", "IntStorage"}, 0, {2}, {1})}})),
       "described twice, and differently"},
      {"bool that is none",
       torch_zip(pickled(p_dict({{"a", p_tensor({"0", "BoolStorage", 1}, 0, {1}, {1})}})),
                 {{"0", "\x02"}}),
       "neither 0 nor 1"},
      {"unknown reference", in_dict("(" + p_text("module") + "tQ"), "a kind that is not known"},
      {"no data.pkl", zip_bytes({{"a", "b"}}), "has no data.pkl"},
      {"two data.pkl", zip_bytes({{"a/data.pkl", ""}, {"b/data.pkl", ""}}), "several data.pkl"},
      {"big endian zip",
       torch_zip(pickled(p_dict({{"a", tensor()}})), {{"0", kSix}}, {{"archive/byteorder", "big"}}),
       "byte order"},
      {"TorchScript", torch_zip(pickled("N"), {}, {{"archive/constants.pkl", ""}}),
       "architecture = \"torchscript\""},
      {"big endian legacy",
       torch_legacy(pickled(p_dict({{"a", tensor(true)}})), {{"0", 6, kSix}}, false), "byte order"},
      {"version of legacy", torch_legacy(pickled("N"), {}, true, 1002), "is not 1001"},
      {"legacy size differs",
       torch_legacy(pickled(p_dict({{"a", tensor(true)}})), {{"0", 5, kSix}}),
       "does not have the 6 elements"},
      {"legacy negative size",
       torch_legacy(pickled(p_dict({{"a", tensor(true)}})), {{"0", -6, kSix}}),
       "does not have the 6 elements"},
      {"legacy storage larger than the file",
       torch_legacy(
           pickled(p_dict({{"a", p_tensor({"0", "FloatStorage", 1 << 30}, 0, {2}, {1}, true)}})),
           {{"0", 1 << 30, kSix}}),
       "cut short"},
      {"legacy storage of none",
       torch_legacy(pickled(p_dict({{"a", tensor(true)}})), {{"0", 6, kSix}, {"1", 6, kSix}}),
       "belongs to no tensor"},
      {"legacy storage absent", torch_legacy(pickled(p_dict({{"a", tensor(true)}})), {}),
       "is not in the file"},
      {"legacy bytes after the end", good_legacy() + "x", "1 bytes after the last storage"},
      {"legacy os.system", legacy_of(p_global("os", "system") + "(" + p_text("x") + "tR"),
       "asks for 'os.system'"},
      {"plain pickle", pickled("}"), "not one of torch.save"},
      {"empty", "", "too few"},
      {"tar", std::string(257, 'a') + "ustar" + std::string(300, '\0'), "tar archive"},
      {"text", "these are no weights at all", "safetensors header"},
  };
}

TEST_F(Weights, SaysWhatIsWrongWithEveryCorruptFile) {
  EXPECT_GE(corrupt_files().size(), 45u);
  for (const Corrupt& corrupt : corrupt_files()) {
    SCOPED_TRACE(corrupt.name);
    says(corrupt.bytes, corrupt.words);
  }
}

TEST_F(Weights, AreRefusedWhereverTheyAreCut) {
  for (const std::string& whole : {good_zip(), good_legacy()})
    for (size_t length = 0; length < whole.size(); length += 3) {
      SCOPED_TRACE(length);
      says(whole.substr(0, length), "");
    }
}

// Reads in a child that may take only so much address space beyond what it has; exit codes say how
// it ended.
int read_within(const fs::path& file, size_t bytes) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::malloc_trim(0);
    std::ifstream statm("/proc/self/statm");
    size_t pages = 0;
    statm >> pages;
    const rlim_t most = pages * size_t(::sysconf(_SC_PAGESIZE)) + bytes;
    const rlimit limit{most, most};
    ::setrlimit(RLIMIT_AS, &limit);
    try {
      (void)read_weights(file);
      ::_exit(0);
    } catch (const BadInput&) {
      ::_exit(2);
    } catch (...) {
      ::_exit(3);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(Weights, TakesNoMoreThanTwiceTheFile) {
  constexpr size_t kConstant = 48 << 20;  // 100,000 values, libzip, buffers
  for (const Corrupt& corrupt : corrupt_files()) {
    SCOPED_TRACE(corrupt.name);
    EXPECT_EQ(read_within(file(corrupt.bytes), 2 * corrupt.bytes.size() + kConstant), 2);
  }
  const std::string values(64 << 20, '\0');
  const int64_t numel = int64_t(values.size()) / 4;
  for (const bool legacy : {false, true}) {
    const std::string pickle =
        pickled(p_dict({{"a", p_tensor({"0", "FloatStorage", numel}, 0, {numel}, {1}, legacy)}}));
    const std::string bytes =
        legacy ? torch_legacy(pickle, {{"0", numel, values}}) : torch_zip(pickle, {{"0", values}});
    EXPECT_EQ(read_within(file(bytes), bytes.size() + kConstant), 0) << legacy;
    EXPECT_EQ(read_within(file(bytes), bytes.size() / 2), 3) << "the limit does not bind";
  }
}

TEST_F(Weights, HoldUnderChangedBytes) {
  write_safetensors(folder_ / "s", {{"a", torch::arange(6, torch::kFloat)}});
  std::ifstream in(folder_ / "s", std::ios::binary);
  const std::string safetensors{std::istreambuf_iterator<char>(in), {}};
  std::minstd_rand random(11);
  int refused = 0;
  for (const std::string& whole : {good_zip(), good_legacy(), safetensors})
    for (int repeat = 0; repeat < 1500; ++repeat) {
      std::string changed = whole;
      changed[random() % changed.size()] = char(random());
      refused += !problem(changed).empty();  // anything but BadInput ends the test
    }
  EXPECT_GT(refused, 1000);
}

std::map<std::string, Tensor> state_of(const Network& network) {
  std::map<std::string, Tensor> state;
  for (const NamedTensor& t : network.tensors()) state[t.name] = t.tensor.detach().clone();
  return state;
}
std::map<std::string, Tensor> renamed(const std::map<std::string, Tensor>& state,
                                      const std::string& prefix, const std::string& from = "",
                                      const std::string& to = "") {
  std::map<std::string, Tensor> out;
  for (const auto& [name, value] : state) {
    std::string text = prefix + name;
    if (const size_t at = text.find(from); !from.empty() && at != std::string::npos)
      text.replace(at, from.size(), to);
    out[text] = value;
  }
  return out;
}

TEST(WeightNames, AreMatchedToTheNetworks) {
  const auto network = build_network(resnet_spec("B"));
  const auto own = state_of(*network);
  const auto fits = [&](const std::map<std::string, Tensor>& state) {
    const auto matched = matched_names(state, *network, "a file");
    for (const auto& [name, value] : own)
      if (!matched.count(name) || !matched.at(name).is_same(value)) return false;
    return matched.size() == own.size();
  };
  EXPECT_TRUE(fits(own));
  EXPECT_TRUE(fits(renamed(own, "module.")));
  EXPECT_TRUE(fits(renamed(own, "module._orig_mod.model.")));
  EXPECT_TRUE(fits(renamed(own, "", "linear.", "fc.")));
  EXPECT_TRUE(fits(renamed(own, "model.", "downsample.", "shortcut.")));
  auto wrapped = renamed(own, "1.");
  wrapped["0.mean"] = torch::tensor({0.5, 0.375, 0.25}).view({1, 3, 1, 1});
  wrapped["0.std"] = torch::tensor({0.25, 0.5, 0.125}).view({1, 3, 1, 1});
  EXPECT_TRUE(fits(wrapped));
  wrapped["0.std"] = torch::tensor({0.25, 0.5, 0.25}).view({1, 3, 1, 1});
  EXPECT_THROW(fits(wrapped), BadInput);
}

TEST(WeightNames, AmbiguityIsNotGuessedAt) {
  const auto network = build_network(resnet_spec("A"));
  auto state = state_of(*network);
  const Tensor weight = state.at("linear.weight");
  state.erase("linear.weight");
  state["fc.weight"] = weight, state["head.weight"] = weight;
  EXPECT_THROW(load_state(*network, matched_names(state, *network, "a file"), "a file"), BadInput);
}

TEST_F(Weights, OfNanAreRefused) {
  const auto network = build_network(mixed_spec());
  auto state = state_of(*network);
  for (auto& [name, value] : state) value.fill_(NAN);
  write_safetensors(folder_ / "nan.safetensors", state);
  EXPECT_THROW(load_weights(*network, folder_ / "nan.safetensors"), BadInput);
}

}  // namespace
}  // namespace gauntlet::testing
