// The narrow door to libtorch. One function, gg_call, invokes any ATen operator through the dispatcher in boxed form; the others cover what
// is no operator: autograd, random state, threads, devices, versions, memory. No exception crosses the border: every function that can
// fail returns 0 on success and 1 on failure, and gg_last_error tells why.
//
// A tensor crosses as an owned TensorImpl*: whoever holds the pointer must give it to gg_release exactly once.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ScalarOps.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/saved_variable.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

thread_local std::string last_error;
std::atomic<int64_t> live_tensors{0};

enum Tag : int32_t {
  kNone = 0, kTensor, kInt, kDouble, kBool, kIntList, kTensorList, kDoubleList, kString, kDevice, kGenerator,
};

// 16 bytes, blittable: what an argument or a result is, how many elements a list has, and the value or a pointer to it.
struct Value {
  int32_t tag;
  int32_t count;
  union {
    void* pointer;
    int64_t integer;
    double real;
  };
};

// What C# wants to know about a tensor, in one crossing.
struct TensorInfo {
  void* data;
  const int64_t* sizes;
  const int64_t* strides;
  int64_t dimensions;
  int64_t elements;
  int32_t scalar_type;
  int32_t device_type;
  int32_t device_index;
  int32_t requires_grad;
  int32_t is_leaf;
  int32_t is_contiguous;
};

template <typename Body>
int guarded(Body&& body) noexcept {
  try {
    body();
    return 0;
  } catch (const c10::Error& error) {
    last_error = error.what_without_backtrace();
  } catch (const std::exception& error) {
    last_error = error.what();
  } catch (...) {
    last_error = "libtorch threw something that is no std::exception";
  }
  return 1;
}

void* give(at::Tensor tensor) {
  if (!tensor.defined()) return nullptr;
  live_tensors.fetch_add(1, std::memory_order_relaxed);
  return tensor.unsafeReleaseTensorImpl();
}

at::Tensor borrow(void* handle) {
  if (handle == nullptr) return at::Tensor();
  return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::unsafe_reclaim_from_nonowning(
      static_cast<c10::TensorImpl*>(handle)));
}

// The opposite of give: the caller's ownership ends here.
at::Tensor take(void* handle) {
  if (handle == nullptr) return at::Tensor();
  live_tensors.fetch_sub(1, std::memory_order_relaxed);
  return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(static_cast<c10::TensorImpl*>(handle)));
}

std::vector<at::Tensor> borrow_all(void* const* handles, int count) {
  std::vector<at::Tensor> tensors;
  if (handles == nullptr) return tensors;
  tensors.reserve(count);
  for (int i = 0; i < count; ++i) tensors.push_back(borrow(handles[i]));
  return tensors;
}

// A number where the schema wants a tensor becomes a wrapped number, which takes part in type promotion as the number would. Beside a tensor
// of floating point it takes that tensor's type at once, as promotion would decide anyway, and spares libtorch the conversion.
at::Tensor wrapped(const at::Scalar& number, const Value& beside) {
  at::ScalarType type = number.type();
  if (beside.tag == kTensor && beside.pointer != nullptr) {
    const auto other = c10::typeMetaToScalarType(static_cast<c10::TensorImpl*>(beside.pointer)->dtype());
    if (other == at::kFloat || other == at::kDouble) type = other;
  }
  at::Tensor tensor = at::detail::scalar_tensor_static(number, type, at::Device(at::kCPU));
  tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
  return tensor;
}

c10::IValue box(const Value& value, const Value& beside, const c10::Argument& formal) {
  const bool wants_tensor = value.tag >= kInt && value.tag <= kBool && formal.type()->kind() == c10::TypeKind::TensorType;
  switch (value.tag) {
    case kNone: return {};
    case kTensor: return borrow(value.pointer);
    case kInt: return wants_tensor ? c10::IValue(wrapped(value.integer, beside)) : c10::IValue(value.integer);
    case kDouble: return wants_tensor ? c10::IValue(wrapped(value.real, beside)) : c10::IValue(value.real);
    case kBool: return wants_tensor ? c10::IValue(wrapped(value.integer != 0, beside)) : c10::IValue(value.integer != 0);
    case kIntList: {
      const auto* first = static_cast<const int64_t*>(value.pointer);
      return std::vector<int64_t>(first, first + value.count);
    }
    case kDoubleList: {
      const auto* first = static_cast<const double*>(value.pointer);
      return std::vector<double>(first, first + value.count);
    }
    case kTensorList: return borrow_all(static_cast<void* const*>(value.pointer), value.count);
    case kString: return std::string(static_cast<const char*>(value.pointer), value.count);
    case kDevice:
      return c10::Device(static_cast<c10::DeviceType>(value.integer >> 8), static_cast<c10::DeviceIndex>(value.integer & 0xff));
    case kGenerator: return *static_cast<at::Generator*>(value.pointer);
    default: TORCH_CHECK(false, "argument '", formal.name(), "' has the unknown tag ", value.tag);
  }
}

