using System.Globalization;
using GumbelGan.Training.Runs;

namespace GumbelGan.Cli.Printing;

/// <summary>Runs as <c>gumbelgan runs</c> lists them.</summary>
internal static class RunsTable
{
    public static void Write(IReadOnlyList<RunSummary> runs, TimeProvider clock, TableWriter writer) => writer.Write(
    [
        ["run", "status", "phase", "step", "selected NLL", "at step", "test NLL", "age"],
        .. runs.Select(run => (string[])
        [
            run.Name,
            Status(run),
            run.Phase ?? "-",
            run.Step?.ToString(CultureInfo.InvariantCulture) ?? "-",
            Nll(run.SelectedValidationNll),
            run.SelectedStep?.ToString(CultureInfo.InvariantCulture) ?? "-",
            Nll(run.TestNll),
            run.AgeInWords(clock),
        ]),
    ]);

    /// <summary>The same for a script.</summary>
    public static object Document(RunSummary run) =>
        new { run.Name, Status = Status(run), run.Phase, run.Step, run.SelectedValidationNll, run.SelectedStep, run.TestNll, run.LastWrite };

    private static string Status(RunSummary run) => run.Status.ToString().ToLowerInvariant();

    private static string Nll(double? nats) => nats?.ToString("F3", CultureInfo.InvariantCulture) ?? "-";
}
