#include "data/files/download.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <mutex>
#include <thread>

#include "base/bad_input.h"
#include "data/files/locked_file.h"

namespace gauntlet::data {
namespace {
namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr long kMostRedirects = 10, kConnectSeconds = 30;
constexpr long kWhole = 200, kPartial = 206, kTimeout = 408, kNotSatisfiable = 416, kTooMany = 429,
               kServerError = 500;

void start_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// The .part file, locked against other processes.
class Part {
 public:
  explicit Part(const fs::path& path) : file_(path, "another process is downloading this file") {}

  int64_t size() const { return int64_t(fs::file_size(path())); }
  bool append(const char* data, size_t count) {
    for (ssize_t done = 0; count > 0; data += done, count -= size_t(done))
      if (done = write(file_.descriptor(), data, count); done <= 0) return false;
    return true;
  }
  void clear() {
    if (ftruncate(file_.descriptor(), 0) != 0)
      throw BadInput(path().string() + ": cannot be emptied");
  }
  void rename_to(const fs::path& file) {
    if (fsync(file_.descriptor()) != 0)
      throw BadInput(path().string() + ": cannot be written: is the disk full?");
    fs::rename(path(), file);
  }
  const fs::path& path() const { return file_.path(); }

 private:
  LockedFile file_;
};

// What a server said about the part it sends.
struct Reply {
  long status = 0;
  int64_t from = 0, total = 0;  // Content-Range; total 0: not said
  int64_t length = -1;          // Content-Length
  std::string version;          // ETag or Last-Modified
};

struct Transfer {
  CURL* curl;
  Part& part;
  const Wanted& wanted;
  const DownloadOptions& options;
  Reply reply = {};
  int64_t before = 0, arrived = 0;
  bool started = false;
  std::string refused = {};  // why the transfer was ended by us
};

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n"), last = text.find_last_not_of(" \t\r\n");
  return first == std::string_view::npos ? "" : std::string(text.substr(first, last - first + 1));
}

int64_t number(std::string_view text) {
  int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

size_t on_header(char* data, size_t size, size_t count, void* user) {
  Reply& reply = static_cast<Transfer*>(user)->reply;
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {  // of each answer, redirects too
    reply = {};
    return line.size();
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  const std::string value = trimmed(line.substr(colon + 1));
  if (name == "content-length") reply.length = number(value);
  if (name == "etag" && !value.starts_with("W/")) reply.version = value;
  if (name == "last-modified" && reply.version.empty()) reply.version = value;
  if (name == "content-range" && value.starts_with("bytes ")) {
    reply.from = number(std::string_view(value).substr(6));
    if (const size_t slash = value.find('/'); slash != std::string::npos)
      reply.total = std::max<int64_t>(0, number(std::string_view(value).substr(slash + 1)));
  }
  return line.size();
}

// Bytes of the whole file, as far as it is known; 0: not.
int64_t whole_size(const Transfer& t) {
  if (t.wanted.bytes > 0) return t.wanted.bytes;
  return std::max<int64_t>(0, t.reply.status == kPartial ? t.reply.total : t.reply.length);
}

// Called with the first bytes of a body: where they go, and whether they can be the file's.
bool begin_body(Transfer& t) {
  t.started = true;
  if (t.reply.status == kWhole) {  // the server begins anew
    t.part.clear();
    t.before = 0;
  } else if (t.reply.status == kPartial && t.reply.from != t.before) {
    t.refused = "the server sends another part than it was asked for";
    t.part.clear();
    return false;
  } else if (t.reply.status != kPartial) {
    return false;  // an error page
  }
  const int64_t total = t.reply.status == kPartial ? t.reply.total : t.reply.length;
  if (t.wanted.bytes > 0 && total > 0 && total != t.wanted.bytes) {
    t.refused = "the server offers " + std::to_string(total) + " bytes, expected " +
                std::to_string(t.wanted.bytes);
    t.part.clear();
    return false;
  }
  return true;
}

size_t on_body(char* data, size_t size, size_t count, void* user) {
  Transfer& t = *static_cast<Transfer*>(user);
  const size_t bytes = size * count;
  if (!t.started) {
    curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &t.reply.status);
    if (!begin_body(t)) return 0;
  }
  if (t.wanted.bytes > 0 && t.before + t.arrived + int64_t(bytes) > t.wanted.bytes) {
    t.refused =
        "the server sends more than the expected " + std::to_string(t.wanted.bytes) + " bytes";
    t.part.clear();
    return 0;
  }
  if (!t.part.append(data, bytes)) {
    t.refused = t.part.path().string() + " cannot be written: is the disk full?";
    return 0;
  }
  t.arrived += int64_t(bytes);
  return bytes;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const Transfer& t = *static_cast<Transfer*>(user);
  if (t.options.stop && *t.options.stop) return 1;
  if (t.options.progress) t.options.progress(t.before + t.arrived, whole_size(t));
  return 0;
}

enum class End { kComplete, kCut, kRefused };

struct Outcome {
  End end;
  std::string why = {};  // of what was not complete
};

Outcome judged(const Transfer& t, CURLcode code, const char* detail) {
  if (!t.refused.empty()) return {End::kRefused, t.refused};
  const long status = t.reply.status;
  if (status >= kServerError || status == kTimeout || status == kTooMany)
    return {End::kCut, "the server answers " + std::to_string(status)};
  if (status >= 300) return {End::kRefused, "the server answers " + std::to_string(status)};
  if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
      code == CURLE_TOO_MANY_REDIRECTS)
    return {End::kRefused, curl_easy_strerror(code)};
  if (code != CURLE_OK) return {End::kCut, *detail ? detail : curl_easy_strerror(code)};
  // A server may end the connection early, or send less than the range it was asked for.
  if (const int64_t size = t.part.size(); size < whole_size(t))
    return {End::kCut, "the server ends after " + std::to_string(size) + " of " +
                           std::to_string(whole_size(t)) + " bytes"};
  return {End::kComplete};
}

class Address {
 public:
  Address(std::string url, Part& part, const Wanted& wanted, const DownloadOptions& options)
      : url_(std::move(url)), part_(part), wanted_(wanted), options_(options) {}

