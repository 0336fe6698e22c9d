using System.Runtime.InteropServices;
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
    private const int MaximumResults = 256;
    private nint _handle;

    private nint Handle
    {
        get
        {
            if (_handle == 0)
            {
                NativeMethods.Check(NativeMethods.gg_operator(name, overload, out nint found));
                _handle = found;
            }

            return _handle;
        }
    }

    /// <summary>Calls an operator that returns one tensor.</summary>
    public torch.Tensor Call(params ReadOnlySpan<Argument> arguments)
    {
        Value result;
        int count;
        Invoke(arguments, &result, 1, &count);
        return new torch.Tensor((nint)result.Bits);
    }

    /// <summary>Calls an in-place operator, whose result is <paramref name="self"/> again.</summary>
    public torch.Tensor CallInPlace(torch.Tensor self, params ReadOnlySpan<Argument> others)
    {
        Span<Argument> arguments = new Argument[others.Length + 1];
        arguments[0] = self;
        others.CopyTo(arguments[1..]);
        Value result;
        int count;
        Invoke(arguments, &result, 1, &count);
        NativeMethods.gg_release((nint)result.Bits);
        return self;
    }

    /// <summary>Calls an operator that returns several tensors.</summary>
    public torch.Tensor[] CallMany(params ReadOnlySpan<Argument> arguments)
    {
        Value* results = stackalloc Value[MaximumResults];
        int count;
        Invoke(arguments, results, MaximumResults, &count);
        var tensors = new torch.Tensor[count];
        for (int i = 0; i < count; i++)
        {
            tensors[i] = new torch.Tensor((nint)results[i].Bits);
        }

        return tensors;
    }

    private void Invoke(ReadOnlySpan<Argument> arguments, Value* results, int capacity, int* count)
    {
        // Lists are copied beside the arguments, so nothing on the managed heap has to be pinned.
        int scratchLength = 0;
        foreach (ref readonly Argument argument in arguments)
        {
            scratchLength += argument.Reference switch
            {
                long[] list => list.Length,
                torch.Tensor[] list => list.Length,
                string text => Encoding.UTF8.GetMaxByteCount(text.Length) / sizeof(long) + 1,
                _ => 0,
            };
        }

        Value* values = stackalloc Value[arguments.Length];
        long* scratch = stackalloc long[scratchLength];
        for (int i = 0; i < arguments.Length; i++)
        {
            ref readonly Argument argument = ref arguments[i];
            values[i] = new Value { Tag = argument.Tag, Bits = argument.Bits };
            switch (argument.Reference)
            {
                case long[] list:
                    list.CopyTo(new Span<long>(scratch, list.Length));
                    values[i].Count = list.Length;
                    values[i].Bits = (nint)scratch;
                    scratch += list.Length;
                    break;
                case torch.Tensor[] list:
                    for (int item = 0; item < list.Length; item++)
                    {
                        scratch[item] = list[item].Handle;
                    }

                    values[i].Count = list.Length;
                    values[i].Bits = (nint)scratch;
                    scratch += list.Length;
                    break;
                case string text:
                    values[i].Count = Encoding.UTF8.GetBytes(text, new Span<byte>(scratch, Encoding.UTF8.GetMaxByteCount(text.Length)));
                    values[i].Bits = (nint)scratch;
                    scratch += Encoding.UTF8.GetMaxByteCount(text.Length) / sizeof(long) + 1;
                    break;
            }
        }

        NativeMethods.Check(NativeMethods.gg_call(Handle, values, arguments.Length, results, capacity, count));

        // A tensor no longer referenced by anything else must outlive the call.
        foreach (ref readonly Argument argument in arguments)
        {
            GC.KeepAlive(argument.Reference);
        }
    }
}
