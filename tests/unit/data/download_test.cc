// Downloads from a server that cuts, stalls, lies and changes its mind: the right file or none.
#include "data/files/download.h"

#include <random>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "files.h"
#include "tests/support/http_server.h"

namespace gauntlet::testing {
namespace {
using Request = HttpServer::Request;
using Reply = HttpServer::Reply;

std::string content_of(size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = char(random());
  return bytes;
}

class Download : public FilesTest {
 protected:
  Download() {
    options_.attempts = 3;
    options_.wait = std::chrono::milliseconds(1);
    options_.longest_wait = std::chrono::milliseconds(4);
    options_.stall_seconds = 1;
  }
  data::Wanted wanted(std::vector<std::string> urls, const std::string& content) const {
    return {std::move(urls), 0, [sum = sha256(content)](const std::filesystem::path& file) {
              const std::string found = sha256_of_file(file);
              return found == sum ? "" : "its SHA-256 is " + found + ", expected " + sum;
            }};
  }
  // "" if the file was downloaded, else the error; either way nothing wrong lies in place.
  std::string problem(const data::Wanted& what, const std::string& content) {
    const std::string found = error<BadInput>([&] { download(what, file_, options_); });
    EXPECT_EQ(std::filesystem::exists(file_), found.empty()) << found;
    if (found.empty()) {
      EXPECT_EQ(read(file_), content);
    }
    return found;
  }
  bool part() const { return std::filesystem::exists(file_.string() + ".part"); }
  void leave_part(const std::string& bytes) const { write("sub/file.part", bytes); }
  static void expect_says(const std::string& text, const std::string& words) {
    EXPECT_NE(text.find(words), std::string::npos) << text;
  }

  const std::string content_ = content_of(100'000);
  std::filesystem::path file_ = [this] {
    std::filesystem::create_directories(folder / "sub");
    return folder / "sub" / "file";
  }();
  data::DownloadOptions options_;
};

TEST_F(Download, GetsAFile) {
  HttpServer server([&](const Request& r) { return HttpServer::reply_with(content_, r); });
  int64_t last = 0;
  options_.progress = [&](int64_t done, int64_t of) {
    EXPECT_GE(done, last);
    EXPECT_TRUE(of == 0 || of == int64_t(content_.size())) << of;
    last = done;
  };
  EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "");
  EXPECT_EQ(server.requests(), 1);
  EXPECT_EQ(last, int64_t(content_.size()));
  EXPECT_FALSE(part());
}

TEST_F(Download, SurvivesTwentyCutsInARow) {
  HttpServer server([&](const Request& r) {
    Reply reply = HttpServer::reply_with(content_, r);
    if (r.number < 20) reply.cut_after = 1 + r.number * 300;
    return reply;
  });
  EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "");
  EXPECT_EQ(server.requests(), 21);
}

TEST_F(Download, SurvivesCutsThatBringNothing) {
  options_.attempts = 21;
  HttpServer server([&](const Request& r) {
    Reply reply = HttpServer::reply_with(content_, r);
    if (r.number < 20) reply.cut_after = 0;
    return reply;
  });
  EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "");
  EXPECT_EQ(server.requests(), 21);
}

TEST_F(Download, GivesUpAfterAttemptsWithoutAByteAndKeepsThePart) {
  bool broken = true;
  HttpServer server([&](const Request& r) {
    Reply reply = HttpServer::reply_with(content_, r);
    if (broken) reply.cut_after = r.number == 0 ? 5'000 : 0;
    return reply;
  });
  expect_says(problem(wanted({server.url()}, content_), content_), "3 times");
  EXPECT_EQ(read(file_.string() + ".part"), content_.substr(0, 5'000));
  broken = false;
  EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "");
}

TEST_F(Download, BeginsAnewWhereRangesAreIgnored) {
  options_.attempts = 6;
  HttpServer server([&](const Request& r) {
    Reply reply;
    reply.body = content_;
    if (r.number < 5) reply.cut_after = 20'000;
    return reply;
  });
  EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "");
}

TEST_F(Download, GivesUpOnAServerThatNeverGetsFurther) {
  HttpServer server([&](const Request& r) {
    Reply reply;
    reply.body = content_;
    reply.cut_after = 20'000;
    if (r.path == "/fickle") reply.headers = "ETag: \"" + std::to_string(r.number) + "\"\r\n";
    return reply;
  });
  for (const char* path : {"/file", "/fickle"})
    expect_says(problem(wanted({server.url(path)}, content_), content_), "3 times");
  EXPECT_LE(server.requests(), 8);
}

TEST_F(Download, ResumesWhatEndsWithoutSayingSo) {
  HttpServer server([&](const Request& r) {
    Reply reply = HttpServer::reply_with(content_, r);
    if (r.number < 5) reply.unsaid = true, reply.cut_after = 15'000;
    return reply;
  });
  data::Wanted sized = wanted({server.url()}, content_);
  sized.bytes = int64_t(content_.size());
  EXPECT_EQ(problem(sized, content_), "");
  EXPECT_EQ(server.requests(), 6);
}

