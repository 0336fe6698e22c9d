using System.Collections;
using System.Runtime.InteropServices;
using TorchSharp.Native;

namespace TorchSharp
{
    public enum DeviceType
    {
        CPU = 0, CUDA = 1, MKLDNN = 2, OPENGL = 3, OPENCL = 4, IDEEP = 5, HIP = 6, FPGA = 7, MSNPU = 8, XLA = 9, MPS = 13, META = 14,
    }

    public static class TensorExtensionMethods
    {
        /// <summary>Bytes an element.</summary>
        public static int ElementSize(this torch.ScalarType type) => type switch
        {
            torch.ScalarType.Byte or torch.ScalarType.Int8 or torch.ScalarType.Bool => 1,
            torch.ScalarType.Int16 or torch.ScalarType.Float16 or torch.ScalarType.BFloat16 => 2,
            torch.ScalarType.Int32 or torch.ScalarType.Float32 => 4,
            torch.ScalarType.Int64 or torch.ScalarType.Float64 or torch.ScalarType.ComplexFloat32 => 8,
            torch.ScalarType.ComplexFloat64 => 16,
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No such element type."),
        };

        public static float ToSingle(this torch.Tensor value) => As<float>(value, torch.ScalarType.Float32);

        public static double ToDouble(this torch.Tensor value) => As<double>(value, torch.ScalarType.Float64);

        public static long ToInt64(this torch.Tensor value) => As<long>(value, torch.ScalarType.Int64);

        private static T As<T>(torch.Tensor value, torch.ScalarType type)
            where T : unmanaged
        {
            using torch.Tensor converted = value.to(type);
            return converted.item<T>();
        }
    }

    public static partial class torch
    {
        public enum ScalarType
        {
            Byte = 0, Int8 = 1, Int16 = 2, Int32 = 3, Int64 = 4, Float16 = 5, Float32 = 6, Float64 = 7, ComplexFloat32 = 9, ComplexFloat64 = 10,
            Bool = 11, BFloat16 = 15,
        }

        public const ScalarType uint8 = ScalarType.Byte;
        public const ScalarType int32 = ScalarType.Int32;
        public const ScalarType int64 = ScalarType.Int64;
        public const ScalarType float32 = ScalarType.Float32;
        public const ScalarType float64 = ScalarType.Float64;
        public const ScalarType @bool = ScalarType.Bool;

        public enum RoundingMode
        {
            None, trunc, floor,
        }

        /// <summary>Where a tensor lives: "cpu", "cuda", "cuda:1".</summary>
        public sealed class Device
        {
            public Device(string description)
            {
                string[] parts = description.Split(':');
                type = parts[0].ToLowerInvariant() switch
                {
                    "cpu" => DeviceType.CPU,
                    "cuda" => DeviceType.CUDA,
                    "mps" => DeviceType.MPS,
                    "meta" => DeviceType.META,
                    var other => throw new ArgumentException($"Unknown device type {other.ToUpperInvariant()}."),
                };
                index = parts.Length > 1 ? int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) : -1;
            }

            public Device(DeviceType deviceType, int index = -1)
            {
                type = deviceType;
                this.index = index;
            }

            public DeviceType type { get; }

            public int index { get; }

            public static implicit operator Device(string description) => new(description);

            public override string ToString() => index == -1 ? type.ToString().ToLowerInvariant() : $"{type.ToString().ToLowerInvariant()}:{index}";
        }

        /// <summary>A position or a range of positions along one dimension.</summary>
        public readonly struct TensorIndex
        {
            private enum Kind
            {
                None, Single, Slice,
            }

            private readonly Kind _kind;
            private readonly long? _start;
            private readonly long? _stop;
            private readonly long? _step;

            private TensorIndex(Kind kind, long? start = null, long? stop = null, long? step = null)
            {
                _kind = kind;
                _start = start;
                _stop = stop;
                _step = step;
            }

            /// <summary>Adds a dimension of size one.</summary>
            public static readonly TensorIndex None = new(Kind.None);

            /// <summary>The whole dimension.</summary>
            public static readonly TensorIndex Colon = new(Kind.Slice);

            public static TensorIndex Single(long? index) => new(Kind.Single, index);

            public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) => new(Kind.Slice, start, stop, step);

