using GumbelGan.Generators;

namespace GumbelGan.Laboratory;

/// <summary>What was measured of one estimator.</summary>
/// <param name="Estimator">Its name.</param>
/// <param name="Temperature">The temperature of the relaxation; null where there is none.</param>
/// <param name="Feedback">What the generator read back; null where samples are hard.</param>
/// <param name="Source">How the moments were found.</param>
/// <param name="Quality">Its comparison with the true gradient or the reference.</param>
/// <param name="Microseconds">The time that training takes for the gradient of one sequence, as a part of a batch.</param>
public sealed record GradientRow(string Estimator, double? Temperature, Feedback? Feedback, MomentSource Source, GradientQuality Quality,
    double Microseconds)
{
    /// <summary>
    /// The time of one sequence in microseconds, times its mean squared error. For an unbiased estimator this is how long it must be averaged until
    /// the error of the mean is as long as the true gradient.
    /// </summary>
    public double MicrosecondsAUnitOfError => Microseconds * Quality.MeanSquaredError.Value;

    /// <summary>Mean cosine of a single batch's gradient and the reference; null where that was not measured.</summary>
    public Estimate? BatchCosine { get; init; }
}

/// <summary>What was measured of the estimators in one setting.</summary>
/// <param name="Title">A phrase that tells the settings apart.</param>
/// <param name="Setting">The setting in numbers: vocabulary, length, entropy ...</param>
/// <param name="Rows">A row for each estimator, temperature and feedback.</param>
public sealed record GradientTable(string Title, IReadOnlyList<(string Name, double Value)> Setting, IReadOnlyList<GradientRow> Rows)
{
    /// <summary>Whether variance and squared error are those of one sequence (1) or of a batch (its size).</summary>
    public int Batch { get; init; } = 1;

    /// <summary>What else was found, in sentences.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>What the columns mean.</summary>
    public static IReadOnlyList<(string Name, string Meaning)> Definitions { get; } =
    [
        ("relative_bias",
            "|E g - g*| / |g*|, g* being the truth (with --run: the reference) and g the estimator; all parameters of the generator together."),
        ("cosine", "of E g and g*; with noise, that of the noise's share is taken off."),
        ("norm_ratio", "|E g| / |g*|."),
        ("variance", "E|g - E g|^2 / |g*|^2, the variances of all coordinates together, of one sequence (with --run: of one batch)."),
        ("mean_squared_error", "E|g - g*|^2 / |g*|^2 = variance + relative bias squared, of one sequence (with --run: of one batch)."),
        ("microseconds", "that training takes for the gradient of one sequence, in a batch, on this machine now."),
        ("microseconds_a_unit_of_error", "microseconds times mean squared error; lower is better."),
    ];
}
