using System.Runtime.InteropServices;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <content>Roll-outs from the middle of given sequences, for policy gradients.</content>
public sealed partial class LstmGenerator
{
    /// <summary>
    /// Completes every proper prefix of given sequences several times, from the zero state: a prefix is read once, and its completions start from
    /// copies of the state that the reading has reached.
    /// </summary>
    /// <param name="ids">[B, T] of int64, padding after the end token. A prefix holds at least one token and is not the whole sequence.</param>
    /// <param name="copies">Completions of each prefix.</param>
    /// <param name="noise">Keys the draws.</param>
    /// <returns>
    /// The R completed sequences [R, T] of int64, prefix included; and for each where its prefix ends: b * T + t after token t of row b.
    /// </returns>
    public (Tensor Ids, int[] Origins) Complete(Tensor ids, int copies, RandomKey noise)
    {
        using IDisposable off = no_grad();
        return IsFused ? Sampling.Complete(ids, copies, noise) : CompleteComposed(ids, copies, noise);
    }

    /// <summary>
    /// What <see cref="Complete"/> means, in one pass over time on any device: a completion that ends leaves the pass. The reference, and the way for
    /// several layers.
    /// </summary>
    /// <param name="ids">As in <see cref="Complete"/>.</param>
    /// <param name="copies">Completions of each prefix.</param>
    /// <param name="noise">Keys the draws.</param>
    /// <returns>As <see cref="Complete"/>, in the same order.</returns>
    public (Tensor Ids, int[] Origins) CompleteComposed(Tensor ids, int copies, RandomKey noise)
    {
        using IDisposable off = no_grad();
        int batch = (int)ids.shape[0], time = (int)ids.shape[1];
        long[] given = ids.cpu().data<long>().ToArray();
        var rows = new List<long[]>();
        var origins = new List<int>();
        var live = new List<int>(); // rows being completed, in the order of the state after the B readers
        Tensor bias = EffectiveBias();
        State state = ZeroState(batch);
        float[] scratch = new float[Format.Vocabulary];
        for (int t = 0; t < time; t++)
        {
            long[] inputs = [.. Enumerable.Range(0, batch).Select(b => t == 0 ? Format.BeginId : given[b * time + t - 1]),
                .. live.Select(row => rows[row][t - 1])];
            Tensor hidden = Step(embedding.call(tensor(inputs).to(Device)), ref state); // [B + live, H]
            long[] readers = [.. Enumerable.Range(0, batch).Where(b => t > 0 && GoesOn(given[b * time + t - 1])).Select(b => (long)b)];
            long[] kept = [.. Enumerable.Range(batch, live.Count).Select(i => (long)i), .. readers.SelectMany(b => Enumerable.Repeat(b, copies))];
            foreach (long b in readers)
            {
                for (int copy = 0; copy < copies; copy++)
                {
                    long[] row = new long[time];
                    Array.Fill(row, Format.PaddingId ?? 0);
                    given.AsSpan((int)b * time, t).CopyTo(row);
                    live.Add(rows.Count);
                    rows.Add(row);
                    origins.Add((int)b * time + t - 1);
                }
            }

            if (kept.Length == 0)
            {
                continue;
            }

            // [live, V]
            Tensor logits = nn.functional.linear(hidden.index_select(0, tensor(kept).to(Device)), output.weight!, bias).cpu().contiguous();
            ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(logits.bytes);
            var going = new List<int>();
            var states = new List<long>(Enumerable.Range(0, batch).Select(b => (long)b));
            for (int i = 0; i < live.Count; i++)
            {
                int token = SamplingKernel.SampleByInversion(values.Slice(i * Format.Vocabulary, Format.Vocabulary), scratch, 1,
                    noise.Derive((ulong)t), (ulong)i);
                rows[live[i]][t] = token;
                if (token != Format.EndId)
                {
                    going.Add(live[i]);
                    states.Add(kept[i]);
                }
            }

            live = going;
            state = Select(state, tensor([.. states]).to(Device));
        }

        Tensor completed = rows.Count == 0 ? zeros([0, time], ScalarType.Int64) : tensor(rows.SelectMany(row => row).ToArray(), [rows.Count, time]);
        return (completed.to(Device), [.. origins]);
    }

    internal bool GoesOn(long token) => token != Format.EndId && token != Format.PaddingId;

    private static State Select(State state, Tensor rows) =>
        new([.. state.Layers.Select(layer => (layer.Hidden.index_select(0, rows), layer.Cell.index_select(0, rows)))]);
}
