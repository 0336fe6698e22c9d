using System.Runtime.InteropServices;

namespace GumbelGan.Storage;

/// <summary>One named tensor of a safetensors file, as plain bytes.</summary>
/// <remarks>Elements lie in row-major order, little-endian, without padding.</remarks>
public sealed class SafetensorsEntry
{
    /// <summary>A tensor from its bytes.</summary>
    /// <param name="name">The parameter's name, for example "embedding.weight".</param>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The lengths of the dimensions; empty for a scalar.</param>
    /// <param name="data">Exactly (product of shape) x (bytes an element) bytes; kept, not copied.</param>
    /// <exception cref="ArgumentException">A negative length, or <paramref name="data"/> does not fit the shape.</exception>
    public SafetensorsEntry(string name, SafetensorsType type, ReadOnlySpan<long> shape, ReadOnlyMemory<byte> data)
    {
        if (ByteCount(type, shape) != data.Length)
        {
            throw new ArgumentException(
                $"Tensor '{name}' of type {type} and shape [{string.Join(", ", shape.ToArray())}] is given {data.Length} bytes.", nameof(data));
        }

        Name = name;
        Type = type;
        Shape = [.. shape];
        Data = data;
    }

    /// <summary>The parameter's name.</summary>
    public string Name { get; }

    /// <summary>The element type.</summary>
    public SafetensorsType Type { get; }

    /// <summary>The lengths of the dimensions; empty for a scalar.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>The elements' bytes.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>A tensor holding a copy of <paramref name="values"/>; the element type follows from <typeparamref name="T"/>.</summary>
    /// <exception cref="ArgumentException">The format has no such type, or the shape does not fit the values.</exception>
    public static SafetensorsEntry Create<T>(string name, ReadOnlySpan<long> shape, ReadOnlySpan<T> values)
        where T : unmanaged =>
        new(name, TypeOf<T>(), shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>The elements as <typeparamref name="T"/>.</summary>
    /// <exception cref="UserMistakeException">The tensor is of another type: the file is not what the reader expects.</exception>
    public ReadOnlySpan<T> Values<T>()
        where T : unmanaged
    {
        SafetensorsType wanted = TypeOf<T>();
        if (Type != wanted)
        {
            throw new UserMistakeException($"Tensor '{Name}' holds {Type} where {wanted} is expected; use the file that this run wrote.");
        }

        return MemoryMarshal.Cast<byte, T>(Data.Span);
    }

    /// <summary>Bytes that one element takes.</summary>
    public static int ElementSize(SafetensorsType type) => type switch
    {
        SafetensorsType.BOOL or SafetensorsType.U8 or SafetensorsType.I8 or SafetensorsType.F8_E5M2 or SafetensorsType.F8_E4M3 => 1,
        SafetensorsType.I16 or SafetensorsType.U16 or SafetensorsType.F16 or SafetensorsType.BF16 => 2,
        SafetensorsType.I32 or SafetensorsType.U32 or SafetensorsType.F32 => 4,
        _ => 8,
    };

    /// <summary>The bytes of a whole tensor, or -1 where a length is negative or the product passes 2^63.</summary>
    internal static long ByteCount(SafetensorsType type, ReadOnlySpan<long> shape)
    {
        // One zero makes the tensor empty, whatever the other lengths; they must not overflow all the same, since other readers multiply them in
        // order.
        UInt128 count = (uint)ElementSize(type);
        bool empty = false;
        foreach (long length in shape)
        {
            if (length < 0)
            {
                return -1;
            }

            empty |= length == 0;
            count *= length == 0 ? 1 : (ulong)length;
            if (count > long.MaxValue)
            {
                return -1;
            }
        }

        return empty ? 0 : (long)count;
    }

    private static SafetensorsType TypeOf<T>() => default(T) switch
    {
        bool => SafetensorsType.BOOL,
        byte => SafetensorsType.U8,
        sbyte => SafetensorsType.I8,
        short => SafetensorsType.I16,
        ushort => SafetensorsType.U16,
        Half => SafetensorsType.F16,
        int => SafetensorsType.I32,
        uint => SafetensorsType.U32,
        float => SafetensorsType.F32,
        double => SafetensorsType.F64,
        long => SafetensorsType.I64,
        ulong => SafetensorsType.U64,
        _ => throw new ArgumentException($"The safetensors format has no type for {typeof(T)}."),
    };
}
