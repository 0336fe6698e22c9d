using System.Runtime.InteropServices;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <content>Hard samples, whole ones and from the middle of given sequences.</content>
public abstract partial class RecurrentGenerator
{
    /// <inheritdoc/>
    public Tensor Sample(int batch, SamplingRule rule, RandomKey noise, IReadOnlyList<int>? prefix = null)
    {
        rule.Validate();
        prefix ??= [];
        if (prefix.Count >= Format.Length || prefix.Any(id => id < 0 || id >= Format.Vocabulary || id == Format.EndId
            || Format.NeverGenerated.Contains(id)))
        {
            throw new ArgumentException($"No sequence of {Format.Length} tokens begins with {string.Join(' ', prefix)}.", nameof(prefix));
        }

        using IDisposable off = no_grad();
        return SampleChecked(batch, rule, noise, prefix);
    }

    /// <summary>Draws what <see cref="Sample"/> has checked; a kind with a faster way than <see cref="SampleComposed"/> says so here.</summary>
    protected virtual Tensor SampleChecked(int batch, SamplingRule rule, RandomKey noise, IReadOnlyList<int> prefix) =>
        SampleComposed(batch, rule, noise, prefix);

    /// <inheritdoc/>
    public virtual (Tensor Ids, int[] Origins) Complete(Tensor ids, int copies, RandomKey noise) => CompleteComposed(ids, copies, noise);

    /// <summary>
    /// What <see cref="Sample"/> means, step by step on any device, by the largest of the logits plus Gumbel noise: the reference, and the way for
    /// several layers.
    /// </summary>
    /// <param name="batch">B.</param>
    /// <param name="rule">As in <see cref="Sample"/>.</param>
    /// <param name="noise">Keys the draws.</param>
    /// <param name="prefix">As in <see cref="Sample"/>.</param>
    /// <returns>[B, T] of int64.</returns>
    public Tensor SampleComposed(int batch, SamplingRule rule, RandomKey noise, IReadOnlyList<int>? prefix = null)
    {
        using IDisposable off = no_grad();
        Tensor[] state = InitialState(batch, noise);
        Tensor bias = EffectiveBias(), hidden;
        Tensor input = full([batch], Format.BeginId, ScalarType.Int64, Device); // [B]
        Tensor alive = ones([batch], ScalarType.Bool, Device); // [B]
        var ids = new Tensor[Format.Length];
        for (int t = 0; t < Format.Length; t++)
        {
            (hidden, state) = Step(_embedding.call(input), state); // [B, H]
            if (t < prefix?.Count)
            {
                ids[t] = input = full([batch], prefix[t], ScalarType.Int64, Device); // [B]
                continue;
            }

            Tensor logits = nn.functional.linear(hidden, OutputWeight, bias); // [B, V]
            Tensor gumbel = GumbelSoftmax.Noise(noise.Derive((ulong)t), batch, Format.Vocabulary, Device);
            input = (rule.Apply(logits) + gumbel).argmax(-1); // [B]
            if (Format.EndId is { } end)
            {
                input = input.masked_fill(alive.logical_not(), Format.PaddingId!.Value);
                alive = alive.logical_and(input.ne(end));
            }

            ids[t] = input;
        }

        return stack(ids, 1); // [B, T]
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
        Tensor bias = EffectiveBias(), hidden;
        Tensor[] state = ZeroState(batch);
        float[] scratch = new float[Format.Vocabulary];
        for (int t = 0; t < time; t++)
        {
            long[] inputs = [.. Enumerable.Range(0, batch).Select(b => t == 0 ? Format.BeginId : given[b * time + t - 1]),
                .. live.Select(row => rows[row][t - 1])];
            (hidden, state) = Step(_embedding.call(tensor(inputs).to(Device)), state); // [B + live, H]
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
            Tensor logits = nn.functional.linear(hidden.index_select(0, tensor(kept).to(Device)), OutputWeight, bias).cpu().contiguous();
            ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(logits.bytes);
            var going = new List<int>();
            var states = new List<long>(Enumerable.Range(0, batch).Select(b => (long)b));
            for (int i = 0; i < live.Count; i++)
            {
                int token = SamplingKernel.SampleByInversion(values.Slice(i * Format.Vocabulary, Format.Vocabulary), scratch, 1,
                    noise.Apart.Derive((ulong)t), (ulong)i);
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

    private static Tensor[] Select(Tensor[] state, Tensor rows) => [.. state.Select(part => part.index_select(0, rows))];
}
