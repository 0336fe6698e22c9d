using System.Globalization;
using GumbelGan.Storage;
using GumbelGan.Training.Runs;

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
        (IReadOnlyList<string> real, IReadOnlyList<string> generated) = RunSamples.ReadLatest(folder, SamplesShown);
        writer.Write([["real (held out)", "generated"], .. generated.Select((line, i) => (string[])[i < real.Count ? real[i] : "", line])]);
    }
}
