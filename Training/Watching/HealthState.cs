using System.Globalization;

namespace GumbelGan.Training.Watching;

/// <summary>
/// What is wrong with a run at present, kept in its checkpoints so that a resumed run warns neither twice nor too late. Each warning comes
/// once when a trouble begins, and again only after it has gone.
/// </summary>
public sealed record HealthState
{
    // Below this a discriminator knows next to nothing of hard samples.
    private const double HardAuc = 0.6;

    /// <summary>Whether the generator repeats itself.</summary>
    public bool IsCollapsed { get; init; }

    /// <summary>Reports in a row with a discriminator loss below the limit.</summary>
    public int SaturatedReports { get; init; }

    /// <summary>Whether relaxed samples have no gradient left.</summary>
    public bool IsOneHot { get; init; }

    /// <summary>Whether the discriminator tells relaxed samples from real sequences, but not hard ones.</summary>
    public bool KnowsOnlySoftness { get; init; }

    /// <summary>Takes in the share of distinct samples of an evaluation.</summary>
    /// <returns>The state now, and a warning or null.</returns>
    public (HealthState State, string? Warning) WithDistinct(HealthOptions options, double share, int samples)
    {
        bool collapsed = share < options.MinimumDistinct;
        return (this with { IsCollapsed = collapsed }, collapsed && !IsCollapsed
            ? string.Create(CultureInfo.InvariantCulture, $"The generator has collapsed: only {share:P1} of {samples} samples are distinct; lower "
                + $"adversarial.generator_learning_rate, or raise the temperature.")
            : null);
    }

    /// <summary>Takes in the discriminator's loss at a report.</summary>
    /// <returns>The state now, and a warning or null.</returns>
    public (HealthState State, string? Warning) WithDiscriminatorLoss(HealthOptions options, double loss)
    {
        int reports = loss < options.SaturatedLoss ? Math.Min(SaturatedReports + 1, options.SaturatedReports) : 0;
        return (this with { SaturatedReports = reports }, reports == options.SaturatedReports && SaturatedReports < reports
            ? string.Create(CultureInfo.InvariantCulture, $"The discriminator is saturated: its loss was below {options.SaturatedLoss} "
                + $"at {reports} reports in a row, so the generator learns little; lower adversarial.discriminator_learning_rate or "
                + $"adversarial.discriminator_steps.")
            : null);
    }

    /// <summary>Takes in the share of relaxed tokens that are exactly one-hot.</summary>
    /// <param name="options">The limit.</param>
    /// <param name="share">At <paramref name="temperature"/>.</param>
    /// <param name="temperature">Of the relaxation.</param>
    /// <param name="shareAtOne">The share at temperature 1, asked only where there is something to explain.</param>
    /// <returns>The state now, and a warning or null.</returns>
    public (HealthState State, string? Warning) WithOneHot(HealthOptions options, double share, double temperature, Func<double> shareAtOne)
    {
        bool oneHot = options.MaximumOneHot > 0 && share > options.MaximumOneHot;
        return (this with { IsOneHot = oneHot }, !oneHot || IsOneHot ? null
            : temperature >= 1 || shareAtOne() > options.MaximumOneHot
            ? string.Create(CultureInfo.InvariantCulture,
                $"The generator's logits have exploded: {share:P1} of the relaxed tokens are exactly one-hot "
                + $"in single precision, whatever the temperature, and pass no gradient; lower adversarial.generator_learning_rate.")
            : string.Create(CultureInfo.InvariantCulture, $"The temperature {temperature:G3} underflows: {share:P1} of the relaxed tokens are "
                + $"exactly one-hot in single precision and pass no gradient; raise temperature.final."));
    }

    /// <summary>Takes in what the discriminator tells apart.</summary>
    /// <returns>The state now, and a warning or null.</returns>
    public (HealthState State, string? Warning) WithDiagnosis(HealthOptions options, GameDiagnosis diagnosis)
    {
        bool only = options.SoftnessAuc > 0 && diagnosis.Soft > options.SoftnessAuc && diagnosis.Hard < HardAuc;
        return (this with { KnowsOnlySoftness = only }, only && !KnowsOnlySoftness
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"The discriminator has learned softness, not language: its AUC of real text against relaxed samples is {diagnosis.Soft:F2}, "
                    + $"against the generator's own hard samples {diagnosis.Hard:F2}; "
                + $"set adversarial.relaxation to one whose samples are hard.")
            : null);
    }
}