// Stores what an operator left on the stack, lists of tensors flattened. Nothing is given away before all is known to fit.
int unbox(const torch::jit::Stack& stack, Value* results, int capacity) {
  size_t count = 0;
  for (const auto& ivalue : stack) {
    TORCH_CHECK(ivalue.isTensor() || ivalue.isTensorList() || ivalue.isInt() || ivalue.isDouble() || ivalue.isBool() || ivalue.isNone(),
                "an operator returned a ", ivalue.tagKind(), ", which the bridge does not carry");
    count += ivalue.isTensorList() ? ivalue.toTensorList().size() : 1;
  }
  TORCH_CHECK(count <= static_cast<size_t>(capacity), "an operator returned ", count, " values where ", capacity, " were expected");
  Value* next = results;
  for (const auto& ivalue : stack) {
    if (ivalue.isTensorList()) {
      for (at::Tensor& tensor : ivalue.toTensorVector()) {
        *next = Value{kTensor, 0, {nullptr}};
        next++->pointer = give(std::move(tensor));
      }
      continue;
    }
    *next = Value{kNone, 0, {nullptr}};
    if (ivalue.isTensor()) {
      next->tag = kTensor;
      next->pointer = give(ivalue.toTensor());
    } else if (ivalue.isInt()) {
      next->tag = kInt;
      next->integer = ivalue.toInt();
    } else if (ivalue.isDouble()) {
      next->tag = kDouble;
      next->real = ivalue.toDouble();
    } else if (ivalue.isBool()) {
      next->tag = kBool;
      next->integer = ivalue.toBool();
    }
    ++next;
  }
  return static_cast<int>(count);
}

using BackwardCallback = int (*)(void* context, void* node, void* const* grad_outputs, int output_count, void** grad_inputs, int input_count);
using ReleaseCallback = void (*)(void* context);

// A custom autograd function whose backward is C#. The context is a GCHandle that lives as long as the graph node.
struct ManagedNode : public torch::autograd::Node {
  ManagedNode(const char* label, void* context, BackwardCallback backward, ReleaseCallback release)
      : label(label), context(context), backward(backward), release(release) {}
  ~ManagedNode() override { release(context); }

  std::string name() const override { return label; }

  void release_variables() override {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& variable : saved) variable.reset_data();
  }

  torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
    // Autograd leaves undefined what no consumer used; C# receives zeros of the output's shape unless it asked for none.
    std::vector<void*> incoming;
    for (size_t i = 0; i < grads.size(); ++i) {
      const bool zeros = !grads[i].defined() && materialize;
      incoming.push_back(give(zeros ? input_metadata(i).zeros_like() : std::move(grads[i])));
    }
    std::vector<void*> outgoing(input_count, nullptr);
    const int failed = backward(context, this, incoming.data(), static_cast<int>(incoming.size()), outgoing.data(), input_count);
    torch::autograd::variable_list result;
    for (void* handle : outgoing) result.push_back(take(handle));
    TORCH_CHECK(failed == 0, "the backward of ", label, " threw in C#");
    return result;
  }

  const std::string label;
  void* const context;
  const BackwardCallback backward;
  const ReleaseCallback release;
  int input_count = 0;
  bool materialize = true;
  std::vector<torch::autograd::SavedVariable> saved;
};

}  // namespace

EXPORT void gg_release(void* const* tensors, int count) {
  for (int i = 0; i < count; ++i) take(tensors[i]);
}

EXPORT const char* gg_last_error() { return last_error.c_str(); }

EXPORT int gg_operator(const char* name, const char* overload, void** result) {
  return guarded([&] { *result = new c10::OperatorHandle(c10::Dispatcher::singleton().findSchemaOrThrow(name, overload)); });
}

