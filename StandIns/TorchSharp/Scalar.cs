namespace TorchSharp;

/// <summary>A number that keeps whether it is an integer, a floating-point number or a truth value.</summary>
public sealed class Scalar : IDisposable
{
    internal readonly double Real;
    internal readonly long Integer;

    private Scalar(double real, long integer, torch.ScalarType type)
    {
        Real = real;
        Integer = integer;
        Type = type;
    }

    public torch.ScalarType Type { get; }

    internal bool IsFloatingPoint => Type is torch.ScalarType.Float32 or torch.ScalarType.Float64;

    internal bool IsBool => Type == torch.ScalarType.Bool;

    public static implicit operator Scalar(int value) => new(value, value, torch.ScalarType.Int32);

    public static implicit operator Scalar(long value) => new(value, value, torch.ScalarType.Int64);

    public static implicit operator Scalar(float value) => new(value, (long)value, torch.ScalarType.Float32);

    public static implicit operator Scalar(double value) => new(value, (long)value, torch.ScalarType.Float64);

    public static implicit operator Scalar(bool value) => new(value ? 1 : 0, value ? 1 : 0, torch.ScalarType.Bool);

    public void Dispose()
    {
    }
}