            public static implicit operator TensorIndex(long value) => Single(value);

            public static implicit operator TensorIndex(Range range) => Slice(FromEnd(range.Start), range.End.Equals(Index.End) ? null : FromEnd(range.End));

            private static long FromEnd(Index index) => index.IsFromEnd ? -index.Value : index.Value;

            internal Tensor Apply(Tensor tensor, ref long dimension)
            {
                switch (_kind)
                {
                    case Kind.None:
                        return tensor.unsqueeze(dimension++);
                    case Kind.Single:
                        return tensor.select(dimension, _start ?? 0);
                    default:
                        return Operators.Slice.Call(tensor, dimension++, (Argument)(_start is null ? default : (Argument)_start.Value),
                            _stop is null ? default : (Argument)_stop.Value, _step ?? 1);
                }
            }
        }

        /// <summary>A random generator whose state can be set and read; the source of a distribution's draws where one is given.</summary>
        public class Generator : IDisposable
        {
            private nint _handle;

            public Generator(ulong seed = 0, Device? device = null)
            {
                this.device = device ?? CPU;
                if (this.device.type == DeviceType.CPU)
                {
                    NativeMethods.Check(NativeMethods.gg_generator((long)seed, out _handle));
                }
                else
                {
                    NativeMethods.Check(NativeMethods.gg_default_generator((int)this.device.type, this.device.index, out _handle));
                    manual_seed((long)seed);
                }
            }

            private Generator(nint handle)
            {
                _handle = handle;
                device = CPU;
            }

            ~Generator() => Dispose(false);

            /// <summary>The generator that draws where none is named, on the CPU.</summary>
            public static Generator Default
            {
                get
                {
                    NativeMethods.Check(NativeMethods.gg_default_generator((int)DeviceType.CPU, 0, out nint handle));
                    return new Generator(handle);
                }
            }

            public Device device { get; }

            internal nint Handle => _handle;

            public Generator manual_seed(long seed)
            {
                NativeMethods.Check(NativeMethods.gg_generator_seed(_handle, seed));
                return this;
            }

            public Tensor get_state()
            {
                NativeMethods.Check(NativeMethods.gg_generator_state(_handle, out nint state));
                return new Tensor(state);
            }

            public void set_state(Tensor value) => NativeMethods.Check(NativeMethods.gg_generator_set_state(_handle, value.Handle));

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                nint handle = Interlocked.Exchange(ref _handle, 0);
                if (handle != 0)
                {
                    NativeMethods.gg_release_generator(handle);
                }
            }
        }
    }
}

namespace TorchSharp.Utils
{
    /// <summary>Gives a field another name in <c>named_parameters</c> and <c>state_dict</c> than its own.</summary>
    [AttributeUsage(AttributeTargets.Field)]
    public sealed class ComponentNameAttribute : Attribute
    {
        public string? Name { get; set; }
    }

    /// <summary>The elements of a CPU tensor in row-major order, whatever its strides.</summary>
    public sealed class TensorAccessor<T> : IDisposable, IEnumerable<T>
        where T : unmanaged
    {
        private readonly torch.Tensor _tensor;

        internal TensorAccessor(torch.Tensor tensor)
        {
            _tensor = tensor;
        }

        public long Count => _tensor.numel();

        public T[] ToArray()
        {
            using torch.Tensor? copy = _tensor.is_contiguous() ? null : _tensor.contiguous();
            return MemoryMarshal.Cast<byte, T>((copy ?? _tensor).bytes).ToArray();
        }

        public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0) => ToArray().AsSpan((int)tensorIndex).CopyTo(array[arrayIndex..]);

        public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
        {
            Span<T> target = MemoryMarshal.Cast<byte, T>(_tensor.bytes)[(int)tensorIndex..];
            ReadOnlySpan<T> source = array[arrayIndex..];
            source[..Math.Min(source.Length, target.Length)].CopyTo(target);
        }

        public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)ToArray()).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        public void Dispose()
        {
        }
    }
}
