// CUDA devices that are not there, for a CPU build of torch; __init__.py says what they do and how they are used.
//
// A tensor of such a device is one of torch's own whose memory is the host's. Torch's CUDA dispatch key, empty in a CPU
// build, gets one kernel for all operators, which checks what CUDA would, lends the tensors to the CPU's kernel, and
// gives the results to the device.

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/resize_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/csrc/distributed/c10d/reducer_timer.hpp>
#include <torch/library.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <unordered_set>

namespace {

using at::Tensor;
using c10::Device;
using c10::DeviceIndex;
using c10::IValue;
constexpr auto CUDA = c10::DeviceType::CUDA;

DeviceIndex devices = 0;
thread_local DeviceIndex current = 0;
const pid_t owner = getpid();
std::unordered_set<std::string> without_kernel;  // operators that CUDA lacks
std::unordered_set<std::string> without_check;   // operators that take CPU scalars beside CUDA tensors

void check_device(DeviceIndex index) {
  TORCH_CHECK(getpid() == owner,
              "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must use the "
              "'spawn' start method");
  TORCH_CHECK(index < devices, "CUDA error: invalid device ordinal");
}

Device device_or_current(Device device) { return device.has_index() ? device : Device(CUDA, current); }

// --- memory: the host's, counted by device ---

int64_t limit = 0;  // bytes of each device
std::mutex counting;
std::map<DeviceIndex, int64_t> held, peak;

void check_memory(DeviceIndex index, int64_t bytes) {
  const std::lock_guard<std::mutex> guard(counting);
  const int64_t free = limit - held[index];
  TORCH_CHECK_WITH(OutOfMemoryError, bytes <= free, "CUDA out of memory. Tried to allocate ", bytes >> 20,
                   " MiB. GPU ", int(index), " has a total capacity of ", limit >> 20, " MiB of which ", free >> 20,
                   " MiB is free (pretended)");
}

struct Block {  // what a device's tensor keeps alive: memory of its own, or the storage it was given
  c10::DataPtr own;
  c10::Storage given;
  DeviceIndex device;
  int64_t bytes;
};

void release(void* context) {
  auto* block = static_cast<Block*>(context);
  {
    const std::lock_guard<std::mutex> guard(counting);
    held[block->device] -= block->bytes;
  }
  delete block;
}

c10::DataPtr count(void* memory, Block block) {
  check_memory(block.device, block.bytes);
  const Device device(CUDA, block.device);
  const std::lock_guard<std::mutex> guard(counting);
  const int64_t now = held[block.device] += block.bytes;
  peak[block.device] = std::max(peak[block.device], now);
  return {memory, new Block(std::move(block)), &release, device};
}

struct Allocator final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    check_device(current);
    check_memory(current, int64_t(bytes));
    auto own = c10::GetAllocator(c10::kCPU)->allocate(bytes);
    void* memory = own.get();
    return count(memory, {std::move(own), {}, current, int64_t(bytes)});
  }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }
} allocator;

// --- one memory, seen as a tensor of the host or of a device ---

Tensor seen_as(const Tensor& x, c10::DataPtr data, c10::Allocator* from, c10::DispatchKey key) {
  c10::Storage storage(c10::Storage::use_byte_size_t(), x.storage().nbytes(), std::move(data), from, true);
  auto result = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(key), x.dtype());
  result.unsafeGetTensorImpl()->set_sizes_and_strides(x.sizes(), x.strides(), x.storage_offset());
  return result;
}

Tensor lend(const Tensor& x) {  // to the host
  if (!x.defined() || !x.is_cuda()) return x;
  auto give_back = [](void* context) { delete static_cast<c10::Storage*>(context); };
  c10::DataPtr data(x.storage().mutable_data(), new c10::Storage(x.storage()), give_back, c10::kCPU);
  return seen_as(x, std::move(data), c10::GetAllocator(c10::kCPU), c10::DispatchKey::CPU);
}

Tensor give(const Tensor& x, Device device) {  // to a device
  if (!x.defined() || x.is_cuda()) return x;
  auto data = count(x.storage().mutable_data(), {{}, x.storage(), device.index(), int64_t(x.storage().nbytes())});
  return seen_as(x, std::move(data), &allocator, c10::DispatchKey::CUDA);
}

// --- random numbers: the CPU's ---