  // "" once the part is complete, else why this address does not give the file.
  std::string fetch() {
    int fruitless = 0;
    int64_t largest = part_.size();  // a part that begins anew has brought nothing yet
    milliseconds wait = options_.wait;
    for (;;) {
      if (wanted_.bytes > 0 && part_.size() == wanted_.bytes) return "";
      const Outcome outcome = attempt();
      stop_if_told();
      if (outcome.end == End::kComplete) return "";
      if (outcome.end == End::kRefused) return outcome.why;
      if (part_.size() > largest) fruitless = 0, wait = options_.wait, largest = part_.size();
      if (++fruitless >= options_.attempts)
        return outcome.why + ", " + std::to_string(fruitless) + " times";
      pause(wait);
      wait = std::min(2 * wait, options_.longest_wait);
    }
  }

 private:
  void stop_if_told() const {
    if (options_.stop && *options_.stop) throw BadInput("the download was interrupted");
  }
  void pause(milliseconds wait) const {
    constexpr milliseconds kSlice{100};
    for (; wait > milliseconds(0); wait -= kSlice) {
      std::this_thread::sleep_for(std::min(wait, kSlice));
      stop_if_told();
    }
  }

  Outcome attempt() {
    const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
    if (!curl) throw std::bad_alloc();
    Transfer t{curl.get(), part_, wanted_, options_};
    t.before = part_.size();
    char detail[CURL_ERROR_SIZE] = {};
    curl_slist* headers = nullptr;
    if (t.before > 0 && !version_.empty())
      headers = curl_slist_append(headers, ("If-Range: " + version_).c_str());
    const std::unique_ptr<curl_slist, void (*)(curl_slist*)> keep(headers, curl_slist_free_all);
    const std::string range = std::to_string(t.before) + "-";
    set(t, detail);
    if (t.before > 0) curl_easy_setopt(curl.get(), CURLOPT_RANGE, range.c_str());
    if (headers) curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
    const CURLcode code = curl_easy_perform(curl.get());
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &t.reply.status);
    if (t.reply.status == kWhole || (t.reply.status == kPartial && !t.reply.version.empty()))
      version_ = t.reply.version;  // of the bytes that were kept, not of an error page
    if (t.reply.status == kNotSatisfiable && t.before > 0) {
      if (t.reply.total == t.before) return {End::kComplete};
      part_.clear();  // longer than the file: of another version
      return {End::kCut, "the server's file is shorter than what has arrived"};
    }
    if (t.reply.status == kWhole && !t.started && code == CURLE_OK) part_.clear();  // an empty body
    return judged(t, code, detail);
  }

  void set(Transfer& t, char* detail) {
    CURL* curl = t.curl;
    curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "gauntlet");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMostRedirects);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS, long(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, long(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, long(options_.stall_seconds));
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &t);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &t);
  }

  std::string url_, version_;
  Part& part_;
  const Wanted& wanted_;
  const DownloadOptions& options_;
};
}  // namespace

void download(const Wanted& wanted, const fs::path& file, const DownloadOptions& options) {
  start_curl();
  fs::create_directories(file.parent_path());
  Part part(file.string() + ".part");
  std::string failures;
  for (const std::string& url : wanted.urls) {
    // A part that an earlier call left may be of another version: the second time is from scratch.
    for (bool resumed = part.size() > 0;; resumed = false) {
      std::string why = Address(url, part, wanted, options).fetch();
      if (why.empty()) {
        why = wanted.problem(part.path());
        if (why.empty()) {
          part.rename_to(file);
          return;
        }
        part.clear();
        if (resumed) continue;
      }
      failures += "\n  " + url + ": " + why;
      break;
    }
  }
  if (part.size() == 0) fs::remove(part.path());
  throw BadInput(file.filename().string() + " could not be downloaded:" + failures);
}

}  // namespace gauntlet::data
