using GumbelGan.Training.Recording;

namespace GumbelGan.Training.Runs;

/// <summary>What a finished run has come to, read from its own journal.</summary>
/// <param name="FirstValidationNll">Nats a token on the validation split before training; null where none was recorded.</param>
/// <param name="BestValidationNll">The lowest.</param>
/// <param name="LastValidationNll">After the last step.</param>
/// <param name="TestNll">On the test split, once, after the last step; null where no test text was held out.</param>
public sealed record TrainingSummary(double? FirstValidationNll, double? BestValidationNll, double? LastValidationNll, double? TestNll)
{
    /// <summary>Reads the journal of the run in <paramref name="folder"/>.</summary>
    public static TrainingSummary Read(string folder)
    {
        IReadOnlyList<MetricsRecord> records = MetricsJournal.Read(Path.Combine(folder, MetricsJournal.FileName));
        double[] validation = [.. Values(records, "nll/validation")];
        double[] test = [.. Values(records, "nll/test")];
        return new TrainingSummary(
            validation.Length == 0 ? null : validation[0], validation.Length == 0 ? null : validation.Min(),
                validation.Length == 0 ? null : validation[^1], test.Length == 0 ? null : test[^1]);
    }

    private static IEnumerable<double> Values(IReadOnlyList<MetricsRecord> records, string tag) =>
        records.Where(record => record.Scalars.ContainsKey(tag)).Select(record => record.Scalars[tag]);
}