struct Generator final : c10::GeneratorImpl {
  at::Generator host = at::make_generator<at::CPUGeneratorImpl>();
  explicit Generator(DeviceIndex index)
      : GeneratorImpl(Device(CUDA, index), c10::DispatchKeySet(c10::DispatchKey::CUDA)) {}
  void set_current_seed(uint64_t seed) override { host.set_current_seed(seed); }
  uint64_t current_seed() const override { return host.current_seed(); }
  uint64_t seed() override { return host.seed(); }
  void set_offset(uint64_t) override {}
  uint64_t get_offset() const override { return 0; }
  void set_state(const c10::TensorImpl& state) override { host.unsafeGetGeneratorImpl()->set_state(state); }
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override { return host.unsafeGetGeneratorImpl()->get_state(); }
  GeneratorImpl* clone_impl() const override {
    auto* copy = new Generator(device_.index());
    copy->host = host.clone();
    return copy;
  }
};

std::map<DeviceIndex, at::Generator> default_generators;  // the first that is made for each device

at::Generator host_of(const at::Generator& generator) {
  return static_cast<Generator*>(generator.unsafeGetGeneratorImpl())->host;
}

// --- what torch asks of its CUDA part ---

struct Hooks final : at::CUDAHooksInterface {
  explicit Hooks(at::CUDAHooksArgs) {}
  void init() const override { check_device(0); }
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  int getNumGPUs() const override { return devices; }
  DeviceIndex deviceCount() const override { return devices; }
  DeviceIndex current_device() const override { return current; }
  DeviceIndex getCurrentDevice() const override { return current; }
  void setCurrentDevice(DeviceIndex index) const override { exchangeDevice(index); }
  DeviceIndex maybeExchangeDevice(DeviceIndex index) const override { return exchangeDevice(index); }
  DeviceIndex exchangeDevice(DeviceIndex index) const override {
    check_device(index);
    return std::exchange(current, index);
  }
  bool isPinnedPtr(const void*) const override { return true; }  // any memory of the host will do
  c10::Allocator* getPinnedMemoryAllocator() const override { return c10::GetAllocator(c10::kCPU); }
  c10::Allocator* getCUDADeviceAllocator() const override { return &allocator; }
  const at::Generator& getDefaultGenerator(DeviceIndex index) const override {
    return default_generators.at(index < 0 ? current : index);
  }
  at::Generator getNewGenerator(DeviceIndex index) const override {
    index = index < 0 ? current : index;
    check_device(index);
    auto made = at::make_generator<Generator>(index);
    default_generators.emplace(index, made);
    return made;
  }
};
static_assert(sizeof(Hooks) == sizeof(at::CUDAHooksInterface));

