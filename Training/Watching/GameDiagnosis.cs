using GumbelGan.Discriminators;
using GumbelGan.Evaluation;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Watching;

/// <summary>
/// What a discriminator has learned to tell apart: the probability that it scores a random sequence of one kind above one of another (the area under
/// the ROC curve; .5 is chance). Where it is high for relaxed samples and low for hard ones, the discriminator has learned softness, which is not in
/// the text that the generator writes.
/// </summary>
/// <param name="Soft">Real sequences above the relaxed samples that the generator learns from; null in games without relaxed samples.</param>
/// <param name="Argmax">The hard sequences that those samples show, above the samples themselves; null likewise.</param>
/// <param name="Hard">Real sequences above the generator's own hard samples.</param>
public sealed record GameDiagnosis(double? Soft, double? Argmax, double Hard)
{
    private const int MostSequences = 512, BatchSize = 64;

    /// <summary>What was measured, under TensorBoard tags.</summary>
    public IReadOnlyList<(string Tag, double Value)> Scalars =>
        Soft is { } soft && Argmax is { } argmax ? [("auc/soft", soft), ("auc/argmax", argmax), ("auc/hard", Hard)] : [("auc/hard", Hard)];

    /// <summary>
    /// Measures, with up to 512 sequences of each kind. Nothing but the key decides what is drawn, and nothing else in a run changes.
    /// </summary>
    /// <param name="generator">Draws.</param>
    /// <param name="discriminator">Scores, without dropout.</param>
    /// <param name="real">Real sequences that the discriminator has not learned from.</param>
    /// <param name="relaxation">Of the relaxed samples; null for none.</param>
    /// <param name="temperature">Of the relaxation.</param>
    /// <param name="key">Keys the draws.</param>
    public static GameDiagnosis Measure(IGenerator generator, Discriminator discriminator, SequenceSet real, Relaxation? relaxation,
        double temperature, RandomKey key)
    {
        using IDisposable off = no_grad();
        int[] chosen = new RandomStream(key.Derive("real")).Choose(Math.Min(MostSequences, real.Count), real.Count);
        int count = chosen.Length, batch = Math.Min(BatchSize, count), batches = (count + batch - 1) / batch;
        var reals = new List<float>(count);
        List<float> softs = [], shown = [], hards = [];
        using IRollout? rollout = relaxation is null
            ? null : generator.RollOut(batch, discriminator.Options.Embedding, discriminator.MinimumTime, relaxation);
        for (int i = 0; i < batches; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            int[] rows = chosen[(i * batch)..Math.Min(count, (i + 1) * batch)];
            int time = Math.Max(discriminator.MinimumTime, rows.Max(real.LengthOf));
            Tensor ids = SequenceBatch.ToTensor(real, rows, generator.Format.PaddingId ?? 0, time).to(generator.Device); // [B, T]
            reals.AddRange(Numbers(discriminator.Score(ids)));
            hards.AddRange(Numbers(discriminator.Score(generator.Sample(batch, 1, key.Derive("hard").Derive((ulong)i)))));
            if (rollout is not null)
            {
                RolledOutSequences sequences = rollout.Generate(discriminator.EmbeddingTable, temperature, key.Derive("soft").Derive((ulong)i));
                (Tensor embedded, Tensor mask) = rollout.Embedded(discriminator.EmbeddingTable, throughGenerator: false); // [B, T', F], [B, T']
                softs.AddRange(Numbers(discriminator.ScoreEmbedded(embedded, mask)));
                shown.AddRange(Numbers(discriminator.Score(sequences.Ids)));
            }
        }

        double hard = AreaUnderCurve(reals, hards);
        return rollout is null
            ? new GameDiagnosis(null, null, hard) : new GameDiagnosis(AreaUnderCurve(reals, softs), AreaUnderCurve(shown, softs), hard);
    }

    /// <summary>The share of pairs whose first score is the higher one, ties counting half (Mann and Whitney 1947).</summary>
    /// <param name="above">Scores that should be high; at least one.</param>
    /// <param name="below">Scores that should be low; at least one.</param>
    /// <returns>From 0 to 1, chance being .5.</returns>
    public static double AreaUnderCurve(IReadOnlyList<float> above, IReadOnlyList<float> below)
    {
        float[] low = [.. below.Order()];
        double wins = 0;
        foreach (float score in above)
        {
            wins += (First(low, score, orEqual: false) + First(low, score, orEqual: true)) / 2.0;
        }

        return wins / ((double)above.Count * below.Count);
    }

    // How many of the sorted numbers are below, or not above, a score.
    private static int First(float[] sorted, float score, bool orEqual)
    {
        int start = 0, end = sorted.Length;
        while (start < end)
        {
            int middle = (start + end) / 2;
            if (sorted[middle] < score || (orEqual && sorted[middle] == score))
            {
                start = middle + 1;
            }
            else
            {
                end = middle;
            }
        }

        return start;
    }

    private static float[] Numbers(Tensor scores) => scores.cpu().data<float>().ToArray();
}
