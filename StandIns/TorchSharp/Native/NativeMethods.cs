using System.Runtime.InteropServices;

namespace TorchSharp.Native;

/// <summary>What kind of value crosses the border; the numbers are those of enum Tag in bridge.cpp.</summary>
internal enum Tag
{
    None, Tensor, Int, Double, Bool, IntList, TensorList, DoubleList, String, Device, Generator,
}

/// <summary>One argument or result, 16 bytes, as bridge.cpp's Value.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Value
{
    public Tag Tag;
    public int Count;
    public long Bits;
}

/// <summary>The description of a tensor, as bridge.cpp's TensorInfo.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TensorInfo
{
    public void* Data;
    public long* Sizes;
    public long* Strides;
    public long Dimensions;
    public long Elements;
    public int ScalarType;
    public int DeviceType;
    public int DeviceIndex;
    public int RequiresGrad;
    public int IsLeaf;
    public int IsContiguous;
}

/// <summary>The bridge's functions. Those that return int and can fail give 0 for success; <see cref="Check"/> turns the rest into exceptions.</summary>
internal static unsafe partial class NativeMethods
{
    private const string Bridge = "gumbelgan_bridge";

    [LibraryImport(Bridge)] private static partial byte* gg_last_error();
    [LibraryImport(Bridge, StringMarshalling = StringMarshalling.Utf8)] internal static partial int gg_operator(string name, string overload, out nint result);
    [LibraryImport(Bridge)] internal static partial int gg_call(nint op, Value* arguments, int argumentCount, Value* results, int capacity, int* resultCount);
    [LibraryImport(Bridge)] private static partial void gg_release(nint* tensors, int count);
    [LibraryImport(Bridge)] internal static partial nint gg_share(nint tensor);
    [LibraryImport(Bridge), SuppressGCTransition] internal static partial int gg_info(nint tensor, TensorInfo* info);
    [LibraryImport(Bridge), SuppressGCTransition] internal static partial long gg_live_tensors();
    [LibraryImport(Bridge)] internal static partial int gg_set_requires_grad(nint tensor, int on);
    [LibraryImport(Bridge)] internal static partial int gg_get_grad(nint tensor, nint* grad);
    [LibraryImport(Bridge)] internal static partial int gg_set_grad(nint tensor, nint grad);
    [LibraryImport(Bridge), SuppressGCTransition] internal static partial int gg_grad_mode();
    [LibraryImport(Bridge), SuppressGCTransition] internal static partial void gg_set_grad_mode(int on);
    [LibraryImport(Bridge)] internal static partial int gg_backward(nint* tensors, int count, nint* grads, int retainGraph, int createGraph, nint* inputs, int inputCount);
    [LibraryImport(Bridge)] internal static partial int gg_grad(nint* outputs, int outputCount, nint* inputs, int inputCount, nint* grads, int retainGraph, int createGraph, int allowUnused, nint* results);
    [LibraryImport(Bridge, StringMarshalling = StringMarshalling.Utf8)] internal static partial int gg_attach_node(string label, nint* inputs, int inputCount, nint* outputs, byte* differentiable, int outputCount, nint* saved, int savedCount, int materialize, nint context, delegate* unmanaged<nint, nint, nint*, int, nint*, int, int> backward, delegate* unmanaged<nint, void> release);
    [LibraryImport(Bridge)] internal static partial int gg_saved(nint node, int index, nint* tensor);
    [LibraryImport(Bridge)] internal static partial int gg_bump_versions(nint* tensors, int count);
    [LibraryImport(Bridge)] internal static partial int gg_generator(long seed, out nint result);
    [LibraryImport(Bridge)] internal static partial int gg_default_generator(int deviceType, int deviceIndex, out nint result);
    [LibraryImport(Bridge)] internal static partial void gg_release_generator(nint generator);
    [LibraryImport(Bridge)] internal static partial int gg_generator_seed(nint generator, long seed);
    [LibraryImport(Bridge)] internal static partial int gg_generator_state(nint generator, out nint state);
    [LibraryImport(Bridge)] internal static partial int gg_generator_set_state(nint generator, nint state);
    [LibraryImport(Bridge), SuppressGCTransition] internal static partial int gg_threads();
    [LibraryImport(Bridge)] internal static partial int gg_set_threads(int count);
    [LibraryImport(Bridge)] internal static partial int gg_cuda_devices();
    [LibraryImport(Bridge)] internal static partial int gg_cuda_synchronize(int device);
    [LibraryImport(Bridge)] internal static partial int gg_flush_denormals(int on);
    [LibraryImport(Bridge)] private static partial byte* gg_version();
    [LibraryImport(Bridge)] private static partial byte* gg_configuration();
    [LibraryImport(Bridge)] internal static partial int gg_keep_memory(long bytes);

    /// <summary>Gives one tensor back.</summary>
    internal static void Release(nint tensor) => gg_release(&tensor, 1);

    /// <summary>Gives several tensors back in one crossing.</summary>
    internal static void Release(ReadOnlySpan<nint> tensors)
    {
        fixed (nint* first = tensors)
        {
            gg_release(first, tensors.Length);
        }
    }

    /// <summary>Throws libtorch's message where a bridge function reported failure.</summary>
    /// <exception cref="ExternalException">As TorchSharp, which raises every libtorch error as this type.</exception>
    internal static void Check(int failed)
    {
        if (failed != 0)
        {
            throw new ExternalException(Marshal.PtrToStringUTF8((nint)gg_last_error()));
        }
    }

    internal static string Version => Marshal.PtrToStringUTF8((nint)gg_version())!;

    internal static string Configuration => Marshal.PtrToStringUTF8((nint)gg_configuration())!;
}
