using GumbelGan.Kernels;
using GumbelGan.Randomness;
using TorchSharp;
using static GumbelGan.Engine.TensorMemory;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// Hard samples of a one-layer <see cref="LstmGenerator"/> on the CPU, whole ones or the rest of given ones: one uniform number a token, the same in
/// any batch and on any number of threads. The composed ways draw from the same distribution, but other sequences.
/// </summary>
/// <remarks>B batch, T time, H hidden. The weights are read anew at every call; one call at a time.</remarks>
internal sealed unsafe class FusedSampling(LstmGenerator generator) : IDisposable
{
    private readonly LstmSampler _sampler = new(generator.Format.Vocabulary, generator.Options.Embedding, generator.Options.Hidden);

    /// <inheritdoc cref="IGenerator.Sample"/>
    public Tensor Sample(int batch, SamplingRule rule, RandomKey noise, IReadOnlyList<int> prefix)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor bias = generator.EffectiveBias(), ids = empty([batch, generator.Format.Length], ScalarType.Int64);
        RowParallel parallel = Pack(bias);
        bool isNoisy = generator.Options.NoisyInitialState;
        using NativeBuffer? initial = isNoisy ? new NativeBuffer((nint)batch * generator.Options.Hidden) : null;
        if (initial is not null)
        {
            generator.FillInitialCell(noise, new Span<float>(initial.Pointer, batch * generator.Options.Hidden));
        }

        SamplingRequest request = Request(batch, rule, noise) with { InitialCell = initial is null ? null : initial.Pointer };
        if (prefix.Count == 0)
        {
            _sampler.Sample(parallel, request, (long*)Pointer(ids));
            return ids.MoveToOuterDisposeScope();
        }

        // The prefix is read once, and by each sequence for itself only where each begins in a state of its own.
        long[] given = [.. prefix];
        int readers = isNoisy ? batch : 1;
        using LstmSequence read = Read(parallel, [.. Enumerable.Repeat(given, readers).SelectMany(ids => ids)], readers, given.Length, initial);
        for (int row = 0; row < batch; row++)
        {
            given.CopyTo(new Span<long>((long*)Pointer(ids) + ((nint)row * request.Length), given.Length));
        }

        int[] states = [.. Enumerable.Range(0, batch).Select(row => isNoisy ? row : 0)];
        int[] starts = [.. Enumerable.Repeat(given.Length, batch)], last = [.. Enumerable.Repeat((int)given[^1], batch)];
        fixed (int* state = states, start = starts, token = last)
        {
            _sampler.Sample(parallel, request with
            {
                InitialHidden = read.Hidden(given.Length),
                InitialCell = read.Cell(given.Length),
                States = state,
                Starts = start,
                FirstTokens = token,
            }, (long*)Pointer(ids));
        }

        return ids.MoveToOuterDisposeScope();
    }

    /// <inheritdoc cref="IGenerator.Complete"/>
    public (Tensor Ids, int[] Origins) Complete(Tensor ids, int copies, RandomKey noise)
    {
        int batch = (int)ids.shape[0], time = (int)ids.shape[1];
        long[] given = ids.data<long>().ToArray();
        int[] origins = [.. from t in Enumerable.Range(0, time - 1) from b in Enumerable.Range(0, batch)
            where generator.GoesOn(given[b * time + t]) from copy in Enumerable.Range(0, copies) select b * time + t];
        Tensor completed = empty([origins.Length, time], ScalarType.Int64);
        if (origins.Length == 0)
        {
            return (completed, origins);
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor bias = generator.EffectiveBias();
        RowParallel parallel = Pack(bias);
        using LstmSequence prefixes = Read(parallel, given, batch, time);
        long* rows = (long*)Pointer(completed);
        for (int row = 0; row < origins.Length; row++)
        {
            int b = origins[row] / time, length = origins[row] % time + 1;
            given.AsSpan(b * time, length).CopyTo(new Span<long>(rows + (nint)row * time, length));
        }

        // The states lie time first; the one after token t is the one before step t + 1.
        int[] states = [.. origins.Select(origin => (origin % time + 1) * batch + origin / time)],
            starts = [.. origins.Select(origin => origin % time + 1)];
        int[] last = [.. origins.Select(origin => (int)given[origin])];
        fixed (int* state = states, start = starts, token = last)
        {
            SamplingRequest request = Request(origins.Length, new SamplingRule(), noise.Apart) with
            {
                Length = time,
                InitialHidden = prefixes.Hidden(0),
                InitialCell = prefixes.Cell(0),
                States = state,
                Starts = start,
                FirstTokens = token,
            };
            _sampler.Sample(parallel, request, rows);
        }

        return (completed, origins);
    }

    /// <inheritdoc/>
    public void Dispose() => _sampler.Dispose();

    /// <summary>Reads the begin id and the tokens of each sequence but the last.</summary>
    private LstmSequence Read(RowParallel parallel, long[] given, int batch, int time, NativeBuffer? initialCell = null)
    {
        int width = generator.Options.Embedding;
        var lstm = new LstmSequence(parallel, batch, time, width, generator.Options.Hidden);
        LstmGenerator.CellParameters cell = generator.CellWeights;
        lstm.Pack(Pointer(cell.Input), Pointer(cell.Hidden), Pointer(cell.InputBias), Pointer(cell.HiddenBias));
        float* table = Pointer(generator.EmbeddingWeight);
        for (int place = 0; place < batch * time; place++)
        {
            int t = place / batch, b = place % batch;
            nint token = t == 0 ? generator.Format.BeginId : (nint)given[b * time + t - 1];
            new ReadOnlySpan<float>(table + token * width, width).CopyTo(new Span<float>(lstm.Input(t) + (nint)b * width, width));
        }

        lstm.ClearStates();
        if (initialCell is not null)
        {
            int size = batch * generator.Options.Hidden;
            new ReadOnlySpan<float>(initialCell.Pointer, size).CopyTo(new Span<float>(lstm.Cell(0), size));
        }

        lstm.ForwardAll(time);
        return lstm;
    }

    private RowParallel Pack(Tensor bias)
    {
        RowParallel parallel = RowParallel.Shared(get_num_threads());
        LstmGenerator.CellParameters cell = generator.CellWeights;
        _sampler.Pack(
            parallel, Pointer(generator.EmbeddingWeight), Pointer(cell.Input), Pointer(cell.Hidden), Pointer(cell.InputBias),
                Pointer(cell.HiddenBias), Pointer(generator.OutputWeight), Pointer(bias));
        return parallel;
    }

    private SamplingRequest Request(int batch, SamplingRule rule, RandomKey noise) => new()
    {
        Batch = batch,
        Length = generator.Format.Length,
        BeginToken = generator.Format.BeginId,
        EndToken = generator.Format.EndId ?? -1,
        PaddingToken = generator.Format.PaddingId ?? 0,
        Temperature = rule.Temperature,
        TopK = rule.TopK,
        TopP = rule.TopP,
        Key = noise,
    };
}
