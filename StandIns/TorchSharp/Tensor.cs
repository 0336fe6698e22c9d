using System.Runtime.InteropServices;
using TorchSharp.Modules;
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
        private readonly DisposeScopeManager _manager = DisposeScopeManager.ThreadSingleton;

        /// <summary>Takes over the ownership of a native tensor.</summary>
        internal Tensor(nint handle)
        {
            _handle = handle;
            long total = Interlocked.Increment(ref s_total);
            if (total > s_peak)
            {
                s_peak = total;
            }

            OwningDisposeScope = _manager.Register(this);
        }

        ~Tensor() => Dispose(false);

        internal DisposeScope? OwningDisposeScope { get; set; }

        /// <summary>Tensors alive in the process.</summary>
        public static long TotalCount => Interlocked.Read(ref s_total);

        /// <summary>The largest <see cref="TotalCount"/> so far.</summary>
        public static long PeakCount => s_peak;

        public bool IsInvalid => _handle == 0;

        public nint Handle => _handle != 0 ? _handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            nint handle = Interlocked.Exchange(ref _handle, 0);
            if (handle == 0)
            {
                return;
            }

            NativeMethods.gg_release(handle);
            Forget(disposing);
        }

        /// <summary>Gives the native tensor up to a new owner and leaves this object invalid.</summary>
        internal nint MoveHandle()
        {
            nint handle = Handle;
            _handle = 0;
            Forget(true);
            GC.SuppressFinalize(this);
            return handle;
        }

        private void Forget(bool disposing)
        {
            Interlocked.Decrement(ref s_total);
            if (!disposing)
            {
                return;
            }

            if (OwningDisposeScope is not null)
            {
                OwningDisposeScope.MarkAsDisposed(this);
            }
            else
            {
                _manager.StatisticsOfThread.TensorStatistics.DisposedOutsideScopeCount++;
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
            set => NativeMethods.Check(NativeMethods.gg_set_requires_grad(Handle, value ? 1 : 0));
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
                return found == 0 ? null : new Tensor(found);
            }
            set => NativeMethods.Check(NativeMethods.gg_set_grad(Handle, value is null ? 0 : value.Handle));
        }

        public void backward() => autograd.backward(this);

        public void backward(IList<Tensor>? grad_tensors, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null) =>
            autograd.backward(this, grad_tensors, retain_graph, create_graph, inputs);

        /// <summary>The memory of a contiguous CPU tensor.</summary>
        public Span<byte> bytes
        {
            get
            {
                TensorInfo info = Info;
                if (info.IsContiguous == 0)
                {
                    throw new NotSupportedException("Tensor.bytes needs a contiguous tensor; call contiguous() first.");
                }

                if ((DeviceType)info.DeviceType != DeviceType.CPU)
                {
                    throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
                }

                return new Span<byte>(info.Data, checked((int)(info.Elements * ((ScalarType)info.ScalarType).ElementSize())));
            }
            set
            {
                Span<byte> target = bytes;
                if (value.Length != target.Length)
                {
                    throw new ArgumentException("Mismatched data sizes in Tensor.bytes.", nameof(value));
                }

                value.CopyTo(target);
            }
        }

        public TensorAccessor<T> data<T>()
            where T : unmanaged => new(this);

        public T item<T>()
            where T : unmanaged
        {
            if (numel() != 1)
            {
                throw new ArgumentException("Number of elements in the tensor must be 1");
            }

            using Tensor? copy = is_cpu() ? null : cpu();
            TensorInfo info = (copy ?? this).Info;
            T value = (ScalarType)info.ScalarType switch
            {
                ScalarType.Float32 => Convert<float, T>(*(float*)info.Data),
                ScalarType.Float64 => Convert<double, T>(*(double*)info.Data),
                ScalarType.Int64 => Convert<long, T>(*(long*)info.Data),
                ScalarType.Int32 => Convert<int, T>(*(int*)info.Data),
                ScalarType.Bool => Convert<bool, T>(*(byte*)info.Data != 0),
                ScalarType.Byte => Convert<byte, T>(*(byte*)info.Data),
                var other => throw new NotSupportedException($"item<T>() of a {other} tensor."),
            };
            GC.KeepAlive(this);
            return value;
        }

        // TorchSharp reads an element only as the type that it has.
        private static TTo Convert<TFrom, TTo>(TFrom value)
            where TFrom : unmanaged
            where TTo : unmanaged =>
            typeof(TFrom) == typeof(TTo) ? *(TTo*)&value : throw new ArgumentException($"A tensor of {typeof(TFrom).Name} was read as {typeof(TTo).Name}.");

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