TEST_F(Download, AsksOnWhereRangesAreCapped) {
  HttpServer server([&](const Request& r) {
    Reply reply = HttpServer::reply_with(content_, r);
    if (r.number == 0) reply.cut_after = 10'000;
    if (r.number > 0) {
      const int64_t size = std::min<int64_t>(30'000, int64_t(reply.body.size()));
      reply.body.resize(size_t(size));
      reply.headers = "Content-Range: bytes " + std::to_string(r.from) + "-" +
                      std::to_string(r.from + size - 1) + "/100000\r\n";
    }
    return reply;
  });
  EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "");
  EXPECT_EQ(server.requests(), 4);
}

TEST_F(Download, AnErrorPageDoesNotChangeTheVersionThatIsResumed) {
  HttpServer server([&](const Request& r) {
    Reply reply = HttpServer::reply_with(content_, r);
    if (r.number == 0) reply.cut_after = 10'000;
    if (r.number == 1) reply.status = 503, reply.headers = "ETag: \"page\"\r\n";
    if (r.number == 2) {
      EXPECT_EQ(r.if_range, "\"1\"");
    }
    return reply;
  });
  EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "");
  EXPECT_EQ(server.requests(), 3);
}

TEST_F(Download, OfTwoAtOnceOneIsToldOfTheOther) {
  std::string second;
  HttpServer server([&](const Request& r) {
    second = error<BadInput>([&] { download(wanted({"http://127.0.0.1:1/x"}, ""), file_, {}); });
    return HttpServer::reply_with(content_, r);
  });
  EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "");
  expect_says(second, "another process is downloading this file");
}

TEST_F(Download, BeginsAnewWhereTheFileChangedMeanwhile) {
  const std::string newer = content_of(80'000, 2);
  HttpServer server([&](const Request& r) {
    if (r.number > 0) return HttpServer::reply_with(newer, r, "\"2\"");
    Reply reply = HttpServer::reply_with(content_, r);
    reply.cut_after = 30'000;
    return reply;
  });
  EXPECT_EQ(problem(wanted({server.url()}, newer), newer), "");
}

TEST_F(Download, RefusesAnotherPartThanItAskedFor) {
  HttpServer server([&](const Request& r) {
    Reply reply = HttpServer::reply_with(content_, r);
    if (r.number == 0) reply.cut_after = 1'000;
    if (r.number == 1) reply.headers = "Content-Range: bytes 7-99999/100000\r\n";
    return reply;
  });
  expect_says(problem(wanted({server.url()}, content_), content_), "another part");
  EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "");
}

