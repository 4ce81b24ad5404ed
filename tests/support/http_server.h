// An HTTP server on this machine that misbehaves as a test tells it to.
#pragma once
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

namespace gauntlet::testing {

class HttpServer {
 public:
  struct Request {
    int number;        ///< 0, 1, …
    std::string path;  ///< "/file"
    int64_t from = 0;  ///< of the Range; 0: none
    std::string if_range = {};
  };
  struct Reply {
    int status = 200;
    std::string headers = {};  ///< lines that end in \r\n
    std::string body = {};
    int64_t declared = -1;               ///< Content-Length; -1: the body's
    bool unsaid = false;                 ///< no Content-Length: the body ends with the connection
    int64_t cut_after = -1;              ///< the connection ends after so many bytes of the body
    std::chrono::milliseconds stall{0};  ///< before the connection is closed
  };
  using Handler = std::function<Reply(const Request&)>;

  explicit HttpServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (listener_ < 0 || bind(listener_, generic, size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, generic, &size) != 0)
      throw std::runtime_error("the test server cannot listen");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    stop_ = true;
    thread_.join();
    close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url(const std::string& path = "/file") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  int requests() const { return requests_; }

  /// What a good server answers for this content.
  static Reply reply_with(const std::string& content, const Request& request,
                          const std::string& version = "\"1\"") {
    Reply reply;
    reply.headers = "ETag: " + version + "\r\n";
    const bool whole =
        request.from == 0 || (!request.if_range.empty() && request.if_range != version);
    if (whole) {
      reply.body = content;
    } else if (request.from >= int64_t(content.size())) {
      reply.status = 416;
      reply.headers += "Content-Range: bytes */" + std::to_string(content.size()) + "\r\n";
    } else {
      reply.status = 206;
      reply.headers += "Content-Range: bytes " + std::to_string(request.from) + "-" +
                       std::to_string(content.size() - 1) + "/" + std::to_string(content.size()) +
                       "\r\n";
      reply.body = content.substr(size_t(request.from));
    }
    return reply;
  }

 private:
  void serve() {
    while (!stop_) {
      pollfd ready{listener_, POLLIN, 0};
      if (poll(&ready, 1, /*milliseconds=*/20) <= 0) continue;
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) continue;
      answer(connection);
      close(connection);
    }
  }

  void answer(int connection) {
    std::string head;
    char buffer[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
      const ssize_t count = recv(connection, buffer, sizeof buffer, 0);
      if (count <= 0) return;
      head.append(buffer, size_t(count));
    }
    Request request{requests_++, head.substr(4, head.find(' ', 4) - 4)};
    if (const std::string range = header(head, "Range: bytes="); !range.empty())
      request.from = std::atoll(range.c_str());
    request.if_range = header(head, "If-Range: ");
    const Reply reply = handler_(request);
    const int64_t declared = reply.declared < 0 ? int64_t(reply.body.size()) : reply.declared;
    send_all(connection,
             "HTTP/1.1 " + std::to_string(reply.status) + " x\r\n" +
                 (reply.unsaid ? "" : "Content-Length: " + std::to_string(declared) + "\r\n") +
                 "Connection: close\r\n" + reply.headers + "\r\n");
    send_all(connection, reply.body.substr(
                             0, reply.cut_after < 0 ? std::string::npos : size_t(reply.cut_after)));
    const auto end = std::chrono::steady_clock::now() + reply.stall;
    while (!stop_ && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  static std::string header(const std::string& head, const std::string& name) {
    const size_t at = head.find("\r\n" + name);
    if (at == std::string::npos) return "";
    const size_t begin = at + 2 + name.size();
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
  static void send_all(int connection, const std::string& bytes) {
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t count =
          send(connection, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (count <= 0) return;
      done += size_t(count);
    }
  }

  Handler handler_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> requests_{0};
  std::thread thread_;
};

}  // namespace gauntlet::testing
