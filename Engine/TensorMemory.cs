using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace GumbelGan.Engine;

/// <summary>The numbers of a tensor on the CPU, for the kernels.</summary>
public static unsafe class TensorMemory
{
    /// <summary>The first number of <paramref name="tensor"/>, which must be contiguous and outlive the pointer; null for null.</summary>
    public static float* Pointer(Tensor? tensor) => tensor is null ? null : (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

    /// <summary>The numbers themselves of a contiguous <paramref name="tensor"/> of float32, to read or to write.</summary>
    public static Span<float> Numbers(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);
}
