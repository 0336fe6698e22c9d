using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>How the moments of an estimator were found.</summary>
public enum MomentSource
{
    /// <summary>By a sum over all sequences: the estimator is a function of the sequence alone.</summary>
    Exact,

    /// <summary>By a sum over all sequences, with noise drawn given each of them.</summary>
    Conditioned,

    /// <summary>From samples.</summary>
    Sampled,
}

/// <summary>
/// Mean and variance of the gradient that a relaxation gives: that of the reward of one relaxed sequence, with respect to every parameter.
/// </summary>
/// <remarks>B sequences, P parameters.</remarks>
public static class RelaxationMoments
{
    private const int SampledGroups = 16;

    /// <summary>How a relaxation's moments are found.</summary>
    public static MomentSource SourceOf(Relaxation relaxation) =>
        !relaxation.IsHard ? MomentSource.Sampled : relaxation.DependsOnNoise ? MomentSource.Conditioned : MomentSource.Exact;

    /// <summary>The moments, in a group for each draw of noise, or in 16 groups of samples.</summary>
    /// <param name="game">Generator and discriminator.</param>
    /// <param name="relaxation">The relaxation.</param>
    /// <param name="temperature">Positive.</param>
    /// <param name="feedback">What the generator reads back.</param>
    /// <param name="draws">How often noise is drawn for each sequence, where the source is <see cref="MomentSource.Conditioned"/>.</param>
    /// <param name="samples">How many samples are drawn, where it is <see cref="MomentSource.Sampled"/>.</param>
    /// <param name="key">Keys the noise.</param>
    /// <param name="source">How they are found; null takes <see cref="SourceOf"/>. Every relaxation can be sampled.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    public static GradientMoments Of(
        ExactGame game, Relaxation relaxation, double temperature, Feedback feedback, int draws, int samples, RandomKey key,
        MomentSource? source = null, CancellationToken cancellation = default)
    {
        MomentSource how = source ?? SourceOf(relaxation);
        int groups = how switch { MomentSource.Exact => 1, MomentSource.Conditioned => draws, _ => SampledGroups };
        var moments = new GradientMoments(groups, game.Gradient.shape[0]);
        for (int group = 0; group < groups; group++)
        {
            var sampler = new RelaxedSampler(relaxation, temperature, feedback, key.Derive((ulong)group));
            if (how == MomentSource.Sampled)
            {
                AddSampled(game, moments, group, sampler, (samples + groups - 1) / groups, cancellation);
            }
            else
            {
                AddEnumerated(game, moments, group, sampler, cancellation);
            }
        }

        return moments;
    }

    /// <summary>The gradients of some sequences, one row each.</summary>
    /// <returns>[B, P] of float64.</returns>
    internal static Tensor Gradients(ExactGame game, RelaxedSampler sampler, long batch)
    {
        var generator = new PerSequenceGenerator(game.Generator, batch);
        RelaxedSequences relaxed = generator.Relax(sampler);
        return generator.Gradients(game.Reward.Of(game.Discriminator.Score(relaxed.OneHots, relaxed.Mask)));
    }

    private static void AddEnumerated(ExactGame game, GradientMoments moments, int group, RelaxedSampler sampler, CancellationToken cancellation)
    {
        SequenceFormat format = game.Generator.Format;
        foreach ((int start, Tensor ids) in game.Strings.Pieces(PerSequenceGenerator.RowsFor(game.Generator)))
        {
            cancellation.ThrowIfCancellationRequested();
            // Samples after the end become padding in any case. Noise conditioned on a padding token would be infinite: its probability is 0.
            Tensor possible = format.PaddingId is { } padding ? ids.masked_fill(ids.eq(padding), format.EndId!.Value) : ids; // [B, T]
            Tensor gradients = Gradients(game, sampler with { Noise = sampler.Noise.Derive((ulong)start), Ids = possible }, ids.shape[0]); // [B, P]
            moments.Add(group, gradients, game.Probabilities.narrow(0, start, ids.shape[0]));
        }
    }

    private static void AddSampled(ExactGame game, GradientMoments moments, int group, RelaxedSampler sampler, int samples,
        CancellationToken cancellation)
    {
        int rows = PerSequenceGenerator.RowsFor(game.Generator);
        for (int done = 0; done < samples; done += rows)
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            moments.Add(group, Gradients(game, sampler with { Noise = sampler.Noise.Derive((ulong)done) }, Math.Min(rows, samples - done)));
        }
    }
}
