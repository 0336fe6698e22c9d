using System.Globalization;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Storage;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Printing;

/// <summary>What a run has come to, printed at its end: likelihoods, and samples beside real lines.</summary>
internal static class TrainingResult
{
    private const int SamplesShown = 10;

    public static void Write(string folder, TableWriter writer)
    {
        RunSummary summary = RunSummary.Read(folder);
        string test = summary.TestNll is { } nats
            ? string.Create(CultureInfo.InvariantCulture, $"{nats:F3} after (test)")
            : "no test text was held out";
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Held-out NLL, nats a token: {summary.FirstValidationNll:F3} before "
            + $"training, {summary.SelectedValidationNll:F3} selected (step {summary.SelectedStep}), {summary.LastValidationNll:F3} after "
            + $"(validation); {test}."));
        foreach (Metric metric in MetricCatalogue.All.Where(metric => metric.IsToldAtTheEnd))
        {
            foreach (string tag in metric.WhileTraining.Select(metric.TagOf).Where(summary.PhaseEnded.ContainsKey))
            {
                writer.WriteLine($"{tag}: {WithLimits(summary.PhaseBegan, tag)} before the {summary.EvaluatedPhase} phase, "
                    + $"{WithLimits(summary.PhaseEnded, tag)} after ({metric.Direction}).");
            }
        }

        (IReadOnlyList<string> real, IReadOnlyList<string> generated) = RunSamples.ReadLatest(folder, SamplesShown);
        writer.Write([["real (held out)", "generated"], .. generated.Select((line, i) => (string[])[i < real.Count ? real[i] : "", line])]);
    }

    // With the 95% limits where the number is an estimate.
    private static string WithLimits(IReadOnlyDictionary<string, double> scalars, string tag)
    {
        double value = scalars.GetValueOrDefault(tag, double.NaN);
        return scalars.TryGetValue(tag + InterimEvaluation.LowerSuffix, out double lower)
                && scalars.TryGetValue(tag + InterimEvaluation.UpperSuffix, out double upper)
            ? string.Create(CultureInfo.InvariantCulture, $"{value:F4} ({lower:F4} to {upper:F4})")
            : string.Create(CultureInfo.InvariantCulture, $"{value:F4}");
    }
}
