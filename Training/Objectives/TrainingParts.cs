using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Tokenization;
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
/// <param name="Adversarial">What everything that follows learns from.</param>
public sealed record TrainingParts(RunConfig Config, IGenerator Generator, Discriminator Discriminator, RealSequences Pretraining,
    RealSequences Adversarial)
{
    /// <summary>The parts of a run on <paramref name="corpus"/>.</summary>
    public static TrainingParts Of(RunConfig config, EncodedCorpus corpus, IGenerator generator, Discriminator discriminator)
    {
        var root = new RandomKey((ulong)config.Seed);
        return new TrainingParts(
            config, generator, discriminator,
            Batches(config.Pretraining.BatchSize, 1, "pretraining order"),
            // A discriminator that nothing reads may be wider than the longest sequence.
            Batches(config.Adversarial.BatchSize, Math.Min(discriminator.MinimumTime, generator.Format.Length), "adversarial order"));

        RealSequences Batches(int size, int minimumTime, string order)
        {
            var source = new BatchSource(corpus.Train, size, corpus.Tokenizer.PaddingId, minimumTime, root.Derive(order));
            return new RealSequences(number => source.Batch(number).to(generator.Device), source.BatchesPerEpoch);
        }
    }
}