struct Guard final : c10::impl::NoOpDeviceGuardImpl<CUDA> {
  Device getDevice() const override { return {CUDA, current}; }
  void setDevice(Device device) const override { exchangeDevice(device); }
  void uncheckedSetDevice(Device device) const noexcept override { current = device.index(); }
  Device exchangeDevice(Device device) const override {
    check_device(device.index());
    return {CUDA, std::exchange(current, device.index())};
  }
  c10::Stream getStream(Device device) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, device_or_current(device));
  }
  c10::Stream getDefaultStream(Device device) const override { return getStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const noexcept override { return stream; }
  DeviceIndex deviceCount() const noexcept override { return devices; }
  void record(void**, const c10::Stream&, const DeviceIndex, const c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
};
C10_REGISTER_GUARD_IMPL(CUDA, Guard)

struct Timer final : c10d::Timer {  // without which DistributedDataParallel does not run
  explicit Timer(Device) {}
  std::optional<int64_t> measureDifference(Event, Event) override { return std::nullopt; }
};

// --- the kernel of all operators ---

template <class Function>  // Tensor -> Tensor
void each_tensor(IValue& value, const Function& function) {
  if (value.isTensor()) {
    value = function(value.toTensor());
  } else if (value.isList() && !value.isIntList() && !value.isDoubleList() && !value.isBoolList()) {
    auto items = value.toList().copy();
    for (size_t i = 0; i < items.size(); ++i) {
      IValue item = items.get(i);
      each_tensor(item, function);
      items.set(i, item);
    }
    value = items;
  }
}

bool takes_integers(const std::string& name) {
  static const std::unordered_set<std::string> products{"mm", "bmm", "addmm", "baddbmm", "addmv", "dot"};
  const auto base = name.substr(0, name.find('.'));
  return !products.count(base.substr(base.rfind(':') + 1));
}

struct Call {  // of an operator, whose arguments begin at `first` of the stack
  const c10::FunctionSchema& schema;
  std::string name;
  size_t size, first;
  std::vector<IValue> arguments;  // as they came
  bool indexing;

  Call(const c10::OperatorHandle& op, const torch::jit::Stack& stack)
      : schema(op.schema()),
        name(c10::toString(schema.operator_name())),
        size(schema.arguments().size()),
        first(stack.size() - size),
        arguments(stack.begin() + first, stack.end()),
        indexing(name.find("index.Tensor") != name.npos || name.find("index_put") != name.npos) {}

  bool writes(size_t i) const {
    const auto* alias = schema.arguments()[i].alias_info();
    return alias && alias->isWrite();
  }

  Device device() const {  // of the first argument that has one
    std::optional<Device> found;
    for (IValue value : arguments) {
      each_tensor(value, [&](const Tensor& x) {
        if (x.defined() && x.is_cuda() && !found) found = x.device();
        return x;
      });
      if (value.isDevice() && value.toDevice().is_cuda() && !found) found = value.toDevice();
    }
    TORCH_CHECK(found, "Expected a 'cpu' device type for generator but found 'cuda' (", name, ")");
    return device_or_current(*found);
  }

  void check(const Tensor& x, size_t i, Device device) const {
    const auto& argument = schema.arguments()[i].name();
    const bool index = indexing && argument == "indices";
    TORCH_CHECK(!index || arguments[0].toTensor().is_cuda(),
                "indices should be either on cpu or on the same device as the indexed tensor (cpu)");
    const bool scalar = x.is_cpu() && x.dim() == 0 && !writes(i) && (indexing || without_check.count(name));
    TORCH_CHECK(x.device() == device || scalar || (index && x.is_cpu()),
                "Expected all tensors to be on the same device, but found at least two devices, ", device, " and ",
                x.device(), "! (argument ", argument, " of ", name, ")");
    TORCH_CHECK_NOT_IMPLEMENTED(!c10::isIntegralType(x.scalar_type(), true) || takes_integers(name), "\"", name,
                                "_cuda\" not implemented for '", x.scalar_type(), "'");
  }

  IValue lent(size_t i, Device device) const {
    IValue value = arguments[i];
    each_tensor(value, [&](const Tensor& x) {
      if (x.defined()) check(x, i, device);
      return lend(x);
    });
    if (value.isDevice() && value.toDevice().is_cuda()) value = Device(c10::kCPU);
    if (value.isGenerator()) {
      TORCH_CHECK(value.toGenerator().device().is_cuda(),
                  "Expected a 'cuda' device type for generator but found 'cpu'");
      value = host_of(value.toGenerator());
    } else if (value.isNone() && schema.arguments()[i].name() == "generator") {
      value = host_of(default_generators.at(device.index()));
    }
    return value;
  }

  void take_back(size_t i, const IValue& lent) const {  // what an operator resized has other memory now
    if (!writes(i) || !arguments[i].isTensor()) return;
    const Tensor &x = arguments[i].toTensor(), &now = lent.toTensor();
    const bool same = !x.defined() || (x.sizes() == now.sizes() && x.strides() == now.strides() &&
                                       x.const_data_ptr() == now.const_data_ptr());
    if (same) return;
    const Tensor fresh = give(now, x.device());
    x.unsafeGetTensorImpl()->set_storage_keep_dtype(fresh.storage());
    x.unsafeGetTensorImpl()->set_sizes_and_strides(fresh.sizes(), fresh.strides(), fresh.storage_offset());
  }

  IValue given(size_t result, IValue value, Device device) const {
    const auto* alias = schema.returns()[result].alias_info();
    const IValue* source = nullptr;  // the argument that the result is, or is a view of
    for (size_t i = 0; alias && i < size; ++i) {
      const auto* own = schema.arguments()[i].alias_info();
      if (own && own->beforeSets() == alias->beforeSets() && arguments[i].isTensor()) source = &arguments[i];
    }
    if (source && alias->isWrite()) return *source;
    each_tensor(value, [&](const Tensor& x) {
      if (!source || !x.defined()) return give(x, device);
      const Tensor& base = source->toTensor();
      const auto distance = static_cast<const char*>(x.const_data_ptr()) - static_cast<const char*>(base.storage().data());
      return base.as_strided(x.sizes(), x.strides(), distance / int64_t(x.itemsize()));
    });
    return value;
  }
};

void kernel(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const Call call(op, *stack);
  check_device(current);
  TORCH_CHECK_NOT_IMPLEMENTED(!without_kernel.count(call.name), "Could not run '", call.name,
                              "' with arguments from the 'CUDA' backend.");
  const Device device = call.device();
  check_device(device.index());
  std::vector<IValue> lent;
  for (size_t i = 0; i < call.size; ++i) lent.push_back((*stack)[call.first + i] = call.lent(i, device));
  {
    at::AutoDispatchBelowADInplaceOrView below;
    op.callBoxed(stack);
  }
  for (size_t i = 0; i < call.size; ++i) call.take_back(i, lent[i]);
  const auto results = call.schema.returns().size(), end = stack->size() - results;
  for (size_t i = 0; i < results; ++i) (*stack)[end + i] = call.given(i, (*stack)[end + i], device);
}

// --- operators that make, view and copy tensors: these know of the device ---

Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
             std::optional<Device> device, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  const c10::OptionalDeviceGuard guard(device);
  const c10::DispatchKeySet keys(c10::DispatchKey::CUDA);
  return at::detail::empty_generic(size, &allocator, keys, c10::dtype_or_default(dtype), format);
}

Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> dtype,
                     std::optional<at::Layout>, std::optional<Device> device, std::optional<bool>) {
  const c10::OptionalDeviceGuard guard(device);
  const c10::DispatchKeySet keys(c10::DispatchKey::CUDA);
  return at::detail::empty_strided_generic(size, stride, &allocator, keys, c10::dtype_or_default(dtype));
}

