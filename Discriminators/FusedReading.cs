using System.Runtime.InteropServices;
using GumbelGan.Kernels;
using TorchSharp;
using static GumbelGan.Engine.TensorMemory;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>
/// Reads batches of embedded sequences with an LSTM on the CPU, each batch one graph node, up to the hidden state at each sequence's last
/// token. It computes what the composed steps of <see cref="LstmDiscriminator"/> define; its gradient has no gradient of its own.
/// </summary>
/// <remarks>B batch, T time, E embedding, H hidden. Memory is reused once a batch's backward pass is done.</remarks>
internal sealed unsafe class FusedReading : FusedPass<FusedReading.Reading>
{
    /// <summary>The state after the last place that <paramref name="mask"/> marks.</summary>
    /// <param name="embedded">[B, T, E].</param>
    /// <param name="mask">[B, T] of float32: 1 for tokens, 0 for places that are not read.</param>
    /// <param name="weights">W_ih [4H, E], W_hh [4H, H], b_ih [4H], b_hh [4H].</param>
    /// <returns>[B, H].</returns>
    public Tensor Read(Tensor embedded, Tensor mask, Tensor[] weights) => InBlocks(embedded, mask, weights, (rows, marks) =>
    {
        int batch = (int)rows.shape[0], time = (int)rows.shape[1], width = (int)rows.shape[2], hidden = (int)weights[1].shape[1];
        Reading reading = Take(idle => idle.Fits(batch, time, width, hidden), () => new Reading(Parallel, batch, time, width, hidden));
        reading.Begin(batch, time, marks);
        (bool ofInputs, bool ofWeights) = (rows.requires_grad, weights[0].requires_grad);
        return Apply(
            reading, () => reading.Forward(rows, weights), gradient => reading.Backward(gradient, ofInputs, ofWeights), [rows, .. weights]);
    });

    /// <summary>The memory of one batch between its forward and its backward pass.</summary>
    internal sealed class Reading(RowParallel parallel, int batch, int time, int width, int hidden) : IDisposable
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
            _lstm.ClearStates();
            fixed (byte* marks = _marks)
            {
                _lstm.ForwardAll(_time, marks);
            }

            new ReadOnlySpan<float>(_lstm.Hidden(_time), _batch * hidden).CopyTo(new Span<float>(Pointer(state), _batch * hidden));
            return state;
        }

        public List<Tensor?> Backward(Tensor gradient, bool inputs, bool weights)
        {
            Tensor outer = gradient.contiguous(); // [B, H]
            Tensor? inputGradient = inputs ? empty(_time, _batch, width) : null; // [T, B, E]
            _lstm.ClearGradients();
            new ReadOnlySpan<float>(Pointer(outer), _batch * hidden).CopyTo(new Span<float>(_lstm.HiddenGradient, _batch * hidden));
            fixed (byte* marks = _marks)
            {
                _lstm.BackwardAll(_time, null, marks, inputGradient is null ? null : Pointer(inputGradient));
            }

            Tensor? batchFirst = inputGradient?.transpose(0, 1); // [B, T, E]
            if (!weights)
            {
                return [batchFirst, null, null, null, null];
            }

            Tensor inputWeight = empty(4 * hidden, width), hiddenWeight = empty(4 * hidden, hidden), bias = empty(4 * hidden);
            _lstm.WeightGradients(_time, Pointer(inputWeight), Pointer(hiddenWeight), Pointer(bias));
            return [batchFirst, inputWeight, hiddenWeight, bias, bias.clone()];
        }

        public void Dispose() => _lstm.Dispose();
    }
}
