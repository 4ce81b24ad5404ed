// Files that are not what they should be: refused in one sentence, and at no cost beyond their
// size.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <random>

#include "models/weights/safetensors.h"
#include "weight_files.h"

namespace gauntlet::testing {
namespace {
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
  // A list of 200 pairs, of which dicts are made again and again.
  std::string dict_often =
      p_global("collections", "OrderedDict") + "q" + std::string(1, '\0') + "](";
  for (int i = 0; i < 200; ++i) dict_often += p_text("a") + "N\x86";
  dict_often += "eq\1";
  for (int i = 0; i < 1000; ++i) dict_often += "h" + std::string(1, '\0') + "h\1\x85R";
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
      {"size overflow", shape({int64_t{1} << 40, int64_t{1} << 40}, {0, 0}), "absurd size"},
      {"absurd sizes before zero", shape({int64_t{1} << 40, int64_t{1} << 40, 0}, {0, 0, 0}),
       "absurd size"},
      {"absurd size beside zero", shape({0, INT64_MAX, INT64_MAX}, {1, 1, 1}), "absurd size"},
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
       "24 bytes instead of 48"},
      {"quantized storage", in_dict(p_tensor({"0", "QInt8Storage"}, 0, {2}, {1})),
       "asks for 'torch.QInt8Storage'"},
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
      {"a byte order that is none",
       torch_zip(pickled(p_dict({{"a", tensor()}})), {{"0", kSix}}, {{"archive/byteorder", "odd"}}),
       "byte order"},
      {"TorchScript", torch_zip(pickled("N"), {}, {{"archive/constants.pkl", ""}}),
       "architecture = \"torchscript\""},
      {"text that is no number", in_dict("I1x\n"), "has the number '1x', which is none"},
      {"text without quotes", in_dict("Sab\n"), "a string without quotes"},
      {"text with half an escape", in_dict("S'\\x4'\n"), "an escape that is none"},
      {"text of half a code point", in_dict("V\\u00\n"), "an escape that is none"},
      {"a text memo of words", in_dict("gx\n"), "has the number 'x'"},
      {"bytes that are none",
       in_dict(p_global("_codecs", "encode") + "(" + p_text("\xe2\x82\xac") + p_text("latin1") +
               "tR"),
       "bytes that are none"},
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
      {"a dict of numbers", in_dict(p_global("collections", "OrderedDict") + "(](K\1K\2etR"),
       "holds no pairs"},
      {"a dict of text",
       in_dict(p_global("collections", "OrderedDict") + "(" + p_text("ab") + "tR"),
       "holds no items"},
      {"a dict of one list often", raw(pickled(dict_often)), "more values"},
      {"terminal codes in a key", in_dict(p_tensor({"x\x1b[31m\nEVIL"}, 0, {2, 3}, {3, 1})),
       "archive/data/x?[31m?EVIL'"},
      {"a long key", in_dict(p_tensor({std::string(100'000, 'k')}, 0, {2, 3}, {3, 1})),
       "name of a storage is too long: 'kkk"},
      {"a long name", zip_of(p_dict({{std::string(100'000, 'n'), tensor()}})),
       "name is too long: 'nnn"},
      {"empty", "", "neither safetensors nor"},
      {"tar", std::string(257, 'a') + "ustar" + std::string(300, '\0'), "tar archive"},
      {"text", "these are no weights at all", "neither safetensors nor a file of torch.save"},
      {"page", "<!DOCTYPE html><html></html>", "neither safetensors nor a file of torch.save"},
  };
}

TEST_F(Weights, SaysWhatIsWrongWithEveryCorruptFile) {
  EXPECT_GE(corrupt_files().size(), 90u);
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
      (void)models::read_weights(file);
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
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer's own memory is far above the limit";
#endif
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

std::string repeated(const std::string& text, int times) {
  std::string out;
  out.reserve(text.size() * size_t(times));
  for (int i = 0; i < times; ++i) out += text;
  return out;
}
// "0":value,"1":value,…
std::string json_items(int count, const std::string& value) {
  std::string out;
  for (int i = 0; i < count; ++i) out += (i ? ",\"" : "\"") + std::to_string(i) + "\":" + value;
  return out;
}

// Headers of some megabytes, made to cost their reader many times as much.
std::vector<Corrupt> expensive_headers() {
  const auto safetensors = [](const std::string& header) {
    return little_endian(header.size(), 8) + header;
  };
  const std::string entry = "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                    numbers = json_items(500'000, "1"), long_text(4 << 20, 'x');
  return {
      {"lists", safetensors("{\"a\":" + repeated("[", 4 << 20)), "expected dtype, shape"},
      {"objects", safetensors("{\"a\":" + repeated("{\"\":", 1 << 20)), "entry is nested"},
      {"a shape", safetensors("{\"a\":{\"shape\":[" + repeated("0,", 4 << 20) + "0]}}"),
       "entry is too long"},
      {"keys of an entry", safetensors("{\"a\":{" + numbers + "}}"), "entry is too long"},
      {"entries", safetensors("{" + json_items(100'000, entry) + "}"), "more than 50000 tensors"},
      {"numbers", safetensors("{" + numbers + "}"), "expected dtype, shape"},
      {"metadata", safetensors("{\"__metadata__\":{" + numbers + "}"), "not valid JSON"},
      {"nested metadata", safetensors("{\"__metadata__\":" + repeated("[", 4 << 20)),
       "entry is nested"},
      {"a name", safetensors("{\"" + long_text + "\":" + entry + "}"), "name is too long"},
      {"a dtype",
       safetensors("{\"a\":{\"dtype\":\"" + long_text + "\",\"shape\":[],\"data_offsets\":[0,0]}}"),
       "unknown dtype 'xxx"},
  };
}
// The same with pickles.
std::vector<Corrupt> expensive_pickles() {
  const auto raw = [](const std::string& body) { return torch_zip(pickled(body), {{"0", kSix}}); };
  const std::string zero(1, '\0'), long_text(4 << 20, 'x');
  std::string memo = "]";
  for (int i = 0; i < 800'000; ++i) memo += "r" + little_endian(uint64_t(i), 4);
  const std::string tuple = "(" + repeated("N", 50'000) + "tq" + zero,
                    device = p_global("torch", "device") + "q\1";
  return {
      {"a memo", raw(memo), "more values"},
      {"lists", raw(repeated("]", 4 << 20)), "more values"},
      {"a tuple", raw(tuple + device + repeated("h\1h" + zero + "R", 10'000)), "more values"},
      {"a name", zip_of(p_dict({{long_text, tensor()}})), "name is too long"},
      {"a key", zip_of(p_dict({{"a", p_tensor({long_text}, 0, {2, 3}, {3, 1})}})),
       "name of a storage is too long"},
  };
}

TEST_F(Weights, CostNoMoreThanTheirSizeAllows) {
  constexpr size_t kConstant = 32 << 20;
  std::vector<Corrupt> all = expensive_headers();
  for (Corrupt& expensive : expensive_pickles()) all.push_back(std::move(expensive));
  for (const Corrupt& expensive : all) {
    SCOPED_TRACE(expensive.name);
    says(expensive.bytes, expensive.words);
    EXPECT_EQ(read_within(file(expensive.bytes), 3 * expensive.bytes.size() + kConstant), 2);
  }
}

TEST_F(Weights, HoldUnderChangedBytes) {
  models::write_safetensors(folder_ / "s", {{"a", torch::arange(6, torch::kFloat)}});
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

}  // namespace
}  // namespace gauntlet::testing