// Calls an operator with the given leading arguments; the rest take the schema's defaults. With a capacity of 0 the results are dropped.
EXPORT int gg_call(const void* op, const Value* arguments, int argument_count, Value* results, int capacity, int* result_count) {
  return guarded([&] {
    const auto& handle = *static_cast<const c10::OperatorHandle*>(op);
    const auto& formals = handle.schema().arguments();
    TORCH_CHECK(static_cast<size_t>(argument_count) <= formals.size(), handle.schema().name(), " takes at most ", formals.size(), " arguments");
    // The stack's memory is kept for the thread's next call; a call made inside this one finds none and brings its own.
    static thread_local torch::jit::Stack spare;
    torch::jit::Stack stack = std::move(spare);
    stack.clear();
    stack.reserve(formals.size());
    // Binary operators have their tensors first: what stands beside the second argument is the first, and the other way round.
    for (int i = 0; i < argument_count; ++i) stack.push_back(box(arguments[i], arguments[i == 0 && argument_count > 1 ? 1 : 0], formals[i]));
    for (size_t i = argument_count; i < formals.size(); ++i) {
      TORCH_CHECK(formals[i].default_value(), handle.schema().name(), " needs its argument '", formals[i].name(), "'");
      stack.push_back(*formals[i].default_value());
    }
    handle.callBoxed(&stack);
    *result_count = capacity == 0 ? 0 : unbox(stack, results, capacity);
    stack.clear();
    spare = std::move(stack);
  });
}

// A second owner of the same tensor.
EXPORT void* gg_share(void* tensor) { return give(borrow(tensor)); }

EXPORT int gg_info(void* handle, TensorInfo* info) {
  return guarded([&] {
    const at::Tensor tensor = borrow(handle);
    info->data = tensor.has_storage() ? tensor.data_ptr() : nullptr;
    info->sizes = tensor.sizes().data();
    info->strides = tensor.strides().data();
    info->dimensions = tensor.dim();
    info->elements = tensor.numel();
    info->scalar_type = static_cast<int32_t>(tensor.scalar_type());
    info->device_type = static_cast<int32_t>(tensor.device().type());
    info->device_index = tensor.device().has_index() ? tensor.device().index() : -1;
    info->requires_grad = tensor.requires_grad();
    info->is_leaf = tensor.is_leaf();
    info->is_contiguous = tensor.is_contiguous();
  });
}

EXPORT int64_t gg_live_tensors() { return live_tensors.load(); }

EXPORT int gg_set_requires_grad(void* tensor, int on) {
  return guarded([&] { borrow(tensor).set_requires_grad(on != 0); });
}

EXPORT int gg_get_grad(void* tensor, void** grad) {
  return guarded([&] { *grad = give(borrow(tensor).grad()); });
}

EXPORT int gg_set_grad(void* tensor, void* grad) {
  return guarded([&] { borrow(tensor).mutable_grad() = borrow(grad); });
}

EXPORT int gg_grad_mode() { return at::GradMode::is_enabled(); }
EXPORT void gg_set_grad_mode(int on) { at::GradMode::set_enabled(on != 0); }

EXPORT int gg_backward(void* const* tensors, int count, void* const* grads, int retain_graph, int create_graph, void* const* inputs, int input_count) {
  return guarded([&] {
    torch::autograd::backward(borrow_all(tensors, count), borrow_all(grads, count), retain_graph != 0, create_graph != 0,
                              borrow_all(inputs, input_count));
  });
}

EXPORT int gg_grad(void* const* outputs, int output_count, void* const* inputs, int input_count, void* const* grads, int retain_graph,
                   int create_graph, int allow_unused, void** results) {
  return guarded([&] {
    const auto found = torch::autograd::grad(borrow_all(outputs, output_count), borrow_all(inputs, input_count),
                                             borrow_all(grads, output_count), retain_graph != 0, create_graph != 0, allow_unused != 0);
    for (size_t i = 0; i < found.size(); ++i) results[i] = give(found[i]);
  });
}

