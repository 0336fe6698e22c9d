using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Losses;
using TorchSharp;

namespace GumbelGan.Training.Benchmarking;

/// <summary>What is timed, and at which sizes. The defaults are case A of docs/benchmarks.md.</summary>
public sealed record BenchmarkOptions
{
    /// <summary>Sequences a step, and times that it is repeated, unless told.</summary>
    public const int UsualBatch = 64, UsualRepeats = 20;

    /// <summary>The same where sampling: a repeat takes seconds, not milliseconds, and draws as large batches as evaluation does.</summary>
    public const int SamplingBatch = 256, SamplingRepeats = 3;

    private const int UsualWidth = 32;

    private readonly int? _batch, _repeats, _embedding, _hidden;

    /// <summary>A step of an objective, sampling, or adding up over ranks.</summary>
    public BenchmarkSubject Subject { get; init; } = BenchmarkSubject.Default;

    /// <summary>V.</summary>
    public int Vocabulary { get; init; } = 5000;

    /// <summary>B: sequences a step, or a draw where sampling.</summary>
    public int Batch { get => _batch ?? (Subject == BenchmarkSubject.Sampling ? SamplingBatch : UsualBatch); init => _batch = value; }

    /// <summary>T: every sequence has exactly so many tokens.</summary>
    public int Length { get; init; } = 20;

    /// <summary>E, of both networks.</summary>
    public int Embedding { get => _embedding ?? UsualWidth; init => _embedding = value; }

    /// <summary>H, of both networks.</summary>
    public int Hidden { get => _hidden ?? UsualWidth; init => _hidden = value; }

    /// <summary>The generator.</summary>
    public GeneratorKind Generator { get; init; } = GeneratorKind.Default;

    /// <summary>Whether the generator is timed at its published sizes.</summary>
    public bool GeneratorHasItsOwnSizes => Generator.HasPublishedSizes && IsUnsized;

    /// <summary>Whether the discriminator is.</summary>
    public bool DiscriminatorHasItsOwnSizes => Discriminator.HasPublishedSizes && IsUnsized;

    /// <summary>The generator's sizes: those asked for, or published ones where it has such and nothing is asked.</summary>
    public GeneratorOptions GeneratorOptions =>
        GeneratorHasItsOwnSizes ? Generator.NewOptions() : Generator.NewOptions().Sized(Embedding, Hidden);

    /// <summary>The discriminator's, likewise.</summary>
    public DiscriminatorOptions DiscriminatorOptions =>
        DiscriminatorHasItsOwnSizes ? Discriminator.NewOptions() : Discriminator.NewOptions().Sized(Embedding, Hidden);

    /// <summary>Discriminator updates of a step.</summary>
    public int DiscriminatorSteps { get; init; } = 1;

    /// <summary>Configuration keys that differ from what the other options come to.</summary>
    public IReadOnlyList<ConfigurationAssignment> Settings { get; init; } = [];

    /// <summary>Who judges, with the options that its kind has where nothing is said.</summary>
    public DiscriminatorKind Discriminator { get; init; } = DiscriminatorKind.All[0];

    /// <summary>What a relaxed sample looks like.</summary>
    public Relaxation Relaxation { get; init; } = Relaxation.Default;

    /// <summary>Threads; 0 means one a core.</summary>
    public int Threads { get; init; }

    /// <summary>How often the subject is timed, after the warm-up.</summary>
    public int Repeats { get => _repeats ?? (Subject == BenchmarkSubject.Sampling ? SamplingRepeats : UsualRepeats); init => _repeats = value; }

    /// <summary>Sequences that one repeat of <see cref="BenchmarkSubject.Sampling"/> draws.</summary>
    public int Count { get; init; } = 10000;

    /// <summary>Completions of every prefix, where rewards come from roll-outs.</summary>
    public int RollOuts { get; init; } = 16;

    /// <summary>Time the plain tensor operations that define the fused passes, in their place.</summary>
    public bool IsComposed { get; init; }

    /// <summary>Play the first game of the catalogue that needs a gradient penalty, instead of the first that needs none.</summary>
    public bool HasGradientPenalty { get; init; }

    /// <summary>The game that is played.</summary>
    public GameLoss Loss => GameLoss.All.First(loss => loss.NeedsGradientPenalty == HasGradientPenalty);

    /// <summary>cpu or cuda.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Refuses what cannot be built.</summary>
    /// <exception cref="UserMistakeException">
    /// A size is not positive, the filters are wider than a sequence is long, or there is no such device.
    /// </exception>
    /// <param name="ranks">Processes that share each batch.</param>
    public void Check(int ranks = 1)
    {
        foreach ((string name, int value) in new[] { ("vocabulary", Vocabulary), ("batch", Batch), ("length", Length), ("embedding", Embedding),
            ("hidden", Hidden), ("repeats", Repeats), ("count", Count), ("rollouts", RollOuts),
            ("discriminator-steps", DiscriminatorSteps) })
        {
            if (value < 1)
            {
                throw new UserMistakeException($"--{name} is {value}; give a positive number.");
            }
        }

        if (Threads is < 0 or > 1024)
        {
            throw new UserMistakeException($"--threads is {Threads}; give 0 for one thread a core, or a number up to 1024.");
        }

        if (Batch % ranks != 0)
        {
            throw new UserMistakeException($"--batch is {Batch}, which {ranks} ranks cannot share equally; give a multiple of {ranks}.");
        }

        if (ranks > 1 && (IsComposed || Subject == BenchmarkSubject.Sampling))
        {
            throw new UserMistakeException(
                "Several ranks are timed as they train: leave --composed away, and sample to one process.");
        }

        if (Device == "cuda" && !torch.cuda.is_available())
        {
            throw new UserMistakeException("The device is cuda, but libtorch finds no CUDA device; use --device cpu, or see docs/gpu.md.");
        }

        if (Subject.Objective is { HasDiscriminator: true } && DiscriminatorOptions.ProblemWith(Length) is not null)
        {
            throw new UserMistakeException($"--length is {Length}, shorter than what a {Discriminator} discriminator reads at once; give a greater "
                + "length or another --discriminator.");
        }
    }

    private bool IsUnsized => _embedding is null && _hidden is null;
}
