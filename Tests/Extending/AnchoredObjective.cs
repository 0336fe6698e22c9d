using GumbelGan.Generators;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Extending;

/// <summary>The Gumbel game, anchored: after the game's updates each step makes one towards the likelihood of real sequences.</summary>
public sealed class AnchoredObjective : Objective
{
    private readonly GumbelObjective _game;

    /// <summary>An objective of these parts.</summary>
    public AnchoredObjective(TrainingParts parts)
    {
        _game = new GumbelObjective(parts);
        AdversarialOptions options = parts.Config.Adversarial;
        var anchor = new LikelihoodUpdate(
            _game.Learners[0], parts.Generator, parts.Adversarial.Batch, options.BatchSize, parts.Config.Pretraining.Dropout, options.ClipNorm,
                (_, _) => options.GeneratorLearningRate);
        Phase last = _game.Phases[^1];
        Phases = [.. _game.Phases.SkipLast(1), last with { Updates = [.. last.Updates, anchor] }];
    }

    /// <summary>In the catalogue.</summary>
    public static ObjectiveKind Kind { get; } = new("anchored", parts => new AnchoredObjective(parts), _ => "anchored");

    /// <inheritdoc/>
    public override IReadOnlyList<Learner> Learners => _game.Learners;

    /// <inheritdoc/>
    public override IReadOnlyList<Phase> Phases { get; }

    /// <inheritdoc/>
    public override IGenerator? Average => _game.Average;

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> Tensors => _game.Tensors;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Numbers { get => _game.Numbers; set => _game.Numbers = value; }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _game.Dispose();
        base.Dispose(disposing);
    }
}
