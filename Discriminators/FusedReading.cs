using System.Runtime.InteropServices;
using GumbelGan.Engine;
using GumbelGan.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static GumbelGan.Engine.TensorMemory;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>
/// Reads batches of embedded sequences with an LSTM on the CPU, each batch one graph node, up to the hidden state at each sequence's last
/// token. It computes what the composed steps of <see cref="LstmDiscriminator"/> define; its gradient has no gradient of its own.
/// </summary>
/// <remarks>B batch, T time, E embedding, H hidden. Memory is reused once a batch's backward pass is done.</remarks>
internal sealed unsafe class FusedReading : IDisposable
{
    private readonly RowParallel _parallel = RowParallel.Shared(get_num_threads());
    private readonly Stack<Reading> _idle = [];

    /// <summary>The state after the last place that <paramref name="mask"/> marks.</summary>
    /// <param name="embedded">[B, T, E].</param>
    /// <param name="mask">[B, T] of float32: 1 for tokens, 0 for places that are not read.</param>
    /// <param name="weights">W_ih [4H, E], W_hh [4H, H], b_ih [4H], b_hh [4H].</param>
    /// <returns>[B, H].</returns>
    public Tensor Read(Tensor embedded, Tensor mask, Parameter[] weights)
    {
        int batch = (int)embedded.shape[0], time = (int)embedded.shape[1], width = (int)embedded.shape[2], hidden = (int)weights[1].shape[1];
        bool learns = is_grad_enabled() && (embedded.requires_grad || weights[0].requires_grad);
        if (!learns && batch > RowBlocks.Rows)
        {
            return RowBlocks.Concatenate(embedded, mask, (rows, marks) => Read(rows, marks, weights));
        }

        Reading reading = _idle.TryPop(out Reading? used)
            && used.Fits(batch, time, width, hidden) ? used : new Reading(_parallel, batch, time, width, hidden);
        if (used is not null && used != reading)
        {
            used.Dispose();
        }

        reading.Begin(batch, time, mask);
        if (learns)
        {
            return Node.apply([this, reading, embedded, .. weights]);
        }

        Tensor state = reading.Forward(embedded, weights);
        _idle.Push(reading);
        return state;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_idle.TryPop(out Reading? reading))
        {
            reading.Dispose();
        }
    }

    /// <summary>The memory of one batch between its forward and its backward pass.</summary>
    private sealed class Reading(RowParallel parallel, int batch, int time, int width, int hidden) : IDisposable
    {
        private readonly LstmSequence _lstm = new(parallel, batch, time, width, hidden);
        private readonly byte[] _marks = GC.AllocateArray<byte>(batch * time, pinned: true);
        private int _batch, _time;

        public bool Fits(int otherBatch, int otherTime, int otherWidth, int otherHidden) =>
            otherBatch <= batch && otherTime <= time && otherWidth == width && otherHidden == hidden;

        public void Begin(int newBatch, int newTime, Tensor mask)
        {
            using DisposeScope scope = NewDisposeScope();
            (_batch, _time, _lstm.Batch) = (newBatch, newTime, newBatch);
            ReadOnlySpan<float> marks = MemoryMarshal.Cast<byte, float>(mask.detach().contiguous().bytes);
            for (int place = 0; place < _batch * _time; place++)
            {
                _marks[place] = marks[place % _batch * _time + place / _batch] > 0.5f ? (byte)1 : (byte)0;
            }
        }

        public Tensor Forward(Tensor embedded, Tensor[] weights)
        {
            Tensor state = empty(_batch, hidden);
            using DisposeScope scope = NewDisposeScope();
            using IDisposable off = no_grad();
            _lstm.Pack(Pointer(weights[0]), Pointer(weights[1]), Pointer(weights[2]), Pointer(weights[3]));
            Tensor timeFirst = embedded.detach().transpose(0, 1).contiguous(); // [T, B, E]
            new ReadOnlySpan<float>(Pointer(timeFirst), _time * _batch * width).CopyTo(new Span<float>(_lstm.Input(0), _time * _batch * width));
            _lstm.Begin();
            fixed (byte* marks = _marks)
            {
                _lstm.ForwardAll(_time, marks);
            }

            new ReadOnlySpan<float>(_lstm.Hidden(_time), _batch * hidden).CopyTo(new Span<float>(Pointer(state), _batch * hidden));
            return state;
        }

        public List<Tensor> Backward(Tensor gradient, bool inputs, bool weights)
        {
            Tensor outer = gradient.contiguous(); // [B, H]
            Tensor? inputGradient = inputs ? empty(_time, _batch, width) : null; // [T, B, E]
            _lstm.BeginBackward();
            new ReadOnlySpan<float>(Pointer(outer), _batch * hidden).CopyTo(new Span<float>(_lstm.HiddenGradient, _batch * hidden));
            fixed (byte* marks = _marks)
            {
                _lstm.BackwardAll(_time, null, marks, inputGradient is null ? null : Pointer(inputGradient));
            }

            var gradients = new List<Tensor> { null!, null!, inputGradient?.transpose(0, 1)! }; // [B, T, E]
            if (!weights)
            {
                return [.. gradients, null!, null!, null!, null!];
            }

            Tensor inputWeight = empty(4 * hidden, width), hiddenWeight = empty(4 * hidden, hidden), bias = empty(4 * hidden);
            _lstm.WeightGradients(_time, Pointer(inputWeight), Pointer(hiddenWeight), Pointer(bias));
            return [.. gradients, inputWeight, hiddenWeight, bias, bias.clone()];
        }

        public void Dispose() => _lstm.Dispose();
    }

    /// <summary>The graph node: arguments are the owner, the memory, the input and the four weights.</summary>
    private sealed class Node : FusedNode<Node>
    {
        private const string OwnerKey = "owner", ReadingKey = "reading", InputsKey = "inputs", WeightsKey = "weights";

        protected override Tensor Forward(autograd.AutogradContext context, object[] arguments)
        {
            context.save_data(OwnerKey, arguments[0]);
            context.save_data(ReadingKey, arguments[1]);
            context.save_data(InputsKey, ((Tensor)arguments[2]).requires_grad);
            context.save_data(WeightsKey, ((Tensor)arguments[3]).requires_grad);
            return ((Reading)arguments[1])
                .Forward((Tensor)arguments[2], [(Tensor)arguments[3], (Tensor)arguments[4], (Tensor)arguments[5], (Tensor)arguments[6]]);
        }

        protected override List<Tensor> Backward(autograd.AutogradContext context, Tensor gradient)
        {
            var reading = (Reading)context.get_data(ReadingKey);
            List<Tensor> gradients = reading.Backward(gradient, (bool)context.get_data(InputsKey), (bool)context.get_data(WeightsKey));
            ((FusedReading)context.get_data(OwnerKey))._idle.Push(reading);
            return gradients;
        }
    }
}
