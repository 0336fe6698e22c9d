using System.Runtime.CompilerServices;
using System.Text;

namespace TorchSharp.Native;

/// <summary>An argument on its way to an operator: a number, or a reference to a tensor, a list, a string, a generator.</summary>
internal readonly struct Argument
{
    public readonly Tag Tag;
    public readonly long Bits;
    public readonly object? Reference;

    private Argument(Tag tag, long bits, object? reference = null)
    {
        Tag = tag;
        Bits = bits;
        Reference = reference;
    }

    public static Argument None => default;

    public static implicit operator Argument(torch.Tensor? tensor) => tensor is null ? default : new(Tag.Tensor, tensor.Handle, tensor);

    public static implicit operator Argument(long value) => new(Tag.Int, value);

    public static implicit operator Argument(double value) => new(Tag.Double, BitConverter.DoubleToInt64Bits(value));

    public static implicit operator Argument(bool value) => new(Tag.Bool, value ? 1 : 0);

    public static implicit operator Argument(long[]? values) => values is null ? default : new(Tag.IntList, 0, values);

    public static implicit operator Argument(torch.Tensor[] tensors) => new(Tag.TensorList, 0, tensors);

    public static implicit operator Argument(string? text) => text is null ? default : new(Tag.String, 0, text);

    public static implicit operator Argument(torch.Device? device) =>
        device is null ? default : new(Tag.Device, ((long)device.type << 8) | (byte)(sbyte)device.index);

    public static implicit operator Argument(torch.Generator? generator) => generator is null ? default : new(Tag.Generator, generator.Handle, generator);

    public static implicit operator Argument(torch.ScalarType type) => new(Tag.Int, (long)type);

    public static implicit operator Argument(torch.ScalarType? type) => type is null ? default : new(Tag.Int, (long)type.Value);

    public static implicit operator Argument(Scalar? scalar) => scalar is null ? default : scalar.IsFloatingPoint ? (Argument)scalar.Real : new(scalar.IsBool ? Tag.Bool : Tag.Int, scalar.Integer);
}

/// <summary>
/// One ATen operator, found in the dispatcher by schema name on first use and called in boxed form; arguments that are left out take the
/// schema's defaults.
/// </summary>
/// <param name="name">For example "aten::add".</param>
/// <param name="overload">For example "Tensor"; empty for the unnamed overload.</param>
internal sealed unsafe class Operator(string name, string overload = "")
{
    // Room on the stack for the elements of lists and strings; a call with more takes an array.
    private const int ScratchOnStack = 128;
    private nint _handle;

    /// <summary>Calls an operator that returns one tensor.</summary>
    public torch.Tensor Call(params ReadOnlySpan<Argument> arguments)
    {
        Value result;
        Invoke(arguments, &result, 1);
        return new torch.Tensor((nint)result.Bits);
    }

    /// <summary>Calls an in-place operator, whose result is its first argument again.</summary>
    public torch.Tensor CallInPlace(params ReadOnlySpan<Argument> arguments)
    {
        Invoke(arguments, null, 0);
        return Unsafe.As<torch.Tensor>(arguments[0].Reference!);
    }

    /// <summary>Calls an operator that returns at most <paramref name="capacity"/> tensors.</summary>
    public torch.Tensor[] CallMany(long capacity, params ReadOnlySpan<Argument> arguments)
    {
        var results = new Value[Math.Max(1, capacity)];
        int count;
        fixed (Value* first = results)
        {
            count = Invoke(arguments, first, results.Length);
        }

        var tensors = new torch.Tensor[count];
        for (int i = 0; i < count; i++)
        {
            tensors[i] = new torch.Tensor((nint)results[i].Bits);
        }

        return tensors;
    }

    // Two threads that race here find the same operator; one of the handles, a pointer's worth of memory, is then forgotten.
    private nint Resolve()
    {
        NativeMethods.Check(NativeMethods.gg_operator(name, overload, out nint found));
        Volatile.Write(ref _handle, found);
        return found;
    }

    [SkipLocalsInit]
    private int Invoke(ReadOnlySpan<Argument> arguments, Value* results, int capacity)
    {
        // Lists are copied beside the arguments, so nothing on the managed heap has to be pinned.
        int scratchLength = 0;
        foreach (ref readonly Argument argument in arguments)
        {
            scratchLength += argument.Tag switch
            {
                Tag.IntList => Unsafe.As<long[]>(argument.Reference!).Length,
                Tag.TensorList => Unsafe.As<torch.Tensor[]>(argument.Reference!).Length,
                Tag.String => Longs(Unsafe.As<string>(argument.Reference!)),
                _ => 0,
            };
        }

        Value* values = stackalloc Value[arguments.Length];
        long* onStack = stackalloc long[ScratchOnStack];
        int count;
        fixed (long* onHeap = scratchLength > ScratchOnStack ? new long[scratchLength] : null)
        {
            Fill(arguments, values, onHeap is null ? onStack : onHeap);
            nint handle = _handle != 0 ? _handle : Resolve();
            NativeMethods.Check(NativeMethods.gg_call(handle, values, arguments.Length, results, capacity, &count));
        }

        // A tensor no longer referenced by anything else must outlive the call.
        foreach (ref readonly Argument argument in arguments)
        {
            GC.KeepAlive(argument.Reference);
        }

        return count;
    }

    private static void Fill(ReadOnlySpan<Argument> arguments, Value* values, long* scratch)
    {
        for (int i = 0; i < arguments.Length; i++)
        {
            ref readonly Argument argument = ref arguments[i];
            values[i] = new Value { Tag = argument.Tag, Bits = argument.Bits };
            switch (argument.Tag)
            {
                case Tag.IntList:
                    long[] numbers = Unsafe.As<long[]>(argument.Reference!);
                    numbers.CopyTo(new Span<long>(scratch, numbers.Length));
                    values[i].Count = numbers.Length;
                    values[i].Bits = (nint)scratch;
                    scratch += numbers.Length;
                    break;
                case Tag.TensorList:
                    torch.Tensor[] tensors = Unsafe.As<torch.Tensor[]>(argument.Reference!);
                    for (int item = 0; item < tensors.Length; item++)
                    {
                        scratch[item] = tensors[item].Handle;
                    }

                    values[i].Count = tensors.Length;
                    values[i].Bits = (nint)scratch;
                    scratch += tensors.Length;
                    break;
                case Tag.String:
                    string text = Unsafe.As<string>(argument.Reference!);
                    values[i].Count = Encoding.UTF8.GetBytes(text, new Span<byte>(scratch, Longs(text) * sizeof(long)));
                    values[i].Bits = (nint)scratch;
                    scratch += Longs(text);
                    break;
            }
        }
    }

    private static int Longs(string text) => Encoding.UTF8.GetMaxByteCount(text.Length) / sizeof(long) + 1;
}
