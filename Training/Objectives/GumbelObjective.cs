using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Configuration;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// The gradient of the discriminator's score, back through the relaxed samples: how they are rolled out is the generator's business.
/// </summary>
public sealed class GumbelObjective : AdversarialObjective
{
    private readonly AdversarialOptions _options;
    private readonly RelaxedSamples _samples;

    /// <summary>In the catalogue.</summary>
    public static ObjectiveKind Kind { get; } = new("gumbel", parts => new GumbelObjective(parts), MethodName)
    {
        Reads = [.. GameKeys, .. RelaxedSamples.Keys],
        BenchmarkName = "iteration",
        BenchmarkedStep = "one adversarial iteration",
    };

    /// <summary>A game of these parts.</summary>
    public GumbelObjective(TrainingParts parts)
        : base(parts) => (_options, _samples) = (parts.Config.Adversarial, new RelaxedSamples(parts));

    /// <inheritdoc/>
    protected internal override bool IsRelaxed => true;

    private static string MethodName(RunConfig config) => Kind.Name + RelaxedSamples.MethodSuffix(config);

    /// <inheritdoc/>
    public override GeneratedBatch Generate(int batch, double temperature, RandomKey noise)
    {
        RolledOutSequences sequences = _samples.Generate(batch, temperature, noise);
        return new GeneratedBatch(sequences.Ids, sequences.Mask);
    }

    /// <inheritdoc/>
    public override (Tensor Embedded, Tensor Mask) Detached(GeneratedBatch generated) =>
        _samples.Embedded(generated.Ids.shape[0], throughGenerator: false);

    /// <inheritdoc/>
    public override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) GeneratorLoss(GeneratedBatch generated, Tensor realScores)
    {
        (Tensor embedded, Tensor mask) = // [B, T', F], [B, T']
            _samples.Embedded(generated.Ids.shape[0], throughGenerator: true);
        return (_options.Loss.Generator(realScores, Discriminator.ScoresEmbedded(embedded, mask)), []);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _samples.Dispose();
        base.Dispose(disposing);
    }
}
