using System.Numerics;
using GumbelGan.Engine;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Collectives;

/// <summary>
/// Averages one network's gradients over the ranks, in one flat buffer: one call for all of them, since many small ones would each pay the network's
/// latency. On another device than the CPU they go through the host's memory.
/// </summary>
/// <param name="ranks">More than one.</param>
public sealed class GradientExchange(ICollective ranks)
{
    private float[] _buffer = [];

    /// <summary>Replaces each gradient by its mean over the ranks.</summary>
    /// <param name="gradients">Contiguous, of float32, the same shapes on each rank.</param>
    /// <param name="loss">This rank's.</param>
    /// <returns>The mean of the losses; no finite number where any rank's is none.</returns>
    public float Average(IReadOnlyList<Tensor> gradients, float loss)
    {
        int length = checked((int)gradients.Sum(gradient => gradient.numel()) + 1);
        if (_buffer.Length != length)
        {
            _buffer = GC.AllocateUninitializedArray<float>(length, pinned: true);
        }

        _buffer[^1] = loss;
        ForEach(gradients, static (own, buffer) => own.CopyTo(buffer), isRead: true);
        ranks.Sum(_buffer.AsSpan());
        float share = 1f / ranks.Size;
        ForEach(gradients, (own, buffer) => Scale(buffer, share, own), isRead: false);
        return _buffer[^1] * share;
    }

    // Written out for the vector registers: a loop over the elements took as long as adding them up over two ranks.
    private static void Scale(ReadOnlySpan<float> values, float factor, Span<float> results)
    {
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(values[i..]) * factor).CopyTo(results[i..]);
        }

        for (; i < values.Length; i++)
        {
            results[i] = values[i] * factor;
        }
    }

    private delegate void Copy(Span<float> own, Span<float> buffer);

    private void ForEach(IReadOnlyList<Tensor> gradients, Copy copy, bool isRead)
    {
        int at = 0;
        foreach (Tensor gradient in gradients)
        {
            using DisposeScope scope = NewDisposeScope();
            bool isHere = gradient.device.type == DeviceType.CPU;
            Tensor numbers = isHere ? gradient : isRead ? gradient.cpu() : empty_like(gradient, device: CPU);
            Span<float> own = TensorMemory.Numbers(numbers);
            copy(own, _buffer.AsSpan(at, own.Length));
            if (!isHere && !isRead)
            {
                gradient.copy_(numbers);
            }

            at += own.Length;
        }
    }
}
