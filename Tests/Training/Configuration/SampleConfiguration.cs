using System.ComponentModel.DataAnnotations;

namespace GumbelGan.Tests.Training.Configuration;

/// <summary>One key of every kind that a configuration may hold.</summary>
public sealed record SampleConfiguration : IValidatableObject
{
    /// <summary>The root of every random stream.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Text to learn, one sequence a line; see <see cref="Threads"/> for <c>speed</c>.</summary>
    public string? Corpus { get; init; }

    /// <summary>What the run is called.</summary>
    public string Title { get; init; } = "no title";

    /// <summary>Threads.</summary>
    [Range(0, 1024)]
    public int Threads { get; init; } = 2;

    /// <summary>Whether to draw histograms.</summary>
    public bool Histograms { get; init; } = true;

    /// <summary>How the temperature falls.</summary>
    public SampleSchedule Schedule { get; init; } = SampleSchedule.RelGan;

    /// <summary>The generator.</summary>
    public SampleGeneratorConfiguration Generator { get; init; } = new();

    /// <summary>The discriminator.</summary>
    public SampleDiscriminatorConfiguration Discriminator { get; init; } = new();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Generator.InitialTemperature < Generator.FinalTemperature)
        {
            yield return new ValidationResult("the temperature must fall.");
        }
    }
}

public sealed record SampleGeneratorConfiguration : IValidatableObject
{
    /// <summary>Hidden units.</summary>
    [Range(1, int.MaxValue)]
    public int HiddenSize { get; init; } = 32;

    /// <summary>Temperature at the start.</summary>
    [Range(0.0, 1000.0, MinimumIsExclusive = true)]
    public double InitialTemperature { get; init; } = 5;

    /// <summary>Temperature at the end.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double FinalTemperature { get; init; } = 1;

    /// <summary>Layers of the cell, or null for one.</summary>
    public int? Layers { get; init; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Layers > 1 && HiddenSize < 8)
        {
            yield return new ValidationResult("a deep generator needs at least 8 hidden units.", [nameof(Layers), nameof(HiddenSize)]);
        }
    }
}

public sealed record SampleDiscriminatorConfiguration
{
    /// <summary>Filter widths, in tokens.</summary>
    [Range(1, 50)]
    public IReadOnlyList<int> FilterWidths { get; init; } = [2, 3, 4, 5];

    /// <summary>Momenta of Adam.</summary>
    public IReadOnlyList<double> Betas { get; init; } = [0.5, 0.999];

    /// <summary>Names.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>L2 penalty.</summary>
    public double L2Penalty { get; init; } = 1e-5;
}

public enum SampleSchedule
{
    Constant,
    RelGan,
    InverseSquareRoot,
}
