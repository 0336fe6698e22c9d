// The narrow door to libtorch. One function, gg_call, invokes any ATen operator through the dispatcher in boxed form; the others cover what
// is no operator: autograd, random state, threads, devices, versions, memory. No exception crosses the border: every function that can
// fail returns 0 on success and 1 on failure, and gg_last_error tells why.
//
// A tensor crosses as an owned TensorImpl*: whoever holds the pointer must give it to gg_release exactly once.

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>

#include <malloc.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

thread_local std::string last_error;
std::atomic<int64_t> live_tensors{0};

enum Tag : int32_t {
  kNone = 0, kTensor, kInt, kDouble, kBool, kIntList, kTensorList, kDoubleList, kString, kDevice, kGenerator
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

std::vector<at::Tensor> borrow_all(void* const* handles, int count) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(count);
  for (int i = 0; i < count; ++i) tensors.push_back(borrow(handles[i]));
  return tensors;
}

// The schema's element type decides how a list of tensors is boxed: Tensor[] and Tensor?[] are different lists.
c10::IValue box(const Value& value, const c10::TypePtr& type) {
  switch (value.tag) {
    case kNone: return {};
    case kTensor: return borrow(value.pointer);
    case kInt: return value.integer;
    case kDouble: return value.real;
    case kBool: return value.integer != 0;
    case kIntList: {
      const auto* first = static_cast<const int64_t*>(value.pointer);
      return std::vector<int64_t>(first, first + value.count);
    }
    case kDoubleList: {
      const auto* first = static_cast<const double*>(value.pointer);
      return std::vector<double>(first, first + value.count);
    }
    case kTensorList: {
      auto tensors = borrow_all(static_cast<void* const*>(value.pointer), value.count);
      const auto list = type->cast<c10::ListType>();
      if (list && list->getElementType()->kind() == c10::TypeKind::OptionalType) {
        c10::List<c10::optional<at::Tensor>> optionals;
        for (auto& tensor : tensors) {
          if (tensor.defined()) optionals.push_back(tensor); else optionals.push_back(c10::nullopt);
        }
        return optionals;
      }
      return tensors;
    }
    case kString: return std::string(static_cast<const char*>(value.pointer), value.count);
    case kDevice:
      return c10::Device(static_cast<c10::DeviceType>(value.integer >> 8), static_cast<int8_t>(value.integer & 0xff));
    case kGenerator: return *static_cast<at::Generator*>(value.pointer);
    default: TORCH_CHECK(false, "argument with unknown tag ", value.tag);
  }
}

void unbox(const c10::IValue& ivalue, std::vector<Value>& results) {
  Value value{};
  if (ivalue.isTensor()) {
    value.tag = kTensor;
    value.pointer = give(ivalue.toTensor());
  } else if (ivalue.isTensorList()) {
    for (const at::Tensor& tensor : ivalue.toTensorVector()) results.push_back(Value{kTensor, 0, {give(tensor)}});
    return;
  } else if (ivalue.isInt()) {
    value.tag = kInt;
    value.integer = ivalue.toInt();
  } else if (ivalue.isDouble()) {
    value.tag = kDouble;
    value.real = ivalue.toDouble();
  } else if (ivalue.isBool()) {
    value.tag = kBool;
    value.integer = ivalue.toBool();
  } else {
    TORCH_CHECK(ivalue.isNone(), "an operator returned a ", ivalue.tagKind(), ", which the bridge does not carry");
  }
  results.push_back(value);
}

using BackwardCallback = int (*)(void* context, void* const* grad_outputs, int output_count, void** grad_inputs, int input_count);
using ReleaseCallback = void (*)(void* context);

// A custom autograd function whose backward is C#. The context is a GCHandle that lives as long as the graph node.
struct ManagedNode : public torch::autograd::Node {
  void* context;
  BackwardCallback backward;
  ReleaseCallback release;
  int input_count;
  std::string label;

  ~ManagedNode() override { release(context); }
  std::string name() const override { return label; }

  torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
    // Autograd leaves undefined what no consumer used; C# receives zeros of the output's shape, as PyTorch's materialised gradients.
    std::vector<void*> incoming;
    for (size_t i = 0; i < grads.size(); ++i) {
      at::Tensor grad = grads[i].defined() ? grads[i] : input_metadata(static_cast<uint32_t>(i)).zeros_like();
      incoming.push_back(give(std::move(grad)));
    }
    std::vector<void*> outgoing(input_count, nullptr);
    const int failed = backward(context, incoming.data(), static_cast<int>(incoming.size()), outgoing.data(), input_count);
    torch::autograd::variable_list result;
    for (void* handle : outgoing) {
      result.push_back(handle == nullptr ? at::Tensor() : borrow(handle));
    }
    TORCH_CHECK(failed == 0, "the backward of ", label, " threw in C#");
    return result;
  }
};

