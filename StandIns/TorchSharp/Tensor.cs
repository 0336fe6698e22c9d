using TorchSharp.Native;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// A tensor of the libtorch underneath. It belongs to the innermost <see cref="DisposeScope"/> of the thread that made it; outside any
    /// scope it lives until it is disposed or collected.
    /// </summary>
    public unsafe partial class Tensor : IDisposable
    {
        private static long s_total;
        private static long s_peak;

        private nint _handle;
        private Leash? _leash;

        /// <summary>Takes over the ownership of a native tensor; 0 makes an invalid tensor.</summary>
        internal Tensor(nint handle)
        {
            _handle = handle;
            if (handle == 0)
            {
                return;
            }

            Count(1);
            DisposeScopeManager.ThreadSingleton.Register(this);
            if (OwningDisposeScope is null)
            {
                _leash = new Leash(handle);
            }
        }

        /// <summary>Takes over what <paramref name="data"/> holds, its scope included, and leaves it invalid.</summary>
        private protected Tensor(Tensor data)
        {
            _handle = data.Handle;
            _leash = data._leash;
            data._handle = 0;
            data._leash = null;
            data.OwningDisposeScope?.Replace(data, this);
        }

        // A finalizer costs several times what the rest of a small operation does, so a tensor has none. One that a scope owns is given back by
        // the scope; any other holds a leash, which gives the native tensor back when both are collected.
        private sealed class Leash(nint handle)
        {
            private nint _handle = handle;

            ~Leash()
            {
                nint handle = Interlocked.Exchange(ref _handle, 0);
                if (handle != 0)
                {
                    NativeMethods.Release(handle);
                    Count(-1);
                }
            }

            internal void Drop()
            {
                Interlocked.Exchange(ref _handle, 0);
                GC.SuppressFinalize(this);
            }
        }

        internal DisposeScope? OwningDisposeScope { get; set; }

        /// <summary>Where the owning scope's list holds this tensor.</summary>
        internal int PlaceInScope { get; set; }

        /// <summary>Tensors alive in the process.</summary>
        public static long TotalCount => Interlocked.Read(ref s_total);

        /// <summary>The largest <see cref="TotalCount"/> so far.</summary>
        public static long PeakCount => Interlocked.Read(ref s_peak);

        public bool IsInvalid => _handle == 0;

        public nint Handle => _handle != 0 ? _handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");

        public void Dispose()
        {
            nint handle = GiveUpHandle();
            if (handle == 0)
            {
                return;
            }

            NativeMethods.Release(handle);
            Count(-1);
            LifetimeStatistics statistics = DisposeScopeManager.Statistics.TensorStatistics;
            if (OwningDisposeScope is { } scope)
            {
                statistics.DisposedInScopeCount++;
                scope.Remove(this);
            }
            else
            {
                statistics.DisposedOutsideScopeCount++;
            }
        }

        /// <summary>Who releases the native tensor is from now on the caller; 0 where somebody already has.</summary>
        internal nint GiveUpHandle()
        {
            nint handle = Interlocked.Exchange(ref _handle, 0);
            if (handle != 0 && _leash is not null)
            {
                _leash.Drop();
                _leash = null;
            }

            return handle;
        }

        /// <summary>Called by the scope that lets go: from now on the tensor lives until it is disposed or collected.</summary>
        internal void HoldItself()
        {
            if (_handle != 0)
            {
                _leash ??= new Leash(_handle);
            }
        }

        internal static void Count(int change)
        {
            long total = Interlocked.Add(ref s_total, change);
            if (change > 0 && total > s_peak)
            {
                s_peak = total;
            }
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(DisposeScope other)
        {
            OwningDisposeScope?.MoveToOther(other, this);
            return this;
        }

        internal TensorInfo Info
        {
            get
            {
                TensorInfo info;
                NativeMethods.Check(NativeMethods.gg_info(Handle, &info));
                GC.KeepAlive(this);
                return info;
            }
        }

        public long[] shape
        {
            get
            {
                TensorInfo info = Info;
                return new ReadOnlySpan<long>(info.Sizes, (int)info.Dimensions).ToArray();
            }
        }

        public long[] size() => shape;

        public long size(int dim)
        {
            TensorInfo info = Info;
            int index = dim < 0 ? dim + (int)info.Dimensions : dim;
            return (uint)index < (uint)info.Dimensions
                ? info.Sizes[index]
                : throw new IndexOutOfRangeException($"Dimension {dim} of a tensor with {info.Dimensions} dimensions.");
        }

        public long[] stride()
        {
            TensorInfo info = Info;
            return new ReadOnlySpan<long>(info.Strides, (int)info.Dimensions).ToArray();
        }

        public long numel() => Info.Elements;

        public long dim() => Info.Dimensions;

        public long ndim => Info.Dimensions;

        public ScalarType dtype => (ScalarType)Info.ScalarType;

        public Device device
        {
            get
            {
                TensorInfo info = Info;
                return new Device((DeviceType)info.DeviceType, info.DeviceIndex);
            }
        }

        public DeviceType device_type => (DeviceType)Info.DeviceType;

        public bool is_cuda => device_type == DeviceType.CUDA;

        public bool is_cpu() => device_type == DeviceType.CPU;

        public bool is_leaf => Info.IsLeaf != 0;

        public bool is_contiguous() => Info.IsContiguous != 0;

        public bool requires_grad
        {
            get => Info.RequiresGrad != 0;
            set
            {
                NativeMethods.Check(NativeMethods.gg_set_requires_grad(Handle, value ? 1 : 0));
                GC.KeepAlive(this);
            }
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        /// <summary>The accumulated gradient of a leaf, or null where there is none.</summary>
        public Tensor? grad
        {
            get
            {
                nint found;
                NativeMethods.Check(NativeMethods.gg_get_grad(Handle, &found));
                GC.KeepAlive(this);
                return found == 0 ? null : new Tensor(found);
            }
            set
            {
                NativeMethods.Check(NativeMethods.gg_set_grad(Handle, value is null ? 0 : value.Handle));
                GC.KeepAlive(this);
                GC.KeepAlive(value);
            }
        }

        public void backward() => autograd.backward(this);

        public void backward(IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null) =>
            autograd.backward(this, grad_tensors, retain_graph, create_graph, inputs);

        /// <summary>The memory of a contiguous CPU tensor; valid while the tensor lives.</summary>
        /// <exception cref="NotImplementedException">The tensor is not contiguous.</exception>
        /// <exception cref="InvalidOperationException">The tensor is not on the CPU.</exception>
        /// <exception cref="ArgumentException">The tensor has more bytes than a span can hold.</exception>
        public Span<byte> bytes
        {
            get
            {
                TensorInfo info = Info;
                if (info.IsContiguous == 0)
                {
                    throw new NotImplementedException("Bytes() called on non-contiguous tensor.");
                }

                if ((DeviceType)info.DeviceType != DeviceType.CPU)
                {
                    throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
                }

                long length = info.Elements * ((ScalarType)info.ScalarType).ElementSize();
                return length <= int.MaxValue
                    ? new Span<byte>(info.Data, (int)length)
                    : throw new ArgumentException("Span only supports up to int.MaxValue elements.");
            }
            set
            {
                Span<byte> target = bytes;
                if (value.Length != target.Length)
                {
                    throw new ArgumentException("Mismatched data sizes in SetBytes().", nameof(value));
                }

                value.CopyTo(target);
            }
        }

        /// <summary>The elements in row-major order; those of a copy where the tensor is not on the CPU.</summary>
        public TensorAccessor<T> data<T>()
            where T : unmanaged
        {
            ValidateType(typeof(T), dtype);
            return new(is_cpu() ? this : cpu());
        }

        public T item<T>()
            where T : unmanaged
        {
            TensorInfo info = Info;
            if (info.Elements != 1)
            {
                throw new ArgumentException("Number of elements in the tensor must be 1");
            }

            ValidateType(typeof(T), (ScalarType)info.ScalarType);
            if ((DeviceType)info.DeviceType != DeviceType.CPU)
            {
                using Tensor copy = cpu();
                return copy.item<T>();
            }

            T value = *(T*)info.Data;
            GC.KeepAlive(this);
            return value;
        }

        // TorchSharp reads an element only as the type that it has.
        private static void ValidateType(Type wanted, ScalarType own)
        {
            bool same = own switch
            {
                ScalarType.Float32 => wanted == typeof(float),
                ScalarType.Float64 => wanted == typeof(double),
                ScalarType.Int64 => wanted == typeof(long),
                ScalarType.Int32 => wanted == typeof(int),
                ScalarType.Int16 => wanted == typeof(short),
                ScalarType.Int8 => wanted == typeof(sbyte),
                ScalarType.Bool => wanted == typeof(bool),
                ScalarType.Byte => wanted == typeof(byte),
                _ => throw new NotSupportedException($"The stand-in does not read elements of {own} tensors."),
            };
            if (!same)
            {
                throw new ArgumentException($"{wanted.Name} is not compatible with {own}");
            }
        }

        public Tensor this[params TensorIndex[] indices] => index(indices);

        public Tensor this[long i1] => select(0, i1);

        public Tensor this[long i1, long i2] => select(0, i1).select(0, i2);

        public Tensor index(params TensorIndex[] indices)
        {
            Tensor view = this;
            long dimension = 0;
            foreach (TensorIndex index in indices)
            {
                view = index.Apply(view, ref dimension);
            }

            return ReferenceEquals(view, this) ? alias() : view;
        }

        public override string ToString() => $"[{string.Join("x", shape)}], type = {dtype}, device = {device}";
    }
}
