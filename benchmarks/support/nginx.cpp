// SPDX-License-Identifier: Apache-2.0
#include "support/nginx.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "seekable/file_descriptor.hpp"
#include "support/local_port.hpp"
#include "support/pattern.hpp"
#include "support/pour.hpp"

namespace seekable::bench {
namespace {

constexpr const char* path_of_file = "/file";

std::filesystem::path make_folder() {
  std::string name = "/var/tmp/seekable-bench-XXXXXX";
  check(::mkdtemp(name.data()) != nullptr, "make a folder");
  // A worker of a server that root started is somebody else.
  ::chmod(name.c_str(), 0755);
  return name;
}

/// On the disk before anything is measured: else the system would write it meanwhile.
/// Without a name, so that nothing large is left behind even where this process is killed.
FileDescriptor make_file(const std::filesystem::path& folder, std::uint64_t size) {
  FileDescriptor file(::open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0644));
  check(file.get() >= 0, "make the file to be served");
  pour(file.get(), size);
  struct ::stat status{};
  check(::fstat(file.get(), &status) == 0 && static_cast<std::uint64_t>(status.st_size) == size,
        "all is written");
  check(::fsync(file.get()) == 0, "all is on the disk");
  return file;
}

}  // namespace

Nginx::Nginx(std::uint64_t file_size)
    : folder_(make_folder()), file_(make_file(folder_, file_size)) {
  // nginx opens it through this process.
  std::filesystem::create_symlink(
      "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file_.get()),
      folder_ / "file");
  port_ = LocalPort().port();
  write_settings();
  start();
}

Nginx::~Nginx() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Nginx::write_settings() const {
  std::ofstream out(folder_ / "settings");
  const std::string folder = folder_.string();
  out << "daemon off; master_process off; pid " << folder << "/pid; error_log stderr crit;\n"
      << "events { worker_connections 512; }\n"
      << "http {\n  access_log off; sendfile on; sendfile_max_chunk 512k; root " << folder << ";\n";
  for (const char* what : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    out << "  " << what << "_temp_path " << folder << "/" << what << ";\n";
  }
  out << "  server {\n    listen 127.0.0.1:" << port_ << ";\n";
  for (unsigned i = 2; i < 2 + more_addresses; ++i) {
    out << "    listen 127.0.0." << i << ":" << port_ << ";\n";
  }
  out << "    location /limited/ { alias " << folder << "/; limit_rate 20000000; }\n  }\n}\n";
  check(out.flush().good(), "write the settings of nginx");
}

void Nginx::start() {
  const std::string settings = folder_ / "settings";
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  check(pid_ >= 0, "start nginx");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(1);
    // Not everybody has a path to it.
    for (const char* program : {"nginx", "/usr/local/sbin/nginx", "/usr/sbin/nginx"}) {
      ::execlp(program, "nginx", "-e", "stderr", "-p", folder_.c_str(), "-c", settings.c_str(),
               nullptr);
    }
    ::_exit(127);
  }
  for (int i = 0; i < 500; ++i) {
    if (FileDescriptor(connect_to(port_))) return;
    check(::waitpid(pid_, nullptr, WNOHANG) == 0, "nginx runs");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  check(false, "nginx answers");
}

std::string Nginx::url(unsigned address, bool limited) const {
  return "http://127.0.0." + std::to_string(address) + ":" + std::to_string(port_) +
         (limited ? "/limited" : "") + path_of_file;
}

std::string url_at(std::uint16_t port) {
  return "http://127.0.0.1:" + std::to_string(port) + path_of_file;
}

}  // namespace seekable::bench