TEST_F(Download, SaysBothSumsAndRemovesAWrongFile) {
  const std::string wrong = content_of(100'000, 3);
  HttpServer server([&](const Request& r) { return HttpServer::reply_with(wrong, r); });
  const std::string why = problem(wanted({server.url()}, content_), content_);
  expect_says(why, sha256(wrong));
  expect_says(why, "expected " + sha256(content_));
  EXPECT_FALSE(part());
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(Download, StartsFromScratchAfterAStalePart) {
  HttpServer server([&](const Request& r) { return HttpServer::reply_with(content_, r); });
  for (const size_t size : {size_t{1'000}, content_.size(), content_.size() + 10}) {
    leave_part(content_of(size, 4));
    EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "") << size;
    std::filesystem::remove(file_);
  }
}

TEST_F(Download, TakesACompletePart) {
  HttpServer server([&](const Request& r) { return HttpServer::reply_with(content_, r); });
  leave_part(content_);
  EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "");
  EXPECT_EQ(server.requests(), 1) << "its size is unknown: the server is asked";
  std::filesystem::remove(file_);
  leave_part(content_);
  data::Wanted sized = wanted({server.url()}, content_);
  sized.bytes = int64_t(content_.size());
  EXPECT_EQ(problem(sized, content_), "");
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(Download, GoesToTheMirrorAfter404) {
  HttpServer server([&](const Request& r) {
    if (r.path != "/gone") return HttpServer::reply_with(content_, r);
    Reply reply;
    reply.status = 404, reply.body = "<html>not here</html>";
    return reply;
  });
  EXPECT_EQ(problem(wanted({server.url("/gone"), server.url()}, content_), content_), "");
  EXPECT_EQ(server.requests(), 2);
  std::filesystem::remove(file_);
  const std::string why = problem(wanted({server.url("/gone")}, content_), content_);
  expect_says(why, server.url("/gone") + ": the server answers 404");
  EXPECT_FALSE(part());
}

TEST_F(Download, TriesAgainAfterAServerError) {
  HttpServer server([&](const Request& r) {
    Reply reply = HttpServer::reply_with(content_, r);
    if (r.number < 2) reply.status = 503, reply.body = "busy";
    return reply;
  });
  EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "");
  EXPECT_EQ(server.requests(), 3);
}

TEST_F(Download, CutsAStalledConnectionAndResumes) {
  HttpServer server([&](const Request& r) {
    Reply reply = HttpServer::reply_with(content_, r);
    if (r.number == 0) reply.cut_after = 40'000, reply.stall = std::chrono::seconds(20);
    return reply;
  });
  // It answers one connection at a time: another resumes.
  HttpServer mirror([&](const Request& r) {
    EXPECT_EQ(r.from, 40'000);
    return HttpServer::reply_with(content_, r);
  });
  const auto start = std::chrono::steady_clock::now();
  options_.attempts = 1;
  EXPECT_EQ(problem(wanted({server.url(), mirror.url()}, content_), content_), "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
}

TEST_F(Download, FollowsRedirectsButNotForEverNorElsewhere) {
  HttpServer server([&](const Request& r) {
    if (r.path == "/file") return HttpServer::reply_with(content_, r);
    Reply reply;
    reply.status = 302;
    reply.headers = r.path == "/moved"   ? "Location: /file\r\n"
                    : r.path == "/local" ? "Location: file:///etc/hostname\r\n"
                                         : "Location: /circle\r\n";
    return reply;
  });
  EXPECT_EQ(problem(wanted({server.url("/moved")}, content_), content_), "");
  std::filesystem::remove(file_);
  EXPECT_NE(problem(wanted({server.url("/circle")}, content_), content_), "");
  EXPECT_NE(problem(wanted({server.url("/local")}, content_), content_), "");
}

TEST_F(Download, RefusesAnEmptyBody) {
  HttpServer server([&](const Request&) { return Reply{}; });
  expect_says(problem(wanted({server.url()}, content_), content_), "expected " + sha256(content_));
  leave_part("something");
  EXPECT_NE(problem(wanted({server.url()}, content_), content_), "");
  EXPECT_FALSE(part());
}

TEST_F(Download, HoldsTheServerToTheDeclaredSize) {
  const std::string longer = content_ + "more";
  HttpServer server([&](const Request& r) {
    if (r.path == "/longer") return HttpServer::reply_with(longer, r);
    Reply reply;  // no Content-Length: the connection's end is the body's
    reply.unsaid = true;
    reply.body = longer;
    return reply;
  });
  data::Wanted what = wanted({server.url("/longer")}, content_);
  what.bytes = int64_t(content_.size());
  expect_says(problem(what, content_), "offers 100004 bytes, expected 100000");
  what.urls = {server.url("/unsaid")};
  EXPECT_NE(problem(what, content_), "");
  EXPECT_FALSE(part());
}

TEST_F(Download, IgnoresWhatFollowsTheDeclaredLength) {
  HttpServer server([&](const Request&) {
    Reply reply;
    reply.body = content_ + "more";
    reply.declared = int64_t(content_.size());
    return reply;
  });
  EXPECT_EQ(problem(wanted({server.url()}, content_), content_), "");
}

TEST_F(Download, StopsWhenTold) {
  std::atomic<bool> stop{true};
  options_.stop = &stop;
  HttpServer server([&](const Request& r) { return HttpServer::reply_with(content_, r); });
  expect_says(problem(wanted({server.url()}, content_), content_), "interrupted");
}

TEST_F(Download, StopsWhileItWaits) {
  std::atomic<bool> stop{false};
  options_.stop = &stop;
  options_.wait = options_.longest_wait = std::chrono::seconds(30);
  HttpServer server([&](const Request&) {
    Reply reply;
    reply.status = 503;
    return reply;
  });
  std::thread told([&] {
    while (server.requests() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop = true;
  });
  const auto start = std::chrono::steady_clock::now();
  expect_says(problem(wanted({server.url()}, content_), content_), "interrupted");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  told.join();
}

TEST_F(Download, SaysThatNobodyListens) {
  EXPECT_NE(problem(wanted({"http://127.0.0.1:1/file"}, content_), content_), "");
  EXPECT_NE(problem(wanted({"gopher://127.0.0.1:1/file"}, content_), content_), "");
}

// Any mixture of misbehaviour, fixed seeds: the right file or none.
TEST_F(Download, NeverLeavesAWrongFile) {
  int right = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const std::string other = content_of(90'000, 9);
    HttpServer server([&](const Request& r) {
      const unsigned kind = random() % 8;
      Reply reply = HttpServer::reply_with(kind == 0 ? other : content_, r);
      if (kind == 1) reply.status = 500;
      if (kind == 2) reply.body = content_, reply.status = 200;  // ignores the range
      if (kind == 3) reply.body += "tail";
      if (kind >= 4 && kind < 7) reply.cut_after = int64_t(random() % 60'000);
      return reply;
    });
    right += problem(wanted({server.url()}, content_), content_).empty();
    std::filesystem::remove(file_);
    std::filesystem::remove(file_.string() + ".part");
  }
  EXPECT_GT(right, 20);
}

}  // namespace
}  // namespace gauntlet::testing
