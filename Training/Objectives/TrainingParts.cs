using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Tokenization;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>Real sequences in batches.</summary>
/// <param name="Batch">[B, T] of int64 by number, from 0.</param>
/// <param name="BatchesPerEpoch">How many make one pass over the set.</param>
public sealed record RealSequences(Func<long, Tensor> Batch, long BatchesPerEpoch);

/// <summary>What an objective is made of.</summary>
/// <param name="Config">The run.</param>
/// <param name="Generator">Learns.</param>
/// <param name="Discriminator">Judges.</param>
/// <param name="Pretraining">What likelihood before everything else learns from.</param>
/// <param name="Adversarial">What everything that follows learns from, but for the discriminator.</param>
public sealed record TrainingParts(RunConfig Config, IGenerator Generator, Discriminator Discriminator, RealSequences Pretraining,
    RealSequences Adversarial)
{
    private readonly RealSequences? _judged;

    /// <summary>What the discriminator learns from: <see cref="Adversarial"/>, unless its batches have another size.</summary>
    public RealSequences Judged
    {
        get => _judged ?? Adversarial;
        init => _judged = value;
    }

    /// <summary>Who trains together: batches are this rank's slices of those that the configuration speaks of.</summary>
    public ICollective Ranks { get; init; } = SingleProcess.Instance;

    /// <summary>The parts of a run on <paramref name="corpus"/>.</summary>
    public static TrainingParts Of(RunConfig config, EncodedCorpus corpus, IGenerator generator, Discriminator discriminator,
        ICollective? ranks = null)
    {
        var root = new RandomKey((ulong)config.Seed);
        AdversarialOptions options = config.Adversarial;
        // Maximum likelihood never asks the discriminator, whose filters may then be wider than the longest sequence.
        int minimumTime = Math.Min(discriminator.MinimumTime, generator.Format.Length);
        var parts = new TrainingParts(config, generator, discriminator, Batches(config.Pretraining.BatchSize, 1, "pretraining order"),
            Batches(options.BatchSize, minimumTime, "adversarial order"))
        {
            Ranks = ranks ?? SingleProcess.Instance,
        };
        return options.BatchOfDiscriminator == options.BatchSize
            ? parts : parts with { Judged = Batches(options.BatchOfDiscriminator, minimumTime, "adversarial order") };

        RealSequences Batches(int size, int leastTime, string order)
        {
            var source = new BatchSource(corpus.Train, size, corpus.Tokenizer.PaddingId, leastTime, root.Derive(order), ranks);
            return new RealSequences(number => source.Batch(number).to(generator.Device), source.BatchesPerEpoch);
        }
    }
}
