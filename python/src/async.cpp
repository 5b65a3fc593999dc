// SPDX-License-Identifier: Apache-2.0
#include "async.hpp"

#include <memory>
#include <system_error>
#include <utility>

#include "buffer.hpp"
#include "fast_call.hpp"
#include "gil.hpp"
#include "numbers.hpp"

namespace seekable::python {

namespace {

/// A function of Python that the library's threads may call, and let go.
class Callback {
 public:
  explicit Callback(py::object function) : function_(function.release().ptr()) {}
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;
  ~Callback() {
    with_gil_unless_over([this] { Py_DECREF(function_); });
  }

  /// Tells it the category and the value of `code`, 0 where the bytes are there. What it raises
  /// goes to `sys.unraisablehook`.
  void call(const std::error_code& code) const noexcept {
    with_gil_unless_over([&] {
      PyObject* const result =
          ::PyObject_CallFunction(function_, "si", code.category().name(), code.value());
      if (result == nullptr) ::PyErr_WriteUnraisable(function_);
      Py_XDECREF(result);
    });
  }

 private:
  PyObject* const function_;
};

/// A callback that is still to come.
class Pending {
 public:
  explicit Pending(Subscription subscription) : subscription_(std::move(subscription)) {}
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() { cancel(); }

  /// Without the interpreter lock: it waits for a callback that is being made.
  void cancel() {
    if (interpreter_is_over()) {  // The thread that it would wait for may sleep for ever.
      (void)new Subscription(std::move(subscription_));
      return;
    }
    without_gil([this] { subscription_.cancel(); });
  }

 private:
  Subscription subscription_;
};

std::unique_ptr<Pending> when_available(const py::object& self, const py::object& begin,
                                        const py::object& end, py::object function) {
  const auto buffer = self_of<Buffer>(self).open();
  const ByteRange range{to_offset(begin, "begin"), to_offset(end, "end")};
  auto callback = std::make_shared<Callback>(std::move(function));
  return guarded(buffer.get(), [&] {
    return std::make_unique<Pending>(without_gil([&] {
      return buffer->when_available(
          range,
          [callback = std::move(callback)](const std::error_code& code) { callback->call(code); });
    }));
  });
}

}  // namespace

/// Without the interpreter lock: the disk may be written, and callbacks made.
template <typename Call>
void PipeWriter::use(Call&& call) {
  if (!writer_) throw py::value_error("this writer has no stream");
  guarded(nullptr, [&] { without_gil([&] { call(*writer_); }); });
}

void PipeWriter::write(const py::object& chunk) {
  const Lease bytes(chunk);
  use([&](Writer& writer) { writer.write({bytes.data(), bytes.size()}); });
}

void PipeWriter::end() {
  use([](Writer& writer) { writer.end(); });
}

void PipeWriter::fail() {
  use([](Writer& writer) { writer.fail(make_error_code(Errc::source_failed)); });
}

void bind_async(py::module_& module) {
  py::class_<Pending>(module, "Pending").def("cancel", &Pending::cancel);
  py::class_<PipeWriter>(module, "PipeWriter")
      .def(py::init<>())
      .def("write", &PipeWriter::write, py::arg("chunk"))
      .def("end", &PipeWriter::end)
      .def("fail", &PipeWriter::fail);
  module.def("when_available", &when_available, py::arg("buffer"), py::arg("begin"), py::arg("end"),
             py::arg("callback"));
}

}  // namespace seekable::python