Tensor& copy_(Tensor& self, const Tensor& source, bool) {
  check_device(current);
  at::AutoDispatchBelowADInplaceOrView below;
  lend(self).copy_(lend(source));
  return self;
}

const Tensor& resize_(const Tensor& self, at::IntArrayRef size, std::optional<at::MemoryFormat> format) {
  return at::native::resize_(self, size, format);
}

TORCH_LIBRARY_IMPL(_, CUDA, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&kernel>()); }

TORCH_LIBRARY_IMPL(aten, CUDA, m) {
  m.impl("empty.memory_format", &empty);
  m.impl("empty_strided", &empty_strided);
  m.impl("copy_", &copy_);
  m.impl("resize_", &resize_);
  m.impl("as_strided", &at::native::as_strided_tensorimpl);
  m.impl("view", TORCH_FN(at::native::view));
  m.impl("_reshape_alias", TORCH_FN(at::native::_reshape_alias));
  m.impl("unfold", TORCH_FN(at::native::unfold));
  m.impl("set_.source_Storage", TORCH_FN(at::native::set_));
  m.impl("set_.source_Storage_storage_offset", TORCH_FN(at::native::set_storage_cpu_));
  m.impl("set_.source_Tensor", TORCH_FN(at::native::set_tensor_));
  for (const char* name : {"convolution", "convolution_backward"})  // whose composite kernels choose by device
    m.impl(name, torch::CppFunction::makeFromBoxedFunction<&kernel>());
}

}  // namespace

namespace c10d {
C10_REGISTER_TYPED_CLASS(TimerRegistry, CUDA, ::Timer)
}

extern "C" {

void pretend_begin(int number, long long bytes) {
  devices = DeviceIndex(number);
  limit = bytes;
  c10::SetAllocator(CUDA, &allocator, 1);
  // torch made its hooks, which refuse everything, when it was imported, and keeps them for good
  new (const_cast<at::CUDAHooksInterface*>(&at::detail::getCUDAHooks())) Hooks(at::CUDAHooksArgs{});
}

void pretend_gloo() {  // carries the host's memory between processes; torch warns that its own kernels make way
  static torch::Library library(torch::Library::IMPL, "c10d", c10::DispatchKey::CUDA, __FILE__, __LINE__);
  for (const char* name : {"allreduce_", "broadcast_", "allgather_", "_allgather_base_"})
    library.impl(name, torch::CppFunction::makeFromBoxedFunction<&kernel>());
}

void pretend_no_kernel(const char* name) { without_kernel.insert(name); }

void pretend_no_check(const char* name) { without_check.insert(name); }

int pretend_device() { return current; }

int pretend_exchange_device(int index) {  // the one before; -1 where there is no such device
  if (index >= devices) return -1;
  return index < 0 ? current : std::exchange(current, DeviceIndex(index));
}

long long pretend_held(int index) {
  const std::lock_guard<std::mutex> guard(counting);
  return held[DeviceIndex(index)];
}

long long pretend_peak(int index) {
  const std::lock_guard<std::mutex> guard(counting);
  return peak[DeviceIndex(index)];
}

void pretend_reset_peak(int index) {
  const std::lock_guard<std::mutex> guard(counting);
  peak[DeviceIndex(index)] = held[DeviceIndex(index)];
}
}