// Makes `outputs` the results of a graph node over `inputs` whose backward is a C# callback, with `saved` kept for it. Where no input
// requires a gradient (or gradients are off) no node is made. The context is released once, by the node or at once.
EXPORT int gg_attach_node(const char* label, void* const* inputs, int input_count, void* const* outputs, const uint8_t* differentiable, int output_count,
                          void* const* saved, int saved_count, int materialize, void* context, BackwardCallback backward, ReleaseCallback release) {
  return guarded([&] {
    auto node = std::shared_ptr<ManagedNode>(new ManagedNode(label, context, backward, release), torch::autograd::deleteNode);
    const auto tensors = borrow_all(inputs, input_count);
    const bool needed = std::any_of(tensors.begin(), tensors.end(), [](const at::Tensor& tensor) { return tensor.defined() && tensor.requires_grad(); });
    if (!needed || !at::GradMode::is_enabled()) return;
    node->input_count = input_count;
    node->materialize = materialize != 0;
    node->set_next_edges(torch::autograd::collect_next_edges(tensors));
    for (int i = 0; i < output_count; ++i) {
      const at::Tensor output = borrow(outputs[i]);
      const auto number = node->add_input_metadata(output);
      if (differentiable[i] && torch::autograd::isDifferentiableType(output.scalar_type())) {
        torch::autograd::impl::set_gradient_edge(output, {node, number});
      }
    }
    for (const at::Tensor& tensor : borrow_all(saved, saved_count)) {
      node->saved.emplace_back(tensor, tensor.defined() && tensor.grad_fn() == node);
    }
  });
}

// A tensor that was saved for the backward now running in `node`; undefined where nothing was saved.
EXPORT int gg_saved(void* node, int index, void** tensor) {
  return guarded([&] {
    auto& owner = *static_cast<ManagedNode*>(node);
    *tensor = give(owner.saved.at(index).unpack(owner.shared_from_this()));
  });
}

// Tells autograd that the memory of these tensors was written without libtorch knowing, so that a graph that saved them refuses to run.
EXPORT int gg_bump_versions(void* const* tensors, int count) {
  return guarded([&] {
    for (int i = 0; i < count; ++i) static_cast<c10::TensorImpl*>(tensors[i])->bump_version();
  });
}

EXPORT int gg_generator(int64_t seed, void** result) {
  return guarded([&] { *result = new at::Generator(at::detail::createCPUGenerator(static_cast<uint64_t>(seed))); });
}

EXPORT int gg_default_generator(int device_type, int device_index, void** result) {
  return guarded([&] {
    const c10::Device device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index));
    *result = new at::Generator(at::globalContext().defaultGenerator(device));
  });
}

EXPORT void gg_release_generator(void* generator) { delete static_cast<at::Generator*>(generator); }

EXPORT int gg_generator_seed(void* generator, int64_t seed) {
  return guarded([&] {
    auto& target = *static_cast<at::Generator*>(generator);
    std::lock_guard<std::mutex> lock(target.mutex());
    target.set_current_seed(static_cast<uint64_t>(seed));
  });
}

EXPORT int gg_generator_state(void* generator, void** state) {
  return guarded([&] { *state = give(static_cast<at::Generator*>(generator)->get_state()); });
}

EXPORT int gg_generator_set_state(void* generator, void* state) {
  return guarded([&] { static_cast<at::Generator*>(generator)->set_state(borrow(state)); });
}

EXPORT int gg_threads() { return at::get_num_threads(); }
EXPORT int gg_set_threads(int count) {
  return guarded([&] { at::set_num_threads(count); });
}

EXPORT int gg_cuda_devices() {
  int count = 0;
  return guarded([&] { count = static_cast<int>(torch::cuda::device_count()); }) == 0 ? count : 0;
}

EXPORT int gg_cuda_synchronize(int device) {
  return guarded([&] { torch::cuda::synchronize(device); });
}

// Denormals cost a hundred times a normal number; returns 1 where the processor can flush them. Holds for the calling thread.
EXPORT int gg_flush_denormals(int on) { return at::globalContext().setFlushDenormal(on != 0); }

EXPORT const char* gg_version() { return TORCH_VERSION; }

EXPORT const char* gg_configuration() {
  static const std::string text = at::show_config() + "\n" + at::get_parallel_info();
  return text.c_str();
}

// glibc gives large blocks back to the kernel at once and pays for fresh pages at the next allocation; this tells it to keep them.
EXPORT int gg_keep_memory(int64_t bytes) {
  return mallopt(M_MMAP_THRESHOLD, static_cast<int>(bytes)) && mallopt(M_TRIM_THRESHOLD, static_cast<int>(bytes)) ? 0 : 1;
}