std::vector<at::Tensor> defined_or_empty(void* const* handles, int count) {
  return handles == nullptr ? std::vector<at::Tensor>{} : borrow_all(handles, count);
}

}  // namespace

EXPORT void gg_release(void* tensor) {
  live_tensors.fetch_sub(1, std::memory_order_relaxed);
  c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(static_cast<c10::TensorImpl*>(tensor));
}

EXPORT const char* gg_last_error() { return last_error.c_str(); }

EXPORT int gg_operator(const char* name, const char* overload, void** result) {
  return guarded([&] { *result = new c10::OperatorHandle(c10::Dispatcher::singleton().findSchemaOrThrow(name, overload)); });
}

// Calls an operator with the given leading arguments; the rest take the schema's defaults. At most `capacity` results are stored.
EXPORT int gg_call(const void* op, const Value* arguments, int argument_count, Value* results, int capacity, int* result_count) {
  return guarded([&] {
    const auto& handle = *static_cast<const c10::OperatorHandle*>(op);
    const auto& formals = handle.schema().arguments();
    TORCH_CHECK(static_cast<size_t>(argument_count) <= formals.size(), handle.schema().name(), " takes at most ", formals.size(), " arguments");
    torch::jit::Stack stack;
    stack.reserve(formals.size());
    for (int i = 0; i < argument_count; ++i) stack.push_back(box(arguments[i], formals[i].type()));
    for (size_t i = argument_count; i < formals.size(); ++i) {
      TORCH_CHECK(formals[i].default_value(), handle.schema().name(), " needs its argument '", formals[i].name(), "'");
      stack.push_back(*formals[i].default_value());
    }
    handle.callBoxed(&stack);
    std::vector<Value> values;
    for (const auto& ivalue : stack) unbox(ivalue, values);
    if (values.size() > static_cast<size_t>(capacity)) {
      for (const Value& value : values) {
        if (value.tag == kTensor && value.pointer != nullptr) gg_release(value.pointer);
      }
      TORCH_CHECK(false, handle.schema().name(), " returned ", values.size(), " values where ", capacity, " were expected");
    }
    std::copy(values.begin(), values.end(), results);
    *result_count = static_cast<int>(values.size());
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
    torch::autograd::backward(borrow_all(tensors, count), defined_or_empty(grads, count), retain_graph != 0, create_graph != 0,
                              defined_or_empty(inputs, input_count));
  });
}

EXPORT int gg_grad(void* const* outputs, int output_count, void* const* inputs, int input_count, void* const* grads, int retain_graph,
                   int create_graph, int allow_unused, void** results) {
  return guarded([&] {
    const auto found = torch::autograd::grad(borrow_all(outputs, output_count), borrow_all(inputs, input_count),
                                             defined_or_empty(grads, output_count), retain_graph != 0, create_graph != 0, allow_unused != 0);
    for (size_t i = 0; i < found.size(); ++i) results[i] = give(found[i]);
  });
}

// Makes `outputs` the results of a graph node over `inputs` whose backward is a C# callback. Where no input requires a gradient (or
// gradients are off) no node is made and the context is released at once.
EXPORT int gg_attach_node(const char* label, void* const* inputs, int input_count, void* const* outputs, int output_count, void* context,
                          BackwardCallback backward, ReleaseCallback release) {
  return guarded([&] {
    const auto tensors = borrow_all(inputs, input_count);
    bool needed = false;
    for (const auto& tensor : tensors) needed = needed || (tensor.defined() && tensor.requires_grad());
    if (!needed || !at::GradMode::is_enabled()) {
      release(context);
      return;
    }
    auto node = std::shared_ptr<ManagedNode>(new ManagedNode(), torch::autograd::deleteNode);
    node->context = context;
    node->backward = backward;
    node->release = release;
    node->input_count = input_count;
    node->label = label;
    node->set_next_edges(torch::autograd::collect_next_edges(tensors));
    for (int i = 0; i < output_count; ++i) {
      at::Tensor output = borrow(outputs[i]);
      torch::autograd::set_history(output, node);
    }
  });
}

EXPORT int gg_generator(int64_t seed, void** result) {
  return guarded([&] { *result = new at::Generator(at::detail::createCPUGenerator(static_cast<uint64_t>(seed))); });
}

EXPORT int gg_default_generator(int device_type, int device_index, void** result) {
  return guarded([&] {
    const c10::Device device(static_cast<c10::DeviceType>(device_type), static_cast<int8_t>(device_index));
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
  guarded([&] { count = at::hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().getNumGPUs()) : 0; });
  return count;
}

EXPORT int gg_cuda_synchronize(int device) {
  return guarded([&] { at::detail::getCUDAHooks().deviceSynchronize(static_cast<int8_t>(device)); });
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
