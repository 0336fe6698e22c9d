using System.Runtime.InteropServices;

namespace GumbelGan.Kernels;

/// <summary>Native memory for floats, aligned to 64 bytes and zero at first.</summary>
public sealed unsafe class NativeBuffer : IDisposable
{
    private const nuint Alignment = 64;
    private float* _memory;

    /// <summary>Allocates <paramref name="length"/> zeros.</summary>
    /// <exception cref="OutOfMemoryException">There is not enough memory.</exception>
    public NativeBuffer(nint length)
    {
        Length = length;
        _memory = (float*)NativeMemory.AlignedAlloc(Math.Max(Alignment, (nuint)length * sizeof(float)), Alignment);
        NativeMemory.Clear(_memory, (nuint)length * sizeof(float));
    }

    /// <summary>Frees the memory, if <see cref="Dispose"/> was forgotten.</summary>
    ~NativeBuffer() => Free();

    /// <summary>The number of floats.</summary>
    public nint Length { get; }

    /// <summary>The address of the first float.</summary>
    public float* Pointer => _memory != null ? _memory : throw new ObjectDisposedException(nameof(NativeBuffer));

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
