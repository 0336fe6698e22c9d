using System.Runtime.InteropServices;
using TorchSharp.Native;

namespace TorchSharp;

/// <summary>
/// The subset of TorchSharp 0.106.0 that GumbelGan calls, source-compatible: names, order of arguments, defaults and semantics are TorchSharp's;
/// the libtorch underneath is the one found on the machine.
/// </summary>
public static partial class torch
{
    public static readonly Device CPU = new(DeviceType.CPU);

    public static Device CUDA => new(DeviceType.CUDA);

    /// <summary>The version of TorchSharp that the subset follows.</summary>
    public static string __version__ => "0.106.0";

    public static DisposeScope NewDisposeScope() => DisposeScopeManager.ThreadSingleton.Open();

    public static DisposeScope? CurrentDisposeScope => DisposeScopeManager.ThreadSingleton.Current;

    public static Device device(string description) => new(description);

    public static void InitializeDeviceType(DeviceType deviceType)
    {
        if (deviceType == DeviceType.CUDA && !cuda.is_available())
        {
            throw new InvalidOperationException("Torch device type CUDA did not initialise on the current machine.");
        }
    }

    public static Generator manual_seed(long seed) => Generator.Default.manual_seed(seed);

    public static int get_num_threads() => NativeMethods.gg_threads();

    public static void set_num_threads(int num) => NativeMethods.Check(NativeMethods.gg_set_threads(num));

    public static Tensor empty(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Operators.Empty.Call(size, dtype, Argument.None, device).requires_grad_(requires_grad);

    public static Tensor empty(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => empty([size], dtype, device, requires_grad);

    public static Tensor empty(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        empty([rows, columns], dtype, device, requires_grad);

    public static Tensor empty(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        empty([dim0, dim1, dim2], dtype, device, requires_grad);

    public static Tensor zeros(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Operators.Zeros.Call(size, dtype, Argument.None, device).requires_grad_(requires_grad);

    public static Tensor zeros(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => zeros([size], dtype, device, requires_grad);

    public static Tensor zeros(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        zeros([rows, columns], dtype, device, requires_grad);

    public static Tensor zeros(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        zeros([dim0, dim1, dim2], dtype, device, requires_grad);

    public static Tensor ones(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Operators.Ones.Call(size, dtype, Argument.None, device).requires_grad_(requires_grad);

    public static Tensor full(long[] size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Operators.Full.Call(size, value, dtype, Argument.None, device).requires_grad_(requires_grad);

    public static Tensor rand(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        empty(size, dtype, device).uniform_(0, 1, generator).requires_grad_(requires_grad);

    public static Tensor randn(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        empty(size, dtype, device).normal_(0, 1, generator).requires_grad_(requires_grad);

    public static Tensor eye(long rows, long columns = -1, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Operators.Eye.Call(rows, columns == -1 ? rows : columns, dtype, Argument.None, device).requires_grad_(requires_grad);

    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Operators.ArangeStep.Call(start, stop, step, dtype, Argument.None, device).requires_grad_(requires_grad);

    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(start, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor zeros_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        input.zeros_like(dtype, device, requires_grad);

    public static Tensor ones_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        input.ones_like(dtype, device, requires_grad);

    public static Tensor empty_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        input.empty_like(dtype, device, requires_grad);

    public static Tensor tensor(float scalar, Device? device = null, bool requires_grad = false) => FromSpan([scalar], [], ScalarType.Float32, null, device, requires_grad);

    public static Tensor tensor(double scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromSpan([scalar], [], ScalarType.Float64, dtype, device, requires_grad);

    public static Tensor tensor(long scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromSpan([scalar], [], ScalarType.Int64, dtype, device, requires_grad);

    public static Tensor tensor(float[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromSpan<float>(rawArray, [rawArray.Length], ScalarType.Float32, dtype, device, requires_grad);

    public static Tensor tensor(float[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromSpan<float>(rawArray, dimensions.ToArray(), ScalarType.Float32, dtype, device, requires_grad);

    public static Tensor tensor(double[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromSpan<double>(rawArray, [rawArray.Length], ScalarType.Float64, dtype, device, requires_grad);

    public static Tensor tensor(double[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromSpan<double>(rawArray, dimensions.ToArray(), ScalarType.Float64, dtype, device, requires_grad);

    public static Tensor tensor(long[] dataArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromSpan<long>(dataArray, [dataArray.Length], ScalarType.Int64, dtype, device, requires_grad);

    public static Tensor tensor(long[] dataArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromSpan<long>(dataArray, dimensions.ToArray(), ScalarType.Int64, dtype, device, requires_grad);

    public static Tensor tensor(int[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromSpan<int>(rawArray, dimensions.ToArray(), ScalarType.Int32, dtype, device, requires_grad);

    private static Tensor FromSpan<T>(ReadOnlySpan<T> values, long[] dimensions, ScalarType own, ScalarType? wanted, Device? device, bool requiresGrad)
        where T : unmanaged
    {
        long expected = 1;
        foreach (long dimension in dimensions)
        {
            expected *= dimension;
        }

        if (expected != values.Length)
        {
            throw new ArgumentException($"mismatched total size creating a tensor from an array: expected {expected}, got {values.Length}");
        }

        Tensor made = empty(dimensions, own);
        MemoryMarshal.AsBytes(values).CopyTo(made.bytes);
        if ((wanted ?? own) != own || (device is not null && device.type != DeviceType.CPU))
        {
            made = made.to(wanted ?? own, device ?? CPU, disposeAfter: true);
        }

        return made.requires_grad_(requiresGrad);
    }

    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => Operators.Cat.Call(tensors.ToArray(), dim);

    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => Operators.Stack.Call(tensors.ToArray(), dim);

    public static Tensor where(Tensor condition, Tensor x, Tensor y) => Operators.Where.Call(condition, x, y);

    public static Tensor mm(Tensor input, Tensor target) => input.mm(target);

    public static Tensor matmul(Tensor input, Tensor target) => input.matmul(target);

    public static Tensor bmm(Tensor input, Tensor batch2) => input.bmm(batch2);

    public static Tensor sigmoid(Tensor input) => input.sigmoid();

    public static Tensor tanh(Tensor input) => input.tanh();

    public static class cuda
    {
        public static bool is_available() => NativeMethods.gg_cuda_devices() > 0;

        public static int device_count() => NativeMethods.gg_cuda_devices();

        public static void synchronize(Device? device = null) => NativeMethods.Check(NativeMethods.gg_cuda_synchronize(device?.index ?? 0));
    }

    public static class random
    {
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);

        public static Tensor get_rng_state() => Generator.Default.get_state();

        public static void set_rng_state(Tensor new_state) => Generator.Default.set_state(new_state);
    }
}
